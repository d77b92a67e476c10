//! The one contract between the engine and those who watch it: what happens, as it happens.

use crate::verify::chain::DigestVerdict;
use crate::verify::finding::{Finding, Subject};
use crate::verify::location::ObjectLocation;
use crate::verify::query::FileVerdict;

/// The verdict on one log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogVerdict {
    /// Its content is what a verified digest names.
    Valid,
    /// Its content is another than a verified digest names.
    Invalid,
    /// It is not there.
    Missing,
    /// It could not be read.
    Unverified,
}

/// What a file of a saved query result is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A sign file.
    SignFile,
    /// A result file.
    Result,
}

/// Something that happened in a run. Events come from many threads, in no set order.
#[derive(Debug)]
pub enum Event<'a> {
    /// More objects are known that will be read, or may be.
    Listed {
        /// Digests, or sign files of query results.
        digests: u64,
        /// Logs, or result files.
        logs: u64,
    },
    /// A digest of the range was judged.
    Digest {
        /// Its chain, as reports name it.
        chain: &'a str,
        /// Where it is.
        subject: &'a Subject,
        /// What it was found to be.
        verdict: DigestVerdict,
    },
    /// A log was judged.
    Log {
        /// The chain whose digest names it, as reports name it.
        chain: &'a str,
        /// Where it is.
        location: &'a ObjectLocation,
        /// What it was found to be.
        verdict: LogVerdict,
        /// Stored bytes read for it.
        bytes: u64,
    },
    /// A file of a saved query result was judged.
    File {
        /// What it is.
        kind: FileKind,
        /// Where it is.
        subject: &'a Subject,
        /// What it was found to be.
        verdict: FileVerdict,
        /// Stored bytes read for it.
        bytes: u64,
    },
    /// An object was read for a shard, which judges nothing.
    Kept {
        /// Stored bytes of it.
        bytes: u64,
    },
    /// Something was found. What only the whole run can tell comes with the conclusion.
    Found(&'a Finding),
}

/// Who is told of events: progress and reports that are written as the run goes.
pub trait Observer: Send + Sync {
    /// Takes note of an event. It is called from many threads at once, and must be quick.
    fn observe(&self, event: &Event<'_>);
}

/// Tells several observers.
#[derive(Default)]
pub struct Observers(Vec<Box<dyn Observer>>);

impl Observers {
    /// One more to be told.
    pub fn add(&mut self, observer: Box<dyn Observer>) {
        self.0.push(observer);
    }
}

impl std::fmt::Debug for Observers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Observers").field(&self.0.len()).finish()
    }
}

impl Observer for Observers {
    fn observe(&self, event: &Event<'_>) {
        for observer in &self.0 {
            observer.observe(event);
        }
    }
}
