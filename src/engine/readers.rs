//! Readers of content, shared by all workers: one waits for the network without one.

use std::sync::{Mutex, PoisonError};

use crate::verify::hashing::ContentReader;

/// Readers that nobody uses just now. There are never more than were used at one time.
#[derive(Debug, Default)]
pub(super) struct Readers(Mutex<Vec<ContentReader>>);

impl Readers {
    /// Uses a reader.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut ContentReader) -> T) -> T {
        let free = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut reader = free.unwrap_or_default();
        let done = work(&mut reader);
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(reader);
        done
    }
}
