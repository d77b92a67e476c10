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
    /// The time in its name, which lies in the day of its folders.
    At(Timestamp),
    /// The day of its folders, where its name tells no time.
    Day(TimeRange),
    /// The time in its name, and the day of its folders, where that is another one, or none.
    Apart(Timestamp, Option<TimeRange>),
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
            Self::At(time) | Self::Apart(time, None) => Some(time),
            Self::Day(day) => Some(day.start()),
            Self::Apart(time, Some(day)) => Some(time.min(day.start())),
            Self::Unknown => None,
        }
    }
}

/// What it means that no verified digest names a log; the worst comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Its digest is not yet due.
    Pending,
    /// It lies in time that nothing covers.
    Uncovered,
    /// It lies in covered time: it is out of chain.
    Unreferenced,
}

/// What is known of the time around a log, by which it stands.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// What all trails of its account and region cover.
    pub covered: &'a Covered,
    /// What unverified digests may name logs of.
    pub doubtful: &'a Covered,
    /// What follows on each trail's newest digest, as long as the next one is not due.
    pub open: &'a Covered,
    /// What was asked for.
    pub bounds: Bounds,
}

impl Leftover {
    /// How the log stands; nothing where it lies outside of the range asked for.
    pub fn standing(&self, known: Circumstances<'_>) -> Option<Standing> {
        match self.time {
            LeftoverTime::At(at) => known.standing_at(at),
            LeftoverTime::Day(day) => known.standing_on(day),
            // Whoever plants it chooses both.
            LeftoverTime::Apart(at, Some(day)) => known.standing_at(at).max(known.standing_on(day)),
            LeftoverTime::Apart(at, None) => known.standing_at(at).or(Some(Standing::Uncovered)),
            LeftoverTime::Unknown => Some(Standing::Uncovered),
        }
    }

    /// Its path from `AWSLogs` on.
    pub fn path(&self, place: &AccountRegion) -> String {
        match &self.name {
            Name::Usual(name) => name.path(place),
            Name::Odd(path) => path.to_string(),
        }
    }
}

impl Circumstances<'_> {
    /// At the edges of what is covered a name's time does not tell on which side the delivery was.
    fn standing_at(&self, at: Timestamp) -> Option<Standing> {
        if !self.bounds.contains(at) {
            return None;
        }
        let is_sure = !self.doubtful.holds(at, SignedDuration::ZERO);
        Some(if self.open.holds(at, SignedDuration::ZERO) {
            Standing::Pending
        } else if is_sure && self.covered.holds(at, NAME_SLACK) {
            Standing::Unreferenced
        } else {
            Standing::Uncovered
        })
    }

    fn standing_on(&self, day: TimeRange) -> Option<Standing> {
        if !self.bounds.overlaps(day) {
            return None;
        }
        let is_sure = !self.doubtful.touches(day);
        Some(if is_sure && self.covered.holds_all(day) {
            Standing::Unreferenced
        } else {
            Standing::Uncovered
        })
    }
}

/// The time after a trail's newest digest, which ended then, whose logs its next digest names,
/// where digests are due up to `due`; nothing where it should be there.
///
/// At its start a name's time does not tell on which side the delivery was.
pub fn open_after(newest_end: Timestamp, due: Timestamp) -> Option<TimeRange> {
    if minus(due, OVERDUE) > newest_end {
        return None;
    }
    // What lies this far inside of what is covered is covered.
    let from = plus(minus(newest_end, NAME_SLACK), SignedDuration::from_secs(1));
    TimeRange::new(from, plus(newest_end, OVERDUE))
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

    fn standing(time: LeftoverTime, covered: &Covered, doubtful: &Covered) -> Option<Standing> {
        let open = Covered::default();
        let bounds = Bounds::new(Some(at(0)), Some(at(1000))).unwrap();
        log(time).standing(Circumstances {
            covered,
            doubtful,
            open: &open,
            bounds,
        })
    }

    #[test]
    fn a_log_in_covered_time_is_out_of_chain() {
        let covered = covered(100, 400);
        let standing =
            |minute, doubtful| standing(LeftoverTime::At(at(minute)), &covered, doubtful);
        let sure = Covered::default();
        for minute in [115, 200, 385] {
            let told = standing(minute, &sure);
            assert_eq!(told, Some(Standing::Unreferenced), "{minute}");
        }
        for minute in [50, 114, 386, 500] {
            let told = standing(minute, &sure);
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
            assert_eq!(standing(minute, &doubtful), Some(told), "{minute}");
        }
    }

    #[test]
    fn a_log_whose_digest_is_not_due_is_pending() {
        let covered = covered(100, 900);
        let standing = |minute, due| {
            let mut open = Covered::default();
            open.add(open_after(at(400), at(due)).unwrap_or(range(0, 0)));
            log(LeftoverTime::At(at(minute))).standing(Circumstances {
                covered: &covered,
                doubtful: &Covered::default(),
                open: &open,
                bounds: Bounds::default(),
            })
        };
        // The trail's next digest is due up to the 505th minute, whatever another one covers.
        for (minute, due, told) in [
            (385, 500, Standing::Unreferenced),
            (386, 500, Standing::Pending),
            (505, 500, Standing::Pending),
            (505, 505, Standing::Pending),
            (506, 505, Standing::Unreferenced),
            (450, 506, Standing::Unreferenced),
            (90, 500, Standing::Uncovered),
        ] {
            assert_eq!(standing(minute, due), Some(told), "{minute} {due}");
        }
    }

    #[test]
    fn a_log_without_a_time_is_judged_by_its_day() {
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
    fn a_log_whose_name_and_folders_disagree_lies_in_both() {
        let none = Covered::default();
        let day = |start| Some(range(start, start + 100));
        let in_name = covered(100, 300);
        let in_folder = covered(500, 700);
        for (time, folder, covered, told) in [
            (200, day(550), &in_name, Some(Standing::Unreferenced)),
            (200, day(550), &in_folder, Some(Standing::Unreferenced)),
            (200, day(550), &none, Some(Standing::Uncovered)),
            // Either may lie outside of the range: the other one counts.
            (-99, day(550), &in_folder, Some(Standing::Unreferenced)),
            (9999, day(550), &none, Some(Standing::Uncovered)),
            (200, day(5000), &in_name, Some(Standing::Unreferenced)),
            (9999, day(5000), &in_name, None),
            (200, None, &in_name, Some(Standing::Unreferenced)),
            (9999, None, &in_name, Some(Standing::Uncovered)),
        ] {
            let time = LeftoverTime::Apart(at(time), folder);
            assert_eq!(standing(time, covered, &none), told, "{time:?}");
        }
    }

    #[test]
    fn what_has_a_time_begins() {
        assert_eq!(LeftoverTime::At(at(7)).begins(), Some(at(7)));
        assert_eq!(LeftoverTime::Day(range(3, 9)).begins(), Some(at(3)));
        assert_eq!(LeftoverTime::Unknown.begins(), None);
        let apart = |day| LeftoverTime::Apart(at(7), day).begins();
        assert_eq!(apart(None), Some(at(7)));
        assert_eq!(apart(Some(range(3, 9))), Some(at(3)));
        assert_eq!(apart(Some(range(8, 9))), Some(at(7)));
    }
}
