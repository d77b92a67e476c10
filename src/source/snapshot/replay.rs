//! A snapshot as a source: what was told when it was taken is told again.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::super::folder::{
    Listing, body, explain, is_absent, level, open_file, read_sidecar, read_small,
};
use super::check::Altered;
use super::head::{Head, RecordedRoot};
use super::index::Line;
use super::layout::{ENCODED, HEAD, INDEX, OBJECTS, SIDECAR, file_of};
use super::store::{SnapshotError, at, each_line, read_head};
use crate::source::{Body, Level, ListedObject, Metadata, Problem, Root, Source, SourceError};
use crate::verify::location::{ObjectLocation, RootId};
use crate::verify::time::Bounds;

/// A snapshot.
pub struct SnapshotSource {
    pub(super) dir: Dir,
    pub(super) head: Head,
    /// Objects that do not lie in a file under their own keys.
    odd: BTreeMap<(RootId, String), Odd>,
    folders: BTreeMap<(RootId, String), Result<Vec<String>, SourceError>>,
    unlisted: BTreeMap<(RootId, String), Vec<Problem>>,
    problems: Vec<Problem>,
    versions: BTreeMap<(RootId, String), Box<str>>,
    altered: Vec<Altered>,
}

/// What is known of an object that does not lie in a file under its own key.
enum Odd {
    In(String),
    Unread { error: SourceError, listed: bool },
}

impl std::fmt::Debug for SnapshotSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SnapshotSource")
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}

impl SnapshotSource {
    /// Opens the snapshot in the folder at `path`; nothing where it holds none.
    ///
    /// # Errors
    /// Where what it holds cannot be used.
    pub fn open(path: &Path) -> Result<Option<Self>, SnapshotError> {
        let name = path.display().to_string();
        let dir = match Dir::open_ambient_dir(path, ambient_authority()) {
            Ok(dir) => dir,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(at(&name)(error)),
        };
        let Some(head) = read_head(&dir)? else {
            return Ok(None);
        };
        if !head.finished {
            return Err(SnapshotError::Unfinished);
        }
        if !dir.exists(INDEX) {
            return Err(SnapshotError::Damaged(format!(
                "{INDEX}, which goes with it, is not there"
            )));
        }
        let mut source = Self {
            dir,
            head,
            odd: BTreeMap::new(),
            folders: BTreeMap::new(),
            unlisted: BTreeMap::new(),
            problems: Vec::new(),
            versions: BTreeMap::new(),
            altered: Vec::new(),
        };
        source.load()?;
        Ok(Some(source))
    }

    fn load(&mut self) -> Result<(), SnapshotError> {
        let names = self.head.roots.iter().map(|root| root.name.clone());
        let ids: BTreeMap<String, RootId> = names.zip((0..).map(RootId)).collect();
        let dir = self.dir.try_clone().map_err(at(HEAD))?;
        each_line(&dir, INDEX, &mut |line| self.take_in(line, &ids))
    }

    fn take_in(&mut self, line: Line, ids: &BTreeMap<String, RootId>) {
        let id = |name: &str| ids.get(name).copied();
        match line {
            Line::Object(it) => {
                // Nothing in an index leads out of the snapshot's own folders.
                let is_own = |file: &String| file.starts_with(ENCODED);
                if let Some((root, file)) = id(&it.root).zip(it.file.filter(is_own)) {
                    self.odd.insert((root, it.path), Odd::In(file));
                }
            }
            Line::Unread(it) => {
                if let Some(root) = id(&it.root) {
                    let odd = Odd::Unread {
                        error: (&it.why).into(),
                        listed: it.listed,
                    };
                    self.odd.insert((root, it.path), odd);
                }
            }
            Line::Folders(it) => {
                if let Some(root) = id(&it.root) {
                    let told = match &it.why {
                        None => Ok(it.names),
                        Some(why) => Err(why.into()),
                    };
                    self.folders.insert((root, it.path), told);
                }
            }
            Line::Unlisted(it) => {
                let problem = Problem {
                    path: it.path,
                    error: (&it.why).into(),
                };
                match it.root.map(|root| id(&root)) {
                    None => self.problems.push(problem),
                    Some(Some(root)) => {
                        let problems = self.unlisted.entry((root, it.folder)).or_default();
                        problems.push(problem);
                    }
                    Some(None) => {}
                }
            }
            Line::Versions(it) => {
                if let Some(root) = id(&it.root) {
                    self.versions.insert((root, it.path), it.told.into());
                }
            }
        }
    }

    /// Who took it, of what, and when.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Takes note of the files that are not what the manifest says.
    pub fn take_altered(&mut self, altered: Vec<Altered>) {
        self.altered = altered;
    }

    /// The content of a file of the snapshot, of at most `limit` bytes.
    ///
    /// # Errors
    /// Where it cannot be read, or is larger.
    pub fn small_file(&self, name: &str, limit: u64) -> io::Result<Vec<u8>> {
        read_small(open_file(&self.dir, name)?, limit)
    }

    fn recorded(&self, root: RootId) -> Result<&RecordedRoot, SourceError> {
        let root = self.head.roots.get(root.0 as usize);
        root.ok_or(SourceError::NotFound)
    }

    /// The root and path of an object that lies in `file`.
    pub(super) fn object_in(&self, file: &str) -> Option<(RootId, String)> {
        let odd = self.odd.iter().find_map(|(object, odd)| match odd {
            Odd::In(its) if its == file => Some(object.clone()),
            Odd::In(_) | Odd::Unread { .. } => None,
        });
        let plain = || {
            let key = file.strip_prefix(OBJECTS)?.strip_prefix('/')?;
            let roots = self.head.roots.iter().zip((0..).map(RootId));
            let below = roots.filter_map(|(root, id)| {
                let path = key.strip_prefix(&root.name)?.strip_prefix('/')?;
                path.starts_with("AWSLogs/").then(|| (id, path.to_owned()))
            });
            below.min_by_key(|(_, path)| path.len())
        };
        odd.or_else(plain)
    }

    fn open_object(
        &self,
        root: RootId,
        path: &str,
    ) -> Result<(cap_std::fs::File, String), SourceError> {
        let name = match self.odd.get(&(root, path.to_owned())) {
            Some(Odd::Unread { error, .. }) => return Err(error.clone()),
            Some(Odd::In(file)) => file.clone(),
            None => file_of(&self.recorded(root)?.name, path),
        };
        let file = open_file(&self.dir, &name).map_err(|error| explain(&error))?;
        Ok((file, name))
    }

    /// The objects below a folder that do not lie in files of their own names.
    fn odd_below<'a>(
        &'a self,
        root: RootId,
        folder: &'a str,
    ) -> impl Iterator<Item = (&'a str, bool)> {
        let below = format!("{folder}/");
        let from = (root, below.clone());
        self.odd
            .range(from..)
            .take_while(move |((of, path), _)| *of == root && path.starts_with(&below))
            .filter_map(move |((_, path), odd)| {
                let rest = path.get(folder.len() + 1..)?;
                match odd {
                    Odd::In(_) => Some((rest, false)),
                    Odd::Unread { listed: false, .. } => None,
                    Odd::Unread { error, .. } => {
                        Some((rest, matches!(error, SourceError::Archived(_))))
                    }
                }
            })
    }
}

impl Source for SnapshotSource {
    fn roots(&self) -> Result<(Vec<Root>, Vec<Problem>), SourceError> {
        let roots = self.head.roots.iter().zip((0..).map(RootId));
        let own = roots.filter(|(root, _)| root.own).map(|(root, id)| Root {
            id,
            name: root.name.clone(),
        });
        Ok((own.collect(), self.problems.clone()))
    }

    fn stated(&self, root: RootId) -> Option<(Arc<str>, Arc<str>)> {
        let root = self.head.roots.get(root.0 as usize)?;
        Some((
            root.bucket.as_deref()?.into(),
            root.prefix.as_deref()?.into(),
        ))
    }

    fn folders(&self, root: RootId, path: &str) -> Result<Vec<String>, SourceError> {
        let mut names: BTreeSet<String> = match self.folders.get(&(root, path.to_owned())) {
            Some(Err(error)) => return Err(error.clone()),
            Some(Ok(names)) => names.iter().cloned().collect(),
            None => BTreeSet::new(),
        };
        let folder = format!("{OBJECTS}/{}/{path}", self.recorded(root)?.name);
        match self.dir.read_dir(&folder) {
            Ok(entries) => {
                for entry in entries {
                    let entry = entry.map_err(|error| explain(&error))?;
                    if entry.file_type().map_err(|error| explain(&error))?.is_dir()
                        && let Some(name) = entry.file_name().to_str()
                    {
                        names.insert(name.to_owned());
                    }
                }
            }
            Err(error) if is_absent(&error) => {}
            Err(error) => return Err(explain(&error)),
        }
        Ok(names.into_iter().collect())
    }

    fn level(&self, root: RootId, path: &str) -> Result<Level, SourceError> {
        let folder = format!("{OBJECTS}/{}/{path}", self.recorded(root)?.name);
        level(&self.dir, folder.trim_end_matches('/'))
    }

    fn list(
        &self,
        root: RootId,
        path: &str,
        bounds: &Bounds,
        visit: &mut dyn FnMut(ListedObject<'_>),
    ) -> Vec<Problem> {
        let known = self.unlisted.get(&(root, path.to_owned()));
        let mut problems = known.cloned().unwrap_or_default();
        let Ok(recorded) = self.recorded(root) else {
            return problems;
        };
        for (rest, archived) in self.odd_below(root, path) {
            visit(ListedObject {
                rest,
                archived,
                size: &|| None,
            });
        }
        match self
            .dir
            .open_dir(format!("{OBJECTS}/{}/{path}", recorded.name))
        {
            Ok(dir) => {
                for mut problem in Listing::new(bounds, visit).run(&dir) {
                    problem.path = format!("{path}/{}", problem.path);
                    problems.push(problem);
                }
            }
            Err(error) if is_absent(&error) => {}
            Err(error) => problems.push(Problem {
                path: path.to_owned(),
                error: explain(&error),
            }),
        }
        problems
    }

    fn digest(&self, root: RootId, path: &str) -> Result<(Body, Metadata), SourceError> {
        let (file, name) = self.open_object(root, path)?;
        let metadata = match open_file(&self.dir, &format!("{name}{SIDECAR}")) {
            Ok(sidecar) => read_sidecar(sidecar)?,
            Err(error) if is_absent(&error) => Metadata::default(),
            Err(error) => return Err(explain(&error)),
        };
        Ok((body(file), metadata))
    }

    fn log(&self, root: RootId, path: &str) -> Result<Body, SourceError> {
        self.open_object(root, path).map(|(file, _)| body(file))
    }

    fn keeps_versions(&self) -> bool {
        self.head.keeps_versions
    }

    fn remembered(&self, root: RootId, path: &str) -> Option<Box<str>> {
        let told = self.versions.get(&(root, path.to_owned())).cloned();
        Some(told.unwrap_or_else(|| {
            "a snapshot does not tell whether an earlier version of it was left".into()
        }))
    }

    fn elsewhere(&self, from: RootId, location: &ObjectLocation) -> Option<(RootId, String)> {
        let (prefix, path) = location.split()?;
        let roots = || self.head.roots.iter().zip((0..).map(RootId));
        if self.stated(from).is_some() {
            let is_there = |root: &RecordedRoot| {
                root.bucket.as_deref() == Some(location.bucket())
                    && root.prefix.as_deref() == Some(prefix)
            };
            let (_, id) = roots().find(|(root, _)| is_there(root))?;
            return Some((id, path.to_owned()));
        }
        // As in any folder: another root first, but two buckets may have been copied into one.
        let others = roots().map(|(_, id)| id).filter(|id| *id != from);
        let holds = |root: &RootId| {
            self.odd.contains_key(&(*root, path.to_owned()))
                || self.open_object(*root, path).is_ok()
        };
        let root = others.chain([from]).find(holds)?;
        Some((root, path.to_owned()))
    }

    fn altered(&self) -> &[Altered] {
        &self.altered
    }
}
