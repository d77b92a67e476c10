//! The results of all shards as a source: what they saw is told again. What no shard was to look
//! at is asked of the archive itself.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::cache::Cache;
use super::file::ResultFile;
use super::frame::{Block, Section};
use super::paper::Plan;
use super::record::{Line, Seen};
use crate::engine::Stop;
use crate::source::snapshot::Altered;
use crate::source::{
    Body, HashedLog, Level, ListedObject, Metadata, ObjectVersion, Problem, ReadDigest, Root,
    Source, SourceError,
};
use crate::verify::evidence::Hint;
use crate::verify::location::{ObjectLocation, RootId};
use crate::verify::time::Bounds;

/// A folder that shards have looked at: their sections, in the order of keys.
type Seams<'a> = Vec<(&'a str, u32, &'a Section)>;

/// All results, joined.
pub struct Joined<'a> {
    inner: &'a dyn Source,
    plan: &'a Plan,
    results: &'a [ResultFile],
    bounds: Bounds,
    /// By the folder's number in the plan.
    folders: Vec<Seams<'a>>,
    /// What the source calls the roots of the plan.
    roots: OnceLock<Roots<'a>>,
    cache: Cache,
    live: AtomicU64,
    unseen: Mutex<Vec<Problem>>,
    broken: Mutex<Option<(u32, String)>>,
    stop: &'a Stop,
}

/// The plan's roots, as the source numbers them.
#[derive(Debug, Default)]
struct Roots<'a> {
    /// The number of each folder.
    folders: HashMap<(RootId, &'a str), usize>,
    /// The folders right below each.
    below: HashMap<(RootId, &'a str), BTreeSet<&'a str>>,
}

impl std::fmt::Debug for Joined<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Joined").finish_non_exhaustive()
    }
}

/// Where an object is told of.
struct Found<'a> {
    shard: u32,
    section: &'a Section,
    block: &'a Block,
    lines: Arc<Vec<Line>>,
    line: usize,
}

impl<'a> Joined<'a> {
    /// The results of all shards of `plan`, in their order, before the source that it is of.
    /// At most `memory` bytes of them are held at a time. Where a result turns out to have
    /// changed, the run is stopped.
    pub fn new(
        inner: &'a dyn Source,
        (plan, bounds): (&'a Plan, Bounds),
        results: &'a [ResultFile],
        memory: usize,
        stop: &'a Stop,
    ) -> Self {
        let mut folders: Vec<Seams<'a>> = plan.folders.iter().map(|_| Vec::new()).collect();
        for (shard, result) in (0..).zip(results) {
            let slices = plan.slices_of(shard);
            for ((folder, part), section) in slices.into_iter().zip(result.sections()) {
                if let Some(seams) = folders.get_mut(folder) {
                    seams.push((part.from, shard, section));
                }
            }
        }
        Self {
            inner,
            plan,
            results,
            bounds,
            folders,
            roots: OnceLock::new(),
            cache: Cache::new(memory),
            live: AtomicU64::new(0),
            unseen: Mutex::default(),
            broken: Mutex::default(),
            stop,
        }
    }

    /// How often the archive itself was asked for what no shard has seen.
    pub fn asked(&self) -> u64 {
        self.live.load(Ordering::Relaxed)
    }

    /// The shard whose result turned out to be no longer what it was, and why.
    pub fn broken(&self) -> Option<(u32, String)> {
        let broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        broken.clone()
    }

    fn ask(&self) -> &'a dyn Source {
        self.live.fetch_add(1, Ordering::Relaxed);
        self.inner
    }

    fn fail(&self, shard: u32, why: &dyn ToString) {
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        broken.get_or_insert_with(|| (shard, why.to_string()));
        drop(broken);
        self.stop.stop();
    }

    fn lines(&self, shard: u32, block: &Block) -> Option<Arc<Vec<Line>>> {
        let read = || {
            let result = self.results.get(shard as usize);
            let result = result.ok_or_else(|| io::Error::other("there is no such shard"))?;
            result.lines(block)
        };
        match self.cache.get(shard, block, read) {
            Ok(lines) => Some(lines),
            Err(error) => {
                self.fail(shard, &error);
                None
            }
        }
    }

    /// The folder of the plan that `path` lies in, and what follows it.
    fn folder_of<'p>(&self, root: RootId, path: &'p str) -> Option<(&Seams<'a>, &'p str)> {
        let roots = self.roots.get()?;
        let mut ends = path.match_indices('/').map(|(end, _)| end);
        ends.find_map(|end| {
            let number = roots.folders.get(&(root, &path[..end]))?;
            Some((self.folders.get(*number)?, &path[end + 1..]))
        })
    }

    /// What is told of an object.
    fn find(&self, root: RootId, path: &str) -> Option<Found<'a>> {
        let (seams, rest) = self.folder_of(root, path)?;
        let at = seams.partition_point(|(from, _, _)| *from <= rest);
        let (_, shard, section) = *seams.get(at.checked_sub(1)?)?;
        let blocks = &section.blocks;
        let at = blocks.partition_point(|block| *block.first <= *rest);
        let block = blocks.get(at.checked_sub(1)?)?;
        let lines = self.lines(shard, block)?;
        let line = lines.binary_search_by(|line| line.rest.as_str().cmp(rest));
        Some(Found {
            shard,
            section,
            block,
            line: line.ok()?,
            lines,
        })
    }
}

impl Found<'_> {
    fn seen(&self) -> Option<&Seen> {
        self.lines.get(self.line)?.seen.as_ref()
    }
}

impl Source for Joined<'_> {
    fn roots(&self) -> Result<(Vec<Root>, Vec<Problem>), SourceError> {
        let (roots, problems) = self.inner.roots()?;
        let mut known = Roots::default();
        let number = |name: &String| {
            let root = roots.iter().find(|root| root.name == *name);
            let gone = || match problems.first() {
                Some(problem) => format!(
                    "cannot look for {name}: {}: {}",
                    problem.path, problem.error
                ),
                None => format!("{name}, which the plan was made of, is no longer there"),
            };
            root.map(|root| root.id)
                .ok_or_else(|| SourceError::Failed(gone().into()))
        };
        let ids: Vec<RootId> = self
            .plan
            .roots
            .iter()
            .map(number)
            .collect::<Result<_, _>>()?;
        for (number, folder) in self.plan.folders.iter().enumerate() {
            let Some(root) = ids.get(folder.root as usize) else {
                continue;
            };
            known.folders.insert((*root, &folder.path), number);
            let mut path = folder.path.as_str();
            while let Some((above, name)) = path.rsplit_once('/') {
                known.below.entry((*root, above)).or_default().insert(name);
                path = above;
            }
        }
        // A source is searched once; a second search would find what the first one did.
        let _ = self.roots.set(known);
        Ok((roots, problems))
    }

    fn looks_for_roots(&self) -> Box<str> {
        self.inner.looks_for_roots()
    }

    fn stated(&self, root: RootId) -> Option<(Arc<str>, Arc<str>)> {
        self.inner.stated(root)
    }

    /// What is there now, and what was there when the plan was made.
    fn folders(&self, root: RootId, path: &str) -> Result<Vec<String>, SourceError> {
        let known = self
            .roots
            .get()
            .and_then(|roots| roots.below.get(&(root, path)));
        let Some(known) = known else {
            return self.inner.folders(root, path);
        };
        let mut names: BTreeSet<String> = known.iter().map(|name| (*name).to_owned()).collect();
        match self.inner.folders(root, path) {
            Ok(now) => names.extend(now),
            // It was there when the plan was made.
            Err(SourceError::NotFound) => {}
            Err(
                error @ (SourceError::Denied(_)
                | SourceError::Archived(_)
                | SourceError::Unavailable(_)
                | SourceError::Failed(_)),
            ) => {
                let path = path.to_owned();
                let mut unseen = self.unseen.lock().unwrap_or_else(PoisonError::into_inner);
                unseen.push(Problem { path, error });
            }
        }
        Ok(names.into_iter().collect())
    }

    fn shows_day(&self, root: RootId, path: &str) -> Result<bool, SourceError> {
        self.ask().shows_day(root, path)
    }

    /// The folders that were listed when the plan was made and could not be listed now: what came
    /// into them since, or could not be listed then, is not seen.
    fn unseen(&self) -> Vec<Problem> {
        let unseen = self.unseen.lock().unwrap_or_else(PoisonError::into_inner);
        unseen.clone()
    }

    fn level(&self, root: RootId, path: &str) -> Result<Level, SourceError> {
        self.inner.level(root, path)
    }

    fn list(
        &self,
        root: RootId,
        path: &str,
        bounds: &Bounds,
        visit: &mut dyn FnMut(ListedObject<'_>),
    ) -> Vec<Problem> {
        let known = self.roots.get();
        let known = known.and_then(|roots| roots.folders.get(&(root, path)));
        let seams = known.and_then(|number| self.folders.get(*number));
        let Some(seams) = seams.filter(|_| *bounds == self.bounds) else {
            return self.ask().list(root, path, bounds, visit);
        };
        let mut problems = Vec::new();
        let mut told = HashSet::new();
        for (_, shard, section) in seams {
            for (path, why) in &section.problems {
                let problem = Problem {
                    path: path.clone(),
                    error: why.error(),
                };
                // What several shards could not look at is one thing.
                if told.insert(format!("{path}\0{}", problem.error)) {
                    problems.push(problem);
                }
            }
            for block in &section.blocks {
                let Some(lines) = self.lines(*shard, block) else {
                    return problems;
                };
                for line in lines.iter() {
                    visit(ListedObject {
                        rest: &line.rest,
                        archived: line.archived,
                        size: &|| None,
                    });
                }
            }
        }
        problems
    }

    fn hashed(&self, root: RootId, path: &str, bucket: &str) -> Option<HashedLog> {
        let found = self.find(root, path)?;
        match found.seen()? {
            Seen::Failed(why) => Some(HashedLog {
                content: Err(why.failure()),
                events: None,
            }),
            Seen::Log(log) => {
                let Some(known) = log.known() else {
                    self.fail(found.shard, &"it tells of a log what cannot be");
                    return None;
                };
                let is_told = match known.hint {
                    Hint::Nothing => true,
                    // What it was not looked at for, only its content can tell.
                    Hint::Here | Hint::Elsewhere => found.section.bucket == bucket,
                };
                is_told.then_some(HashedLog {
                    content: Ok(known.content),
                    events: known.events,
                })
            }
            Seen::Digest(_) => None,
        }
    }

    fn read_before(
        &self,
        root: RootId,
        path: &str,
        make_room: &mut dyn FnMut(u64),
    ) -> Option<ReadDigest> {
        let found = self.find(root, path)?;
        match found.seen()? {
            Seen::Failed(why) => Some(Err(why.failure())),
            Seen::Digest(digest) => {
                let result = self.results.get(found.shard as usize)?;
                make_room(digest.length);
                let blob = match result.blob(found.block, digest.blob) {
                    Ok(blob) => blob,
                    Err(error) => {
                        self.fail(found.shard, &error);
                        return None;
                    }
                };
                let known = digest.known(&blob);
                if known.is_none() {
                    self.fail(found.shard, &"it tells of a digest what cannot be");
                }
                known.map(Ok)
            }
            Seen::Log(_) => None,
        }
    }

    fn digest(&self, root: RootId, path: &str) -> Result<(Body, Metadata), SourceError> {
        self.ask().digest(root, path)
    }

    fn log(&self, root: RootId, path: &str) -> Result<Body, SourceError> {
        self.ask().log(root, path)
    }

    fn digest_again(&self, root: RootId, path: &str) -> Result<(Body, Metadata), SourceError> {
        self.ask().digest_again(root, path)
    }

    fn log_again(&self, root: RootId, path: &str) -> Result<Body, SourceError> {
        self.ask().log_again(root, path)
    }

    fn wait_a_moment(&self) {
        self.inner.wait_a_moment();
    }

    fn why_not_missing(&self, root: RootId, path: &str) -> Option<Box<str>> {
        self.inner.why_not_missing(root, path)
    }

    fn requests(&self) -> Option<u64> {
        self.inner.requests()
    }

    fn keeps_versions(&self) -> bool {
        self.inner.keeps_versions()
    }

    fn versions(&self, root: RootId, path: &str) -> Result<Vec<ObjectVersion>, SourceError> {
        self.inner.versions(root, path)
    }

    fn remembered(&self, root: RootId, path: &str) -> Option<Box<str>> {
        self.inner.remembered(root, path)
    }

    fn remember(&self, root: RootId, path: &str, told: &str) {
        self.inner.remember(root, path, told);
    }

    fn cli_options(&self) -> Vec<String> {
        self.inner.cli_options()
    }

    fn version(&self, root: RootId, path: &str, id: &str) -> Result<(Body, Metadata), SourceError> {
        self.inner.version(root, path, id)
    }

    fn altered(&self) -> &[Altered] {
        self.inner.altered()
    }

    fn elsewhere(&self, from: RootId, location: &ObjectLocation) -> Option<(RootId, String)> {
        self.inner.elsewhere(from, location)
    }
}
