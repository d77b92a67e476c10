//! Instants and ranges of time, as digests and object names write them.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A digest that is older than this at the end of the range, with no successor, is overdue:
/// an hour's digest is written within 31 minutes of its end.
pub const OVERDUE: SignedDuration = SignedDuration::from_mins(105);
/// A log's name gives its time to within this much of its delivery.
pub const NAME_SLACK: SignedDuration = SignedDuration::from_mins(15);
/// A digest may come so long after its end.
const DIGEST_DELAY: SignedDuration = SignedDuration::from_mins(45);
/// Digests are read this far past the end of the range, for the logs that they name.
pub const PAST_END: SignedDuration = SignedDuration::from_hours(2);
/// Digests are noted this far before the start of the range: they show where the copy was cut whose digest names
/// the range's first logs.
const BEFORE_START: SignedDuration = SignedDuration::from_hours(4);

/// A stretch of time, from `start` up to `end`; never reversed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeRange {
    start: Timestamp,
    end: Timestamp,
}

impl TimeRange {
    /// A range, or nothing where `end` lies before `start`.
    pub fn new(start: Timestamp, end: Timestamp) -> Option<Self> {
        (start <= end).then_some(Self { start, end })
    }

    /// Where it begins.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// Where it ends.
    pub fn end(&self) -> Timestamp {
        self.end
    }

    /// Whether no time lies in it.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Whether an instant lies in it.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }
}

/// The day (in UTC) that an instant lies in.
pub fn day_of(at: Timestamp) -> Option<TimeRange> {
    let start = midnight(at);
    TimeRange::new(start, plus(start, SignedDuration::from_hours(24)))
}

/// The range asked for; an open side takes whatever the archive holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    start: Option<Timestamp>,
    end: Option<Timestamp>,
}

impl Bounds {
    /// Bounds, or nothing where the end does not lie after the start.
    pub fn new(start: Option<Timestamp>, end: Option<Timestamp>) -> Option<Self> {
        match (start, end) {
            (Some(start), Some(end)) if end <= start => None,
            (start, end) => Some(Self { start, end }),
        }
    }

    /// The same without a start: all that there ever was is asked for.
    #[must_use]
    pub fn from_the_beginning(self) -> Self {
        Self {
            start: Some(Timestamp::MIN),
            ..self
        }
    }

    /// The same, with a start that does not lie after `latest`.
    #[must_use]
    pub fn from_at_latest(self, latest: Timestamp) -> Self {
        Self {
            start: self.start.map(|start| start.min(latest)),
            ..self
        }
    }

    /// The start asked for.
    pub fn start(&self) -> Option<Timestamp> {
        self.start
    }

    /// The end asked for.
    pub fn end(&self) -> Option<Timestamp> {
        self.end
    }

    /// Whether a digest's window overlaps the range.
    pub fn overlaps(&self, window: TimeRange) -> bool {
        self.start.is_none_or(|start| window.end > start)
            && self.end.is_none_or(|end| window.start < end)
    }

    /// Whether all of `other` lies in the range.
    pub fn encloses(&self, other: &Self) -> bool {
        let starts = |start| other.start.is_some_and(|its| its >= start);
        let ends = |end| other.end.is_some_and(|its| its <= end);
        self.start.is_none_or(starts) && self.end.is_none_or(ends)
    }

    /// Whether an instant lies in the range.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.start.is_none_or(|start| at >= start) && self.end.is_none_or(|end| at < end)
    }

    /// Whether a digest that ends at `end` is worth reading: it overlaps the range, or lies so
    /// near to it that it may name logs of the range.
    pub fn reads_digest(&self, end: Timestamp) -> bool {
        self.start
            .is_none_or(|start| end > minus(start, NAME_SLACK))
            && self.end.is_none_or(|limit| end <= plus(limit, PAST_END))
    }

    /// Whether a digest that ends at `end` tells something of the range: it is worth reading, or shows what came
    /// before.
    pub fn notes_digest(&self, end: Timestamp) -> bool {
        self.reads_digest(end)
            || self
                .start
                .is_some_and(|start| end <= start && end > minus(start, BEFORE_START))
    }

    /// Whether the day (in UTC) that begins at `midnight` can hold objects of the range.
    pub fn reads_day(&self, midnight: Timestamp) -> bool {
        let next = plus(midnight, SignedDuration::from_hours(24));
        self.start
            .is_none_or(|start| next > minus(start, NAME_SLACK))
            && self.end.is_none_or(|end| midnight <= plus(end, PAST_END))
    }
}

/// The hour that ends at `end`, which is a digest's window but for a few seconds.
pub fn hour_before(end: Timestamp) -> Option<TimeRange> {
    TimeRange::new(minus(end, SignedDuration::from_hours(1)), end)
}

/// `at + by`, held at the ends of representable time.
pub fn plus(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// `at - by`, held at the ends of representable time.
pub fn minus(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_sub(by).unwrap_or(Timestamp::MIN)
}

/// `YYYY-MM-DDThh:mm:ssZ`, as digests write their times; nothing else.
pub fn parse_digest_time(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    if bytes.len() != 20
        || bytes[4] != b'-'
        || bytes[7] != b'-'
        || bytes[10] != b'T'
        || bytes[13] != b':'
        || bytes[16] != b':'
        || bytes[19] != b'Z'
    {
        return None;
    }
    instant(
        number(&bytes[0..4])?,
        number(&bytes[5..7])?,
        number(&bytes[8..10])?,
        [
            number(&bytes[11..13])?,
            number(&bytes[14..16])?,
            number(&bytes[17..19])?,
        ],
    )
}

/// `YYYYMMDDThhmmssZ` of a digest's name, or `YYYYMMDDThhmmZ` of a log's.
pub fn parse_name_time(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let seconds = match bytes.len() {
        16 => number(&bytes[13..15])?,
        14 => 0,
        _ => return None,
    };
    if bytes[8] != b'T' || bytes[bytes.len() - 1] != b'Z' {
        return None;
    }
    instant(
        number(&bytes[0..4])?,
        number(&bytes[4..6])?,
        number(&bytes[6..8])?,
        [number(&bytes[9..11])?, number(&bytes[11..13])?, seconds],
    )
}

/// The midnight that begins the day of the folders `YYYY/MM/DD`.
pub fn parse_day(year: &str, month: &str, day: &str) -> Option<Timestamp> {
    if year.len() != 4 || month.len() != 2 || day.len() != 2 {
        return None;
    }
    instant(
        number(year.as_bytes())?,
        number(month.as_bytes())?,
        number(day.as_bytes())?,
        [0; 3],
    )
}

/// The midnight before `at`, in UTC.
pub fn midnight(at: Timestamp) -> Timestamp {
    let seconds = at.as_second();
    Timestamp::from_second(seconds - seconds.rem_euclid(86_400)).unwrap_or(Timestamp::MIN)
}

/// Whether a log that its name dates so may have come on the next day only. A lifecycle rule goes by when objects came:
/// such a log may be there when all others of its day have expired.
pub fn may_outlive_its_day(named: Timestamp) -> bool {
    midnight(named) != midnight(plus(named, NAME_SLACK))
}

/// The midnight from which on all is there, where the oldest digest ends at `oldest`: that of its day, or, where it may
/// have come on the next day only, of that one.
pub fn begins_at(oldest: Timestamp) -> Timestamp {
    midnight(plus(oldest, DIGEST_DELAY))
}

/// `YYYY/MM/DD`, the folders of a day.
pub fn day_folders(at: Timestamp) -> String {
    let mut path = String::with_capacity(10);
    push_day_folders(at, &mut path);
    path
}

/// Adds `YYYY/MM/DD` to a path.
pub(super) fn push_day_folders(at: Timestamp, path: &mut String) {
    push_date(in_utc(at).date(), "/", path);
}

/// Adds `YYYYMMDDThhmmssZ`, as digests' names write it, to a path.
pub(super) fn push_digest_name_time(at: Timestamp, path: &mut String) {
    let at = in_utc(at);
    push_date(at.date(), "", path);
    path.push('T');
    for part in [at.hour(), at.minute(), at.second()] {
        push_two(part.unsigned_abs(), path);
    }
    path.push('Z');
}

/// Adds `YYYYMMDDThhmmZ`, as logs' names write it, to a path.
pub(super) fn push_log_name_time(at: Timestamp, path: &mut String) {
    let at = in_utc(at);
    push_date(at.date(), "", path);
    path.push('T');
    push_two(at.hour().unsigned_abs(), path);
    push_two(at.minute().unsigned_abs(), path);
    path.push('Z');
}

fn in_utc(at: Timestamp) -> DateTime {
    TimeZone::UTC.to_datetime(at)
}

/// Year, month and day, with `between` them. By hand, since formatting takes ten times as long, and
/// a path is made for every object.
fn push_date(date: Date, between: &str, path: &mut String) {
    if date.year() < 0 {
        path.push('-');
    }
    let year = date.year().unsigned_abs();
    for half in [year / 100, year % 100] {
        push_two(u8::try_from(half).unwrap_or(99), path);
    }
    for part in [date.month(), date.day()] {
        path.push_str(between);
        push_two(part.unsigned_abs(), path);
    }
}

/// A number below a hundred, in two digits.
fn push_two(number: u8, path: &mut String) {
    path.extend([number / 10, number % 10].map(|digit| char::from(b'0' + digit)));
}

fn instant(year: u16, month: u16, day: u16, [hour, minute, second]: [u16; 3]) -> Option<Timestamp> {
    let small = |number: u16| i8::try_from(number).ok();
    let date = Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok()?;
    let time = jiff::civil::Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()?;
    TimeZone::UTC
        .to_timestamp(DateTime::from_parts(date, time))
        .ok()
}

fn number(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0_u16, |value, digit| {
        digit
            .is_ascii_digit()
            .then(|| value * 10 + u16::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn times_are_written_as_formatting_would() {
        for text in [
            "1970-01-01T00:00:00Z",
            "1999-12-31T23:59:59Z",
            "2000-02-29T12:34:56Z",
            "2024-03-10T01:02:03Z",
            "2015-11-30T09:08:07Z",
            "0001-01-01T00:00:00Z",
            "0000-02-29T00:00:00Z",
            "-002024-03-10T01:02:03Z",
            "9999-12-30T22:00:00Z",
        ] {
            let at = at(text);
            assert_eq!(day_folders(at), at.strftime("%Y/%m/%d").to_string());
            let (mut digest, mut log) = (String::from("_"), String::from("_"));
            push_digest_name_time(at, &mut digest);
            push_log_name_time(at, &mut log);
            assert_eq!(digest, at.strftime("_%Y%m%dT%H%M%SZ").to_string());
            assert_eq!(log, at.strftime("_%Y%m%dT%H%MZ").to_string());
        }
    }

    #[test]
    fn what_came_after_a_midnight_may_be_named_before_it() {
        let at = |text| parse_digest_time(text).unwrap();
        let midnight = at("2024-03-10T00:00:00Z");
        for (named, is_late) in [
            ("2024-03-09T23:45:00Z", true),
            ("2024-03-09T23:44:00Z", false),
            ("2024-03-10T00:00:00Z", false),
        ] {
            assert_eq!(may_outlive_its_day(at(named)), is_late, "{named}");
        }
        assert_eq!(begins_at(at("2024-03-09T23:15:00Z")), midnight);
        assert_eq!(begins_at(at("2024-03-10T23:14:59Z")), midnight);
    }

    #[test]
    fn digest_times_are_strict() {
        assert_eq!(
            parse_digest_time("2015-08-17T14:01:31Z"),
            Some(at("2015-08-17T14:01:31Z"))
        );
        for wrong in [
            "2015-08-17T14:01:31",
            "2015-08-17t14:01:31Z",
            "2015-08-17T14:01:31z",
            "2015-8-17T14:01:31Z",
            "2015-08-17T14:01:31+00:00",
            "2015-02-30T14:01:31Z",
            "2015-08-17T24:00:00Z",
            "2015-08-17T14:01:60Z",
            "+015-08-17T14:01:31Z",
            "",
        ] {
            assert_eq!(parse_digest_time(wrong), None, "{wrong}");
        }
    }

    /// Against a plain reading, where no start lies before all times, and no end after them.
    #[test]
    fn a_range_encloses_what_lies_in_it_from_end_to_end() {
        let day = |day: i64| plus(Timestamp::UNIX_EPOCH, SignedDuration::from_hours(24 * day));
        let days: Vec<Option<i64>> = std::iter::once(None).chain((1..=4).map(Some)).collect();
        let mut all = Vec::new();
        for start in &days {
            for end in &days {
                let bounds = Bounds::new(start.map(day), end.map(day));
                let plain = (start.unwrap_or(0), end.unwrap_or(9));
                all.extend(bounds.map(|bounds| (bounds, plain)));
            }
        }
        for (outer, (from, to)) in &all {
            for (inner, (start, end)) in &all {
                let lies_in = from <= start && end <= to;
                assert_eq!(outer.encloses(inner), lies_in, "{outer:?} {inner:?}");
            }
        }
    }

    #[test]
    fn names_carry_seconds_or_only_minutes() {
        assert_eq!(
            parse_name_time("20150817T140131Z"),
            Some(at("2015-08-17T14:01:31Z"))
        );
        assert_eq!(
            parse_name_time("20150817T1401Z"),
            Some(at("2015-08-17T14:01:00Z"))
        );
        for wrong in [
            "20151399T000000Z",
            "20150817T14013Z",
            "20150817T140131",
            "é0150817T1401Z",
        ] {
            assert_eq!(parse_name_time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn bounds_are_half_open() {
        let bounds = Bounds::new(
            Some(at("2020-01-01T00:00:00Z")),
            Some(at("2020-01-02T00:00:00Z")),
        )
        .unwrap();
        assert!(bounds.contains(at("2020-01-01T00:00:00Z")));
        assert!(!bounds.contains(at("2020-01-02T00:00:00Z")));
        let hour = |start, end| TimeRange::new(at(start), at(end)).unwrap();
        assert!(!bounds.overlaps(hour("2019-12-31T23:00:00Z", "2020-01-01T00:00:00Z")));
        assert!(bounds.overlaps(hour("2020-01-01T23:30:00Z", "2020-01-02T00:30:00Z")));
        assert!(!bounds.overlaps(hour("2020-01-02T00:00:00Z", "2020-01-02T01:00:00Z")));
        assert!(bounds.reads_digest(at("2020-01-02T02:00:00Z")));
        assert!(!bounds.reads_digest(at("2020-01-02T02:00:01Z")));
    }

    #[test]
    fn ranges_are_half_open() {
        let (start, end) = (at("2020-01-01T00:00:00Z"), at("2020-01-02T00:00:00Z"));
        let range = TimeRange::new(start, end).unwrap();
        assert!(range.contains(start) && range.contains(at("2020-01-01T23:59:59Z")));
        assert!(!range.contains(end) && !range.contains(at("2019-12-31T23:59:59Z")));
    }

    #[test]
    fn a_start_is_put_no_later() {
        let day = |day| Some(at(&format!("2020-01-0{day}T00:00:00Z")));
        let bounds = Bounds::new(day(2), day(4)).unwrap();
        for (latest, start) in [(1, 1), (2, 2), (3, 2)] {
            let moved = bounds.from_at_latest(day(latest).unwrap());
            assert_eq!((moved.start(), moved.end()), (day(start), day(4)));
        }
        let open = Bounds::new(None, day(4)).unwrap();
        assert_eq!(open.from_at_latest(day(1).unwrap()), open);
    }

    #[test]
    fn bounds_and_ranges_are_never_reversed() {
        let (early, late) = (at("2020-01-01T00:00:00Z"), at("2020-01-02T00:00:00Z"));
        assert_eq!(TimeRange::new(late, early), None);
        assert_eq!(Bounds::new(Some(late), Some(late)), None);
        assert_eq!(midnight(at("2020-01-01T13:37:01Z")), early);
    }

    #[test]
    fn bounds_tell_what_was_asked_for() {
        let (start, end) = (at("2020-01-01T06:00:00Z"), at("2020-01-02T06:00:00Z"));
        let bounds = Bounds::new(Some(start), Some(end)).unwrap();
        assert_eq!((bounds.start(), bounds.end()), (Some(start), Some(end)));
        let all = bounds.from_the_beginning();
        assert_eq!((all.start(), all.end()), (Some(Timestamp::MIN), Some(end)));
        assert_eq!(
            (Bounds::default().start(), Bounds::default().end()),
            (None, None)
        );
        let hour = hour_before(end).unwrap();
        assert_eq!(
            (hour.start(), hour.end()),
            (at("2020-01-02T05:00:00Z"), end)
        );
    }

    #[test]
    fn what_is_near_the_range_is_read() {
        let (start, end) = (at("2020-01-02T00:10:00Z"), at("2020-01-03T22:00:00Z"));
        let bounds = Bounds::new(Some(start), Some(end)).unwrap();
        // A digest that ends a quarter of an hour before the range names nothing of it.
        assert!(!bounds.reads_digest(at("2020-01-01T23:55:00Z")));
        assert!(bounds.reads_digest(at("2020-01-01T23:55:01Z")));
        assert!(bounds.reads_digest(at("2020-01-04T00:00:00Z")));
        assert!(!bounds.reads_digest(at("2020-01-04T00:00:01Z")));
        // Those of four hours before it tell what came before.
        assert!(bounds.notes_digest(at("2020-01-01T20:10:01Z")));
        assert!(!bounds.notes_digest(at("2020-01-01T20:10:00Z")));
        assert!(bounds.notes_digest(at("2020-01-04T00:00:00Z")));
        assert!(!bounds.notes_digest(at("2020-01-04T00:00:01Z")));
        for day in 1..=4 {
            assert!(
                bounds.reads_day(at(&format!("2020-01-0{day}T00:00:00Z"))),
                "{day}"
            );
        }
        for day in ["2019-12-31", "2020-01-05"] {
            assert!(!bounds.reads_day(at(&format!("{day}T00:00:00Z"))), "{day}");
        }
        let from = Bounds::new(Some(at("2020-01-02T00:15:00Z")), None).unwrap();
        assert!(!from.reads_day(at("2020-01-01T00:00:00Z")));
        assert!(from.reads_day(at("2020-01-02T00:00:00Z")));
        assert!(from.reads_day(at("2030-01-02T00:00:00Z")));
        assert!(Bounds::default().reads_day(at("1999-01-01T00:00:00Z")));
    }

    #[test]
    fn every_letter_of_a_time_must_be_there() {
        for wrong in [
            "20150817t1401Z",
            "20150817T1401z",
            "20150817T140131z",
            "20150817T14013",
        ] {
            assert_eq!(parse_name_time(wrong), None, "{wrong}");
        }
        for whole in ["20150817T1401Z", "20150817T140131Z"] {
            for place in (0..whole.len()).filter(|place| ![8, whole.len() - 1].contains(place)) {
                let mut wrong = whole.to_owned();
                wrong.replace_range(place..=place, "/");
                assert_eq!(parse_name_time(&wrong), None, "{wrong}");
            }
        }
        let midnight = Some(at("2015-08-07T00:00:00Z"));
        assert_eq!(parse_day("2015", "08", "07"), midnight);
        for (year, month, day) in [
            ("02015", "08", "07"),
            ("2015", "8", "07"),
            ("2015", "08", "7"),
            ("2015", "008", "07"),
            ("2015", "08", "007"),
            ("15", "08", "07"),
        ] {
            assert_eq!(parse_day(year, month, day), None, "{year}/{month}/{day}");
        }
    }
}
