//! One shard of a run: it lists its parts of folders, reads and hashes what lies there, and judges
//! nothing. What it saw is kept, so that one run over all shards comes to the verdict.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::held::Held;
use super::readers::Readers;
use super::reading::Reading;
use super::room::Room;
use super::stop::Stop;
use super::threads::in_parallel;
use crate::event::{Event, Observer};
use crate::source::{
    KeyRange, ListedObject, Problem, ReadDigest, ReadFailure, Source, SourceError,
};
use crate::verify::digest::UnverifiedDigest;
use crate::verify::evidence::{Hint, RecordedEvent};
use crate::verify::hashing::{Content, ContentError};
use crate::verify::location::{DIGEST_FOLDER, DigestKey, LogPath, RootId};
use crate::verify::time::{Bounds, NAME_SLACK, minus, plus};

/// So many logs are hashed before they are handed on: it bounds what is held.
const LOGS_AT_A_TIME: usize = 16 * 1024;
/// So many bytes of large digests are read at a time.
const LARGE_DIGESTS: usize = 32 * 1024 * 1024;
/// So many digests, which are held whole.
const DIGESTS_AT_A_TIME: usize = 512;

/// A part of a folder.
#[derive(Clone, Copy, Debug)]
pub struct Slice<'a> {
    /// The root that the folder lies in.
    pub root: RootId,
    /// The folder's path.
    pub path: &'a str,
    /// Which part of it.
    pub part: KeyRange<'a>,
}

/// What reading an object came to.
#[derive(Debug)]
pub enum Outcome {
    /// It was not to be read.
    Unread,
    /// A log was hashed.
    Log {
        /// What it holds.
        content: Result<Content, ReadFailure>,
        /// Whether events in it may be evidence, of a log in the slice's bucket.
        hint: Hint,
        /// Those events, where there may be some.
        events: Option<Vec<RecordedEvent>>,
    },
    /// A digest was read.
    Digest(ReadDigest),
}

/// An object that a listing showed.
#[derive(Debug)]
pub struct KeptObject<T> {
    /// Its path from the folder on.
    pub rest: String,
    /// Whether it would have to be restored before it can be read.
    pub archived: bool,
    /// What reading it came to.
    pub outcome: T,
}

/// Where what a shard saw is kept.
pub trait Keeper: Sync {
    /// What an outcome is made of it while others are still read: the smaller, the better.
    type Packed: Send;

    /// Packs an outcome. It is called from many threads at once.
    fn pack(&self, outcome: Outcome) -> Self::Packed;

    /// Begins the slice `number`. Its logs were looked at as logs that lie in `bucket`.
    ///
    /// # Errors
    /// Where it cannot be kept.
    fn begin(&mut self, number: usize, problems: &[Problem], bucket: &str) -> io::Result<()>;

    /// Takes in the slice's next objects, in the order of their keys.
    ///
    /// # Errors
    /// Where they cannot be kept.
    fn keep(&mut self, objects: Vec<KeptObject<Self::Packed>>) -> io::Result<()>;
}

/// How much a shard read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShardCounts {
    /// Digests that were read.
    pub digests: u64,
    /// Logs that were hashed.
    pub logs: u64,
    /// Stored bytes of both.
    pub bytes: u64,
    /// Objects, and parts of folders, that could not be read for a failure that may pass.
    pub failed: u64,
}

/// Why a shard has no result.
#[derive(Debug, thiserror::Error)]
pub enum ShardError {
    /// The run was asked to stop.
    #[error("it was interrupted")]
    Interrupted,
    /// Nothing at all could be read.
    #[error("nothing could be read: {0}")]
    NothingWorked(Box<str>),
    /// What was read could not be kept.
    #[error(transparent)]
    NotKept(#[from] io::Error),
}

/// What is counted while a shard is read.
#[derive(Debug, Default)]
struct Counting {
    digests: AtomicU64,
    logs: AtomicU64,
    bytes: AtomicU64,
    /// What could not be read, but might be another time.
    failed: AtomicU64,
    /// What was read, or is known not to be readable.
    settled: AtomicU64,
    why: Mutex<Option<Box<str>>>,
}

impl Counting {
    fn fail(&self, why: &str) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        let mut first = self.why.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| why.into());
    }

    /// Counts an object, and tells its stored bytes.
    fn content(&self, content: Result<&Content, &ReadFailure>, of: &AtomicU64) -> u64 {
        match content {
            Ok(content) => {
                of.fetch_add(1, Ordering::Relaxed);
                self.bytes.fetch_add(content.stored, Ordering::Relaxed);
            }
            Err(ReadFailure::Source(SourceError::Unavailable(why) | SourceError::Failed(why))) => {
                self.fail(why);
                return 0;
            }
            Err(ReadFailure::Content(ContentError::Read(error))) => {
                self.fail(&error.to_string());
                return 0;
            }
            Err(ReadFailure::Source(
                SourceError::NotFound | SourceError::Denied(_) | SourceError::Archived(_),
            )) => {}
            Err(ReadFailure::Content(ContentError::Malformed(_) | ContentError::TooLarge(_))) => {
                of.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.settled.fetch_add(1, Ordering::Relaxed);
        content.map_or(0, |content| content.stored)
    }

    fn listed(&self, problems: &[Problem], objects: usize) {
        for problem in problems {
            if let SourceError::Failed(why) = &problem.error {
                self.fail(why);
            }
        }
        if objects > 0 || problems.is_empty() {
            self.settled.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn finish(self) -> Result<ShardCounts, ShardError> {
        let why = self.why.into_inner();
        let why = why.unwrap_or_else(PoisonError::into_inner);
        if let Some(why) = why.filter(|_| self.settled.load(Ordering::Relaxed) == 0) {
            return Err(ShardError::NothingWorked(why));
        }
        Ok(ShardCounts {
            digests: self.digests.into_inner(),
            logs: self.logs.into_inner(),
            bytes: self.bytes.into_inner(),
            failed: self.failed.into_inner(),
        })
    }
}

/// Lists and reads `slices` of `source`, tells `observer` how far it is, and has `keeper` keep what
/// was seen.
///
/// # Errors
/// Where nothing at all could be read or kept, or the run was stopped.
pub fn read_shard<K: Keeper>(
    slices: &[Slice<'_>],
    (source, bounds): (&dyn Source, &Bounds),
    threads: usize,
    (stop, observer): (&Stop, &dyn Observer),
    keeper: &mut K,
) -> Result<ShardCounts, ShardError> {
    let readers = Readers::default();
    let room = Room::new(Held::default(), LARGE_DIGESTS);
    let reading = Reading {
        source,
        readers: &readers,
        room: &room,
        stop,
    };
    let counting = Counting::default();
    let buckets = Buckets::default();
    for (number, slice) in slices.iter().enumerate() {
        let (objects, problems) = list(slice, source, bounds);
        if stop.is_stopped() {
            return Err(ShardError::Interrupted);
        }
        counting.listed(&problems, objects.len());
        observer.observe(&listed(slice, objects.len()));
        let bucket = buckets.of(source, slice);
        keeper.begin(number, &problems, &bucket)?;
        let at_a_time = if is_of_digests(slice.path) {
            DIGESTS_AT_A_TIME
        } else {
            LOGS_AT_A_TIME
        };
        for some in objects.chunks(at_a_time) {
            let shared = &*keeper;
            let packed = in_parallel(threads, some, |object| {
                let wanted = Wanted { slice, object };
                let outcome = wanted.read(&reading, bounds, &bucket);
                let bytes = counting.count(&outcome);
                observer.observe(&Event::Kept { bytes });
                buckets.learn(slice, &outcome);
                shared.pack(outcome)
            });
            if stop.is_stopped() {
                return Err(ShardError::Interrupted);
            }
            let kept = some.iter().zip(packed);
            let kept = kept.map(|((rest, archived), outcome)| KeptObject {
                rest: rest.clone(),
                archived: *archived,
                outcome,
            });
            keeper.keep(kept.collect())?;
        }
    }
    counting.finish()
}

fn listed(slice: &Slice<'_>, objects: usize) -> Event<'static> {
    let objects = objects as u64;
    let (digests, logs) = if is_of_digests(slice.path) {
        (objects, 0)
    } else {
        (0, objects)
    };
    Event::Listed { digests, logs }
}

fn is_of_digests(path: &str) -> bool {
    path.split('/').any(|part| part == DIGEST_FOLDER)
}

/// Every object of a slice that a run takes note of, in the order of keys.
fn list(
    slice: &Slice<'_>,
    source: &dyn Source,
    bounds: &Bounds,
) -> (Vec<(String, bool)>, Vec<Problem>) {
    let mut objects = Vec::new();
    let mut visit = |object: ListedObject<'_>| {
        if object.rest.ends_with(".json.gz") {
            objects.push((object.rest.to_owned(), object.archived));
        }
    };
    let problems = source.list_part(slice.root, slice.path, bounds, &slice.part, &mut visit);
    objects.sort_unstable();
    // A listing that is made in pieces may show an object twice.
    objects.dedup_by(|(a, _), (b, _)| a == b);
    (objects, problems)
}

/// Whether a run over `bounds` may have to read the object at `path`. What it reads beyond that,
/// it reads itself.
pub(super) fn may_be_read(bounds: &Bounds, path: &str) -> bool {
    if let Some(key) = DigestKey::parse(path) {
        return bounds.reads_digest(key.end());
    }
    let time = LogPath::parse(path).and_then(|log| log.time);
    time.is_some_and(|time| {
        let (start, end) = (bounds.start(), bounds.end());
        start.is_none_or(|start| time >= minus(start, NAME_SLACK))
            && end.is_none_or(|end| time < plus(end, NAME_SLACK))
    })
}

/// One object of a slice.
struct Wanted<'a> {
    slice: &'a Slice<'a>,
    object: &'a (String, bool),
}

impl Wanted<'_> {
    fn read(&self, reading: &Reading<'_>, bounds: &Bounds, bucket: &str) -> Outcome {
        let (rest, archived) = self.object;
        let path = format!("{}/{rest}", self.slice.path);
        if *archived || reading.stop.is_stopped() || !may_be_read(bounds, &path) {
            return Outcome::Unread;
        }
        let root = self.slice.root;
        if is_of_digests(self.slice.path) {
            return Outcome::Digest(reading.digest(root, &path).read);
        }
        let (content, hint) = reading.log(root, &path, bucket);
        let events = match (&content, hint) {
            (Ok(content), Hint::Here) => reading.events(root, &path, &content.hash),
            (Ok(_), Hint::Elsewhere | Hint::Nothing) | (Err(_), _) => None,
        };
        Outcome::Log {
            content,
            hint,
            events,
        }
    }
}

impl Counting {
    fn count(&self, outcome: &Outcome) -> u64 {
        match outcome {
            Outcome::Unread => 0,
            Outcome::Log { content, .. } => self.content(content.as_ref(), &self.logs),
            Outcome::Digest(read) => {
                let content = read.as_ref().map(|(content, _, _)| content);
                self.content(content, &self.digests)
            }
        }
    }
}

/// Which bucket the logs of a place lie in: what a folder stands for, only its digests tell. This
/// is a guess, which the run that joins all shards holds against what verified digests say.
#[derive(Debug, Default)]
struct Buckets(Mutex<HashMap<RootId, String>>);

impl Buckets {
    fn of(&self, source: &dyn Source, slice: &Slice<'_>) -> String {
        if let Some((bucket, _)) = source.stated(slice.root) {
            return bucket.to_string();
        }
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&slice.root).cloned().unwrap_or_default()
    }

    fn learn(&self, slice: &Slice<'_>, outcome: &Outcome) {
        let Outcome::Digest(Ok((content, json, _))) = outcome else {
            return;
        };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains_key(&slice.root)
            && let Ok(digest) = UnverifiedDigest::parse(json, *content)
        {
            let bucket = digest.location().bucket().to_string();
            known.insert(slice.root, bucket);
        }
    }
}
