//! The verdict on each object, and on all.

use std::collections::{BTreeMap, BTreeSet};

use ct_verify::verify::conclusion::Verdict;

use super::{
    archive::{Digests, Proof},
    reading::{OVERDUE, SLACK, log_name},
};
use crate::{
    forge::{At, Store, Time, keys::sha256},
    trust::mutation::inflated,
};

/// What is wrong with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// It is not what CloudTrail delivered there.
    Wrong,
    /// It is gone.
    Missing,
    /// Nothing proves it, either way.
    Unproven,
}

/// What is to be said of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opinion {
    pub verdict: Verdict,
    pub objects: BTreeMap<At, BTreeSet<Class>>,
    /// Whether some chain ends too early.
    pub ends_early: bool,
}

pub fn opinion(store: &Store, (start, end): (Time, Time)) -> Opinion {
    let digests = Digests::of(store);
    let mut objects: BTreeMap<At, BTreeSet<Class>> = BTreeMap::new();
    for (at, class) in digests.faults() {
        objects.entry(at).or_default().insert(class);
    }
    // Logs that proven digests name.
    let mut named: BTreeSet<&At> = BTreeSet::new();
    let mut kinds: BTreeSet<String> = BTreeSet::from(["CloudTrail".to_owned()]);
    for digest in digests.proven() {
        for (at, hash) in &digest.logs {
            named.insert(at);
            kinds.extend(log_name(&at.1).map(|name| name.kind));
            let class = match store.objects.get(at) {
                None => Some(Class::Missing),
                Some(object) => match inflated(&object.body) {
                    Some(content) if sha256(&content) == *hash => None,
                    _ => Some(Class::Wrong),
                },
            };
            if let Some(class) = class {
                objects.entry(at.clone()).or_default().insert(class);
            }
        }
    }
    // Logs that nothing proven names.
    for at in store.keys().filter(|at| !named.contains(at)) {
        let Some(log) = log_name(&at.1).filter(|log| kinds.contains(&log.kind)) else {
            continue;
        };
        if log.time < start || log.time >= end {
            continue;
        }
        let covered = digests.covered(&log.region, at);
        let is_inside =
            |span: &(Time, Time)| span.0 + SLACK <= log.time && log.time + SLACK <= span.1;
        let newest = covered.iter().map(|span| span.1).max();
        let is_pending = newest.is_some_and(|newest| {
            newest - SLACK <= log.time && log.time <= newest + OVERDUE && end - OVERDUE <= newest
        });
        let class = if covered.iter().any(is_inside) && !digests.doubts(&log.region, log.time) {
            Class::Wrong
        } else if is_pending {
            continue;
        } else {
            Class::Unproven
        };
        objects.entry(at.clone()).or_default().insert(class);
    }
    let ends_early = digests.ends().any(|newest| newest + OVERDUE < end);
    let said = |class: Class| objects.values().any(|classes| classes.contains(&class));
    let verdict = if said(Class::Wrong) || said(Class::Missing) {
        Verdict::Invalid
    } else if said(Class::Unproven) || ends_early || digests.proven().next().is_none() {
        Verdict::Unverified
    } else {
        Verdict::Valid
    };
    Opinion {
        verdict,
        objects,
        ends_early,
    }
}

impl Proof {
    /// How the object itself stands.
    pub fn class(self) -> Option<Class> {
        match self {
            Self::Proven => None,
            Self::Wrong | Self::WrongButProven => Some(Class::Wrong),
            Self::Unsigned => Some(Class::Unproven),
        }
    }
}
