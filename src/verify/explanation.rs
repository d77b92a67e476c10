//! What a finding means, what can cause it, and what to do about it.

mod coverage;
mod custody;
mod digests;
mod logs;
mod notices;
mod queries;
mod versions;

use super::finding::Code;
pub use versions::{INTACT_VERSION, NO_INTACT_VERSION};

/// What there is to say about a code, beyond any one finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What was seen, and what follows from it.
    pub means: &'static str,
    /// How it comes about with nobody meaning harm.
    pub innocent: &'static [&'static str],
    /// How it comes about when somebody does.
    pub hostile: &'static [&'static str],
    /// What to do, in order.
    pub next: &'static [Step],
}

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What.
    pub what: &'static str,
    /// A command that does it, where there is one. What stands in capitals after a `$` is to be
    /// filled in from the finding.
    pub command: Option<&'static str>,
}

impl Code {
    /// What there is to say about it.
    pub fn explanation(self) -> &'static Explanation {
        match self {
            Self::DigestMissing => &digests::MISSING,
            Self::DigestModified => &digests::MODIFIED,
            Self::DigestMalformed => &digests::MALFORMED,
            Self::DigestMoved => &digests::MOVED,
            Self::DigestKeyUnknown => &digests::KEY_UNKNOWN,
            Self::DigestLinkBroken => &digests::LINK_BROKEN,
            Self::DigestOutOfChain => &digests::OUT_OF_CHAIN,
            Self::DigestUnsigned => &digests::UNSIGNED,
            Self::DigestUnreadable => &digests::UNREADABLE,
            Self::LogMissing => &logs::MISSING,
            Self::LogModified => &logs::MODIFIED,
            Self::LogMalformed => &logs::MALFORMED,
            Self::LogUnreferenced => &logs::UNREFERENCED,
            Self::LogUncovered => &logs::UNCOVERED,
            Self::LogUnreadable => &logs::UNREADABLE,
            Self::SnapshotAltered => &custody::ALTERED,
            Self::CoverageEndsEarly => &coverage::ENDS_EARLY,
            Self::NoDigests => &coverage::NO_DIGESTS,
            Self::CoverageGap => &coverage::GAP,
            Self::CoverageStartsLate => &coverage::STARTS_LATE,
            Self::RegionSilent => &coverage::REGION_SILENT,
            Self::KindUndigested => &notices::KIND_UNDIGESTED,
            Self::LogPending => &notices::LOG_PENDING,
            Self::StoredUncompressed => &notices::STORED_UNCOMPRESSED,
            Self::SignatureFromSuccessor => &notices::SIGNATURE_FROM_SUCCESSOR,
            Self::SignFileMissing => &queries::SIGN_FILE_MISSING,
            Self::SignFileModified => &queries::SIGN_FILE_MODIFIED,
            Self::SignFileMalformed => &queries::SIGN_FILE_MALFORMED,
            Self::ResultKeyUnknown => &queries::KEY_UNKNOWN,
            Self::ResultMissing => &queries::MISSING,
            Self::ResultModified => &queries::MODIFIED,
            Self::ResultUnreferenced => &queries::UNREFERENCED,
            Self::ResultUnreadable => &queries::UNREADABLE,
            Self::NoResults => &queries::NO_RESULTS,
        }
    }
}

const fn step(what: &'static str) -> Step {
    Step {
        what,
        command: None,
    }
}

const fn run(what: &'static str, command: &'static str) -> Step {
    Step {
        what,
        command: Some(command),
    }
}

const VERSIONS: Step = run(
    "Look for earlier versions and delete markers of the object; a versioned bucket tells when it \
     was put or deleted, and keeps what was there before",
    r#"aws s3api list-object-versions --bucket "$BUCKET" --prefix "$KEY""#,
);
const WHO_TOUCHED_IT: Step = run(
    "Find out who touched the object, where S3 data events are recorded for the bucket (in a trail \
     that delivers elsewhere) or server access logs are kept",
    r#"grep -rlF "$KEY" ACCESS-LOGS/"#,
);
const PRESERVE: Step = step(
    "Preserve what is there before anything else is done to it: copy the object with its \
     metadata, note the time, and restrict who may write to the bucket",
);
const ANOTHER_COPY: Step = step(
    "Verify another copy of the same time, if there is one: an earlier snapshot, a backup, or a \
     replica of the bucket, copied into a folder, since its digests name the bucket that it is a \
     replica of. If that copy is valid, it also gives back what was lost",
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::finding::Severity;

    #[test]
    fn every_code_says_what_it_means_and_what_to_do() {
        for code in Code::ALL {
            let explanation = code.explanation();
            assert!(explanation.means.len() > 80, "{code}");
            assert!(!explanation.innocent.is_empty(), "{code}");
            assert!(!explanation.next.is_empty(), "{code}");
            // Nothing vouches for a log that is pending, whoever put it there.
            let may_be_an_attack =
                code.severity() == Severity::Invalid || *code == Code::LogPending;
            assert!(
                !may_be_an_attack || !explanation.hostile.is_empty(),
                "{code}"
            );
        }
    }

    #[test]
    fn sentences_are_whole() {
        for code in Code::ALL {
            let explanation = code.explanation();
            let causes = explanation.innocent.iter().chain(explanation.hostile);
            let steps = explanation.next.iter().map(|step| &step.what);
            for text in causes.chain(steps) {
                assert!(!text.ends_with('.') && !text.contains("  "), "{text}");
            }
            assert!(explanation.means.ends_with('.') && !explanation.means.contains("  "));
        }
    }
}
