//! Room for digests that are large while they are read: many may be asked for at a time, and of those
//! that are large only so many are inflated and parsed as may be held.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::held::Held;
use super::stop::Stop;

/// Nobody is told of it when something that is held goes: who waits looks again after so long.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The room that there is.
#[derive(Debug)]
pub(super) struct Room {
    held: Held,
    most: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    /// The turns of all who read.
    turns: BTreeSet<u64>,
    /// What those who came in may take.
    taken: usize,
}

/// The turn of one who reads a digest. They begin in the order of the walk, so the first of them reads
/// what the walk waits for: it always comes in, and what it reads is taken up and given back.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    room: &'a Room,
    number: u64,
    taken: usize,
}

impl Room {
    /// Room for so many bytes, less what is `held`.
    pub(super) fn new(held: Held, most: usize) -> Self {
        Self {
            held,
            most,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    pub(super) fn turn(&self) -> Turn<'_> {
        let mut state = self.lock();
        let number = state.next;
        state.next += 1;
        state.turns.insert(number);
        Turn {
            room: self,
            number,
            taken: 0,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// Waits until there is room for `bytes`, or it is the first, or the run is stopped.
    pub(super) fn come_in(&mut self, bytes: usize, stop: &Stop) {
        let mut state = self.room.lock();
        state.taken -= std::mem::take(&mut self.taken);
        while !stop.is_stopped() && state.turns.first() != Some(&self.number) {
            let taken = state.taken.saturating_add(self.room.held.bytes());
            if taken.saturating_add(bytes) <= self.room.most {
                break;
            }
            let waited = self.room.changed.wait_timeout(state, LOOK_AGAIN);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.taken += bytes;
        self.taken = bytes;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.room.lock();
        state.turns.remove(&self.number);
        state.taken -= self.taken;
        drop(state);
        self.room.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn no_more_come_in_than_there_is_room_for() {
        let room = Room::new(Held::default(), 100);
        let stop = Stop::default();
        let (now, highest) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    let mut turn = room.turn();
                    turn.come_in(40, &stop);
                    highest.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::sleep(Duration::from_millis(1));
                    now.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        // Two have room, and the first comes in in any case.
        assert!((1..=3).contains(&highest.into_inner()));
        assert_eq!(room.lock().taken, 0);
        assert!(room.lock().turns.is_empty());
    }

    #[test]
    fn where_there_is_no_room_the_first_comes_in_and_the_others_wait() {
        let held = Held::default();
        let room = Room::new(held.clone(), 100);
        let stop = Stop::default();
        let weight = held.take(100);
        let mut first = room.turn();
        first.come_in(1000, &stop);
        let mut second = room.turn();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| second.come_in(50, &stop));
            thread::sleep(Duration::from_millis(60));
            assert!(!waiting.is_finished());
            // Another step of the same turn gives back what it took before.
            first.come_in(10, &stop);
            drop(weight);
            assert!(waiting.join().is_ok());
        });
        assert_eq!(room.lock().taken, 60);
    }

    #[test]
    fn nobody_waits_in_a_run_that_ends() {
        let room = Room::new(Held::default(), 0);
        let stop = Stop::default();
        let _first = room.turn();
        let mut second = room.turn();
        stop.stop();
        second.come_in(1, &stop);
    }
}
