//! The events that were found in intact logs: as many as a report can need, and the same ones in
//! whatever order they were found.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::location::ObjectLocation;
use super::event::{Deed, RecordedEvent};

/// Of each kind so many are kept for each chain, the earliest ones: whoever can cause events must
/// not be able to fill the memory with them, or to push out those of another kind.
const MOST: usize = 500;

/// An event, and the intact log that records it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kept {
    /// The event.
    pub event: RecordedEvent,
    /// The log.
    pub log: ObjectLocation,
}

/// All events that were found.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    kept: BTreeMap<(Arc<str>, Deed), BTreeSet<Kept>>,
    overflowed: bool,
}

impl Ledger {
    /// Takes in the events of a log that a digest of `chain` names.
    pub fn add(
        &mut self,
        chain: &Arc<str>,
        log: &ObjectLocation,
        events: impl IntoIterator<Item = RecordedEvent>,
    ) {
        for event in events {
            let kept = self
                .kept
                .entry((Arc::clone(chain), event.deed))
                .or_default();
            let log = log.clone();
            kept.insert(Kept { event, log });
            if kept.len() > MOST {
                kept.pop_last();
                self.overflowed = true;
            }
        }
    }

    /// Whether there were more than are kept.
    pub fn has_overflowed(&self) -> bool {
        self.overflowed
    }

    /// All events, each once, the earliest first.
    pub(super) fn events(&self) -> Vec<&Kept> {
        let mut all: Vec<_> = self.kept.values().flatten().collect();
        all.sort();
        // Every trail records an event in a log of its own.
        all.dedup_by(|later, first| {
            (later.event.at, &later.event.id) == (first.event.at, &first.event.id)
        });
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(second: i64, deed: Deed) -> RecordedEvent {
        let text: Box<str> = "".into();
        RecordedEvent {
            at: jiff::Timestamp::from_second(second).unwrap(),
            id: second.to_string().into(),
            deed,
            who: text.clone(),
            address: text.clone(),
            account: text.clone(),
            region: text,
            trail: None,
            validation: None,
            bucket: None,
            key: None,
        }
    }

    #[test]
    fn the_earliest_are_kept_whatever_the_order() {
        let (chain, log) = (Arc::from("a/b/c"), ObjectLocation::new("b", "k"));
        let all: Vec<_> = (0..2000).map(|at| event(at, Deed::PutObject)).collect();
        let mut forward = Ledger::default();
        forward.add(&chain, &log, all.iter().cloned());
        forward.add(&chain, &log, [event(9000, Deed::StopLogging)]);
        let mut backward = Ledger::default();
        backward.add(&chain, &log, [event(9000, Deed::StopLogging)]);
        backward.add(&chain, &log, all.iter().rev().cloned());
        for ledger in [&forward, &backward] {
            assert!(ledger.has_overflowed());
            let events = ledger.events();
            assert_eq!(events.len(), MOST + 1);
            assert_eq!(&*events[MOST - 1].event.id, "499");
            assert_eq!(events[MOST].event.deed, Deed::StopLogging);
        }
    }
}
