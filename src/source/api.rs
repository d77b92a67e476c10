//! What every source can do, and how it fails.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::snapshot::Altered;
use crate::verify::evidence::RecordedEvent;
use crate::verify::hashing::{Content, ContentError};
use crate::verify::location::{ObjectLocation, RootId};
use crate::verify::time::Bounds;

/// Why a source has no object to give. Only the first of these says that it is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// It is not there.
    #[error("it is not there")]
    NotFound,
    /// It may not be read.
    #[error("access was denied: {0}")]
    Denied(Box<str>),
    /// It is archived, and would have to be restored first.
    #[error("archived: {0}")]
    Archived(Box<str>),
    /// The service that has it was too busy, or could not be reached, for as long as it was waited for.
    #[error("{0}")]
    Unavailable(Box<str>),
    /// Reading it failed.
    #[error("{0}")]
    Failed(Box<str>),
}

/// Why an object has no content.
#[derive(Debug)]
pub enum ReadFailure {
    /// The source has none to give.
    Source(SourceError),
    /// What the source gives is none.
    Content(ContentError),
}

/// What reading a digest came to: what it holds, and its metadata.
pub type ReadDigest = Result<(Content, Vec<u8>, Metadata), ReadFailure>;

/// What hashing a log came to.
#[derive(Debug)]
pub struct HashedLog {
    /// Its content.
    pub content: Result<Content, ReadFailure>,
    /// The events in it that may be evidence, where there is reason to look for some.
    pub events: Option<Vec<RecordedEvent>>,
}

/// The part of a folder whose objects' paths, from the folder on, lie in this range, byte by byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRange<'a> {
    /// The first; empty for the beginning of the folder.
    pub from: &'a str,
    /// The first that is no longer in it; nothing for the end of the folder.
    pub until: Option<&'a str>,
}

impl KeyRange<'_> {
    /// Whether an object lies in it.
    pub fn contains(&self, rest: &str) -> bool {
        rest >= self.from && self.until.is_none_or(|until| rest < until)
    }

    /// Whether any object whose path begins with `prefix` can lie in it.
    pub fn may_contain_below(&self, prefix: &str) -> bool {
        let begins_before_end = self.until.is_none_or(|until| prefix < until);
        let ends_after_begin = prefix >= self.from || self.from.starts_with(prefix);
        begins_before_end && ends_after_begin
    }
}

/// One place with an `AWSLogs` folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// Its number in this run.
    pub id: RootId,
    /// How a person calls it.
    pub name: String,
}

/// An object as a listing shows it.
#[derive(Clone, Copy)]
pub struct ListedObject<'a> {
    /// What follows the folder that was listed.
    pub rest: &'a str,
    /// Whether it would have to be restored before it can be read.
    pub archived: bool,
    /// Its size in bytes, where it can be told. Not every listing knows it.
    pub size: &'a dyn Fn() -> Option<u64>,
}

/// What lies right in one folder, as far as a search for exports goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// The names of its folders. A bucket tells no more than [`Level::MOST_FOLDERS`].
    pub folders: Vec<String>,
    /// The names of its objects that can belong to an export, and whether each would have to be
    /// restored before it can be read.
    pub objects: Vec<(String, bool)>,
    /// Names that could not be looked at, and why.
    pub problems: Vec<(String, SourceError)>,
}

impl Level {
    /// No more folders of a bucket are looked into: one that holds anything else besides may have
    /// millions.
    pub const MOST_FOLDERS: usize = 20_000;

    /// Why a folder is not looked into, nor those that follow.
    pub fn too_many() -> SourceError {
        let told = format!(
            "the search for query results ended here, after {} folders: name the prefix that holds them",
            Self::MOST_FOLDERS
        );
        SourceError::Failed(told.into())
    }
}

/// A part of a source that could not be looked at, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Its path, as far as it is known.
    pub path: String,
    /// What went wrong.
    pub error: SourceError,
}

/// What an object's user metadata says, as far as a digest needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// `signature`.
    pub signature: Option<String>,
    /// `signature-algorithm`.
    pub signature_algorithm: Option<String>,
    /// `backfill-generation-timestamp`.
    pub backfill_generation_timestamp: Option<String>,
}

impl Metadata {
    /// Reads name and value pairs; names count without regard to case.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut metadata = Self::default();
        for (name, value) in pairs {
            let field = match name.to_ascii_lowercase().as_str() {
                "signature" => &mut metadata.signature,
                "signature-algorithm" => &mut metadata.signature_algorithm,
                "backfill-generation-timestamp" => &mut metadata.backfill_generation_timestamp,
                _ => continue,
            };
            *field = Some(value.to_owned());
        }
        metadata
    }

    /// The same as name and value pairs.
    pub fn pairs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("signature", &self.signature),
            ("signature-algorithm", &self.signature_algorithm),
            (
                "backfill-generation-timestamp",
                &self.backfill_generation_timestamp,
            ),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }
}

/// One of the versions of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectVersion {
    /// What the source calls it.
    pub id: String,
    /// When it was made.
    pub at: Option<Timestamp>,
    /// Whether it says that the object is deleted, rather than hold anything.
    pub is_delete_marker: bool,
    /// Whether it is what is there now.
    pub is_latest: bool,
}

/// What a source tells of an object beside its bytes. No verdict hangs on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Its `ETag`, quotes and all.
    pub etag: Option<String>,
    /// Which of its versions it is.
    pub version: Option<String>,
    /// When it was written.
    pub last_modified: Option<Timestamp>,
    /// Its storage class, where that is not the usual one.
    pub storage_class: Option<String>,
    /// All user metadata.
    pub metadata: BTreeMap<String, String>,
}

/// An object's bytes, to be read once.
pub struct Body {
    /// The bytes. A failure to read them is an error of this reader.
    pub reader: Box<dyn Read + Send>,
    /// What else is told of it.
    pub facts: Facts,
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}

/// Logs that one thread has asked for, and waits for all at once.
pub trait Fetch {
    /// Asks for a log. What is given back stands for it, and for no other.
    fn ask(&mut self, root: RootId, path: &str) -> u64;

    /// Waits for the first that comes of what was asked for, but no longer than `at_most`.
    fn next(&mut self, at_most: Duration) -> Next;
}

/// What [`Fetch::next`] comes to.
pub enum Next {
    /// This came for what stands for it.
    Came(u64, Result<Body, SourceError>),
    /// Nothing came in time.
    NotYet,
    /// All of it has come, or the run is stopped.
    Nothing,
}

/// The first root of which `look` tells that something is there. Where none is known to hold it, the first of those
/// that could not be looked at: reading it there tells why.
pub(super) fn root_that_holds(
    roots: impl IntoIterator<Item = RootId>,
    look: impl Fn(RootId) -> Result<(), SourceError>,
) -> Option<RootId> {
    let mut unknown = None;
    for root in roots {
        match look(root) {
            Ok(()) => return Some(root),
            Err(SourceError::NotFound) => {}
            Err(
                SourceError::Denied(_)
                | SourceError::Archived(_)
                | SourceError::Unavailable(_)
                | SourceError::Failed(_),
            ) => {
                unknown = unknown.or(Some(root));
            }
        }
    }
    unknown
}

/// Where objects come from. Paths begin with `AWSLogs`, and lie in a root.
pub trait Source: Send + Sync {
    /// All roots below the source, and what could not be looked at while searching for them.
    ///
    /// # Errors
    /// Where the source itself cannot be looked at.
    fn roots(&self) -> Result<(Vec<Root>, Vec<Problem>), SourceError>;

    /// Where it looks for `AWSLogs`, for a person whom it shows none.
    fn looks_for_roots(&self) -> Box<str> {
        "below the source".into()
    }

    /// The bucket and prefix of a root, where the source knows them. A folder learns them from its
    /// digests.
    fn stated(&self, root: RootId) -> Option<(Arc<str>, Arc<str>)>;

    /// The names of the folders right below `path`.
    ///
    /// # Errors
    /// Where the folder cannot be listed; [`SourceError::NotFound`] where there is none.
    fn folders(&self, root: RootId, path: &str) -> Result<Vec<String>, SourceError>;

    /// Whether the folder `path`, which is a day's, has logs of that day that did not come at its very end:
    /// [`shows_its_day`](crate::verify::location::shows_its_day).
    ///
    /// # Errors
    /// Where that cannot be told.
    fn shows_day(&self, root: RootId, path: &str) -> Result<bool, SourceError> {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let names = self.folders(root, above)?;
        Ok(names.iter().any(|it| it == name))
    }

    /// The folders of which [`Self::folders`] told what is known of them, since they could not be
    /// listed: there may be more below.
    fn unseen(&self) -> Vec<Problem> {
        Vec::new()
    }

    /// What lies right in the folder `path`; the root itself where that is empty.
    ///
    /// # Errors
    /// Where the folder cannot be listed.
    fn level(&self, root: RootId, path: &str) -> Result<Level, SourceError>;

    /// Shows every object below the folder `path`, at any depth, that can be one of `bounds`.
    /// What cannot be looked at is given back; it never ends the listing.
    fn list(
        &self,
        root: RootId,
        path: &str,
        bounds: &Bounds,
        visit: &mut dyn FnMut(ListedObject<'_>),
    ) -> Vec<Problem>;

    /// Like [`Self::list`], of a part of the folder. Whatever cannot be looked at and may hold
    /// objects of that part is given back.
    fn list_part(
        &self,
        root: RootId,
        path: &str,
        bounds: &Bounds,
        part: &KeyRange<'_>,
        visit: &mut dyn FnMut(ListedObject<'_>),
    ) -> Vec<Problem> {
        let mut visit = |object: ListedObject<'_>| {
            if part.contains(object.rest) {
                visit(object);
            }
        };
        self.list(root, path, bounds, &mut visit)
    }

    /// What hashing a log came to when it was done before, where that was kept. It is said to lie
    /// in `bucket`.
    fn hashed(&self, root: RootId, path: &str, bucket: &str) -> Option<HashedLog> {
        let _ = (root, path, bucket);
        None
    }

    /// What reading a digest came to when it was done before, where that was kept. How many bytes it
    /// takes is told to `make_room` before it takes them.
    fn read_before(
        &self,
        root: RootId,
        path: &str,
        make_room: &mut dyn FnMut(u64),
    ) -> Option<ReadDigest> {
        let _ = (root, path, make_room);
        None
    }

    /// A digest, read once more to be sure of what was read: from where it lies, and not from what
    /// was kept of it since. A source that has other means to tell whether it gives the object, and
    /// nothing in its place, takes them here: somebody is about to be accused.
    ///
    /// # Errors
    /// As [`Self::digest`].
    fn digest_again(&self, root: RootId, path: &str) -> Result<(Body, Metadata), SourceError> {
        self.digest(root, path)
    }

    /// A log, likewise.
    ///
    /// # Errors
    /// As [`Self::log`].
    fn log_again(&self, root: RootId, path: &str) -> Result<Body, SourceError> {
        self.log(root, path)
    }

    /// Waits for a moment, where what is told to be absent may be there after it.
    fn wait_a_moment(&self) {}

    /// Why an object that was not found, each time that it was asked for, is not missing all the same;
    /// nothing where the source knows of no reason.
    fn why_not_missing(&self, root: RootId, path: &str) -> Option<Box<str>> {
        let _ = (root, path);
        None
    }

    /// Takes note of the folder `path`, which is there and is not looked into, and why.
    fn left_out(&self, root: RootId, path: &str, why: &SourceError) {
        let _ = (root, path, why);
    }

    /// Takes note that readings of an object do not agree, and why: nobody knows what it is.
    fn doubt(&self, root: RootId, path: &str, why: &str) {
        let _ = (root, path, why);
    }

    /// A digest, with its metadata.
    ///
    /// # Errors
    /// Where it is not there, or cannot be read.
    fn digest(&self, root: RootId, path: &str) -> Result<(Body, Metadata), SourceError>;

    /// A log.
    ///
    /// # Errors
    /// Where it is not there, or cannot be read.
    fn log(&self, root: RootId, path: &str) -> Result<Body, SourceError>;

    /// A way to ask for many logs at once, of a source whose objects are waited for.
    fn fetch(&self) -> Option<Box<dyn Fetch + '_>> {
        None
    }

    /// How many requests were made, where reading takes requests.
    fn requests(&self) -> Option<u64> {
        None
    }

    /// Whether the source may keep earlier versions of its objects.
    fn keeps_versions(&self) -> bool {
        false
    }

    /// All versions of an object, newest first.
    ///
    /// # Errors
    /// Where they cannot be told.
    fn versions(&self, root: RootId, path: &str) -> Result<Vec<ObjectVersion>, SourceError> {
        let _ = (root, path);
        Ok(Vec::new())
    }

    /// What [`Self::versions`] came to when the object was looked at before, where that was
    /// written down.
    fn remembered(&self, root: RootId, path: &str) -> Option<Box<str>> {
        let _ = (root, path);
        None
    }

    /// Takes note of what the versions of an object came to.
    fn remember(&self, root: RootId, path: &str, told: &str) {
        let _ = (root, path, told);
    }

    /// The options that the AWS CLI needs to reach the source, as this run did.
    fn cli_options(&self) -> Vec<String> {
        Vec::new()
    }

    /// One version of an object, with its metadata.
    ///
    /// # Errors
    /// Where it is not there, or cannot be read.
    fn version(&self, root: RootId, path: &str, id: &str) -> Result<(Body, Metadata), SourceError> {
        let _ = (root, path, id);
        Err(SourceError::NotFound)
    }

    /// The files that are no longer what a manifest says they were.
    fn altered(&self) -> &[Altered] {
        &[]
    }

    /// The root that `location` lies in, and its path there, where a digest in `from` names it
    /// in another bucket or prefix than its own; nothing where no root can hold it.
    fn elsewhere(&self, from: RootId, location: &ObjectLocation) -> Option<(RootId, String)>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_comes_before_what_may_be_there() {
        let look = |RootId(number)| match number {
            0 => Err(SourceError::NotFound),
            1 => Err(SourceError::Denied("it is not yours".into())),
            2 => Err(SourceError::Failed("the disk is old".into())),
            _ => Ok(()),
        };
        let holding = |roots: &[u32]| root_that_holds(roots.iter().copied().map(RootId), look);
        assert_eq!(holding(&[0, 1, 2, 3, 4]), Some(RootId(3)));
        assert_eq!(holding(&[0, 2, 1]), Some(RootId(2)));
        assert_eq!(holding(&[0, 0]), None);
    }
}
