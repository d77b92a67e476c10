//! Judging the logs that a verified digest names.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::held::Weight;
use super::log_reading::{LogRead, NamedLog};
use super::run::Shared;
use crate::event::{Event, LogVerdict};
use crate::source::{ReadFailure, SourceError};
use crate::verify::conclusion::{BeforeFirstDay, Begins, BesideTheRange, LogCounts};
use crate::verify::digest::{LogEntry, VerifiedDigest};
use crate::verify::finding::{Code, Finding, Subject};
use crate::verify::hashing::{Content, ContentError, Encoding};
use crate::verify::location::RootId;
use crate::verify::time::{Bounds, NAME_SLACK, day_of, may_outlive_its_day, plus};

/// What is said of a log that is larger than [`crate::verify::digest::MAX_LOG_LEN`].
const TOO_LARGE: &str = "it holds more than 4 GiB, more than any log that CloudTrail delivers";

/// Where an entry's log is to be looked for.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// The entry's number in its digest.
    pub(super) entry: usize,
    /// Its root and its path there; nothing where no root can hold it.
    pub(super) place: Option<(RootId, String)>,
    /// Whether a listing shows it.
    pub(super) listed: bool,
    /// Whether it would have to be restored before it can be read.
    pub(super) archived: bool,
    /// Why it proves nothing that a copy cut by days does not have it, if it does not.
    pub(super) beside: Option<Beside>,
}

/// A log that a digest of the range names, and whose name dates it outside. A copy cut by days has
/// all of the days that the range touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    /// On a day that the range does not touch.
    TheRange {
        /// Whether it shows that its day is there, if it is there itself.
        shows_its_day: bool,
    },
    /// Before the midnight that the archive may begin with, where the range begins with what is there.
    FirstDay {
        begins: Begins,
        /// Whether it shows that the archive does not begin there, if it is there itself.
        shows_more: bool,
    },
}

impl Beside {
    pub(super) fn of(time: Timestamp, bounds: &Bounds, begins: Option<Begins>) -> Option<Self> {
        if !bounds.contains(time) && !day_of(time).is_some_and(|day| bounds.overlaps(day)) {
            return Some(Self::TheRange {
                shows_its_day: !may_outlive_its_day(time),
            });
        }
        let begins = begins.filter(|it| bounds.start().is_none() && time < it.at)?;
        Some(Self::FirstDay {
            begins,
            shows_more: plus(time, NAME_SLACK) < begins.at,
        })
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

    /// The log `at`.
    pub(super) fn log<'a>(&'a self, at: usize, shared: &'a Shared<'_>) -> Option<NamedLog<'a>> {
        let wanted = self.wanted.get(at)?;
        let entry = self.digest.logs().get(wanted.entry)?;
        Some(NamedLog::new(shared, wanted, entry))
    }

    /// Judges a log of it by what reading it came to, and gives what was found, if anything.
    pub(super) fn judge(&self, log: &NamedLog<'_>, read: LogRead) -> Option<Finding> {
        let NamedLog {
            shared,
            wanted,
            entry,
        } = *log;
        let LogRead { outcome, told } = read;
        if shared.stop.is_stopped() && outcome.is_err() {
            // It was not read because the run ends: that is no finding.
            return None;
        }
        match (wanted.beside, &outcome) {
            (Some(Beside::TheRange { .. }), Err(ReadFailure::Source(SourceError::NotFound))) => {
                let (_, _, finding) = weigh(entry, outcome);
                let held = BesideTheRange {
                    folder: log.folder()?,
                    finding: log.placed(self.about(finding?)),
                };
                shared.tally().beside_range.push(held);
                self.put_aside(shared, wanted);
                return None;
            }
            (Some(Beside::TheRange { shows_its_day }), Ok(_) | Err(ReadFailure::Content(_))) => {
                let folder = log.folder().filter(|_| shows_its_day);
                shared.tally().reached_beside.extend(folder);
            }
            (
                Some(Beside::FirstDay { begins, .. }),
                Err(ReadFailure::Source(SourceError::NotFound)),
            ) => {
                let (_, _, finding) = weigh(entry, outcome);
                let finding = log.placed(self.about(finding?));
                let held = BeforeFirstDay { begins, finding };
                shared.tally().before_first_day.push(held);
                return None;
            }
            (Some(Beside::FirstDay { shows_more, .. }), _) => {
                let mut tally = shared.tally();
                tally.reaches_before_first_day |= shows_more;
                tally.is_left_before_first_day |= !shows_more;
            }
            (Some(Beside::TheRange { .. }), Err(ReadFailure::Source(_))) | (None, _) => {}
        }
        let mut read_bytes = 0;
        if let Ok(content) = &outcome {
            shared.bytes.count(content.stored, content.length);
            read_bytes = content.stored;
        }
        let (verdict, plain, finding) = weigh(entry, outcome);
        self.chain.count(verdict, plain);
        if verdict == LogVerdict::Valid
            && let Some(events) = log.events(told)
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
        finding.map(|finding| log.placed(self.about(finding)))
    }

    /// Another part of the same bucket may have it.
    fn put_aside(&self, shared: &Shared<'_>, wanted: &Wanted) {
        if shared.roots.len() > 1 {
            let (digest, chain) = (Arc::clone(&self.digest), Arc::clone(&self.chain));
            let alone = Self::new(digest, chain, vec![wanted.clone()]);
            let absent = shared.absent_beside.lock();
            absent.unwrap_or_else(PoisonError::into_inner).push(alone);
        }
    }

    /// The same logs, looked for in another root.
    pub(super) fn in_root(&self, root: RootId) -> Self {
        let placed = |wanted: &Wanted| Wanted {
            place: wanted.place.as_ref().map(|(_, path)| (root, path.clone())),
            ..wanted.clone()
        };
        let wanted = self.wanted.iter().map(placed).collect();
        Self::new(Arc::clone(&self.digest), Arc::clone(&self.chain), wanted)
    }

    fn about(&self, finding: Finding) -> Finding {
        finding
            .in_chain(&self.chain.name)
            .by_digest(self.digest.location().key())
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
            error @ (SourceError::Denied(_)
            | SourceError::Archived(_)
            | SourceError::Unavailable(_)
            | SourceError::Failed(_)),
        )) => unreadable(&error),
        Err(ReadFailure::Content(ContentError::Read(error))) => unreadable(&error),
        Err(ReadFailure::Content(error @ ContentError::Malformed(_))) => {
            found(LogVerdict::Invalid, Code::LogMalformed, &error)
        }
        Err(ReadFailure::Content(error @ ContentError::TooLarge(_))) => {
            let (verdict, plain, finding) = found(LogVerdict::Invalid, Code::LogMalformed, &error);
            (
                verdict,
                plain,
                finding.map(|finding| finding.detail(TOO_LARGE)),
            )
        }
    }
}
