//! Writing a snapshot: every file aside first, then moved to its name.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cap_std::fs::{Dir, File};
use sha2::{Digest as _, Sha256};

use super::super::folder::{is_absent, open_file};
use super::error::{SnapshotError, at};
use super::head::Head;
use super::index::{Copied, Line};
use super::layout::{HEAD, JOURNAL, SIDECAR, WORK, encoded, file_of};

/// How a run ends before its end.
pub struct Brakes {
    /// Has the run end, once nothing more can be written.
    pub halt: Box<dyn Fn() + Send + Sync>,
    /// Whether it was asked to.
    pub is_halted: Box<dyn Fn() -> bool + Send + Sync>,
}

impl fmt::Debug for Brakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Brakes").finish_non_exhaustive()
    }
}

/// A snapshot that is being taken.
pub struct Store {
    pub(super) dir: Dir,
    journal: Mutex<File>,
    known: Mutex<Known>,
    hasher: RandomState,
    next: AtomicU64,
    pub(super) copied: Arc<AtomicU64>,
    failed: AtomicBool,
    failure: Mutex<Option<SnapshotError>>,
    brakes: Brakes,
    run: u32,
    pub(super) head: Mutex<Head>,
    lock: std::fs::File,
}

/// So much of a SHA-256 tells whether a file is still the one that was copied.
type Print = [u8; 16];

/// What is whole already, by keyed hashes: a snapshot may hold millions of objects.
#[derive(Default)]
struct Known {
    /// What each object is.
    whole: HashMap<u64, Print>,
    /// What its metadata file is, where it has one.
    sidecars: HashMap<u64, Print>,
    /// Which object has which file, whatever the case of its letters.
    files: HashMap<u64, u64>,
    /// What was copied by runs before this one.
    before: HashSet<u64>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    pub(super) fn new(
        dir: Dir,
        journal: Mutex<File>,
        head: Head,
        brakes: Brakes,
        lock: std::fs::File,
    ) -> Self {
        Self {
            dir,
            journal,
            known: Mutex::default(),
            hasher: RandomState::new(),
            next: AtomicU64::new(0),
            copied: Arc::default(),
            failed: AtomicBool::new(false),
            failure: Mutex::default(),
            brakes,
            run: head.last_run(),
            head: Mutex::new(head),
            lock,
        }
    }

    /// Counts the bytes that were copied, as it goes.
    pub fn progress(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.copied)
    }

    /// Bytes that can still be written to the folder's file system, where it tells.
    pub fn free_space(&self) -> Option<u64> {
        free_space(&self.dir)
    }

    /// Whether an object was copied whole, as far as is known without reading it.
    pub(super) fn holds(&self, root: &str, path: &str) -> bool {
        self.known().whole.contains_key(&self.hash(root, path))
    }

    /// Takes note of an object that is whole, and has that file.
    pub(super) fn hold(&self, object: &Copied, file: &str) {
        let hash = self.hash(&object.root, &object.path);
        let file = self.hash("", &file.to_lowercase());
        let mut known = self.known();
        known.whole.insert(hash, print(&object.sha256));
        known.files.insert(file, hash);
        match &object.sidecar {
            Some(sidecar) => known.sidecars.insert(hash, print(&sidecar.sha256)),
            None => known.sidecars.remove(&hash),
        };
    }

    /// Whether a file is that of an object that is whole, or of its metadata.
    pub(super) fn is_of_an_object(&self, file: &str) -> bool {
        let known = self.known();
        let owner = |name: &str| known.files.get(&self.hash("", &name.to_lowercase()));
        match file.strip_suffix(SIDECAR) {
            Some(its) => owner(its).is_some_and(|object| known.sidecars.contains_key(object)),
            None => owner(file).is_some_and(|object| known.whole.contains_key(object)),
        }
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

    /// The number of the run that copies into it.
    pub(super) fn run(&self) -> u32 {
        self.run
    }

    pub(super) fn is_halted(&self) -> bool {
        (self.brakes.is_halted)()
    }

    /// Nothing more can be written: the run ends, and nothing is told of the source for it.
    pub(super) fn fail(&self, error: SnapshotError) -> io::Error {
        let told = error.to_string();
        if !self.failed.swap(true, Ordering::SeqCst) {
            let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
            *failure = Some(error);
        }
        (self.brakes.halt)();
        io::Error::other(told)
    }

    pub(super) fn hash(&self, root: &str, path: &str) -> u64 {
        self.hasher.hash_one((root, path))
    }

    /// The file of an object that is whole already, and that of its metadata, if it has one. One
    /// that is not what was copied is forgotten, and goes.
    pub(super) fn whole(&self, root: &str, path: &str) -> Option<(File, Option<File>)> {
        let object = self.hash(root, path);
        let (content, metadata) = {
            let known = self.known();
            let content = *known.whole.get(&object)?;
            (content, known.sidecars.get(&object).copied())
        };
        let file = self.claim_file(root, path);
        let sidecar = format!("{file}{SIDECAR}");
        let found = self.that_is(&file, content).and_then(|opened| {
            let metadata = metadata.map(|print| self.that_is(&sidecar, print));
            match metadata {
                None => Some((opened, None)),
                Some(metadata) => metadata.map(|metadata| (opened, Some(metadata))),
            }
        });
        if found.is_none() {
            self.forget(root, path);
        }
        found
    }

    /// Forgets what was copied of an object: it is read anew, and where that fails, nothing may seem
    /// to be there.
    pub(super) fn forget(&self, root: &str, path: &str) {
        let object = self.hash(root, path);
        {
            let mut known = self.known();
            known.whole.remove(&object);
            known.before.remove(&object);
        }
        let file = self.claim_file(root, path);
        for name in [&file, &format!("{file}{SIDECAR}")] {
            let _ = self.dir.remove_file(name);
        }
    }

    /// Takes note that all that is whole by now was copied before.
    pub(super) fn settle_before(&self) {
        let mut known = self.known();
        known.before = known.whole.keys().copied().collect();
    }

    /// Whether an object was copied by a run before this one: whatever lies in its place now, that
    /// is evidence.
    pub(super) fn held_before(&self, root: &str, path: &str) -> bool {
        let object = self.hash(root, path);
        let known = self.known();
        known.before.contains(&object) && known.whole.contains_key(&object)
    }

    /// A file, where it has that content.
    fn that_is(&self, name: &str, content: Print) -> Option<File> {
        let mut file = open_file(&self.dir, name).ok()?;
        let actual = sha256(&mut file).ok()?;
        file.rewind().ok()?;
        (print(&actual) == content).then_some(file)
    }

    /// A name that no other object has, whatever the case of its letters.
    pub(super) fn claim_file(&self, root: &str, path: &str) -> String {
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

    pub(super) fn aside(&self) -> Result<(String, File), SnapshotError> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let name = format!("{WORK}/part-{number}");
        let file = self.dir.create(&name).map_err(at(&name))?;
        Ok((name, file))
    }

    /// Gives a file its name. Where the system can write everything down at once in the end, that
    /// is awaited then: until the snapshot is finished, the hash tells what was not.
    pub(super) fn settle(&self, file: File, aside: &str, name: &str) -> Result<(), SnapshotError> {
        if !cfg!(target_os = "linux") {
            file.sync_all().map_err(at(name))?;
        }
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

    /// Waits until everything that was written is on the disk: all at once, where the system can.
    #[cfg(target_os = "linux")]
    pub(super) fn sync(&self) -> Result<(), SnapshotError> {
        rustix::fs::syncfs(&self.lock).map_err(|error| at(WORK)(error.into()))
    }

    /// Waits until everything that was written is on the disk: each file was when it was written.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn sync(&self) -> Result<(), SnapshotError> {
        Ok(())
    }

    /// Adds a line to the index of this run.
    pub(super) fn note(&self, line: &Line) -> Result<(), SnapshotError> {
        let mut text = serde_json::to_vec(line).map_err(|error| at(JOURNAL)(error.into()))?;
        text.push(b'\n');
        let mut journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.write_all(&text).map_err(at(JOURNAL))
    }
}

/// What is kept of a hash.
fn print(sha256: &str) -> Print {
    let mut print = Print::default();
    // What is no hash is that of no file.
    let _ = hex::decode_to_slice(sha256.get(..32).unwrap_or_default(), &mut print);
    print
}

pub(super) fn sha256(file: &mut File) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hex::encode(hasher.finalize())),
            Ok(read) => hasher.update(buffer.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// The SHA-256 of a file; nothing where it is not there.
pub(super) fn sha256_of(dir: &Dir, name: &str) -> Result<Option<String>, SnapshotError> {
    match open_file(dir, name).and_then(|mut file| sha256(&mut file)) {
        Ok(sha256) => Ok(Some(sha256)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(at(name)(error)),
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
