//! What is counted while a shard is read.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::Outcome;
use crate::source::{Problem, ReadFailure, SourceError};
use crate::verify::hashing::{Content, ContentError};

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
pub(super) struct Counting {
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

    pub(super) fn listed(&self, problems: &[Problem], objects: usize) {
        for problem in problems {
            if let SourceError::Unavailable(why) | SourceError::Failed(why) = &problem.error {
                self.fail(why);
            }
        }
        if objects > 0 || problems.is_empty() {
            self.settled.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn finish(self) -> Result<ShardCounts, ShardError> {
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

    pub(super) fn count(&self, outcome: &Outcome) -> u64 {
        match outcome {
            Outcome::Unread => 0,
            Outcome::Log { content, .. } => self.content(content.as_ref(), &self.logs),
            Outcome::Digest { read, .. } => {
                let content = read.as_ref().map(|(content, _, _)| content);
                self.content(content, &self.digests)
            }
        }
    }
}
