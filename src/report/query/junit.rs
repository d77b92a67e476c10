//! The report on query results as `JUnit`'s XML: a suite for each export.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::head::head;
use super::json::QueryReport;
use crate::report::head::Head;
use crate::report::json::Finding;
use crate::report::junit::{Case, Outcome, Suite, cases_of_run, write_suites};
use crate::verify::finding::{Code, Severity};

type Folder<'r> = (Option<&'r str>, &'r str);

/// The findings of one export, or of the run.
#[derive(Default)]
struct Found<'r> {
    signs: Vec<&'r Finding<'r>>,
    results: Vec<&'r Finding<'r>>,
    notices: Vec<&'r Finding<'r>>,
}

/// Writes the report as `JUnit`'s XML.
///
/// # Errors
/// Where `out` fails.
pub(super) fn write(report: &QueryReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    let head = head(report);
    write_suites(&head, &suites(report, &head), out)
}

fn suites<'r>(report: &'r QueryReport<'r>, head: &Head<'_>) -> Vec<Suite<'r>> {
    let folder = |export: &'r super::json::Export<'r>| -> Folder<'r> {
        (export.bucket.as_deref(), &export.folder)
    };
    let exports = report
        .exports
        .iter()
        .map(|export| (folder(export), Found::default()));
    let mut found: BTreeMap<Folder<'r>, Found<'r>> = exports.collect();
    let mut of_run = Found::default();
    for finding in &report.findings {
        let folder = folder_of(finding, &found);
        let found = folder.and_then(|folder| found.get_mut(&folder));
        found.unwrap_or(&mut of_run).add(finding);
    }
    let whole = of_run.signs.into_iter().chain(of_run.results).collect();
    let mut suites = vec![Suite {
        name: "run".to_owned(),
        cases: cases_of_run(head, whole),
        notices: of_run.notices,
    }];
    for export in &report.exports {
        let found = found.remove(&folder(export)).unwrap_or_default();
        let case = |name: &str, findings| Case {
            name: name.to_owned(),
            outcome: Outcome::of(findings),
        };
        suites.push(Suite {
            name: export.name(),
            cases: vec![
                case("sign file", found.signs),
                case("result files", found.results),
            ],
            notices: found.notices,
        });
    }
    suites
}

/// The innermost export that a finding's object lies in.
fn folder_of<'r>(
    finding: &'r Finding<'r>,
    exports: &BTreeMap<Folder<'r>, Found<'r>>,
) -> Option<Folder<'r>> {
    let key = finding.key.as_deref()?;
    let bucket = finding.bucket.as_deref();
    let above = key.rmatch_indices('/').map(|(at, _)| &key[..at]);
    let mut folders = std::iter::once(key).chain(above).chain([""]);
    folders
        .find(|folder| exports.contains_key(&(bucket, *folder)))
        .map(|folder| (bucket, folder))
}

impl<'r> Found<'r> {
    fn add(&mut self, finding: &'r Finding<'r>) {
        let is_of_sign_file = [
            Code::SignFileMissing,
            Code::SignFileModified,
            Code::SignFileMalformed,
            Code::ResultKeyUnknown,
            Code::NoResults,
        ]
        .contains(&finding.code);
        match (finding.severity, is_of_sign_file) {
            (Severity::Notice, _) => self.notices.push(finding),
            (Severity::Invalid | Severity::Unverified, true) => self.signs.push(finding),
            (Severity::Invalid | Severity::Unverified, false) => self.results.push(finding),
        }
    }
}
