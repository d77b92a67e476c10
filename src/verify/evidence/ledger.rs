//! The events that were found in intact logs: as many as a report can need, and the same ones in
//! whatever order they were found.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::location::{LogPath, ObjectLocation};
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
        for mut event in events {
            settle_place(&mut event, log);
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
            let (later, first) = (&later.event, &first.event);
            let is_told = !first.id.is_empty();
            later.at == first.at && later.id == first.id && (is_told || later == first)
        });
        all
    }
}

/// A record that does not tell its account or region was recorded where its log lies.
fn settle_place(event: &mut RecordedEvent, log: &ObjectLocation) {
    if !event.account.is_empty() && !event.region.is_empty() {
        return;
    }
    let path = log.split().and_then(|(_, path)| LogPath::parse(path));
    let Some(place) = path.map(|path| path.place) else {
        return;
    };
    if event.account.is_empty() {
        event.account = place.account().into();
    }
    if event.region.is_empty() {
        event.region = place.region().into();
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

    #[test]
    fn what_a_record_does_not_tell_its_log_does() {
        let path = "AWSLogs/o-1234567890/123456789012/CloudTrail/eu-west-1/2024/03/10/123456789012_CloudTrail_eu-west-1_20240310T0210Z_0123456789abcdef.json.gz";
        let log = ObjectLocation::new("b", path);
        let told = |account: &str, region: &str| {
            let mut one = event(0, Deed::StopLogging);
            one.account = account.into();
            one.region = region.into();
            let mut ledger = Ledger::default();
            ledger.add(&"chain".into(), &log, [one]);
            let events = ledger.events();
            let event = &events[0].event;
            (event.account.to_string(), event.region.to_string())
        };
        let of = |account: &str, region: &str| (account.to_owned(), region.to_owned());
        assert_eq!(told("", ""), of("123456789012", "eu-west-1"));
        assert_eq!(told("210987654321", ""), of("210987654321", "eu-west-1"));
        assert_eq!(told("", "us-east-1"), of("123456789012", "us-east-1"));
    }

    /// Whatever has no id is the same only where all of it is.
    #[test]
    fn each_event_counts_once() {
        let count = |ids: [&str; 2], whose: [&str; 2]| {
            let events = ids.into_iter().zip(whose).map(|(id, who)| RecordedEvent {
                id: id.into(),
                who: who.into(),
                ..event(0, Deed::StopLogging)
            });
            let mut ledger = Ledger::default();
            for (number, event) in events.enumerate() {
                let log = ObjectLocation::new("b", format!("k{number}"));
                ledger.add(&number.to_string().into(), &log, [event]);
            }
            ledger.events().len()
        };
        assert_eq!(count(["1", "1"], ["eve", "eve"]), 1);
        assert_eq!(count(["1", "2"], ["eve", "eve"]), 2);
        assert_eq!(count(["", ""], ["eve", "eve"]), 1);
        assert_eq!(count(["", ""], ["eve", "mallory"]), 2);
    }
}
