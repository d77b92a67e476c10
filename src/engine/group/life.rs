//! A group from its opening to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::super::digests::Seen;
use super::super::logs::ChainLogs;
use super::super::run::Shared;
use super::super::survey::Holdings;
use super::line::{Line, Waiting};
use super::seams::Seams;
use super::walking::walked;
use crate::verify::chain::{ListedDigest, Walk};
use crate::verify::conclusion::{Doubt, Leftovers};
use crate::verify::coverage::Covered;
use crate::verify::inventory::{Inventory, Leftover};
use crate::verify::location::{AccountRegion, ChainId, LogFolder, LogKind, RootId};
use crate::verify::time::hour_before;

/// A folder that is to be listed: of digests, where it is none of logs.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) root: RootId,
    pub(super) logs: Option<LogFolder>,
}

/// One account's region.
#[derive(Debug)]
pub(in super::super) struct Group {
    pub(super) place: AccountRegion,
    /// The usual folder of each kind of log.
    pub(super) folders: [(LogKind, String); 4],
    pub(super) holdings: BTreeMap<RootId, Holdings>,
    parts: Mutex<Vec<Part>>,
    parts_left: AtomicUsize,
    state: Mutex<State>,
    /// What was read, by its number in the line, and the walk has not yet taken up.
    handed_in: Mutex<Vec<(usize, Seen)>>,
    /// Held by who takes it up.
    pub(super) walker: Mutex<()>,
}

/// A chain that is being walked.
#[derive(Debug)]
pub(super) struct Walking {
    pub(super) walk: Walk,
    pub(super) chain: Arc<ChainId>,
    pub(super) logs: Arc<ChainLogs>,
    /// Whether it is walked for the names of its logs only, and nothing is told of it.
    pub(super) silent: bool,
}

/// A trail's name, and whether its chain is one of backfill digests.
type Name = (String, bool);

fn name_in(chain: &ChainId) -> Name {
    (chain.trail().to_owned(), chain.is_backfill())
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) line: Line,
    pub(super) inventories: BTreeMap<RootId, Inventory>,
    pub(super) walking: Option<Walking>,
    /// The digest that was shown to a walk last.
    pub(super) last: Option<ListedDigest>,
    /// Digests that listings have shown and that have not yet joined the line.
    pub(super) listed: Vec<Waiting>,
    /// The roots that chains have led to, beyond those of the source.
    pub(super) followed: BTreeSet<RootId>,
    /// The chains that lie in the source, and whose walk has not ended.
    pub(super) chains_ahead: BTreeSet<Arc<ChainId>>,
    /// Where the roots are parts of one bucket.
    pub(super) seams: Seams,
    /// The chains of a name that are told of, and whether they are of the run: others lie beside its range.
    namesakes: BTreeMap<Name, BTreeMap<Arc<ChainId>, bool>>,
    /// The chains that an earlier run has seen, and whose walk has not begun.
    pub(super) remembered: BTreeSet<Arc<ChainId>>,
    /// Whether the walk waits for a listing.
    pub(super) paused: bool,
    finished: bool,
}

impl State {
    /// As findings call a chain. One of the run is told only from others of it: whatever lies beside the
    /// range, anybody may have put there.
    pub(super) fn name_of(&self, chain: &ChainId) -> String {
        let alike = self.namesakes.get(&name_in(chain));
        let is_of_run = alike.and_then(|alike| alike.get(chain)) == Some(&true);
        let others = alike.into_iter().flatten();
        let mut others = others.filter(|(other, _)| ***other != *chain);
        if others.any(|(_, other_is)| *other_is || !is_of_run) {
            chain.told_from_namesake()
        } else {
            chain.to_string()
        }
    }

    /// Takes note of the chains that are told of.
    fn note_chains(&mut self, shared: &Shared<'_>, listed: &[Waiting]) {
        let remembered = self.remembered.iter();
        let mut told: BTreeMap<_, _> = remembered.map(|chain| (chain, true)).collect();
        for waiting in listed.iter().filter(|waiting| !waiting.silent) {
            let key = &waiting.digest.key;
            let is_of_run = told.entry(key.chain()).or_default();
            let is_due = || {
                let (bounds, _) = walked(shared, key.chain());
                hour_before(key.end()).is_some_and(|hour| bounds.overlaps(hour))
            };
            *is_of_run = *is_of_run || is_due();
        }
        for (chain, is_of_run) in told {
            let alike = self.namesakes.entry(name_in(chain)).or_default();
            alike.insert(Arc::clone(chain), is_of_run);
        }
    }
}

impl Group {
    pub(in super::super) fn new(
        place: AccountRegion,
        holdings: BTreeMap<RootId, Holdings>,
    ) -> Self {
        Self {
            folders: LogKind::ALL.map(|kind| (kind, place.folder(kind.folder()))),
            place,
            holdings,
            parts: Mutex::default(),
            parts_left: AtomicUsize::new(0),
            state: Mutex::default(),
            handed_in: Mutex::default(),
            walker: Mutex::default(),
        }
    }

    /// Finds out what is to be listed.
    pub(in super::super) fn open(self: &Arc<Self>, shared: &Shared<'_>) {
        let mut parts = Vec::new();
        for (root, holdings) in &self.holdings {
            let folders = holdings.folders(shared.job.digests_only);
            parts.extend(folders.map(|logs| Part { root: *root, logs }));
            self.state()
                .inventories
                .insert(*root, Inventory::new(self.place.clone()));
        }
        if parts.is_empty() {
            self.listed(shared);
        } else {
            self.push_parts(shared, parts);
        }
    }

    /// Has folders listed. The walk goes on once all are.
    pub(super) fn push_parts(self: &Arc<Self>, shared: &Shared<'_>, more: Vec<Part>) {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        let first = parts.len();
        self.parts_left.store(more.len(), Ordering::Release);
        parts.extend(more);
        shared.queue.push_lists(self, first..parts.len());
    }

    /// Lists a part; whoever lists the last one lets the walk go on.
    pub(in super::super) fn list(self: &Arc<Self>, shared: &Shared<'_>, part: usize) {
        let part = {
            let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
            parts.get(part).cloned()
        };
        if let Some(part) = part {
            match part.logs {
                None => self.list_digests(shared, part.root),
                Some(folder) => self.list_logs(shared, part.root, &folder),
            }
        }
        if self.parts_left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.listed(shared);
        }
    }

    /// Everything asked for has been listed.
    fn listed(self: &Arc<Self>, shared: &Shared<'_>) {
        if shared.stop.is_stopped() {
            // A listing that ended early tells nothing of what is missing.
            return;
        }
        let mut state = self.state();
        for inventory in state.inventories.values_mut() {
            inventory.seal();
        }
        if self.holdings.len() > 1 {
            let State {
                seams, inventories, ..
            } = &mut *state;
            seams.know(inventories);
        }
        let mut listed = std::mem::take(&mut state.listed);
        if state.followed.is_empty() {
            let chains = listed.iter().map(|waiting| waiting.digest.key.chain());
            state.chains_ahead = chains.cloned().collect();
            let remembered = shared.job.remembered_chains();
            let here = remembered.filter(|(chain, _)| *chain.place() == self.place);
            state.remembered = here.map(|(chain, _)| Arc::new(chain.clone())).collect();
            shared.tally().digests_seen += state.remembered.len() as u64;
            state.note_chains(shared, &listed);
        }
        for Waiting { digest, .. } in &listed {
            state.seams.reach(digest.root, digest.key.end());
        }
        {
            let begins = state.seams.begins();
            let mut tally = shared.tally();
            tally.begins = tally.begins.into_iter().chain(begins).min();
        }
        if let Some((walking, last)) = state.walking.as_ref().zip(state.last.as_ref()) {
            // A chain leads on to what is older, whatever else lies there.
            listed.retain(|waiting| {
                let key = &waiting.digest.key;
                *key.chain() != walking.chain || key.end() < last.key.end()
            });
        }
        let bounds = &shared.job.weights.bounds;
        let is_due = |waiting: &&Waiting| {
            hour_before(waiting.digest.key.end()).is_some_and(|hour| bounds.overlaps(hour))
        };
        let of_others = listed.iter().filter(|it| it.silent).filter(is_due).count() as u64;
        shared.of_others.fetch_add(of_others, Ordering::Relaxed);
        if shared.job.digests_only {
            // They are read for the names of logs, and no log is looked at.
            listed.retain(|waiting| !waiting.silent);
        }
        // A backfill digest stands beside an hourly one, and is no sign that nothing is gone.
        let is_hourly = |waiting: &&Waiting| !waiting.digest.key.chain().is_backfill();
        let asked_for = listed.iter().filter(|it| !it.silent).filter(is_hourly);
        shared.tally().digests_seen += asked_for.filter(is_due).count() as u64;
        let State { line, walking, .. } = &mut *state;
        let current = walking
            .as_ref()
            .map(|walking| (&walking.chain, walking.silent));
        line.join(listed, current);
        state.paused = false;
        self.read_ahead(shared, &mut state);
        self.advance(shared, &mut state);
    }

    /// Has as many digests read as may be held.
    pub(super) fn read_ahead(self: &Arc<Self>, shared: &Shared<'_>, state: &mut State) {
        let limits = &shared.job.limits;
        // One at least, or the walk would not come on.
        while state.line.ahead() == 0 || shared.held.expected() < limits.digest_memory {
            let Some((number, waiting)) = state.line.ask(limits.read_ahead) else {
                return;
            };
            let asked = shared.held.ask();
            shared.queue.push_digest(self, number, (waiting, asked));
        }
    }

    /// Hands in what was found out so far, where the run was stopped.
    pub(in super::super) fn interrupt(&self, shared: &Shared<'_>) {
        let walking = self.state().walking.take();
        if let Some(walking) = walking.filter(|walking| !walking.silent) {
            let (summary, events) = walking.walk.interrupt();
            for event in events {
                // Logs are no longer judged.
                let _ = shared.tell(walking.logs.name(), event);
            }
            shared.chain_done(summary, walking.logs);
        }
    }

    /// What a chain's unverified digests leave in doubt counts, whether the chain is told of or
    /// not.
    pub(super) fn doubt(&self, shared: &Shared<'_>, time: Covered) {
        if time.ranges().is_empty() {
            return;
        }
        shared.tally().doubts.push(Doubt {
            place: self.place.clone(),
            time,
        });
    }

    pub(super) fn finish(&self, shared: &Shared<'_>, state: &mut State) {
        if std::mem::replace(&mut state.finished, true) {
            return;
        }
        let settled = state.seams.settle();
        self.claim_borrowed(shared, state, settled.due);
        let inventories = std::mem::take(&mut state.inventories);
        let parts = settled.next_parts;
        for (root, inventory) in &inventories {
            let others = || inventories.iter().filter(|(other, _)| *other != root);
            let holdings = self.holdings.get(root);
            let is_apart = holdings.is_some_and(|holdings| !holdings.digests);
            // What is named elsewhere is a copy that nobody looks at, and no accusation.
            let is_copy = |log: &Leftover| others().any(|(_, other)| other.names(log));
            let (copies, unnamed): (Vec<_>, Vec<_>) =
                inventory.leftovers().into_iter().partition(is_copy);
            for (is_copy, logs) in [(true, copies), (false, unnamed)] {
                if !logs.is_empty() {
                    shared.tally().leftovers.push(Leftovers {
                        place: self.place.clone(),
                        root: *root,
                        was_followed: state.followed.contains(root),
                        is_apart: is_apart && !is_copy,
                        is_copy,
                        next_parts: parts.get(root).cloned().unwrap_or_default(),
                        logs,
                    });
                }
            }
        }
        shared.queue.group_done();
    }

    pub(super) fn handed_in(&self) -> MutexGuard<'_, Vec<(usize, Seen)>> {
        // Each change is a single push, or takes all.
        let handed_in = self.handed_in.lock();
        handed_in.unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
