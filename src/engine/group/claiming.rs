//! Which logs a verified digest vouches for, and which of them are to be judged.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::super::logs::{Beside, ChainLogs, LogBatch, Wanted};
use super::super::run::Shared;
use super::life::{Group, State};
use crate::verify::chain::WalkEvent;
use crate::verify::digest::VerifiedDigest;
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
        let mut wanted = Vec::new();
        let mut kinds = BTreeSet::new();
        for (number, entry) in voucher.digest.logs().iter().enumerate() {
            let location = entry.location();
            let place = self.root_of(shared, voucher, location);
            let mut naming = Naming::First {
                listed: false,
                archived: false,
            };
            let own = place.as_ref().and_then(|(_, path)| self.own_log(path));
            let time = own.and_then(|own| own.time);
            let is_in_range = voucher.in_range || time.is_some_and(|time| bounds.contains(time));
            let is_asked_for = is_in_range && !silent;
            if let Some((root, path)) = &place {
                if let Some(own) = own {
                    kinds.insert(own.kind);
                    let inventory = state
                        .inventories
                        .entry(*root)
                        .or_insert_with(|| Inventory::new(self.place.clone()));
                    if is_asked_for {
                        naming = inventory.name(path, own.name, entry.hash());
                    } else {
                        inventory.mention(path, own.name);
                    }
                } else {
                    let mut tally = shared.tally();
                    let named = tally.named_from_afar.entry(*root).or_default();
                    named.insert(path.as_str().into());
                }
            }
            if let Naming::First { listed, archived } = naming
                && is_asked_for
            {
                wanted.push(Wanted {
                    entry: number,
                    place,
                    listed,
                    archived,
                    beside: time.and_then(|time| Beside::of(time, &bounds, state.first_day)),
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
        let there = self.holdings.get(&other)?;
        if there.digests || there.kinds.is_empty() {
            return None;
        }
        shared.tally().copied_apart.insert((other, root));
        Some((other, path))
    }
}
