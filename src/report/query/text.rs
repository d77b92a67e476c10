//! The report on query results for a person at a terminal.

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::claims::{headline, limits};
use super::exports::{in_order, results_in_words};
use super::json::{Export, QueryReport};
use crate::report::amounts::{count, counted};
use crate::report::claims::keys_warning;
use crate::report::escape::visible;
use crate::report::groups::groups_of;
use crate::report::head::{with_astray, without_astray};
use crate::report::look::{Look, Verbosity};
use crate::report::text::{self, heading};
use crate::report::wrap::hanging;
use crate::verify::conclusion::ExitStatus;
use crate::verify::finding::Severity;
use crate::verify::query::FileVerdict;

/// How many exports are shown, unless all are asked for. Those with something to tell come first.
const EXPORTS_SHOWN: usize = 20;

/// Writes the report as text.
///
/// # Errors
/// Where `out` fails.
pub(super) fn write(report: &QueryReport<'_>, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    if look.verbosity == Verbosity::Quiet {
        let verdict = look.verdict(report.verdict, report.verdict.name());
        return writeln!(out, "{verdict}");
    }
    let groups = groups_of(&report.findings);
    let told = headline(report, &groups);
    text::verdict(report.verdict, &told, look, out)?;
    writeln!(out)?;
    let source = hanging("Source    ", &visible(&report.source), look.width);
    out.write_all(source.as_bytes())?;
    text::codes(&report.run, look, out)?;
    text::snapshot(&report.run, look, out)?;
    exports(report, look, out)?;
    text::findings(&report.findings, &report.run, &groups, look, out)?;
    totals(report, look, out)?;
    let used = report.exports.iter();
    let used: BTreeSet<&str> = used
        .filter_map(|export| export.key_fingerprint.as_deref())
        .collect();
    text::keys(
        &report.run.public_keys,
        &used,
        keys_warning(&report.run),
        look,
        out,
    )?;
    heading(look, "What this does not prove", out)?;
    for limit in limits(report) {
        write!(out, "{}", hanging("  - ", &visible(&limit), look.width))?;
    }
    // Of a long report a terminal shows the end.
    writeln!(out)?;
    let status = ExitStatus::of(report.verdict, report.run.interrupted);
    let told = format!("{told} (exit status {})", status.code());
    text::verdict(report.verdict, &told, look, out)
}

fn exports(report: &QueryReport<'_>, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    if report.exports.is_empty() {
        return Ok(());
    }
    let number = report.exports.len() as u64;
    heading(look, &format!("Exports ({})", count(number)), out)?;
    let is_verbose = look.verbosity == Verbosity::Verbose;
    let limit = if is_verbose {
        usize::MAX
    } else {
        EXPORTS_SHOWN
    };
    let shown = in_order(report, limit);
    for export in &shown {
        one(export, look, out)?;
    }
    let rest = number - shown.len() as u64;
    if rest > 0 {
        let more = counted(rest, "export", "exports");
        writeln!(out, "  ... and {more} more (-v lists all)")?;
    }
    Ok(())
}

fn one(export: &Export<'_>, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    // A name is never broken: it is there to be copied.
    writeln!(out, "  {}", visible(&export.name()))?;
    let (symbol, told) = match export.sign_file {
        FileVerdict::Valid => (look.good("="), "sign file proven"),
        FileVerdict::Invalid => (look.severity(Severity::Invalid, "x"), "sign file invalid"),
        FileVerdict::Missing => (look.severity(Severity::Invalid, "x"), "sign file missing"),
        FileVerdict::Unverified => (
            look.severity(Severity::Unverified, "?"),
            "sign file not verified",
        ),
    };
    writeln!(out, "    {symbol} {told}; {}", results_in_words(export))?;
    if let Some(claimed) = &export.claimed {
        let text = format!(
            "claimed, not signed: region {}, complete at {}",
            visible(&claimed.region),
            claimed.completed
        );
        write!(out, "{}", hanging("      ", &text, look.width))?;
    }
    for difference in &export.differences {
        let block = hanging("    ! ", &visible(difference), look.width);
        write!(out, "{}", block.replacen('!', &look.warning("!"), 1))?;
    }
    Ok(())
}

fn totals(report: &QueryReport<'_>, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let totals = &report.totals;
    let rows = [
        ("sign files", without_astray(&totals.sign_files)),
        ("results", with_astray(&totals.results)),
    ];
    text::totals(rows, "not named", totals.bytes, &report.run, look, out)
}
