//! A suite for each chain, and in it a test case for each day.
//!
//! What is proven wrong is a failure, what could not be verified is an error, and a day that no
//! digest covers at all is skipped, as is what was not looked at. Notices fail nothing: a suite's output tells them.

use std::collections::BTreeMap;
use std::io::{self, Write};

use jiff::{SignedDuration, Timestamp};

use super::xml::{Case, Outcome, Suite, cases_of_run, write_suites};
use crate::report::claims::not_looked_for;
use crate::report::groups::time_of;
use crate::report::head::Head;
use crate::report::json::{Chain, Finding, Report};
use crate::verify::finding::Severity;
use crate::verify::time::{midnight, minus, plus};

/// A chain over more days than this (a century) is one test case: no archive is so old.
const MAX_DAYS: usize = 36_600;
/// Why a day is skipped.
const UNCOVERED: &str = "no digest covers any of this day";
/// Why whatever was found to be in order is skipped in a run that was stopped.
const STOPPED: &str = "the run was stopped before all was looked at";
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Writes the report as `JUnit`'s XML.
///
/// # Errors
/// Where `out` fails.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let head = Head::new(report);
    write_suites(&head, &suites(report, &head), out)
}

/// The findings of the run, of one chain, or of one account's region.
#[derive(Default)]
struct Found<'r> {
    dated: BTreeMap<Timestamp, Vec<&'r Finding<'r>>>,
    undated: Vec<&'r Finding<'r>>,
    notices: Vec<&'r Finding<'r>>,
}

impl<'r> Found<'r> {
    fn add(&mut self, finding: &'r Finding<'r>) {
        match (finding.severity, time_of(finding)) {
            (Severity::Notice, _) => self.notices.push(finding),
            // A digest's time is its window's end, and what it is about lies before that.
            (Severity::Invalid | Severity::Unverified, Some(at)) => {
                let day = midnight(minus(at, SignedDuration::from_secs(1)));
                self.dated.entry(day).or_default().push(finding);
            }
            (Severity::Invalid | Severity::Unverified, None) => self.undated.push(finding),
        }
    }

    /// A suite of one test case with all findings.
    fn whole(self, name: String, case: &str) -> Suite<'r> {
        let dated = self.dated.into_values().flatten();
        let case = Case {
            name: case.to_owned(),
            outcome: Outcome::of(self.undated.into_iter().chain(dated).collect()),
        };
        Suite {
            name,
            cases: vec![case],
            notices: self.notices,
        }
    }
}

fn suites<'r>(report: &'r Report<'_>, head: &Head<'_>) -> Vec<Suite<'r>> {
    let mut found: BTreeMap<&str, Found<'r>> = BTreeMap::new();
    let mut of_run = Found::default();
    for finding in &report.findings {
        match finding.chain.as_deref() {
            Some(chain) => found.entry(chain).or_default().add(finding),
            None => of_run.add(finding),
        }
    }
    let of_run_dated = of_run.dated.into_values().flatten();
    let mut suites = vec![Suite {
        name: "run".to_owned(),
        cases: cases_of_run(
            head,
            of_run.undated.into_iter().chain(of_run_dated).collect(),
        ),
        notices: of_run.notices,
    }];
    let places: std::collections::BTreeSet<_> = report.chains.iter().map(Chain::place).collect();
    for chain in &report.chains {
        let name = chain.name();
        let mut found = found.remove(name.as_str()).unwrap_or_default();
        let notices = std::mem::take(&mut found.notices);
        let mut cases = chain_cases(chain, found);
        if report.run.interrupted {
            for case in &mut cases {
                case.skip(STOPPED);
            }
        }
        suites.push(Suite {
            name,
            cases,
            notices,
        });
    }
    for place in places {
        let found = found.remove(place.as_str()).unwrap_or_default();
        let mut suite = found.whole(place, "logs that no digest names");
        if let Some(why) = not_looked_for(report) {
            for case in &mut suite.cases {
                case.skip(why);
            }
        }
        suites.push(suite);
    }
    // What is left belongs to chains that have no digest.
    for (name, found) in found {
        suites.push(found.whole(name.to_owned(), "coverage"));
    }
    suites
}

/// A case for the chain's coverage as a whole, and one for each day from its first to its last.
fn chain_cases<'r>(chain: &'r Chain<'_>, mut found: Found<'r>) -> Vec<Case<'r>> {
    let days = days(chain, &found);
    if days.len() > MAX_DAYS {
        found.undated.extend(found.dated.into_values().flatten());
        return vec![Case {
            name: "coverage".to_owned(),
            outcome: Outcome::of(found.undated),
        }];
    }
    let mut cases = vec![Case {
        name: "coverage".to_owned(),
        outcome: Outcome::of(found.undated),
    }];
    let mut covered = chain.covered.as_slice();
    for day in days {
        while covered.first().is_some_and(|span| span.end <= day) {
            covered = &covered[1..];
        }
        let is_covered = covered
            .first()
            .is_some_and(|span| span.start < plus(day, DAY));
        let outcome = match Outcome::of(found.dated.remove(&day).unwrap_or_default()) {
            Outcome::Passed if !is_covered && !chain.backfill => Outcome::Skipped(UNCOVERED),
            outcome @ (Outcome::Passed
            | Outcome::Skipped(_)
            | Outcome::Failed(..)
            | Outcome::Run(..)) => outcome,
        };
        let name = day.strftime("%Y-%m-%d").to_string();
        cases.push(Case { name, outcome });
    }
    cases
}

fn days(chain: &Chain<'_>, found: &Found<'_>) -> Vec<Timestamp> {
    let starts = chain.covered.first().map(|span| midnight(span.start));
    let ends = chain
        .covered
        .last()
        .map(|span| midnight(minus(span.end, SignedDuration::from_secs(1))));
    let first = [starts, found.dated.keys().next().copied()]
        .into_iter()
        .flatten()
        .min();
    let last = [ends, found.dated.keys().next_back().copied()]
        .into_iter()
        .flatten()
        .max();
    let (Some(first), Some(last)) = (first, last) else {
        return Vec::new();
    };
    let following = |day: &Timestamp| Some(plus(*day, DAY)).filter(|next| next > day);
    std::iter::successors(Some(first), following)
        .take_while(|day| *day <= last)
        .take(MAX_DAYS + 1)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::escape::is_hidden;
    use crate::report::samples;

    fn xml(report: &Report<'_>) -> String {
        let mut xml = Vec::new();
        write(report, &mut xml).unwrap();
        String::from_utf8(xml).unwrap()
    }

    /// The test cases of a suite, each with what became of it.
    fn cases(xml: &str, suite: &str) -> Vec<(String, String)> {
        let document = roxmltree::Document::parse(xml).unwrap();
        let mut suites = document
            .descendants()
            .filter(|it| it.has_tag_name("testsuite"));
        let suite = suites
            .find(|it| it.attribute("name") == Some(suite))
            .unwrap();
        let cases = suite.children().filter(|it| it.has_tag_name("testcase"));
        let outcome = |case: roxmltree::Node<'_, '_>| {
            let told = case.children().find(roxmltree::Node::is_element);
            told.map_or("passed", |it| it.tag_name().name()).to_owned()
        };
        cases
            .map(|it| (it.attribute("name").unwrap().to_owned(), outcome(it)))
            .collect()
    }

    #[test]
    fn a_case_for_each_day_of_a_chain() {
        let report = samples::tampered();
        let cases = cases(&xml(&report), "123456789012/us-east-1/audit");
        assert_eq!(cases.len(), 1 + 31);
        let failed: Vec<_> = cases
            .iter()
            .filter(|(_, outcome)| outcome == "failure")
            .collect();
        let days: Vec<_> = failed.iter().map(|(day, _)| day.as_str()).collect();
        assert_eq!(days, ["2024-03-05", "2024-03-17"]);
        // The rest has passed: a gap is a notice.
        assert_eq!(
            cases
                .iter()
                .filter(|(_, outcome)| outcome == "passed")
                .count(),
            30
        );
    }

    #[test]
    fn the_run_passes_only_where_it_is_valid() {
        let of_run = |report: &Report<'_>| cases(&xml(report), "run");
        let case = |name: &str, outcome: &str| (name.to_owned(), outcome.to_owned());
        assert_eq!(of_run(&samples::clean()), [case("the whole run", "passed")]);
        assert_eq!(
            of_run(&samples::tampered()),
            [case("the whole run", "failure")]
        );
        let mut stopped = samples::clean();
        stopped.verdict = crate::verify::conclusion::Verdict::Unverified;
        stopped.run.interrupted = true;
        assert_eq!(
            of_run(&stopped),
            [case("the whole run", "error"), case("to its end", "error")]
        );
        assert!(xml(&stopped).contains("<error type=\"interrupted\""));
        let told = xml(&samples::tampered());
        assert!(told.contains("message=\"digest-missing\""), "{told}");
        assert!(!told.contains("of them digest"), "{told}");
    }

    #[test]
    fn what_was_not_looked_at_has_not_passed() {
        let (place, chain) = ("123456789012/us-east-1", "123456789012/us-east-1/audit");
        let passed = |report: &Report<'_>, suite| {
            let cases = cases(&xml(report), suite);
            assert!(!cases.is_empty());
            cases.iter().any(|(_, outcome)| outcome == "passed")
        };
        let mut report = samples::clean();
        assert!(passed(&report, place) && passed(&report, chain));
        report.run.digests_only = true;
        assert!(!passed(&report, place) && passed(&report, chain));
        report.run.interrupted = true;
        assert!(!passed(&report, place) && !passed(&report, chain));
        assert!(xml(&report).contains("<skipped message=\"the run was stopped"));
    }

    #[test]
    fn names_are_text_whatever_they_are() {
        let xml = xml(&samples::hostile());
        assert!(!xml.chars().any(|c| c != '\n' && is_hidden(c)));
        let document = roxmltree::Document::parse(&xml).unwrap();
        let known = [
            "testsuites",
            "testsuite",
            "properties",
            "testcase",
            "failure",
            "error",
            "skipped",
            "system-out",
            "system-err",
        ];
        for element in document.descendants().filter(roxmltree::Node::is_element) {
            assert!(known.contains(&element.tag_name().name()));
        }
        assert!(!xml.contains("<![CDATA[") && !xml.contains("]]>"));
    }

    #[test]
    fn a_century_is_one_case_and_blank_names_are_none() {
        let mut report = samples::tampered();
        report.run.host = Some(" ".into());
        report.chains[0].covered[0].start = samples::at("1800-01-01T00:00:00Z");
        let xml = xml(&report);
        assert_eq!(cases(&xml, "123456789012/eu-west-1/audit").len(), 1);
        assert!(xml.contains("hostname=\"-\""));
    }
}
