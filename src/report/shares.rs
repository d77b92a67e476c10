//! How much of the range is covered, as the headline of a run tells it that is valid.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::amounts::{count, counted, percent};
use super::json::{Chain, ChainGap, Report};
use super::reach::reach;
use super::trouble::Waiting;
use crate::verify::chain::GapCause;
use crate::verify::coverage::Covered;
use crate::verify::time::TimeRange;

/// Chains of one copy begin within the same hour.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// How much of the range is covered, where that is not all of it. Time whose digest is not yet due
/// is not missed, nor the hour in which the chains of one copy begin.
pub fn lacking(report: &Report<'_>) -> Option<String> {
    let (start, end) = reach(report)?;
    let waiting = Waiting::of(report);
    let whole = seconds(end.duration_since(start));
    let mut places: BTreeMap<String, Vec<&Chain<'_>>> = BTreeMap::new();
    let hourly = report.chains.iter().filter(|chain| !chain.backfill);
    for chain in hourly.filter(|chain| has_part(chain)) {
        places.entry(chain.place()).or_default().push(chain);
    }
    let by_default = report.run.range_of_archive.is_some_and(|note| note.start);
    let is_excused = |chain: &Chain<'_>, gap: &ChainGap| {
        let length = gap.end.duration_since(gap.start);
        waiting.is_for(chain, gap)
            || (by_default && gap.cause == GapCause::StartsLate && length <= HOUR)
    };
    let shares = places.values().filter_map(|chains| {
        // Several trails of one region cover it together.
        let spans = chains.iter().flat_map(|chain| &chain.covered);
        let covered = together(spans.map(|span| (span.start, span.end)));
        let excused = chains.iter().flat_map(|chain| {
            let gaps = chain.gaps.iter();
            gaps.filter(|gap| is_excused(chain, gap))
        });
        let mut done = together(excused.map(|gap| (gap.start, gap.end)));
        done.add_all(&covered);
        (length(&done) < whole).then(|| length(&covered))
    });
    let shares: Vec<u64> = shares.collect();
    let least = percent(*shares.iter().min()?, whole);
    Some(match (places.len(), shares.len()) {
        (1, _) => format!("{least} of the range is covered"),
        (all, some) if all == some => format!(
            "none of {} is covered throughout, the least for {least} of the range",
            counted(all as u64, "region", "regions")
        ),
        (all, some) => format!(
            "{} of {} {} not covered throughout, the least for {least} of the range",
            count(some as u64),
            counted(all as u64, "region", "regions"),
            if some == 1 { "is" } else { "are" }
        ),
    })
}

/// Whether a chain should cover any of the range: what begins after it has no part in it.
fn has_part(chain: &Chain<'_>) -> bool {
    let is_missed = |gap: &ChainGap| gap.cause != GapCause::StartsLate;
    chain.digests.any() || !chain.covered.is_empty() || chain.gaps.iter().any(is_missed)
}

fn together(spans: impl Iterator<Item = (Timestamp, Timestamp)>) -> Covered {
    let mut covered = Covered::default();
    for range in spans.filter_map(|(start, end)| TimeRange::new(start, end)) {
        covered.add(range);
    }
    covered
}

/// How many seconds are covered.
fn length(covered: &Covered) -> u64 {
    let lengths = covered
        .ranges()
        .iter()
        .map(|range| range.end().duration_since(range.start()));
    lengths.map(seconds).sum()
}

fn seconds(time: SignedDuration) -> u64 {
    u64::try_from(time.as_secs()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::SnapshotNote;
    use crate::report::json::Span;
    use crate::report::samples::{self, at};
    use crate::verify::chain::DigestCounts;

    #[test]
    fn what_is_not_covered_is_told_in_a_word() {
        let mut report = samples::clean();
        assert_eq!(lacking(&report), None);
        let (start, end) = (at("2024-03-10T00:00:00Z"), at("2024-03-10T06:00:00Z"));
        report.chains[0].covered = vec![Span { start, end }];
        let told = lacking(&report).unwrap();
        assert_eq!(told, "25.0 % of the range is covered");
        // Another trail of the same region covers the rest.
        let mut other = report.chains[0].clone();
        other.trail = "other".into();
        other.covered = vec![Span {
            start: at("2024-03-10T05:00:00Z"),
            end: at("2024-03-11T00:00:00Z"),
        }];
        report.chains.push(other.clone());
        assert_eq!(lacking(&report), None);
        // One of another region does not.
        other.region = "eu-west-1".into();
        report.chains[1] = other.clone();
        let told = lacking(&report).unwrap();
        assert!(told.starts_with("none of 2 regions"), "{told}");
        report.chains[0] = samples::clean().chains[0].clone();
        let told = lacking(&report).unwrap();
        assert!(told.starts_with("1 of 2 regions is not"), "{told}");
        // Nor is a region covered whose chain ended before the range; one that begins after it has no part.
        let mut idle = samples::clean();
        idle.chains.push(samples::clean().chains[0].clone());
        let chain = &mut idle.chains[1];
        chain.region = "eu-west-1".into();
        chain.covered = Vec::new();
        chain.digests = DigestCounts::default().into();
        for (cause, is_told) in [(GapCause::EndsEarly, true), (GapCause::StartsLate, false)] {
            idle.chains[1].gaps = vec![ChainGap {
                start: at("2024-03-10T00:00:00Z"),
                end: at("2024-03-11T00:00:00Z"),
                cause,
                events: Vec::new(),
            }];
            let told = lacking(&idle).unwrap_or_default();
            assert_eq!(told.starts_with("1 of 2 regions is not"), is_told, "{told}");
        }
        // The newest hour is not missed as long as its digest is not due.
        let mut waiting = samples::clean();
        waiting.chains[0].covered[0].end = at("2024-03-10T23:00:00Z");
        assert!(lacking(&waiting).is_some());
        waiting.chains[0].gaps = vec![ChainGap {
            start: at("2024-03-10T23:00:00Z"),
            end: at("2024-03-11T00:00:00Z"),
            cause: GapCause::EndsEarly,
            events: Vec::new(),
        }];
        waiting.run.started = at("2024-03-11T00:44:00Z");
        assert_eq!(lacking(&waiting), None);
        // When it is overdue it is.
        waiting.run.started = at("2024-03-11T00:46:00Z");
        assert!(lacking(&waiting).is_some());
        let snapshot = SnapshotNote {
            of: "s3://audit-logs".to_owned(),
            taken: at("2024-03-11T00:44:00Z"),
            user: None,
            host: None,
            files: 1,
            altered: 0,
            manifest: String::new(),
        };
        // What was not due when a snapshot was taken cannot be in it.
        waiting.run.snapshot = Some(snapshot);
        assert_eq!(lacking(&waiting), None);
    }
}
