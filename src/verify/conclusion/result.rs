//! What the run comes to, and all that supports it.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::super::chain::{Binding, DigestCounts, Gap, Remembered};
use super::super::coverage::Covered;
use super::super::evidence::Kept;
use super::super::finding::Severity;
use super::super::location::ChainId;
use super::reckoning::Reckoning;
use super::tally::{LogCounts, Tally, Weights};
use super::verdict::{ExitStatus, Verdict};
use super::weighing::Weighed;

/// A stretch of time that a chain does not cover, and the verified events that explain it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedGap {
    /// The stretch of time.
    pub gap: Gap,
    /// The events, the earliest first.
    pub events: Vec<Kept>,
}

/// A chain as reports tell it.
#[derive(Debug)]
pub struct ChainResult {
    /// Which chain.
    pub chain: Arc<ChainId>,
    /// As findings call it.
    pub name: Arc<str>,
    /// Its newest verified digest.
    pub newest: Option<Remembered>,
    /// What it covers of the range.
    pub covered: Covered,
    /// What it does not, in order.
    pub gaps: Vec<ExplainedGap>,
    /// How often it began anew within time that its older digests cover, so that there is no gap.
    pub restarts_within: u64,
    /// Its digests.
    pub digests: DigestCounts,
    /// The logs that they name.
    pub logs: LogCounts,
    /// The keys that signed its verified digests.
    pub fingerprints: Vec<String>,
}

impl ChainResult {
    /// Whether there is anything to tell of it: of what lies beside the range, and nothing proves, there
    /// is not.
    pub(super) fn is_anything(&self) -> bool {
        let has_time = !self.covered.ranges().is_empty() || !self.gaps.is_empty();
        let is_proven = self.newest.is_some() || !self.fingerprints.is_empty();
        has_time || is_proven || self.digests.any() || self.logs != LogCounts::default()
    }
}

/// What the run comes to, and all that supports it.
#[derive(Debug)]
pub struct Conclusion {
    pub(super) verdict: Verdict,
    /// The range verified; its ends are unknown only where nothing was.
    pub start: Option<Timestamp>,
    /// The end of the range verified.
    pub end: Option<Timestamp>,
    /// All digests.
    pub digests: DigestCounts,
    /// All logs.
    pub logs: LogCounts,
    /// Stored bytes read.
    pub bytes_read: u64,
    /// Bytes of content hashed.
    pub bytes_hashed: u64,
    /// All chains, in order.
    pub chains: Vec<ChainResult>,
    /// All findings, in order.
    pub findings: Vec<Weighed>,
    /// Whether the run was stopped before its end.
    pub interrupted: bool,
}

impl Conclusion {
    /// Weighs the whole tally. There is no other way to a verdict.
    pub fn reach(tally: Tally, weights: &Weights) -> Self {
        Reckoning::new(tally, weights).conclude()
    }

    /// The same, where what goes with it was stopped before its end: it is not valid.
    #[must_use]
    pub fn stopped(mut self) -> Self {
        self.interrupted = true;
        if self.verdict == Verdict::Valid {
            self.verdict = Verdict::Unverified;
        }
        self
    }

    /// The verdict.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// Those chains that are as valid as the whole run would have to be: nothing of them, of their
    /// account and region, or of the run as a whole weighs more than a notice. What was found
    /// where there is no chain is of the whole run: nobody else would look there again.
    pub fn clean_chains(&self) -> Vec<&ChainResult> {
        let weighty = self.findings.iter();
        let weighty = weighty.filter(|it| it.severity > Severity::Notice);
        let weighty: BTreeSet<_> = weighty.map(|it| it.finding.chain.as_deref()).collect();
        let names =
            |result: &ChainResult| [result.name.to_string(), result.chain.place().to_string()];
        let there: BTreeSet<_> = self.chains.iter().flat_map(names).collect();
        let is_of_the_run = |about: Option<&str>| about.is_none_or(|about| !there.contains(about));
        if self.interrupted || weighty.iter().copied().any(is_of_the_run) {
            return Vec::new();
        }
        let is_clean = |result: &&ChainResult| {
            let mut names = names(result).into_iter();
            !names.any(|name| weighty.contains(&Some(name.as_str())))
        };
        self.chains.iter().filter(is_clean).collect()
    }

    /// What the program tells whoever started it.
    pub fn exit_status(&self) -> ExitStatus {
        ExitStatus::of(self.verdict, self.interrupted)
    }
}

pub(super) fn total_digests(results: &[(ChainResult, Vec<Binding>)]) -> DigestCounts {
    let mut total = DigestCounts::default();
    for (result, _) in results {
        total.valid += result.digests.valid;
        total.invalid += result.digests.invalid;
        total.missing += result.digests.missing;
        total.unverified += result.digests.unverified;
    }
    total
}

pub(super) fn total_logs(results: &[(ChainResult, Vec<Binding>)]) -> LogCounts {
    let mut total = LogCounts::default();
    for (result, _) in results {
        total.valid += result.logs.valid;
        total.invalid += result.logs.invalid;
        total.missing += result.logs.missing;
        total.unreferenced += result.logs.unreferenced;
        total.unverified += result.logs.unverified;
        total.stored_plain += result.logs.stored_plain;
    }
    total
}
