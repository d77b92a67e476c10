//! Listing the folders of an account's region.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::super::run::Shared;
use super::increments::Reaches;
use super::life::Group;
use super::line::Waiting;
use crate::event::Event;
use crate::source::ListedObject;
use crate::verify::chain::ListedDigest;
use crate::verify::finding::{Code, Finding, Subject};
use crate::verify::inventory::Inventory;
use crate::verify::location::{DIGEST_FOLDER, DigestKey, LogFolder, RootId};
use crate::verify::time::midnight;

impl Group {
    pub(super) fn list_digests(&self, shared: &Shared<'_>, root: RootId) {
        let bounds = &shared.job.weights.bounds;
        let folder = self.place.folder(DIGEST_FOLDER);
        let was_followed = self.state().followed.contains(&root);
        let mut digests: Vec<Waiting> = Vec::new();
        let mut strange = Vec::new();
        // Of what ended before the range nothing is read, and it shows that the root reaches back there.
        let mut oldest_before: Option<Timestamp> = None;
        let mut beside = BTreeSet::new();
        let mut reaches = Reaches::default();
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
            if self.holdings.len() > 1 && bounds.notes_digest(key.end()) {
                reaches.add(root, &key);
            }
            if !bounds.reads_digest(key.end()) {
                if !beside.contains(key.chain()) {
                    beside.insert(Arc::clone(key.chain()));
                }
                if bounds.start().is_some_and(|start| key.end() < start) {
                    let oldest = oldest_before.get_or_insert(key.end());
                    *oldest = (*oldest).min(key.end());
                }
                return;
            }
            let key = match digests.last() {
                Some(last) => key.sharing(last.digest.key.chain()),
                None => key,
            };
            digests.push(Waiting {
                // Digests of trails that were not asked for are read too: what they name is not
                // out of chain.
                silent: !shared.job.filters.takes_chain(key.chain()),
                archived: object.archived,
                digest: ListedDigest { root, key },
            });
        };
        let problems = shared.source.list(root, &folder, bounds, &mut visit);
        if shared.stop.is_stopped() {
            return;
        }
        for path in strange.into_iter().filter(|_| !was_followed) {
            let subject = Subject::Listed {
                root,
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
            // Digests may be there that no listing shows.
            let place = self.place.clone();
            shared.tally().unlisted_digests.insert(place);
        }
        for problem in problems {
            shared.problem(&problem, Some(root));
        }
        if !was_followed {
            shared.tally().beside.append(&mut beside);
        }
        let count = digests.len() as u64;
        shared.observer.observe(&Event::Listed {
            digests: count,
            logs: 0,
        });
        let mut state = self.state();
        if was_followed {
            let ahead = &state.chains_ahead;
            for waiting in &mut digests {
                // A chain that does not lead here is none of the source's.
                waiting.silent |= !ahead.contains(waiting.digest.key.chain());
            }
        }
        if let Some(end) = oldest_before {
            state.seams.reach(root, midnight(end));
        }
        state.seams.reaches.absorb(reaches);
        state.listed.append(&mut digests);
    }

    pub(super) fn list_logs(&self, shared: &Shared<'_>, root: RootId, folder: &LogFolder) {
        let bounds = &shared.job.weights.bounds;
        let path = self.place.folder(folder.path());
        let mut listed = Inventory::new(self.place.clone());
        let mut visit = |object: ListedObject<'_>| listed.add(folder, object.rest, object.archived);
        let problems = shared.source.list(root, &path, bounds, &mut visit);
        if shared.stop.is_stopped() {
            return;
        }
        for problem in problems {
            shared.problem(&problem, Some(root));
        }
        shared.observer.observe(&Event::Listed {
            digests: 0,
            logs: listed.len() as u64,
        });
        if let Some(inventory) = self.state().inventories.get_mut(&root) {
            inventory.absorb(listed);
        }
    }
}
