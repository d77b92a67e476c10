//! Beginning a snapshot, or going on with one.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, OpenOptions};
use sha2::{Digest as _, Sha256};

use super::super::folder::{is_absent, open_file};
use super::check::is_of_a_mac;
use super::error::{SnapshotError, at};
use super::head::Head;
use super::index::Line;
use super::layout::{ENCODED, HEAD, INDEX, JOURNAL, KEYS, MANIFEST, OBJECTS, WORK};
use super::reading::{each_line, read_head};
use super::store::{Brakes, Store, sha256_of};
use super::writing::file_name;

impl Store {
    /// Opens the snapshot in the folder at `path`, or an empty folder for a new one. Until
    /// [`Self::begin_run`], what it held before is what it holds.
    ///
    /// # Errors
    /// Where the folder holds anything else, or cannot be written to.
    pub fn open(path: &Path, new: &Head, brakes: Brakes) -> Result<Self, SnapshotError> {
        let name = path.display().to_string();
        std::fs::create_dir_all(path).map_err(at(&name))?;
        let dir = Dir::open_ambient_dir(path, ambient_authority()).map_err(at(&name))?;
        usable(&dir, new)?;
        dir.create_dir_all(WORK).map_err(at(WORK))?;
        let lock = lock(&dir)?;
        // Another process may have ended just before.
        let old = usable(&dir, new)?;
        if let Some(old) = old.as_ref().filter(|old| old.finished) {
            unaltered(&dir, old)?;
        }
        tidy(&dir)?;
        let unfinished = old.as_ref().is_some_and(|old| !old.finished);
        let head = old.map_or_else(|| new.clone(), |old| resumed(old, new));
        let journal = open_journal(&dir)?;
        let store = Self::new(dir, Mutex::new(journal), head, brakes, lock);
        store.load()?;
        if unfinished {
            store.sweep()?;
        }
        Ok(store)
    }

    /// From here on the snapshot is not finished.
    ///
    /// # Errors
    /// Where that cannot be written down.
    pub fn begin_run(&self) -> Result<(), SnapshotError> {
        let head = self.head().clone();
        self.write_head(&head)
    }

    /// Takes note of what an earlier run copied whole.
    fn load(&self) -> Result<(), SnapshotError> {
        for name in [INDEX, JOURNAL] {
            // What a crash cut off is read again.
            let _damaged = each_line(&self.dir, name, &mut |line| {
                if let Line::Object(object) = line {
                    self.hold(&object, &file_name(&object));
                }
            })?;
        }
        self.settle_before();
        Ok(())
    }

    /// Removes what a run that was killed moved to its name, and had not yet taken note of. What
    /// a manifest names is never touched.
    fn sweep(&self) -> Result<(), SnapshotError> {
        let named = Manifest::read(&self.dir)?;
        for name in files_below(&self.dir, &[OBJECTS, ENCODED, KEYS])? {
            if !self.is_of_an_object(&name) && !named.names(&name) {
                self.dir.remove_file(&name).map_err(at(&name))?;
            }
        }
        Ok(())
    }
}

/// Which files the manifest of an earlier run names, by keyed hashes.
#[derive(Default)]
struct Manifest {
    hasher: RandomState,
    named: HashSet<u64>,
}

impl Manifest {
    fn read(dir: &Dir) -> Result<Self, SnapshotError> {
        let mut manifest = Self::default();
        each_named(dir, &mut |_, name| {
            manifest.named.insert(manifest.hasher.hash_one(name));
        })?;
        Ok(manifest)
    }

    fn names(&self, name: &str) -> bool {
        self.named.contains(&self.hasher.hash_one(name))
    }
}

/// Shows each hash and name of the manifest, and tells its SHA-256, where there is one.
pub(super) fn each_named(
    dir: &Dir,
    visit: &mut dyn FnMut(&str, &str),
) -> Result<Option<String>, SnapshotError> {
    let file = match open_file(dir, MANIFEST) {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(at(MANIFEST)(error)),
    };
    let mut whole = Sha256::new();
    let mut reader = BufReader::with_capacity(128 * 1024, file);
    let mut line = Vec::new();
    loop {
        line.clear();
        let part = reader.by_ref().take(16 * 1024).read_until(b'\n', &mut line);
        if part.map_err(at(MANIFEST))? == 0 {
            return Ok(Some(hex::encode(whole.finalize())));
        }
        whole.update(&line);
        let text = std::str::from_utf8(&line).unwrap_or_default();
        if let Some((hash, name)) = text.trim_end_matches('\n').split_once("  ") {
            visit(hash, name);
        }
    }
}

/// All files below some folders.
pub(super) fn files_below(dir: &Dir, folders: &[&str]) -> Result<Vec<String>, SnapshotError> {
    let mut files = Vec::new();
    let mut waiting: Vec<PathBuf> = folders.iter().map(PathBuf::from).collect();
    while let Some(folder) = waiting.pop() {
        let name = folder.to_string_lossy().into_owned();
        let entries = match dir.read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => continue,
            Err(error) => return Err(at(&name)(error)),
        };
        for entry in entries {
            let entry = entry.map_err(at(&name))?;
            let path = folder.join(entry.file_name());
            if entry.file_type().map_err(at(&name))?.is_dir() {
                waiting.push(path);
            } else {
                files.push(path.to_string_lossy().into_owned());
            }
        }
    }
    Ok(files)
}

/// The head of what the folder holds, if it can take in what is asked for.
fn usable(dir: &Dir, new: &Head) -> Result<Option<Head>, SnapshotError> {
    let old = read_head(dir)?;
    match &old {
        Some(old) => fits(old, new)?,
        // Before its head is written, nothing else is.
        None => {
            for entry in dir.entries().map_err(at("."))? {
                if entry.map_err(at("."))?.file_name() != WORK {
                    return Err(SnapshotError::NotASnapshot);
                }
            }
        }
    }
    Ok(old)
}

/// What is added to must be what it was: else its manifest, made anew, would vouch for what has
/// been altered. Objects keep the hashes that they had.
fn unaltered(dir: &Dir, old: &Head) -> Result<(), SnapshotError> {
    let altered = |name: &str| Err(SnapshotError::Altered(name.to_owned()));
    let stated = old.manifest.as_ref().map(|manifest| &manifest.sha256);
    let mut named = Vec::new();
    let manifest = each_named(dir, &mut |hash, name| {
        if name == INDEX || name.starts_with(KEYS) {
            named.push((hash.to_owned(), name.to_owned()));
        }
    })?;
    if stated != manifest.as_ref() {
        return altered(MANIFEST);
    }
    for (hash, name) in &named {
        if sha256_of(dir, name)?.as_ref() != Some(hash) {
            return altered(name);
        }
    }
    let is_named = |name: &str| named.iter().any(|(_, its)| its == name);
    if !is_named(INDEX) {
        return altered(INDEX);
    }
    let is_added = |name: &&String| !is_named(name) && !is_of_a_mac(dir, name);
    if let Some(added) = files_below(dir, &[KEYS])?.iter().find(is_added) {
        return altered(added);
    }
    let mut told = None;
    each_line(dir, INDEX, &mut |line| {
        if let Line::Snapshot(head) = line {
            told = Some(head);
        }
    })?;
    if told.as_deref() != Some(&old.without_manifest()) {
        return altered(HEAD);
    }
    Ok(())
}

/// Whether a snapshot that is there can take in what is asked for now.
fn fits(old: &Head, new: &Head) -> Result<(), SnapshotError> {
    if old.source != new.source {
        return Err(SnapshotError::Another(format!(
            "it is one of {}, not of {}",
            old.source, new.source
        )));
    }
    if old.contents != new.contents {
        return Err(SnapshotError::Another(
            "it holds other things: query results, or digests and logs".to_owned(),
        ));
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
    for run in &new.runs {
        let mut run = run.clone();
        run.look_back(&head.runs);
        head.runs.push(run);
    }
    head
}

/// Nobody else may write to the folder. The lock goes with the folder that it lies in, so it must
/// be the one that lies there still.
fn lock(dir: &Dir) -> Result<std::fs::File, SnapshotError> {
    let name = format!("{WORK}/lock");
    let file = dir.create(&name).map_err(at(&name))?.into_std();
    match file.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => return Err(SnapshotError::InUse),
        Err(std::fs::TryLockError::Error(error)) => return Err(at(&name)(error)),
    }
    if is_the_one(&file, dir, &name) {
        Ok(file)
    } else {
        Err(SnapshotError::InUse)
    }
}

#[cfg(unix)]
fn is_the_one(file: &std::fs::File, dir: &Dir, name: &str) -> bool {
    use cap_std::fs::MetadataExt as _;
    use std::os::unix::fs::MetadataExt as _;
    let held = file.metadata().map(|it| (it.dev(), it.ino()));
    let there = dir.metadata(name).map(|it| (it.dev(), it.ino()));
    held.ok()
        .is_some_and(|held| there.is_ok_and(|there| there == held))
}

#[cfg(not(unix))]
fn is_the_one(_: &std::fs::File, dir: &Dir, name: &str) -> bool {
    dir.exists(name)
}

/// Removes what was half written: that makes room for what is to come.
fn tidy(dir: &Dir) -> Result<(), SnapshotError> {
    for entry in dir.read_dir(WORK).map_err(at(WORK))? {
        let name = entry.map_err(at(WORK))?.file_name();
        if name.to_string_lossy().starts_with("part-") {
            let name = Path::new(WORK).join(name);
            dir.remove_file(&name).map_err(at(WORK))?;
        }
    }
    Ok(())
}

/// The journal, with what an earlier run copied whole and of which roots, and nothing else of it: what could
/// not be read then is tried again.
fn open_journal(dir: &Dir) -> Result<File, SnapshotError> {
    let aside = format!("{WORK}/objects.jsonl.new");
    let mut out = io::BufWriter::new(dir.create(&aside).map_err(at(&aside))?);
    let mut failed = None;
    // What a crash cut off is read again.
    let _damaged = each_line(dir, JOURNAL, &mut |line| {
        let is_kept = matches!(line, Line::Object(_) | Line::Root(_));
        if is_kept && failed.is_none() {
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
