//! What the walk found out about its chain.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::super::coverage::Covered;
use super::super::finding::Finding;
use super::super::keys::Fingerprint;
use super::super::location::{ChainId, RootId};
use super::super::time::TimeRange;
use super::binding::Binding;
use super::remembered::Remembered;
use super::sighting::DigestVerdict;

/// Why no digest of a chain covers a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GapCause {
    /// The chain ended, and began anew with a starting digest.
    StartingDigest,
    /// Digests are missing.
    DigestMissing,
    /// Digests are there, and are not what CloudTrail delivered.
    DigestInvalid,
    /// Digests are there, and could not be verified.
    DigestUnverified,
    /// Two digests that follow one another leave time between them.
    NotContiguous,
    /// The chain begins after the start of the range.
    StartsLate,
    /// The chain ends before the end of the range.
    EndsEarly,
}

/// A stretch of time that a chain does not cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// From when to when.
    pub range: TimeRange,
    /// Why no digest covers it.
    pub cause: GapCause,
}

/// How many digests got which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DigestCounts {
    /// Valid ones.
    pub valid: u64,
    /// Invalid ones.
    pub invalid: u64,
    /// Missing ones, as far as their names are known.
    pub missing: u64,
    /// Those not proven either way.
    pub unverified: u64,
}

impl DigestCounts {
    /// Whether any got one.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }

    /// Counts one verdict.
    pub fn count(&mut self, verdict: DigestVerdict) {
        let counter = match verdict {
            DigestVerdict::Valid => &mut self.valid,
            DigestVerdict::Invalid => &mut self.invalid,
            DigestVerdict::Missing => &mut self.missing,
            DigestVerdict::Unverified => &mut self.unverified,
        };
        *counter += 1;
    }
}

/// The oldest digest of a chain names a predecessor that is not there, and the range has no start
/// of its own: whether it should be there is decided when all chains are known.
#[derive(Clone, Debug)]
pub struct OpenEnd {
    /// The finding, should it be one.
    pub finding: Finding,
    /// When the digest that is not there ends.
    pub end: Timestamp,
}

/// What the walk found out about its chain.
#[derive(Debug)]
pub struct ChainSummary {
    /// Which chain.
    pub chain: Arc<ChainId>,
    /// As findings call it.
    pub name: Arc<str>,
    /// What its verified digests cover, by the root that they lie in: a digest vouches for what
    /// was delivered beside it.
    pub covered: BTreeMap<RootId, Covered>,
    /// The time whose logs may be named by digests that could not be verified: that nothing
    /// verified names such a log proves nothing.
    pub doubtful: Covered,
    /// What lies between its verified digests and is not covered, newest first.
    pub gaps: Vec<Gap>,
    /// How often it began anew within time that its older digests cover, so that there is no gap.
    pub restarts_within: u64,
    /// Its digests in the range.
    pub digests: DigestCounts,
    /// The keys that signed its verified digests.
    pub fingerprints: BTreeSet<Fingerprint>,
    /// The newest verified digest.
    pub newest: Option<Remembered>,
    /// When the newest verified digest ends.
    pub newest_end: Option<Timestamp>,
    /// When the newest digest of the range ends that is there and vouches for nothing.
    pub newest_failed: Option<Timestamp>,
    /// When what the oldest verified digest covers begins.
    pub oldest_start: Option<Timestamp>,
    /// Verified digests stored as plain JSON.
    pub stored_plain: u64,
    /// Digests proven by their successors only.
    pub from_successor: u64,
    /// Digests proven by another copy of theirs only.
    pub from_copy: u64,
    /// Which bucket each root stands for.
    pub bindings: Vec<Binding>,
    /// What is undecided at its old end.
    pub open_ends: Vec<OpenEnd>,
    /// What went wrong above the newest verified digest.
    pub broken_at_head: Option<GapCause>,
    /// What went wrong below the oldest verified digest.
    pub broken_at_bottom: Option<GapCause>,
}

impl ChainSummary {
    /// Nothing found out yet.
    pub(in crate::verify) fn new(chain: Arc<ChainId>) -> Self {
        Self {
            name: chain.to_string().into(),
            chain,
            covered: BTreeMap::new(),
            doubtful: Covered::default(),
            gaps: Vec::new(),
            restarts_within: 0,
            digests: DigestCounts::default(),
            fingerprints: BTreeSet::new(),
            newest: None,
            newest_end: None,
            newest_failed: None,
            oldest_start: None,
            stored_plain: 0,
            from_successor: 0,
            from_copy: 0,
            bindings: Vec::new(),
            open_ends: Vec::new(),
            broken_at_head: None,
            broken_at_bottom: None,
        }
    }

    /// What its verified digests cover, wherever they lie.
    pub fn covered_anywhere(&self) -> Covered {
        let mut covered = Covered::default();
        for part in self.covered.values() {
            covered.add_all(part);
        }
        covered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_verdict_is_counted_by_itself() {
        use DigestVerdict::{Invalid, Missing, Unverified, Valid};
        let mut counts = DigestCounts::default();
        for (verdict, times) in [(Valid, 2), (Invalid, 3), (Missing, 4), (Unverified, 5)] {
            (0..times).for_each(|_| counts.count(verdict));
        }
        let expected = DigestCounts {
            valid: 2,
            invalid: 3,
            missing: 4,
            unverified: 5,
        };
        assert_eq!(counts, expected);
    }
}
