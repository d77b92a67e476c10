//! A log that nothing named, and how it stands.

use jiff::{SignedDuration, Timestamp};

use super::super::coverage::Covered;
use super::super::location::{AccountRegion, LogKind, LogName};
use super::super::time::{Bounds, NAME_SLACK, OVERDUE, TimeRange, minus, plus};

/// A log that is there, and that no verified digest names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// What it records.
    pub kind: LogKind,
    /// When it was delivered, as far as its path tells.
    pub time: LeftoverTime,
    pub(super) name: Name,
}

/// When a log was delivered, as far as its path tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftoverTime {
    /// The time in its name.
    At(Timestamp),
    /// The day of its folders.
    Day(TimeRange),
    /// Neither.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Usual(LogName),
    Odd(Box<str>),
}

impl LeftoverTime {
    /// The earliest time that it may have.
    pub fn begins(self) -> Option<Timestamp> {
        match self {
            Self::At(time) => Some(time),
            Self::Day(day) => Some(day.start()),
            Self::Unknown => None,
        }
    }
}

/// What it means that no verified digest names a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It lies in covered time: it is out of chain.
    Unreferenced,
    /// It lies in time that nothing covers.
    Uncovered,
    /// Its digest is not yet due.
    Pending,
}

impl Leftover {
    /// How the log stands, where `covered` is what all trails of its account and region cover,
    /// `doubtful` the time that unverified digests may name logs of, and digests are due up to
    /// `due`; nothing where it lies outside of the range asked for.
    ///
    /// At the edges of what is covered a name's time does not tell on which side the delivery was.
    pub fn standing(
        &self,
        covered: &Covered,
        doubtful: &Covered,
        bounds: Bounds,
        due: Option<Timestamp>,
    ) -> Option<Standing> {
        let time = match self.time {
            LeftoverTime::At(time) => time,
            LeftoverTime::Day(day) if !bounds.overlaps(day) => return None,
            LeftoverTime::Day(day) if covered.holds_all(day) && !doubtful.touches(day) => {
                return Some(Standing::Unreferenced);
            }
            LeftoverTime::Day(_) | LeftoverTime::Unknown => return Some(Standing::Uncovered),
        };
        if !bounds.contains(time) {
            return None;
        }
        if covered.holds(time, NAME_SLACK) && !doubtful.holds(time, SignedDuration::ZERO) {
            return Some(Standing::Unreferenced);
        }
        let is_pending = covered.end().zip(due).is_some_and(|(end, due)| {
            minus(end, NAME_SLACK) <= time
                && time <= plus(end, OVERDUE)
                && minus(due, OVERDUE) <= end
        });
        Some(if is_pending {
            Standing::Pending
        } else {
            Standing::Uncovered
        })
    }

    /// Its path from `AWSLogs` on.
    pub fn path(&self, place: &AccountRegion) -> String {
        match &self.name {
            Name::Usual(name) => name.path(place),
            Name::Odd(path) => path.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::testing::{at, range};

    fn covered(start: i64, end: i64) -> Covered {
        let mut covered = Covered::default();
        covered.add(range(start, end));
        covered
    }

    fn log(time: LeftoverTime) -> Leftover {
        Leftover {
            kind: LogKind::CloudTrail,
            time,
            name: Name::Odd("x".into()),
        }
    }

    #[test]
    fn a_log_in_covered_time_is_out_of_chain() {
        let covered = covered(100, 400);
        let standing = |minute, doubtful: &Covered, due| {
            log(LeftoverTime::At(at(minute))).standing(&covered, doubtful, Bounds::default(), due)
        };
        let sure = Covered::default();
        for minute in [115, 200, 385] {
            let told = standing(minute, &sure, None);
            assert_eq!(told, Some(Standing::Unreferenced), "{minute}");
        }
        for minute in [50, 114, 386, 500] {
            let told = standing(minute, &sure, None);
            assert_eq!(told, Some(Standing::Uncovered), "{minute}");
        }
        // A digest that could not be verified may name it.
        let doubtful = self::covered(190, 210);
        for (minute, told) in [
            (189, Standing::Unreferenced),
            (190, Standing::Uncovered),
            (210, Standing::Uncovered),
            (211, Standing::Unreferenced),
        ] {
            assert_eq!(standing(minute, &doubtful, None), Some(told), "{minute}");
        }
    }

    #[test]
    fn a_log_whose_digest_is_not_due_is_pending() {
        let covered = covered(100, 400);
        let standing = |minute, due| {
            let nothing = Covered::default();
            log(LeftoverTime::At(at(minute))).standing(
                &covered,
                &nothing,
                Bounds::default(),
                Some(at(due)),
            )
        };
        // Digests are due up to the 505th minute at most: the next one may not be written yet.
        for (minute, due, told) in [
            (386, 500, Standing::Pending),
            (505, 500, Standing::Pending),
            (505, 505, Standing::Pending),
            (506, 505, Standing::Uncovered),
            (450, 506, Standing::Uncovered),
            (90, 500, Standing::Uncovered),
        ] {
            assert_eq!(standing(minute, due), Some(told), "{minute} {due}");
        }
    }

    #[test]
    fn a_log_without_a_time_is_judged_by_its_day() {
        let bounds = Bounds::new(Some(at(0)), Some(at(1000))).unwrap();
        let standing = |time, covered: &Covered, doubtful: &Covered| {
            log(time).standing(covered, doubtful, bounds, None)
        };
        let day = LeftoverTime::Day(range(100, 200));
        let (all, none) = (covered(50, 300), Covered::default());
        assert_eq!(standing(day, &all, &none), Some(Standing::Unreferenced));
        let part = covered(150, 300);
        assert_eq!(standing(day, &part, &none), Some(Standing::Uncovered));
        let doubtful = covered(190, 300);
        assert_eq!(standing(day, &all, &doubtful), Some(Standing::Uncovered));
        let beside = covered(200, 300);
        assert_eq!(standing(day, &all, &beside), Some(Standing::Unreferenced));
        let unknown = standing(LeftoverTime::Unknown, &all, &none);
        assert_eq!(unknown, Some(Standing::Uncovered));
        for outside in [
            LeftoverTime::Day(range(1000, 1100)),
            LeftoverTime::At(at(1000)),
        ] {
            assert_eq!(standing(outside, &covered(0, 2000), &none), None);
        }
    }

    #[test]
    fn what_has_a_time_begins() {
        assert_eq!(LeftoverTime::At(at(7)).begins(), Some(at(7)));
        assert_eq!(LeftoverTime::Day(range(3, 9)).begins(), Some(at(3)));
        assert_eq!(LeftoverTime::Unknown.begins(), None);
    }
}
