//! Findings: their codes, how much they weigh, and what they tell.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::location::{ObjectLocation, RootId};
use super::time::TimeRange;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; proves nothing wrong.
    Notice,
    /// Something asked for could not be verified.
    Unverified,
    /// Something is proven wrong.
    Invalid,
}

impl Severity {
    /// As reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Unverified => "unverified",
            Self::Invalid => "invalid",
        }
    }
}

/// Makes the enum of codes together with its names and severities, so that none lacks either.
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $code:ident = $name:literal, $severity:ident;)+) => {
        /// What was found. Codes are stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[doc = $doc])+ $code,)+
        }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$code,)+];

            /// As users write it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)+
                }
            }

            /// What it weighs, unless the user weighs it otherwise.
            pub fn severity(self) -> Severity {
                match self {
                    $(Self::$code => Severity::$severity,)+
                }
            }

            /// What it means, in one sentence.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Self::$code => concat!($($doc,)+).trim_ascii(),)+
                }
            }
        }
    };
}

codes! {
    /// The chain names a digest that is not there.
    DigestMissing = "digest-missing", Invalid;
    /// The signature does not fit the digest's content, or is not a signature.
    DigestModified = "digest-modified", Invalid;
    /// The object is not a digest: not one whole gzip stream or plain JSON, fields absent or of the wrong type, too large, or under a key that no digest can have.
    DigestMalformed = "digest-malformed", Invalid;
    /// The digest's content says that it belongs elsewhere.
    DigestMoved = "digest-moved", Invalid;
    /// No public key at hand has the digest's fingerprint.
    DigestKeyUnknown = "digest-key-unknown", Invalid;
    /// A digest and its successor disagree on the digest's signature or hash.
    DigestLinkBroken = "digest-link-broken", Invalid;
    /// A digest that no chain reaches, and that no key of CloudTrail's signed.
    DigestOutOfChain = "digest-out-of-chain", Invalid;
    /// There is no signature to check the digest by: neither metadata nor a verified successor.
    DigestUnsigned = "digest-unsigned", Unverified;
    /// The digest could not be read.
    DigestUnreadable = "digest-unreadable", Unverified;
    /// A verified digest names the log, and it is not there.
    LogMissing = "log-missing", Invalid;
    /// The log's SHA-256 differs from the one in a verified digest.
    LogModified = "log-modified", Invalid;
    /// The log's gzip stream is broken: cut, wrong checksum, or bytes after its end; or it holds more than 4 GiB.
    LogMalformed = "log-malformed", Invalid;
    /// The log lies in a covered hour, and no verified digest names it.
    LogUnreferenced = "log-unreferenced", Invalid;
    /// No verified digest covers the log's hour, and nothing that was asked for leaves that out.
    LogUncovered = "log-uncovered", Unverified;
    /// The log could not be read.
    LogUnreadable = "log-unreadable", Unverified;
    /// A file of a snapshot is missing, or is not the one that its manifest names.
    SnapshotAltered = "snapshot-altered", Invalid;
    /// The newest verified digest ended more than 1 h 45 min before the end asked for.
    CoverageEndsEarly = "coverage-ends-early", Unverified;
    /// Nothing was found to verify.
    NoDigests = "no-digests", Unverified;
    /// No digest covers a time inside the range: a chain ended, and another began.
    CoverageGap = "coverage-gap", Notice;
    /// The first digest starts after the start asked for.
    CoverageStartsLate = "coverage-starts-late", Notice;
    /// The trail has chains in other regions, and none here for a time.
    RegionSilent = "region-silent", Notice;
    /// Logs of a kind that no digest of the run names at all: CloudTrail may not digest that kind.
    KindUndigested = "kind-undigested", Notice;
    /// Its name dates it after the newest digest's end, and nothing vouches for it yet.
    LogPending = "log-pending", Notice;
    /// Intact, but stored as plain JSON.
    StoredUncompressed = "stored-uncompressed", Notice;
    /// Metadata is absent; the digest is proven by the next one.
    SignatureFromSuccessor = "signature-from-successor", Notice;
    /// Saved query results lie in a folder that has no sign file.
    SignFileMissing = "sign-file-missing", Invalid;
    /// The signature in the sign file does not fit the hashes that it names, or is not a signature.
    SignFileModified = "sign-file-modified", Invalid;
    /// The object is not a sign file: not its JSON, fields absent or of the wrong type, too large, or it names what cannot be a file of its own folder.
    SignFileMalformed = "sign-file-malformed", Invalid;
    /// No public key at hand has the sign file's fingerprint, and none fits its signature.
    ResultKeyUnknown = "result-key-unknown", Invalid;
    /// A verified sign file names the result file, and it is not there.
    ResultMissing = "result-missing", Invalid;
    /// The SHA-256 of the result file, as it is stored, differs from the one in a verified sign file.
    ResultModified = "result-modified", Invalid;
    /// The result file lies beside a verified sign file, which does not name it.
    ResultUnreferenced = "result-unreferenced", Invalid;
    /// A sign file or a result file could not be read or checked.
    ResultUnreadable = "result-unreadable", Unverified;
    /// No query results were found to verify.
    NoResults = "no-results", Unverified;
}

impl Code {
    /// The code that is named so.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// No single object.
    Run,
    /// An object whose bucket and key are known.
    Object(ObjectLocation),
    /// An object that lies in a root whose bucket only verified digests can tell.
    Listed {
        /// The root.
        root: RootId,
        /// The path from `AWSLogs` on.
        path: Arc<str>,
        /// The time in its name, which tells which bucket the root was at that time.
        time: Option<Timestamp>,
    },
}

/// One thing found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was found.
    pub code: Code,
    /// The object.
    pub subject: Subject,
    /// The chain, or the account and region, as reports name it.
    pub chain: Option<Arc<str>>,
    /// The key of the digest that vouches.
    pub digest: Option<Arc<str>>,
    /// What was expected.
    pub expected: Option<Box<str>>,
    /// What was there.
    pub actual: Option<Box<str>>,
    /// What happened, where the code alone does not tell.
    pub detail: Option<Box<str>>,
    /// The time that it is about, where that is no single object's.
    pub time: Option<TimeRange>,
}

impl Finding {
    /// A finding about `subject`, with nothing more told.
    pub fn new(code: Code, subject: Subject) -> Self {
        Self {
            code,
            subject,
            chain: None,
            digest: None,
            expected: None,
            actual: None,
            detail: None,
            time: None,
        }
    }

    /// The chain it belongs to.
    #[must_use]
    pub fn in_chain(mut self, chain: &Arc<str>) -> Self {
        self.chain = Some(Arc::clone(chain));
        self
    }

    /// The digest that vouches.
    #[must_use]
    pub fn by_digest(mut self, digest: &Arc<str>) -> Self {
        self.digest = Some(Arc::clone(digest));
        self
    }

    /// What was expected, and what was there.
    #[must_use]
    pub fn compared(mut self, expected: &dyn ToString, actual: &dyn ToString) -> Self {
        self.expected = Some(expected.to_string().into());
        self.actual = Some(actual.to_string().into());
        self
    }

    /// The time that it is about.
    #[must_use]
    pub fn spanning(mut self, time: TimeRange) -> Self {
        self.time = Some(time);
        self
    }

    /// What happened.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Box<str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// What happened, in one sentence.
    pub fn message(&self) -> &str {
        self.detail
            .as_deref()
            .unwrap_or_else(|| self.code.meaning())
    }

    /// What happened, and what else there is to say of it, in one sentence.
    pub fn message_and(&self, more: &str) -> String {
        let message = self.message();
        format!("{}; {more}", message.strip_suffix('.').unwrap_or(message))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_kebab_case() {
        let names: BTreeSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            assert_eq!(Code::from_name(code.name()), Some(*code));
            assert!(
                code.name()
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
            );
            assert!(!code.meaning().is_empty());
        }
    }

    #[test]
    fn a_finding_says_what_it_was_told_or_what_its_code_means() {
        let finding = Finding::new(Code::LogMissing, Subject::Run);
        assert_eq!(finding.message(), Code::LogMissing.meaning());
        let told = finding.message_and("look elsewhere");
        assert!(told.ends_with("it is not there; look elsewhere"), "{told}");
        assert_eq!(finding.detail("gone").message(), "gone");
        assert_eq!(Code::LogMissing.to_string(), "log-missing");
        let severities = [Severity::Notice, Severity::Unverified, Severity::Invalid];
        assert_eq!(
            severities.map(Severity::name),
            ["notice", "unverified", "invalid"]
        );
        assert!(severities.is_sorted());
    }
}
