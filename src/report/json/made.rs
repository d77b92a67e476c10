//! The JSON report made from what a run came to.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use super::shape::{
    Bytes, Chain, ChainGap, Digests, Finding, GapEvent, Keys, Logs, Report, Requested, Run,
    RunFilters, SCHEMA_VERSION, Span, TOOL, Text, Tool, Totals,
};
use crate::report::run_info::{Filters, KeySource, RunInfo};
use crate::report::shown_json;
use crate::verify::chain::DigestCounts;
use crate::verify::conclusion::{
    ChainResult, Conclusion, ExitStatus, ExplainedGap, LogCounts, Weighed,
};
use crate::verify::evidence::Kept;
use crate::verify::location::told_from_namesake;
use crate::verify::time::TimeRange;

impl<'a> Report<'a> {
    /// The report on what a run came to.
    pub fn new(conclusion: &'a Conclusion, run: &'a RunInfo) -> Self {
        Self {
            findings: conclusion.findings.iter().map(Finding::new).collect(),
            ..Self::without_findings(conclusion, run)
        }
    }

    /// The same, where the findings are told elsewhere.
    pub(in crate::report) fn without_findings(
        conclusion: &'a Conclusion,
        run: &'a RunInfo,
    ) -> Self {
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

    /// What a command that shows this report tells whoever started it.
    pub fn exit_status(&self) -> ExitStatus {
        ExitStatus::of(self.verdict, self.run.interrupted)
    }

    /// Writes the report as one document.
    ///
    /// # Errors
    /// Where `out` fails.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        shown_json::write_pretty(self, out)
    }
}

impl Report<'_> {
    /// Finds out which chains of a saved report findings call by more than their names: two have the same,
    /// of which one without digests in the range counts for itself alone, or findings tell the home region,
    /// since the run ended before it came to the other.
    pub(in crate::report) fn find_namesakes(&mut self) {
        let mut times: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for chain in &self.chains {
            let (all, of_run) = times.entry(chain.short_name()).or_default();
            *all += 1;
            *of_run += usize::from(chain.digests.any());
        }
        let told = self.findings.iter().filter_map(|it| it.chain.as_deref());
        let told: BTreeSet<&str> = told.filter(|name| name.ends_with(')')).collect();
        for chain in &mut self.chains {
            let name = chain.short_name();
            let is_told = told.contains(&*told_from_namesake(&name, &chain.home_region));
            let (all, of_run) = times.get(&name).copied().unwrap_or_default();
            let alike = if chain.digests.any() { of_run } else { all };
            chain.has_namesake = is_told || alike > 1;
        }
    }
}

impl<'a> Tool<'a> {
    pub(in crate::report) fn new(run: &'a RunInfo) -> Self {
        Self {
            name: TOOL.into(),
            version: run.version.as_str().into(),
        }
    }
}

impl<'a> Run<'a> {
    pub(in crate::report) fn new(run: &'a RunInfo, interrupted: bool) -> Self {
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
            snapshot: run.snapshot.clone(),
            plan: run.plan.clone(),
            selftest: run.selftest,
            range_of_archive: run.range_of_archive,
            state: run.state.clone(),
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
            restarts_within: result.restarts_within,
            digests: result.digests.into(),
            logs: result.logs.into(),
            key_fingerprints: texts(&result.fingerprints),
            has_namesake: *result.name != *result.chain.to_string(),
        }
    }

    /// As findings name it.
    pub fn name(&self) -> String {
        let name = self.short_name();
        if self.has_namesake {
            return told_from_namesake(&name, &self.home_region);
        }
        name
    }

    fn short_name(&self) -> String {
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
    pub(in crate::report) fn new(weighed: &'a Weighed) -> Self {
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

impl From<&ExplainedGap> for ChainGap {
    fn from(explained: &ExplainedGap) -> Self {
        let gap = &explained.gap;
        Self {
            start: gap.range.start(),
            end: gap.range.end(),
            cause: gap.cause,
            events: explained.events.iter().map(GapEvent::from).collect(),
        }
    }
}

impl From<&Kept> for GapEvent {
    fn from(kept: &Kept) -> Self {
        Self {
            name: kept.event.deed.name().to_owned(),
            time: kept.event.at,
            by: kept.event.who.to_string(),
            address: kept.event.address.to_string(),
            bucket: kept.log.bucket().to_string(),
            key: kept.log.key().to_string(),
        }
    }
}

fn texts(texts: &[String]) -> Vec<Text<'_>> {
    texts.iter().map(|text| text.as_str().into()).collect()
}
