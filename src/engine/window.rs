//! Logs of a source whose objects are waited for: one worker asks for many at once, and judges them as
//! they come. A thread for each request would cost more than the request.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::log_reading::LogRead;
use super::logs::LogBatch;
use super::run::Shared;
use crate::source::{Fetch, Next, SourceError};

/// For so long a worker waits for what it has asked for before it looks for further logs: some few that
/// are slow hold up no others.
const LONGEST: Duration = Duration::from_millis(100);

/// A log of a batch.
type Log = (Arc<LogBatch>, usize);

/// What a worker has asked for.
#[derive(Default)]
struct Window {
    /// What has not come yet, by what stands for it.
    asked: HashMap<u64, Log>,
    /// What has come, and takes further readings. Those wait until nothing is asked for any more:
    /// what has come holds memory that they may need.
    again: Vec<(Log, LogRead)>,
}

impl Shared<'_> {
    /// Judges `first`, and whatever other logs the queue has.
    pub(super) fn judge_at_once(&self, first: Log, fetch: &mut dyn Fetch) {
        let mut window = Window::default();
        let mut first = Some(first);
        while !self.stop.is_stopped() {
            while window.has_room(self.queue.window()) {
                let Some(log) = first.take().or_else(|| self.queue.more_logs()) else {
                    break;
                };
                self.ask(log, fetch, &mut window);
            }
            if window.asked.is_empty() && window.again.is_empty() {
                return;
            }
            match fetch.next(LONGEST) {
                Next::Came(ticket, given) => {
                    let Some((batch, at)) = window.asked.remove(&ticket) else {
                        continue;
                    };
                    let Some(log) = batch.log(at, self) else {
                        continue;
                    };
                    let read = log.first(given);
                    if log.is_read_again(&read) {
                        window.again.push(((batch, at), read));
                    } else {
                        self.judge(&batch, at, read);
                    }
                }
                Next::NotYet => {}
                Next::Nothing => self.settle(&mut window),
            }
        }
    }

    fn ask(&self, (batch, at): Log, fetch: &mut dyn Fetch, window: &mut Window) {
        let Some(log) = batch.log(at, self) else {
            return;
        };
        if let Some(read) = log.known() {
            if log.is_read_again(&read) {
                window.again.push(((batch, at), read));
            } else {
                self.judge(&batch, at, read);
            }
        } else if let Some((root, path)) = log.place() {
            let ticket = fetch.ask(root, path);
            window.asked.insert(ticket, (batch, at));
        }
    }

    /// Nothing more comes: what is left is judged.
    fn settle(&self, window: &mut Window) {
        for ((batch, at), read) in window.again.drain(..) {
            if let Some(log) = batch.log(at, self) {
                let read = log.confirm(read);
                self.judge(&batch, at, read);
            }
        }
        // Where the run is not stopped, nothing is left. No log may go unjudged all the same.
        for (_, (batch, at)) in window.asked.drain() {
            let lost = SourceError::Failed("its request was lost".into());
            self.judge(&batch, at, LogRead::failed(lost));
        }
    }

    /// Judges a log by what reading it came to.
    pub(super) fn judge(&self, batch: &LogBatch, at: usize, read: LogRead) {
        let finding = batch.log(at, self).and_then(|log| batch.judge(&log, read));
        if let Some(finding) = finding {
            self.find(finding);
        }
    }
}

impl Window {
    fn has_room(&self, most: usize) -> bool {
        self.asked.len() < most && self.again.is_empty()
    }
}
