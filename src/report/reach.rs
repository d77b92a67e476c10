//! How far the range of a run reaches, and what was yet to come when it began.

use jiff::Timestamp;

use super::json::{Report, Run};

/// What is said of coverage where no range is known.
pub const NO_RANGE: &str = "No verified digest tells the range, so nothing is covered.";

/// The present of a run: of a snapshot, when that was taken.
pub fn present(run: &Run<'_>) -> Timestamp {
    run.snapshot.as_ref().map_or(run.started, |it| it.taken)
}

/// The range as far as it had come to pass, from when to when; nothing where it is not known. Of what
/// is to come nothing is missed.
pub fn reach(report: &Report<'_>) -> Option<(Timestamp, Timestamp)> {
    let (start, end) = report.requested.start.zip(report.requested.end)?;
    let now = present(&report.run);
    // A clock that is wrong makes no range that is reversed.
    let end = if now > start { end.min(now) } else { end };
    Some((start, end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples::{self, at};
    use crate::report::{Format, Look, render};

    #[test]
    fn no_heading_stands_above_nothing() {
        let mut report = samples::clean();
        report.requested.start = None;
        report.run.public_keys.clear();
        for format in [Format::Text, Format::Markdown, Format::Html] {
            let mut out = Vec::new();
            render(&report, format, &Look::default(), &mut out).unwrap();
            let out = String::from_utf8(out).unwrap();
            assert!(out.contains("None were asked for."), "{format:?}: {out}");
            let is_told = format == Format::Markdown || out.contains(NO_RANGE);
            assert!(is_told, "{format:?}: {out}");
        }
    }

    #[test]
    fn what_is_to_come_is_not_missed() {
        let mut report = samples::clean();
        report.run.started = at("2024-03-11T00:30:00Z");
        let (start, end) = (at("2024-03-10T00:00:00Z"), at("2024-03-11T00:00:00Z"));
        assert_eq!(reach(&report), Some((start, end)));
        report.requested.end = Some(at("2024-03-12T00:00:00Z"));
        assert_eq!(reach(&report), Some((start, report.run.started)));
        // A day of it is verified, and the half hour that follows: not half of the range.
        for format in [Format::Text, Format::Markdown, Format::Html] {
            let mut out = Vec::new();
            render(&report, format, &Look::default(), &mut out).unwrap();
            let out = String::from_utf8(out).unwrap();
            assert!(out.contains("97.9 %"), "{format:?}: {out}");
        }
        report.run.started = at("2024-03-09T00:00:00Z");
        assert_eq!(reach(&report), Some((start, report.requested.end.unwrap())));
    }
}
