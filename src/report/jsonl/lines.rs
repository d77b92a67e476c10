//! The lines of the stream, and those of them that a whole report can be told in.
//!
//! `schemas/report-v1.json` says the same for others, under `$defs/line`.

use std::borrow::Cow;
use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use crate::report::json::{
    Chain, Finding, Keys, Report, Requested, Run, RunFilters, SCHEMA_VERSION, Tool, Totals,
};
use crate::report::named;
use crate::report::run_info::{PlanNote, RangeNote, SelftestNote, SnapshotNote, StateNote};
use crate::report::shown_json::write_line;
use crate::verify::conclusion::Verdict;
use crate::verify::finding::{Code, Severity};

/// A line of the stream.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Line<'a> {
    Start(Start<'a>),
    Digest(Object<'a>),
    Log(Log<'a>),
    Finding(Numbered<'a>),
    Progress(Counts),
    Summary(Box<Summary<'a>>),
}

#[derive(Serialize)]
pub(super) struct Start<'a> {
    schema_version: u32,
    tool: &'a Tool<'a>,
    started: Timestamp,
    arguments: &'a [Cow<'a, str>],
    host: &'a Option<Cow<'a, str>>,
    user: &'a Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: &'a Option<PlanNote>,
    #[serde(skip_serializing_if = "Option::is_none")]
    selftest: Option<SelftestNote>,
    digests_only: bool,
    filters: &'a RunFilters<'a>,
    #[serde(with = "named::list")]
    allow: &'a [Code],
    #[serde(with = "named::list")]
    deny: &'a [Code],
    source: &'a str,
}

#[derive(Serialize)]
pub(super) struct Object<'a> {
    pub(super) chain: &'a str,
    pub(super) bucket: Option<&'a str>,
    pub(super) key: Option<&'a str>,
    pub(super) verdict: &'a str,
}

#[derive(Serialize)]
pub(super) struct Log<'a> {
    #[serde(flatten)]
    pub(super) object: Object<'a>,
    pub(super) bytes: u64,
}

/// A finding. One that is known better at the end is told again under its number, and the last
/// word counts.
#[derive(Serialize)]
pub(in crate::report) struct Numbered<'a> {
    pub(in crate::report) number: u64,
    #[serde(flatten)]
    pub(in crate::report) finding: &'a Finding<'a>,
}

#[derive(Clone, Copy, Default, Serialize)]
pub(super) struct Counts {
    pub(super) listed: u64,
    pub(super) digests: u64,
    pub(super) logs: u64,
    pub(super) bytes: u64,
    pub(super) findings: u64,
}

#[derive(Serialize)]
pub(super) struct Summary<'a> {
    finished: Timestamp,
    interrupted: bool,
    // Keys are asked for as the run goes, so that only its end knows them all.
    public_keys: &'a [Keys<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: &'a Option<SnapshotNote>,
    #[serde(skip_serializing_if = "Option::is_none")]
    range_of_archive: Option<RangeNote>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: &'a Option<StateNote>,
    requested: &'a Requested,
    #[serde(with = "named")]
    verdict: Verdict,
    totals: &'a Totals,
    chains: &'a [Chain<'a>],
    findings: FindingCounts,
}

#[derive(Default, Serialize)]
pub(in crate::report) struct FindingCounts {
    invalid: u64,
    unverified: u64,
    notice: u64,
}

impl FindingCounts {
    pub(in crate::report) fn of(severities: impl Iterator<Item = Severity>) -> Self {
        let mut counts = Self::default();
        for severity in severities {
            match severity {
                Severity::Invalid => counts.invalid += 1,
                Severity::Unverified => counts.unverified += 1,
                Severity::Notice => counts.notice += 1,
            }
        }
        counts
    }
}

/// Writes a whole report as a stream: all but what happened to each object.
///
/// # Errors
/// Where `out` fails.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    start(&report.tool, &report.run, &report.source, out)?;
    for (finding, number) in report.findings.iter().zip(1..) {
        write_line(&Line::Finding(Numbered { number, finding }), out)?;
    }
    let severities = report.findings.iter().map(|finding| finding.severity);
    summary(report, FindingCounts::of(severities), out)
}

pub(in crate::report) fn start(
    tool: &Tool<'_>,
    run: &Run<'_>,
    source: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    let start = Start {
        schema_version: SCHEMA_VERSION,
        tool,
        started: run.started,
        arguments: &run.arguments,
        host: &run.host,
        user: &run.user,
        plan: &run.plan,
        selftest: run.selftest,
        digests_only: run.digests_only,
        filters: &run.filters,
        allow: &run.allow,
        deny: &run.deny,
        source,
    };
    write_line(&Line::Start(start), out)
}

pub(super) fn summary(
    report: &Report<'_>,
    findings: FindingCounts,
    out: &mut dyn Write,
) -> io::Result<()> {
    let summary = Summary {
        finished: report.run.finished,
        interrupted: report.run.interrupted,
        public_keys: &report.run.public_keys,
        snapshot: &report.run.snapshot,
        range_of_archive: report.run.range_of_archive,
        state: &report.run.state,
        requested: &report.requested,
        verdict: report.verdict,
        totals: &report.totals,
        chains: &report.chains,
        findings,
    };
    write_line(&Line::Summary(Box::new(summary)), out)
}
