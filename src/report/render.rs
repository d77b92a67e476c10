//! One report, in any format.

use std::io::{self, Write};

use super::format::Format;
use super::json::Report;
use super::look::Look;
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
        Format::Jsonl | Format::Markdown | Format::Junit | Format::Sarif | Format::Html => {
            Err(io::Error::new(io::ErrorKind::Unsupported, format.name()))
        }
    }?;
    out.flush()
}

/// A stand-in until the command line knows the rest.
///
/// # Errors
/// Where `out` fails.
pub fn write(
    conclusion: &crate::verify::conclusion::Conclusion,
    source: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let run = super::run_info::RunInfo {
        started: jiff::Timestamp::UNIX_EPOCH,
        finished: jiff::Timestamp::UNIX_EPOCH,
        arguments: Vec::new(),
        host: None,
        user: None,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        source: source.to_owned(),
        keys: Vec::new(),
        digests_only: false,
        filters: super::run_info::Filters::default(),
        allow: Vec::new(),
        deny: Vec::new(),
    };
    Report::new(conclusion, &run).write(out)
}
