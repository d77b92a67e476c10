//! How much is held in memory of digests that were read and are not yet done with, and how much is
//! still to come of those that were asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a digest is taken to weigh before any was read: one of some hundred logs.
const GUESS: usize = 256 * 1024;

/// The sum of all weights.
#[derive(Clone, Debug, Default)]
pub(super) struct Held(Arc<Sums>);

#[derive(Debug, Default)]
struct Sums {
    /// The weights of those that are held.
    bytes: AtomicUsize,
    /// How many were asked for, and not yet read.
    asked: AtomicUsize,
    /// How many were ever read, and what all of them weighed.
    read: AtomicUsize,
    weighed: AtomicUsize,
}

/// What one digest weighs, until it is dropped.
#[derive(Debug)]
pub(super) struct Weight {
    held: Held,
    bytes: usize,
}

/// A digest that was asked for, until it is read and this is dropped.
#[derive(Debug)]
pub(super) struct Asked(Held);

impl Held {
    /// Takes note of a digest that was read.
    pub(super) fn take(&self, bytes: u64) -> Weight {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX / 2);
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
        if bytes > 0 {
            self.0.weighed.fetch_add(bytes, Ordering::Relaxed);
            self.0.read.fetch_add(1, Ordering::Relaxed);
        }
        Weight {
            held: self.clone(),
            bytes,
        }
    }

    /// Takes note of a digest that is asked for.
    pub(super) fn ask(&self) -> Asked {
        self.0.asked.fetch_add(1, Ordering::Relaxed);
        Asked(self.clone())
    }

    pub(super) fn bytes(&self) -> usize {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// What is held once all that were asked for have come, as far as those that were read tell.
    pub(super) fn expected(&self) -> usize {
        self.with(self.0.asked.load(Ordering::Relaxed))
    }

    /// What is held once so many further ones have come.
    pub(super) fn with(&self, more: usize) -> usize {
        let weighed = self.0.weighed.load(Ordering::Relaxed);
        let mean = weighed.checked_div(self.0.read.load(Ordering::Relaxed));
        let more = more.saturating_mul(mean.unwrap_or(GUESS));
        self.bytes().saturating_add(more)
    }
}

impl Drop for Weight {
    fn drop(&mut self) {
        self.held.0.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.0.asked.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_is_reckoned_at_the_size_of_what_came() {
        let held = Held::default();
        let asked = [held.ask(), held.ask()];
        assert_eq!((held.bytes(), held.expected()), (0, 2 * GUESS));
        let first = held.take(1000);
        // What could not be read tells of no size.
        drop(held.take(0));
        assert_eq!((held.bytes(), held.expected()), (1000, 3000));
        let second = held.take(3000);
        assert_eq!((held.bytes(), held.expected()), (4000, 8000));
        drop(asked);
        assert_eq!((held.expected(), held.with(1)), (4000, 6000));
        drop((first, second));
        assert_eq!((held.bytes(), held.with(1)), (0, 2000));
    }
}
