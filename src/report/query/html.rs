//! The report on query results as one page.

use std::io::{self, Write};

use super::exports::{in_order, results_in_words, sign_file_in_words};
use super::head::head;
use super::json::{Export, QueryReport};
use crate::report::amounts::counted;
use crate::report::escape::markup;
use crate::report::html::write_page;
use crate::verify::query::FileVerdict;

/// How many exports are listed; those with something to tell come first.
const EXPORTS_SHOWN: usize = 2_000;

/// Writes the report as one page.
///
/// # Errors
/// Where `out` fails.
pub(super) fn write(report: &QueryReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    write_page(&head(report), |out| exports(report, out), out)
}

fn exports(report: &QueryReport<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section>\n<h2>Exports</h2>")?;
    if report.exports.is_empty() {
        return writeln!(out, "<p>None was found.</p>\n</section>");
    }
    writeln!(
        out,
        r#"<table class="stack"><thead><tr><th>Export</th><th>Sign file</th><th>Result files</th><th>Claimed, not signed</th></tr></thead><tbody>"#
    )?;
    let shown = in_order(report, EXPORTS_SHOWN);
    for export in &shown {
        one(export, out)?;
    }
    writeln!(out, "</tbody></table>")?;
    let rest = (report.exports.len() - shown.len()) as u64;
    if rest > 0 {
        let more = counted(rest, "more export", "more exports");
        writeln!(out, "<p>… and {more}. The JSON report lists all.</p>")?;
    }
    writeln!(out, "</section>")
}

fn one(export: &Export<'_>, out: &mut dyn Write) -> io::Result<()> {
    let class = match export.sign_file {
        FileVerdict::Valid => "",
        FileVerdict::Invalid | FileVerdict::Missing => "bad",
        FileVerdict::Unverified => "open",
    };
    let results = &export.results;
    let of_results = if results.invalid + results.missing + results.unreferenced > 0 {
        "bad"
    } else if results.unverified > 0 {
        "open"
    } else {
        ""
    };
    write!(
        out,
        r#"<tr><th><span class="name">{}</span></th><td class="{class}" data-of="sign file">{}</td><td class="{of_results}" data-of="results">{}</td><td data-of="claimed">"#,
        markup(&export.name()),
        sign_file_in_words(export),
        results_in_words(export)
    )?;
    match &export.claimed {
        Some(claimed) => write!(
            out,
            "{}, <span class=\"time\">{}</span>",
            markup(&claimed.region),
            claimed.completed
        )?,
        None => write!(out, "-")?,
    }
    for difference in &export.differences {
        write!(out, r#"<p class="open">{}</p>"#, markup(difference))?;
    }
    writeln!(out, "</td></tr>")
}
