//! Whether a snapshot is still what its manifest says.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use cap_std::fs::Dir;

use super::super::folder::{is_absent, is_apple_double, open_file};
use super::error::SnapshotError;
use super::layout::{ENCODED, HEAD, INDEX, KEYS, MANIFEST, OBJECTS, SIDECAR};
use super::opening::{each_named, files_below};
use super::replay::SnapshotSource;
use super::store::sha256;
use crate::verify::location::{RootId, is_account, is_organization};

/// How a file of a snapshot is not what the manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alteration {
    /// It is not there.
    Missing,
    /// Its SHA-256 is another one.
    Changed {
        /// What the manifest says.
        expected: String,
        /// What it is.
        actual: String,
    },
    /// The manifest does not name it.
    Added,
    /// It says something else than the index, for which the manifest vouches.
    Contradicts,
    /// It has lines that say nothing.
    Damaged,
    /// It belongs to none of the objects that the snapshot tells of.
    Stray,
    /// It lies under the key of an object that the index says lies in another file.
    Doubled,
    /// It could not be read.
    Unreadable(String),
}

/// A file of a snapshot that is not what the manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Altered {
    /// The file.
    pub file: String,
    /// The object that it holds, or whose metadata it holds.
    pub object: Option<(RootId, String)>,
    /// How.
    pub how: Alteration,
}

/// What a check of a snapshot came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// How many files the manifest names.
    pub files: u64,
    /// The SHA-256 of the manifest itself.
    pub manifest: String,
    /// What does not fit, in the order of the files.
    pub altered: Vec<Altered>,
    /// The files that a Mac wrote beside those of the snapshot.
    pub of_a_mac: BTreeSet<String>,
}

/// A line of the manifest: a hash and the name of a file.
pub type Named = (String, String);
/// Does a piece of work for every line, several at a time.
pub type Parallel<'a> = dyn Fn(&[Named], &(dyn Fn(&Named) -> Option<Alteration> + Sync)) -> Vec<Option<Alteration>>
    + 'a;

impl SnapshotSource {
    /// Compares every file with the manifest, with the help of `parallel`, which is given pieces
    /// of work to do at the same time.
    ///
    /// # Errors
    /// Where the manifest itself cannot be read.
    pub fn check(&self, parallel: &Parallel<'_>) -> Result<Checked, SnapshotError> {
        let hasher = RandomState::new();
        let mut named = HashSet::new();
        let mut checked = Checked::default();
        let mut batch = Vec::new();
        let compare = |batch: &mut Vec<Named>, checked: &mut Checked| {
            let told = parallel(batch, &|(hash, name)| self.compare(hash, name));
            for ((_, name), how) in std::mem::take(batch).into_iter().zip(told) {
                let altered = how.map(|how| self.altered_file(name, how));
                checked.altered.extend(altered);
            }
        };
        let manifest = each_named(&self.dir, &mut |hash, name| {
            named.insert(hasher.hash_one(name));
            checked.files += 1;
            batch.push((hash.to_owned(), name.to_owned()));
            if batch.len() == 4096 {
                compare(&mut batch, &mut checked);
            }
        })?;
        let Some(manifest) = manifest else {
            return Ok(self.without_manifest());
        };
        compare(&mut batch, &mut checked);
        checked.manifest = manifest;
        let mut seen = |file: &str, how| {
            let altered = self.altered_file(file.to_owned(), how);
            checked.altered.push(altered);
        };
        if !named.contains(&hasher.hash_one(INDEX)) {
            seen(INDEX, Alteration::Added);
        }
        if self.is_contradicted {
            seen(HEAD, Alteration::Contradicts);
        }
        if self.has_damaged_lines {
            seen(INDEX, Alteration::Damaged);
        }
        let stated = self.head.manifest.as_ref();
        if let Some(stated) = stated.filter(|stated| stated.sha256 != checked.manifest) {
            let how = Alteration::Changed {
                expected: stated.sha256.clone(),
                actual: checked.manifest.clone(),
            };
            checked
                .altered
                .push(self.altered_file(MANIFEST.to_owned(), how));
        }
        // All files that the verdict may hang on.
        for name in files_below(&self.dir, &[OBJECTS, ENCODED, KEYS])? {
            if named.contains(&hasher.hash_one(&*name)) {
                let told = self.misplaced(&name);
                checked
                    .altered
                    .extend(told.map(|how| self.altered_file(name, how)));
                continue;
            }
            if is_of_a_mac(&self.dir, &name) {
                checked.of_a_mac.insert(name);
            } else {
                let altered = self.altered_file(name, Alteration::Added);
                checked.altered.push(altered);
            }
        }
        checked.altered.sort_by(|a, b| a.file.cmp(&b.file));
        // A line of the manifest that stands twice tells nothing more.
        checked.altered.dedup();
        Ok(checked)
    }

    /// What is wrong with where a file lies that the manifest names.
    fn misplaced(&self, file: &str) -> Option<Alteration> {
        if file
            .strip_prefix(KEYS)
            .is_some_and(|it| it.starts_with('/'))
        {
            let mut named = self
                .head
                .keys
                .iter()
                .filter_map(|keys| keys.file.as_deref());
            return (!named.any(|named| named == file)).then_some(Alteration::Stray);
        }
        let of = file.strip_suffix(SIDECAR).unwrap_or(file);
        match self.object_in(of) {
            None => Some(Alteration::Stray),
            Some((_, path)) if is_of_another_root(&path) => Some(Alteration::Stray),
            Some(object) => self
                .odd_file(&object)
                .is_some_and(|other| other != of)
                .then_some(Alteration::Doubled),
        }
    }

    fn without_manifest(&self) -> Checked {
        Checked {
            altered: vec![self.altered_file(MANIFEST.to_owned(), Alteration::Missing)],
            ..Checked::default()
        }
    }

    fn altered_file(&self, file: String, how: Alteration) -> Altered {
        let object = self.object_in(file.strip_suffix(SIDECAR).unwrap_or(&file));
        Altered { file, object, how }
    }

    fn compare(&self, hash: &str, name: &str) -> Option<Alteration> {
        let actual = match open_file(&self.dir, name).and_then(|mut file| sha256(&mut file)) {
            Ok(actual) => actual,
            Err(error) if is_absent(&error) => return Some(Alteration::Missing),
            Err(error) => return Some(Alteration::Unreadable(error.to_string())),
        };
        (actual != hash).then(|| Alteration::Changed {
            expected: hash.to_owned(),
            actual,
        })
    }
}

/// Whether a path leads into an `AWSLogs` folder within another one that no account's folder lies between:
/// that would be a root of its own.
fn is_of_another_root(path: &str) -> bool {
    let mut parts = path.split('/');
    let is_logs = parts.next() == Some("AWSLogs");
    let is_whose = parts
        .next()
        .is_some_and(|part| is_account(part) || is_organization(part));
    is_logs && !is_whose && path.split('/').skip(1).any(|part| part == "AWSLogs")
}

/// Whether a file that the manifest does not name is one that macOS wrote when it copied or showed the
/// snapshot. No verdict hangs on it: an object of a bucket that looks the same is named.
pub(super) fn is_of_a_mac(dir: &Dir, file: &str) -> bool {
    file.rsplit('/').next() == Some(".DS_Store") || is_apple_double(dir, file)
}

/// What does not fit, by the object that it bears on.
pub(crate) fn by_object(altered: &[Altered]) -> BTreeMap<(RootId, String), Vec<&Altered>> {
    let mut by_object: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for one in altered {
        if let Some(object) = &one.object {
            by_object.entry(object.clone()).or_default().push(one);
        }
    }
    by_object
}
