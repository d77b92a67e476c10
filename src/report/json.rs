//! The JSON report, version 1: its own structs, apart from those of the engine.
//!
//! Outside of `run` the same archive and arguments give the same bytes.

use std::borrow::Cow;
use std::io::{self, Write};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::named;
use super::run_info::{Filters, KeyOrigin, KeySource, RunInfo};
use super::shown_json;
use crate::verify::chain::{DigestCounts, Gap, GapCause};
use crate::verify::conclusion::{ChainResult, Conclusion, LogCounts, Verdict, Weighed};
use crate::verify::finding::{Code, Severity};
use crate::verify::time::TimeRange;

/// The version of these structs. Fields may be added to it; what is there keeps its meaning.
pub const SCHEMA_VERSION: u32 = 1;
/// This program's name.
pub const TOOL: &str = "ct-verify";

type Text<'a> = Cow<'a, str>;

/// A whole report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report<'a> {
    /// The version of the report's structure.
    pub schema_version: u32,
    /// What made it.
    pub tool: Tool<'a>,
    /// The run.
    pub run: Run<'a>,
    /// What was verified, as the user named it.
    pub source: Text<'a>,
    /// The range verified.
    pub requested: Requested,
    /// What the run comes to.
    #[serde(with = "named")]
    pub verdict: Verdict,
    /// Counts over all chains.
    pub totals: Totals,
    /// All chains, in order.
    pub chains: Vec<Chain<'a>>,
    /// All findings, in order.
    pub findings: Vec<Finding<'a>>,
}

/// The program that made a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool<'a> {
    /// Its name.
    pub name: Text<'a>,
    /// Its version.
    pub version: Text<'a>,
}

/// Who ran what, when, and with which keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run<'a> {
    /// When the run began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// The command's arguments.
    pub arguments: Vec<Text<'a>>,
    /// The host's name.
    pub host: Option<Text<'a>>,
    /// The user's name.
    pub user: Option<Text<'a>>,
    /// Whether the run was stopped before its end.
    pub interrupted: bool,
    /// Whether logs were left unread.
    pub digests_only: bool,
    /// What the run was narrowed to.
    pub filters: RunFilters<'a>,
    /// Codes taken down to notices.
    #[serde(with = "named::list")]
    pub allow: Vec<Code>,
    /// Codes taken up to invalid.
    #[serde(with = "named::list")]
    pub deny: Vec<Code>,
    /// Where the keys came from.
    pub public_keys: Vec<Keys<'a>>,
}

/// What the run was narrowed to; an empty list narrows nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunFilters<'a> {
    /// Only these accounts.
    pub accounts: Vec<Text<'a>>,
    /// Only these regions.
    pub regions: Vec<Text<'a>>,
    /// Only these trails.
    pub trails: Vec<Text<'a>>,
}

/// One place that keys came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keys<'a> {
    /// What kind of place.
    #[serde(with = "named")]
    pub origin: KeyOrigin,
    /// Its name.
    pub name: Text<'a>,
    /// The fingerprints of the keys found there.
    pub fingerprints: Vec<Text<'a>>,
}

/// The range verified; its ends are unknown only where nothing was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requested {
    /// From when.
    pub start: Option<Timestamp>,
    /// To when.
    pub end: Option<Timestamp>,
}

/// Counts over all chains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Totals {
    /// All digests.
    pub digests: Digests,
    /// All logs.
    pub logs: Logs,
    /// All bytes.
    pub bytes: Bytes,
}

/// How many digests got which verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digests {
    /// Proven, in their place and in their chain.
    pub valid: u64,
    /// Proven wrong.
    pub invalid: u64,
    /// Not there, as far as their names are known.
    pub missing: u64,
    /// Not proven either way.
    pub unverified: u64,
}

/// How many logs got which verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logs {
    /// Intact ones.
    pub valid: u64,
    /// Modified or malformed ones.
    pub invalid: u64,
    /// Named ones that are not there.
    pub missing: u64,
    /// Ones in covered time that no digest names.
    pub unreferenced: u64,
    /// Ones that could not be read, or that no digest covers.
    pub unverified: u64,
}

/// How much was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bytes {
    /// Bytes as stored.
    pub read: u64,
    /// Bytes of content.
    pub hashed: u64,
}

/// One chain of digests, and the logs that they name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chain<'a> {
    /// The organization's id.
    pub organization: Option<Text<'a>>,
    /// The account.
    pub account: Text<'a>,
    /// The region whose events are recorded.
    pub region: Text<'a>,
    /// The trail.
    pub trail: Text<'a>,
    /// The trail's home region.
    pub home_region: Text<'a>,
    /// Whether this is a chain of backfill digests.
    pub backfill: bool,
    /// What it covers of the range.
    pub covered: Vec<Span>,
    /// What it does not.
    pub gaps: Vec<ChainGap>,
    /// Its digests.
    pub digests: Digests,
    /// Their logs.
    pub logs: Logs,
    /// The keys that signed its digests.
    pub key_fingerprints: Vec<Text<'a>>,
}

/// A stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// From when.
    pub start: Timestamp,
    /// To when.
    pub end: Timestamp,
}

/// A stretch of time that a chain does not cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainGap {
    /// From when.
    pub start: Timestamp,
    /// To when.
    pub end: Timestamp,
    /// Why.
    #[serde(with = "named")]
    pub cause: GapCause,
}

/// One thing found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding<'a> {
    /// What was found.
    #[serde(with = "named")]
    pub code: Code,
    /// What it weighs in this run.
    #[serde(with = "named")]
    pub severity: Severity,
    /// The object's bucket.
    pub bucket: Option<Text<'a>>,
    /// The object's key.
    pub key: Option<Text<'a>>,
    /// The chain, or the account and region.
    pub chain: Option<Text<'a>>,
    /// The key of the digest that vouches.
    pub digest: Option<Text<'a>>,
    /// What was expected.
    pub expected: Option<Text<'a>>,
    /// What was there.
    pub actual: Option<Text<'a>>,
    /// What happened, in one sentence.
    pub message: Text<'a>,
}

impl<'a> Report<'a> {
    /// The report on what a run came to.
    pub fn new(conclusion: &'a Conclusion, run: &'a RunInfo) -> Self {
        Self {
            findings: conclusion.findings.iter().map(Finding::new).collect(),
            ..Self::without_findings(conclusion, run)
        }
    }

    /// The same, where the findings are told elsewhere.
    pub(super) fn without_findings(conclusion: &'a Conclusion, run: &'a RunInfo) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            tool: Tool::new(run),
            run: Run::new(run, conclusion.interrupted),
            source: run.source.as_str().into(),
            requested: Requested {
                start: conclusion.start,
                end: conclusion.end,
            },
            verdict: conclusion.verdict(),
            totals: Totals {
                digests: conclusion.digests.into(),
                logs: conclusion.logs.into(),
                bytes: Bytes {
                    read: conclusion.bytes_read,
                    hashed: conclusion.bytes_hashed,
                },
            },
            chains: conclusion.chains.iter().map(Chain::new).collect(),
            findings: Vec::new(),
        }
    }

    /// Writes the report as one document.
    ///
    /// # Errors
    /// Where `out` fails.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        shown_json::write_pretty(self, out)
    }
}

impl<'a> Tool<'a> {
    pub(super) fn new(run: &'a RunInfo) -> Self {
        Self {
            name: TOOL.into(),
            version: run.version.as_str().into(),
        }
    }
}

impl<'a> Run<'a> {
    pub(super) fn new(run: &'a RunInfo, interrupted: bool) -> Self {
        Self {
            started: run.started,
            finished: run.finished,
            arguments: texts(&run.arguments),
            host: run.host.as_deref().map(Cow::Borrowed),
            user: run.user.as_deref().map(Cow::Borrowed),
            interrupted,
            digests_only: run.digests_only,
            filters: RunFilters::new(&run.filters),
            allow: run.allow.clone(),
            deny: run.deny.clone(),
            public_keys: run.keys.iter().map(Keys::new).collect(),
        }
    }
}

impl<'a> RunFilters<'a> {
    fn new(filters: &'a Filters) -> Self {
        Self {
            accounts: texts(&filters.accounts),
            regions: texts(&filters.regions),
            trails: texts(&filters.trails),
        }
    }
}

impl<'a> Keys<'a> {
    fn new(source: &'a KeySource) -> Self {
        Self {
            origin: source.origin,
            name: source.name.as_str().into(),
            fingerprints: texts(&source.fingerprints),
        }
    }
}

impl<'a> Chain<'a> {
    fn new(result: &'a ChainResult) -> Self {
        let place = result.chain.place();
        Self {
            organization: place.organization().map(Cow::Borrowed),
            account: place.account().into(),
            region: place.region().into(),
            trail: result.chain.trail().into(),
            home_region: result.chain.home_region().into(),
            backfill: result.chain.is_backfill(),
            covered: result.covered.ranges().iter().map(Span::from).collect(),
            gaps: result.gaps.iter().map(ChainGap::from).collect(),
            digests: result.digests.into(),
            logs: result.logs.into(),
            key_fingerprints: texts(&result.fingerprints),
        }
    }

    /// As findings name it.
    pub fn name(&self) -> String {
        let backfill = if self.backfill { " (backfill)" } else { "" };
        format!("{}/{}{backfill}", self.place(), self.trail)
    }

    /// Its account and region, as findings about the logs there name them.
    pub fn place(&self) -> String {
        match &self.organization {
            Some(organization) => format!("{organization}/{}/{}", self.account, self.region),
            None => format!("{}/{}", self.account, self.region),
        }
    }
}

impl<'a> Finding<'a> {
    pub(super) fn new(weighed: &'a Weighed) -> Self {
        let finding = &weighed.finding;
        Self {
            code: finding.code,
            severity: weighed.severity,
            bucket: weighed.bucket.as_deref().map(Cow::Borrowed),
            key: weighed.key.as_deref().map(Cow::Borrowed),
            chain: finding.chain.as_deref().map(Cow::Borrowed),
            digest: finding.digest.as_deref().map(Cow::Borrowed),
            expected: finding.expected.as_deref().map(Cow::Borrowed),
            actual: finding.actual.as_deref().map(Cow::Borrowed),
            message: finding.message().into(),
        }
    }
}

impl From<DigestCounts> for Digests {
    fn from(counts: DigestCounts) -> Self {
        Self {
            valid: counts.valid,
            invalid: counts.invalid,
            missing: counts.missing,
            unverified: counts.unverified,
        }
    }
}

impl From<LogCounts> for Logs {
    fn from(counts: LogCounts) -> Self {
        Self {
            valid: counts.valid,
            invalid: counts.invalid,
            missing: counts.missing,
            unreferenced: counts.unreferenced,
            unverified: counts.unverified,
        }
    }
}

impl From<&TimeRange> for Span {
    fn from(range: &TimeRange) -> Self {
        Self {
            start: range.start(),
            end: range.end(),
        }
    }
}

impl From<&Gap> for ChainGap {
    fn from(gap: &Gap) -> Self {
        Self {
            start: gap.range.start(),
            end: gap.range.end(),
            cause: gap.cause,
        }
    }
}

fn texts(texts: &[String]) -> Vec<Text<'_>> {
    texts.iter().map(|text| text.as_str().into()).collect()
}
