//! What a finding weighs in this run, and how its object is called.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::super::chain::Binding;
use super::super::finding::{Code, Finding, Severity, Subject};
use super::super::location::{RootId, join_key};
use super::tally::Weights;

/// A finding with its weight and its object's own name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weighed {
    /// What was found.
    pub finding: Finding,
    /// What it weighs in this run.
    pub severity: Severity,
    /// The object's bucket, where it is known.
    pub bucket: Option<Arc<str>>,
    /// The object's key, or as much of it as is known.
    pub key: Option<Arc<str>>,
}

/// Which bucket and prefix each root stands for, and when.
pub(super) struct Bindings {
    /// As the source knows them: a bucket is one, whatever its digests say.
    pub(super) stated: BTreeMap<RootId, (Arc<str>, Arc<str>)>,
    /// As verified digests state them.
    pub(super) bound: Vec<Binding>,
}

impl Bindings {
    /// The bucket and prefix of `root` at `time`, or at the time nearest to it that is known.
    fn at(&self, root: RootId, time: Option<Timestamp>) -> Option<(&Arc<str>, &Arc<str>)> {
        if let Some((bucket, prefix)) = self.stated.get(&root) {
            return Some((bucket, prefix));
        }
        let distance = |binding: &&Binding| {
            let Some(time) = time else {
                return SignedDuration::ZERO;
            };
            let before = binding.range.start().duration_since(time);
            let after = time.duration_since(binding.range.end());
            before.max(after).max(SignedDuration::ZERO)
        };
        let of_root = self.bound.iter().filter(|binding| binding.root == root);
        let nearest = of_root.min_by_key(distance)?;
        Some((&nearest.bucket, &nearest.prefix))
    }
}

/// What a code weighs where users allow some and deny others.
pub fn severity_in<'c>(
    code: Code,
    allow: impl IntoIterator<Item = &'c Code>,
    deny: impl IntoIterator<Item = &'c Code>,
) -> Severity {
    let is_it = |its: &Code| *its == code;
    if deny.into_iter().any(is_it) {
        Severity::Invalid
    } else if allow.into_iter().any(is_it) {
        Severity::Notice
    } else {
        code.severity()
    }
}

/// The finding's weight, and its object's bucket and key.
pub(super) fn weigh(finding: Finding, weights: &Weights, bindings: &Bindings) -> Weighed {
    let severity = severity_in(finding.code, &weights.allow, &weights.deny);
    let (bucket, key) = match &finding.subject {
        Subject::Run => (None, None),
        Subject::Object(location) => (
            Some(Arc::clone(location.bucket())),
            Some(Arc::clone(location.key())),
        ),
        Subject::Listed { root, path, time } => match bindings.at(*root, *time) {
            Some((bucket, prefix)) => (
                Some(Arc::clone(bucket)),
                Some(join_key(prefix, path).into()),
            ),
            None => (None, Some(Arc::clone(path))),
        },
    };
    Weighed {
        finding,
        severity,
        bucket,
        key,
    }
}

/// Findings are sorted by chain, key and code, and beyond that by all that tells them apart.
pub(in super::super) fn order(weighed: &Weighed) -> impl Ord + '_ {
    let finding = &weighed.finding;
    (
        (&finding.chain, &weighed.key, finding.code.name()),
        (&weighed.bucket, &finding.digest),
        (&finding.expected, &finding.actual, &finding.detail),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_denied_outweighs_what_is_allowed() {
        let (mine, other) = (Code::LogUncovered, Code::LogPending);
        for (allow, deny, weight) in [
            (vec![], vec![], Severity::Unverified),
            (vec![mine], vec![], Severity::Notice),
            (vec![other], vec![], Severity::Unverified),
            (vec![], vec![mine], Severity::Invalid),
            (vec![], vec![other], Severity::Unverified),
            (vec![mine], vec![mine], Severity::Invalid),
        ] {
            assert_eq!(
                severity_in(mine, &allow, &deny),
                weight,
                "{allow:?} {deny:?}"
            );
        }
    }
}
