//! Several roots with logs of one account and region: parts of one bucket in folders of their own, one for each month
//! or day, or for what came in a night, or copies of it, each of another night.
//!
//! The first digests of a part name logs that lie in the part before it: of the minutes before midnight, or before
//! the cut. The last logs of a copy are named by digests that only a newer copy has.

use std::collections::BTreeSet;
use std::collections::btree_map::{self, BTreeMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::super::logs::{Beside, ChainLogs};
use super::increments::Reaches;
use crate::verify::conclusion::Begins;
use crate::verify::digest::VerifiedDigest;
use crate::verify::inventory::Inventory;
use crate::verify::location::{ChainId, LogKind, LogName, ObjectLocation, RootId};
use crate::verify::time::{NAME_SLACK, midnight, plus};

/// How many logs wait at most until it is known whose they are. An archive of copies has few such logs at a time, or
/// somebody made it up.
const MOST_BORROWED: usize = 100_000;

/// A bucket and a prefix.
pub(in super::super) type Place = (Box<str>, Box<str>);

/// What is known of a group's roots, as far as one may hold what another one's digests name.
#[derive(Debug, Default)]
pub(super) struct Seams {
    /// The day of each root's oldest digest that listings have shown: a copy may have been cut there.
    first_days: BTreeMap<RootId, Timestamp>,
    /// When the oldest of them all ended.
    oldest: Option<Timestamp>,
    /// How far the chains reach in each root.
    pub(super) reaches: Reaches,
    /// What verified digests say their roots are copies of.
    places: BTreeMap<RootId, BTreeSet<Place>>,
    /// The roots that have logs of a kind and day.
    with_day: BTreeMap<(LogKind, i32), Vec<RootId>>,
    /// Those that have logs under unusual names.
    with_odd: Vec<RootId>,
    /// Logs that only digests of another root name so far, by where they lie, and that root.
    borrowed: BTreeMap<(RootId, Box<str>, RootId), Borrowed>,
}

/// A log that a digest of another root names.
#[derive(Debug)]
pub(super) struct Borrowed {
    /// Where the digest says that it lies.
    pub(super) location: ObjectLocation,
    pub(super) name: Option<LogName>,
    /// Whether its digest's own root need not have it: that begins only after its day, or after the cut.
    pub(super) is_at_seam: bool,
    /// What it is to be judged by, where it is asked for.
    pub(super) entry: Option<Entry>,
}

/// An entry of a verified digest.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) digest: Arc<VerifiedDigest>,
    pub(super) logs: Arc<ChainLogs>,
    pub(super) number: usize,
    pub(super) beside: Option<Beside>,
}

/// What is known in the end.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// Where logs are to be looked for that were borrowed.
    pub(super) due: Vec<(RootId, Box<str>, Borrowed)>,
    /// The parts that follow on each root, and up to when their digests speak for its logs.
    pub(super) next_parts: BTreeMap<RootId, BTreeMap<RootId, Timestamp>>,
}

impl Settled {
    /// Takes note that `by` follows on `root`.
    fn follows(&mut self, root: RootId, by: RootId, until: Timestamp) {
        let parts = self.next_parts.entry(root).or_default();
        let known = parts.entry(by).or_insert(until);
        *known = (*known).max(until);
    }
}

impl Seams {
    /// Takes note that a root has a digest that ended then.
    pub(super) fn reach(&mut self, root: RootId, end: Timestamp) {
        let day = midnight(end);
        let first = self.first_days.entry(root).or_insert(day);
        *first = (*first).min(day);
        self.oldest = self.oldest.into_iter().chain([end]).min();
    }

    /// Takes note of what listings have shown.
    pub(super) fn know(&mut self, inventories: &BTreeMap<RootId, Inventory>) {
        self.with_day.clear();
        self.with_odd.clear();
        for (root, inventory) in inventories {
            if inventory.has_odd() {
                self.with_odd.push(*root);
            }
            for day in inventory.days() {
                self.with_day.entry(day).or_default().push(*root);
            }
        }
    }

    /// The midnight that the roots may begin with.
    pub(super) fn begins(&self) -> Option<Begins> {
        self.oldest.map(Begins::with)
    }

    /// Takes note of what a verified digest says of its root.
    pub(super) fn state(&mut self, root: RootId, digest: &VerifiedDigest) {
        if let Some(place) = place_of(digest.location()) {
            self.places.entry(root).or_default().insert(place);
        }
    }

    /// The other roots that may hold a log which a digest in `root` names.
    pub(super) fn beside(&self, root: RootId, name: Option<LogName>) -> Vec<RootId> {
        let with = match name {
            Some(name) => self.with_day.get(&(name.kind(), name.day())),
            None => Some(&self.with_odd),
        };
        let others = with.into_iter().flatten().copied();
        others.filter(|other| *other != root).collect()
    }

    /// Whether a log of this time, which a digest of `chain` in `by` names, may lie in `root` instead: `by` begins only
    /// after its day, or after it came. What a root covers, it has to have.
    pub(super) fn may_hold_for(
        &self,
        (by, chain): (RootId, Option<&ChainId>),
        root: RootId,
        time: Timestamp,
    ) -> bool {
        let is_cut = |chain| self.reaches.is_before_cut((by, chain), root, time);
        self.is_before(by, time) && self.may_hold(root, time) || chain.is_some_and(is_cut)
    }

    /// Whether a root begins only after the day of this time.
    fn is_before(&self, root: RootId, time: Timestamp) -> bool {
        let first = self.first_days.get(&root);
        first.is_some_and(|first| time < *first)
    }

    /// Whether a root may be the part that a log of this time lies in.
    fn may_hold(&self, root: RootId, time: Timestamp) -> bool {
        // Where none of its digests was listed, it ends before the range, or has none.
        let first = self.first_days.get(&root);
        first.is_none_or(|first| *first <= midnight(time))
    }

    /// Whether no more logs may be borrowed.
    pub(super) fn is_full(&self) -> bool {
        self.borrowed.len() >= MOST_BORROWED
    }

    /// Takes note that a digest in `by` names a log of `root`, which none there has named so far.
    pub(super) fn borrow(&mut self, (root, path): (RootId, &str), by: RootId, log: Borrowed) {
        match self.borrowed.entry((root, path.into(), by)) {
            btree_map::Entry::Vacant(free) => {
                free.insert(log);
            }
            btree_map::Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.entry = known.entry.take().or(log.entry);
            }
        }
    }

    /// Takes note that a digest in `root` itself names a log there. Where that is not asked for, who asks for it has
    /// it judged still.
    pub(super) fn own(&mut self, root: RootId, path: &str, is_asked_for: bool) {
        if self.borrowed.is_empty() {
            return;
        }
        let all = (root, path.into(), RootId(0))..=(root, path.into(), RootId(u32::MAX));
        let known = self.borrowed.range(all);
        let known = known.filter(|(_, log)| is_asked_for || log.entry.is_none());
        let known: Vec<_> = known.map(|(at, _)| at.clone()).collect();
        for at in known {
            self.borrowed.remove(&at);
        }
    }

    /// Once all digests are known: where they are about the same bucket, a log is judged by what the other root's
    /// digest says. Where they are not, its own root has to have it after all.
    pub(super) fn settle(&mut self) -> Settled {
        let mut settled = Settled::default();
        let mut refused = Vec::new();
        let mut found = BTreeSet::new();
        for ((root, path, by), log) in std::mem::take(&mut self.borrowed) {
            if !(self.are_of_one_bucket(root, by) || self.is_copy_of(root, &log.location)) {
                refused.push((by, path, log));
                continue;
            }
            if log.is_at_seam
                && let Some(first_day) = self.first_days.get(&by)
            {
                settled.follows(root, by, plus(*first_day, NAME_SLACK));
            }
            found.insert((by, path.clone()));
            settled.due.push((root, path, log));
        }
        for (root, by, until) in self.reaches.cuts() {
            // What accuses takes more than that nothing speaks against it.
            if self.are_told_of_one_bucket(root, by) {
                settled.follows(root, by, until);
            }
        }
        refused.retain(|(by, path, log)| log.is_at_seam && !found.contains(&(*by, path.clone())));
        settled.due.extend(refused);
        settled
    }

    /// Whether verified digests of both say so.
    fn are_told_of_one_bucket(&self, root: RootId, by: RootId) -> bool {
        let both = self.places.get(&root).zip(self.places.get(&by));
        both.is_some_and(|(here, there)| !here.is_disjoint(there))
    }

    /// As far as digests tell: where none in `root` is verified, nothing speaks against it.
    fn are_of_one_bucket(&self, root: RootId, by: RootId) -> bool {
        !self.places.contains_key(&root) || self.are_told_of_one_bucket(root, by)
    }

    /// Whether verified digests say that a root is a copy of where `location` is.
    fn is_copy_of(&self, root: RootId, location: &ObjectLocation) -> bool {
        let place = place_of(location);
        let places = self.places.get(&root);
        place.is_some_and(|place| places.is_some_and(|places| places.contains(&place)))
    }
}

pub(in super::super) fn place_of(location: &ObjectLocation) -> Option<Place> {
    let (prefix, _) = location.split()?;
    Some((location.bucket().as_ref().into(), prefix.into()))
}
