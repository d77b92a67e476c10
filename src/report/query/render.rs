//! One report on query results, in any format.

use std::io::{self, Write};

use super::json::QueryReport;
use super::{head, html, jsonl, junit, markdown, text};
use crate::report::format::Format;
use crate::report::look::Look;
use crate::report::{sarif, shown_json};

/// Writes `report` in `format`. `look` is for text; the others look the same everywhere.
///
/// # Errors
/// Where `out` fails: a full disk, a closed pipe.
pub fn render(
    report: &QueryReport<'_>,
    format: Format,
    look: &Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Text => text::write(report, look, out),
        Format::Json => shown_json::write_pretty(report, out),
        Format::Jsonl => jsonl::write(report, out),
        Format::Markdown => markdown::write(report, out),
        Format::Junit => junit::write(report, out),
        Format::Sarif => sarif::write_log(&head::head(report), &report.totals, out),
        Format::Html => html::write(report, out),
    }?;
    out.flush()
}
