//! One report on query results, in any format.

use std::io::{self, Write};

use super::json::QueryReport;
use super::text;
use crate::report::format::Format;
use crate::report::look::Look;
use crate::report::shown_json;

/// Whether this release writes reports on query results in this format.
pub fn is_written(format: Format) -> bool {
    match format {
        Format::Text | Format::Json => true,
        Format::Jsonl | Format::Markdown | Format::Junit | Format::Sarif | Format::Html => false,
    }
}

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
        Format::Jsonl | Format::Markdown | Format::Junit | Format::Sarif | Format::Html => {
            Err(io::Error::new(io::ErrorKind::Unsupported, format.name()))
        }
    }?;
    out.flush()
}
