//! A snapshot as a source: what was told when it was taken is told again.

mod telling;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::super::folder::{explain, is_absent, open_file, read_small};
use super::beside::{Beside, beside};
use super::check::{Alteration, Altered};
use super::error::{SnapshotError, at};
use super::head::{Head, RecordedRoot};
use super::index::{Line, Why};
use super::layout::{HEAD, INDEX, MANIFEST, OBJECTS, encoded, file_of, folder_of};
use super::levels::below;
use super::reading::{each_line, read_head};
use crate::source::{Problem, SourceError};
use crate::verify::location::RootId;
use crate::verify::time::Bounds;

/// Why what the snapshot does not hold is not said to be missing. A run that verified the digest which names it has
/// asked for it, and took note where it was not there.
const NEVER_ASKED_FOR: &str = "the snapshot does not hold it, and no run that copied into it asked for it: take the whole range anew into the same snapshot";

/// A snapshot.
pub struct SnapshotSource {
    pub(super) dir: Dir,
    pub(super) head: Head,
    /// The range that is asked for.
    asked: Bounds,
    /// Objects that do not lie in a file under their own keys.
    odd: BTreeMap<(RootId, String), Odd>,
    /// Which of them have which files.
    odd_files: BTreeMap<String, (RootId, String)>,
    folders: BTreeMap<(RootId, String), Seen>,
    unlisted: BTreeMap<(RootId, String), Vec<(u32, Problem)>>,
    problems: Vec<(u32, Problem)>,
    versions: BTreeMap<(RootId, String), Box<str>>,
    /// The head does not say what the index says.
    pub(super) is_contradicted: bool,
    /// The index has lines that are none.
    pub(super) has_damaged_lines: bool,
    altered: Vec<Altered>,
    /// Files that are no objects.
    of_a_mac: BTreeSet<String>,
    /// Buckets and prefixes that digests lead to, and that no run came to.
    beyond: Mutex<Vec<(Arc<str>, Arc<str>)>>,
}

/// What was told of a folder's folders: their names, and which runs could not have them.
#[derive(Default)]
struct Seen {
    names: Vec<String>,
    failed: Vec<(u32, SourceError)>,
}

/// What is known of an object that does not lie in a file under its own key.
enum Odd {
    In(String),
    Unread {
        error: SourceError,
        listed: bool,
        archived: bool,
    },
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
        let is_like_one = dir.is_dir(OBJECTS) && (dir.exists(MANIFEST) || dir.exists(INDEX));
        if !is_like_one && !dir.exists(HEAD) {
            return Ok(None);
        }
        let head = read_head(&dir);
        let usable = head.as_ref().ok().and_then(Option::as_ref);
        let usable = usable.filter(|head| head.is_usable() && dir.exists(INDEX));
        match (beside(&dir, usable)?, usable) {
            (Some(Beside::Object(object)), Some(_)) => return Err(SnapshotError::Beside(object)),
            (Some(Beside::Unseen(folder, why)), Some(_)) => {
                return Err(SnapshotError::Unseen(folder, why));
            }
            (Some(_), None) => return Ok(None),
            (None, _) => {}
        }
        let Some(head) = head? else {
            return if is_like_one {
                Err(SnapshotError::Headless)
            } else {
                Ok(None)
            };
        };
        if !head.finished {
            return Err(SnapshotError::Unfinished);
        }
        if head.manifest.is_none() || head.runs.is_empty() {
            return Err(SnapshotError::Damaged(
                "it tells of no run or no manifest, and says that it is finished".to_owned(),
            ));
        }
        if !dir.exists(INDEX) {
            return Err(SnapshotError::Damaged(format!(
                "{INDEX}, which goes with it, is not there"
            )));
        }
        let mut source = Self {
            dir,
            head,
            asked: Bounds::default(),
            odd: BTreeMap::new(),
            odd_files: BTreeMap::new(),
            folders: BTreeMap::new(),
            unlisted: BTreeMap::new(),
            problems: Vec::new(),
            versions: BTreeMap::new(),
            is_contradicted: true,
            has_damaged_lines: false,
            altered: Vec::new(),
            of_a_mac: BTreeSet::new(),
            beyond: Mutex::default(),
        };
        source.load()?;
        Ok(Some(source))
    }

    fn load(&mut self) -> Result<(), SnapshotError> {
        let names = self.head.roots.iter().map(|root| root.name.clone());
        let ids: BTreeMap<String, RootId> = names.zip((0..).map(RootId)).collect();
        let dir = self.dir.try_clone().map_err(at(HEAD))?;
        self.has_damaged_lines = each_line(&dir, INDEX, &mut |line| self.take_in(line, &ids))?;
        Ok(())
    }

    fn take_in(&mut self, line: Line, ids: &BTreeMap<String, RootId>) {
        let id = |name: &str| ids.get(name).copied();
        match line {
            // Only of a run that has not ended.
            Line::Root(_) => {}
            Line::Snapshot(told) => self.is_contradicted = *told != self.head.without_manifest(),
            Line::Object(it) => {
                // A name that was not taken for the object leads to no file.
                let is_own = |file: &String| *file == encoded(&it.root, &it.path);
                if let Some((root, file)) = id(&it.root).zip(it.file.filter(is_own)) {
                    self.odd_files.insert(file.clone(), (root, it.path.clone()));
                    self.odd.insert((root, it.path), Odd::In(file));
                }
            }
            Line::Unread(it) => {
                if let Some(root) = id(&it.root) {
                    let odd = Odd::Unread {
                        error: (&it.why).into(),
                        listed: it.listed,
                        archived: it.why == Why::Unrestored,
                    };
                    // What was copied is judged, whatever else the index says.
                    self.odd.entry((root, it.path)).or_insert(odd);
                }
            }
            Line::Folders(it) => {
                if let Some(root) = id(&it.root) {
                    let seen = self.folders.entry((root, it.path)).or_default();
                    seen.names.extend(it.names);
                    seen.failed
                        .extend(it.why.map(|why| (it.run, (&why).into())));
                }
            }
            Line::Unlisted(it) => {
                let problem = Problem {
                    path: it.path,
                    error: (&it.why).into(),
                };
                match it.root.map(|root| id(&root)) {
                    None => self.problems.push((it.run, problem)),
                    Some(Some(root)) => {
                        let problems = self.unlisted.entry((root, it.folder)).or_default();
                        problems.push((it.run, problem));
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

    /// Takes note of the range that is asked for: what another run could not list does not bear
    /// on it.
    pub fn ask(&mut self, bounds: Bounds) {
        self.asked = bounds;
    }

    fn bearing<'a, T: Clone + 'a>(&self, told: impl IntoIterator<Item = &'a (u32, T)>) -> Vec<T> {
        let told = told.into_iter();
        let told = told.filter(|(run, _)| self.head.bears_on(*run, &self.asked));
        told.map(|(_, what)| what.clone()).collect()
    }

    /// Takes note of the files that are not what the manifest says.
    pub fn take_altered(&mut self, altered: Vec<Altered>) {
        for doubled in altered.iter().filter(|it| it.how == Alteration::Doubled) {
            // What lies under an object's own key is judged, whatever the index says.
            if let Some(object) = &doubled.object {
                self.odd.remove(object);
            }
        }
        self.altered = altered;
    }

    /// The file that the index says an object lies in, in place of one under its own key.
    pub(super) fn odd_file(&self, object: &(RootId, String)) -> Option<&str> {
        match self.odd.get(object)? {
            Odd::In(file) => Some(file),
            Odd::Unread { .. } => None,
        }
    }

    /// Takes note of the files that a Mac wrote beside those of the snapshot: they are no objects.
    pub fn pass_over(&mut self, of_a_mac: BTreeSet<String>) {
        self.of_a_mac = of_a_mac;
    }

    pub(super) fn is_passed_over(&self, root: RootId, path: &str) -> bool {
        let file = |root: &RecordedRoot| format!("{OBJECTS}/{}/{path}", root.name);
        let is_one = |root| self.of_a_mac.contains(&file(root));
        !self.of_a_mac.is_empty() && self.recorded(root).is_ok_and(is_one)
    }

    /// The content of a file of the snapshot, of at most `limit` bytes.
    ///
    /// # Errors
    /// Where it cannot be read, or is larger.
    pub fn small_file(&self, name: &str, limit: u64) -> io::Result<Vec<u8>> {
        read_small(open_file(&self.dir, name)?, limit)
    }

    pub(super) fn recorded(&self, root: RootId) -> Result<&RecordedRoot, SourceError> {
        match self.head.roots.get(root.0 as usize) {
            Some(root) => Ok(root),
            None if self.stated_beyond(root).is_some() => {
                Err(SourceError::Failed(NEVER_ASKED_FOR.into()))
            }
            None => Err(SourceError::NotFound),
        }
    }

    /// A root that no run came to: a run that had been led there would have told so.
    fn root_beyond(&self, bucket: &str, prefix: &str) -> Option<RootId> {
        let mut beyond = self.beyond.lock().unwrap_or_else(PoisonError::into_inner);
        let known = beyond
            .iter()
            .position(|(b, p)| (&**b, &**p) == (bucket, prefix));
        let at = known.unwrap_or(beyond.len());
        if known.is_none() {
            beyond.push((bucket.into(), prefix.into()));
        }
        u32::try_from(self.head.roots.len() + at).ok().map(RootId)
    }

    /// Bucket and prefix of such a root.
    fn stated_beyond(&self, root: RootId) -> Option<(Arc<str>, Arc<str>)> {
        let beyond = self.beyond.lock().unwrap_or_else(PoisonError::into_inner);
        let at = (root.0 as usize).checked_sub(self.head.roots.len())?;
        beyond.get(at).cloned()
    }

    /// The root and path of an object that lies in `file`.
    pub(super) fn object_in(&self, file: &str) -> Option<(RootId, String)> {
        let odd = self.odd_files.get(file).cloned();
        let plain = || {
            let key = file.strip_prefix(OBJECTS)?.strip_prefix('/')?;
            let roots = self.head.roots.iter().zip((0..).map(RootId));
            let below = roots.filter_map(|(root, id)| {
                let path = key.strip_prefix(&root.name)?.strip_prefix('/')?;
                let is_object = !self.head.contents.is_logs() || path.starts_with("AWSLogs/");
                is_object.then(|| (id, path.to_owned()))
            });
            below.min_by_key(|(_, path)| path.len())
        };
        odd.or_else(plain)
    }

    /// What lies in a root's folder; nothing where it holds no object under its own key.
    fn lying(&self, root: RootId, path: &str) -> Result<Option<Dir>, SourceError> {
        let Some(folder) = folder_of(&self.recorded(root)?.name, path) else {
            return Ok(None);
        };
        match self.dir.open_dir(&folder) {
            Ok(dir) => Ok(Some(dir)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(explain(&error)),
        }
    }

    fn open_object(
        &self,
        root: RootId,
        path: &str,
    ) -> Result<(cap_std::fs::File, String), SourceError> {
        let (name, unread) = match self.odd.get(&(root, path.to_owned())) {
            Some(Odd::In(file)) => (file.clone(), None),
            Some(Odd::Unread { error, .. }) => {
                (file_of(&self.recorded(root)?.name, path), Some(error))
            }
            None => (file_of(&self.recorded(root)?.name, path), None),
        };
        let opened = open_file(&self.dir, &name).map_err(|error| explain(&error));
        match (opened, unread) {
            (Ok(file), _) => Ok((file, name)),
            // What lies there is judged, whatever the index says.
            (Err(SourceError::NotFound), Some(error)) => Err(error.clone()),
            (Err(SourceError::NotFound), None) => Err(self.why_absent(root, path)),
            (Err(error), _) => Err(error),
        }
    }

    /// Why there is no object of which nothing was told. What was never asked for is not missing.
    fn why_absent(&self, root: RootId, path: &str) -> SourceError {
        let above = path.match_indices('/').map(|(end, _)| &path[..end]);
        let unlisted = above.filter_map(|folder| self.unlisted.get(&(root, folder.to_owned())));
        let problem = self.bearing(unlisted.flatten()).into_iter().next();
        match (problem, self.recorded(root)) {
            (Some(problem), _) => problem.error,
            (None, Ok(_)) if self.head.contents.is_logs() && !self.head.was_whole(&self.asked) => {
                SourceError::Failed(NEVER_ASKED_FOR.into())
            }
            (None, Ok(_) | Err(_)) => SourceError::NotFound,
        }
    }

    /// What could not be looked at in the listing of a folder.
    pub(super) fn problems_of(&self, root: RootId, folder: &str) -> Vec<Problem> {
        let known = self.unlisted.get(&(root, folder.to_owned()));
        self.bearing(known.into_iter().flatten())
    }

    /// The folders below a folder of which a part could not be looked at.
    pub(super) fn unlisted_below(&self, root: RootId, folder: &str) -> impl Iterator<Item = &str> {
        let below = below(folder, "");
        let from = (root, below.clone());
        let all = self.unlisted.range(from..).map(|((of, at), _)| (*of, at));
        all.take_while(move |(of, at)| *of == root && at.starts_with(&below))
            .map(|(_, at)| at.as_str())
    }

    /// The objects below a folder that do not lie in files of their own names.
    pub(super) fn odd_below<'a>(
        &'a self,
        root: RootId,
        folder: &'a str,
    ) -> impl Iterator<Item = (&'a str, bool)> {
        let below = below(folder, "");
        let skipped = below.len();
        let from = (root, below.clone());
        self.odd
            .range(from..)
            .take_while(move |((of, path), _)| *of == root && path.starts_with(&below))
            .filter_map(move |((root, path), odd)| {
                let root = *root;
                let rest = path.get(skipped..)?;
                match odd {
                    Odd::In(_) => Some((rest, false)),
                    Odd::Unread { listed: false, .. } => None,
                    Odd::Unread { archived, .. } => {
                        // What lies there is judged, whatever the index says.
                        let absent = || self.open_object(root, path).is_err();
                        Some((rest, *archived && absent()))
                    }
                }
            })
    }
}
