//! Suites of test cases as XML.
//!
//! It keeps to what the schemas of both Ant and Jenkins take.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

use crate::report::amounts::count;
use crate::report::escape::markup;
use crate::report::groups::object_name;
use crate::report::head::Head;
use crate::report::json::Finding;
use crate::verify::conclusion::Verdict;
use crate::verify::finding::Severity;

/// A test case tells of so many findings, and counts the others.
const FINDINGS_TOLD: usize = 20;

/// A suite, with the notices that fail none of its cases.
pub(in crate::report) struct Suite<'r> {
    pub(in crate::report) name: String,
    pub(in crate::report) cases: Vec<Case<'r>>,
    pub(in crate::report) notices: Vec<&'r Finding<'r>>,
}

/// A test case.
pub(in crate::report) struct Case<'r> {
    pub(in crate::report) name: String,
    pub(in crate::report) outcome: Outcome<'r>,
}

/// What became of a test case.
pub(in crate::report) enum Outcome<'r> {
    Passed,
    /// It was not found out, and why.
    Skipped(&'static str),
    /// Findings of which the worst weighs so much.
    Failed(Severity, Vec<&'r Finding<'r>>),
    /// What the whole run comes to, where that is not valid: how it is called, and in a sentence.
    Run(Verdict, &'static str, String),
}

impl<'r> Outcome<'r> {
    pub(in crate::report) fn of(findings: Vec<&'r Finding<'r>>) -> Self {
        match findings.iter().map(|finding| finding.severity).max() {
            Some(worst @ (Severity::Invalid | Severity::Unverified)) => {
                Self::Failed(worst, findings)
            }
            Some(Severity::Notice) | None => Self::Passed,
        }
    }

    fn is_failure(&self) -> bool {
        matches!(
            self,
            Self::Failed(Severity::Invalid, _) | Self::Run(Verdict::Invalid, ..)
        )
    }

    fn is_error(&self) -> bool {
        matches!(
            self,
            Self::Failed(Severity::Unverified, _) | Self::Run(Verdict::Unverified, ..)
        )
    }

    fn is_skipped(&self) -> bool {
        matches!(self, Self::Skipped(_))
    }
}

/// The cases of the run itself. What is not valid has not passed, wherever its findings are told;
/// and a run that was stopped has an error that says so.
pub(in crate::report) fn cases_of_run<'r>(
    head: &Head<'_>,
    findings: Vec<&'r Finding<'r>>,
) -> Vec<Case<'r>> {
    let told = || head.headline.clone();
    let outcome = match (Outcome::of(findings), head.verdict) {
        (Outcome::Passed, verdict @ (Verdict::Invalid | Verdict::Unverified)) => {
            Outcome::Run(verdict, verdict.name(), told())
        }
        (outcome, _) => outcome,
    };
    let mut cases = vec![Case {
        name: "the whole run".to_owned(),
        outcome,
    }];
    if head.run.interrupted {
        cases.push(Case {
            name: "to its end".to_owned(),
            outcome: Outcome::Run(Verdict::Unverified, "interrupted", told()),
        });
    }
    cases
}

/// Writes suites; the first one tells of the run.
///
/// # Errors
/// Where `out` fails.
pub(in crate::report) fn write_suites(
    report: &Head<'_>,
    suites: &[Suite<'_>],
    out: &mut dyn Write,
) -> io::Result<()> {
    // The totals that some write here are not in every schema; each suite has its own.
    write!(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
    )?;
    for (id, suite) in suites.iter().enumerate() {
        suite.write(id, report, out)?;
    }
    writeln!(out, "</testsuites>")
}

impl Suite<'_> {
    fn failures(&self) -> usize {
        let cases = self.cases.iter();
        cases.filter(|case| case.outcome.is_failure()).count()
    }

    fn errors(&self) -> usize {
        let cases = self.cases.iter();
        cases.filter(|case| case.outcome.is_error()).count()
    }

    fn skipped(&self) -> usize {
        let cases = self.cases.iter();
        cases.filter(|case| case.outcome.is_skipped()).count()
    }

    fn write(&self, id: usize, report: &Head<'_>, out: &mut dyn Write) -> io::Result<()> {
        let name = attribute(&self.name);
        writeln!(
            out,
            r#"  <testsuite id="{id}" name="{name}" package="ct-verify" tests="{}" failures="{}" errors="{}" skipped="{}" time="0" timestamp="{}" hostname="{}">"#,
            self.cases.len(),
            self.failures(),
            self.errors(),
            self.skipped(),
            report.run.started.strftime("%Y-%m-%dT%H:%M:%S"),
            attribute(report.run.host.as_deref().unwrap_or("localhost")),
        )?;
        writeln!(out, "    <properties/>")?;
        for case in &self.cases {
            case.write(&name, out)?;
        }
        write!(out, "    <system-out>")?;
        // The first suite tells of the run.
        if id == 0 {
            write!(out, "{}", markup(&report.headline))?;
        }
        if !self.notices.is_empty() {
            write!(out, "{}", markup_lines(&self.notices))?;
        }
        writeln!(out, "</system-out>")?;
        writeln!(out, "    <system-err/>\n  </testsuite>")
    }
}

impl Case<'_> {
    /// What was not looked at has not passed.
    pub(in crate::report) fn skip(&mut self, why: &'static str) {
        if let Outcome::Passed = self.outcome {
            self.outcome = Outcome::Skipped(why);
        }
    }

    fn write(&self, suite: &str, out: &mut dyn Write) -> io::Result<()> {
        let name = attribute(&self.name);
        write!(
            out,
            r#"    <testcase name="{name}" classname="{suite}" time="0""#
        )?;
        let (severity, findings) = match &self.outcome {
            Outcome::Passed => return writeln!(out, "/>"),
            Outcome::Skipped(why) => {
                return writeln!(out, r#"><skipped message="{why}"/></testcase>"#);
            }
            Outcome::Run(verdict, kind, told) => {
                let element = if *verdict == Verdict::Invalid {
                    "failure"
                } else {
                    "error"
                };
                let told = markup(told);
                return writeln!(
                    out,
                    "><{element} type=\"{kind}\" message=\"{told}\">{told}</{element}></testcase>"
                );
            }
            Outcome::Failed(severity, findings) => (*severity, findings),
        };
        let element = if severity == Severity::Invalid {
            "failure"
        } else {
            "error"
        };
        let mut worst = findings
            .iter()
            .filter(|finding| finding.severity == severity);
        let kind = worst.next().map_or("", |finding| finding.code.name());
        let message = match findings.len() {
            1 => kind.to_owned(),
            number => format!(
                "{} findings, the worst of them {kind}",
                count(number as u64)
            ),
        };
        writeln!(
            out,
            "><{element} type=\"{kind}\" message=\"{message}\">{}</{element}></testcase>",
            markup_lines(findings)
        )
    }
}

/// A name, which the schemas take for one only where it is not blank.
fn attribute(name: &str) -> Cow<'_, str> {
    if name.trim().is_empty() {
        return "-".into();
    }
    markup(name)
}

/// The findings, the heaviest first, a line each.
fn markup_lines(findings: &[&Finding<'_>]) -> String {
    let mut sorted = findings.to_vec();
    sorted.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let mut lines = String::new();
    for finding in sorted.iter().take(FINDINGS_TOLD) {
        let object = object_name(finding).map(|object| format!("{object}: "));
        let told = format!(
            "{}: {}{}",
            finding.code,
            object.unwrap_or_default(),
            finding.message
        );
        // Writing to a string cannot fail.
        let _ = write!(lines, "\n{}", markup(&told));
    }
    let rest = findings.len().saturating_sub(FINDINGS_TOLD) as u64;
    if rest > 0 {
        let _ = write!(lines, "\n... and {} more", count(rest));
    }
    lines.push('\n');
    lines
}
