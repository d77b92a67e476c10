//! What there is to tell of a chain's coverage, beyond how much of the range it covers.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::amounts::counted;
use super::json::{Chain, ChainGap, Report};
use super::reach::present;
use super::timeline::{AllMarks, cause_in_words};
use crate::verify::chain::GapCause;
use crate::verify::finding::Code;
use crate::verify::time::{OVERDUE, plus};

/// Objects of a chain, and beside it, that are proven wrong, or could not be verified, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What is proven wrong.
    pub wrong: String,
    /// What could not be verified.
    pub open: String,
}

impl Trouble {
    /// What is the matter with `chain`; both texts are empty where nothing is.
    pub fn of(chain: &Chain<'_>, marks: &AllMarks<'_>) -> Self {
        let (astray, uncovered) = marks.beside(chain);
        let (digests, logs) = (&chain.digests, &chain.logs);
        let wrong = [
            (digests.invalid, "digest invalid", "digests invalid"),
            (digests.missing, "digest missing", "digests missing"),
            (logs.invalid, "log invalid", "logs invalid"),
            (logs.missing, "log missing", "logs missing"),
            (astray, "log out of chain", "logs out of chain"),
        ];
        let open = [
            (
                digests.unverified,
                "digest not verified",
                "digests not verified",
            ),
            (logs.unverified, "log not verified", "logs not verified"),
            (uncovered, "log not covered", "logs not covered"),
        ];
        Self {
            wrong: told(&wrong),
            open: told(&open),
        }
    }

    /// Whether nothing is the matter.
    pub fn is_none(&self) -> bool {
        self.wrong.is_empty() && self.open.is_empty()
    }
}

fn told(counts: &[(u64, &str, &str)]) -> String {
    let some = counts.iter().filter(|(number, _, _)| *number > 0);
    let told: Vec<_> = some
        .map(|(number, one, many)| counted(*number, one, many))
        .collect();
    told.join(", ")
}

/// Which gaps are only time whose digest was not yet due when the run began.
pub struct Waiting<'r> {
    now: Timestamp,
    /// The start of a range that had ended by then.
    past_start: Option<Timestamp>,
    /// The chains that are told to end early.
    late: BTreeSet<&'r str>,
}

impl<'r> Waiting<'r> {
    /// What a report tells of it.
    pub fn of(report: &'r Report<'_>) -> Self {
        let now = present(&report.run);
        let is_past = report.requested.end.is_some_and(|end| end < now);
        let findings = report.findings.iter();
        let late = findings.filter(|it| it.code == Code::CoverageEndsEarly);
        Self {
            now,
            past_start: report.requested.start.filter(|_| is_past),
            late: late.filter_map(|it| it.chain.as_deref()).collect(),
        }
    }

    /// Whether a gap of `chain` is only that.
    pub fn is_for(&self, chain: &Chain<'_>, gap: &ChainGap) -> bool {
        let is_short = gap.end.duration_since(gap.start) <= OVERDUE;
        let is_open = gap.cause == GapCause::EndsEarly && is_short;
        // Where nothing of the range is covered the gap does not tell when the newest digest ended: that it
        // is late is told as long as the range reaches up to the run.
        let is_known = || Some(gap.start) != self.past_start && !self.late.contains(&*chain.name());
        is_open && plus(gap.start, OVERDUE) > self.now && is_known()
    }

    /// Why a gap of `chain` is one, in words.
    pub fn why(&self, chain: &Chain<'_>, gap: &ChainGap) -> &'static str {
        if self.is_for(chain, gap) {
            "the next digest is not yet due"
        } else {
            cause_in_words(gap.cause)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples::{self, at};
    use crate::report::{Format, Look, render};
    use crate::verify::finding::Severity;

    /// The first hour and a half of the day, of which nothing is covered.
    fn from_midnight() -> Report<'static> {
        let mut report = samples::clean();
        report.run.started = at("2024-03-10T01:30:00Z");
        report.requested.end = Some(report.run.started);
        let chain = &mut report.chains[0];
        chain.covered = Vec::new();
        chain.gaps = vec![ChainGap {
            start: at("2024-03-10T00:00:00Z"),
            end: report.run.started,
            cause: GapCause::EndsEarly,
            events: Vec::new(),
        }];
        report
    }

    fn is_waiting(report: &Report<'_>) -> bool {
        let chain = &report.chains[0];
        Waiting::of(report).is_for(chain, &chain.gaps[0])
    }

    #[test]
    fn a_chain_that_ends_early_waits_for_nothing() {
        let mut report = from_midnight();
        assert!(is_waiting(&report));
        let mut finding = samples::tampered().findings.remove(0);
        finding.code = Code::CoverageEndsEarly;
        finding.severity = Code::CoverageEndsEarly.severity();
        finding.chain = Some("another".into());
        report.findings = vec![finding];
        assert!(is_waiting(&report));
        report.findings[0].chain = Some(report.chains[0].name().into());
        assert!(!is_waiting(&report));
        for format in [Format::Text, Format::Markdown, Format::Html] {
            let mut out = Vec::new();
            render(&report, format, &Look::default(), &mut out).unwrap();
            let out = String::from_utf8(out).unwrap();
            assert!(!out.contains("not yet due"), "{format:?}: {out}");
        }
        // What is allowed is no better for it.
        report.findings[0].severity = Severity::Notice;
        assert!(super::super::shares::lacking(&report).is_some());
    }

    #[test]
    fn where_the_newest_digest_ended_is_not_guessed() {
        let mut report = from_midnight();
        report.requested.end = Some(at("2024-03-10T01:00:00Z"));
        report.chains[0].gaps[0].end = at("2024-03-10T01:00:00Z");
        assert!(!is_waiting(&report));
        // Within the range the gap begins where it did.
        report.chains[0].gaps[0].start = at("2024-03-10T00:10:00Z");
        assert!(is_waiting(&report));
    }
}
