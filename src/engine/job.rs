//! What is to be verified, against what, and how much of it is done at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::source::KeyRing;
use crate::verify::chain::Remembered;
use crate::verify::conclusion::Weights;
use crate::verify::location::{AccountRegion, ChainId};

/// Which accounts, regions and trails are verified; where a set is empty, all are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// Accounts, by their twelve digits.
    pub accounts: BTreeSet<String>,
    /// Regions.
    pub regions: BTreeSet<String>,
    /// Trails, by name.
    pub trails: BTreeSet<String>,
    /// Only trails of this home region.
    pub home_region: Option<String>,
    /// Only chains of an organization's trail, which belongs to this account.
    pub management_account: Option<String>,
}

impl Filters {
    pub(super) fn takes_account(&self, account: &str) -> bool {
        self.accounts.is_empty() || self.accounts.contains(account)
    }

    pub(super) fn takes_region(&self, region: &str) -> bool {
        self.regions.is_empty() || self.regions.contains(region)
    }

    /// Whether a chain is asked for.
    pub fn takes(&self, chain: &ChainId) -> bool {
        self.takes_account(chain.place().account())
            && self.takes_region(chain.place().region())
            && self.takes_chain(chain)
    }

    pub(super) fn takes_chain(&self, chain: &ChainId) -> bool {
        let at_home = |home: &String| home == chain.home_region();
        (self.trails.is_empty() || self.trails.contains(chain.trail()))
            && self.home_region.as_ref().is_none_or(at_home)
            && self.takes_place(chain.place())
    }

    /// Other accounts may have trails of the same name and home region in the same bucket.
    fn takes_place(&self, place: &AccountRegion) -> bool {
        // It may have been a trail of its own account before, and an organization's before that.
        let is_its_own = |account: &String| place.account() == account;
        place.organization().is_some() || self.management_account.as_ref().is_none_or(is_its_own)
    }
}

/// How much is done at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Threads that read and hash.
    pub threads: usize,
    /// Digests of one account and region that are read ahead of the walk.
    pub read_ahead: usize,
    /// Accounts' regions listed and walked at a time.
    pub groups: usize,
    /// Bytes of digests that are held at a time, before any more are read ahead.
    pub digest_memory: usize,
}

impl Limits {
    /// For so many bytes of memory in all, and so many threads.
    pub fn new(memory: usize, threads: usize) -> Self {
        Self {
            threads,
            read_ahead: threads * 8,
            groups: threads.max(4),
            // What a few digests of a busy hour take: they name work enough for every thread.
            digest_memory: memory / 16,
        }
    }
}

/// The chains that an earlier run has seen, and what it verified last of each, if anything.
pub type Remembrance = BTreeMap<ChainId, Option<Remembered>>;

/// What is to be verified, and against what.
#[derive(Debug)]
pub struct Job {
    /// Which accounts, regions and trails.
    pub filters: Filters,
    /// Where CloudTrail's public keys come from.
    pub keys: Arc<dyn KeyRing>,
    /// The range, and how findings are weighed.
    pub weights: Weights,
    /// Whether logs are left unread.
    pub digests_only: bool,
    /// What an earlier run verified last of each chain, where one did. Chains that it has not
    /// seen are followed to their beginnings.
    pub remembered: Option<Remembrance>,
    /// Chains that an earlier run saw and did not find valid, each with a time from which on it
    /// had digests.
    pub unproven: BTreeMap<ChainId, Timestamp>,
    /// How much is done at a time.
    pub limits: Limits,
}

impl Job {
    /// All that the source has is verified, as if no other run had been before.
    pub fn new(keys: Arc<dyn KeyRing>, weights: Weights, limits: Limits) -> Self {
        Self {
            filters: Filters::default(),
            keys,
            weights,
            digests_only: false,
            remembered: None,
            unproven: BTreeMap::new(),
            limits,
        }
    }

    /// The chains that an earlier run has seen, and that are asked for.
    pub(super) fn remembered_chains(&self) -> impl Iterator<Item = (&ChainId, &Remembered)> {
        let chains = self.remembered.iter().flatten();
        chains
            .filter_map(|(chain, remembered)| Some((chain, remembered.as_ref()?)))
            .filter(move |(chain, _)| self.filters.takes(chain))
    }

    /// Where they are. What is gone from there altogether is missed too.
    pub(super) fn remembered_places(&self) -> impl Iterator<Item = AccountRegion> {
        self.remembered_chains()
            .map(|(chain, _)| chain.place().clone())
    }
}
