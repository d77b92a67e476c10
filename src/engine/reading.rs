//! Reading single objects: what a run judges, and what a shard of it keeps.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::readers::{Readers, Used};
use super::room::{Room, Turn};
use super::stop::Stop;
use super::stored::Stored;
use crate::source::{Body, Metadata, ReadDigest, ReadFailure, Source, SourceError};
use crate::verify::digest::{MAX_DIGEST_LEN, MAX_LOG_LEN};
use crate::verify::evidence::{HashedContent, Hint, RecordedEvent, Scanner, read_events};
use crate::verify::hashing::{Content, ContentError, Sha256Hash};
use crate::verify::location::RootId;

/// A digest up to this size is read at once, by as many as have a reader.
const COMMON_DIGEST_LEN: usize = 1024 * 1024;
/// One up to this size is read anew beside others, as far as there is room; larger ones are read one at
/// a time.
const LARGE_DIGEST_LEN: usize = 8 * 1024 * 1024;
/// Held while a digest beyond [`LARGE_DIGEST_LEN`] is in memory.
static HUGE_DIGEST: Mutex<()> = Mutex::new(());

/// Asks for a digest.
type Opening<'a> = &'a dyn Fn() -> Result<(Body, Metadata), SourceError>;

/// What reading a digest came to. As long as it is kept, others wait for the room that it takes.
pub(super) struct Fetched<'a> {
    pub(super) read: ReadDigest,
    _reader: Option<Used<'a>>,
    _turn: Option<Turn<'a>>,
    _alone: Option<MutexGuard<'static, ()>>,
}

impl From<ReadDigest> for Fetched<'_> {
    fn from(read: ReadDigest) -> Self {
        Self {
            read,
            _reader: None,
            _turn: None,
            _alone: None,
        }
    }
}

/// What objects are read with.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) source: &'a dyn Source,
    pub(super) readers: &'a Readers,
    pub(super) room: &'a Room,
    pub(super) stop: &'a Stop,
}

impl<'a> Reading<'a> {
    /// Hashes a log's content. Whether any event in it may be evidence, of a log that is said to
    /// lie in `bucket`, is told on the way.
    pub(super) fn log(
        &self,
        root: RootId,
        path: &str,
        bucket: &str,
    ) -> (Result<Content, ReadFailure>, Hint) {
        self.given_log(self.source.log(root, path), bucket)
    }

    /// The same of what the source gave.
    pub(super) fn given_log(
        &self,
        given: Result<Body, SourceError>,
        bucket: &str,
    ) -> (Result<Content, ReadFailure>, Hint) {
        let mut scanner = Scanner::new(bucket);
        let hashed = given.map_err(ReadFailure::Source).and_then(|body| {
            let body = self.stop.guard(body.reader);
            let look = |chunk: &[u8]| scanner.feed(chunk);
            let hashed = self
                .readers
                .with(|reader| reader.hash_and_look(body, MAX_LOG_LEN, look));
            hashed.map_err(ReadFailure::Content)
        });
        let hint = if hashed.is_ok() {
            scanner.finish()
        } else {
            Hint::Nothing
        };
        (hashed, hint)
    }

    /// Reads an intact log once more, for the events in it. What is read must again be what has
    /// the hash `hash`; where it is not, or cannot be read, there is no evidence, and nothing else
    /// is lost.
    pub(super) fn events(
        &self,
        root: RootId,
        path: &str,
        hash: &Sha256Hash,
    ) -> Option<Vec<RecordedEvent>> {
        let body = self.source.log(root, path).ok()?;
        let body = self.stop.guard(body.reader);
        let mut content = HashedContent::of(body).ok()?;
        let events = read_events(&mut content);
        let is_intact = content.finish().is_ok_and(|its| its == *hash);
        events.ok().filter(|_| is_intact)
    }

    /// Hashes a log's content once more.
    pub(super) fn log_again(&self, root: RootId, path: &str) -> Result<Content, ReadFailure> {
        let body = self.source.log_again(root, path);
        let body = self.stop.guard(body.map_err(ReadFailure::Source)?.reader);
        let hashed = self.readers.with(|reader| reader.hash(body, MAX_LOG_LEN));
        hashed.map_err(ReadFailure::Content)
    }

    /// A digest whole: its content, and what its metadata says.
    pub(super) fn digest(&self, root: RootId, path: &str) -> Fetched<'a> {
        self.whole(&|| self.source.digest(root, path))
    }

    /// The same, and the bytes that it is stored as, where they are not many.
    pub(super) fn digest_and_stored(
        &self,
        root: RootId,
        path: &str,
    ) -> (Fetched<'a>, Option<Vec<u8>>) {
        let stored = Stored::default();
        let open = || {
            let (body, metadata) = self.source.digest(root, path)?;
            Ok((stored.of(body), metadata))
        };
        let fetched = self.whole(&open);
        let length = fetched.read.as_ref().map(|(content, _, _)| content.stored);
        let stored = length.ok().and_then(|length| stored.all(length));
        (fetched, stored)
    }

    /// What it came to when it was read before, where that was kept. It takes as much as another one.
    pub(super) fn digest_before(&self, root: RootId, path: &str) -> Option<Fetched<'a>> {
        let mut turn = self.room.turn();
        let (mut reader, mut alone) = (None, None);
        let mut make_room = |length: u64| {
            let length = usize::try_from(length).unwrap_or(MAX_DIGEST_LEN);
            if length <= COMMON_DIGEST_LEN {
                // There are no more of these at a time than there are readers.
                reader = Some(self.readers.borrow());
                return;
            }
            turn.come_in(length.min(MAX_DIGEST_LEN), self.stop);
            if length > LARGE_DIGEST_LEN {
                alone = Some(HUGE_DIGEST.lock().unwrap_or_else(PoisonError::into_inner));
            }
        };
        let read = self.source.read_before(root, path, &mut make_room)?;
        Some(Fetched {
            _reader: reader,
            _turn: Some(turn),
            _alone: alone,
            ..read.into()
        })
    }

    /// The same, once more.
    pub(super) fn digest_again(&self, root: RootId, path: &str) -> Fetched<'a> {
        self.whole(&|| self.source.digest_again(root, path))
    }

    /// A version of a digest whole.
    pub(super) fn version(&self, root: RootId, path: &str, id: &str) -> Fetched<'a> {
        self.whole(&|| self.source.version(root, path, id))
    }

    fn whole(&self, open: Opening<'_>) -> Fetched<'a> {
        let mut turn = self.room.turn();
        let (read, reader) = self.whole_up_to(open, COMMON_DIGEST_LEN);
        if !is_too_large(&read) {
            return Fetched {
                _reader: reader,
                _turn: Some(turn),
                ..read.into()
            };
        }
        drop((read, reader));
        turn.come_in(LARGE_DIGEST_LEN, self.stop);
        let (read, _) = self.whole_up_to(open, LARGE_DIGEST_LEN);
        if !is_too_large(&read) {
            return Fetched {
                _turn: Some(turn),
                ..read.into()
            };
        }
        turn.come_in(MAX_DIGEST_LEN, self.stop);
        let alone = HUGE_DIGEST.lock().unwrap_or_else(PoisonError::into_inner);
        let (read, _) = self.whole_up_to(open, MAX_DIGEST_LEN);
        Fetched {
            _turn: Some(turn),
            _alone: Some(alone),
            ..read.into()
        }
    }

    /// A digest of at most `limit` bytes, and the reader that it was read with.
    fn whole_up_to(&self, open: Opening<'_>, limit: usize) -> (ReadDigest, Option<Used<'a>>) {
        let (body, metadata) = match open() {
            Ok(opened) => opened,
            Err(error) => return (Err(ReadFailure::Source(error)), None),
        };
        let body = self.stop.guard(body.reader);
        let mut reader = self.readers.borrow();
        let collected = reader
            .reader()
            .collect(body, limit)
            .map_err(ReadFailure::Content);
        let read = collected.map(|(content, json)| (content, json, metadata));
        (read, Some(reader))
    }
}

fn is_too_large(read: &ReadDigest) -> bool {
    match read {
        Err(ReadFailure::Content(ContentError::TooLarge(_))) => true,
        Err(
            ReadFailure::Content(ContentError::Read(_) | ContentError::Malformed(_))
            | ReadFailure::Source(_),
        )
        | Ok(_) => false,
    }
}
