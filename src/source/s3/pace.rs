//! How fast a connection brings a body.

use std::time::{Duration, Instant};

use super::answers::STALLS;

/// A body that comes more slowly, but for its first seconds, is a fault: it would hold up a run for
/// days.
const LEAST_RATE: u64 = 1024;
/// Each piece of a body so large counts as an answer.
const PIECE: u64 = 1024 * 1024;

/// What of a body has come, and since when. Only that counts, not what a server says will come:
/// whoever says that it is very long would be waited for as long.
#[derive(Debug)]
pub(super) struct Pace {
    begun: Instant,
    stall: Duration,
    came: u64,
}

impl Pace {
    pub(super) fn new(stall: Duration) -> Self {
        Self {
            begun: Instant::now(),
            stall,
            came: 0,
        }
    }

    /// Takes note of so many bytes more. True where they fill another piece: a body of many gigabytes is
    /// long on its way, and all of that time the service is there.
    pub(super) fn count(&mut self, bytes: u64) -> bool {
        let pieces = self.came / PIECE;
        self.came = self.came.saturating_add(bytes);
        self.came / PIECE > pieces
    }

    /// More must have come by then.
    pub(super) fn until(&self) -> Instant {
        self.begun + self.stall * STALLS + Duration::from_secs(self.came / LEAST_RATE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bytes_that_came_bring_time() {
        let mut pace = Pace::new(Duration::from_secs(20));
        let given = |pace: &Pace| pace.until() - pace.begun;
        assert_eq!(given(&pace), Duration::from_mins(2));
        pace.count(LEAST_RATE * 9);
        pace.count(LEAST_RATE);
        assert_eq!(given(&pace), Duration::from_secs(130));
    }

    #[test]
    fn each_piece_is_an_answer_once() {
        let mut pace = Pace::new(Duration::from_secs(20));
        assert!(!pace.count(PIECE - 1));
        assert!(pace.count(1));
        assert!(!pace.count(PIECE - 1));
        assert!(pace.count(2 * PIECE));
    }
}
