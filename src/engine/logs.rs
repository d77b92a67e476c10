//! Judging the logs that a verified digest names.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::digests::{NOT_AGAIN, NOT_ALIKE, NOT_RESTORED, READ_TWICE, READINGS};
use super::held::Weight;
use super::run::Shared;
use crate::event::{Event, LogVerdict};
use crate::source::{HashedLog, ReadFailure, SourceError};
use crate::verify::conclusion::{BeforeFirstDay, LogCounts};
use crate::verify::digest::{LogEntry, VerifiedDigest};
use crate::verify::evidence::{Hint, RecordedEvent};
use crate::verify::finding::{Code, Finding, Subject};
use crate::verify::hashing::{Content, ContentError, Encoding, Sha256Hash};
use crate::verify::location::RootId;
use crate::verify::time::Bounds;

/// CloudTrail delivers no larger log. One that inflates to more is read once only.
const LARGEST: u64 = 1024 * 1024 * 1024;

/// Where an entry's log is to be looked for.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// The entry's number in its digest.
    pub(super) entry: usize,
    /// Its root and its path there; nothing where no root can hold it.
    pub(super) place: Option<(RootId, String)>,
    /// Whether it would have to be restored before it can be read.
    pub(super) archived: bool,
    /// Why it proves nothing that a copy cut by days does not have it, if it does not.
    pub(super) beside: Option<Beside>,
}

/// A log that a digest of the range names, and whose name dates it outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    /// Outside of the range that was asked for.
    TheRange,
    /// Before the first day of which there are digests, where the range begins with what is there.
    FirstDay(Timestamp),
}

impl Beside {
    pub(super) fn of(
        time: Timestamp,
        bounds: &Bounds,
        first_day: Option<Timestamp>,
    ) -> Option<Self> {
        if !bounds.contains(time) {
            return Some(Self::TheRange);
        }
        let first_day = first_day.filter(|day| bounds.start().is_none() && time < *day)?;
        Some(Self::FirstDay(first_day))
    }
}

/// Logs of one digest that are still to be judged.
#[derive(Debug)]
pub(super) struct LogBatch {
    digest: Arc<VerifiedDigest>,
    chain: Arc<ChainLogs>,
    wanted: Vec<Wanted>,
    /// Counts the digest as held, while it is.
    _weight: Option<Weight>,
}

/// What is known of the logs of a chain.
#[derive(Debug)]
pub(super) struct ChainLogs {
    name: Arc<str>,
    /// What of the chain is asked for: all that there ever was of one that is new to a state.
    bounds: Bounds,
    counts: Mutex<LogCounts>,
}

impl ChainLogs {
    pub(super) fn new(name: Arc<str>, bounds: Bounds) -> Self {
        Self {
            name,
            bounds,
            counts: Mutex::default(),
        }
    }

    pub(super) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(super) fn bounds(&self) -> Bounds {
        self.bounds
    }

    pub(super) fn counts(&self) -> LogCounts {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, verdict: LogVerdict, stored_plain: bool) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let counter = match verdict {
            LogVerdict::Valid => &mut counts.valid,
            LogVerdict::Invalid => &mut counts.invalid,
            LogVerdict::Missing => &mut counts.missing,
            LogVerdict::Unverified => &mut counts.unverified,
        };
        *counter += 1;
        counts.stored_plain += u64::from(stored_plain);
    }
}

/// Bytes read and hashed in the whole run.
#[derive(Debug, Default)]
pub(super) struct Bytes {
    pub(super) read: AtomicU64,
    pub(super) hashed: AtomicU64,
}

impl Bytes {
    pub(super) fn count(&self, read: u64, hashed: u64) {
        self.read.fetch_add(read, Ordering::Relaxed);
        self.hashed.fetch_add(hashed, Ordering::Relaxed);
    }
}

impl LogBatch {
    pub(super) fn new(
        digest: Arc<VerifiedDigest>,
        chain: Arc<ChainLogs>,
        wanted: Vec<Wanted>,
    ) -> Self {
        Self {
            digest,
            chain,
            wanted,
            _weight: None,
        }
    }

    /// The same logs, counted as held.
    pub(super) fn weighing(self, weight: Option<Weight>) -> Self {
        Self {
            _weight: weight,
            ..self
        }
    }

    pub(super) fn len(&self) -> usize {
        self.wanted.len()
    }

    /// Judges the log `at`, and gives what was found, if anything.
    pub(super) fn judge(&self, at: usize, shared: &Shared<'_>) -> Option<Finding> {
        let wanted = self.wanted.get(at)?;
        let entry = self.digest.logs().get(wanted.entry)?;
        let (outcome, told) = read(shared, wanted, entry);
        if shared.stop.is_stopped() && outcome.is_err() {
            // It was not read because the run ends: that is no finding.
            return None;
        }
        match (wanted.beside, &outcome) {
            (Some(Beside::TheRange), Err(ReadFailure::Source(_))) => return None,
            (Some(Beside::FirstDay(day)), Err(ReadFailure::Source(SourceError::NotFound))) => {
                let (_, _, finding) = weigh(entry, outcome);
                let finding = self.about(finding?);
                let held = BeforeFirstDay { day, finding };
                shared.tally().before_first_day.push(held);
                return None;
            }
            (Some(Beside::FirstDay(_)), _) => shared.tally().reaches_before_first_day = true,
            (Some(Beside::TheRange) | None, _) => {}
        }
        let mut read_bytes = 0;
        if let Ok(content) = &outcome {
            shared.bytes.count(content.stored, content.length);
            read_bytes = content.stored;
        }
        let (verdict, plain, finding) = weigh(entry, outcome);
        self.chain.count(verdict, plain);
        if verdict == LogVerdict::Valid
            && let Some(events) = events(shared, wanted, entry, told)
        {
            let mut tally = shared.tally();
            let ledger = tally.evidence.get_or_insert_default();
            ledger.add(&self.chain.name, entry.location(), events);
        }
        shared.observer.observe(&Event::Log {
            chain: &self.chain.name,
            location: entry.location(),
            verdict,
            bytes: read_bytes,
        });
        finding.map(|finding| self.about(finding))
    }

    fn about(&self, finding: Finding) -> Finding {
        finding
            .in_chain(&self.chain.name)
            .by_digest(self.digest.location().key())
    }
}

/// What a log tells beside its hash.
enum Told {
    /// Events may be in it.
    Hint(Hint),
    /// These were read when it was hashed.
    Events(Vec<RecordedEvent>),
}

/// Hashes a log's content, or tells what that came to when it was done before.
fn read(
    shared: &Shared<'_>,
    wanted: &Wanted,
    entry: &LogEntry,
) -> (Result<Content, ReadFailure>, Told) {
    let nothing = Told::Hint(Hint::Nothing);
    let Some((root, path)) = &wanted.place else {
        return (Err(ReadFailure::Source(SourceError::NotFound)), nothing);
    };
    if wanted.archived {
        let why = SourceError::Archived(NOT_RESTORED.into());
        return (Err(ReadFailure::Source(why)), nothing);
    }
    let bucket = entry.location().bucket();
    if let Some(HashedLog { content, events }) = shared.source.hashed(*root, path, bucket) {
        return (content, events.map_or(nothing, Told::Events));
    }
    let (content, hint) = shared.reading().log(*root, path, bucket);
    if !accuses(&content, entry) || shared.stop.is_stopped() {
        return (content, Told::Hint(hint));
    }
    for _ in 1..READINGS {
        let (again, _) = shared.reading().log(*root, path, bucket);
        if let Some(why) = why_unsure(&content, &again, entry.hash()) {
            return (Err(ReadFailure::Source(SourceError::Failed(why))), nothing);
        }
    }
    (content, Told::Hint(hint))
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
        Err(ReadFailure::Source(error @ (SourceError::Denied(_) | SourceError::Failed(_)))) => {
            Some(format!("{NOT_AGAIN}: {error}").into())
        }
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
        // It was read whole, whatever became of it since.
        Err(ReadFailure::Source(SourceError::NotFound | SourceError::Archived(_))) => None,
    }
}

/// Whether what was read says that the log is not what CloudTrail delivered, as a fault on its way
/// might have it: none makes it so large.
fn accuses(read: &Result<Content, ReadFailure>, entry: &LogEntry) -> bool {
    match read {
        Ok(content) => content.hash != *entry.hash() && content.length <= LARGEST,
        Err(ReadFailure::Content(ContentError::Malformed(_))) => true,
        Err(
            ReadFailure::Content(ContentError::Read(_) | ContentError::TooLarge(_))
            | ReadFailure::Source(_),
        ) => false,
    }
}

/// The events of an intact log that may be evidence.
fn events(
    shared: &Shared<'_>,
    wanted: &Wanted,
    entry: &LogEntry,
    told: Told,
) -> Option<Vec<RecordedEvent>> {
    match told {
        Told::Events(events) => Some(events),
        Told::Hint(Hint::Here) => {
            let (root, path) = wanted.place.as_ref()?;
            shared.reading().events(*root, path, entry.hash())
        }
        Told::Hint(Hint::Elsewhere | Hint::Nothing) => None,
    }
}

fn weigh(
    entry: &LogEntry,
    outcome: Result<Content, ReadFailure>,
) -> (LogVerdict, bool, Option<Finding>) {
    let subject = || Subject::Object(entry.location().clone());
    let found = |verdict, code, actual: &dyn ToString| {
        let finding = Finding::new(code, subject()).compared(entry.hash(), actual);
        (verdict, false, Some(finding))
    };
    let unreadable = |why: &dyn ToString| {
        let finding = Finding::new(Code::LogUnreadable, subject()).detail(why.to_string());
        (LogVerdict::Unverified, false, Some(finding))
    };
    match outcome {
        Ok(content) if content.hash == *entry.hash() => {
            (LogVerdict::Valid, content.encoding == Encoding::Plain, None)
        }
        Ok(content) => found(LogVerdict::Invalid, Code::LogModified, &content.hash),
        Err(ReadFailure::Source(SourceError::NotFound)) => {
            found(LogVerdict::Missing, Code::LogMissing, &"absent")
        }
        Err(ReadFailure::Source(
            error @ (SourceError::Denied(_) | SourceError::Archived(_) | SourceError::Failed(_)),
        )) => unreadable(&error),
        Err(ReadFailure::Content(ContentError::Read(error))) => unreadable(&error),
        Err(ReadFailure::Content(
            error @ (ContentError::Malformed(_) | ContentError::TooLarge(_)),
        )) => found(LogVerdict::Invalid, Code::LogMalformed, &error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::hashing::GzipFault;

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
                (broken(), NOT_AGAIN),
            ] {
                let why = why_unsure(&first, &again, &named).unwrap();
                assert!(why.starts_with(told), "{first:?} {again:?} {why}");
            }
            for again in [SourceError::NotFound, SourceError::Archived("x".into())] {
                assert_eq!(why_unsure(&first, &source(again), &named), None);
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
