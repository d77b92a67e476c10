//! Which bucket and prefix each root stands for, and which digests are out of place in theirs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::super::chain::Binding;
use super::super::finding::{Code, Finding, Subject};
use super::super::location::{ObjectLocation, RootId};
use super::super::time::{OVERDUE, minus};
use super::weighing::join;

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

    /// Whether two bindings of one root cannot both be right.
    fn forbid(&self, one: &Binding, other: &Binding) -> bool {
        if one.root != other.root || place(one) == place(other) || self.excuse(one, other) {
            return false;
        }
        let slack = self.slack(one, other);
        one.range.start() < minus(other.range.end(), slack)
            && other.range.start() < minus(one.range.end(), slack)
    }
}

/// Bindings that are kept, of one root and place: hourly ones, or those of backfill digests.
#[derive(Default)]
struct Kept<'a> {
    /// Each with its number, in order.
    all: Vec<(usize, &'a Binding)>,
    /// The latest end of all that begin at this time or before; only where that is later than the one before.
    ends: BTreeMap<Timestamp, Timestamp>,
}

impl<'a> Kept<'a> {
    fn add(&mut self, number: usize, binding: &'a Binding) {
        self.all.push((number, binding));
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

    /// The first that cannot be right where `binding` is. They are looked through only where the time of one of
    /// them and its own lie over each other: a large organization has tens of thousands.
    fn against(&self, binding: &Binding, changes: &Changes<'_>) -> Option<(usize, &'a Binding)> {
        let (_, one) = self.all.first()?;
        if changes.excuse(one, binding) {
            return None;
        }
        let slack = changes.slack(one, binding);
        let begins_before = minus(binding.range.end(), slack);
        let (_, end) = self.ends.range(..begins_before).next_back()?;
        if binding.range.start() >= minus(*end, slack) {
            return None;
        }
        let mut all = self.all.iter().copied();
        all.find(|(_, known)| changes.forbid(known, binding))
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
        let against = others.filter_map(|(_, known)| known.against(binding, changes));
        if let Some((_, other)) = against.min_by_key(|(number, _)| *number) {
            findings.push(out_of_place(chain, binding, other));
            continue;
        }
        let group = (place(binding), is_backfill(binding));
        places.entry(group).or_default().add(kept.len(), binding);
        kept.push(binding.clone());
    }
    (kept, findings)
}

fn out_of_place(chain: &Arc<str>, binding: &Binding, other: &Binding) -> Finding {
    let key = ObjectLocation::new(
        Arc::clone(&binding.bucket),
        join(&binding.prefix, &binding.newest.path()),
    );
    let shown = |binding: &Binding| format!("s3://{}", join(&binding.bucket, &binding.prefix));
    Finding::new(Code::DigestMoved, Subject::Object(key))
        .in_chain(chain)
        .compared(&shown(other), &shown(binding))
        .detail(format!(
            "{} digests of this chain say that they belong to another bucket or prefix than the digests that lie beside them",
            binding.digests
        ))
}
