//! The reckoning: what only the whole run can tell.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::super::chain::{Binding, ChainSummary, Gap, GapCause, OpenEnd};
use super::super::coverage::Covered;
use super::super::evidence::Evidence;
use super::super::finding::{Code, Finding, Severity, Subject};
use super::super::location::{AccountRegion, ChainId, RootId};
use super::super::text::numbered;
use super::super::time::{OVERDUE, TimeRange, minus, plus};
use super::bindings::{Changes, settle_bindings};
use super::explaining::{explain_findings, explain_gap};
use super::leftovers::{covered_places, doubtful_places, newest_ends, reached_places};
use super::result::{ChainResult, Conclusion, total_digests, total_logs};
use super::tally::{ChainTally, LogCounts, NewestEnd, Tally, Weights};
use super::verdict::Verdict;
use super::weighing::{Bindings, order, weigh};

pub(super) struct Reckoning<'a> {
    pub(super) tally: Tally,
    pub(super) weights: &'a Weights,
    pub(super) start: Option<Timestamp>,
    pub(super) end: Option<Timestamp>,
    pub(super) covered: BTreeMap<(AccountRegion, RootId), Covered>,
    pub(super) doubtful: BTreeMap<AccountRegion, Covered>,
    pub(super) newest_ends: Vec<NewestEnd>,
    pub(super) reached: BTreeMap<(AccountRegion, RootId), Timestamp>,
    pub(super) findings: Vec<Finding>,
    /// Nothing where logs were not read, or not all.
    evidence: Option<Evidence>,
}

impl<'a> Reckoning<'a> {
    pub(super) fn new(mut tally: Tally, weights: &'a Weights) -> Self {
        tally
            .chains
            .sort_by(|a, b| a.summary.chain.cmp(&b.summary.chain));
        let begins = tally.settle_first_day();
        tally.settle_beside();
        let chains = || tally.chains.iter().map(|chain| &chain.summary);
        let hourly = chains().filter(|chain| !chain.chain.is_backfill());
        let oldest = hourly.filter_map(|chain| chain.oldest_start).min();
        // A backfill digest stands beside an hourly one: its hour was there.
        let newest = chains().filter_map(|chain| chain.newest_end).max();
        let end = weights.bounds.end().or(newest);
        let begins = oldest.max(begins).min(end.or(oldest));
        Self {
            start: weights.bounds.start().or(begins),
            end,
            covered: covered_places(&tally),
            doubtful: doubtful_places(&tally),
            newest_ends: newest_ends(&tally),
            reached: reached_places(&tally.chains),
            findings: std::mem::take(&mut tally.findings),
            evidence: tally
                .evidence
                .take()
                .filter(|_| !tally.interrupted)
                .map(|ledger| Evidence::new(&ledger)),
            tally,
            weights,
        }
    }

    pub(super) fn conclude(mut self) -> Conclusion {
        if self.tally.digests_seen == 0 && !self.tally.interrupted {
            self.findings
                .push(Finding::new(Code::NoDigests, Subject::Run));
        }
        self.nothing_covered();
        let mut results = Vec::new();
        for chain in std::mem::take(&mut self.tally.chains) {
            results.push(self.chain(chain));
        }
        let bindings = self.bindings(&results);
        if !self.tally.interrupted {
            self.silent_regions(&results);
        }
        let mut logs = total_logs(&results);
        self.leftovers(&mut logs);
        let weights = self.weights;
        let mut findings: Vec<_> = self
            .findings
            .into_iter()
            .map(|finding| weigh(finding, weights, &bindings))
            .collect();
        if let Some(evidence) = &self.evidence {
            let chains = results.iter().map(|(result, _)| result);
            explain_findings(evidence, chains, &mut findings);
        }
        findings.sort_by(|a, b| order(a).cmp(&order(b)));
        let digests = total_digests(&results);
        let proven = digests.valid > 0;
        let verdict = match findings.iter().map(|finding| finding.severity).max() {
            Some(Severity::Invalid) => Verdict::Invalid,
            Some(Severity::Unverified) => Verdict::Unverified,
            // Nothing verified is no success, whatever the user allows.
            Some(Severity::Notice) | None if !proven || self.tally.interrupted => {
                Verdict::Unverified
            }
            Some(Severity::Notice) | None => Verdict::Valid,
        };
        Conclusion {
            verdict,
            start: self.start,
            end: self.end,
            digests,
            logs,
            bytes_read: self.tally.bytes_read,
            bytes_hashed: self.tally.bytes_hashed,
            chains: results
                .into_iter()
                .map(|(result, _)| result)
                .filter(ChainResult::is_anything)
                .collect(),
            findings,
            interrupted: self.tally.interrupted,
        }
    }

    /// A range that ends before anything is covered, as a starting digest covers nothing before its own end.
    fn nothing_covered(&mut self) {
        let chains = self.tally.chains.iter().map(|chain| &chain.summary);
        let hourly = chains.filter(|it| it.digests.any() && !it.chain.is_backfill());
        let first = hourly.filter_map(|it| it.oldest_start).min();
        let Some((first, end)) = first.zip(self.weights.bounds.end()) else {
            return;
        };
        if end <= first && !self.tally.interrupted {
            let why = format!(
                "no digest covers any of the range, which ends at {end}: what they cover begins at {first}"
            );
            let finding = Finding::new(Code::NoDigests, Subject::Run).detail(why);
            self.findings.push(finding);
        }
    }

    /// The instant up to which digests are due.
    fn due(&self) -> Option<Timestamp> {
        self.end.map(|end| end.min(self.weights.now))
    }

    /// The instant up to which the digests that name logs are due. Where the range has no end of
    /// its own, a log shows that the copy was made later than that.
    pub(super) fn due_for_logs(&self) -> Option<Timestamp> {
        let leftovers = self.tally.leftovers.iter().flat_map(|left| &left.logs);
        let newest = match self.weights.bounds.end() {
            Some(_) => None,
            None => leftovers.filter_map(|log| log.time.begins()).max(),
        };
        let due = self.end.max(newest)?;
        Some(due.min(self.weights.now))
    }

    fn chain(&mut self, tally: ChainTally) -> (ChainResult, Vec<Binding>) {
        let ChainTally { summary, logs } = tally;
        let name = Arc::clone(&summary.name);
        let mut gaps = summary.gaps.clone();
        let mut digests = summary.digests;
        // What an interrupted walk has not come to is not missing.
        if !summary.chain.is_backfill() && !self.tally.interrupted {
            let missing = self.settle_open_ends(&summary);
            digests.missing += missing;
            gaps.extend(self.starts_late(&summary, &name, missing > 0));
            gaps.extend(self.ends_early(&summary, &name));
        }
        gaps.sort_unstable();
        self.notices(&summary, logs, &name);
        let covered = match (self.start, self.end) {
            (Some(start), Some(end)) if !summary.chain.is_backfill() => TimeRange::new(start, end)
                .map(|range| summary.covered_anywhere().within(range))
                .unwrap_or_default(),
            (_, _) => Covered::default(),
        };
        let evidence = self.evidence.as_ref();
        let explained = gaps
            .into_iter()
            .map(|gap| explain_gap(evidence, &summary.chain, gap));
        let result = ChainResult {
            newest: summary.newest,
            covered,
            gaps: explained.collect(),
            restarts_within: summary.restarts_within,
            digests,
            logs,
            fingerprints: summary
                .fingerprints
                .iter()
                .map(ToString::to_string)
                .collect(),
            chain: summary.chain,
            name,
        };
        (result, summary.bindings)
    }

    /// Where the range has no start of its own, a predecessor that is not there is missing if
    /// other chains show that the copy reaches back to a whole hour before it.
    fn settle_open_ends(&mut self, summary: &ChainSummary) -> u64 {
        let Some(start) = self.start else {
            return 0;
        };
        let reaches = |open: &&OpenEnd| minus(open.end, SignedDuration::from_hours(1)) >= start;
        let missing = summary.open_ends.iter().filter(reaches);
        let missing: Vec<_> = missing.map(|open| open.finding.clone()).collect();
        let count = missing.len() as u64;
        self.findings.extend(missing);
        count
    }

    fn starts_late(
        &mut self,
        summary: &ChainSummary,
        name: &Arc<str>,
        missing: bool,
    ) -> Option<Gap> {
        let (start, first) = (self.start?, summary.oldest_start?);
        let end = self.end.filter(|end| *end <= first);
        let range = TimeRange::new(start, end.unwrap_or(first));
        let range = range.filter(|range| !range.is_empty())?;
        let broken = match summary.broken_at_bottom {
            Some(GapCause::DigestMissing) if self.weights.bounds.start().is_none() && !missing => {
                None
            }
            cause => cause,
        };
        if let Some(cause) = broken {
            return Some(Gap { range, cause });
        }
        // Chains of one copy begin within the same hour.
        let by_default = self.weights.bounds.start().is_none();
        if !by_default || plus(start, SignedDuration::from_hours(1)) < first {
            let finding = Finding::new(Code::CoverageStartsLate, Subject::Run)
                .in_chain(name)
                .compared(&start, &first)
                .spanning(range)
                .detail(match end {
                    None => format!(
                        "no digest of this chain covers the time from {start}, where the range starts, to {first}"
                    ),
                    Some(end) => format!(
                        "no digest of this chain covers any of the range, which ends at {end}: what they cover begins at {first}"
                    ),
                });
            self.findings.push(finding);
        }
        Some(Gap {
            range,
            cause: GapCause::StartsLate,
        })
    }

    fn ends_early(&mut self, summary: &ChainSummary, name: &Arc<str>) -> Option<Gap> {
        let (due, last) = (self.due()?, summary.newest_end?);
        let from = self.start.map_or(last, |start| start.max(last));
        let range = TimeRange::new(from, due).filter(|range| !range.is_empty())?;
        if minus(due, OVERDUE) > last {
            let finding = Finding::new(Code::CoverageEndsEarly, Subject::Run)
                .in_chain(name)
                .compared(&due, &last)
                .spanning(range)
                .detail(format!(
                    "the newest verified digest ends at {last}; no verified digest covers the time from then to {due}"
                ));
            self.findings.push(finding);
        }
        Some(Gap {
            range,
            cause: summary.broken_at_head.unwrap_or(GapCause::EndsEarly),
        })
    }

    fn notices(&mut self, summary: &ChainSummary, logs: LogCounts, name: &Arc<str>) {
        let plain = summary.stored_plain + logs.stored_plain;
        if plain > 0 {
            let detail = format!(
                "{}, but stored as plain JSON",
                numbered(plain, "object is intact", "objects are intact")
            );
            self.notice(Code::StoredUncompressed, name, detail);
        }
        let (next, copy) = (summary.from_successor, summary.from_copy);
        if next + copy > 0 {
            let by = match (next, copy) {
                (_, 0) => "by the next digest".to_owned(),
                (0, _) => "by another copy".to_owned(),
                (_, copy) => {
                    format!("by the next digest, or ({copy} of them) by another copy")
                }
            };
            let told = numbered(
                next + copy,
                "digest has no signature in its metadata, and is proven",
                "digests have no signature in their metadata, and are proven",
            );
            let detail = format!("{told} {by}");
            self.notice(Code::SignatureFromSuccessor, name, detail);
        }
    }

    fn notice(&mut self, code: Code, name: &Arc<str>, detail: String) {
        let finding = Finding::new(code, Subject::Run)
            .in_chain(name)
            .detail(detail);
        self.findings.push(finding);
    }

    /// What each root stands for; digests that are out of place in theirs are told.
    fn bindings(&mut self, results: &[(ChainResult, Vec<Binding>)]) -> Bindings {
        let hourly = results.iter().filter(|(it, _)| !it.chain.is_backfill());
        let hourly = hourly.map(|(_, bindings)| &**bindings);
        let all: Vec<_> = results
            .iter()
            .flat_map(|(result, bindings)| bindings.iter().map(|it| (&result.name, it)))
            .collect();
        let (bound, out_of_place) = settle_bindings(all, &Changes::of(hourly));
        self.findings.extend(out_of_place);
        Bindings {
            stated: std::mem::take(&mut self.tally.stated),
            bound,
        }
    }

    /// A trail that records other regions than its own has a chain in every region. What has no digest
    /// in the range speaks for none: anybody may have put it beside. It shows what regions the trail is to have.
    fn silent_regions(&mut self, results: &[(ChainResult, Vec<Binding>)]) {
        let mut trails: BTreeMap<_, Vec<&ChainResult>> = BTreeMap::new();
        let judged = results.iter().map(|(result, _)| result);
        for result in judged.clone().filter(|result| result.digests.any()) {
            if !result.chain.is_backfill() {
                let trail = trail_of(&result.chain);
                trails.entry(trail).or_default().push(result);
            }
        }
        let beside = self.tally.beside.iter();
        let seen = judged.map(|result| &result.chain).chain(beside);
        let seen = seen.filter(|chain| !chain.is_backfill());
        let elsewhere = seen.filter(|chain| chain.place().region() != chain.home_region());
        let multi_region: BTreeSet<_> = elsewhere.map(|chain| trail_of(chain)).collect();
        let mut places: BTreeMap<_, Vec<&AccountRegion>> = BTreeMap::new();
        for place in &self.tally.places {
            let of_account = places.entry((place.organization(), place.account()));
            of_account.or_default().push(place);
        }
        for (whole, chains) in trails {
            let is_multi_region = multi_region.contains(&whole);
            let (organization, account, trail, _) = whole;
            let covers = chains
                .iter()
                .any(|result| !result.covered.ranges().is_empty());
            if !is_multi_region || !covers {
                continue;
            }
            let known: BTreeSet<_> = chains.iter().map(|result| result.chain.place()).collect();
            let beside = places.get(&(organization, account)).into_iter().flatten();
            for place in beside.filter(|place| !known.contains(**place)) {
                let name: Arc<str> = format!("{place}/{trail}").into();
                let finding = Finding::new(Code::RegionSilent, Subject::Run)
                    .in_chain(&name)
                    .detail(format!(
                        "trail {trail} has digests in {} in the range, and none here",
                        match known.len() {
                            1 => "one other region".to_owned(),
                            count => format!("{count} other regions"),
                        }
                    ));
                self.findings.push(finding);
            }
        }
    }
}

/// What tells a chain's trail from others: organization, account, name and home region.
fn trail_of(chain: &ChainId) -> (Option<&str>, &str, &str, &str) {
    let place = chain.place();
    let account = (place.organization(), place.account());
    (account.0, account.1, chain.trail(), chain.home_region())
}
