//! Readers of content, shared by all workers: one waits for the network without one.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use crate::verify::hashing::ContentReader;

/// How many may always be in use, and how many for each core. A reader takes 300 KB, and more of them
/// than keep the cores busy, and a cold disk or some large bodies on their way, gain nothing.
const AT_LEAST: usize = 32;
const FOR_EACH_CORE: usize = 4;

/// Readers, never more than were used at one time.
#[derive(Debug)]
pub(super) struct Readers {
    state: Mutex<State>,
    returned: Condvar,
    most: usize,
}

#[derive(Debug, Default)]
struct State {
    /// Those that nobody uses just now, and who used them last.
    free: Vec<(ThreadId, ContentReader)>,
    used: usize,
    waiting: usize,
}

impl Default for Readers {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            state: Mutex::default(),
            returned: Condvar::new(),
            most: AT_LEAST.max(cores * FOR_EACH_CORE),
        }
    }
}

impl Readers {
    /// Uses a reader, once there is one: if it can be the one that this thread used last, since its
    /// buffers are still in the caches of the core.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut ContentReader) -> T) -> T {
        work(self.borrow().reader())
    }

    /// The same, until it is dropped.
    pub(super) fn borrow(&self) -> Used<'_> {
        let thread = thread::current().id();
        Used {
            reader: Some(self.take(thread)),
            thread,
            readers: self,
        }
    }

    fn take(&self, thread: ThreadId) -> ContentReader {
        let mut state = self.lock();
        while state.free.is_empty() && state.used >= self.most {
            state.waiting += 1;
            let waited = self.returned.wait(state);
            state = waited.unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
        state.used += 1;
        let own = state.free.iter().rposition(|(last, _)| *last == thread);
        match own.or(state.free.len().checked_sub(1)) {
            Some(at) => state.free.swap_remove(at).1,
            None => ContentReader::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change is a single push or pop.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader in use, which is given back however the use ends.
pub(super) struct Used<'a> {
    reader: Option<ContentReader>,
    thread: ThreadId,
    readers: &'a Readers,
}

impl Used<'_> {
    pub(super) fn reader(&mut self) -> &mut ContentReader {
        self.reader.get_or_insert_default()
    }
}

impl Drop for Used<'_> {
    fn drop(&mut self) {
        let mut state = self.readers.lock();
        state.used -= 1;
        if let Some(reader) = self.reader.take() {
            state.free.push((self.thread, reader));
        }
        // To wake nobody is a call of the system too.
        if state.waiting > 0 {
            self.readers.returned.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn no_more_are_used_than_may_be_and_all_come_back() {
        let readers = Readers {
            most: 3,
            ..Readers::default()
        };
        let (now, highest) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        readers.with(|_| {
                            highest.fetch_max(
                                now.fetch_add(1, Ordering::SeqCst) + 1,
                                Ordering::SeqCst,
                            );
                            thread::yield_now();
                            now.fetch_sub(1, Ordering::SeqCst);
                        });
                    }
                });
            }
        });
        assert!((1..=3).contains(&highest.into_inner()));
        let state = readers.lock();
        assert_eq!(state.used, 0);
        assert!((1..=3).contains(&state.free.len()), "{}", state.free.len());
    }

    #[test]
    fn a_use_that_panics_gives_back() {
        let readers = Readers {
            most: 1,
            ..Readers::default()
        };
        let panicked = thread::scope(|scope| {
            let used = scope.spawn(|| readers.with(|_| panic!("in a test")));
            used.join().is_err()
        });
        assert!(panicked);
        readers.with(|_| ());
    }
}
