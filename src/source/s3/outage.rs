//! The end of patience with a service that answers nobody any more.
//!
//! Each request is tried again for a while. With a million objects left and the network gone, a
//! while each would be days: so after some time without any answer at all, the rest is not tried.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Who has not been asked for so long may answer again.
const PAUSE: Duration = Duration::from_mins(1);

/// Since when requests have failed for good, and none was answered.
#[derive(Debug, Default)]
pub(super) struct Outage {
    /// Whether anybody has ever answered.
    answered: AtomicBool,
    fails: AtomicBool,
    failures: Mutex<Option<Failures>>,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    first: Instant,
    last: Instant,
}

impl Outage {
    /// A request was answered.
    pub(super) fn over(&self) {
        if !self.was_over() {
            self.answered.store(true, Ordering::Relaxed);
        }
        if self.fails.swap(false, Ordering::Relaxed) {
            *self.failures() = None;
        }
    }

    /// Whether any request was ever answered.
    pub(super) fn was_over(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    /// A request has failed for good.
    pub(super) fn goes_on(&self) {
        let last = Instant::now();
        let mut failures = self.failures();
        let first = failures.map_or(last, |failures| failures.first);
        *failures = Some(Failures { first, last });
        self.fails.store(true, Ordering::Relaxed);
    }

    /// Whether it has lasted for longer than `limit`.
    pub(super) fn lasts(&self, limit: Duration) -> bool {
        self.fails.load(Ordering::Relaxed)
            && self.failures().is_some_and(|failures| {
                failures.first.elapsed() >= limit && failures.last.elapsed() < limit.max(PAUSE)
            })
    }

    fn failures(&self) -> MutexGuard<'_, Option<Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_it() {
        let outage = Outage::default();
        assert!(!outage.lasts(Duration::ZERO) && !outage.was_over());
        outage.goes_on();
        assert!(outage.lasts(Duration::ZERO) && !outage.was_over());
        assert!(!outage.lasts(Duration::from_hours(1)));
        outage.over();
        assert!(!outage.lasts(Duration::ZERO) && outage.was_over());
    }

    #[test]
    fn who_was_not_asked_for_long_is_asked_again() {
        let outage = Outage::default();
        outage.goes_on();
        let ago = Instant::now().checked_sub(PAUSE).unwrap();
        if let Some(failures) = outage.failures().as_mut() {
            failures.first = ago;
        }
        assert!(outage.lasts(PAUSE));
        if let Some(failures) = outage.failures().as_mut() {
            failures.last = ago;
        }
        assert!(!outage.lasts(PAUSE));
        outage.goes_on();
        assert!(outage.lasts(PAUSE));
    }
}
