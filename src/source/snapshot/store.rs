//! Writing a snapshot: every file aside first, synced, then moved to its name.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, OpenOptions};
use sha2::{Digest as _, Sha256};

use super::super::folder::{is_absent, open_file, read_small};
use super::head::{Head, VERSION};
use super::index::{Copied, Line, Sidecar};
use super::layout::{HEAD, INDEX, JOURNAL, SIDECAR, WORK, encoded, file_of};
use crate::source::Facts;

/// A head is never larger: it names runs, roots and regions, not objects.
pub(super) const MAX_HEAD_LEN: u64 = 64 * 1024 * 1024;

/// Why a snapshot cannot be taken, or not be used.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A file of it could not be read or written.
    #[error("{0}: {1}")]
    File(String, #[source] io::Error),
    /// The folder holds something else.
    #[error(
        "the folder is not empty, and holds no snapshot; name one that is empty or not there yet"
    )]
    NotASnapshot,
    /// The folder holds a snapshot of something else.
    #[error("the folder holds another snapshot: {0}")]
    Another(String),
    /// Another process writes to it.
    #[error("another process is taking a snapshot into this folder")]
    InUse,
    /// Its head cannot be used.
    #[error("{HEAD} is damaged: {0}")]
    Damaged(String),
    /// The run that copied into it has not ended.
    #[error(
        "the snapshot is not finished: run the same `ct-verify snapshot` again, and it goes on where it ended"
    )]
    Unfinished,
    /// It is of a later form.
    #[error("the snapshot has version {0}, and this program knows {VERSION}: use a newer one")]
    TooNew(u32),
}

/// Adds the name of a file to what went wrong with it.
pub(super) fn at(file: &str) -> impl FnOnce(io::Error) -> SnapshotError {
    let file = file.to_owned();
    move |error| SnapshotError::File(file, error)
}

/// A snapshot that is being taken.
pub struct Store {
    pub(super) dir: Dir,
    journal: Mutex<File>,
    known: Mutex<Known>,
    hasher: RandomState,
    next: AtomicU64,
    copied: Arc<AtomicU64>,
    failed: AtomicBool,
    failure: Mutex<Option<SnapshotError>>,
    /// Has the run end, once nothing more can be written.
    halt: Box<dyn Fn() + Send + Sync>,
    is_halted: Box<dyn Fn() -> bool + Send + Sync>,
    pub(super) head: Mutex<Head>,
    _lock: std::fs::File,
}

/// What is whole already, by keyed hashes: a snapshot may hold millions of objects.
#[derive(Default)]
struct Known {
    /// The size of each object.
    whole: HashMap<u64, u64>,
    /// Which object has which file, whatever the case of its letters.
    files: HashMap<u64, u64>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    /// Begins a snapshot in the folder at `path`, or goes on with the one that is there.
    ///
    /// # Errors
    /// Where the folder holds anything else, or cannot be written to.
    pub fn open(
        path: &Path,
        new: &Head,
        halt: Box<dyn Fn() + Send + Sync>,
        is_halted: Box<dyn Fn() -> bool + Send + Sync>,
    ) -> Result<Self, SnapshotError> {
        let name = path.display().to_string();
        std::fs::create_dir_all(path).map_err(at(&name))?;
        let dir = Dir::open_ambient_dir(path, ambient_authority()).map_err(at(&name))?;
        let old = read_head(&dir)?;
        let is_empty = dir.entries().map_err(at(&name))?.next().is_none();
        if old.is_none() && !is_empty && !dir.exists(WORK) {
            return Err(SnapshotError::NotASnapshot);
        }
        if let Some(old) = &old {
            fits(old, new)?;
        }
        dir.create_dir_all(WORK).map_err(at(WORK))?;
        let lock = lock(&dir)?;
        let head = old.map_or_else(|| new.clone(), |old| resumed(old, new));
        let store = Self {
            journal: Mutex::new(open_journal(&dir)?),
            dir,
            known: Mutex::default(),
            hasher: RandomState::new(),
            next: AtomicU64::new(0),
            copied: Arc::default(),
            failed: AtomicBool::new(false),
            failure: Mutex::default(),
            halt,
            is_halted,
            head: Mutex::new(head),
            _lock: lock,
        };
        store.load()?;
        let head = store.head().clone();
        store.write_head(&head)?;
        Ok(store)
    }

    /// Counts the bytes that were copied, as it goes.
    pub fn progress(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.copied)
    }

    /// Bytes that can still be written to the folder's file system, where it tells.
    pub fn free_space(&self) -> Option<u64> {
        free_space(&self.dir)
    }

    /// Bytes of objects that are whole already.
    pub fn held(&self) -> u64 {
        self.known().whole.values().sum()
    }

    /// Why nothing more could be written, if that came to pass.
    pub fn take_failure(&self) -> Option<SnapshotError> {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.take()
    }

    pub(super) fn head(&self) -> MutexGuard<'_, Head> {
        self.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_halted(&self) -> bool {
        (self.is_halted)()
    }

    /// Nothing more can be written: the run ends, and nothing is told of the source for it.
    pub(super) fn fail(&self, error: SnapshotError) -> io::Error {
        let told = error.to_string();
        if !self.failed.swap(true, Ordering::SeqCst) {
            let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
            *failure = Some(error);
        }
        (self.halt)();
        io::Error::other(told)
    }

    pub(super) fn hash(&self, root: &str, path: &str) -> u64 {
        self.hasher.hash_one((root, path))
    }

    /// Takes note of what an earlier run copied whole.
    fn load(&self) -> Result<(), SnapshotError> {
        for name in [INDEX, JOURNAL] {
            each_line(&self.dir, name, &mut |line| {
                if let Line::Object(object) = line {
                    let file = file_name(&object);
                    let mut known = self.known();
                    let object_hash = self.hash(&object.root, &object.path);
                    known.whole.insert(object_hash, object.size);
                    known
                        .files
                        .insert(self.hash("", &file.to_lowercase()), object_hash);
                }
            })?;
        }
        Ok(())
    }

    /// The file of an object that is whole already, and that of its metadata.
    pub(super) fn whole(&self, root: &str, path: &str) -> Option<(File, String)> {
        let object = self.hash(root, path);
        let (size, file) = {
            let known = self.known();
            let size = *known.whole.get(&object)?;
            let plain = file_of(root, path);
            let owner = known.files.get(&self.hash("", &plain.to_lowercase()));
            let file = if owner == Some(&object) {
                plain
            } else {
                encoded(root, path)
            };
            (size, file)
        };
        let opened = open_file(&self.dir, &file).ok()?;
        let is_whole = opened.metadata().ok()?.len() == size;
        is_whole.then_some((opened, file))
    }

    /// A name that no other object has, whatever the case of its letters.
    fn claim_file(&self, root: &str, path: &str) -> String {
        let object = self.hash(root, path);
        let plain = file_of(root, path);
        let mut known = self.known();
        let owner = known
            .files
            .entry(self.hash("", &plain.to_lowercase()))
            .or_insert(object);
        if *owner == object {
            plain
        } else {
            encoded(root, path)
        }
    }

    /// Begins to write an object.
    pub(super) fn begin(
        self: &Arc<Self>,
        root: &str,
        path: &str,
        facts: &Facts,
    ) -> Result<Writing, SnapshotError> {
        let (name, file) = self.aside()?;
        Ok(Writing {
            store: Arc::clone(self),
            file: Some(file),
            name,
            hasher: Sha256::new(),
            object: Copied::new(root, path, facts),
        })
    }

    fn aside(&self) -> Result<(String, File), SnapshotError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let name = format!("{WORK}/part-{number}");
        let file = self.dir.create(&name).map_err(at(&name))?;
        Ok((name, file))
    }

    fn settle(&self, file: File, aside: &str, name: &str) -> Result<(), SnapshotError> {
        file.sync_all().map_err(at(name))?;
        drop(file);
        let moved = match self.dir.rename(aside, &self.dir, name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let folder = Path::new(name).parent().unwrap_or(Path::new(""));
                self.dir
                    .create_dir_all(folder)
                    .and_then(|()| self.dir.rename(aside, &self.dir, name))
            }
            moved => moved,
        };
        moved.map_err(at(name))
    }

    /// Writes a whole file in one step.
    pub(super) fn put(&self, name: &str, content: &[u8]) -> Result<(), SnapshotError> {
        let (aside, mut file) = self.aside()?;
        file.write_all(content).map_err(at(name))?;
        self.settle(file, &aside, name)
    }

    /// Writes a file that `write` fills in one step.
    pub(super) fn put_with(
        &self,
        name: &str,
        write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
    ) -> Result<(), SnapshotError> {
        let (aside, file) = self.aside()?;
        let mut out = io::BufWriter::new(file);
        write(&mut out).map_err(at(name))?;
        let file = out
            .into_inner()
            .map_err(|error| at(name)(error.into_error()))?;
        self.settle(file, &aside, name)
    }

    pub(super) fn write_head(&self, head: &Head) -> Result<(), SnapshotError> {
        let mut text = serde_json::to_vec_pretty(head).map_err(|error| at(HEAD)(error.into()))?;
        text.push(b'\n');
        self.put(HEAD, &text)
    }

    /// Adds a line to the index of this run.
    pub(super) fn note(&self, line: &Line) -> Result<(), SnapshotError> {
        let mut text = serde_json::to_vec(line).map_err(|error| at(JOURNAL)(error.into()))?;
        text.push(b'\n');
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.write_all(&text).map_err(at(JOURNAL))
    }
}

/// The file of an object that was copied.
pub(super) fn file_name(object: &Copied) -> String {
    let plain = || file_of(&object.root, &object.path);
    object.file.clone().unwrap_or_else(plain)
}

/// The head of the snapshot in a folder, if there is one.
pub(super) fn read_head(dir: &Dir) -> Result<Option<Head>, SnapshotError> {
    #[derive(serde::Deserialize)]
    struct Versioned {
        snapshot_version: u32,
    }
    let file = match open_file(dir, HEAD) {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(at(HEAD)(error)),
    };
    let text = read_small(file, MAX_HEAD_LEN).map_err(at(HEAD))?;
    let damaged = |error: serde_json::Error| SnapshotError::Damaged(error.to_string());
    let Versioned { snapshot_version } = serde_json::from_slice(&text).map_err(damaged)?;
    if snapshot_version > VERSION {
        return Err(SnapshotError::TooNew(snapshot_version));
    }
    serde_json::from_slice(&text).map_err(damaged).map(Some)
}

/// Whether a snapshot that is there can take in what is asked for now.
fn fits(old: &Head, new: &Head) -> Result<(), SnapshotError> {
    if old.source != new.source {
        return Err(SnapshotError::Another(format!(
            "it is one of {}, not of {}",
            old.source, new.source
        )));
    }
    if old.filters != new.filters {
        return Err(SnapshotError::Another(
            "it was narrowed to other accounts, regions or trails, or to digests only".to_owned(),
        ));
    }
    Ok(())
}

/// The head of a snapshot that a further run copies into.
fn resumed(old: Head, new: &Head) -> Head {
    let mut head = old;
    head.finished = false;
    head.tool.clone_from(&new.tool);
    head.keeps_versions |= new.keeps_versions;
    // A run that did not end is this one, begun again.
    head.runs.retain(|run| run.finished.is_some());
    head.runs.extend(new.runs.iter().cloned());
    head
}

fn lock(dir: &Dir) -> Result<std::fs::File, SnapshotError> {
    let name = format!("{WORK}/lock");
    let file = dir.create(&name).map_err(at(&name))?.into_std();
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(SnapshotError::InUse),
        Err(std::fs::TryLockError::Error(error)) => Err(at(&name)(error)),
    }
}

/// The journal, with what an earlier run copied whole, and nothing else of it: what could not be
/// read then is tried again.
fn open_journal(dir: &Dir) -> Result<File, SnapshotError> {
    let aside = format!("{WORK}/objects.jsonl.new");
    let mut out = io::BufWriter::new(dir.create(&aside).map_err(at(&aside))?);
    let mut failed = None;
    each_line(dir, JOURNAL, &mut |line| {
        if matches!(line, Line::Object(_)) && failed.is_none() {
            let written = serde_json::to_writer(&mut out, &line).map_err(io::Error::from);
            failed = written.and_then(|()| out.write_all(b"\n")).err();
        }
    })?;
    if let Some(error) = failed {
        return Err(at(&aside)(error));
    }
    let file = out
        .into_inner()
        .map_err(|error| at(&aside)(error.into_error()))?;
    file.sync_all().map_err(at(&aside))?;
    dir.rename(&aside, dir, JOURNAL).map_err(at(JOURNAL))?;
    let mut options = OpenOptions::new();
    options.append(true);
    dir.open_with(JOURNAL, &options).map_err(at(JOURNAL))
}

/// Shows every whole line of an index. A line that was cut off by a crash tells nothing.
pub(super) fn each_line(
    dir: &Dir,
    name: &str,
    visit: &mut dyn FnMut(Line),
) -> Result<(), SnapshotError> {
    let file = match open_file(dir, name) {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return Ok(()),
        Err(error) => return Err(at(name)(error)),
    };
    let mut reader = BufReader::with_capacity(128 * 1024, file);
    let mut line = Vec::new();
    loop {
        line.clear();
        // A key has at most 1,024 bytes, and metadata 2,048.
        let limit = 1024 * 1024;
        let read = reader
            .by_ref()
            .take(limit)
            .read_until(b'\n', &mut line)
            .map_err(at(name))?;
        if read == 0 {
            return Ok(());
        }
        if let Ok(line) = serde_json::from_slice(&line) {
            visit(line);
        }
    }
}

#[cfg(unix)]
fn free_space(dir: &Dir) -> Option<u64> {
    let told = rustix::fs::fstatvfs(dir).ok()?;
    told.f_bavail.checked_mul(told.f_frsize)
}

#[cfg(not(unix))]
fn free_space(_: &Dir) -> Option<u64> {
    None
}

/// An object that is being written.
pub(super) struct Writing {
    store: Arc<Store>,
    file: Option<File>,
    name: String,
    hasher: Sha256,
    object: Copied,
}

impl Writing {
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        file.write_all(bytes).map_err(at(&self.name))?;
        self.hasher.update(bytes);
        self.object.size += bytes.len() as u64;
        self.store
            .copied
            .fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// The object is whole: it gets its name, and its line in the index.
    pub(super) fn finish(mut self) -> Result<(), SnapshotError> {
        let Some(opened) = self.file.take() else {
            return Ok(());
        };
        let store = Arc::clone(&self.store);
        let mut object = self.object.clone();
        object.sha256 = hex::encode(std::mem::take(&mut self.hasher).finalize());
        let file = store.claim_file(&object.root, &object.path);
        object.file = (file == encoded(&object.root, &object.path)).then(|| file.clone());
        if !object.metadata.is_empty() {
            let name = format!("{file}{SIDECAR}");
            let mut sidecar = serde_json::to_vec_pretty(&object.head_object())
                .map_err(|error| at(&name)(error.into()))?;
            sidecar.push(b'\n');
            store.put(&name, &sidecar)?;
            object.sidecar = Some(Sidecar {
                size: sidecar.len() as u64,
                sha256: hex::encode(Sha256::digest(&sidecar)),
            });
        }
        store.settle(opened, &self.name, &file)?;
        let hash = store.hash(&object.root, &object.path);
        let size = object.size;
        store.note(&Line::Object(object))?;
        store.known().whole.insert(hash, size);
        Ok(())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // What is left of it is never taken for whole, and goes with the folder it lies in.
            let _ = self.store.dir.remove_file(&self.name);
        }
    }
}
