//! How the logs stand that nothing named.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::super::coverage::Covered;
use super::super::finding::{Code, Finding, Subject};
use super::super::inventory::{Circumstances, LeftoverTime, Standing, open_after};
use super::super::location::{AccountRegion, LogKind, RootId};
use super::super::text::numbered;
use super::super::time::{TimeRange, minus};
use super::reckoning::Reckoning;
use super::tally::{ChainTally, Leftovers, LogCounts, NewestEnd, Tally};

/// What is said of a log that only a digest keeps from being out of chain which nothing proves.
const IN_DOUBT: &str = "verified digests cover its time, and none of them names it: a digest that is not verified, in or beside the range, may";

impl Reckoning<'_> {
    pub(super) fn leftovers(&mut self, logs: &mut LogCounts) {
        let mut undigested: BTreeMap<LogKind, u64> = BTreeMap::new();
        let nothing = Covered::default();
        let due = self.due_for_logs();
        let tails = open_places(&self.newest_ends, due);
        let failed = newest_failed(&self.newest_ends);
        for leftovers in std::mem::take(&mut self.tally.leftovers) {
            let covered = self.covered_for(&leftovers);
            let doubtful = self.doubtful.get(&leftovers.place).unwrap_or(&nothing);
            let tail = tails.get(&leftovers.place);
            let failed = failed.get(&leftovers.place).copied();
            let open = self.open_for(&leftovers, covered.end(), (tail, failed, due));
            let known = Circumstances {
                covered: &covered,
                doubtful,
                open: &open,
                bounds: self.weights.bounds,
            };
            let name: Arc<str> = leftovers.place.to_string().into();
            for log in leftovers.logs {
                let Some(standing) = log.standing(known) else {
                    continue;
                };
                if leftovers.was_followed && standing != Standing::Unreferenced {
                    continue;
                }
                let path = log.path(&leftovers.place);
                let afar = self.tally.named_from_afar.get(&leftovers.root);
                if afar.is_some_and(|named| named.contains(path.as_str())) {
                    continue;
                }
                let is_digested =
                    log.kind == LogKind::CloudTrail || self.tally.kinds_named.contains(&log.kind);
                if !is_digested {
                    *undigested.entry(log.kind).or_default() += 1;
                    continue;
                }
                let code = match standing {
                    Standing::Unreferenced => {
                        logs.unreferenced += 1;
                        Code::LogUnreferenced
                    }
                    Standing::Uncovered => {
                        logs.unverified += 1;
                        Code::LogUncovered
                    }
                    Standing::Pending => Code::LogPending,
                };
                let subject = Subject::Listed {
                    root: leftovers.root,
                    time: log.time.begins(),
                    path: path.into(),
                };
                let mut finding = Finding::new(code, subject).in_chain(&name);
                if code == Code::LogUncovered {
                    let is_sure = Circumstances {
                        doubtful: &nothing,
                        ..known
                    };
                    let is_in_doubt = log.standing(is_sure) == Some(Standing::Unreferenced);
                    let why = is_in_doubt.then_some(IN_DOUBT);
                    finding.detail = why.or_else(|| why_uncovered(log.time)).map(Into::into);
                }
                self.findings.push(finding);
            }
        }
        for (kind, count) in undigested {
            let finding = Finding::new(Code::KindUndigested, Subject::Run).detail(format!(
                "{} in the range, and no digest of the run names any of that kind: CloudTrail may not digest it",
                numbered(
                    count,
                    &format!("log of kind {} lies", kind.folder()),
                    &format!("logs of kind {} lie", kind.folder())
                )
            ));
            self.findings.push(finding);
        }
    }

    /// The time whose logs may be in no digest yet where these lie, of which verified digests cover it up to `end`.
    fn open_for(
        &self,
        leftovers: &Leftovers,
        end: Option<Timestamp>,
        (tail, failed, due): (Option<&Covered>, Option<Timestamp>, Option<Timestamp>),
    ) -> Covered {
        if leftovers.is_copy {
            // A digest names them, in another place.
            return Covered::default();
        }
        let mut open = tail.cloned().unwrap_or_default();
        // The older one of two copies has logs that the newer one's digests name.
        let copied = (leftovers.place.clone(), leftovers.root);
        let reached = self.reached.get(&copied).copied();
        let end = end.map(|end| Some(end).max(failed).max(reached));
        let tail = end.flatten().zip(due);
        if let Some(tail) = tail.and_then(|(end, due)| open_after(end, due)) {
            open.add(tail);
        }
        open
    }

    /// What verified digests cover where these logs lie. For a folder of logs alone, those speak that
    /// name its logs.
    fn covered_for(&self, leftovers: &Leftovers) -> Covered {
        let root = leftovers.root;
        let apart = self.tally.copied_apart.iter();
        let apart = apart.filter(|apart| leftovers.is_apart && apart.logs == root);
        let roots = apart.map(|apart| apart.digests).chain([root]);
        let mut covered = Covered::default();
        for root in roots {
            if let Some(part) = self.covered.get(&(leftovers.place.clone(), root)) {
                covered.add_all(part);
            }
        }
        for (root, until) in &leftovers.next_parts {
            // What is dated into that part may be a copy of what lies there, and is judged there.
            let until = minus(*until, SignedDuration::from_secs(1));
            let before = TimeRange::new(Timestamp::MIN, until);
            let part = self.covered.get(&(leftovers.place.clone(), *root));
            if let Some((part, before)) = part.zip(before) {
                covered.add_all(&part.within(before));
            }
        }
        covered
    }
}

/// Why a log counts as uncovered whose name tells no time: others lie in an hour that nothing covers.
pub(super) fn why_uncovered(time: LeftoverTime) -> Option<&'static str> {
    match time {
        LeftoverTime::At(_) => None,
        LeftoverTime::Apart(_, Some(_)) => Some("its name and its folders tell different times"),
        LeftoverTime::Day(_) => Some(
            "its name is no log's of this account and region, so only its folders tell when it was delivered; verified digests do not cover the whole of that day",
        ),
        LeftoverTime::Apart(_, None) => {
            Some("it lies in no folder of a day, so its name alone tells when it was delivered")
        }
        LeftoverTime::Unknown => {
            Some("neither its name nor its folders tell when it was delivered")
        }
    }
}

/// What the verified hourly digests of all trails cover, for each account and region in each root.
pub(super) fn covered_places(tally: &Tally) -> BTreeMap<(AccountRegion, RootId), Covered> {
    let mut places = tally.silent_covered.clone();
    for chain in &tally.chains {
        let id = &chain.summary.chain;
        if !id.is_backfill() {
            for (root, covered) in &chain.summary.covered {
                let place = (id.place().clone(), *root);
                places.entry(place).or_default().add_all(covered);
            }
        }
    }
    places
}

/// When the newest digests of each hourly chain ended.
pub(super) fn newest_ends(tally: &Tally) -> Vec<NewestEnd> {
    let told = tally.chains.iter().map(|chain| &chain.summary);
    let silent = tally.silent_ends.iter().cloned();
    told.filter_map(NewestEnd::of).chain(silent).collect()
}

/// When the newest hourly digest ended that states the bucket and the prefix that a root is a copy of, in
/// whatever root it lies.
pub(super) fn reached_places(
    chains: &[ChainTally],
) -> BTreeMap<(AccountRegion, RootId), Timestamp> {
    let hourly = chains.iter().map(|chain| &chain.summary);
    let hourly = hourly.filter(|summary| !summary.chain.is_backfill());
    let mut copies: BTreeMap<_, (BTreeSet<RootId>, Timestamp)> = BTreeMap::new();
    for summary in hourly {
        for binding in &summary.bindings {
            let place = (summary.chain.place(), &binding.bucket, &binding.prefix);
            let end = binding.range.end();
            let (roots, newest) = copies.entry(place).or_insert((BTreeSet::new(), end));
            roots.insert(binding.root);
            *newest = (*newest).max(end);
        }
    }
    let mut places = BTreeMap::new();
    for ((place, _, _), (roots, end)) in copies {
        for root in roots {
            let newest = places.entry((place.clone(), root)).or_insert(end);
            *newest = (*newest).max(end);
        }
    }
    places
}

/// When the newest digest ended that is there and vouches for nothing, for each account and region.
fn newest_failed(newest_ends: &[NewestEnd]) -> BTreeMap<AccountRegion, Timestamp> {
    let mut places = BTreeMap::new();
    for chain in newest_ends {
        if let Some(failed) = chain.failed {
            let newest = places.entry(chain.place.clone()).or_insert(failed);
            *newest = (*newest).max(failed);
        }
    }
    places
}

/// The time whose logs digests may name that are not due yet, for each account and region. Each
/// trail has an hour of its own: what one covers already, the next digest of another may name.
fn open_places(
    newest_ends: &[NewestEnd],
    due: Option<Timestamp>,
) -> BTreeMap<AccountRegion, Covered> {
    // A digest that is there shows that those could be there too which were due by then.
    let mut reached: BTreeMap<&AccountRegion, Timestamp> = BTreeMap::new();
    for chain in newest_ends {
        let newest = reached.entry(&chain.place).or_insert(chain.proven);
        *newest = (*newest).max(chain.proven);
    }
    let mut places: BTreeMap<AccountRegion, Covered> = BTreeMap::new();
    for chain in newest_ends {
        let place = &chain.place;
        let due = due.map(|due| reached.get(place).map_or(due, |reached| due.max(*reached)));
        // What a digest that is there would name is not waited for, whatever it is worth.
        let end = Some(chain.proven).max(chain.failed);
        let tail = end.zip(due).and_then(|(end, due)| open_after(end, due));
        if let Some(tail) = tail {
            places.entry(place.clone()).or_default().add(tail);
        }
    }
    places
}

/// The time whose logs unverified digests may name, for each account and region.
pub(super) fn doubtful_places(tally: &Tally) -> BTreeMap<AccountRegion, Covered> {
    let mut places: BTreeMap<AccountRegion, Covered> = BTreeMap::new();
    for chain in &tally.chains {
        let summary = &chain.summary;
        let place = places.entry(summary.chain.place().clone()).or_default();
        place.add_all(&summary.doubtful);
    }
    for doubt in &tally.doubts {
        let place = places.entry(doubt.place.clone()).or_default();
        place.add_all(&doubt.time);
    }
    for place in &tally.unlisted_digests {
        if let Some(always) = TimeRange::new(Timestamp::MIN, Timestamp::MAX) {
            places.entry(place.clone()).or_default().add(always);
        }
    }
    places
}
