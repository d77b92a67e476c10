//! What is seen where digests should be, and what the walk makes of it.

use std::sync::Arc;

use super::super::digest::{UnverifiedDigest, VerifiedDigest};
use super::super::finding::{Finding, Subject};
use super::super::keys::Fingerprint;
use super::super::location::{DigestKey, ObjectLocation, RootId};

/// A digest object that a listing shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedDigest {
    /// Where it lies.
    pub root: RootId,
    /// Its key.
    pub key: DigestKey,
}

/// Why a digest that was read is not proven by its own metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Its metadata holds no signature.
    Unsigned,
    /// No key at hand has its fingerprint.
    KeyUnknown(Fingerprint),
    /// What its metadata holds does not fit, or is no signature.
    Modified(&'static str),
}

/// What was seen where a digest should be.
#[derive(Debug)]
pub enum Sighting {
    /// Nothing is there.
    Absent,
    /// It could not be read, and why.
    Unreadable(Box<str>),
    /// It is no digest, and why.
    Malformed(Box<str>),
    /// Its content says that it belongs elsewhere.
    Moved(ObjectLocation),
    /// A digest, not proven by its own metadata.
    Unproven(Box<UnverifiedDigest>, Doubt),
    /// A digest, proven by its own metadata.
    Proven(Box<VerifiedDigest>),
}

/// The verdict on one digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestVerdict {
    /// Proven, in its place and in its chain.
    Valid,
    /// Proven wrong.
    Invalid,
    /// Not there.
    Missing,
    /// Not proven either way.
    Unverified,
}

/// What the walk has to tell.
#[derive(Debug)]
pub enum WalkEvent {
    /// A digest of the range was judged.
    Judged(Subject, DigestVerdict),
    /// Something was found.
    Finding(Finding),
    /// A digest that vouches for its logs.
    Vouches {
        /// The digest.
        digest: Arc<VerifiedDigest>,
        /// Where it lies.
        root: RootId,
        /// Whether its window overlaps the range.
        in_range: bool,
    },
}
