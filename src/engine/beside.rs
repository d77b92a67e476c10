//! Logs that a digest of the range names, that are dated outside of it, and that are not there. Where the folder of such
//! a log's day exists, it is missing; where it does not, the copy was cut by days.
//!
//! What lies on days that the range does not touch is listed by nobody. Where a log is missed that a digest of the
//! range names, the folder of its day is looked for: a copy that was cut by days has none, nor has a bucket whose
//! lifecycle has expired that day, but for logs that came after the midnight which ends it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use super::group::{Place, place_of};
use super::log_reading::LogRead;
use super::logs::LogBatch;
use super::run::Shared;
use super::threads::in_parallel;
use crate::source::{ReadFailure, SourceError};
use crate::verify::location::RootId;
use crate::verify::time::parse_day;

/// Why it is left open whether a log is missing.
const UNKNOWN_PLACE: &str = "a folder of the source has that day, and no verified digest of the range tells which bucket it is a copy of";

/// What a part of a bucket gave of a log.
struct InPart {
    root: RootId,
    /// Whether it has the log's day.
    day: Result<bool, SourceError>,
    /// The log alone, as it lies there.
    batch: LogBatch,
    read: LogRead,
}

impl Shared<'_> {
    /// Looks for the folders of these days, once for each of which nothing has shown yet that it exists.
    pub(super) fn look_beside(&self) {
        let folders: Vec<_> = {
            let tally = self.tally();
            let folders = tally.beside_range.iter().map(|held| &held.folder);
            let unknown = folders.filter(|folder| !tally.reached_beside.contains(*folder));
            let unknown: BTreeSet<_> = unknown.cloned().collect();
            unknown.into_iter().collect()
        };
        let looked = in_parallel(self.job.limits.threads, &folders, |(root, folder)| {
            if self.stop.is_stopped() {
                return Ok(false);
            }
            self.is_there(*root, folder)
        });
        let looked = looked
            .into_iter()
            .map(|it| it.map_err(|why| why.to_string().into()));
        self.tally().looked_beside = folders.into_iter().zip(looked).collect();
    }

    /// Where the part of a bucket that a digest lies in has nothing of a log's day, another part may have that day: the
    /// log is looked for there, and missing where it is not.
    pub(super) fn look_in_other_parts(&self) {
        let absent = {
            let absent = self.absent_beside.lock();
            std::mem::take(&mut *absent.unwrap_or_else(PoisonError::into_inner))
        };
        if absent.is_empty() {
            return;
        }
        let places = self.places_of_roots();
        in_parallel(self.job.limits.threads, &absent, |batch| {
            if !self.stop.is_stopped() {
                self.look_elsewhere(batch, &places);
            }
        });
    }

    /// Looks for a log in those parts that have its day.
    fn look_elsewhere(&self, batch: &LogBatch, places: &BTreeMap<RootId, BTreeSet<Place>>) {
        let Some((log, (own, folder))) = batch.log(0, self).and_then(|it| Some((it, it.folder()?)))
        else {
            return;
        };
        let Some(place) = place_of(log.entry.location()) else {
            return;
        };
        if self.is_settled(own, &folder) || self.source.stated(own).is_some() {
            return;
        }
        // Where no digest of a root is verified, it may be one, and what is not there accuses nobody.
        let is_known = |root: &RootId| places.get(root).map(|its| its.contains(&place));
        let may_be_part = |root: &RootId| is_known(root) != Some(false);
        let others = self.roots.keys().filter(|root| **root != own);
        let mut others: Vec<_> = others.copied().filter(may_be_part).collect();
        // What is known to be a part has the last word.
        others.sort_by_key(|root| is_known(root).is_some());
        let Some(last) = self.read_in(&others, batch, &folder) else {
            return;
        };
        let day = match last.day {
            Ok(_) if is_known(&last.root).is_none() => Err(UNKNOWN_PLACE.into()),
            day => day.map_err(|why| why.to_string().into()),
        };
        let at = (last.root, folder);
        self.tally().looked_beside.insert(at, day);
        self.judge(&last.batch, 0, last.read);
    }

    /// Whether it is known, or cannot be, whether a root has a day's folder.
    fn is_settled(&self, root: RootId, folder: &str) -> bool {
        let tally = self.tally();
        let at = (root, folder.into());
        let looked = tally.looked_beside.get(&at);
        tally.reached_beside.contains(&at) || !matches!(looked, Some(Ok(false)))
    }

    /// Reads a log in the first of these parts that has it; otherwise what the last of them that may have its day
    /// gave.
    fn read_in(&self, parts: &[RootId], batch: &LogBatch, folder: &str) -> Option<InPart> {
        let mut last = None;
        for root in parts.iter().copied() {
            let day = self.is_there(root, folder);
            let batch = batch.in_root(root);
            let Some(log) = batch.log(0, self) else {
                continue;
            };
            let has_day = !matches!(day, Ok(false));
            if !has_day && !log.may_be_alone() {
                continue;
            }
            let read = log.read();
            let is_absent = matches!(
                read.outcome,
                Err(ReadFailure::Source(SourceError::NotFound))
            );
            if !has_day && is_absent {
                continue;
            }
            last = Some(InPart {
                root,
                day,
                batch,
                read,
            });
            if !is_absent {
                break;
            }
        }
        last
    }

    /// The buckets and prefixes that verified digests say the roots are copies of.
    fn places_of_roots(&self) -> BTreeMap<RootId, BTreeSet<Place>> {
        let chains = self.chains.lock().unwrap_or_else(PoisonError::into_inner);
        let bindings = chains.iter().flat_map(|(summary, _)| &summary.bindings);
        let mut places: BTreeMap<_, BTreeSet<Place>> = BTreeMap::new();
        for binding in bindings {
            let place = ((&*binding.bucket).into(), (&*binding.prefix).into());
            places.entry(binding.root).or_default().insert(place);
        }
        places
    }

    fn is_there(&self, root: RootId, folder: &str) -> Result<bool, SourceError> {
        if !is_of_a_day(folder) {
            return Ok(false);
        }
        match self.source.shows_day(root, folder) {
            Err(SourceError::NotFound) => Ok(false),
            looked => looked,
        }
    }
}

/// Whether all that lies in a folder is of one day.
fn is_of_a_day(folder: &str) -> bool {
    let mut names = folder.rsplit('/');
    let (day, month, year) = (names.next(), names.next(), names.next());
    let day = year.zip(month).zip(day);
    day.is_some_and(|((year, month), day)| parse_day(year, month, day).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_a_folder_of_its_own() {
        assert!(is_of_a_day(
            "AWSLogs/111122223333/CloudTrail/us-east-1/2024/02/29"
        ));
        for other in [
            "us-east-1",
            "us-east-1/2024/02",
            "2024/02/30",
            "2024/2/9",
            "",
        ] {
            assert!(!is_of_a_day(other), "{other}");
        }
    }
}
