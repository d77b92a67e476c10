//! One shard of a run: it lists its parts of folders, reads and hashes what lies there, and judges
//! nothing. What it saw is kept, so that one run over all shards comes to the verdict.

mod counting;

use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, PoisonError};

use counting::Counting;
pub use counting::{ShardCounts, ShardError};

use super::held::Held;
use super::readers::Readers;
use super::reading::Reading;
use super::room::Room;
use super::stop::Stop;
use super::threads::in_parallel;
use crate::event::{Event, Observer};
use crate::source::{KeyRange, ListedObject, Problem, ReadDigest, ReadFailure, Source};
use crate::verify::digest::UnverifiedDigest;
use crate::verify::evidence::{Hint, RecordedEvent};
use crate::verify::hashing::Content;
use crate::verify::location::{DIGEST_FOLDER, DigestKey, LogKind, LogPath, RootId};
use crate::verify::time::{Bounds, NAME_SLACK, minus, plus};

/// How many logs are hashed before they are handed on: it bounds what is held.
const AT_A_TIME: usize = 16 * 1024;
/// How many bytes of large digests are read at a time.
const LARGE_DIGESTS: usize = 32 * 1024 * 1024;
/// A digest counts for so many logs, since it is held whole.
const DIGEST: usize = 32;

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
    Digest {
        /// What it holds.
        read: ReadDigest,
        /// The bytes that it is stored as, where they are at hand.
        stored: Option<Vec<u8>>,
    },
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
    let reader = ShardReader {
        reading,
        bounds,
        threads,
        observer,
        counting: Counting::default(),
        buckets: Buckets::default(),
    };
    // Many small slices are read together: threads are started for all of them once.
    let mut waiting: Vec<Listed<'_>> = Vec::new();
    for (number, slice) in slices.iter().enumerate() {
        let (objects, problems) = list(slice, source, bounds);
        if stop.is_stopped() {
            return Err(ShardError::Interrupted);
        }
        reader.counting.listed(&problems, objects.len());
        observer.observe(&listed(slice, objects.len()));
        let mut bucket = reader.buckets.of(source, slice);
        if bucket.is_none() {
            // The digests that wait may tell it.
            reader.read(&mut waiting, keeper)?;
            bucket = reader.buckets.of(source, slice);
        }
        waiting.push(Listed {
            number,
            slice,
            objects,
            problems,
            bucket: bucket.unwrap_or_default(),
        });
        if waiting.iter().map(Listed::weight).sum::<usize>() >= AT_A_TIME {
            reader.read(&mut waiting, keeper)?;
        }
    }
    reader.read(&mut waiting, keeper)?;
    reader.counting.finish()
}

/// A slice that was listed, and is still to be read.
struct Listed<'a> {
    number: usize,
    slice: &'a Slice<'a>,
    objects: Vec<(String, bool)>,
    problems: Vec<Problem>,
    /// The bucket that its logs are taken to lie in.
    bucket: String,
}

impl Listed<'_> {
    /// What one of its objects counts for, of what is read at a time.
    fn weight_of_one(&self) -> usize {
        if is_of_digests(self.slice.path) {
            DIGEST
        } else {
            1
        }
    }

    fn weight(&self) -> usize {
        self.objects.len() * self.weight_of_one()
    }

    fn begin<K: Keeper>(&self, keeper: &mut K) -> io::Result<()> {
        keeper.begin(self.number, &self.problems, &self.bucket)
    }
}

/// What reads the slices of a shard.
struct ShardReader<'a> {
    reading: Reading<'a>,
    bounds: &'a Bounds,
    threads: usize,
    observer: &'a dyn Observer,
    counting: Counting,
    buckets: Buckets,
}

impl ShardReader<'_> {
    /// Reads what waits, and has it kept in the order of slices and keys.
    fn read<K: Keeper>(
        &self,
        waiting: &mut Vec<Listed<'_>>,
        keeper: &mut K,
    ) -> Result<(), ShardError> {
        let slices = std::mem::take(waiting);
        let mut all: Vec<(&Listed<'_>, &(String, bool))> = Vec::new();
        for listed in &slices {
            all.extend(listed.objects.iter().map(|object| (listed, object)));
        }
        let mut to_begin = slices.iter().peekable();
        let mut rest = &all[..];
        while !rest.is_empty() {
            let mut weight = 0;
            let fits = |(listed, _): &&(&Listed<'_>, _)| {
                weight += listed.weight_of_one();
                weight <= AT_A_TIME
            };
            let (some, others) = rest.split_at(rest.iter().take_while(fits).count().max(1));
            rest = others;
            let shared = &*keeper;
            let packed = in_parallel(self.threads, some, |(listed, object)| {
                shared.pack(self.read_one(listed, object))
            });
            if self.reading.stop.is_stopped() {
                return Err(ShardError::Interrupted);
            }
            let mut packed = packed.into_iter();
            for of_one in some.chunk_by(|(a, _), (b, _)| a.number == b.number) {
                let number = of_one.first().map_or(0, |(listed, _)| listed.number);
                while let Some(next) = to_begin.next_if(|next| next.number <= number) {
                    next.begin(keeper)?;
                }
                let kept = of_one.iter().zip(packed.by_ref());
                let kept = kept.map(|((_, (rest, archived)), outcome)| KeptObject {
                    rest: rest.clone(),
                    archived: *archived,
                    outcome,
                });
                keeper.keep(kept.collect())?;
            }
        }
        for next in to_begin {
            next.begin(keeper)?;
        }
        Ok(())
    }

    fn read_one(&self, listed: &Listed<'_>, object: &(String, bool)) -> Outcome {
        let slice = listed.slice;
        let outcome = Wanted { slice, object }.read(&self.reading, self.bounds, &listed.bucket);
        let bytes = self.counting.count(&outcome);
        self.observer.observe(&Event::Kept { bytes });
        self.buckets.learn(slice, &outcome);
        outcome
    }
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
    // A folder of logs may have one of any name in it.
    let is_kind = |part: &&str| *part == DIGEST_FOLDER || LogKind::from_folder(part).is_some();
    path.split('/').find(is_kind) == Some(DIGEST_FOLDER)
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
            let (fetched, stored) = reading.digest_and_stored(root, &path);
            return Outcome::Digest {
                read: fetched.read,
                stored,
            };
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

/// Which bucket the logs of a place lie in: what a folder stands for, only its digests tell. This
/// is a guess, which the run that joins all shards holds against what verified digests say.
#[derive(Debug, Default)]
struct Buckets(Mutex<HashMap<RootId, String>>);

impl Buckets {
    fn of(&self, source: &dyn Source, slice: &Slice<'_>) -> Option<String> {
        if let Some((bucket, _)) = source.stated(slice.root) {
            return Some(bucket.to_string());
        }
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&slice.root).cloned()
    }

    fn learn(&self, slice: &Slice<'_>, outcome: &Outcome) {
        let Outcome::Digest {
            read: Ok((content, json, _)),
            ..
        } = outcome
        else {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_logs_may_have_one_of_any_name_in_it() {
        for (path, of_digests) in [
            ("AWSLogs/111122223333/CloudTrail-Digest/us-east-1", true),
            ("AWSLogs/o-a/111122223333/CloudTrail-Digest/us-east-1", true),
            ("AWSLogs/111122223333/CloudTrail/us-east-1", false),
            (
                "AWSLogs/111122223333/CloudTrail/CloudTrail-Digest/us-east-1",
                false,
            ),
        ] {
            assert_eq!(is_of_digests(path), of_digests, "{path}");
        }
    }
}
