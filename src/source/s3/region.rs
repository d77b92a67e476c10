//! What is known of a region's keys, and when CloudTrail is not asked for more of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_cloudtrail::operation::RequestId as _;
use aws_sdk_cloudtrail::operation::list_public_keys::ListPublicKeysOutput;
use aws_sdk_cloudtrail::primitives::DateTime;
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

/// A region has a new key every few weeks: nobody holds more of them.
const MOST_KEYS: usize = 10_000;

/// What is known of a region's keys.
#[derive(Debug)]
pub(super) struct Region {
    pub(super) keys: Result<Arc<KeySet>, Box<str>>,
    /// The days around which more keys were asked for.
    pub(super) asked_around: BTreeSet<Timestamp>,
    /// The days around which they could not be had, and why.
    pub(super) failed_around: BTreeMap<Timestamp, Box<str>>,
    /// What asking for the keys of all time came to, if they were asked for.
    pub(super) of_all_time: Option<Result<(), Box<str>>>,
    /// The days with digests whose key is none of those known, where the keys of all time could not be had,
    /// and why.
    pub(super) unsettled: BTreeMap<Timestamp, Box<str>>,
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
            of_all_time: None,
            unsettled: BTreeMap::new(),
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
        let is_known = known.is_some_and(|(keys, it)| keys.get(it).is_some());
        // There are no others.
        let is_all = matches!(self.of_all_time, Some(Ok(())));
        if is_known || is_all {
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
        self.take_in(more)
    }

    /// Takes in further keys; gives all there are.
    pub(super) fn take_in(&mut self, more: Answer) -> Result<Arc<KeySet>, Box<str>> {
        self.failures = 0;
        let known = self.keys.iter().flat_map(|keys| keys.iter().cloned());
        let all: Vec<_> = known.chain(more.keys.into_values()).collect();
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
        } else if self.held.len() >= MOST_KEYS {
            "it was not asked, since it gave very many keys before"
        } else {
            return None;
        };
        Some(Fault::new(Kind::Lasting, told))
    }
}

/// Refuses an answer without the list that CloudTrail always gives, be it empty: what says nothing of keys
/// does not say that there are none.
pub(super) fn with_a_list(operation: &str, has_list: bool) -> Result<(), Fault> {
    if has_list {
        return Ok(());
    }
    let told = format!(
        "{operation} got an answer without a list, which is not CloudTrail's: a proxy may stand in between"
    );
    Err(Fault::new(Kind::Transient, told))
}

/// What was asked for and given.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) keys: BTreeMap<Fingerprint, PublicKey>,
    pub(super) held: BTreeSet<HeldKey>,
    pub(super) calls: Vec<KeyCall>,
}

impl Answer {
    /// Takes in a page of a list. All of its keys are needed: a digest that one of them signed would be
    /// told as one whose key nobody knows.
    pub(super) fn take_in(&mut self, page: &ListPublicKeysOutput) -> Result<(), Fault> {
        let lasting = |told: String| Fault::new(Kind::Lasting, told);
        self.calls.push(KeyCall {
            at: Timestamp::now(),
            request_id: page.request_id().map(str::to_owned),
        });
        let time = |at: Option<&DateTime>| Timestamp::from_second(at?.secs()).ok();
        for listed in page.public_key_list() {
            let value = listed
                .value()
                .map(AsRef::as_ref)
                .ok_or_else(|| lasting("ListPublicKeys gave a key without its Value".to_owned()))?;
            let key = PublicKey::from_value(value, listed.fingerprint())
                .map_err(|error| lasting(format!("ListPublicKeys gave what is no key: {error}")))?;
            self.held.insert(HeldKey {
                value: value.to_vec(),
                fingerprint: key.fingerprint().to_string(),
                valid_from: time(listed.validity_start_time()),
                valid_until: time(listed.validity_end_time()),
            });
            self.keys.insert(key.fingerprint(), key);
            if self.held.len() > MOST_KEYS {
                let told = format!("ListPublicKeys gave more than {MOST_KEYS} keys");
                return Err(lasting(told));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudtrail::primitives::Blob;
    use aws_sdk_cloudtrail::types as listed;
    use aws_sdk_cloudtrail::types::builders::PublicKeyBuilder;

    use super::*;
    use crate::verify::keys::parse_keys;

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

    /// The first of some keys that were published, so many times, each with a validity of its own.
    fn page(
        times: usize,
        change: impl Fn(PublicKeyBuilder) -> PublicKeyBuilder,
    ) -> ListPublicKeysOutput {
        let published = include_bytes!("../../../testdata/published/public-keys.json");
        let key = parse_keys(published).unwrap().remove(0);
        let listed = (0..times).map(|number| {
            let from = DateTime::from_secs(i64::try_from(number).unwrap());
            let key = listed::PublicKey::builder()
                .value(Blob::new(key.value().unwrap()))
                .fingerprint(key.fingerprint().to_string())
                .validity_start_time(from);
            change(key).build()
        });
        let listed = listed.collect();
        ListPublicKeysOutput::builder()
            .set_public_key_list(Some(listed))
            .build()
    }

    #[test]
    fn a_key_that_is_listed_again_is_one() {
        let mut answer = Answer::default();
        for _ in 0..3 {
            answer.take_in(&page(2, |key| key)).unwrap();
        }
        let numbers = (answer.keys.len(), answer.held.len(), answer.calls.len());
        assert_eq!(numbers, (1, 2, 3));
    }

    #[test]
    fn a_list_is_refused_for_each_key_that_cannot_be_used() {
        let told = |page| Answer::default().take_in(&page).unwrap_err().told;
        let without = told(page(2, |key| key.set_value(None)));
        assert!(without.contains("without its Value"), "{without}");
        let broken = told(page(2, |key| key.value(Blob::new(*b"no key"))));
        assert!(broken.contains("what is no key"), "{broken}");
    }

    #[test]
    fn nobody_gives_more_keys_than_may_be_held() {
        let mut answer = Answer::default();
        for number in 0..MOST_KEYS - 1 {
            answer.held.insert(HeldKey {
                value: number.to_le_bytes().to_vec(),
                fingerprint: String::new(),
                valid_from: None,
                valid_until: None,
            });
        }
        answer.take_in(&page(1, |key| key)).unwrap();
        let told = answer.take_in(&page(2, |key| key)).unwrap_err().told;
        assert!(told.contains("more than 10000 keys"), "{told}");
        let mut region = Region::new(Err("none".into()));
        assert!(region.gives_up().is_none());
        region.add(day(0), answer).unwrap();
        assert!(region.gives_up().is_some());
    }
}
