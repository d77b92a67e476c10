//! Which bucket and prefix each root stands for, and which digests are out of place in theirs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::super::chain::Binding;
use super::super::finding::{Code, Finding, Subject};
use super::super::location::{ObjectLocation, RootId, join_key};
use super::super::text::numbered;
use super::super::time::{OVERDUE, minus};

/// A bucket and a prefix.
type Place<'a> = (&'a str, &'a str);

fn place(binding: &Binding) -> Place<'_> {
    (&binding.bucket, &binding.prefix)
}

fn is_backfill(binding: &Binding) -> bool {
    binding.newest.chain().is_backfill()
}

/// The changes of bucket or prefix that chains made while they lay in one root.
pub(super) struct Changes<'a>(BTreeSet<(RootId, Place<'a>, Place<'a>)>);

impl<'a> Changes<'a> {
    /// Of what these hourly chains state, each newest first.
    pub(super) fn of(chains: impl IntoIterator<Item = &'a [Binding]>) -> Self {
        let mut changes = BTreeSet::new();
        for bindings in chains {
            for (number, after) in bindings.iter().enumerate() {
                let older = bindings.iter().skip(number + 1);
                let before = older.into_iter().find(|it| it.root == after.root);
                if let Some(before) = before.map(place).filter(|it| *it != place(after)) {
                    changes.insert((after.root, before, place(after)));
                }
            }
        }
        Self(changes)
    }

    fn has(&self, before: &Binding, after: &Binding) -> bool {
        let change = (after.root, place(before), place(after));
        self.0.contains(&change)
    }

    /// A backfill digest is made later than its hour, and lies where the trail delivers to by then.
    fn excuse(&self, one: &Binding, other: &Binding) -> bool {
        is_backfill(one) && self.has(other, one) || is_backfill(other) && self.has(one, other)
    }

    /// For how long two bindings of one root may both be right.
    fn slack(&self, one: &Binding, other: &Binding) -> SignedDuration {
        // A change falls between two digests of one chain and into the hour of another; two trails
        // are not changed in the same minute.
        if self.has(one, other) || self.has(other, one) {
            OVERDUE
        } else {
            SignedDuration::ZERO
        }
    }
}

/// Bindings that are kept, of one root and place: hourly ones, or those of backfill digests.
struct Kept<'a> {
    /// The one that most digests state, and its number among all that are kept.
    first: (usize, &'a Binding),
    /// The latest end of all that begin at this time or before; only where that is later than the one before.
    ends: BTreeMap<Timestamp, Timestamp>,
}

impl<'a> Kept<'a> {
    fn new(number: usize, first: &'a Binding) -> Self {
        Self {
            first: (number, first),
            ends: BTreeMap::new(),
        }
    }

    fn add(&mut self, binding: &Binding) {
        let (start, end) = (binding.range.start(), binding.range.end());
        let reached = self.ends.range(..=start).next_back();
        if reached.is_some_and(|(_, reached)| *reached >= end) {
            return;
        }
        let later = self.ends.range(start..);
        let outdone = later.take_while(|(_, reached)| **reached <= end);
        let outdone: Vec<_> = outdone.map(|(start, _)| *start).collect();
        for start in outdone {
            self.ends.remove(&start);
        }
        self.ends.insert(start, end);
    }

    /// Whether one of them cannot be right where `binding` is: their times and its own lie over each other. A
    /// large organization has tens of thousands, so they are not looked through.
    fn forbid(&self, binding: &Binding, changes: &Changes<'_>) -> bool {
        let (_, one) = self.first;
        if changes.excuse(one, binding) {
            return false;
        }
        let slack = changes.slack(one, binding);
        let begin_before = minus(binding.range.end(), slack);
        let latest = self.ends.range(..begin_before).next_back();
        latest.is_some_and(|(_, end)| binding.range.start() < minus(*end, slack))
    }
}

/// All digests of a root must state one bucket and prefix for one time; where they do not, those that
/// fewer digests state are out of place. Gives what is right, and what to tell of the rest.
pub(super) fn settle_bindings(
    mut all: Vec<(&Arc<str>, &Binding)>,
    changes: &Changes<'_>,
) -> (Vec<Binding>, Vec<Finding>) {
    all.sort_by(|(_, a), (_, b)| b.digests.cmp(&a.digests).then_with(|| a.cmp(b)));
    let mut kept: Vec<Binding> = Vec::new();
    let mut by_root: BTreeMap<RootId, BTreeMap<(Place<'_>, bool), Kept<'_>>> = BTreeMap::new();
    let mut findings = Vec::new();
    for (chain, binding) in all {
        let places = by_root.entry(binding.root).or_default();
        // What states the same place speaks for it.
        let others = places.iter().filter(|((it, _), _)| *it != place(binding));
        let against = others.filter(|(_, known)| known.forbid(binding, changes));
        let against = against.map(|(_, known)| known.first);
        if let Some((_, other)) = against.min_by_key(|(number, _)| *number) {
            findings.push(out_of_place(chain, binding, other));
            continue;
        }
        let group = (place(binding), is_backfill(binding));
        let known = places.entry(group);
        known
            .or_insert_with(|| Kept::new(kept.len(), binding))
            .add(binding);
        kept.push(binding.clone());
    }
    (kept, findings)
}

fn out_of_place(chain: &Arc<str>, binding: &Binding, other: &Binding) -> Finding {
    let key = ObjectLocation::new(
        Arc::clone(&binding.bucket),
        join_key(&binding.prefix, &binding.newest.path()),
    );
    let shown = |binding: &Binding| format!("s3://{}", join_key(&binding.bucket, &binding.prefix));
    Finding::new(Code::DigestMoved, Subject::Object(key))
        .in_chain(chain)
        .compared(&shown(other), &shown(binding))
        .detail(format!(
            "{} to another bucket or prefix than those that lie beside",
            numbered(
                binding.digests,
                "digest of this chain says that it belongs",
                "digests of this chain say that they belong"
            )
        ))
}
