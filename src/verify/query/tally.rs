//! Everything that a run on query results found out, before it is weighed.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::super::finding::{Code, Finding};
use super::super::hashing::Sha256Hash;
use super::super::keys::Fingerprint;
use super::sign_file::UnverifiedSignFile;

/// The verdict on one file of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileVerdict {
    /// It is what CloudTrail Lake wrote.
    Valid,
    /// It is not.
    Invalid,
    /// It is not there.
    Missing,
    /// It could not be read, or nothing vouches for it.
    Unverified,
}

impl FileVerdict {
    /// As reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Invalid => "invalid",
            Self::Missing => "missing",
            Self::Unverified => "unverified",
        }
    }
}

/// How many result files got which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResultCounts {
    /// Intact ones.
    pub valid: u64,
    /// Modified ones.
    pub invalid: u64,
    /// Named ones that are not there.
    pub missing: u64,
    /// Ones that the sign file does not name.
    pub unreferenced: u64,
    /// Ones that could not be read, or that no proven sign file vouches for.
    pub unverified: u64,
}

impl ResultCounts {
    /// One more with this verdict.
    pub fn count(&mut self, verdict: FileVerdict) {
        let counter = match verdict {
            FileVerdict::Valid => &mut self.valid,
            FileVerdict::Invalid => &mut self.invalid,
            FileVerdict::Missing => &mut self.missing,
            FileVerdict::Unverified => &mut self.unverified,
        };
        *counter += 1;
    }

    pub(super) fn add(&mut self, other: Self) {
        self.valid += other.valid;
        self.invalid += other.invalid;
        self.missing += other.missing;
        self.unreferenced += other.unreferenced;
        self.unverified += other.unverified;
    }
}

/// What a sign file claims beside its hashes. None of it is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Its version, where it states one.
    pub version: Option<Box<str>>,
    /// The region.
    pub region: Box<str>,
    /// When the query was complete.
    pub completed: Timestamp,
    /// The key that it says it is signed with.
    pub fingerprint: Fingerprint,
    /// What tells whether another sign file carries the same signature.
    pub signature: Sha256Hash,
}

impl Claims {
    /// The claims of a sign file, proven or not.
    pub fn of(file: &UnverifiedSignFile) -> Self {
        Self {
            version: file.version().map(Into::into),
            region: file.region().into(),
            completed: file.completed(),
            fingerprint: file.fingerprint(),
            signature: Sha256Hash::of(file.signature().to_lowercase().as_bytes()),
        }
    }
}

/// One export: a folder with a sign file, or with result files that lack one.
#[derive(Clone, Debug)]
pub struct ExportTally {
    /// Its bucket, where it is known.
    pub bucket: Option<Arc<str>>,
    /// Its key, without a closing slash.
    pub folder: Arc<str>,
    /// The verdict on its sign file.
    pub sign_file: FileVerdict,
    /// What that claims, where it could be read.
    pub claims: Option<Claims>,
    /// The key that its signature opens under.
    pub signer: Option<Fingerprint>,
    /// Its result files.
    pub results: ResultCounts,
}

/// Everything that a run found out, before it is weighed.
#[derive(Clone, Debug, Default)]
pub struct QueryTally {
    /// All exports.
    pub exports: Vec<ExportTally>,
    /// All findings so far.
    pub findings: Vec<Finding>,
    /// Stored bytes read.
    pub bytes_read: u64,
    /// Bytes hashed.
    pub bytes_hashed: u64,
    /// Whether the run was stopped before its end.
    pub interrupted: bool,
}

/// How findings are weighed.
#[derive(Clone, Debug, Default)]
pub struct QueryWeights {
    /// Codes that count as notices.
    pub allow: BTreeSet<Code>,
    /// Codes that count as invalid.
    pub deny: BTreeSet<Code>,
}
