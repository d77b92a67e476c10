//! One account's region: its digests and logs are listed, its chains walked one after the other,
//! and what nothing named is left over.
//!
//! Digests are read ahead in parallel; the walk takes them in order, so that what it decides does
//! not depend on which was read first.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use jiff::Timestamp;

use super::digests::{Seen, read_digest};
use super::logs::{ChainLogs, LogBatch, Wanted};
use super::run::Shared;
use super::survey::Holdings;
use crate::event::Event;
use crate::source::ListedObject;
use crate::verify::chain::{ListedDigest, Sighting, Walk, WalkEvent, key_of};
use crate::verify::conclusion::Leftovers;
use crate::verify::digest::VerifiedDigest;
use crate::verify::finding::{Code, Finding, Subject};
use crate::verify::hashing::ContentReader;
use crate::verify::inventory::{Inventory, Naming};
use crate::verify::location::{
    AccountRegion, ChainId, DIGEST_FOLDER, DigestKey, LogKind, LogName, ObjectLocation, RootId,
    read_log_name,
};
use crate::verify::time::hour_before;

/// A verified digest whose logs are to be judged.
pub(super) struct Voucher {
    pub(super) digest: Arc<VerifiedDigest>,
    pub(super) root: RootId,
    pub(super) in_range: bool,
}

impl Voucher {
    /// What vouches for logs, if that is what happened.
    pub(super) fn of(event: WalkEvent) -> Option<Self> {
        match event {
            WalkEvent::Judged(..) | WalkEvent::Finding(_) => None,
            WalkEvent::Vouches {
                digest,
                root,
                in_range,
            } => Some(Self {
                digest: Arc::from(digest),
                root,
                in_range,
            }),
        }
    }
}

/// A folder's part that is to be listed; of logs where it has a kind, else of digests.
#[derive(Debug)]
struct Part {
    root: RootId,
    kind: Option<LogKind>,
    name: String,
}

/// What the path of a log of this account and region says of it.
#[derive(Clone, Copy)]
struct OwnLog {
    kind: LogKind,
    time: Option<Timestamp>,
    name: Option<LogName>,
}

/// One account's region.
#[derive(Debug)]
pub(super) struct Group {
    place: AccountRegion,
    /// The folder of each kind of log.
    folders: [(LogKind, String); 4],
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
            folders: LogKind::ALL.map(|kind| (kind, place.folder(kind.folder()))),
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
            Err(error) => {
                if kind.is_none() {
                    self.doubt_digests(shared);
                }
                shared.problem(&crate::source::Problem {
                    path: folder,
                    error,
                });
            }
        }
    }

    /// Takes note that digests may be there that no listing shows.
    fn doubt_digests(&self, shared: &Shared<'_>) {
        let place = self.place.clone();
        shared.tally().unlisted_digests.insert(place);
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
            // Digests of trails that were not asked for are read too: what they name is not out
            // of chain.
            if !bounds.reads_digest(key.end()) {
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
        if !problems.is_empty() {
            self.doubt_digests(shared);
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
        // Chains that were asked for come first, so that the logs that they share with others are
        // judged as theirs.
        let filters = &shared.job.filters;
        state.digests.sort_by(|a, b| {
            let (first, second) = (a.key.chain(), b.key.chain());
            (!filters.takes_chain(first), first, b.key.end(), a.root).cmp(&(
                !filters.takes_chain(second),
                second,
                a.key.end(),
                b.root,
            ))
        });
        let bounds = &shared.job.weights.bounds;
        let in_range = |digest: &&ListedDigest| {
            hour_before(digest.key.end()).is_some_and(|hour| bounds.overlaps(hour))
                && shared.job.filters.takes_chain(digest.key.chain())
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
        events: Vec<WalkEvent>,
    ) {
        let is_asked_for = state
            .walk
            .as_ref()
            .is_none_or(|(_, chain, _)| shared.job.filters.takes_chain(chain));
        for event in events {
            let voucher = if is_asked_for {
                shared.tell(logs.name(), event)
            } else {
                Voucher::of(event)
            };
            if let Some(voucher) = voucher
                && !shared.job.digests_only
            {
                let batch = self.claim_logs(shared, state, &voucher, logs);
                if is_asked_for {
                    shared.queue.push_logs(batch);
                }
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
        let bounds = shared.job.weights.bounds;
        let mut wanted = Vec::new();
        let mut kinds = BTreeSet::new();
        for (number, entry) in voucher.digest.logs().iter().enumerate() {
            let location = entry.location();
            let place = Self::root_of(shared, voucher, location);
            let (naming, time) = match &place {
                Some((root, path)) => {
                    let own = self.own_log(path);
                    kinds.extend(own.map(|own| own.kind));
                    let naming = if let Some(own) = own {
                        state
                            .inventories
                            .entry(*root)
                            .or_insert_with(|| Inventory::new(self.place.clone()))
                            .name(path, own.name, entry.hash())
                    } else {
                        shared.tally().named_from_afar.insert(path.as_str().into());
                        Naming::First
                    };
                    (naming, own.and_then(|own| own.time))
                }
                None => (Naming::First, None),
            };
            let is_asked_for = voucher.in_range || time.is_some_and(|time| bounds.contains(time));
            if naming == Naming::First && is_asked_for {
                wanted.push(Wanted {
                    entry: number,
                    place,
                });
            }
        }
        shared.tally().kinds_named.extend(kinds);
        LogBatch::new(Arc::clone(&voucher.digest), Arc::clone(logs), wanted)
    }

    /// What a log's path says of it, where it lies in this account and region.
    fn own_log(&self, path: &str) -> Option<OwnLog> {
        let (kind, rest) = self.folders.iter().find_map(|(kind, folder)| {
            let rest = path.strip_prefix(folder.as_str())?.strip_prefix('/')?;
            Some((*kind, rest))
        })?;
        let (time, name) = read_log_name(&self.place, kind, rest);
        Some(OwnLog { kind, time, name })
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
        if let Some((walk, chain, logs)) = state.walk.take()
            && shared.job.filters.takes_chain(&chain)
        {
            let (summary, events) = walk.finish();
            self.take_events(shared, state, &logs, events);
            shared.chain_done(summary, logs);
        }
    }

    /// Hands in what was found out so far, where the run was stopped.
    pub(super) fn interrupt(&self, shared: &Shared<'_>) {
        let mut state = self.state();
        if let Some((walk, chain, logs)) = state.walk.take()
            && shared.job.filters.takes_chain(&chain)
        {
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
