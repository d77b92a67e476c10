//! How much is held in memory of digests that were read and are not yet done with.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The sum of all weights.
#[derive(Clone, Debug, Default)]
pub(super) struct Held(Arc<AtomicUsize>);

/// What one digest weighs, until it is dropped.
#[derive(Debug)]
pub(super) struct Weight {
    held: Held,
    bytes: usize,
}

impl Held {
    pub(super) fn take(&self, bytes: u64) -> Weight {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX / 2);
        self.0.fetch_add(bytes, Ordering::Relaxed);
        Weight {
            held: self.clone(),
            bytes,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Weight {
    fn drop(&mut self) {
        self.held.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
