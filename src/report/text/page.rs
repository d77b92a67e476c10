//! The page as a whole, and its smaller parts.

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::{coverage, findings};
use crate::report::amounts::{between, counted};
use crate::report::claims::{
    filters_in_words, headline, keys_warning, limits, origin_in_words, plan_in_words,
    range_in_words, selftest_in_words, snapshot_in_words, state_in_words,
};
use crate::report::escape::visible;
use crate::report::groups::groups;
use crate::report::head::{NO_KEYS, with_astray, without_astray};
use crate::report::json::{Keys, Report, Run};
use crate::report::look::{Look, Verbosity};
use crate::report::wrap::hanging;
use crate::verify::conclusion::Verdict;
use crate::verify::finding::Code;

/// How many keys are named, unless all findings are asked for.
const KEYS_SHOWN: usize = 8;

/// Writes the report as text.
///
/// # Errors
/// Where `out` fails.
pub fn write(report: &Report<'_>, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    if look.verbosity == Verbosity::Quiet {
        let verdict = look.verdict(report.verdict, report.verdict.name());
        return writeln!(out, "{verdict}");
    }
    let groups = groups(report);
    let told = headline(report, &groups);
    verdict(report.verdict, &told, look, out)?;
    writeln!(out)?;
    scope(report, look, out)?;
    coverage::write(report, look, out)?;
    findings::write(&report.findings, &report.run, &groups, look, out)?;
    totals(report, look, out)?;
    snapshot(&report.run, look, out)?;
    let used: BTreeSet<&str> = report
        .chains
        .iter()
        .flat_map(|chain| chain.key_fingerprints.iter().map(AsRef::as_ref))
        .collect();
    let warning = keys_warning(&report.run);
    keys(&report.run.public_keys, &used, warning, look, out)?;
    not_proven(report, look, out)?;
    // Of a long report a terminal shows the end.
    writeln!(out)?;
    let told = format!("{told} (exit status {})", report.exit_status().code());
    verdict(report.verdict, &told, look, out)
}

/// The verdict and what it rests on, in one sentence.
pub(in crate::report) fn verdict(
    verdict: Verdict,
    told: &str,
    look: &Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (name, rest) = told.split_once(": ").unwrap_or((told, ""));
    let block = hanging(&format!("{name}: "), rest, look.width);
    let painted = look.verdict(verdict, name);
    out.write_all(block.replacen(name, &painted, 1).as_bytes())
}

/// A heading, with an empty line before it.
pub(in crate::report) fn heading(look: &Look, text: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{}", look.heading(text))
}

fn scope(report: &Report<'_>, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let mut line = |name: &str, text: &str| {
        let block = hanging(&format!("{name:<10}"), text, look.width);
        out.write_all(block.as_bytes())
    };
    line("Source", &visible(&report.source))?;
    match (report.requested.start, report.requested.end) {
        (Some(start), Some(end)) => {
            let note = range_in_words(&report.run).map(|note| format!("; {note}"));
            let note = note.unwrap_or_default();
            let range = format!("{start} to {end} ({}){note}", between(start, end));
            line("Range", &range)
        }
        (Some(start), None) => line("Range", &format!("from {start} on; nothing tells its end")),
        (None, Some(end)) => line("Range", &format!("up to {end}; nothing tells its start")),
        (None, None) => line("Range", "not known: nothing was found that tells it"),
    }?;
    if let Some(filters) = filters_in_words(report) {
        line("Only", &visible(&filters))?;
    }
    if let Some(plan) = plan_in_words(&report.run) {
        line("Plan", &visible(&plan))?;
    }
    if let Some(state) = state_in_words(&report.run) {
        line("State", &visible(&state))?;
    }
    if let Some(tested) = selftest_in_words(report) {
        line("Selftest", &tested)?;
    }
    codes(&report.run, look, out)
}

/// Which codes weigh otherwise than usual.
pub(in crate::report) fn codes(run: &Run<'_>, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    for (name, codes) in [("Allowed", &run.allow), ("Denied", &run.deny)] {
        if !codes.is_empty() {
            let block = hanging(&format!("{name:<10}"), &names(codes), look.width);
            out.write_all(block.as_bytes())?;
        }
    }
    Ok(())
}

fn names(codes: &[Code]) -> String {
    let names: Vec<_> = codes.iter().map(|code| code.name()).collect();
    names.join(", ")
}

fn totals(report: &Report<'_>, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let totals = &report.totals;
    let rows = [
        ("digests", without_astray(&totals.digests)),
        ("logs", with_astray(&totals.logs)),
    ];
    super::totals(rows, "out of chain", totals.bytes, &report.run, look, out)
}

/// What the snapshot is that was verified, if it was one.
pub(in crate::report) fn snapshot(
    run: &Run<'_>,
    look: &Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Some(told) = snapshot_in_words(run) else {
        return Ok(());
    };
    heading(look, "Snapshot", out)?;
    for sentence in told {
        write!(out, "{}", hanging("  ", &visible(&sentence), look.width))?;
    }
    Ok(())
}

/// Where keys came from, and which of them are `used`.
pub(in crate::report) fn keys(
    sources: &[Keys<'_>],
    used: &BTreeSet<&str>,
    warning: Option<&str>,
    look: &Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    heading(look, "Public keys", out)?;
    if sources.is_empty() {
        writeln!(out, "  {NO_KEYS}")?;
    }
    let is_verbose = look.verbosity == Verbosity::Verbose;
    let limit = if is_verbose { usize::MAX } else { KEYS_SHOWN };
    for source in sources.iter().take(limit) {
        let number = counted(source.fingerprints.len() as u64, "key", "keys");
        let text = format!(
            "{}: {number}, {}",
            visible(&source.name),
            origin_in_words(source.origin)
        );
        write!(out, "{}", hanging("  ", &text, look.width))?;
        for fingerprint in source.fingerprints.iter().map(AsRef::as_ref) {
            let has_signed = used.contains(fingerprint);
            if has_signed || is_verbose {
                let note = if has_signed {
                    "signed what is verified here"
                } else {
                    "not used"
                };
                writeln!(out, "    {} {}", visible(fingerprint), look.dim(note))?;
            }
        }
    }
    let rest = sources.len().saturating_sub(limit) as u64;
    if rest > 0 {
        writeln!(out, "  ... and {} more", counted(rest, "source", "sources"))?;
    }
    if let Some(warning) = warning {
        let block = hanging("  WARNING: ", warning, look.width);
        write!(
            out,
            "{}",
            block.replacen("WARNING:", &look.warning("WARNING:"), 1)
        )?;
    }
    Ok(())
}

fn not_proven(report: &Report<'_>, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    heading(look, "What this does not prove", out)?;
    for limit in limits(report) {
        write!(out, "{}", hanging("  - ", &visible(&limit), look.width))?;
    }
    Ok(())
}
