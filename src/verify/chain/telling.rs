//! What the walk tells: digests that failed, spans that are missing, gaps between digests.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::super::finding::{Code, Finding, Subject};
use super::super::location::{DigestKey, ObjectLocation};
use super::super::time::{NAME_SLACK, TimeRange, hour_before, minus, plus};
use super::demands::Demand;
use super::sighting::{DigestVerdict, ListedDigest, WalkEvent};
use super::summary::{Gap, GapCause, OpenEnd};
use super::walk::{Failed, Walk};

impl Walk {
    pub(super) fn fail(
        &mut self,
        at: &ListedDigest,
        finding: Finding,
        verdict: DigestVerdict,
        demanded: bool,
    ) {
        // What an unverified digest says of its window is not believed: its key's hour is taken.
        let is_remembered = self.is_remembered(&at.key);
        let in_range = is_remembered
            || hour_before(at.key.end()).is_some_and(|hour| self.bounds.overlaps(hour));
        if is_remembered {
            // Whatever it is now, it is told.
            self.remembered = None;
        }
        let may_be_skipped = matches!(
            finding.code,
            Code::DigestModified | Code::DigestKeyUnknown | Code::DigestUnsigned
        );
        let failed = Failed {
            finding: finding.in_chain(&self.name),
            verdict,
            may_be_skipped,
            in_range,
            end: at.key.end(),
        };
        if demanded {
            self.take_demand();
        }
        if self.demand.is_some() && !demanded {
            self.skipped.push(failed);
            return;
        }
        let cause = match verdict {
            DigestVerdict::Unverified => GapCause::DigestUnverified,
            DigestVerdict::Missing => GapCause::DigestMissing,
            DigestVerdict::Valid | DigestVerdict::Invalid => GapCause::DigestInvalid,
        };
        let is_after = self.bounds.end().is_some_and(|limit| failed.end > limit);
        let is_beside = demanded && is_after && !failed.in_range;
        // Whatever is not told explains no gap: anybody may put it beside the range.
        if failed.in_range || is_beside {
            self.broken_by = self.broken_by.max(Some(cause));
        }
        if is_beside {
            self.doubt_failed(&failed);
            self.beside.push(failed);
        } else {
            self.tell_failed(failed);
        }
        if demanded {
            self.settle_skipped(false);
        }
    }

    /// Takes note that the digest which ends at `end` may name logs, and cannot tell them. A
    /// backfill digest may name logs of any time.
    pub(super) fn doubt(&mut self, end: Timestamp) {
        let range = if self.summary.chain.is_backfill() {
            TimeRange::new(Timestamp::MIN, Timestamp::MAX)
        } else {
            let hour = minus(end, SignedDuration::from_hours(1));
            TimeRange::new(minus(hour, NAME_SLACK), plus(end, NAME_SLACK))
        };
        if let Some(range) = range {
            self.summary.doubtful.add(range);
        }
    }

    /// Decides on the digests between a verified digest and what it names.
    pub(super) fn settle_skipped(&mut self, chain_passes_by: bool) {
        for mut failed in std::mem::take(&mut self.skipped) {
            if chain_passes_by && failed.may_be_skipped {
                let why = why_unsigned(&failed.finding);
                failed.finding.code = Code::DigestOutOfChain;
                failed.finding.detail =
                    Some(format!("the chain passes it by, and no key signed it{why}").into());
                failed.verdict = DigestVerdict::Invalid;
            }
            self.tell_failed(failed);
        }
    }

    fn doubt_failed(&mut self, failed: &Failed) {
        if failed.verdict == DigestVerdict::Unverified {
            self.doubt(failed.end);
        }
    }

    pub(super) fn tell_failed(&mut self, failed: Failed) {
        self.doubt_failed(&failed);
        if failed.in_range && failed.verdict != DigestVerdict::Missing {
            let newest = &mut self.summary.newest_failed;
            *newest = (*newest).max(Some(failed.end));
        }
        self.judge(
            failed.finding.subject.clone(),
            failed.verdict,
            failed.in_range,
        );
        self.find(failed.finding, failed.in_range);
    }

    /// Tells what is missing between the digest passed last and `since`, newest first.
    pub(super) fn tell_all_missing(&mut self, since: Timestamp) {
        if self.missing.is_empty() {
            // As nearly always: nothing is allocated for it.
            return;
        }
        let missing = std::mem::take(&mut self.missing);
        let older = missing.iter().skip(1).map(Demand::end);
        let older: Vec<_> = older.chain([since]).collect();
        for (demand, since) in missing.iter().zip(older) {
            if demand.required || self.reaches_in(since, demand.until) {
                self.tell_missing(demand, Some(since));
            }
        }
    }

    /// Whether any of the range lies between.
    fn reaches_in(&self, since: Timestamp, until: Timestamp) -> bool {
        let between = TimeRange::new(since, until);
        between.is_some_and(|between| self.clip(between).is_some())
    }

    /// Tells the digests that failed after the range, where no digest that is verified covers
    /// the range from `since` up to them.
    pub(super) fn tell_beside(&mut self, since: Timestamp) {
        let beside = std::mem::take(&mut self.beside);
        let Some(until) = self.passed.as_ref().map(|passed| passed.covers_from) else {
            return;
        };
        if !self.reaches_in(since, until) {
            return;
        }
        for failed in beside {
            self.tell_failed(Failed {
                in_range: true,
                ..failed
            });
        }
    }

    pub(super) fn tell_missing(&mut self, demand: &Demand, since: Option<Timestamp>) {
        let finding = self.missing_finding(demand, since);
        self.judge(finding.subject.clone(), DigestVerdict::Missing, true);
        self.find(finding, true);
    }

    pub(super) fn missing_finding(&self, demand: &Demand, since: Option<Timestamp>) -> Finding {
        let subject = Subject::Object(demand.predecessor.location().clone());
        let detail = match since {
            Some(since) if since == Timestamp::MIN => format!(
                "the next digest names it, and it is not there; no digest is left before {}, and the chain is followed to its beginning since no earlier run has seen it",
                demand.until
            ),
            // It leaves no time without a digest, such as where an earlier run verified it.
            Some(since) if since >= demand.until => {
                "the next digest names it, and it is not there".to_owned()
            }
            Some(since) => format!(
                "the next digest names it, and it is not there; no digest is left from {since} to {}",
                demand.until
            ),
            None if demand.more.is_some() => format!(
                "the next digest names it, and it is not there; no digest is left before {}",
                demand.until
            ),
            None => format!(
                "the next digest names it, and it is not there, though other chains reach further back; \
                 no digest is left before {}. If the copy was made to begin here, say so with --start-time",
                demand.until
            ),
        };
        let more = demand.more.as_deref().unwrap_or_default();
        Finding::new(Code::DigestMissing, subject)
            .in_chain(&self.name)
            .by_digest(&demand.by)
            .compared(demand.predecessor.hash(), &"absent")
            .detail(format!("{detail}{more}"))
    }

    pub(super) fn open_end(&self, demand: &Demand) -> OpenEnd {
        OpenEnd {
            finding: self.missing_finding(demand, None),
            end: demand.end(),
        }
    }

    /// Tells what lies between the digest passed last and the verified one before it.
    pub(super) fn tell_gap(&mut self, older_end: Timestamp, older: &DigestKey) {
        let Some(passed) = &self.passed else {
            return;
        };
        let Some(range) = TimeRange::new(older_end, passed.covers_from)
            .filter(|range| !range.is_empty())
            .and_then(|range| self.clip(range))
        else {
            return;
        };
        let cause = match (self.broken_by, passed.is_starting) {
            (Some(cause), _) => cause,
            (None, true) => GapCause::StartingDigest,
            (None, false) => GapCause::NotContiguous,
        };
        let told = match cause {
            GapCause::StartingDigest => Some(format!(
                "no digest covers the time from {} to {}: the chain ended, and began anew with a starting digest",
                range.start(),
                range.end()
            )),
            GapCause::NotContiguous => Some(format!(
                "no digest covers the time from {} to {}, though the digests on both sides follow one another",
                range.start(),
                range.end()
            )),
            GapCause::DigestMissing
            | GapCause::DigestInvalid
            | GapCause::DigestUnverified
            | GapCause::StartsLate
            | GapCause::EndsEarly => None,
        };
        let backfill = self.summary.chain.is_backfill();
        if let Some(detail) = told.filter(|_| !backfill) {
            let subject = Subject::Run;
            let older: Arc<str> = older.path().into();
            let finding = Finding::new(Code::CoverageGap, subject)
                .by_digest(&older)
                .spanning(range)
                .detail(detail);
            self.find(finding, true);
        }
        if !backfill {
            self.summary.gaps.push(Gap { range, cause });
        }
    }

    /// Counts that the chain began anew with the digest passed last, where older ones reach up to
    /// it, of which `older` is the window of the next: no gap tells it.
    pub(super) fn count_restart(&mut self, older: TimeRange) {
        let is_within = self.passed.as_ref().is_some_and(|passed| {
            passed.is_starting && passed.in_range && passed.covers_from <= older.end()
        });
        // Backfill digests stand beside the chain, each for itself.
        let is_backfill = self.summary.chain.is_backfill();
        if is_within && !is_backfill && self.bounds.overlaps(older) {
            self.summary.restarts_within += 1;
        }
    }

    pub(super) fn clip(&self, range: TimeRange) -> Option<TimeRange> {
        let start = self
            .bounds
            .start()
            .map_or(range.start(), |start| start.max(range.start()));
        let end = self
            .bounds
            .end()
            .map_or(range.end(), |end| end.min(range.end()));
        TimeRange::new(start, end).filter(|range| !range.is_empty())
    }

    pub(super) fn judge(&mut self, subject: Subject, verdict: DigestVerdict, in_range: bool) {
        if in_range {
            self.summary.digests.count(verdict);
            self.events.push(WalkEvent::Judged(subject, verdict));
        }
    }

    pub(super) fn find(&mut self, finding: Finding, in_range: bool) {
        if in_range {
            let finding = finding.in_chain(&self.name);
            self.events.push(WalkEvent::Finding(finding));
        }
    }
}

/// The finding that a digest belongs elsewhere.
pub(super) fn moved(subject: Subject, claimed: &ObjectLocation) -> Finding {
    Finding::new(Code::DigestMoved, subject)
        .compared(&"its own place", claimed)
        .detail(format!("its content says that it belongs at {claimed}"))
}

/// What there is to say of a digest that nothing proves, behind that no key signed it.
fn why_unsigned(finding: &Finding) -> String {
    match &finding.detail {
        Some(detail) => format!(": {detail}"),
        None if finding.code == Code::DigestUnsigned => ": it has no signature".to_owned(),
        None if finding.code == Code::DigestModified => {
            ": its signature does not fit its content".to_owned()
        }
        None => String::new(),
    }
}
