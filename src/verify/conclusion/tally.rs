//! Everything that a run found out, before it is weighed.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::super::chain::ChainSummary;
use super::super::coverage::Covered;
use super::super::evidence::Ledger;
use super::super::finding::{Code, Finding};
use super::super::inventory::Leftover;
use super::super::location::{AccountRegion, ChainId, LogKind, RootId};
use super::super::time::{Bounds, begins_at};

/// Why a log is in doubt that was not found.
const NOT_TOLD: &str =
    "it was not found, and whether others of its day are there could not be told";

/// How many logs got which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogCounts {
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
    /// Intact ones that are stored as plain JSON.
    pub stored_plain: u64,
}

/// One chain, and the logs that its digests name.
#[derive(Debug)]
pub struct ChainTally {
    /// What its walk found out.
    pub summary: ChainSummary,
    /// The verdicts on its logs.
    pub logs: LogCounts,
}

/// Logs of an account's region in one root that no verified digest names.
#[derive(Debug)]
pub struct Leftovers {
    /// Which account and region.
    pub place: AccountRegion,
    /// Which root.
    pub root: RootId,
    /// Whether chains of the source led there, rather than that it is part of the source: then
    /// only what they cover there was asked for.
    pub was_followed: bool,
    /// Whether they lie apart from all digests of their account's region, and no digest names any of
    /// their paths in another root either: then the digests speak for them that name logs of this root.
    pub is_apart: bool,
    /// Whether digests in other roots name their paths: they may be copies of what lies there.
    pub is_copy: bool,
    /// The roots that hold what follows in the same bucket, and whose digests name logs of this one: each
    /// with the time up to which what they cover counts here.
    pub next_parts: BTreeMap<RootId, Timestamp>,
    /// The logs.
    pub logs: Vec<Leftover>,
}

/// Time whose logs may be named by digests that could not be verified, of a chain that is not
/// told of.
#[derive(Debug)]
pub struct Doubt {
    /// Which account and region.
    pub place: AccountRegion,
    /// When.
    pub time: Covered,
}

/// How far an hourly chain reaches.
#[derive(Clone, Debug)]
pub struct NewestEnd {
    /// Of which account and region.
    pub place: AccountRegion,
    /// When its newest verified digest ended.
    pub proven: Timestamp,
    /// When the newest one ended that is there and vouches for nothing.
    pub failed: Option<Timestamp>,
}

impl NewestEnd {
    /// That of a chain; nothing for backfill digests, and where none is verified.
    pub(super) fn of(chain: &ChainSummary) -> Option<Self> {
        let proven = chain.newest_end.filter(|_| !chain.chain.is_backfill())?;
        Some(Self {
            place: chain.chain.place().clone(),
            proven,
            failed: chain.newest_failed,
        })
    }
}

/// The midnight that an account's region may begin with, as its oldest digest tells. Of what a lifecycle rule or a copy
/// by days has left, all came after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Begins {
    /// When it is.
    pub at: Timestamp,
    /// Whether the oldest digest ends shortly before, and may have come after.
    pub is_late: bool,
}

impl Begins {
    /// Where the oldest digest ends at `oldest`.
    pub fn with(oldest: Timestamp) -> Self {
        let at = begins_at(oldest);
        Self {
            at,
            is_late: oldest < at,
        }
    }
}

/// A log that a digest names, and that came before the midnight which its account's region may begin with. Whether it
/// does is decided when all is known.
#[derive(Clone, Debug)]
pub struct BeforeFirstDay {
    /// That midnight.
    pub begins: Begins,
    /// That it is missing, should that be a finding.
    pub finding: Finding,
}

/// Digests that were copied into one folder, and the logs that they name into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CopiedApart {
    /// Where the logs lie.
    pub logs: RootId,
    /// Where the digests do.
    pub digests: RootId,
}

/// A log that a digest of the range names and that is not there, of a day that the range does not touch. A copy that
/// was cut by days has nothing of that day; whether this one has is decided when all is known.
#[derive(Clone, Debug)]
pub struct BesideTheRange {
    /// Its root, and the folder of its day there.
    pub folder: (RootId, Box<str>),
    /// That it is missing, should that be a finding.
    pub finding: Finding,
}

/// Everything that a run found out, before it is weighed.
#[derive(Debug, Default)]
pub struct Tally {
    /// All chains that have a digest in or near the range.
    pub chains: Vec<ChainTally>,
    /// All findings so far.
    pub findings: Vec<Finding>,
    /// All logs that no verified digest names.
    pub leftovers: Vec<Leftovers>,
    /// All accounts and regions that have a folder.
    pub places: BTreeSet<AccountRegion>,
    /// The kinds of log that some verified digest names.
    pub kinds_named: BTreeSet<LogKind>,
    /// What chains that are not told of leave in doubt.
    pub doubts: Vec<Doubt>,
    /// When the newest digests of such chains ended.
    pub silent_ends: Vec<NewestEnd>,
    /// What verified hourly digests of such chains cover.
    pub silent_covered: BTreeMap<(AccountRegion, RootId), Covered>,
    /// Chains that have digests beside the range: on its first day, or its last one.
    pub beside: BTreeSet<Arc<ChainId>>,
    /// Accounts and regions whose digests could not all be listed.
    pub unlisted_digests: BTreeSet<AccountRegion>,
    /// Logs that are named by a digest of another account or region than their path's, in the root
    /// that they are named in: what lies under the same path in another one is not named.
    pub named_from_afar: BTreeMap<RootId, HashSet<Box<str>>>,
    /// Where digests and the logs that they name lie in folders of their own.
    pub copied_apart: BTreeSet<CopiedApart>,
    /// The first midnight that any account's region may begin with.
    pub begins: Option<Begins>,
    /// Logs of before the midnight that their account's region may begin with, which are not there.
    pub before_first_day: Vec<BeforeFirstDay>,
    /// Whether other such logs are there, and not only some that may have come after it.
    pub reaches_before_first_day: bool,
    /// Whether some are there that may have.
    pub is_left_before_first_day: bool,
    /// Logs of days beside the range, which are not there.
    pub beside_range: Vec<BesideTheRange>,
    /// The folders of such days in which other logs are there that digests name.
    pub reached_beside: BTreeSet<(RootId, Box<str>)>,
    /// Whether others of such folders are there, or why that cannot be told.
    pub looked_beside: BTreeMap<(RootId, Box<str>), Result<bool, Box<str>>>,
    /// The bucket and prefix of each root whose source knows them.
    pub stated: BTreeMap<RootId, (Arc<str>, Arc<str>)>,
    /// Digest objects seen in the range, whatever came of them.
    pub digests_seen: u64,
    /// The events of intact logs that may explain what was found; nothing where logs were not
    /// read.
    pub evidence: Option<Ledger>,
    /// Stored bytes read.
    pub bytes_read: u64,
    /// Bytes of content hashed.
    pub bytes_hashed: u64,
    /// Whether the run was stopped before its end.
    pub interrupted: bool,
}

impl Tally {
    /// Decides on the logs of before the midnight that the archive may begin with. They were not copied, or have
    /// expired, where no chain has a digest that came before it and no log of before it is there; then that midnight is
    /// given back. Else they are missing.
    pub(super) fn settle_first_day(&mut self) -> Option<Timestamp> {
        let mut settled = None;
        let mut missing = Vec::new();
        for BeforeFirstDay { begins, finding } in std::mem::take(&mut self.before_first_day) {
            let is_first = self.begins.is_some_and(|first| begins.at <= first.at);
            // Where a digest or a log of before it is left, a chain that goes on before has lost the rest.
            let is_left = begins.is_late || self.is_left_before_first_day;
            let is_cut = is_first && (!is_left || self.is_cut(finding.chain.as_ref()));
            if is_cut && !self.reaches_before_first_day {
                settled = settled.max(Some(begins.at));
                continue;
            }
            missing.push(finding);
        }
        self.miss(missing);
        settled
    }

    /// Whether the oldest digest of a chain names one before it.
    fn is_cut(&self, name: Option<&Arc<str>>) -> bool {
        let chains = self.chains.iter().map(|chain| &chain.summary);
        let mut its = chains.filter(|chain| Some(&chain.name) == name);
        its.any(|chain| !chain.open_ends.is_empty())
    }

    /// Decides on the logs of days beside the range: they are missing where others of the same folder are there, and
    /// in doubt where that cannot be told.
    pub(super) fn settle_beside(&mut self) {
        let mut missing = Vec::new();
        for held in std::mem::take(&mut self.beside_range) {
            let looked = self.looked_beside.get(&held.folder);
            let is_reached = self.reached_beside.contains(&held.folder);
            let others = if is_reached { Some(&Ok(true)) } else { looked };
            match others {
                Some(Ok(true)) => missing.push(held.finding),
                Some(Err(why)) => {
                    let detail = format!("{NOT_TOLD}: {why}");
                    self.leave_open(held.finding, detail);
                }
                Some(Ok(false)) | None => {}
            }
        }
        self.miss(missing);
    }

    /// Has a log unread that was not found.
    fn leave_open(&mut self, missing: Finding, why: String) {
        let mut finding = Finding::new(Code::LogUnreadable, missing.subject).detail(why);
        (finding.chain, finding.digest) = (missing.chain, missing.digest);
        let its = |chain: &&mut ChainTally| Some(&chain.summary.name) == finding.chain.as_ref();
        if let Some(chain) = self.chains.iter_mut().find(its) {
            chain.logs.unverified += 1;
        }
        self.findings.push(finding);
    }

    /// Takes note of a chain that nothing is told of.
    pub fn pass_over(&mut self, chain: &ChainSummary) {
        self.silent_ends.extend(NewestEnd::of(chain));
        if chain.chain.is_backfill() {
            return;
        }
        for (root, covered) in &chain.covered {
            let place = (chain.chain.place().clone(), *root);
            self.silent_covered
                .entry(place)
                .or_default()
                .add_all(covered);
        }
    }

    /// Has logs missing after all.
    fn miss(&mut self, findings: Vec<Finding>) {
        let mut missing: BTreeMap<Arc<str>, u64> = BTreeMap::new();
        for finding in findings {
            if let Some(chain) = &finding.chain {
                *missing.entry(Arc::clone(chain)).or_default() += 1;
            }
            self.findings.push(finding);
        }
        for chain in &mut self.chains {
            chain.logs.missing += missing.remove(&chain.summary.name).unwrap_or_default();
        }
    }
}

/// How findings are weighed, and against which time.
#[derive(Clone, Debug)]
pub struct Weights {
    /// The range asked for.
    pub bounds: Bounds,
    /// The time of the run.
    pub now: Timestamp,
    /// Codes that count as notices.
    pub allow: BTreeSet<Code>,
    /// Codes that count as invalid.
    pub deny: BTreeSet<Code>,
}

impl Weights {
    /// Each code counts for what it is.
    pub fn new(bounds: Bounds, now: Timestamp) -> Self {
        Self {
            bounds,
            now,
            allow: BTreeSet::new(),
            deny: BTreeSet::new(),
        }
    }
}
