//! The queue of work. What is nearest to its end is taken first, so that little is held at once:
//! logs before digests, digests before listings, and a further account or region only when the
//! ones at hand leave a worker idle.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::group::{Group, Waiting};
use super::held::{Asked, Held};
use super::logs::LogBatch;

/// One piece of work.
#[derive(Debug)]
pub(super) enum Task {
    /// Find out what is to be listed of a group.
    Open(Arc<Group>),
    /// List a part of it.
    List(Arc<Group>, usize),
    /// Read a digest of it, which has this number in its line.
    Digest(Arc<Group>, usize, (Waiting, Asked)),
    /// Judge a log.
    Log(Arc<LogBatch>, usize),
}

/// How much is done at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Width {
    /// How many groups are listed and walked.
    pub(super) groups: usize,
    /// How many workers are at logs.
    pub(super) at_logs: usize,
    /// How many logs each of them asks for.
    pub(super) window: usize,
}

#[derive(Debug, Default)]
struct State {
    logs: VecDeque<(Arc<LogBatch>, usize)>,
    waiting_logs: usize,
    digests: VecDeque<(Arc<Group>, usize, (Waiting, Asked))>,
    lists: VecDeque<(Arc<Group>, usize)>,
    waiting: VecDeque<Arc<Group>>,
    open_groups: usize,
    busy: usize,
    at_logs: usize,
    at_digests: usize,
    /// Workers that wait for something to do. Who went to sleep last is woken first: what it used is
    /// still in the caches, and no more workers than are needed ever use any memory.
    asleep: Vec<Arc<Condvar>>,
    stopped: bool,
}

/// Work for all workers of a run.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    width: Width,
    held: Held,
    /// How many bytes of digests may be held before no further one is read beside others.
    digest_memory: usize,
}

impl Queue {
    pub(super) fn new(
        groups: Vec<Arc<Group>>,
        width: Width,
        (held, digest_memory): (Held, usize),
    ) -> Self {
        let state = State {
            waiting: groups.into(),
            ..State::default()
        };
        Self {
            state: Mutex::new(state),
            width,
            held,
            digest_memory,
        }
    }

    /// How many logs a worker may ask for at once.
    pub(super) fn window(&self) -> usize {
        self.width.window
    }

    /// The first piece of work for a worker; waits for it, and gives nothing once all is done.
    pub(super) fn take(&self, worker: &mut Worker<'_>) -> Option<Task> {
        self.wait_for_task(self.lock(), worker)
    }

    /// The next piece of work for a worker, who has done the one before.
    pub(super) fn take_next(&self, worker: &mut Worker<'_>) -> Option<Task> {
        let mut state = self.lock();
        state.busy -= 1;
        state.at_logs -= usize::from(worker.at == At::Logs);
        state.at_digests -= usize::from(worker.at == At::Digest);
        self.wait_for_task(state, worker)
    }

    /// A further log for a worker that is at logs, if there is one.
    pub(super) fn more_logs(&self) -> Option<(Arc<LogBatch>, usize)> {
        let mut state = self.lock();
        if state.stopped {
            return None;
        }
        let log = state.next_log();
        if !self.has_rest(&state) || self.is_ahead(&state) {
            return log;
        }
        let woken = state.asleep.pop();
        drop(state);
        if let Some(worker) = woken {
            worker.notify_one();
        }
        log
    }

    /// Whether there is other work than logs.
    fn has_rest(&self, state: &State) -> bool {
        if !state.digests.is_empty() {
            return self.may_read(state);
        }
        let may_open = state.open_groups < self.width.groups && !state.waiting.is_empty();
        may_open || !state.lists.is_empty()
    }

    /// Whether a further digest may be read. They are asked for in the order of the walk: where none is
    /// being read, the walk waits for the next one, whatever is held.
    fn may_read(&self, state: &State) -> bool {
        state.at_digests == 0 || self.held.with(state.at_digests) < self.digest_memory
    }

    /// Whether there are logs enough: nothing further is read ahead of them.
    fn is_ahead(&self, state: &State) -> bool {
        let Width {
            at_logs, window, ..
        } = self.width;
        let are_busy = state.at_logs >= at_logs;
        are_busy && (state.at_digests >= at_logs || state.waiting_logs >= at_logs * window)
    }

    fn wait_for_task(
        &self,
        mut state: MutexGuard<'_, State>,
        worker: &mut Worker<'_>,
    ) -> Option<Task> {
        loop {
            if state.stopped {
                return None;
            }
            if let Some(task) = self.next(&mut state) {
                state.busy += 1;
                worker.at = At::of(&task);
                state.at_logs += usize::from(worker.at == At::Logs);
                state.at_digests += usize::from(worker.at == At::Digest);
                if worker.at == At::Digest {
                    self.wake_for_digest(state);
                }
                return Some(task);
            }
            if state.busy == 0 {
                state.stop();
                return None;
            }
            state.asleep.push(Arc::clone(&worker.woken));
            let woken = worker.woken.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
            // Nobody may have woken it.
            state
                .asleep
                .retain(|other| !Arc::ptr_eq(other, &worker.woken));
        }
    }

    /// Who found no room for a digest sleeps, and there may be room again: whoever takes one has the next
    /// one taken too.
    fn wake_for_digest(&self, mut state: MutexGuard<'_, State>) {
        if state.digests.is_empty() || self.is_ahead(&state) || !self.may_read(&state) {
            return;
        }
        let woken = state.asleep.pop();
        drop(state);
        if let Some(worker) = woken {
            worker.notify_one();
        }
    }

    fn next(&self, state: &mut State) -> Option<Task> {
        if state.at_logs < self.width.at_logs
            && let Some((batch, at)) = state.next_log()
        {
            return Some(Task::Log(batch, at));
        }
        if self.is_ahead(state) {
            return None;
        }
        if !state.digests.is_empty() && !self.may_read(state) {
            return None;
        }
        if let Some((group, number, digest)) = state.digests.pop_front() {
            return Some(Task::Digest(group, number, digest));
        }
        if let Some((group, part)) = state.lists.pop_front() {
            return Some(Task::List(group, part));
        }
        if state.open_groups < self.width.groups
            && let Some(group) = state.waiting.pop_front()
        {
            state.open_groups += 1;
            return Some(Task::Open(group));
        }
        None
    }

    /// Ends the run: no further piece is given out.
    pub(super) fn stop(&self) {
        self.lock().stop();
    }

    /// A worker. It ends the run if it panics: the others would wait forever for what it took.
    pub(super) fn worker(&self) -> Worker<'_> {
        Worker {
            queue: self,
            woken: Arc::default(),
            at: At::Rest,
        }
    }

    pub(super) fn push_logs(&self, batch: LogBatch) {
        let logs = batch.len();
        if logs == 0 {
            return;
        }
        let takes = logs.div_ceil(self.width.window);
        self.push(|state| {
            state.logs.push_back((Arc::new(batch), 0));
            state.waiting_logs += logs;
            takes.min(self.width.at_logs.saturating_sub(state.at_logs))
        });
    }

    pub(super) fn push_digest(&self, group: &Arc<Group>, number: usize, waiting: (Waiting, Asked)) {
        let digest = (Arc::clone(group), number, waiting);
        self.push(|state| {
            state.digests.push_back(digest);
            1
        });
    }

    pub(super) fn push_lists(&self, group: &Arc<Group>, parts: std::ops::Range<usize>) {
        let tasks = parts.clone().map(|part| (Arc::clone(group), part));
        self.push(|state| {
            state.lists.extend(tasks);
            parts.len()
        });
    }

    /// A group has been walked to its end.
    pub(super) fn group_done(&self) {
        self.push(|state| {
            state.open_groups -= 1;
            1
        });
    }

    /// Changes what there is to do. Of the workers that wait for it so many are woken as it takes,
    /// which `change` tells; where none waits, the system is not called at all.
    fn push(&self, change: impl FnOnce(&mut State) -> usize) {
        let mut state = self.lock();
        let takes = change(&mut state);
        let awake = state.asleep.len().saturating_sub(takes);
        let woken = state.asleep.split_off(awake);
        drop(state);
        for worker in woken.iter().rev() {
            worker.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A worker that panicked left no half-made change: each is a single push or pop.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next_log(&mut self) -> Option<(Arc<LogBatch>, usize)> {
        let (batch, next) = self.logs.front_mut()?;
        let log = (Arc::clone(batch), *next);
        *next += 1;
        self.waiting_logs -= 1;
        if *next == batch.len() {
            self.logs.pop_front();
        }
        Some(log)
    }

    fn stop(&mut self) {
        self.stopped = true;
        for worker in self.asleep.drain(..) {
            worker.notify_one();
        }
    }
}

/// What a worker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Logs,
    Digest,
    Rest,
}

impl At {
    fn of(task: &Task) -> Self {
        match task {
            Task::Log(..) => Self::Logs,
            Task::Digest(..) => Self::Digest,
            Task::List(..) | Task::Open(_) => Self::Rest,
        }
    }
}

/// A worker at its work.
#[derive(Debug)]
pub(super) struct Worker<'a> {
    queue: &'a Queue,
    woken: Arc<Condvar>,
    at: At,
}

impl Drop for Worker<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.queue.stop();
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
        let width = Width {
            groups: 1,
            at_logs: 1,
            window: 1,
        };
        let groups = vec![Arc::new(Group::new(place, BTreeMap::new()))];
        let queue = Queue::new(groups, width, (Held::default(), 0));
        thread::scope(|scope| {
            let panicking = scope.spawn(|| {
                let mut worker = queue.worker();
                assert!(matches!(queue.take(&mut worker), Some(Task::Open(_))));
                panic!("in a test");
            });
            assert!(panicking.join().is_err());
            assert!(queue.take(&mut queue.worker()).is_none());
        });
    }
}
