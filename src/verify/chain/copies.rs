//! Copies of one digest, which lie in several roots: what proves one of them proves the others.

use std::sync::Arc;

use super::super::digest::{UnverifiedDigest, VerifiedDigest};
use super::super::finding::Finding;
use super::super::hashing::Sha256Hash;
use super::super::location::{DigestKey, ObjectLocation};
use super::sighting::{DigestVerdict, ListedDigest};
use super::walk::{Passed, Walk};

/// A digest that nothing proves so far. A copy of it may come next, and have kept its signature.
#[derive(Debug)]
pub(super) struct Unsigned {
    at: ListedDigest,
    finding: Finding,
    place: ObjectLocation,
    hash: Sha256Hash,
    is_stored_plain: bool,
}

impl Unsigned {
    pub(super) fn is_of(&self, key: &DigestKey) -> bool {
        self.at.key == *key
    }
}

impl Passed {
    /// Keeps the signature of a digest of this time, for copies of it that come later.
    pub(super) fn keep_signature(&mut self, digest: &VerifiedDigest) {
        let signed = (digest.location().clone(), digest.signature().clone());
        if !self.signed.contains(&signed) {
            self.signed.push(signed);
        }
    }
}

impl Walk {
    /// Waits with the finding on a digest without a signature, until all copies of it have come.
    pub(super) fn wait_for_copy(
        &mut self,
        at: &ListedDigest,
        finding: Finding,
        digest: &UnverifiedDigest,
    ) {
        self.unsigned.push(Unsigned {
            at: at.clone(),
            finding,
            place: digest.location().clone(),
            hash: *digest.hash(),
            is_stored_plain: digest.is_stored_plain(),
        });
    }

    /// No copy of them came that is proven.
    pub(super) fn end_waiting(&mut self) {
        for unsigned in std::mem::take(&mut self.unsigned) {
            let Unsigned { at, finding, .. } = unsigned;
            self.fail(&at, finding, DigestVerdict::Unverified, false);
        }
    }

    /// The copies of a digest that is proven, of those that came before it. The others are none.
    pub(super) fn take_copies(&mut self, digest: &VerifiedDigest) -> Vec<Unsigned> {
        let is_copy = |it: &Unsigned| it.place == *digest.location() && it.hash == *digest.hash();
        let (copies, others) = std::mem::take(&mut self.unsigned)
            .into_iter()
            .partition(is_copy);
        self.unsigned = others;
        self.end_waiting();
        copies
    }

    /// Each copy of a digest that is proven vouches for the logs beside it.
    pub(super) fn vouch_copies(
        &mut self,
        copies: Vec<Unsigned>,
        digest: &Arc<VerifiedDigest>,
        in_range: bool,
    ) {
        for copy in copies {
            self.judge(copy.finding.subject, DigestVerdict::Valid, in_range);
            self.summary.from_copy += u64::from(in_range);
            self.vouch(&copy.at, Arc::clone(digest), copy.is_stored_plain);
        }
    }
}
