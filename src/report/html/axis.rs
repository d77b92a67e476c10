//! Time along a line: where an instant lies, how the range is cut into cells, and what the marks
//! of the axis say.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use crate::report::timeline::even_edges;
use crate::verify::time::plus;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// Cells are hours up to this range, then days, then weeks.
const HOURS_UP_TO: i64 = 7 * DAY;
const DAYS_UP_TO: i64 = 800 * DAY;
const WEEKS_UP_TO: i64 = 800 * 7 * DAY;
/// A longer range has so many cells, whatever their length.
const MOST_CELLS: u32 = 800;
/// An axis has so many marks at most.
const MOST_MARKS: usize = 9;

/// The range as a line.
pub(super) struct Axis {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    /// How long a cell is, in words.
    pub(super) unit: &'static str,
    /// Where cells begin and end.
    pub(super) edges: Vec<Timestamp>,
    /// Where the marks are, and what they say.
    pub(super) marks: Vec<(Timestamp, String)>,
}

impl Axis {
    pub(super) fn new(start: Timestamp, end: Timestamp) -> Self {
        let whole = end.duration_since(start).as_secs();
        let (unit, edges) = if whole <= HOURS_UP_TO {
            ("an hour", aligned(start, end, HOUR))
        } else if whole <= DAYS_UP_TO {
            ("a day", aligned(start, end, DAY))
        } else if whole <= WEEKS_UP_TO {
            ("a week", aligned(start, end, 7 * DAY))
        } else {
            ("an equal part", even_edges(start, end, MOST_CELLS))
        };
        Self {
            start,
            end,
            unit,
            edges,
            marks: marks(start, end)
                .into_iter()
                .filter(|(at, _)| is_inside(*at, start, end))
                .collect(),
        }
    }

    /// Where an instant lies, for an attribute of SVG.
    pub(super) fn x(&self, at: Timestamp) -> String {
        percentage(self.share(at))
    }

    /// How wide a stretch is.
    pub(super) fn width(&self, start: Timestamp, end: Timestamp) -> String {
        percentage(self.share(end) - self.share(start))
    }

    /// In thousandths of a percent.
    fn share(&self, at: Timestamp) -> i128 {
        let seconds = |at: Timestamp| i128::from(at.as_second());
        let whole = (seconds(self.end) - seconds(self.start)).max(1);
        let at = seconds(at.clamp(self.start, self.end)) - seconds(self.start);
        at * 100_000 / whole
    }
}

fn percentage(thousandths: i128) -> String {
    let (whole, part) = (thousandths / 1000, thousandths % 1000);
    if part == 0 {
        return format!("{whole}%");
    }
    let part = format!("{part:03}");
    format!("{whole}.{}%", part.trim_end_matches('0'))
}

/// Edges at whole hours, days or weeks since 1970, and at both ends.
fn aligned(start: Timestamp, end: Timestamp, step: i64) -> Vec<Timestamp> {
    let first = start.as_second().div_euclid(step) + 1;
    let whole = (first..)
        .map_while(|number| Timestamp::from_second(number.checked_mul(step)?).ok())
        .take_while(|edge| *edge < end);
    let mut edges: Vec<_> = std::iter::once(start).chain(whole).chain([end]).collect();
    edges.dedup();
    edges
}

/// Whether a mark has room for its label: there is none at either end.
fn is_inside(at: Timestamp, start: Timestamp, end: Timestamp) -> bool {
    let seconds =
        |from: Timestamp, to: Timestamp| i128::from(to.as_second()) - i128::from(from.as_second());
    let room = seconds(start, end) / 30;
    seconds(start, at) > room && seconds(at, end) > room
}

/// The densest marks that are not too many.
fn marks(start: Timestamp, end: Timestamp) -> Vec<(Timestamp, String)> {
    // What is far too dense need not be tried: the range may be that of all time.
    let most = i64::try_from(MOST_MARKS + 2).unwrap_or(i64::MAX);
    let is_too_dense = |step: i64| end.duration_since(start).as_secs() / step > most;
    for hours in [1, 2, 3, 6, 12] {
        if is_too_dense(hours * HOUR) {
            continue;
        }
        let marks = hourly(start, end, hours);
        if marks.len() <= MOST_MARKS {
            return marks;
        }
    }
    for days in [1, 2, 7] {
        if is_too_dense(days * DAY) {
            continue;
        }
        let edges = aligned(start, end, days * DAY);
        let inner = edges.into_iter().filter(|at| *at < end && *at > start);
        let marks: Vec<_> = inner.map(|at| (at, told(at, "%-d %b"))).collect();
        if marks.len() <= MOST_MARKS {
            return marks;
        }
    }
    for months in [1, 2, 3, 6, 12, 24, 60, 120] {
        let marks = monthly(start, end, months);
        if marks.len() <= MOST_MARKS + 3 {
            return marks;
        }
    }
    Vec::new()
}

fn hourly(start: Timestamp, end: Timestamp, hours: i64) -> Vec<(Timestamp, String)> {
    let edges = aligned(start, end, hours * HOUR);
    let inner = edges.into_iter().filter(|at| *at < end && *at > start);
    inner
        .take(MOST_MARKS + 1)
        .map(|at| {
            let is_midnight = at.as_second().rem_euclid(DAY) == 0;
            let format = if is_midnight { "%-d %b" } else { "%H:%M" };
            (at, told(at, format))
        })
        .collect()
}

fn monthly(start: Timestamp, end: Timestamp, months: i32) -> Vec<(Timestamp, String)> {
    let date = start.to_zoned(TimeZone::UTC).date();
    // Months are counted from January, and years from one that the step divides.
    let since = i32::from(date.year()) * 12 + i32::from(date.month()) - 1;
    let first = since - since.rem_euclid(months);
    let mut marks = Vec::new();
    for number in 0.. {
        let month = first + number * months;
        let Some(at) = first_of(month) else { break };
        if at >= end || marks.len() > MOST_MARKS + 3 {
            break;
        }
        if at > start {
            let format = if month % 12 == 0 { "%Y" } else { "%b" };
            marks.push((at, told(at, format)));
        }
    }
    marks
}

/// When a month begins, counted from the year 0.
fn first_of(month: i32) -> Option<Timestamp> {
    let year = i16::try_from(month.div_euclid(12)).ok()?;
    let number = i8::try_from(month.rem_euclid(12) + 1).ok()?;
    let date = Date::new(year, number, 1).ok()?;
    let zoned = date.to_datetime(Time::midnight()).to_zoned(TimeZone::UTC);
    Some(zoned.ok()?.timestamp())
}

fn told(at: Timestamp, format: &str) -> String {
    at.strftime(format).to_string()
}

/// A stretch as its cells are called: `2024-03-10`, `2024-03-10 14:00 to 15:00`.
pub(super) fn stretch(start: Timestamp, end: Timestamp) -> String {
    let is_midnight = |at: Timestamp| at.as_second().rem_euclid(DAY) == 0;
    let next = plus(start, SignedDuration::from_secs(DAY));
    if is_midnight(start) && end == next {
        return told(start, "%Y-%m-%d");
    }
    if is_midnight(start) && is_midnight(end) {
        let last = end.checked_sub(1.second()).unwrap_or(end);
        return format!("{} to {}", told(start, "%Y-%m-%d"), told(last, "%Y-%m-%d"));
    }
    let minutes = "%Y-%m-%d %H:%M";
    if end <= next && told(start, "%d") == told(end, "%d") {
        return format!("{} to {}", told(start, minutes), told(end, "%H:%M"));
    }
    format!("{} to {}", told(start, minutes), told(end, minutes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples::at;

    fn labels(start: &str, end: &str) -> String {
        let axis = Axis::new(at(start), at(end));
        assert!(axis.edges.is_sorted_by(|a, b| a < b) && axis.edges.len() < 900);
        assert_eq!(
            (axis.edges[0], *axis.edges.last().unwrap()),
            (axis.start, axis.end)
        );
        let labels: Vec<_> = axis.marks.iter().map(|(_, label)| label.as_str()).collect();
        format!("{}: {}", axis.unit, labels.join(" "))
    }

    #[test]
    fn cells_and_marks_suit_the_range() {
        for (start, end, expected) in [
            (
                "2024-03-10T00:30:00Z",
                "2024-03-10T04:00:00Z",
                "an hour: 01:00 02:00 03:00",
            ),
            (
                "2024-03-10T00:00:00Z",
                "2024-03-11T12:00:00Z",
                "an hour: 06:00 12:00 18:00 11 Mar 06:00",
            ),
            (
                "2024-03-01T00:00:00Z",
                "2024-04-01T00:00:00Z",
                "a day: 7 Mar 14 Mar 21 Mar 28 Mar",
            ),
            (
                "2023-01-01T00:00:00Z",
                "2024-01-01T00:00:00Z",
                "a day: Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
            ),
            (
                "2015-06-01T00:00:00Z",
                "2024-01-01T00:00:00Z",
                "a week: 2016 2017 2018 2019 2020 2021 2022 2023",
            ),
            (
                "-009999-01-02T01:59:59Z",
                "9999-12-30T22:00:00Z",
                "an equal part: ",
            ),
        ] {
            assert_eq!(labels(start, end), expected);
        }
    }

    #[test]
    fn instants_have_their_place() {
        let axis = Axis::new(at("2024-03-01T00:00:00Z"), at("2024-03-11T00:00:00Z"));
        assert_eq!(axis.x(at("2024-03-02T06:00:00Z")), "12.5%");
        assert_eq!(axis.x(at("2025-01-01T00:00:00Z")), "100%");
        assert_eq!(stretch(axis.start, axis.end), "2024-03-01 to 2024-03-10");
        let hour = at("2024-03-01T01:00:00Z");
        assert_eq!(stretch(axis.start, hour), "2024-03-01 00:00 to 01:00");
    }
}
