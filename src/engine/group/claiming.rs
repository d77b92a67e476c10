//! Which logs a verified digest vouches for, and which of them are to be judged.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::super::logs::{Beside, ChainLogs, LogBatch, Wanted};
use super::super::run::Shared;
use super::life::{Group, State};
use super::seams::{Borrowed, Entry};
use crate::verify::chain::{WalkEvent, key_of};
use crate::verify::conclusion::CopiedApart;
use crate::verify::digest::{LogEntry, VerifiedDigest};
use crate::verify::hashing::Sha256Hash;
use crate::verify::inventory::{Inventory, Naming};
use crate::verify::location::{
    ChainId, LogKind, LogName, LogPath, ObjectLocation, RootId, read_log_name,
};

/// A verified digest whose logs are to be judged.
pub(in super::super) struct Voucher {
    digest: Arc<VerifiedDigest>,
    root: RootId,
    in_range: bool,
}

impl Voucher {
    /// What vouches for logs, if that is what happened.
    pub(in super::super) fn of(event: WalkEvent) -> Option<Self> {
        match event {
            WalkEvent::Judged(..) | WalkEvent::Finding(_) => None,
            WalkEvent::Vouches {
                digest,
                root,
                in_range,
            } => Some(Self {
                digest,
                root,
                in_range,
            }),
        }
    }
}

/// Of a log that no inventory knows.
const UNLISTED: Naming = Naming::First {
    listed: false,
    archived: false,
};

/// What the path of a log of this account and region says of it.
#[derive(Clone, Copy)]
struct OwnLog {
    kind: LogKind,
    time: Option<Timestamp>,
    name: Option<LogName>,
}

/// Such a log, which a digest names.
#[derive(Clone, Copy)]
struct Log<'a> {
    own: &'a OwnLog,
    path: &'a str,
    /// The digest's chain, where there are several roots.
    chain: Option<&'a ChainId>,
    /// When it was delivered at the earliest.
    time: Timestamp,
    is_asked_for: bool,
}

/// The roots that a digest and a log which it names lie in.
#[derive(Clone, Copy)]
struct Between {
    digest: RootId,
    log: RootId,
}

impl State {
    /// Whether a digest is known to name a log of a root; nothing where no listing shows it there.
    fn known(&mut self, root: RootId, log: &OwnLog, path: &str) -> Option<bool> {
        let inventory = self.inventories.get_mut(&root)?;
        inventory.is_named(path, log.name)
    }
}

impl Group {
    /// The logs of a digest that no other digest has named before, of those that are asked for:
    /// none of a chain that nothing is told of.
    pub(super) fn claim_logs(
        &self,
        shared: &Shared<'_>,
        state: &mut State,
        voucher: &Voucher,
        (logs, silent): (&Arc<ChainLogs>, bool),
    ) -> LogBatch {
        let bounds = logs.bounds();
        let begins = state.seams.begins();
        let mut key = None;
        if self.holdings.len() > 1 {
            state.seams.state(voucher.root, &voucher.digest);
            key = key_of(voucher.digest.location());
        }
        let mut wanted = Vec::new();
        let mut kinds = BTreeSet::new();
        for (number, entry) in voucher.digest.logs().iter().enumerate() {
            let location = entry.location();
            let place = self.root_of(shared, state, voucher, location);
            let own = place.as_ref().and_then(|(_, path)| self.own_log(path));
            let time = own.and_then(|own| own.time);
            let is_in_range = voucher.in_range || time.is_some_and(|time| bounds.contains(time));
            let is_asked_for = is_in_range && !silent;
            let beside = time.and_then(|time| Beside::of(time, &bounds, begins));
            let mut want = |place, naming| {
                if let Naming::First { listed, archived } = naming
                    && is_asked_for
                {
                    wanted.push(Wanted {
                        entry: number,
                        place,
                        listed,
                        archived,
                        beside,
                    });
                }
            };
            match (place, own) {
                (Some((root, path)), Some(own)) => {
                    kinds.insert(own.kind);
                    let entry_of = || Entry {
                        digest: Arc::clone(&voucher.digest),
                        logs: Arc::clone(logs),
                        number,
                        beside,
                    };
                    let lend = |is_at_seam| Borrowed {
                        location: location.clone(),
                        name: own.name,
                        is_at_seam,
                        entry: is_asked_for.then(entry_of),
                    };
                    let log = Log {
                        own: &own,
                        path: &path,
                        chain: key.as_ref().map(|key| &**key.chain()),
                        // Where nothing tells, it may be as old as its digest.
                        time: time.unwrap_or(voucher.digest.window().start()),
                        is_asked_for,
                    };
                    let between = Between {
                        digest: voucher.root,
                        log: root,
                    };
                    for root in self.parts_with(shared, state, between, (log, &lend)) {
                        let hash = is_asked_for.then_some(entry.hash());
                        let naming = self.name(state, (root, &path), own.name, hash);
                        want(Some((root, path.clone())), naming);
                    }
                }
                (Some((root, path)), None) => {
                    let mut tally = shared.tally();
                    let named = tally.named_from_afar.entry(root).or_default();
                    named.insert(path.as_str().into());
                    drop(tally);
                    want(Some((root, path)), UNLISTED);
                }
                (None, _) => want(None, UNLISTED),
            }
        }
        shared.tally().kinds_named.extend(kinds);
        LogBatch::new(Arc::clone(&voucher.digest), Arc::clone(logs), wanted)
    }

    /// Marks a log of this account and region as named, with `hash` where it is asked for.
    fn name(
        &self,
        state: &mut State,
        (root, path): (RootId, &str),
        name: Option<LogName>,
        hash: Option<&Sha256Hash>,
    ) -> Naming {
        let inventory = state.inventories.entry(root);
        let inventory = inventory.or_insert_with(|| Inventory::new(self.place.clone()));
        let Some(hash) = hash else {
            inventory.mention(path, name);
            return UNLISTED;
        };
        inventory.name(path, name, hash)
    }

    /// The roots that a log is looked for in at once, which a digest names: its own, unless that is a part of a bucket
    /// which begins after the log's day, or after the log came, and other parts have it. What lies in others with
    /// digests is borrowed: theirs may name it, or be about another bucket.
    fn parts_with(
        &self,
        shared: &Shared<'_>,
        state: &mut State,
        between: Between,
        (log, lend): (Log<'_>, &dyn Fn(bool) -> Borrowed),
    ) -> Vec<RootId> {
        let Between {
            digest: by,
            log: root,
        } = between;
        if self.holdings.len() < 2 || shared.source.stated(root).is_some() {
            return vec![root];
        }
        let Log {
            own,
            path,
            chain,
            time,
            ..
        } = log;
        let is_its_own = by == root;
        let is_here = is_its_own && state.known(root, own, path).is_some();
        let is_elsewhere_only = is_its_own && !is_here;
        if is_its_own {
            state.seams.own(root, path, log.is_asked_for);
        }
        let is_apart = |root| self.has_logs_alone(root);
        let mut is_elsewhere = false;
        let mut with = Vec::new();
        for other in state.seams.beside(root, own.name) {
            let Some(is_named) = state.known(other, own, path) else {
                continue;
            };
            // It is read there all the same: what a digest names is not passed over.
            let may_hold =
                is_elsewhere_only && state.seams.may_hold_for((root, chain), other, time);
            is_elsewhere |= may_hold;
            if is_apart(other) || is_named || state.seams.is_full() {
                if !is_its_own && is_apart(other) && is_apart(root) {
                    note_apart(shared, other, by);
                }
                with.push(other);
            } else {
                state.seams.borrow((other, path), by, lend(may_hold));
            }
        }
        if !is_elsewhere {
            with.push(root);
        }
        with
    }

    /// Whether a root has logs, and no digests.
    fn has_logs_alone(&self, root: RootId) -> bool {
        self.holdings.get(&root).is_some_and(|it| !it.digests)
    }

    /// Has the logs read that are known in the end to be of one bucket with the digests that name them.
    pub(super) fn claim_borrowed(
        &self,
        shared: &Shared<'_>,
        state: &mut State,
        due: Vec<(RootId, Box<str>, Borrowed)>,
    ) {
        for (root, path, log) in due {
            let entry = log.entry.as_ref();
            let named = entry.and_then(|it| it.digest.logs().get(it.number));
            let hash = named.map(LogEntry::hash);
            let naming = self.name(state, (root, &path), log.name, hash);
            let Some(Entry {
                digest,
                logs,
                number,
                beside,
            }) = log.entry
            else {
                continue;
            };
            if let Naming::First { listed, archived } = naming {
                let wanted = Wanted {
                    entry: number,
                    place: Some((root, path.into())),
                    listed,
                    archived,
                    beside,
                };
                let batch = LogBatch::new(digest, logs, vec![wanted]);
                shared.queue.push_logs(batch);
            }
        }
    }

    /// What a log's path says of it, where it lies in this account and region.
    fn own_log(&self, path: &str) -> Option<OwnLog> {
        let usual = self.folders.iter().find_map(|(kind, folder)| {
            let rest = path.strip_prefix(folder.as_str())?.strip_prefix('/')?;
            Some((*kind, rest))
        });
        let Some((kind, rest)) = usual else {
            // A further folder may stand before the region's.
            let log = LogPath::parse(path).filter(|log| log.place == self.place)?;
            let LogPath {
                kind, time, name, ..
            } = log;
            return Some(OwnLog { kind, time, name });
        };
        let (time, name) = read_log_name(&self.place, kind, rest);
        Some(OwnLog { kind, time, name })
    }

    /// The root and path of an object that a digest names: beside the digest, unless it is named
    /// in another bucket or prefix.
    fn root_of(
        &self,
        shared: &Shared<'_>,
        state: &mut State,
        voucher: &Voucher,
        location: &ObjectLocation,
    ) -> Option<(RootId, String)> {
        let own = voucher.digest.location();
        let beside = location.bucket() == own.bucket();
        match (location.split(), own.split()) {
            (Some((prefix, path)), Some((own_prefix, _))) if beside && prefix == own_prefix => {
                let apart = self.copied_apart(shared, state, voucher.root, location);
                Some(apart.unwrap_or_else(|| (voucher.root, path.to_owned())))
            }
            (_, _) => shared.source.elsewhere(voucher.root, location),
        }
    }

    /// Where a log lies whose digest's root has no logs of its kind, if digests and logs were copied into
    /// folders of their own. A root that has digests too is a copy for itself, and stands in for
    /// no other.
    fn copied_apart(
        &self,
        shared: &Shared<'_>,
        state: &mut State,
        root: RootId,
        location: &ObjectLocation,
    ) -> Option<(RootId, String)> {
        let here = self.holdings.get(&root)?;
        let (_, path) = location.split()?;
        let own = self.own_log(path);
        let has_kind = own.map_or(!here.logs.is_empty(), |own| here.has_kind(own.kind));
        if has_kind || shared.source.stated(root).is_some() {
            return None;
        }
        if let Some(own) = own {
            // Whatever else lies beside: of copies that are whole there may be some too.
            let beside = state.seams.beside(root, own.name);
            let mut alone = beside.into_iter().filter(|it| self.has_logs_alone(*it));
            if let Some(other) = alone.find(|it| state.known(*it, &own, path).is_some()) {
                note_apart(shared, other, root);
                return Some((other, path.to_owned()));
            }
        }
        let (other, path) = shared.source.elsewhere(root, location)?;
        // What could not be looked into may hold it: reading it there tells why.
        if let Some(there) = self.holdings.get(&other)
            && (there.digests || there.logs.is_empty())
        {
            return None;
        }
        note_apart(shared, other, root);
        Some((other, path))
    }
}

/// Takes note that digests and the logs that they name were copied into folders of their own.
fn note_apart(shared: &Shared<'_>, logs: RootId, digests: RootId) {
    let apart = CopiedApart { logs, digests };
    shared.tally().copied_apart.insert(apart);
}
