//! One report, in any format.

use std::io::{self, Write};

use super::format::Format;
use super::html;
use super::json::Report;
use super::jsonl;
use super::junit;
use super::look::Look;
use super::markdown;
use super::sarif;
use super::text;

/// Writes `report` in `format`. `look` is for text; the others look the same everywhere.
///
/// # Errors
/// Where `out` fails: a full disk, a closed pipe.
pub fn render(
    report: &Report<'_>,
    format: Format,
    look: &Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Text => text::write(report, look, out),
        Format::Json => report.write(out),
        Format::Jsonl => jsonl::write(report, out),
        Format::Markdown => markdown::write(report, out),
        Format::Junit => junit::write(report, out),
        Format::Sarif => sarif::write(report, out),
        Format::Html => html::write(report, out),
    }?;
    out.flush()
}
