//! How many requests are made at a time: more while that brings more, half as many when S3 asks
//! to slow down.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many at a time to begin with.
const FIRST: usize = 32;
/// Never fewer than this.
const LEAST: usize = 2;
/// What a number of requests brings is measured for so long.
const MEASURE: Duration = Duration::from_millis(100);
/// A further request to slow down within this time is an echo of the first.
const ECHO: Duration = Duration::from_millis(500);
/// Growth that brings less than this is no gain.
const GAIN: f64 = 1.05;
/// Where one of so many requests at a time gets no answer, they are too many: a server has fewer
/// places. Fewer than that are connections that break.
const UNANSWERED: usize = 4;
/// After so many measures without a gain a little more is tried all the same.
const PROBE: u32 = 10;

/// Lets requests pass.
#[derive(Debug)]
pub(super) struct Gate {
    permits: Arc<Semaphore>,
    most: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    limit: usize,
    /// How many of those that are in flight shall not be followed by others.
    debt: usize,
    doubling: bool,
    /// Whether somebody had to wait since the measure began.
    full: bool,
    began: Instant,
    done: u32,
    /// How many requests got no answer since then.
    unanswered: usize,
    best: f64,
    idle: u32,
    cut: Option<Instant>,
}

/// The right to make one request at a time, until it is dropped.
#[derive(Debug)]
pub(super) struct Pass {
    gate: Arc<Gate>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Gate {
    pub(super) fn new(most: usize) -> Self {
        let most = most.max(1);
        let limit = FIRST.min(most);
        Self {
            permits: Arc::new(Semaphore::new(limit)),
            most,
            state: Mutex::new(State {
                limit,
                debt: 0,
                doubling: true,
                full: false,
                began: Instant::now(),
                done: 0,
                unanswered: 0,
                best: 0.0,
                idle: 0,
                cut: None,
            }),
        }
    }

    pub(super) async fn enter(self: &Arc<Self>) -> Pass {
        let permit = if let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            Some(permit)
        } else {
            self.state().full = true;
            // It is never closed.
            Arc::clone(&self.permits).acquire_owned().await.ok()
        };
        Pass {
            gate: Arc::clone(self),
            permit,
        }
    }

    /// S3 asks for fewer requests.
    pub(super) fn slow_down(&self) {
        self.halve(&mut self.state());
    }

    /// A request got no answer.
    pub(super) fn unanswered(&self) {
        let mut state = self.state();
        state.unanswered += 1;
        // Of those that were answered in the same time some connections may break.
        if state.unanswered * UNANSWERED >= state.limit.max(state.done as usize) {
            self.halve(&mut state);
        }
    }

    fn halve(&self, state: &mut State) {
        if state.cut.is_some_and(|cut| cut.elapsed() < ECHO) {
            return;
        }
        let limit = (state.limit / 2).max(LEAST.min(self.most));
        let fewer = state.limit - limit;
        state.limit = limit;
        // Those that are in flight are let end; their permits are not given out again.
        let free = self.permits.forget_permits(fewer);
        state.debt += fewer - free;
        state.doubling = false;
        state.best = 0.0;
        state.cut = Some(Instant::now());
        state.restart();
    }

    fn grow(&self, state: &mut State, limit: usize) {
        let limit = limit.min(self.most);
        let more = limit.saturating_sub(state.limit);
        let paid = more.min(state.debt);
        state.debt -= paid;
        state.limit += more;
        self.permits.add_permits(more - paid);
    }

    fn count(&self) {
        let mut state = self.state();
        state.done += 1;
        let elapsed = state.began.elapsed();
        if elapsed < MEASURE || (state.done as usize) < state.limit {
            return;
        }
        if state.full && state.limit < self.most {
            let rate = f64::from(state.done) / elapsed.as_secs_f64();
            let limit = state.next_limit(rate);
            self.grow(&mut state, limit);
        }
        state.restart();
    }

    #[cfg(test)]
    fn limit(&self) -> usize {
        self.state().limit
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn restart(&mut self) {
        self.began = Instant::now();
        self.done = 0;
        self.unanswered = 0;
        self.full = false;
    }

    fn next_limit(&mut self, rate: f64) -> usize {
        let step = (self.limit / 8).max(1);
        if rate > self.best * GAIN {
            self.best = rate;
            self.idle = 0;
            return if self.doubling {
                self.limit * 2
            } else {
                self.limit + step
            };
        }
        self.doubling = false;
        self.idle += 1;
        if self.idle < PROBE {
            return self.limit;
        }
        // What was the best once may be out of reach now.
        self.idle = 0;
        self.best = rate;
        self.limit + step
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let Some(permit) = self.permit.take() else {
            return;
        };
        {
            let mut state = self.gate.state();
            if state.debt > 0 {
                state.debt -= 1;
                permit.forget();
            }
        }
        self.gate.count();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slowing_down_halves_and_never_stops() {
        let gate = Arc::new(Gate::new(100));
        for _ in 0..20 {
            gate.state().cut = None;
            gate.slow_down();
        }
        assert_eq!(gate.limit(), LEAST);
        assert_eq!(gate.permits.available_permits(), LEAST);
    }

    #[test]
    fn an_echo_does_not_halve_again() {
        let gate = Arc::new(Gate::new(100));
        gate.slow_down();
        gate.slow_down();
        assert_eq!(gate.limit(), FIRST / 2);
    }

    #[test]
    fn many_requests_without_an_answer_are_too_many() {
        let gate = Arc::new(Gate::new(100));
        for _ in 1..FIRST / UNANSWERED {
            gate.unanswered();
        }
        assert_eq!(gate.limit(), FIRST, "some connections break");
        gate.unanswered();
        assert_eq!(gate.limit(), FIRST / 2);
        // Those that began before, with the others.
        for _ in 0..FIRST {
            gate.unanswered();
        }
        assert_eq!(gate.limit(), FIRST / 2);
    }

    #[test]
    fn a_few_among_many_answers_are_not_too_many() {
        let gate = Arc::new(Gate::new(100));
        gate.state().done = 1000;
        for _ in 1..1000 / UNANSWERED {
            gate.unanswered();
        }
        assert_eq!(gate.limit(), FIRST);
        gate.unanswered();
        assert_eq!(gate.limit(), FIRST / 2);
    }

    #[tokio::test]
    async fn permits_of_requests_in_flight_are_taken_back() {
        let gate = Arc::new(Gate::new(100));
        let mut passes = Vec::new();
        for _ in 0..FIRST {
            passes.push(gate.enter().await);
        }
        gate.slow_down();
        assert_eq!(gate.permits.available_permits(), 0);
        passes.clear();
        assert_eq!(gate.permits.available_permits(), gate.limit());
    }

    #[test]
    fn growth_follows_what_it_brings() {
        let gate = Gate::new(100);
        let mut state = gate.state();
        assert_eq!(state.next_limit(100.0), FIRST * 2);
        assert_eq!(state.next_limit(101.0), FIRST, "no gain, no growth");
        assert_eq!(state.next_limit(200.0), FIRST + FIRST / 8);
    }
}
