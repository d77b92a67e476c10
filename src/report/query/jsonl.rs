//! The report on query results as lines: its start, its exports, its findings, its summary. They
//! are written when the run has ended: there are few exports, and each is small.

use std::io::{self, Write};

use serde::Serialize;

use super::json::{Export, QueryReport, Totals};
use crate::report::json::Keys;
use crate::report::jsonl::{FindingCounts, Numbered, start};
use crate::report::named;
use crate::report::shown_json::write_line;
use crate::verify::conclusion::Verdict;

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    Export(&'a Export<'a>),
    Finding(Numbered<'a>),
    Summary(Summary<'a>),
}

#[derive(Serialize)]
struct Summary<'a> {
    finished: jiff::Timestamp,
    interrupted: bool,
    public_keys: &'a [Keys<'a>],
    #[serde(with = "named")]
    verdict: Verdict,
    totals: &'a Totals,
    findings: FindingCounts,
}

/// Writes the report as lines.
///
/// # Errors
/// Where `out` fails.
pub(super) fn write(report: &QueryReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    start(&report.tool, &report.run, &report.source, out)?;
    for export in &report.exports {
        write_line(&Line::Export(export), out)?;
    }
    for (finding, number) in report.findings.iter().zip(1..) {
        write_line(&Line::Finding(Numbered { number, finding }), out)?;
    }
    let severities = report.findings.iter().map(|finding| finding.severity);
    let summary = Summary {
        finished: report.run.finished,
        interrupted: report.run.interrupted,
        public_keys: &report.run.public_keys,
        verdict: report.verdict,
        totals: &report.totals,
        findings: FindingCounts::of(severities),
    };
    write_line(&Line::Summary(summary), out)
}
