//! The JSON report, version 1: its own structs, apart from those of the engine.
//!
//! Outside of `run` the same archive and arguments give the same bytes.
//!
//! `schemas/report-v1.json` says the same for others: a field that is added here is added there.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::report::named;
use crate::report::run_info::{
    KeyOrigin, PlanNote, RangeNote, SelftestNote, SnapshotNote, StateNote,
};
use crate::verify::chain::GapCause;
use crate::verify::conclusion::Verdict;
use crate::verify::finding::{Code, Severity};

/// The version of these structs. Fields may be added to it; what is there keeps its meaning.
pub const SCHEMA_VERSION: u32 = 1;
/// This program's name.
pub const TOOL: &str = "ct-verify";

/// Text of a live run is borrowed from it; that of a saved report is its own.
pub(super) type Text<'a> = Cow<'a, str>;

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
    /// The snapshot that was verified, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<SnapshotNote>,
    /// The plan whose shards read it, if any did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanNote>,
    /// What came of the selftest before the run, if it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selftest: Option<SelftestNote>,
    /// Which ends of the range the archive told, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range_of_archive: Option<RangeNote>,
    /// What the run took from a state and left to it, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<StateNote>,
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

impl Digests {
    /// Whether there are any.
    pub fn any(&self) -> bool {
        [self.valid, self.invalid, self.missing, self.unverified] != [0; 4]
    }
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
    /// How often it began anew within time that its older digests cover, so that there is no gap.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub restarts_within: u64,
    /// Its digests.
    pub digests: Digests,
    /// Their logs.
    pub logs: Logs,
    /// The keys that signed its digests.
    pub key_fingerprints: Vec<Text<'a>>,
    /// Whether findings call it by more than its name, since another chain has that too.
    #[serde(skip)]
    pub has_namesake: bool,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainGap {
    /// From when.
    pub start: Timestamp,
    /// To when.
    pub end: Timestamp,
    /// Why no digest covers it.
    #[serde(with = "named")]
    pub cause: GapCause,
    /// The events in verified logs that explain it, the earliest first.
    #[serde(default)]
    pub events: Vec<GapEvent>,
}

/// An event in a verified log that explains a gap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GapEvent {
    /// What was done: the `eventName`.
    pub name: String,
    /// When.
    pub time: Timestamp,
    /// Who did it.
    pub by: String,
    /// From which address.
    pub address: String,
    /// The bucket of the log that records it.
    pub bucket: String,
    /// The log's key.
    pub key: String,
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
