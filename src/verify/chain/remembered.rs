//! What an earlier run verified last of a chain, and the walk back to it.

use std::sync::Arc;

use jiff::Timestamp;

use super::super::digest::{UnverifiedDigest, VerifiedDigest};
use super::super::finding::{Code, Finding, Subject};
use super::super::hashing::Sha256Hash;
use super::super::location::{DigestKey, ObjectLocation};
use super::super::signature::Signature;
use super::sighting::DigestVerdict;
use super::summary::GapCause;
use super::walk::{Walk, key_of};

/// The newest digest of a chain that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    location: ObjectLocation,
    key: DigestKey,
    hash: Sha256Hash,
    signature: Signature,
}

impl Remembered {
    /// The digest at `location`; nothing where no digest can lie there.
    pub fn new(location: ObjectLocation, hash: Sha256Hash, signature: Signature) -> Option<Self> {
        Some(Self {
            key: key_of(&location)?,
            location,
            hash,
            signature,
        })
    }

    /// Of a digest that was verified.
    pub(super) fn of(digest: &VerifiedDigest) -> Option<Self> {
        let location = digest.location().clone();
        Self::new(location, *digest.hash(), digest.signature().clone())
    }

    /// Where it lies.
    pub fn location(&self) -> &ObjectLocation {
        &self.location
    }

    /// Its key: its chain, and when it ends.
    pub fn key(&self) -> &DigestKey {
        &self.key
    }

    /// SHA-256 of its content.
    pub fn hash(&self) -> &Sha256Hash {
        &self.hash
    }

    /// Its signature.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }
}

/// What the walk must see next, whether the listing has it or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// What a verified digest names as its predecessor.
    Predecessor,
    /// What an earlier run verified.
    Remembered,
}

impl Walk {
    /// The chain must lead back to what an earlier run verified.
    #[must_use]
    pub fn back_to(mut self, remembered: Option<Remembered>) -> Self {
        self.remembered = remembered;
        self
    }

    /// Whether `key` is that of the digest that an earlier run verified, and that the walk has not
    /// come to yet.
    pub(super) fn is_remembered(&self, key: &DigestKey) -> bool {
        let remembered = self.remembered.as_ref();
        remembered.is_some_and(|remembered| remembered.key == *key)
    }

    /// The newest digest that must be seen, and when it ends.
    pub(super) fn wanted(&self) -> Option<(Timestamp, Wanted)> {
        let demand = self.demand.as_ref().filter(|demand| demand.is_wanted());
        let demanded = demand.map(|demand| (demand.end(), Wanted::Predecessor));
        let remembered = self.remembered.as_ref();
        let remembered = remembered.map(|it| (it.key.end(), Wanted::Remembered));
        match (demanded, remembered) {
            (Some(demanded), Some(remembered)) if remembered.0 > demanded.0 => Some(remembered),
            (demanded, remembered) => demanded.or(remembered),
        }
    }

    /// What an earlier run verified is not there.
    pub(super) fn remembered_is_absent(&mut self) {
        let Some(remembered) = self.remembered.take() else {
            return;
        };
        self.broken_by = self.broken_by.max(Some(GapCause::DigestMissing));
        let subject = Subject::Object(remembered.location);
        let finding = Finding::new(Code::DigestMissing, subject.clone())
            .compared(&remembered.hash, &"absent")
            .detail("an earlier run verified it, and it is not there any more");
        self.judge(subject, DigestVerdict::Missing, true);
        self.find(finding, true);
    }

    /// Compares a digest that is proven with what an earlier run verified in its place. False
    /// where it is another one.
    pub(super) fn compare_with_remembered(
        &mut self,
        subject: &Subject,
        digest: &VerifiedDigest,
    ) -> bool {
        let Some(remembered) = self.remembered.take() else {
            return true;
        };
        if remembered.hash == *digest.hash() && remembered.signature == *digest.signature() {
            return true;
        }
        let finding = Finding::new(Code::DigestLinkBroken, subject.clone())
            .compared(&remembered.hash, digest.hash())
            .detail(if remembered.hash == *digest.hash() {
                "it is signed, but an earlier run verified it with another signature"
            } else {
                "it is signed, but an earlier run verified another digest in its place"
            });
        self.find(finding, true);
        false
    }

    /// A digest that no key at hand can prove any more is still what an earlier run verified,
    /// where its content is the same. It vouches for nothing new.
    pub(super) fn is_unchanged(
        &mut self,
        key: &DigestKey,
        subject: &Subject,
        digest: &UnverifiedDigest,
    ) -> bool {
        let same = |it: &&Remembered| {
            it.key == *key && it.location == *digest.location() && it.hash == *digest.hash()
        };
        let Some(remembered) = self.remembered.as_ref().filter(same).cloned() else {
            return false;
        };
        self.remembered = None;
        self.judge(subject.clone(), DigestVerdict::Valid, true);
        // Nobody vouches for its logs now: that no other digest names them proves nothing.
        self.doubt(key.end());
        let newest = self.summary.newest_end.max(Some(key.end()));
        self.summary.newest_end = newest;
        self.summary.newest.get_or_insert(remembered);
        true
    }

    /// What to add where a digest is missing that an earlier run verified.
    pub(super) fn was_remembered(&self, key: Option<&DigestKey>) -> Option<Arc<str>> {
        let is = key.is_some_and(|key| self.is_remembered(key));
        is.then(|| "; an earlier run verified it".into())
    }
}
