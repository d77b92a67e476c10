//! Query results in snapshots: they are looked for folder by folder, and lie under any name.

use std::collections::{BTreeMap, BTreeSet};

use super::super::folder::level;
use super::head::Contents;
use super::layout::folder_of;
use super::recording::Recording;
use super::replay::SnapshotSource;
use crate::source::{Level, SourceError};
use crate::verify::location::RootId;
use crate::verify::query::{is_of_an_export, is_result_name};

/// A folder, and the name of what lies in it.
fn parted(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// Why a folder could not be listed when the snapshot was taken. That ended no run then, and ends none
/// now: what does is not written down.
fn told_again(error: &SourceError) -> SourceError {
    match error {
        SourceError::Failed(told) => SourceError::Unavailable(told.clone()),
        SourceError::NotFound
        | SourceError::Denied(_)
        | SourceError::Archived(_)
        | SourceError::Unavailable(_) => error.clone(),
    }
}

/// A path below a folder; the root's own name is empty.
pub(super) fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

impl Contents {
    /// Whether the snapshot keeps objects of such a name.
    pub(super) fn keeps(&self, path: &str) -> bool {
        match self {
            Self::Logs => path.ends_with(".json.gz"),
            Self::QueryResults(_) => {
                let (_, name) = parted(path);
                is_of_an_export(name)
            }
        }
    }
}

/// What nothing has read, but for tables that are no result files: they lie beside no sign file, nor
/// below one.
pub(super) fn of_exports(
    left: Vec<(RootId, String)>,
    signed: &BTreeSet<(RootId, String)>,
) -> Vec<(RootId, String)> {
    let is_of_one = |(root, path): &(RootId, String)| {
        let (folder, name) = parted(path);
        let mut above = Some(folder);
        let mut is_signed = false;
        while let Some(folder) = above.filter(|_| !is_signed) {
            is_signed = signed.contains(&(*root, folder.to_owned()));
            above = match folder.rsplit_once('/') {
                Some((above, _)) => Some(above),
                None if folder.is_empty() => None,
                None => Some(""),
            };
        }
        is_result_name(name) || is_signed
    };
    left.into_iter().filter(is_of_one).collect()
}

impl Recording<'_> {
    /// Takes note of what lies right in a folder. What was copied already needs no restoring.
    pub(super) fn note_level(
        &self,
        root: RootId,
        path: &str,
        told: &mut Result<Level, SourceError>,
    ) {
        let name = self.name(root);
        match told {
            Ok(level) => {
                for (object, archived) in &mut level.objects {
                    *archived = self.show(root, &name, &below(path, object), *archived);
                }
                for (problem, error) in &level.problems {
                    self.unlisted(Some(&name), path, &below(path, problem), error);
                }
            }
            // What vanished is not there.
            Err(SourceError::NotFound) => {}
            Err(error) => self.unlisted(Some(&name), path, path, error),
        }
    }

    /// Takes note of one object that a folder has.
    fn show(&self, root: RootId, name: &str, path: &str, archived: bool) -> bool {
        if !self.contents().keeps(path) {
            return archived;
        }
        self.shown(root, name, path);
        let archived = archived && !self.store().holds(name, path);
        if archived {
            self.archived(name, path);
        }
        archived
    }
}

impl SnapshotSource {
    /// What lies right in a folder, as far as the snapshot knows of it.
    pub(super) fn level_of(&self, root: RootId, path: &str) -> Result<Level, SourceError> {
        let problems = self.problems_of(root, path);
        if let Some(problem) = problems.iter().find(|problem| problem.path == path) {
            return Err(told_again(&problem.error));
        }
        let folder = folder_of(&self.recorded(root)?.name, path);
        let lying = folder.map(|folder| level(&self.dir, &folder, true));
        let mut level = match lying {
            // A folder that held nothing to keep has none here.
            None | Some(Err(SourceError::NotFound)) => Level::default(),
            Some(level) => level?,
        };
        let objects = level.objects.into_iter();
        let objects = objects.filter(|(name, _)| !self.is_passed_over(root, &below(path, name)));
        let mut objects: BTreeMap<String, bool> = objects.collect();
        let mut folders: BTreeSet<String> = level.folders.into_iter().collect();
        for (rest, archived) in self.odd_below(root, path) {
            match rest.split_once('/') {
                Some((name, _)) => _ = folders.insert(name.to_owned()),
                // What lies there under its own name is there.
                None => _ = objects.entry(rest.to_owned()).or_insert(archived),
            }
        }
        // What could not be looked at below may have no folder here.
        for at in self.unlisted_below(root, path) {
            let rest = at.get(below(path, "").len()..).unwrap_or_default();
            if let Some(name) = rest.split('/').next().filter(|name| !name.is_empty()) {
                folders.insert(name.to_owned());
            }
        }
        level.objects = objects.into_iter().collect();
        level.folders = folders.into_iter().collect();
        for problem in problems {
            let name = problem.path.strip_prefix(&below(path, ""));
            let name = name.unwrap_or(&problem.path).to_owned();
            level.problems.push((name, problem.error));
        }
        Ok(level)
    }
}
