//! Which bucket and prefix each root stands for, and which digests are out of place in theirs.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;

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

    /// Whether two bindings of one root cannot both be right.
    fn forbid(&self, one: &Binding, other: &Binding) -> bool {
        if one.root != other.root || place(one) == place(other) {
            return false;
        }
        let is_backfill = |binding: &Binding| binding.newest.chain().is_backfill();
        // A backfill digest is made later than its hour, and lies where the trail delivers to by then.
        if is_backfill(one) && self.has(other, one) || is_backfill(other) && self.has(one, other) {
            return false;
        }
        // A change falls between two digests of one chain and into the hour of another; two trails
        // are not changed in the same minute.
        let is_change = self.has(one, other) || self.has(other, one);
        let slack = if is_change {
            OVERDUE
        } else {
            SignedDuration::ZERO
        };
        one.range.start() < minus(other.range.end(), slack)
            && other.range.start() < minus(one.range.end(), slack)
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
    let mut findings = Vec::new();
    for (chain, binding) in all {
        match kept.iter().find(|known| changes.forbid(known, binding)) {
            Some(other) => findings.push(out_of_place(chain, binding, other)),
            None => kept.push(binding.clone()),
        }
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
