//! Readers of content, shared by all workers: one waits for the network without one.

use std::sync::{Mutex, PoisonError};
use std::thread::{self, ThreadId};

use crate::verify::hashing::ContentReader;

/// Readers that nobody uses just now, and who used them last. There are never more than were used
/// at one time.
#[derive(Debug, Default)]
pub(super) struct Readers(Mutex<Vec<(ThreadId, ContentReader)>>);

impl Readers {
    /// Uses a reader: if it can be the one that this thread used last, since its buffers are still
    /// in the caches of the core.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut ContentReader) -> T) -> T {
        let thread = thread::current().id();
        let mut reader = self.take(thread).unwrap_or_default();
        let done = work(&mut reader);
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        free.push((thread, reader));
        done
    }

    fn take(&self, thread: ThreadId) -> Option<ContentReader> {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = free.iter().rposition(|(last, _)| *last == thread);
        let at = own.or(free.len().checked_sub(1))?;
        Some(free.swap_remove(at).1)
    }
}
