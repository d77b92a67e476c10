//! Reads a saved JSON report back. It is a stranger's file: bounded, strict, and held against
//! itself before anything is made of it.

use std::fmt;
use std::io::{self, Read, Write};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::escape::visible;
use super::format::Format;
use super::json::{Digests, Finding, Logs, Report, Run, SCHEMA_VERSION};
use super::look::Look;
use super::query::{self, QueryReport};
use super::render::render;
use crate::verify::conclusion::{ExitStatus, Verdict, severity_in};
use crate::verify::finding::Severity;

/// No report is larger: that is more than a million findings.
const MAX_LEN: u64 = 1 << 30;

/// Why a file was not taken for a report.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// It could not be read.
    #[error(transparent)]
    Read(#[from] io::Error),
    /// It is too large.
    #[error("it is larger than {MAX_LEN} bytes, and no report is")]
    TooLarge,
    /// It is of another version.
    #[error("it is a report of version {0}, and this ct-verify reads version {SCHEMA_VERSION}")]
    Version(u64),
    /// It is no report.
    #[error("it is not a JSON report of ct-verify: {0}")]
    NotAReport(Told),
    /// Another version of this program wrote it, with what this one does not know.
    #[error("ct-verify {version} wrote it, and this is {VERSION}: {error}")]
    AnotherVersion {
        /// The version that wrote it.
        version: String,
        /// What is not known.
        error: Told,
    },
    /// It contradicts itself.
    #[error("it contradicts itself: {0}")]
    Contradiction(String),
}

/// What is wrong with a file, in words that may be the file's own, made visible.
#[derive(Debug)]
pub struct Told(String);

impl From<serde_json::Error> for Told {
    fn from(error: serde_json::Error) -> Self {
        Self(visible(&error.to_string()).into_owned())
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The version of this program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

#[derive(Deserialize)]
struct Kind {
    schema_version: u64,
    tool: Option<ToolVersion>,
    exports: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct ToolVersion {
    version: Option<String>,
}

/// Reads a report.
///
/// # Errors
/// Where it cannot be read, or is not a report that this program could have written.
pub fn read(reader: impl Read) -> Result<Saved, SavedError> {
    let mut content = Vec::new();
    reader.take(MAX_LEN + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_LEN {
        return Err(SavedError::TooLarge);
    }
    let Kind {
        schema_version,
        tool,
        exports,
    } = parse(&content).map_err(SavedError::NotAReport)?;
    if schema_version != u64::from(SCHEMA_VERSION) {
        return Err(SavedError::Version(schema_version));
    }
    // A later version may know more fields and codes than this one. To leave out what is not
    // known would be to render another report than the one that was saved.
    let unknown = |error| match tool.and_then(|tool| tool.version) {
        Some(version) if version != VERSION => SavedError::AnotherVersion {
            version: visible(&version).chars().take(40).collect(),
            error,
        },
        Some(_) | None => SavedError::NotAReport(error),
    };
    // Only reports on query results have exports.
    if exports.is_some() {
        let report = parse(&content).map_err(unknown)?;
        check_query(&report).map_err(SavedError::Contradiction)?;
        return Ok(Saved::Query(Box::new(report)));
    }
    let mut report: Report<'static> = parse(&content).map_err(unknown)?;
    report.find_namesakes();
    check(&report).map_err(SavedError::Contradiction)?;
    Ok(Saved::Logs(Box::new(report)))
}

/// A saved report, of whatever kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Saved {
    /// On logs.
    Logs(Box<Report<'static>>),
    /// On query results.
    Query(Box<QueryReport<'static>>),
}

impl Saved {
    /// Writes it in `format`, as the run would have done.
    ///
    /// # Errors
    /// Where `out` fails: a full disk, a closed pipe.
    pub fn render(&self, format: Format, look: &Look, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Logs(report) => render(report, format, look, out),
            Self::Query(report) => query::render(report, format, look, out),
        }
    }

    /// What a command that shows it tells whoever started it.
    pub fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Logs(report) => report.exit_status(),
            Self::Query(report) => ExitStatus::of(report.verdict, report.run.interrupted),
        }
    }
}

fn parse<'de, T: Deserialize<'de>>(content: &'de [u8]) -> Result<T, Told> {
    serde_json::from_slice(content).map_err(Told::from)
}

fn check(report: &Report<'_>) -> Result<(), String> {
    if let (Some(start), Some(end)) = (report.requested.start, report.requested.end)
        && end < start
    {
        return Err(format!("its range ends at {end}, before it starts"));
    }
    for chain in &report.chains {
        let covered = chain.covered.iter().map(|span| (span.start, span.end));
        let gaps = chain.gaps.iter().map(|gap| (gap.start, gap.end));
        let is_ordered = covered
            .clone()
            .is_sorted_by(|before, after| before.1 <= after.0)
            && gaps.clone().is_sorted()
            && covered.chain(gaps).all(|(start, end)| start <= end);
        if !is_ordered {
            return Err(format!(
                "the times of chain {:?} are in disorder",
                chain.name()
            ));
        }
    }
    let totals = &report.totals;
    let chains = report.chains.iter().map(|its| (&its.digests, &its.logs));
    for (digests, logs) in chains.chain([(&totals.digests, &totals.logs)]) {
        let (digests, logs) = (Counted::from(digests), Counted::from(logs));
        if !report.run.interrupted {
            digests.are_told("digest-", &report.findings)?;
            logs.are_told("log-", &report.findings)?;
        }
    }
    let is_proven = totals.digests.valid > 0;
    fits(&report.run, &report.findings, report.verdict, is_proven)
}

fn check_query(report: &QueryReport<'_>) -> Result<(), String> {
    let totals = &report.totals;
    if !report.run.interrupted {
        Counted::from(&totals.sign_files).are_told("", &report.findings)?;
        Counted::from(&totals.results).are_told("", &report.findings)?;
    }
    let is_proven = totals.results.valid > 0;
    fits(&report.run, &report.findings, report.verdict, is_proven)
}

/// What is counted as something else than valid.
struct Counted {
    is_wrong: bool,
    is_unverified: bool,
}

impl From<&Digests> for Counted {
    fn from(counts: &Digests) -> Self {
        Self {
            is_wrong: counts.invalid > 0 || counts.missing > 0,
            is_unverified: counts.unverified > 0,
        }
    }
}

impl From<&Logs> for Counted {
    fn from(counts: &Logs) -> Self {
        Self {
            is_wrong: counts.invalid > 0 || counts.missing > 0 || counts.unreferenced > 0,
            is_unverified: counts.unverified > 0,
        }
    }
}

impl Counted {
    /// Whatever is not valid has a finding, whose code begins with `kind`; also where it is allowed.
    fn are_told(&self, kind: &str, findings: &[Finding<'_>]) -> Result<(), String> {
        let weighs = |least: Severity| {
            let mut codes = findings.iter().map(|finding| finding.code);
            codes.any(|code| code.name().starts_with(kind) && code.severity() >= least)
        };
        let is_told = (!self.is_wrong || weighs(Severity::Invalid))
            && (!self.is_unverified || weighs(Severity::Unverified));
        let untold = "it counts what is not valid, and has no finding that tells it";
        is_told.then_some(()).ok_or_else(|| untold.to_owned())
    }
}

/// The verdict must follow from the findings, and these weigh what their codes do, unless some were allowed or
/// denied. Without anything proven there is no valid.
fn fits(
    run: &Run<'_>,
    findings: &[Finding<'_>],
    verdict: Verdict,
    is_proven: bool,
) -> Result<(), String> {
    let weight = |finding: &&Finding<'_>| severity_in(finding.code, &run.allow, &run.deny);
    if let Some(finding) = findings.iter().find(|it| it.severity != weight(it)) {
        let (code, severity) = (finding.code.name(), finding.severity.name());
        return Err(format!("{code} does not weigh {severity} in its run"));
    }
    let worst = findings.iter().map(|finding| finding.severity).max();
    let reached = match worst {
        Some(Severity::Invalid) => Verdict::Invalid,
        Some(Severity::Unverified) => Verdict::Unverified,
        Some(Severity::Notice) | None if !is_proven || run.interrupted => Verdict::Unverified,
        Some(Severity::Notice) | None => Verdict::Valid,
    };
    if verdict != reached {
        let verdict = verdict.name();
        return Err(format!("its findings do not come to the verdict {verdict}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    fn written(report: &Report<'_>) -> String {
        let mut json = Vec::new();
        report.write(&mut json).unwrap();
        String::from_utf8(json).unwrap()
    }

    #[test]
    fn what_is_written_is_read_back() {
        for (name, report) in samples::all() {
            let json = written(&report);
            let read = read(json.as_bytes()).unwrap();
            assert_eq!(read, Saved::Logs(Box::new(report)), "{name}");
        }
    }

    #[test]
    fn a_report_that_contradicts_itself_is_refused() {
        let json = written(&samples::tampered());
        for (from, to, why) in [
            (
                "\"verdict\": \"invalid\"",
                "\"verdict\": \"valid\"",
                "verdict",
            ),
            (
                "\"schema_version\": 1",
                "\"schema_version\": 2",
                "version 2",
            ),
            (
                "\"schema_version\": 1",
                "\"schema_version\": 1, \"x\": 1",
                "unknown field",
            ),
            ("\"backfill\": false", "\"backfill\": \"no\"", "boolean"),
            (
                "\"cause\": \"ends-early\"",
                "\"cause\": \"x\"",
                "not a known cause",
            ),
            (
                "\"code\": \"log-missing\"",
                "\"code\": \"log-eaten\"",
                "not a known finding",
            ),
            (
                "\"end\": \"2024-04-01T00:00:00Z\"",
                "\"end\": \"2024-02-01T00:00:00Z\"",
                "ends at",
            ),
            (
                "\"severity\": \"invalid\"",
                "\"severity\": \"notice\"",
                "does not weigh notice",
            ),
            ("{", "[", "not a JSON report"),
            (
                "\"source\"",
                "\"source\": \"\", \"source\"",
                "duplicate field",
            ),
        ] {
            let changed = json.replacen(from, to, 1);
            assert_ne!(changed, json, "{from}");
            let told = read(changed.as_bytes()).unwrap_err().to_string();
            assert!(told.contains(why), "{told} for {to}");
        }
        // What was found is gone, and what was counted is not.
        for kind in ["digest-", "log-"] {
            let mut report = samples::tampered();
            report
                .findings
                .retain(|it| !it.code.name().starts_with(kind));
            let told = read(written(&report).as_bytes()).unwrap_err().to_string();
            assert!(told.contains("no finding that tells it"), "{kind}: {told}");
        }
        // No finding says why it is not valid.
        let all = samples::all().into_iter();
        let mut clean = all.filter_map(|(name, report)| (name == "clean").then_some(report));
        let mut report = clean.next_back().unwrap();
        report.verdict = Verdict::Unverified;
        assert!(read(written(&report).as_bytes()).is_err());
        report.run.interrupted = true;
        assert!(read(written(&report).as_bytes()).is_ok());
        let deep = format!("{{\"schema_version\": 1, \"x\": {}", "[".repeat(1_000_000));
        assert!(read(deep.as_bytes()).is_err());
        assert!(read(format!("{json}{{}}").as_bytes()).is_err());
        assert!(read(&b"\xff"[..]).is_err());
    }
}
