//! Which events explain what was found.
//!
//! A trail's own events are looked for around the edges of what is not covered: digests are those
//! of whole hours, and an event may be recorded in any region of the trail.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::super::location::{ChainId, ObjectLocation};
use super::super::time::{NAME_SLACK, TimeRange, minus, plus};
use super::event::{Deed, RecordedEvent};
use super::ledger::{Kept, Ledger};

/// A digest's hour may hold what ended its chain.
const AN_HOUR: SignedDuration = SignedDuration::from_hours(1);

/// What is to be explained.
#[derive(Clone, Copy, Debug)]
pub enum Question<'a> {
    /// A chain ended, and began anew.
    Gap(&'a ChainId, TimeRange),
    /// A chain begins late: at the end of this range.
    StartsLate(&'a ChainId, TimeRange),
    /// A chain ends early: at the start of this range.
    EndsEarly(&'a ChainId, TimeRange),
    /// An object is gone.
    Gone(&'a ObjectLocation),
    /// An object is another one than it was.
    Written(&'a ObjectLocation),
}

/// What explains it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explained {
    /// The events, the earliest first.
    pub events: Vec<Kept>,
    /// Whether they only may explain it: they do not name the object, or need not end a chain.
    pub perhaps: bool,
}

/// All events that were found, made ready for questions.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// What was done to trails, the earliest first.
    of_trails: Vec<Kept>,
    /// Who deleted an object, and who wrote it: the last each.
    deleted: BTreeMap<ObjectLocation, Kept>,
    written: BTreeMap<ObjectLocation, Kept>,
    /// What may have deleted objects of a bucket: the last.
    in_buckets: BTreeMap<Box<str>, Kept>,
    overflowed: bool,
}

impl Evidence {
    /// What a ledger holds.
    pub fn new(ledger: &Ledger) -> Self {
        let mut evidence = Self {
            overflowed: ledger.has_overflowed(),
            ..Self::default()
        };
        for kept in ledger.events() {
            let event = &kept.event;
            let object = || {
                let (bucket, key) = (event.bucket.as_deref()?, event.key.as_deref()?);
                Some(ObjectLocation::new(bucket, key))
            };
            match event.deed {
                Deed::DeleteObject => {
                    evidence
                        .deleted
                        .extend(object().map(|object| (object, kept.clone())));
                }
                Deed::PutObject => {
                    evidence
                        .written
                        .extend(object().map(|object| (object, kept.clone())));
                }
                Deed::DeleteObjects | Deed::PutBucketLifecycle => {
                    let bucket = event.bucket.clone();
                    evidence
                        .in_buckets
                        .extend(bucket.map(|bucket| (bucket, kept.clone())));
                }
                Deed::StopLogging
                | Deed::StartLogging
                | Deed::DeleteTrail
                | Deed::CreateTrail
                | Deed::UpdateTrail
                | Deed::PutEventSelectors => evidence.of_trails.push(kept.clone()),
            }
        }
        evidence
    }

    /// Whether there were more events than are kept.
    pub fn has_overflowed(&self) -> bool {
        self.overflowed
    }

    /// The events that explain something; none where nothing does.
    pub fn explain(&self, question: Question<'_>) -> Explained {
        match question {
            Question::Gap(chain, range) => {
                let ended = self.end_of(chain, range);
                explained(ended.into_iter().chain(self.beginning_of(chain, range)))
            }
            Question::StartsLate(chain, range) => explained(self.beginning_of(chain, range)),
            Question::EndsEarly(chain, range) => explained(self.end_of(chain, range)),
            Question::Gone(object) => match self.deleted.get(object) {
                Some(kept) => explained([kept]),
                None => Explained {
                    perhaps: true,
                    ..explained(self.in_buckets.get(&**object.bucket()))
                },
            },
            Question::Written(object) => explained(self.written.get(object)),
        }
    }

    /// What ended a chain where `range` begins: the first thing that could.
    fn end_of<'a>(&'a self, chain: &'a ChainId, range: TimeRange) -> Option<&'a Kept> {
        let time = (minus(range.start(), AN_HOUR), range.end());
        let ended = |event: &RecordedEvent| match event.deed {
            Deed::StopLogging | Deed::DeleteTrail => true,
            // Where nothing is said of digests, a new bucket may end the chain.
            Deed::UpdateTrail => event.validation != Some(true) && changes_delivery(event),
            Deed::StartLogging
            | Deed::CreateTrail
            | Deed::PutEventSelectors
            | Deed::DeleteObject
            | Deed::DeleteObjects
            | Deed::PutBucketLifecycle
            | Deed::PutObject => false,
        };
        self.of_trail(chain, time, ended).next().or_else(|| {
            let selectors = |event: &RecordedEvent| event.deed == Deed::PutEventSelectors;
            self.of_trail(chain, time, selectors).next()
        })
    }

    /// What began a chain where `range` ends: the thing nearest to it that could.
    fn beginning_of<'a>(&'a self, chain: &'a ChainId, range: TimeRange) -> Option<&'a Kept> {
        let near = (minus(range.end(), AN_HOUR), plus(range.end(), NAME_SLACK));
        let began = self.of_trail(chain, near, |event| match event.deed {
            Deed::StartLogging | Deed::CreateTrail => true,
            Deed::UpdateTrail => event.validation != Some(false) && changes_delivery(event),
            Deed::StopLogging
            | Deed::DeleteTrail
            | Deed::PutEventSelectors
            | Deed::DeleteObject
            | Deed::DeleteObjects
            | Deed::PutBucketLifecycle
            | Deed::PutObject => false,
        });
        began.min_by_key(|kept| range.end().duration_since(kept.event.at).abs())
    }

    fn of_trail<'a>(
        &'a self,
        chain: &'a ChainId,
        (from, to): (Timestamp, Timestamp),
        is_one: impl Fn(&RecordedEvent) -> bool + 'a,
    ) -> impl Iterator<Item = &'a Kept> {
        self.of_trails.iter().filter(move |kept| {
            let event = &kept.event;
            (from..=to).contains(&event.at) && is_about(event, chain) && is_one(event)
        })
    }
}

fn explained<'a>(events: impl IntoIterator<Item = &'a Kept>) -> Explained {
    let events: Vec<_> = events.into_iter().cloned().collect();
    let perhaps = events
        .iter()
        .any(|kept| kept.event.deed == Deed::PutEventSelectors);
    Explained { events, perhaps }
}

fn changes_delivery(event: &RecordedEvent) -> bool {
    event.validation.is_some() || event.bucket.is_some()
}

/// Whether an event is about the trail of a chain. A name alone is that of a trail in the event's
/// own account and region.
fn is_about(event: &RecordedEvent, chain: &ChainId) -> bool {
    let Some(trail) = event.trail.as_deref() else {
        return false;
    };
    let is_home = |account: &str, region: &str| {
        // An organization's trail belongs to one account, and has chains in all.
        let of_account = account == chain.place().account();
        region == chain.home_region() && (of_account || chain.place().organization().is_some())
    };
    match trail.strip_prefix("arn:") {
        None => trail == chain.trail() && is_home(&event.account, &event.region),
        Some(arn) => {
            // PARTITION:cloudtrail:REGION:ACCOUNT:trail/NAME
            let parts: Vec<_> = arn.split(':').collect();
            matches!(parts.as_slice(), [_, "cloudtrail", region, account, resource]
                if resource.strip_prefix("trail/") == Some(chain.trail()) && is_home(account, region))
        }
    }
}
