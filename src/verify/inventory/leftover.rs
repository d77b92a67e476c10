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
