//! Reading a log that a digest names: what is known of it before, and further readings where the first
//! one accuses.

use super::digests::{
    GONE, NOT_AGAIN, NOT_ALIKE, NOT_RESTORED, READ_TWICE, READINGS, ask_again, why_not_missing,
};
use super::logs::{Beside, Wanted};
use super::run::Shared;
use crate::source::{Body, HashedLog, ReadFailure, SourceError};
use crate::verify::digest::LogEntry;
use crate::verify::evidence::{Hint, RecordedEvent};
use crate::verify::finding::Finding;
use crate::verify::hashing::{Content, ContentError, Sha256Hash};
use crate::verify::location::RootId;

/// One that inflates to more than this is read once only: no log is nearly so large, and it would
/// keep a run busy three times.
const LARGEST: u64 = 1024 * 1024 * 1024;
/// Why one that accuses is not read again. Nobody is told.
const STOPPED: &str = "the run was stopped";

/// What reading a log came to.
pub(super) struct LogRead {
    pub(super) outcome: Result<Content, ReadFailure>,
    pub(super) told: Told,
}

/// What a log tells beside its hash.
pub(super) enum Told {
    /// Events may be in it.
    Hint(Hint),
    /// These were read when it was hashed.
    Events(Vec<RecordedEvent>),
}

impl LogRead {
    /// There is nothing to be read.
    pub(super) fn failed(why: SourceError) -> Self {
        Self {
            outcome: Err(ReadFailure::Source(why)),
            told: Told::Hint(Hint::Nothing),
        }
    }
}

/// A log that a digest names.
#[derive(Clone, Copy)]
pub(super) struct NamedLog<'a> {
    pub(super) shared: &'a Shared<'a>,
    pub(super) wanted: &'a Wanted,
    pub(super) entry: &'a LogEntry,
}

impl<'a> NamedLog<'a> {
    pub(super) fn new(shared: &'a Shared<'_>, wanted: &'a Wanted, entry: &'a LogEntry) -> Self {
        Self {
            shared,
            wanted,
            entry,
        }
    }

    /// Where its bytes are.
    pub(super) fn place(&self) -> Option<(RootId, &'a str)> {
        let (root, path) = self.wanted.place.as_ref()?;
        Some((*root, path))
    }

    /// Whether it may be there where nothing else shows that its day is.
    pub(super) fn may_be_alone(&self) -> bool {
        let shows = self.wanted.beside;
        matches!(shows, Some(Beside::TheRange { shows_its_day }) if !shows_its_day)
    }

    /// The folder that it lies in.
    pub(super) fn folder(&self) -> Option<(RootId, Box<str>)> {
        let (root, path) = self.place()?;
        let (folder, _) = path.rsplit_once('/')?;
        Some((root, folder.into()))
    }

    /// A finding about it, with where it lies.
    pub(super) fn placed(&self, finding: Finding) -> Finding {
        match self.place() {
            Some((root, _)) => self.shared.placed(finding, root),
            None => finding,
        }
    }

    fn bucket(&self) -> &'a str {
        self.entry.location().bucket()
    }

    /// What is known of it without its bytes, if anything.
    pub(super) fn known(&self) -> Option<LogRead> {
        let Some((root, path)) = self.place() else {
            return Some(LogRead::failed(SourceError::NotFound));
        };
        if self.wanted.archived {
            let why = SourceError::Archived(NOT_RESTORED.into());
            return Some(LogRead::failed(why));
        }
        let HashedLog { content, events } = self.shared.source.hashed(root, path, self.bucket())?;
        Some(LogRead {
            outcome: content,
            told: events.map_or(Told::Hint(Hint::Nothing), Told::Events),
        })
    }

    /// Reads it, as often as it takes: what accuses somebody is read again, whoever read it first.
    pub(super) fn read(&self) -> LogRead {
        let first = self.known().unwrap_or_else(|| match self.place() {
            Some((root, path)) => self.first(self.shared.source.log(root, path)),
            None => LogRead::failed(SourceError::NotFound),
        });
        self.confirm(first)
    }

    /// What a first reading of what the source gave comes to.
    pub(super) fn first(&self, given: Result<Body, SourceError>) -> LogRead {
        let (outcome, hint) = self.shared.reading().given_log(given, self.bucket());
        LogRead {
            outcome,
            told: Told::Hint(hint),
        }
    }

    /// Whether judging it by this reading takes its bytes again.
    pub(super) fn is_read_again(&self, first: &LogRead) -> bool {
        self.accuses(first)
            || self.is_overlooked(first)
            || match &first.told {
                Told::Hint(Hint::Here) => first.outcome.is_ok(),
                Told::Hint(Hint::Elsewhere | Hint::Nothing) | Told::Events(_) => false,
            }
    }

    /// Whether it was not there when it was asked for, though a listing shows it.
    fn is_overlooked(&self, read: &LogRead) -> bool {
        self.wanted.listed
            && match &read.outcome {
                Err(ReadFailure::Source(SourceError::NotFound)) => true,
                Err(
                    ReadFailure::Source(
                        SourceError::Denied(_)
                        | SourceError::Archived(_)
                        | SourceError::Unavailable(_)
                        | SourceError::Failed(_),
                    )
                    | ReadFailure::Content(_),
                )
                | Ok(_) => false,
            }
    }

    /// Reads it again where the first reading accuses, or did not find what a listing shows: only
    /// readings that agree count.
    pub(super) fn confirm(&self, first: LogRead) -> LogRead {
        let Some((root, path)) = self.place() else {
            return first;
        };
        let is_overlooked = |read: &LogRead| self.is_overlooked(read);
        let asked = (self.shared.source, self.shared.stop);
        let first = ask_again(asked, first, is_overlooked, || {
            self.first(self.shared.source.log(root, path))
        });
        if is_overlooked(&first)
            && let Some(why) = why_not_missing(asked, root, path)
        {
            return LogRead::failed(SourceError::Failed(why));
        }
        if !self.accuses(&first) {
            return first;
        }
        if self.shared.stop.is_stopped() {
            return LogRead::failed(SourceError::Failed(STOPPED.into()));
        }
        for _ in 1..READINGS {
            let again = self.shared.reading().log_again(root, path);
            if self.shared.stop.is_stopped() {
                // It may have failed because the run ends: that casts no doubt on what is kept.
                return LogRead::failed(SourceError::Failed(STOPPED.into()));
            }
            if let Some(why) = why_unsure(&first.outcome, &again, self.entry.hash()) {
                self.shared.source.doubt(root, path, &why);
                return LogRead::failed(SourceError::Failed(why));
            }
        }
        first
    }

    /// Whether what was read says that the log is not what CloudTrail delivered, as a fault on its
    /// way might have it: none makes it too large.
    fn accuses(&self, read: &LogRead) -> bool {
        match &read.outcome {
            Ok(content) => content.hash != *self.entry.hash() && content.length <= LARGEST,
            Err(ReadFailure::Content(ContentError::Malformed(_))) => true,
            Err(
                ReadFailure::Content(ContentError::Read(_) | ContentError::TooLarge(_))
                | ReadFailure::Source(_),
            ) => false,
        }
    }

    /// The events of an intact log that may be evidence.
    pub(super) fn events(&self, told: Told) -> Option<Vec<RecordedEvent>> {
        match told {
            Told::Events(events) => Some(events),
            Told::Hint(Hint::Here) => {
                let (root, path) = self.place()?;
                self.shared.reading().events(root, path, self.entry.hash())
            }
            Told::Hint(Hint::Elsewhere | Hint::Nothing) => None,
        }
    }
}

/// Why another reading takes back what the first one said of a log; nothing where it does not.
fn why_unsure(
    first: &Result<Content, ReadFailure>,
    again: &Result<Content, ReadFailure>,
    expected: &Sha256Hash,
) -> Option<Box<str>> {
    match again {
        Ok(again) if again.hash == *expected => Some(READ_TWICE.into()),
        Ok(again) => {
            let is_same = first.as_ref().is_ok_and(|first| first == again);
            (!is_same).then(|| NOT_ALIKE.into())
        }
        Err(ReadFailure::Source(SourceError::NotFound)) => Some(GONE.into()),
        Err(ReadFailure::Source(
            error @ (SourceError::Denied(_)
            | SourceError::Archived(_)
            | SourceError::Unavailable(_)
            | SourceError::Failed(_)),
        )) => Some(format!("{NOT_AGAIN}: {error}").into()),
        Err(ReadFailure::Content(ContentError::Read(error))) => {
            Some(format!("{NOT_AGAIN}: {error}").into())
        }
        Err(ReadFailure::Content(
            error @ (ContentError::Malformed(_) | ContentError::TooLarge(_)),
        )) => {
            let is_same = match first {
                Err(ReadFailure::Content(first)) => first.to_string() == error.to_string(),
                Err(ReadFailure::Source(_)) | Ok(_) => false,
            };
            (!is_same).then(|| NOT_ALIKE.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::hashing::{Encoding, GzipFault};

    type Read = Result<Content, ReadFailure>;

    fn content(of: &[u8]) -> Content {
        Content {
            hash: Sha256Hash::of(of),
            encoding: Encoding::Plain,
            stored: of.len() as u64,
            length: of.len() as u64,
        }
    }

    fn malformed(fault: GzipFault) -> Read {
        Err(ReadFailure::Content(ContentError::Malformed(fault)))
    }

    fn source(error: SourceError) -> Read {
        Err(ReadFailure::Source(error))
    }

    #[test]
    fn only_readings_that_agree_accuse() {
        let named = Sha256Hash::of(b"named");
        let broken = || {
            Err(ReadFailure::Content(ContentError::Read(
                std::io::Error::other("x"),
            )))
        };
        for first in [Ok(content(b"a")), malformed(GzipFault::Cut)] {
            for (again, told) in [
                (Ok(content(b"named")), READ_TWICE),
                (Ok(content(b"b")), NOT_ALIKE),
                (malformed(GzipFault::Corrupt), NOT_ALIKE),
                (source(SourceError::Denied("x".into())), NOT_AGAIN),
                (source(SourceError::Failed("x".into())), NOT_AGAIN),
                (source(SourceError::Archived("x".into())), NOT_AGAIN),
                (source(SourceError::NotFound), GONE),
                (broken(), NOT_AGAIN),
            ] {
                let why = why_unsure(&first, &again, &named).unwrap();
                assert!(why.starts_with(told), "{first:?} {again:?} {why}");
            }
        }
        let cut = || malformed(GzipFault::Cut);
        assert_eq!(
            why_unsure(&Ok(content(b"a")), &Ok(content(b"a")), &named),
            None
        );
        assert_eq!(why_unsure(&cut(), &cut(), &named), None);
        assert!(why_unsure(&Ok(content(b"a")), &cut(), &named).is_some());
        assert!(why_unsure(&cut(), &Ok(content(b"a")), &named).is_some());
    }
}
