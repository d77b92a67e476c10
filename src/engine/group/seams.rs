//! Parts of one bucket in folders of their own, one for each month or day. The first digests of a part name
//! logs of the minutes before midnight, which lie in the part before it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::verify::digest::VerifiedDigest;
use crate::verify::inventory::Inventory;
use crate::verify::location::{LogName, RootId};
use crate::verify::time::midnight;

/// A bucket and a prefix.
type Place = (Box<str>, Box<str>);

/// What is known of a group's roots, as far as one may be a part of the same bucket as another.
#[derive(Debug, Default)]
pub(super) struct Seams {
    /// The day of each root's oldest digest that listings have shown: a copy may have been cut there.
    first_days: BTreeMap<RootId, Timestamp>,
    /// What verified digests say their roots are copies of.
    places: BTreeMap<RootId, BTreeSet<Place>>,
    /// Logs that only digests of another root name, and that root.
    borrowed: BTreeMap<(RootId, LogName), RootId>,
}

impl Seams {
    /// Takes note that a root has a digest of this day.
    pub(super) fn reach(&mut self, root: RootId, day: Timestamp) {
        let first = self.first_days.entry(root).or_insert(day);
        *first = (*first).min(day);
    }

    /// The first day of which any root has digests.
    pub(super) fn first_day(&self) -> Option<Timestamp> {
        self.first_days.values().copied().min()
    }

    /// Takes note of what a verified digest says of its root.
    pub(super) fn state(&mut self, root: RootId, digest: &VerifiedDigest) {
        if let Some((prefix, _)) = digest.location().split() {
            let place = (digest.location().bucket().as_ref().into(), prefix.into());
            self.places.entry(root).or_default().insert(place);
        }
    }

    /// Whether a log of this time that a digest in `root` names may lie in another part: `root` itself
    /// begins only after its day. What a root covers, it has to have.
    pub(super) fn is_before(&self, root: RootId, time: Timestamp) -> bool {
        let first = self.first_days.get(&root);
        first.is_some_and(|first| time < *first)
    }

    /// Whether a root with digests may be the part that a log of this time lies in.
    pub(super) fn may_hold(&self, root: RootId, time: Timestamp) -> bool {
        // Where none of its digests was listed, it ends before the range.
        let first = self.first_days.get(&root);
        first.is_none_or(|first| *first <= midnight(time))
    }

    /// Takes note that a digest in `by` names a log of `root`, which none there has named so far.
    pub(super) fn borrow(&mut self, (root, name): (RootId, LogName), by: RootId) {
        self.borrowed.insert((root, name), by);
    }

    /// Takes note that a digest in `root` itself names a log there.
    pub(super) fn own(&mut self, root: RootId, name: LogName) {
        if !self.borrowed.is_empty() {
            self.borrowed.remove(&(root, name));
        }
    }

    /// Once all digests are known, takes back what digests about another bucket named. Gives the parts that
    /// follow on each root, with the first day of each.
    pub(super) fn settle(
        &mut self,
        inventories: &mut BTreeMap<RootId, Inventory>,
    ) -> BTreeMap<RootId, BTreeMap<RootId, Timestamp>> {
        let mut parts: BTreeMap<RootId, BTreeMap<RootId, Timestamp>> = BTreeMap::new();
        for ((root, name), by) in std::mem::take(&mut self.borrowed) {
            if !self.are_of_one_bucket(root, by) {
                if let Some(inventory) = inventories.get_mut(&root) {
                    inventory.disown(name);
                }
            } else if let Some(first_day) = self.first_days.get(&by) {
                parts.entry(root).or_default().insert(by, *first_day);
            }
        }
        parts
    }

    /// As far as digests tell: where none in `root` is verified, nothing speaks against it.
    fn are_of_one_bucket(&self, root: RootId, by: RootId) -> bool {
        let (here, there) = (self.places.get(&root), self.places.get(&by));
        here.is_none_or(|here| there.is_some_and(|there| !here.is_disjoint(there)))
    }
}
