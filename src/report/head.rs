//! What every kind of report has, whatever it is about: what was run, what it comes to, what was
//! found, and what that proves. Each format tells it in one way for all kinds.

use std::collections::BTreeSet;

use super::claims;
use super::groups::{Group, groups};
use super::json::{Bytes, Digests, Finding, Logs, Report, Requested, Run, Tool};
use crate::verify::conclusion::{ExitStatus, Verdict};

/// What is told of public keys where there are none.
pub const NO_KEYS: &str = "None were asked for.";

/// What every kind of report has.
#[derive(Debug)]
pub struct Head<'r> {
    /// What made the report.
    pub tool: &'r Tool<'r>,
    /// The run.
    pub run: &'r Run<'r>,
    /// What was verified, as the user named it.
    pub source: &'r str,
    /// What the integrity is of that it tells.
    pub about: &'static str,
    /// The range, where the report has one.
    pub requested: Option<Requested>,
    /// What else is told at the top, by name. The texts are not escaped.
    pub facts: Vec<(&'static str, String)>,
    /// What the run comes to.
    pub verdict: Verdict,
    /// That in one sentence.
    pub headline: String,
    /// All findings.
    pub findings: &'r [Finding<'r>],
    /// The same, put together.
    pub groups: Vec<Group<'r>>,
    /// What objects are called that nothing names.
    pub astray: &'static str,
    /// How many of what are valid, invalid, missing, astray and unverified.
    pub totals: [(&'static str, [Option<u64>; 5]); 2],
    /// How much was read.
    pub bytes: Bytes,
    /// What the report proves, a sentence each.
    pub proves: Vec<String>,
    /// What it does not.
    pub limits: Vec<String>,
    /// The warning that goes with keys that came with the evidence.
    pub keys_warning: Option<&'static str>,
    /// The keys that signed what is verified.
    pub used_keys: BTreeSet<&'r str>,
}

impl<'r> Head<'r> {
    /// That of a report on logs.
    pub fn new(report: &'r Report<'r>) -> Self {
        let groups = groups(report);
        let only = claims::filters_in_words(report).map(|told| ("Only", told));
        let snapshot = snapshot_fact(&report.run);
        let selftest = claims::selftest_in_words(report).map(|told| ("Selftest", told));
        let state = claims::state_in_words(&report.run).map(|told| ("State", told));
        let plan = claims::plan_in_words(&report.run).map(|told| ("Plan", told));
        let unread = "were not read (--digests-only)".to_owned();
        let logs = report.run.digests_only.then_some(("Logs", unread));
        Self {
            tool: &report.tool,
            run: &report.run,
            source: &report.source,
            about: "AWS CloudTrail logs",
            requested: Some(report.requested),
            facts: [only, snapshot, plan, state, selftest, logs]
                .into_iter()
                .flatten()
                .collect(),
            verdict: report.verdict,
            headline: claims::headline(report, &groups),
            findings: &report.findings,
            groups,
            astray: "Out of chain",
            totals: [
                ("Digests", without_astray(&report.totals.digests)),
                ("Logs", with_astray(&report.totals.logs)),
            ],
            bytes: report.totals.bytes,
            proves: claims::proves(report),
            limits: claims::limits(report),
            keys_warning: claims::keys_warning(&report.run),
            used_keys: report
                .chains
                .iter()
                .flat_map(|chain| chain.key_fingerprints.iter().map(AsRef::as_ref))
                .collect(),
        }
    }

    /// What a command that shows this report tells whoever started it.
    pub fn exit_status(&self) -> ExitStatus {
        ExitStatus::of(self.verdict, self.run.interrupted)
    }
}

/// What the snapshot is that was verified, if it was one.
pub fn snapshot_fact(run: &Run<'_>) -> Option<(&'static str, String)> {
    claims::snapshot_in_words(run).map(|told| ("Snapshot", told.join("; ")))
}

/// The counts of objects of which none can be astray.
pub fn without_astray(counts: &Digests) -> [Option<u64>; 5] {
    let Digests {
        valid,
        invalid,
        missing,
        unverified,
    } = *counts;
    [
        Some(valid),
        Some(invalid),
        Some(missing),
        None,
        Some(unverified),
    ]
}

/// The counts of objects that can be.
pub fn with_astray(counts: &Logs) -> [Option<u64>; 5] {
    let Logs {
        valid,
        invalid,
        missing,
        unreferenced,
        unverified,
    } = *counts;
    [valid, invalid, missing, unreferenced, unverified].map(Some)
}
