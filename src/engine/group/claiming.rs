//! Which logs a verified digest vouches for, and which of them are to be judged.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::super::logs::{Beside, ChainLogs, LogBatch, Wanted};
use super::super::run::Shared;
use super::life::{Group, State};
use crate::verify::chain::WalkEvent;
use crate::verify::digest::VerifiedDigest;
use crate::verify::hashing::Sha256Hash;
use crate::verify::inventory::{Inventory, Naming};
use crate::verify::location::{LogKind, LogName, ObjectLocation, RootId, read_log_name};

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
        let first_day = state.seams.first_day();
        if self.holdings.len() > 1 {
            state.seams.state(voucher.root, &voucher.digest);
        }
        let mut wanted = Vec::new();
        let mut kinds = BTreeSet::new();
        for (number, entry) in voucher.digest.logs().iter().enumerate() {
            let location = entry.location();
            let place = self.root_of(shared, voucher, location);
            let own = place.as_ref().and_then(|(_, path)| self.own_log(path));
            let time = own.and_then(|own| own.time);
            let is_in_range = voucher.in_range || time.is_some_and(|time| bounds.contains(time));
            let is_asked_for = is_in_range && !silent;
            let mut want = |place, naming| {
                if let Naming::First { listed, archived } = naming
                    && is_asked_for
                {
                    wanted.push(Wanted {
                        entry: number,
                        place,
                        listed,
                        archived,
                        beside: time.and_then(|time| Beside::of(time, &bounds, first_day)),
                    });
                }
            };
            match (place, own) {
                (Some((root, path)), Some(own)) => {
                    kinds.insert(own.kind);
                    for root in self.parts_with(shared, state, (voucher.root, root), own) {
                        let hash = is_asked_for.then_some(entry.hash());
                        let naming = self.name(state, (root, &path), own, hash);
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
        own: OwnLog,
        hash: Option<&Sha256Hash>,
    ) -> Naming {
        let inventory = state.inventories.entry(root);
        let inventory = inventory.or_insert_with(|| Inventory::new(self.place.clone()));
        let Some(hash) = hash else {
            inventory.mention(path, own.name);
            return UNLISTED;
        };
        inventory.name(path, own.name, hash)
    }

    /// The roots that a log is looked for in, which a digest in `by` names: its own, `root`, unless that is a
    /// part of a bucket which begins after the log's day, and other parts have it.
    fn parts_with(
        &self,
        shared: &Shared<'_>,
        state: &mut State,
        (by, root): (RootId, RootId),
        own: OwnLog,
    ) -> Vec<RootId> {
        let Some((name, time)) = own.name.zip(own.time).filter(|_| by == root) else {
            return vec![root];
        };
        state.seams.own(root, name);
        let is_alone = self.holdings.len() < 2 || shared.source.stated(root).is_some();
        if is_alone || !state.seams.is_before(root, time) {
            return vec![root];
        }
        let parts = self.holdings.iter();
        let parts = parts.filter(|(other, its)| **other != root && its.digests);
        let mut with = Vec::new();
        for part in parts.map(|(part, _)| *part) {
            let inventory = state.inventories.get_mut(&part);
            let is_named = inventory.and_then(|inventory| inventory.is_named(name));
            if let Some(is_named) = is_named.filter(|_| state.seams.may_hold(part, time)) {
                if !is_named {
                    state.seams.borrow((part, name), root);
                }
                with.push(part);
            }
        }
        let here = state.inventories.get_mut(&root);
        if with.is_empty() || here.is_some_and(|here| here.is_named(name).is_some()) {
            with.push(root);
        }
        with
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
        &self,
        shared: &Shared<'_>,
        voucher: &Voucher,
        location: &ObjectLocation,
    ) -> Option<(RootId, String)> {
        let own = voucher.digest.location();
        let beside = location.bucket() == own.bucket();
        match (location.split(), own.split()) {
            (Some((prefix, path)), Some((own_prefix, _))) if beside && prefix == own_prefix => {
                let apart = self.copied_apart(shared, voucher.root, location);
                Some(apart.unwrap_or_else(|| (voucher.root, path.to_owned())))
            }
            (_, _) => shared.source.elsewhere(voucher.root, location),
        }
    }

    /// Where a log lies whose digest's root has no logs, if digests and logs were copied into
    /// folders of their own. A root that has digests too is a copy for itself, and stands in for
    /// no other.
    fn copied_apart(
        &self,
        shared: &Shared<'_>,
        root: RootId,
        location: &ObjectLocation,
    ) -> Option<(RootId, String)> {
        let here = self.holdings.get(&root)?;
        if !here.kinds.is_empty() || shared.source.stated(root).is_some() {
            return None;
        }
        let (other, path) = shared.source.elsewhere(root, location)?;
        // What could not be looked into may hold it: reading it there tells why.
        if let Some(there) = self.holdings.get(&other)
            && (there.digests || there.kinds.is_empty())
        {
            return None;
        }
        shared.tally().copied_apart.insert((other, root));
        Some((other, path))
    }
}
