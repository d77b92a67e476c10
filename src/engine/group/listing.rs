//! Listing the folders of an account's region.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::super::job::{Filters, Job};
use super::super::run::Shared;
use super::increments::Reaches;
use super::life::Group;
use super::line::Waiting;
use crate::event::Event;
use crate::source::ListedObject;
use crate::verify::chain::ListedDigest;
use crate::verify::finding::{Code, Finding, Subject};
use crate::verify::inventory::Inventory;
use crate::verify::location::{ChainId, DIGEST_FOLDER, DigestKey, LogFolder, RootId};
use crate::verify::time::{Bounds, midnight};

/// What the listing of a folder of digests comes to.
struct Listed<'a> {
    root: RootId,
    bounds: &'a Bounds,
    filters: &'a Filters,
    /// Those that are read: in the range, or so near to it that they may name logs of it.
    waiting: Vec<Waiting>,
    /// Paths that no digest of CloudTrail's can have.
    strange: Vec<String>,
    /// The chains that have digests beside the range.
    beside: BTreeSet<Arc<ChainId>>,
    /// How far the chains reach here, where there are other roots too.
    reaches: Option<Reaches>,
    /// When the oldest one ended that ended before the range. Nothing is read of it, and it shows that the root
    /// reaches back there.
    oldest_before: Option<Timestamp>,
}

impl<'a> Listed<'a> {
    fn new(root: RootId, job: &'a Job, has_others: bool) -> Self {
        Self {
            root,
            bounds: &job.weights.bounds,
            filters: &job.filters,
            waiting: Vec::new(),
            strange: Vec::new(),
            beside: BTreeSet::new(),
            reaches: has_others.then(Reaches::default),
            oldest_before: None,
        }
    }

    /// Takes in an object of the folder.
    fn take(&mut self, path: String, archived: bool) {
        let Some(key) = DigestKey::parse(&path) else {
            self.strange.push(path);
            return;
        };
        if let Some(reaches) = &mut self.reaches
            && self.bounds.notes_digest(key.end())
        {
            reaches.add(self.root, &key);
        }
        if !self.bounds.reads_digest(key.end()) {
            self.pass(&key);
            return;
        }
        let key = match self.waiting.last() {
            Some(last) => key.sharing(last.digest.key.chain()),
            None => key,
        };
        self.waiting.push(Waiting {
            // Digests of trails that were not asked for are read too: what they name is not
            // out of chain.
            silent: !self.filters.takes_chain(key.chain()),
            archived,
            digest: ListedDigest {
                root: self.root,
                key,
            },
        });
    }

    /// Takes note of a digest beside the range.
    fn pass(&mut self, key: &DigestKey) {
        if !self.beside.contains(key.chain()) {
            self.beside.insert(Arc::clone(key.chain()));
        }
        if self.bounds.start().is_some_and(|start| key.end() < start) {
            let oldest = self.oldest_before.get_or_insert(key.end());
            *oldest = (*oldest).min(key.end());
        }
    }
}

impl Group {
    pub(super) fn list_digests(&self, shared: &Shared<'_>, root: RootId) {
        let folder = self.place.folder(DIGEST_FOLDER);
        let was_followed = self.state().followed.contains(&root);
        let mut listed = Listed::new(root, shared.job, self.holdings.len() > 1);
        let bounds = listed.bounds;
        let mut visit = |object: ListedObject<'_>| {
            // Folder markers and what else lies there are no digests.
            if object.rest.ends_with(".json.gz") {
                listed.take(format!("{folder}/{}", object.rest), object.archived);
            }
        };
        let problems = shared.source.list(root, &folder, bounds, &mut visit);
        if shared.stop.is_stopped() {
            return;
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
            self.tell_strange(shared, root, std::mem::take(&mut listed.strange));
            shared.tally().beside.append(&mut listed.beside);
        }
        let count = listed.waiting.len() as u64;
        shared.observer.observe(&Event::Listed {
            digests: count,
            logs: 0,
        });
        self.keep(listed, was_followed);
    }

    /// Tells of objects among digests that are none.
    fn tell_strange(&self, shared: &Shared<'_>, root: RootId, paths: Vec<String>) {
        for path in paths {
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
    }

    /// Keeps what was listed until the walk begins.
    fn keep(&self, mut listed: Listed<'_>, was_followed: bool) {
        let mut state = self.state();
        if was_followed {
            let ahead = &state.chains_ahead;
            for waiting in &mut listed.waiting {
                // A chain that does not lead here is none of the source's.
                waiting.silent |= !ahead.contains(waiting.digest.key.chain());
            }
        }
        if let Some(end) = listed.oldest_before {
            state.seams.reach(listed.root, midnight(end));
        }
        if let Some(reaches) = listed.reaches {
            state.seams.reaches.absorb(reaches);
        }
        state.listed.append(&mut listed.waiting);
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
