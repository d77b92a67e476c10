//! The walk along the chains of an account's region.

use std::collections::BTreeSet;
use std::sync::{Arc, TryLockError};

use super::super::digests::{Seen, read_digest};
use super::super::held::Weight;
use super::super::logs::ChainLogs;
use super::super::run::Shared;
use super::super::survey::Holdings;
use super::claiming::Voucher;
use super::life::{Group, Part, State, Walking};
use super::line::Waiting;
use crate::verify::chain::{ListedDigest, Remembered, Sighting, Walk, WalkEvent, key_of};
use crate::verify::inventory::Inventory;
use crate::verify::location::{ChainId, LogKind, ObjectLocation, RootId};
use crate::verify::time::Bounds;

/// What is asked for of a chain that is told of, and what its walk has to lead back to.
pub(super) fn walked(shared: &Shared<'_>, chain: &ChainId) -> (Bounds, Option<Remembered>) {
    let bounds = shared.job.weights.bounds;
    let Some(remembered) = &shared.job.remembered else {
        return (bounds, None);
    };
    match remembered.get(chain) {
        // All that came since then is asked for, however late it came.
        Some(Some(known)) => (
            bounds.from_at_latest(known.key().end()),
            Some(known.clone()),
        ),
        Some(None) => (bounds, None),
        None => (bounds.from_the_beginning(), None),
    }
}

impl Group {
    /// Reads a digest, and walks on as far as what was read allows.
    pub(in super::super) fn digest(
        self: &Arc<Self>,
        shared: &Shared<'_>,
        number: usize,
        waiting: &Waiting,
    ) {
        let seen = if waiting.archived {
            Seen::archived()
        } else {
            Self::read(shared, &waiting.digest)
        };
        if shared.stop.is_stopped() {
            // It may not have been read because the run ends.
            return;
        }
        self.handed_in().push((number, seen));
        self.walk_on(shared);
    }

    /// Walks on with what was handed in. Where another worker does so already, this one does not
    /// wait for it: that one looks once more after it has let go, so nothing is left lying.
    fn walk_on(self: &Arc<Self>, shared: &Shared<'_>) {
        while !self.handed_in().is_empty() {
            let _walker = match self.walker.try_lock() {
                Ok(walker) => walker,
                Err(TryLockError::Poisoned(walker)) => walker.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            let mut state = self.state();
            let handed_in = std::mem::take(&mut *self.handed_in());
            for (number, seen) in handed_in {
                state.line.put(number, seen);
            }
            self.advance(shared, &mut state);
        }
    }

    fn read(shared: &Shared<'_>, at: &ListedDigest) -> Seen {
        let stated = shared.source.stated(at.root);
        let mut seen = read_digest(shared, at, stated.as_ref());
        shared.bytes.count(seen.read, seen.hashed);
        seen.weight = Some(shared.held.take(seen.hashed));
        seen
    }

    /// Walks on as far as what was read allows.
    pub(super) fn advance(self: &Arc<Self>, shared: &Shared<'_>, state: &mut State) {
        while !state.paused {
            let next = state.line.front().cloned();
            if !Self::is_walking(state, next.as_ref()) {
                if !self.look_for_demanded(shared, state, None) {
                    return;
                }
                self.end_walk(shared, state);
                match &next {
                    Some(next) => {
                        let chain = Arc::clone(next.digest.key.chain());
                        Self::begin_walk(shared, state, chain, next.silent);
                    }
                    // Nothing is left of a chain but what an earlier run saw of it.
                    None => match state.remembered.first().cloned() {
                        Some(chain) => Self::begin_walk(shared, state, chain, false),
                        None => return self.finish(shared, state),
                    },
                }
                continue;
            }
            let Some(next) = next else {
                return;
            };
            if !self.look_for_demanded(shared, state, Some(&next.digest)) {
                return;
            }
            let Some(seen) = state.line.pop() else {
                self.read_ahead(shared, state);
                return;
            };
            self.show(shared, state, &next.digest, seen);
            self.read_ahead(shared, state);
        }
    }

    /// Whether the chain that is walked is that of `next`.
    fn is_walking(state: &State, next: Option<&Waiting>) -> bool {
        let walking = state.walking.as_ref();
        walking.zip(next).is_some_and(|(walking, next)| {
            walking.chain == *next.digest.key.chain() && walking.silent == next.silent
        })
    }

    fn begin_walk(shared: &Shared<'_>, state: &mut State, chain: Arc<ChainId>, silent: bool) {
        let keys = shared.job.keys.of_region(chain.place().region()).ok();
        let (bounds, walked_to) = if silent {
            (shared.job.weights.bounds, None)
        } else {
            walked(shared, &chain)
        };
        state.remembered.remove(&chain);
        let name: Arc<str> = state.name_of(&chain).into();
        let walk = Walk::new(Arc::clone(&chain), bounds, keys);
        state.walking = Some(Walking {
            walk: walk.back_to(walked_to).called(&name),
            logs: Arc::new(ChainLogs::new(name, bounds)),
            chain,
            silent,
        });
    }

    fn end_walk(&self, shared: &Shared<'_>, state: &mut State) {
        let Some(walking) = state.walking.take() else {
            return;
        };
        state.chains_ahead.remove(&walking.chain);
        let (summary, events) = walking.walk.finish();
        self.take_events(shared, state, (&walking.logs, walking.silent), events, None);
        if walking.silent {
            shared.tally().pass_over(&summary);
            self.doubt(shared, summary.doubtful);
        } else {
            shared.chain_done(summary, walking.logs);
        }
    }

    /// Shows the walk a digest.
    fn show(
        self: &Arc<Self>,
        shared: &Shared<'_>,
        state: &mut State,
        at: &ListedDigest,
        seen: Seen,
    ) {
        let Some(walking) = &mut state.walking else {
            return;
        };
        if at.key.chain().is_backfill() || matches!(seen.sighting, Sighting::Unproven(..)) {
            // Keys may have been asked for on the way.
            let region = at.key.chain().place().region();
            walking
                .walk
                .use_keys(shared.job.keys.of_region(region).ok());
        }
        state.last = Some(at.clone());
        let chain = (Arc::clone(&walking.logs), walking.silent);
        let events = walking.walk.observe(at, seen.sighting);
        self.take_events(shared, state, (&chain.0, chain.1), events, seen.weight);
    }

    /// Looks for the digests that the walk demands and the line does not have. False where that
    /// has to wait for a listing.
    fn look_for_demanded(
        self: &Arc<Self>,
        shared: &Shared<'_>,
        state: &mut State,
        next: Option<&ListedDigest>,
    ) -> bool {
        loop {
            let Some(walking) = &mut state.walking else {
                return true;
            };
            let Some(location) = walking.walk.demands_before(next).cloned() else {
                return true;
            };
            let at = Self::find_digest(shared, state, &location);
            if let Some(at) = &at
                && self.follow(shared, state, at)
            {
                return false;
            }
            let seen = at.map(|at| (Self::read(shared, &at), at));
            if shared.stop.is_stopped() {
                return false;
            }
            match seen {
                Some((seen, at)) if !matches!(seen.sighting, Sighting::Absent) => {
                    self.show(shared, state, &at, seen);
                }
                Some(_) | None => {
                    let Some(walking) = &mut state.walking else {
                        return true;
                    };
                    let chain = (Arc::clone(&walking.logs), walking.silent);
                    let events = walking.walk.demanded_is_absent();
                    self.take_events(shared, state, (&chain.0, chain.1), events, None);
                }
            }
        }
    }

    /// Where a digest may lie that the line does not have.
    fn find_digest(
        shared: &Shared<'_>,
        state: &State,
        location: &ObjectLocation,
    ) -> Option<ListedDigest> {
        let key = key_of(location)?;
        let from = state.last.as_ref().map_or(RootId(0), |last| last.root);
        let (root, _) = shared.source.elsewhere(from, location)?;
        Some(ListedDigest { root, key })
    }

    /// A chain that leads to a place that nobody has looked at is followed there: whatever lies
    /// there of this account and region is listed, so that the older part of the chain is read
    /// ahead like the newer. False where the place is known.
    fn follow(self: &Arc<Self>, shared: &Shared<'_>, state: &mut State, at: &ListedDigest) -> bool {
        let is_known = self.holdings.contains_key(&at.root) || state.followed.contains(&at.root);
        let is_place = shared.source.stated(at.root).is_some();
        if is_known || !is_place || *at.key.chain().place() != self.place {
            return false;
        }
        state.followed.insert(at.root);
        // Logs that lie there may have been named before.
        let inventories = state.inventories.entry(at.root);
        inventories.or_insert_with(|| Inventory::new(self.place.clone()));
        state.paused = true;
        let mut logs = BTreeSet::from([LogKind::CloudTrail.into()]);
        for folder in self.holdings.values().flat_map(|it| &it.logs) {
            logs.insert(folder.kind().into());
            logs.insert(folder.clone());
        }
        let there = Holdings {
            digests: true,
            logs: logs.into_iter().collect(),
        };
        let root = at.root;
        let folders = there.folders(shared.job.digests_only);
        let parts = folders.map(|logs| Part { root, logs });
        self.push_parts(shared, parts.collect());
        true
    }

    /// Passes on what the walk tells, unless it is silent; what it vouches for is judged.
    fn take_events(
        &self,
        shared: &Shared<'_>,
        state: &mut State,
        (logs, silent): (&Arc<ChainLogs>, bool),
        events: Vec<WalkEvent>,
        weight: Option<Weight>,
    ) {
        let mut weight = weight;
        for event in events {
            let voucher = if silent {
                Voucher::of(event)
            } else {
                shared.tell(logs.name(), event)
            };
            if let Some(voucher) = voucher
                && !shared.job.digests_only
            {
                let batch = self.claim_logs(shared, state, &voucher, (logs, silent));
                if !silent {
                    shared.queue.push_logs(batch.weighing(weight.take()));
                }
            }
        }
    }
}
