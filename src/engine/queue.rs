//! The queue of work. What is nearest to its end is taken first, so that little is held at once:
//! logs before digests, digests before listings, and a further account or region only when the
//! ones at hand leave a worker idle.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::group::{Group, Waiting};
use super::logs::LogBatch;

/// One piece of work.
#[derive(Debug)]
pub(super) enum Task {
    /// Find out what is to be listed of a group.
    Open(Arc<Group>),
    /// List a part of it.
    List(Arc<Group>, usize),
    /// Read a digest of it, which has this number in its line.
    Digest(Arc<Group>, usize, Waiting),
    /// Judge a log.
    Log(Arc<LogBatch>, usize),
}

#[derive(Debug, Default)]
struct State {
    logs: VecDeque<(Arc<LogBatch>, usize)>,
    digests: VecDeque<(Arc<Group>, usize, Waiting)>,
    lists: VecDeque<(Arc<Group>, usize)>,
    waiting: VecDeque<Arc<Group>>,
    open_groups: usize,
    busy: usize,
    /// Workers that wait for something to do.
    asleep: usize,
    stopped: bool,
}

/// Work for all workers of a run.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    /// So many groups are listed and walked at a time.
    most_groups: usize,
}

impl Queue {
    pub(super) fn new(groups: Vec<Arc<Group>>, most_groups: usize) -> Self {
        let state = State {
            waiting: groups.into(),
            ..State::default()
        };
        Self {
            state: Mutex::new(state),
            changed: Condvar::new(),
            most_groups,
        }
    }

    /// The first piece of work for a worker; waits for it, and gives nothing once all is done.
    pub(super) fn take(&self) -> Option<Task> {
        self.wait_for_task(self.lock())
    }

    /// The next piece of work for a worker, who has done the one before.
    pub(super) fn take_next(&self) -> Option<Task> {
        let mut state = self.lock();
        state.busy -= 1;
        self.wait_for_task(state)
    }

    fn wait_for_task(&self, mut state: MutexGuard<'_, State>) -> Option<Task> {
        loop {
            if state.stopped {
                return None;
            }
            if let Some(task) = self.next(&mut state) {
                state.busy += 1;
                return Some(task);
            }
            if state.busy == 0 {
                state.stopped = true;
                self.changed.notify_all();
                return None;
            }
            state.asleep += 1;
            let woken = self.changed.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
            state.asleep -= 1;
        }
    }

    fn next(&self, state: &mut State) -> Option<Task> {
        if let Some((batch, next)) = state.logs.front_mut() {
            let task = Task::Log(Arc::clone(batch), *next);
            *next += 1;
            if *next == batch.len() {
                state.logs.pop_front();
            }
            return Some(task);
        }
        if let Some((group, number, waiting)) = state.digests.pop_front() {
            return Some(Task::Digest(group, number, waiting));
        }
        if let Some((group, part)) = state.lists.pop_front() {
            return Some(Task::List(group, part));
        }
        if state.open_groups < self.most_groups
            && let Some(group) = state.waiting.pop_front()
        {
            state.open_groups += 1;
            return Some(Task::Open(group));
        }
        None
    }

    /// Ends the run: no further piece is given out.
    pub(super) fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    /// Ends the run if this worker panics while it holds this: the others would wait forever for
    /// what it took.
    pub(super) fn worker(&self) -> Worker<'_> {
        Worker(self)
    }

    pub(super) fn push_logs(&self, batch: LogBatch) {
        if batch.len() == 0 {
            return;
        }
        let many = batch.len() > 1;
        self.push(many, |state| state.logs.push_back((Arc::new(batch), 0)));
    }

    pub(super) fn push_digest(&self, group: &Arc<Group>, number: usize, waiting: Waiting) {
        let digest = (Arc::clone(group), number, waiting);
        self.push(false, |state| state.digests.push_back(digest));
    }

    pub(super) fn push_lists(&self, group: &Arc<Group>, parts: std::ops::Range<usize>) {
        let many = parts.len() > 1;
        let tasks = parts.map(|part| (Arc::clone(group), part));
        self.push(many, |state| state.lists.extend(tasks));
    }

    /// A group has been walked to its end.
    pub(super) fn group_done(&self) {
        self.push(false, |state| state.open_groups -= 1);
    }

    /// Changes what there is to do. Workers that wait for it are woken; where none does, the
    /// system is not called at all.
    fn push(&self, many: bool, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let asleep = state.asleep;
        drop(state);
        match asleep {
            0 => {}
            _ if many => self.changed.notify_all(),
            _ => self.changed.notify_one(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A worker that panicked left no half-made change: each is a single push or pop.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A worker at its work.
pub(super) struct Worker<'a>(&'a Queue);

impl Drop for Worker<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::thread;

    use super::*;
    use crate::verify::location::AccountRegion;

    #[test]
    fn nobody_waits_for_a_worker_that_panicked() {
        let place = AccountRegion::new(None, "123456789012", "us-east-1").unwrap();
        let queue = Queue::new(vec![Arc::new(Group::new(place, BTreeMap::new()))], 1);
        thread::scope(|scope| {
            let panicking = scope.spawn(|| {
                let _worker = queue.worker();
                assert!(matches!(queue.take(), Some(Task::Open(_))));
                panic!("in a test");
            });
            assert!(panicking.join().is_err());
            assert!(queue.take().is_none());
        });
    }
}
