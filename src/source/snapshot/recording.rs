//! A source before which everything that is read is kept.

mod telling;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::super::folder::read_sidecar;
use super::copying::Copying;
use super::error::SnapshotError;
use super::head::{Contents, RecordedRoot, RecordedRun};
use super::index::{Folders, Line, Unlisted, Unread, Why};
use super::levels::{below, of_exports};
use super::store::Store;
use super::writing::Writing;
use crate::source::{Body, Facts, ListedObject, Metadata, Source, SourceError};
use crate::verify::location::{DigestKey, RootId};
use crate::verify::query::SIGN_FILE;
use crate::verify::time::Bounds;

/// What became of an object that a listing showed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It was read, or could not be.
    Taken,
    /// It is one of the range, and nothing has read it yet.
    Left,
    /// No run over the range takes note of it.
    Unwanted,
}

/// Stands before a source, and keeps what is read from it.
pub struct Recording<'a> {
    inner: &'a dyn Source,
    store: Arc<Store>,
    /// The range, and before it what the run looks for beside it.
    bounds: Bounds,
    roots: Mutex<HashMap<RootId, RecordedRoot>>,
    /// The roots that the journal tells of.
    told: Mutex<BTreeSet<RootId>>,
    /// The objects that listings showed.
    listed: Mutex<HashMap<u64, Fate>>,
    /// The folders that were listed.
    folders: Mutex<BTreeSet<(RootId, String)>>,
    /// Objects that were shown one folder at a time.
    shown: Mutex<Vec<(RootId, String)>>,
    /// The folders that have a sign file.
    signed: Mutex<BTreeSet<(RootId, String)>>,
    contents: Contents,
    /// Whether what is told is written down. A look ahead is not.
    begun: AtomicBool,
    /// How many objects listings showed that are whole already.
    held: AtomicU64,
}

impl std::fmt::Debug for Recording<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recording")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Recording<'a> {
    /// Keeps what is read from `inner` for the run that `store` was opened with.
    pub fn new(inner: &'a dyn Source, store: Arc<Store>) -> Self {
        let (contents, bounds) = {
            let head = store.head();
            let run = head.runs.last();
            let bounds = run.and_then(RecordedRun::looked_in).unwrap_or_default();
            (head.contents.clone(), bounds)
        };
        Self {
            inner,
            contents,
            shown: Mutex::default(),
            signed: Mutex::default(),
            store,
            bounds,
            roots: Mutex::default(),
            told: Mutex::default(),
            listed: Mutex::default(),
            folders: Mutex::default(),
            begun: AtomicBool::new(false),
            held: AtomicU64::new(0),
        }
    }

    /// From here on, what the source tells is kept.
    ///
    /// # Errors
    /// Where that cannot be written down.
    pub fn begin(&self) -> Result<(), SnapshotError> {
        self.store.begin_run()?;
        self.begun.store(true, Ordering::SeqCst);
        if !self.contents.is_logs() {
            // All query results lie in one root, whatever is found there.
            let only = RootId(0);
            let recorded = self.describe(only, Some("."));
            locked(&self.roots).insert(only, recorded);
        }
        Ok(())
    }

    /// How many objects of the range, of those that listings showed until now, are whole already.
    pub fn seen_held(&self) -> u64 {
        self.held.load(Ordering::Relaxed)
    }

    pub(super) fn contents(&self) -> &Contents {
        &self.contents
    }

    /// What the index calls a root.
    pub(super) fn name(&self, root: RootId) -> String {
        let mut roots = locked(&self.roots);
        let recorded = roots
            .entry(root)
            .or_insert_with(|| self.describe(root, None));
        recorded.name.clone()
    }

    fn describe(&self, root: RootId, named: Option<&str>) -> RecordedRoot {
        let (bucket, prefix) = self.inner.stated(root).unzip();
        let name = match (&bucket, &prefix) {
            (Some(bucket), Some(prefix)) if prefix.is_empty() => bucket.to_string(),
            (Some(bucket), Some(prefix)) => format!("{bucket}/{prefix}"),
            (_, _) => match named {
                None | Some(".") => "copy".to_owned(),
                Some(named) => format!("copy/{}", named.trim_start_matches("./")),
            },
        };
        RecordedRoot {
            name,
            bucket: bucket.map(|bucket| bucket.to_string()),
            prefix: prefix.map(|prefix| prefix.to_string()),
            own: named.is_some(),
        }
    }

    /// All roots: the source's own in its order, then those that chains led to.
    pub(super) fn roots_in_order(&self) -> Vec<RecordedRoot> {
        let roots = locked(&self.roots);
        let mut roots: Vec<_> = roots.iter().map(|(id, root)| (*id, root.clone())).collect();
        roots.sort_by(|(a, x), (b, y)| {
            let place = |id: &RootId, root: &RecordedRoot| (!root.own, root.own.then_some(*id));
            (place(a, x), &x.name).cmp(&(place(b, y), &y.name))
        });
        roots.into_iter().map(|(_, root)| root).collect()
    }

    fn note(&self, line: &Line) {
        if self.store.is_halted() || !self.begun.load(Ordering::SeqCst) {
            return;
        }
        if let Err(error) = self.store.note(line) {
            self.store.fail(error);
        }
    }

    /// Takes note of a root before the first object of it is copied: should this run not end, another one may
    /// never come there.
    fn tell_root(&self, root: RootId) {
        // What is read before the run begins is told by nobody.
        if self.begun.load(Ordering::SeqCst) && locked(&self.told).insert(root) {
            let recorded = locked(&self.roots).get(&root).cloned();
            if let Some(recorded) = recorded {
                self.note(&Line::Root(Box::new(recorded)));
            }
        }
    }

    fn unread(&self, name: &str, path: &str, listed: bool, why: Why) {
        self.note(&Line::Unread(Unread {
            root: name.to_owned(),
            path: path.to_owned(),
            listed,
            why,
            run: self.store.run(),
        }));
    }

    /// Takes note of the folders that lie in one.
    fn note_folders(&self, root: RootId, path: &str, names: Vec<String>, why: Option<Why>) {
        self.note(&Line::Folders(Folders {
            root: self.name(root),
            path: path.to_owned(),
            names,
            run: why.as_ref().map_or(0, |_| self.store.run()),
            why,
        }));
    }

    /// Takes note of a part of the source that could not be looked at.
    pub(super) fn unlisted(&self, root: Option<&str>, folder: &str, path: &str, why: &SourceError) {
        self.note(&Line::Unlisted(Unlisted {
            root: root.map(str::to_owned),
            folder: folder.to_owned(),
            path: path.to_owned(),
            why: Why::from(why),
            run: self.store.run(),
        }));
    }

    /// Takes note of an object that a folder shows.
    pub(super) fn shown(&self, root: RootId, name: &str, path: &str) {
        let hash = self.store.hash(name, path);
        locked(&self.listed).entry(hash).or_insert(Fate::Left);
        locked(&self.shown).push((root, path.to_owned()));
        self.note_sign_file(root, path);
    }

    fn note_sign_file(&self, root: RootId, path: &str) {
        if let Some(folder) = path.strip_suffix(SIGN_FILE) {
            let folder = folder.strip_suffix('/').unwrap_or(folder);
            locked(&self.signed).insert((root, folder.to_owned()));
        }
    }

    /// Takes note of an object that would have to be restored before it can be read.
    pub(super) fn archived(&self, name: &str, path: &str) {
        self.take(name, path);
        self.unread(name, path, true, Why::Unrestored);
    }

    /// Takes note that an object is read; tells whether a listing showed it.
    fn take(&self, name: &str, path: &str) -> bool {
        let mut listed = locked(&self.listed);
        match listed.get_mut(&self.store.hash(name, path)) {
            Some(fate) => {
                *fate = Fate::Taken;
                true
            }
            None => false,
        }
    }

    /// An object of the snapshot, where it is whole already, else of the source, copied as it is
    /// read.
    fn open(
        &self,
        root: RootId,
        path: &str,
        fetch: impl FnOnce() -> Result<(Body, Metadata), SourceError>,
    ) -> Result<(Body, Metadata), SourceError> {
        let name = self.name(root);
        let listed = self.take(&name, path);
        if self.store.holds(&name, path) {
            if let Some((file, sidecar)) = self.store.whole(&name, path) {
                let metadata = sidecar.map_or_else(|| Ok(Metadata::default()), read_sidecar)?;
                let body = Body {
                    reader: Box::new(file),
                    facts: Facts::default(),
                };
                return Ok((body, metadata));
            }
            // The line that says that it was copied is no longer true.
            self.unread(&name, path, listed, Why::Absent);
        }
        let (body, metadata) = match fetch() {
            Ok(fetched) => fetched,
            Err(error) => {
                self.unread(&name, path, listed, Why::from(&error));
                return Err(error);
            }
        };
        self.tell_root(root);
        let writing = Writing::begin(&self.store, &name, path, &body.facts)
            .map_err(|error| SourceError::Failed(self.store.fail(error).to_string().into()))?;
        let copying = Copying {
            body: body.reader,
            writing: Some(writing),
            store: Arc::clone(&self.store),
            root: name,
            path: path.to_owned(),
            listed,
        };
        let body = Body {
            reader: Box::new(copying),
            facts: body.facts,
        };
        Ok((body, metadata))
    }

    /// The objects that listings showed and that nothing has read: what is out of chain is
    /// evidence too.
    pub fn left_unread(&self) -> Vec<(RootId, String)> {
        let mut left = Vec::new();
        if !locked(&self.listed)
            .values()
            .any(|fate| *fate == Fate::Left)
        {
            return left;
        }
        for (root, folder) in locked(&self.folders).iter() {
            let name = self.name(*root);
            let mut visit = |object: ListedObject<'_>| {
                let path = below(folder, object.rest);
                let hash = self.store.hash(&name, &path);
                if locked(&self.listed).get(&hash) == Some(&Fate::Left) {
                    left.push((*root, path));
                }
            };
            // What could not be listed has been noted in the first listing.
            let _ = self.inner.list(*root, folder, &self.bounds, &mut visit);
        }
        for (root, path) in locked(&self.shown).iter() {
            let hash = self.store.hash(&self.name(*root), path);
            if locked(&self.listed).get(&hash) == Some(&Fate::Left) {
                left.push((*root, path.clone()));
            }
        }
        match self.contents {
            Contents::Logs => left,
            Contents::QueryResults(_) => of_exports(left, &locked(&self.signed)),
        }
    }

    /// Copies an object that nothing has read.
    pub fn copy(&self, (root, path): &(RootId, String)) {
        let digest = DigestKey::parse(path).is_some();
        let opened = if digest {
            self.digest(*root, path).map(|(body, _)| body)
        } else {
            self.log(*root, path)
        };
        // A failure has been noted.
        drop(opened);
    }

    /// What is kept.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }
}
