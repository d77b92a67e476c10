//! The report on query results for a CI job's summary.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::exports::{in_order, results_in_words, sign_file_in_words};
use super::head::head;
use super::json::QueryReport;
use crate::report::amounts::counted;
use crate::report::markdown::{Page, write_page};

/// Writes the report as Markdown.
///
/// # Errors
/// Where `out` fails.
pub(super) fn write(report: &QueryReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    write_page(&head(report), |page| exports(report, page), out)
}

fn exports(report: &QueryReport<'_>, page: &Page<'_>) -> String {
    let mut section = "### Exports\n\n".to_owned();
    if report.exports.is_empty() {
        section.push_str("None was found.\n");
        return section;
    }
    section.push_str(
        "| Export | Sign file | Result files | Claimed, not signed |\n|---|---|---|---|\n",
    );
    let shown = in_order(report, page.rows());
    for export in &shown {
        let claimed = export.claimed.as_ref().map_or("-".to_owned(), |claimed| {
            page.cell(&format!("{}, {}", claimed.region, claimed.completed))
        });
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(
            section,
            "| {} | {} | {} | {claimed} |",
            page.cell(&export.name()),
            sign_file_in_words(export),
            results_in_words(export)
        );
        for difference in &export.differences {
            let _ = writeln!(section, "| | | | ⚠️ {} |", page.cell(difference));
        }
    }
    let rest = (report.exports.len() - shown.len()) as u64;
    if rest > 0 {
        let more = counted(rest, "more export", "more exports");
        let _ = writeln!(section, "\n… and {more}.");
    }
    section
}
