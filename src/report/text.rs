//! The report for a person at a terminal, who must act on it.

use std::io::{self, Write};

use super::escape::visible;
use super::json::Report;
use super::look::{Look, Verbosity};

/// Writes the report as text.
///
/// # Errors
/// Where `out` fails.
pub fn write(report: &Report<'_>, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let verdict = look.verdict(report.verdict, &report.verdict.name().to_uppercase());
    writeln!(out, "{verdict}")?;
    if look.verbosity == Verbosity::Quiet {
        return Ok(());
    }
    writeln!(out)?;
    for chain in &report.chains {
        writeln!(out, "{}", visible(&chain.name()))?;
        for gap in &chain.gaps {
            writeln!(out, "  not covered: {} to {}", gap.start, gap.end)?;
        }
    }
    for finding in &report.findings {
        let severity = look.severity(finding.severity, finding.severity.name());
        writeln!(
            out,
            "{severity} {}: {}",
            finding.code,
            visible(&finding.message)
        )?;
        if let Some(key) = &finding.key {
            writeln!(out, "  {}", visible(key))?;
        }
    }
    Ok(())
}
