//! One account's region: its digests and logs are listed, its chains walked one after the other,
//! and what nothing named is left over.
//!
//! Digests are read ahead in parallel; the walk takes them in order, so that what it decides does
//! not depend on which was read first.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::digests::{Seen, read_digest};
use super::logs::{ChainLogs, LogBatch, Wanted};
use super::run::Shared;
use super::survey::Holdings;
use crate::event::Event;
use crate::source::ListedObject;
use crate::verify::chain::{ListedDigest, Sighting, Walk, key_of};
use crate::verify::conclusion::Leftovers;
use crate::verify::digest::VerifiedDigest;
use crate::verify::finding::{Code, Finding, Subject};
use crate::verify::hashing::ContentReader;
use crate::verify::inventory::{Inventory, Naming};
use crate::verify::location::{
    AccountRegion, ChainId, DIGEST_FOLDER, DigestKey, LogKind, LogPath, ObjectLocation, RootId,
};

/// A verified digest whose logs are to be judged.
pub(super) struct Voucher {
    pub(super) digest: Arc<VerifiedDigest>,
    pub(super) root: RootId,
    pub(super) in_range: bool,
}

/// A folder's part that is to be listed; of logs where it has a kind, else of digests.
#[derive(Debug)]
struct Part {
    root: RootId,
    kind: Option<LogKind>,
    name: String,
}

/// One account's region.
#[derive(Debug)]
pub(super) struct Group {
    place: AccountRegion,
    holdings: BTreeMap<RootId, Holdings>,
    parts: OnceLock<Vec<Part>>,
    parts_left: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// All digests in the order of the walk: by chain, then newest first.
    digests: Vec<ListedDigest>,
    inventories: BTreeMap<RootId, Inventory>,
    /// What was read ahead: the first belongs to the digest `walked`.
    seen: VecDeque<Option<Seen>>,
    walked: usize,
    walk: Option<(Walk, Arc<ChainId>, Arc<ChainLogs>)>,
}

impl Group {
    pub(super) fn new(place: AccountRegion, holdings: BTreeMap<RootId, Holdings>) -> Self {
        Self {
            place,
            holdings,
            parts: OnceLock::new(),
            parts_left: AtomicUsize::new(0),
            state: Mutex::default(),
        }
    }

    /// Finds out what is to be listed.
    pub(super) fn open(self: &Arc<Self>, shared: &Shared<'_>) {
        let mut parts = Vec::new();
        for (root, holdings) in &self.holdings {
            let digests = holdings.digests.then_some(None);
            let logs = holdings.kinds.iter().map(|kind| Some(*kind));
            let logs = logs.filter(|_| !shared.job.digests_only);
            for kind in digests.into_iter().chain(logs) {
                self.find_parts(shared, *root, kind, &mut parts);
            }
            let inventory = Inventory::new(self.place.clone());
            self.state().inventories.insert(*root, inventory);
        }
        let count = parts.len();
        self.parts_left.store(count, Ordering::Release);
        // A group is opened once.
        let _ = self.parts.set(parts);
        if count == 0 {
            self.begin_walk(shared);
        } else {
            shared.queue.push_lists(self, count);
        }
    }

    fn find_parts(
        &self,
        shared: &Shared<'_>,
        root: RootId,
        kind: Option<LogKind>,
        parts: &mut Vec<Part>,
    ) {
        let folder = self.place.folder(folder_of(kind));
        let bounds = &shared.job.weights.bounds;
        match shared.source.parts(root, &folder, bounds) {
            Ok(found) => parts.extend(found.into_iter().map(|name| Part { root, kind, name })),
            Err(error) => shared.problem(&crate::source::Problem {
                path: folder,
                error,
            }),
        }
    }

    /// Lists a part; whoever lists the last one begins the walk.
    pub(super) fn list(self: &Arc<Self>, shared: &Shared<'_>, part: usize) {
        if let Some(part) = self.parts.get().and_then(|parts| parts.get(part)) {
            match part.kind {
                None => self.list_digests(shared, part),
                Some(kind) => self.list_logs(shared, part, kind),
            }
        }
        if self.parts_left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.begin_walk(shared);
        }
    }

    fn list_digests(&self, shared: &Shared<'_>, part: &Part) {
        let bounds = &shared.job.weights.bounds;
        let folder = self.place.folder(DIGEST_FOLDER);
        let mut digests: Vec<ListedDigest> = Vec::new();
        let mut strange = Vec::new();
        let mut visit = |object: ListedObject<'_>| {
            // Folder markers and what else lies there are no digests.
            if !object.rest.ends_with(".json.gz") {
                return;
            }
            let path = format!("{folder}/{}", object.rest);
            let Some(key) = DigestKey::parse(&path) else {
                strange.push(path);
                return;
            };
            if !shared.job.filters.takes_chain(key.chain()) || !bounds.reads_digest(key.end()) {
                return;
            }
            let key = match digests.last() {
                Some(last) => key.sharing(last.key.chain()),
                None => key,
            };
            digests.push(ListedDigest {
                root: part.root,
                key,
            });
        };
        let problems = shared
            .source
            .list(part.root, &folder, &part.name, bounds, &mut visit);
        for path in strange {
            let subject = Subject::Listed {
                root: part.root,
                path: path.into(),
                time: None,
            };
            let name: Arc<str> = self.place.to_string().into();
            let finding = Finding::new(Code::DigestMalformed, subject)
                .in_chain(&name)
                .detail("no digest of CloudTrail's can have this key");
            shared.find(finding);
        }
        for problem in problems {
            shared.problem(&problem);
        }
        let count = digests.len() as u64;
        shared.observer.observe(&Event::Listed {
            digests: count,
            logs: 0,
        });
        self.state().digests.append(&mut digests);
    }

    fn list_logs(&self, shared: &Shared<'_>, part: &Part, kind: LogKind) {
        let bounds = &shared.job.weights.bounds;
        let folder = self.place.folder(kind.folder());
        let mut listed = Inventory::new(self.place.clone());
        let mut visit = |object: ListedObject<'_>| listed.add(kind, object.rest);
        let problems = shared
            .source
            .list(part.root, &folder, &part.name, bounds, &mut visit);
        for problem in problems {
            shared.problem(&problem);
        }
        shared.observer.observe(&Event::Listed {
            digests: 0,
            logs: listed.len() as u64,
        });
        if let Some(inventory) = self.state().inventories.get_mut(&part.root) {
            inventory.absorb(listed);
        }
    }

    fn begin_walk(self: &Arc<Self>, shared: &Shared<'_>) {
        let mut state = self.state();
        for inventory in state.inventories.values_mut() {
            inventory.seal();
        }
        state.digests.sort_by(|a, b| {
            (a.key.chain(), b.key.end(), a.root).cmp(&(b.key.chain(), a.key.end(), b.root))
        });
        let bounds = &shared.job.weights.bounds;
        let in_range = |digest: &&ListedDigest| {
            let end = digest.key.end();
            bounds.start().is_none_or(|start| end > start)
        };
        shared.tally().digests_seen += state.digests.iter().filter(in_range).count() as u64;
        let ahead = shared.job.limits.read_ahead.min(state.digests.len());
        state.seen.extend((0..ahead).map(|_| None));
        if ahead == 0 {
            self.finish(shared, &mut state);
            return;
        }
        drop(state);
        shared.queue.push_digests(self, 0..ahead);
    }

    /// Reads a digest, and walks on as far as what was read allows.
    pub(super) fn digest(
        self: &Arc<Self>,
        shared: &Shared<'_>,
        reader: &mut ContentReader,
        at: usize,
    ) {
        let Some(listed) = self.state().digests.get(at).cloned() else {
            return;
        };
        let seen = Self::read(shared, reader, &listed);
        let mut state = self.state();
        let slot = at - state.walked;
        if let Some(slot) = state.seen.get_mut(slot) {
            *slot = Some(seen);
        }
        while let Some(Some(_)) = state.seen.front() {
            let Some(Some(seen)) = state.seen.pop_front() else {
                break;
            };
            let Some(listed) = state.digests.get(state.walked).cloned() else {
                break;
            };
            self.step(shared, reader, &mut state, &listed, seen.sighting);
            state.walked += 1;
            let next = state.walked + state.seen.len();
            if next < state.digests.len() {
                state.seen.push_back(None);
                shared.queue.push_digests(self, next..next + 1);
            }
        }
        if state.walked == state.digests.len() {
            self.finish(shared, &mut state);
        }
    }

    fn read(shared: &Shared<'_>, reader: &mut ContentReader, at: &ListedDigest) -> Seen {
        let stated = shared.stated(at.root);
        let seen = read_digest(shared.source, reader, &shared.job.keys, at, stated);
        shared.bytes.count(seen.read, seen.hashed);
        seen
    }

    /// Shows the walk the next digest, after what it demands before.
    fn step(
        &self,
        shared: &Shared<'_>,
        reader: &mut ContentReader,
        state: &mut State,
        listed: &ListedDigest,
        sighting: Sighting,
    ) {
        let chain = listed.key.chain();
        if state
            .walk
            .as_ref()
            .is_none_or(|(_, known, _)| known != chain)
        {
            self.end_walk(shared, reader, state);
            let keys = Arc::clone(&shared.job.keys);
            let walk = Walk::new(Arc::clone(chain), shared.job.weights.bounds, keys);
            let logs = Arc::new(ChainLogs::new(chain.to_string().into()));
            state.walk = Some((walk, Arc::clone(chain), logs));
        }
        self.look_for_demanded(shared, reader, state, Some(listed));
        if let Some((walk, _, logs)) = &mut state.walk {
            let logs = Arc::clone(logs);
            let events = walk.observe(listed, sighting);
            self.take_events(shared, state, &logs, events);
        }
    }

    /// Looks for the digests that the walk demands and the listing does not have.
    fn look_for_demanded(
        &self,
        shared: &Shared<'_>,
        reader: &mut ContentReader,
        state: &mut State,
        next: Option<&ListedDigest>,
    ) {
        loop {
            let Some((walk, _, logs)) = &mut state.walk else {
                return;
            };
            let logs = Arc::clone(logs);
            let Some(location) = walk.demands_before(next).cloned() else {
                return;
            };
            let found = Self::find_digest(shared, state, &location);
            let found = found.map(|at| {
                let seen = Self::read(shared, reader, &at);
                (at, seen.sighting)
            });
            let Some((walk, _, _)) = &mut state.walk else {
                return;
            };
            let events = match found {
                None | Some((_, Sighting::Absent)) => walk.demanded_is_absent(),
                Some((at, sighting)) => walk.observe(&at, sighting),
            };
            self.take_events(shared, state, &logs, events);
        }
    }

    /// Where a digest may lie that the listing does not have.
    fn find_digest(
        shared: &Shared<'_>,
        state: &State,
        location: &ObjectLocation,
    ) -> Option<ListedDigest> {
        let key = key_of(location)?;
        let before = state.walked.checked_sub(1);
        let from = before
            .and_then(|at| state.digests.get(at))
            .map_or(RootId(0), |digest| digest.root);
        let (root, _) = shared.source.elsewhere(from, location)?;
        Some(ListedDigest { root, key })
    }

    fn take_events(
        &self,
        shared: &Shared<'_>,
        state: &mut State,
        logs: &Arc<ChainLogs>,
        events: Vec<crate::verify::chain::WalkEvent>,
    ) {
        for event in events {
            if let Some(voucher) = shared.tell(logs.name(), event)
                && !shared.job.digests_only
            {
                let batch = self.claim_logs(shared, state, &voucher, logs);
                shared.queue.push_logs(batch);
            }
        }
    }

    /// The logs of a digest that no other digest has named before.
    fn claim_logs(
        &self,
        shared: &Shared<'_>,
        state: &mut State,
        voucher: &Voucher,
        logs: &Arc<ChainLogs>,
    ) -> LogBatch {
        let mut wanted = Vec::new();
        for (number, entry) in voucher.digest.logs().iter().enumerate() {
            let location = entry.location();
            let parsed = location.split().and_then(|(_, path)| LogPath::parse(path));
            if let Some(log) = &parsed {
                shared.tally().kinds_named.insert(log.kind);
            }
            let is_asked_for = voucher.in_range
                || parsed
                    .as_ref()
                    .and_then(|log| log.time)
                    .is_some_and(|time| shared.job.weights.bounds.contains(time));
            let place = Self::root_of(shared, voucher, location);
            let naming = match (&parsed, &place) {
                (Some(log), Some((root, path))) if log.place == self.place => state
                    .inventories
                    .entry(*root)
                    .or_insert_with(|| Inventory::new(self.place.clone()))
                    .name(path, log, entry.hash()),
                (_, Some((_, path))) => {
                    shared.tally().named_from_afar.insert(path.as_str().into());
                    Naming::First
                }
                (_, None) => Naming::First,
            };
            if naming == Naming::First && is_asked_for {
                wanted.push(Wanted {
                    entry: number,
                    place,
                });
            }
        }
        LogBatch::new(Arc::clone(&voucher.digest), Arc::clone(logs), wanted)
    }

    /// The root and path of an object that a digest names: beside the digest, unless it is named
    /// in another bucket or prefix.
    fn root_of(
        shared: &Shared<'_>,
        voucher: &Voucher,
        location: &ObjectLocation,
    ) -> Option<(RootId, String)> {
        let own = voucher.digest.location();
        let beside = location.bucket() == own.bucket();
        match (location.split(), own.split()) {
            (Some((prefix, path)), Some((own_prefix, _))) if beside && prefix == own_prefix => {
                Some((voucher.root, path.to_owned()))
            }
            (_, _) => shared.source.elsewhere(voucher.root, location),
        }
    }

    fn end_walk(&self, shared: &Shared<'_>, reader: &mut ContentReader, state: &mut State) {
        self.look_for_demanded(shared, reader, state, None);
        if let Some((walk, _, logs)) = state.walk.take() {
            let (summary, events) = walk.finish();
            self.take_events(shared, state, &logs, events);
            shared.chain_done(summary, logs);
        }
    }

    /// Hands in what was found out so far, where the run was stopped.
    pub(super) fn interrupt(&self, shared: &Shared<'_>) {
        let mut state = self.state();
        if let Some((walk, _, logs)) = state.walk.take() {
            let (summary, events) = walk.interrupt();
            for event in events {
                // Logs are no longer judged.
                let _ = shared.tell(logs.name(), event);
            }
            shared.chain_done(summary, logs);
        }
    }

    fn finish(&self, shared: &Shared<'_>, state: &mut State) {
        self.end_walk(shared, &mut ContentReader::default(), state);
        for (root, inventory) in std::mem::take(&mut state.inventories) {
            let logs = inventory.into_leftovers();
            if !logs.is_empty() {
                shared.tally().leftovers.push(Leftovers {
                    place: self.place.clone(),
                    root,
                    logs,
                });
            }
        }
        shared.queue.group_done();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn folder_of(kind: Option<LogKind>) -> &'static str {
    kind.map_or(DIGEST_FOLDER, LogKind::folder)
}
