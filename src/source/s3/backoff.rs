//! Waiting before another attempt: longer each time, and never all at once.

use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, Instant};

use super::settings::Patience;

/// So often somebody is asked in all who may not be the service, or not be there at all: more often than
/// not the address is wrong, and a person waits.
const DOUBTFUL: u32 = 9;

/// What has been tried so far.
#[derive(Debug)]
pub(super) struct Backoff {
    patience: Patience,
    /// When it first failed.
    began: Option<Instant>,
    failures: u32,
}

impl Backoff {
    pub(super) fn new(patience: Patience) -> Self {
        Self {
            patience,
            began: None,
            failures: 0,
        }
    }

    /// How often it failed.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// Counts a failure, and tells how long to wait before the next attempt; nothing where there
    /// is to be none.
    pub(super) fn failed(&mut self, is_doubtful: bool) -> Option<Duration> {
        self.failures += 1;
        let began = *self.began.get_or_insert_with(Instant::now);
        let usual = if is_doubtful { DOUBTFUL } else { u32::MAX };
        let attempts = self.patience.attempts.unwrap_or(usual);
        if self.failures >= attempts || began.elapsed() > self.patience.limit {
            return None;
        }
        let doubled = 2_u32.saturating_pow(self.failures - 1);
        let most = self
            .patience
            .first_wait
            .saturating_mul(doubled)
            .min(self.patience.longest_wait);
        // Between half of the longest wait and all of it.
        Some(most / 2 + most.mul_f64(fraction() / 2.0))
    }
}

/// Evenly spread over [0, 1); good enough to keep threads from asking in step.
fn fraction() -> f64 {
    // Each new `RandomState` is seeded anew.
    let bits = RandomState::new().hash_one(0_u8) >> 32;
    f64::from(u32::try_from(bits).unwrap_or(0)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        let patience = Patience {
            attempts: Some(5),
            ..Patience::default()
        };
        let mut backoff = Backoff::new(patience);
        let waits: Vec<_> = std::iter::from_fn(|| backoff.failed(false)).collect();
        assert_eq!(waits.len(), 4);
        for (number, wait) in (0..).zip(&waits) {
            let most = patience.first_wait * 2_u32.pow(number);
            assert!(*wait >= most / 2 && *wait <= most, "{number}: {wait:?}");
        }
    }

    /// A storm that is shorter than the limit is waited for, however often it takes.
    #[test]
    fn only_time_ends_what_passes() {
        let patience = Patience::default();
        let mut backoff = Backoff::new(patience);
        let mut waited = Duration::ZERO;
        while waited < patience.limit {
            waited += backoff.failed(false).unwrap();
        }
        assert!(backoff.failures() > DOUBTFUL, "{}", backoff.failures());
        backoff.began = Instant::now().checked_sub(patience.limit);
        assert_eq!(backoff.failed(false), None);
    }

    #[test]
    fn who_may_not_be_there_is_not_asked_for_long() {
        let mut backoff = Backoff::new(Patience::default());
        while backoff.failed(true).is_some() {}
        assert_eq!(backoff.failures(), DOUBTFUL);
    }
}
