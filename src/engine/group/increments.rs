//! Roots that are increments: each holds what came into the bucket since the one before it was made.
//!
//! They are cut within a day, and a digest is written half an hour after the last log that it names. So the first
//! digests of an increment name logs that came before the cut.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::verify::location::{ChainId, DigestKey, RootId};
use crate::verify::time::{OVERDUE, minus, plus};

/// An increment that has logs of a digest's hour has the digest of the hour before that, or one yet older, which came
/// after the increment was begun.
const AT_MOST_BEFORE: SignedDuration = SignedDuration::from_hours(4);

/// How far the listed digests of a chain reach in one root.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// When the oldest one ended.
    oldest: Timestamp,
    /// When the newest one ended.
    newest: Timestamp,
}

impl Reach {
    /// Whether all digests of `before` are older. A whole copy begins with the chain, and is later than none. A copy
    /// whose older digests somebody deleted looks like an increment: what it then need not have must lie
    /// intact in an earlier one.
    fn is_later_than(self, before: Self) -> bool {
        before.newest < self.oldest
    }

    /// Takes in what else is known of it.
    fn join(&mut self, other: Self) {
        self.oldest = self.oldest.min(other.oldest);
        self.newest = self.newest.max(other.newest);
    }

    /// When logs were delivered at the latest that came before the first of the digests did.
    fn cut(self) -> Timestamp {
        plus(self.oldest, OVERDUE)
    }
}

/// How far hourly chains reach in each root.
#[derive(Debug, Default)]
pub(super) struct Reaches(BTreeMap<Arc<ChainId>, BTreeMap<RootId, Reach>>);

impl Reaches {
    /// Takes note that a root has a digest, whether it is of the range or beside it. Backfill digests come whenever
    /// gaps are found, and tell nothing of a cut.
    pub(super) fn add(&mut self, root: RootId, key: &DigestKey) {
        if key.chain().is_backfill() {
            return;
        }
        let end = key.end();
        let of_chain = match self.0.get_mut(key.chain()) {
            Some(known) => known,
            None => self.0.entry(Arc::clone(key.chain())).or_default(),
        };
        let reach = Reach {
            oldest: end,
            newest: end,
        };
        of_chain.entry(root).or_insert(reach).join(reach);
    }

    /// Takes in what was found out about another listing.
    pub(super) fn absorb(&mut self, other: Self) {
        for (chain, roots) in other.0 {
            let known = self.0.entry(chain).or_default();
            for (root, reach) in roots {
                known.entry(root).or_insert(reach).join(reach);
            }
        }
    }

    /// Whether a log of this time, which a digest of `chain` in `by` names, may have come before `by` was begun, and
    /// lie in `root`. What backfill digests name came when hourly ones did.
    pub(super) fn is_before_cut(
        &self,
        (by, chain): (RootId, &ChainId),
        root: RootId,
        time: Timestamp,
    ) -> bool {
        let is_cut = |roots: &BTreeMap<RootId, Reach>| {
            let Some(later) = roots.get(&by) else {
                // It begins after all hourly digests that are noted, which may be beside the range.
                return chain.is_backfill() && roots.contains_key(&root);
            };
            if time >= later.cut() {
                return false;
            }
            // An increment that was made before the next digest came has logs only.
            let may_be_earlier = roots.get(&root).is_none_or(|it| later.is_later_than(*it));
            may_be_earlier && roots.values().any(|it| later.is_later_than(*it))
        };
        if chain.is_backfill() {
            self.0.values().any(is_cut)
        } else {
            self.0.get(chain).is_some_and(is_cut)
        }
    }

    /// The pairs of increments of which the later one's first digests may name logs of the earlier one, which
    /// comes first, and up to when such logs are dated.
    pub(super) fn cuts(&self) -> Vec<(RootId, RootId, Timestamp)> {
        let mut cuts = Vec::new();
        for roots in self.0.values() {
            let by_newest = roots.iter().map(|(root, it)| (it.newest, *root));
            let by_newest: BTreeSet<_> = by_newest.collect();
            for (by, later) in roots {
                let from = (minus(later.oldest, AT_MOST_BEFORE), RootId(0));
                let before = by_newest.range(from..(later.oldest, RootId(0)));
                cuts.extend(before.map(|(_, root)| (*root, *by, later.cut())));
            }
        }
        cuts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: RootId = RootId(1);
    const BEFORE: RootId = RootId(2);
    const OTHER: RootId = RootId(3);

    fn at(time: &str) -> Timestamp {
        format!("2024-03-{time}:00Z").parse().unwrap()
    }

    fn key(trail: &str, end: &str) -> DigestKey {
        parsed(trail, end, "")
    }

    fn parsed(trail: &str, end: &str, suffix: &str) -> DigestKey {
        let end: String = format!("2024-03-{end}:00Z").replace(['-', ':'], "");
        let (day, folder) = (
            &end[6..8],
            "AWSLogs/111122223333/CloudTrail-Digest/us-east-1",
        );
        let name = format!("111122223333_CloudTrail-Digest_us-east-1_{trail}_us-east-1_{end}");
        DigestKey::parse(&format!("{folder}/2024/03/{day}/{name}{suffix}.json.gz")).unwrap()
    }

    fn reaches(digests: &[(RootId, &str, &str)]) -> Reaches {
        let mut all = Reaches::default();
        for (root, name, end) in digests {
            // In listings of their own, which come in any order.
            let mut listing = Reaches::default();
            listing.add(*root, &key(name, end));
            all.absorb(listing);
        }
        all
    }

    #[test]
    fn an_increment_need_not_have_what_came_before_it() {
        let reaches = reaches(&[
            (PART, "a", "10T04:00"),
            (PART, "a", "10T03:00"),
            (BEFORE, "a", "10T01:00"),
            (BEFORE, "a", "10T02:00"),
        ]);
        let chain = Arc::clone(key("a", "10T03:00").chain());
        let is_before = |by, root, time| reaches.is_before_cut((by, &chain), root, at(time));
        assert!(is_before(PART, BEFORE, "10T02:10"));
        assert!(is_before(PART, BEFORE, "10T04:44"));
        assert!(!is_before(PART, BEFORE, "10T04:45"));
        // One that has logs only may be as early.
        assert!(is_before(PART, OTHER, "10T02:10"));
        assert!(!is_before(BEFORE, PART, "10T02:10"));
        assert!(!is_before(BEFORE, OTHER, "10T00:10"));
        assert_eq!(reaches.cuts(), [(BEFORE, PART, at("10T04:45"))]);
        let other = key("b", "10T03:00");
        assert!(!reaches.is_before_cut((PART, other.chain()), BEFORE, at("10T02:10")));
        let backfill = parsed("a", "10T03:00", "_backfill");
        assert!(backfill.chain().is_backfill());
        assert!(reaches.is_before_cut((PART, backfill.chain()), BEFORE, at("10T02:10")));
    }

    #[test]
    fn a_copy_that_has_the_others_digests_is_no_increment() {
        for shared in ["10T02:00", "10T03:00"] {
            let reaches = reaches(&[
                (PART, "a", "10T03:00"),
                (PART, "a", shared),
                (BEFORE, "a", "10T02:00"),
                (BEFORE, "a", shared),
            ]);
            let chain = Arc::clone(key("a", "10T03:00").chain());
            let is_before = reaches.is_before_cut((PART, &chain), BEFORE, at("10T01:30"));
            assert!(!is_before);
            assert_eq!(reaches.cuts(), []);
        }
    }

    #[test]
    fn only_what_is_near_has_logs_of_the_first_hour() {
        for (newest, is_near) in [("10T01:00", true), ("09T23:00", true), ("09T22:59", false)] {
            let reaches = reaches(&[(PART, "a", "10T03:00"), (BEFORE, "a", newest)]);
            assert_eq!(reaches.cuts().len(), usize::from(is_near), "{newest}");
        }
    }

    #[test]
    fn a_backfill_digest_may_be_all_that_an_increment_has() {
        let backfill = parsed("a", "10T03:00", "_backfill");
        let mut reaches = reaches(&[(BEFORE, "a", "10T02:00")]);
        reaches.add(PART, &backfill);
        let is_before =
            |root| reaches.is_before_cut((PART, backfill.chain()), root, at("10T01:10"));
        assert!(is_before(BEFORE));
        assert!(!is_before(OTHER));
    }

    #[test]
    fn backfill_digests_tell_nothing_of_a_cut() {
        let mut reaches = Reaches::default();
        reaches.add(PART, &parsed("a", "10T03:00", "_backfill"));
        reaches.add(BEFORE, &parsed("a", "10T02:00", "_backfill"));
        assert_eq!(reaches.cuts(), []);
    }
}
