//! What is known of a region's keys, and when CloudTrail is not asked for more of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::fault::{Fault, Kind};
use crate::source::{HeldKey, KeyCall};
use crate::verify::keys::{Fingerprint, KeySet, PublicKey};

/// Keys of a region are asked for around so many days: enough for those of many years. Who writes to
/// the bucket may make up names of keys for as many days as there are.
const MOST_DAYS: usize = 400;
/// After so many days around which a region gave no answer, it is not asked for those around others:
/// each takes as long as anybody has patience.
const MOST_FAILURES: u32 = 3;

/// What is known of a region's keys.
#[derive(Debug)]
pub(super) struct Region {
    pub(super) keys: Result<Arc<KeySet>, Box<str>>,
    /// The days around which more keys were asked for.
    pub(super) asked_around: BTreeSet<Timestamp>,
    /// The days around which they could not be had, and why.
    pub(super) failed_around: BTreeMap<Timestamp, Box<str>>,
    /// For so many days in a row it gave no answer.
    pub(super) failures: u32,
    /// The keys as they came, and the calls that gave them.
    pub(super) held: BTreeSet<HeldKey>,
    pub(super) calls: Vec<KeyCall>,
}

impl Region {
    pub(super) fn new(keys: Result<Arc<KeySet>, Box<str>>) -> Self {
        Self {
            keys,
            asked_around: BTreeSet::new(),
            failed_around: BTreeMap::new(),
            failures: 0,
            held: BTreeSet::new(),
            calls: Vec::new(),
        }
    }

    /// What is known already: a key called `fingerprint`, or what asking for those around `day` came to.
    pub(super) fn answer(
        &self,
        day: Timestamp,
        fingerprint: Option<&Fingerprint>,
    ) -> Option<Result<Arc<KeySet>, Box<str>>> {
        let keys = self.keys.as_ref().ok();
        let known = keys.zip(fingerprint);
        if known.is_some_and(|(keys, it)| keys.get(it).is_some()) {
            return Some(self.keys.clone());
        }
        self.around(day)
    }

    /// What asking for more keys around `day` came to, if they were asked for. What could not be had
    /// is not asked for by each digest and each export, as long as anybody has patience.
    fn around(&self, day: Timestamp) -> Option<Result<Arc<KeySet>, Box<str>>> {
        if let Some(why) = self.failed_around.get(&day) {
            return Some(Err(why.clone()));
        }
        let is_asked = self.asked_around.contains(&day);
        is_asked.then(|| self.keys.clone())
    }

    /// Takes in what was given for `day`; gives all there is.
    pub(super) fn add(&mut self, day: Timestamp, more: Answer) -> Result<Arc<KeySet>, Box<str>> {
        self.asked_around.insert(day);
        self.failures = 0;
        let known = self.keys.iter().flat_map(|keys| keys.iter().cloned());
        let all: Vec<_> = known.chain(more.keys).collect();
        if let Some(all) = KeySet::new(all) {
            self.keys = Ok(Arc::new(all));
        }
        self.held.extend(more.held);
        self.calls.extend(more.calls);
        self.keys.clone()
    }

    /// Why no more keys are asked for, if that is so.
    pub(super) fn gives_up(&self) -> Option<Fault> {
        let told = if self.failures >= MOST_FAILURES {
            "it was not asked, since it gave no answer for other days, one after the other"
        } else if self.asked_around.len() + self.failed_around.len() >= MOST_DAYS {
            "it was not asked, since it was asked for those of many other days before"
        } else {
            return None;
        };
        Some(Fault::new(Kind::Lasting, told))
    }
}

/// What was asked for and given.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) keys: Vec<PublicKey>,
    pub(super) held: BTreeSet<HeldKey>,
    pub(super) calls: Vec<KeyCall>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: i64) -> Timestamp {
        Timestamp::from_second(number * 86_400).unwrap()
    }

    #[test]
    fn nobody_makes_a_request_for_each_day_that_there_is() {
        let mut region = Region::new(Err("none".into()));
        for number in 0..400 {
            assert!(region.gives_up().is_none(), "{number}");
            assert!(region.around(day(number)).is_none());
            assert!(region.add(day(number), Answer::default()).is_err());
            assert!(region.around(day(number)).is_some());
        }
        assert!(region.gives_up().is_some());
    }

    #[test]
    fn an_answer_ends_a_row_of_failures() {
        let mut region = Region::new(Err("none".into()));
        region.failures = MOST_FAILURES - 1;
        assert!(region.add(day(0), Answer::default()).is_err());
        region.failures += 1;
        assert!(region.gives_up().is_none());
        region.failures = MOST_FAILURES;
        assert!(region.gives_up().is_some());
    }
}
