//! The end of patience with a service that answers nobody any more.
//!
//! Each request is tried again for a while. With a million objects left and the network gone, a
//! while each would be days: so after some time without any answer at all, the rest is not tried.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Since when requests have failed for good, and none was answered.
#[derive(Debug, Default)]
pub(super) struct Outage {
    fails: AtomicBool,
    since: Mutex<Option<Instant>>,
}

impl Outage {
    /// A request was answered.
    pub(super) fn over(&self) {
        if self.fails.swap(false, Ordering::Relaxed) {
            *self.since.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    /// A request has failed for good.
    pub(super) fn goes_on(&self) {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.get_or_insert_with(Instant::now);
        self.fails.store(true, Ordering::Relaxed);
    }

    /// Whether it has lasted for longer than `limit`.
    pub(super) fn lasts(&self, limit: Duration) -> bool {
        self.fails.load(Ordering::Relaxed)
            && self
                .since
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .is_some_and(|since| since.elapsed() >= limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_it() {
        let outage = Outage::default();
        assert!(!outage.lasts(Duration::ZERO));
        outage.goes_on();
        assert!(outage.lasts(Duration::ZERO));
        assert!(!outage.lasts(Duration::from_hours(1)));
        outage.over();
        assert!(!outage.lasts(Duration::ZERO));
    }
}
