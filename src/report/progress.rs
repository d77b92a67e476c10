//! How far a run is: a bar on a terminal, a line now and then elsewhere.
//!
//! Observing only counts; a thread of its own shows the counts, so that showing them costs the
//! run nothing.

use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::SignedDuration;

use super::amounts::{bytes, count, counted, duration};
use crate::event::{Event, FileKind, Observer};

/// How often a bar is drawn anew.
const FRAME: Duration = Duration::from_millis(200);
/// How often a line is written where there is no terminal.
const LINE: Duration = Duration::from_secs(30);
/// Rates are those of this much time, so that they follow what happens now.
const WINDOW: Duration = Duration::from_secs(20);

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgressMode {
    /// A bar, on a terminal.
    Bar,
    /// A line every 30 seconds.
    Lines,
    /// Not at all.
    Off,
}

/// Shows how far a run is on standard error, until it is finished or dropped.
#[derive(Debug)]
pub struct Progress {
    counts: Arc<Counts>,
    end: Arc<End>,
    thread: Option<JoinHandle<()>>,
}

/// Counts what happens; it is what a run observes with.
#[derive(Clone, Debug)]
pub struct ProgressObserver(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    listed: AtomicU64,
    digests: AtomicU64,
    logs: AtomicU64,
    bytes: AtomicU64,
    findings: AtomicU64,
    /// How many bytes there are, and how many are done, where bytes are what counts.
    bytes_of: OnceLock<(u64, Arc<AtomicU64>)>,
}

#[derive(Debug, Default)]
struct End {
    is_over: Mutex<bool>,
    told: Condvar,
}

impl Progress {
    /// Begins to show progress.
    pub fn start(mode: ProgressMode) -> Self {
        let counts = Arc::new(Counts::default());
        let end = Arc::new(End::default());
        let thread = (mode != ProgressMode::Off).then(|| {
            let (counts, end) = (Arc::clone(&counts), Arc::clone(&end));
            std::thread::Builder::new()
                .name("progress".to_owned())
                .spawn(move || show(mode, &counts, &end))
        });
        Self {
            counts,
            end,
            // Without a thread to spare nothing is shown, and nothing else is lost.
            thread: thread.and_then(Result::ok),
        }
    }

    /// Counts bytes instead of objects: `done`, of `total`.
    pub fn by_bytes(&self, total: u64, done: Arc<AtomicU64>) {
        let _ = self.counts.bytes_of.set((total, done));
    }

    /// What a run observes with.
    pub fn observer(&self) -> ProgressObserver {
        ProgressObserver(Arc::clone(&self.counts))
    }

    /// Ends it, and takes the bar away. Standard error is free when this returns.
    pub fn finish(self) {
        drop(self);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        *self
            .end
            .is_over
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = true;
        self.end.told.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic there has been told already, and is no reason for another.
            drop(thread.join());
        }
    }
}

impl Observer for ProgressObserver {
    fn observe(&self, event: &Event<'_>) {
        let counts = &self.0;
        let add = |counter: &AtomicU64, number| {
            counter.fetch_add(number, Ordering::Relaxed);
        };
        match event {
            Event::Listed { digests, logs } => add(&counts.listed, digests + logs),
            Event::Digest { .. } => add(&counts.digests, 1),
            Event::Log { bytes, .. } | Event::Kept { bytes } => {
                add(&counts.logs, 1);
                add(&counts.bytes, *bytes);
            }
            Event::File { kind, bytes, .. } => {
                let counter = match kind {
                    FileKind::SignFile => &counts.digests,
                    FileKind::Result => &counts.logs,
                };
                add(counter, 1);
                add(&counts.bytes, *bytes);
            }
            Event::Found(_) => add(&counts.findings, 1),
        }
    }
}

fn show(mode: ProgressMode, counts: &Counts, end: &End) {
    let interval = match mode {
        ProgressMode::Bar => FRAME,
        ProgressMode::Lines | ProgressMode::Off => LINE,
    };
    let bar = (mode == ProgressMode::Bar).then(new_bar);
    let mut rates = Rates::new(Instant::now(), counts.read());
    let mut is_over = end.is_over.lock().unwrap_or_else(PoisonError::into_inner);
    while !*is_over {
        (is_over, _) = end
            .told
            .wait_timeout(is_over, interval)
            .unwrap_or_else(PoisonError::into_inner);
        if *is_over {
            break;
        }
        let now = counts.read();
        let rate = rates.update(Instant::now(), now);
        match &bar {
            Some(bar) => {
                let (done, total) = now.copied.unwrap_or((now.done(), now.listed));
                bar.set_length(total.max(done).max(1));
                bar.set_position(done);
                bar.set_message(line(now, rate));
            }
            // Nobody may be reading; that must not end the run.
            None => drop(writeln!(
                std::io::stderr(),
                "ct-verify: {}",
                line(now, rate)
            )),
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
}

fn new_bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr());
    // A template that does not parse would show in the first run; the default one does too.
    let style = ProgressStyle::with_template("[{wide_bar}] {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ");
    bar.set_style(style);
    bar
}

/// What was counted at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Snapshot {
    listed: u64,
    digests: u64,
    logs: u64,
    bytes: u64,
    findings: u64,
    /// Bytes done, and of how many, where bytes are what counts.
    copied: Option<(u64, u64)>,
}

impl Snapshot {
    fn done(self) -> u64 {
        self.digests + self.logs
    }

    /// The bytes whose rate is told.
    fn flow(self) -> u64 {
        self.copied.map_or(self.bytes, |(done, _)| done)
    }
}

impl Counts {
    fn read(&self) -> Snapshot {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Snapshot {
            listed: read(&self.listed),
            digests: read(&self.digests),
            logs: read(&self.logs),
            bytes: read(&self.bytes),
            findings: read(&self.findings),
            copied: self
                .bytes_of
                .get()
                .map(|(total, done)| (read(done), *total)),
        }
    }
}

/// How fast it goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rate {
    objects: u64,
    bytes: u64,
}

/// What was counted in the last while, oldest first.
#[derive(Debug)]
struct Rates(std::collections::VecDeque<(Instant, Snapshot)>);

impl Rates {
    fn new(now: Instant, counted: Snapshot) -> Self {
        Self(std::collections::VecDeque::from([(now, counted)]))
    }

    /// The rates a second from the beginning of the window to now.
    fn update(&mut self, now: Instant, counted: Snapshot) -> Rate {
        self.0.push_back((now, counted));
        while self.0.len() > 2 && self.0.get(1).is_some_and(|(at, _)| now - *at >= WINDOW) {
            self.0.pop_front();
        }
        let Some((since, before)) = self.0.front() else {
            return Rate::default();
        };
        let millis = u64::try_from((now - *since).as_millis()).unwrap_or(u64::MAX);
        let per_second = |number: u64| number.saturating_mul(1000) / millis.max(1);
        Rate {
            objects: per_second(counted.done() - before.done()),
            bytes: per_second(counted.flow() - before.flow()),
        }
    }
}

fn line(now: Snapshot, rate: Rate) -> String {
    if let Some((done, total)) = now.copied {
        return copied_line(now, (done, total.max(done)), rate);
    }
    let total = now.listed.max(now.done());
    let mut line = format!(
        "{} of {}, {}/s, {}/s",
        count(now.done()),
        counted(total, "object", "objects"),
        count(rate.objects),
        bytes(rate.bytes)
    );
    if let Some(seconds) = (total - now.done()).checked_div(rate.objects) {
        let left = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        line.push_str(", ");
        line.push_str(&duration(left));
        line.push_str(" left");
    }
    push_findings(&mut line, now);
    line
}

fn copied_line(now: Snapshot, (done, total): (u64, u64), rate: Rate) -> String {
    let mut line = format!(
        "{} of {}, {}/s",
        bytes(done),
        bytes(total),
        bytes(rate.bytes)
    );
    if let Some(seconds) = (total - done).checked_div(rate.bytes) {
        let left = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
        line.push_str(", ");
        line.push_str(&duration(left));
        line.push_str(" left");
    }
    push_findings(&mut line, now);
    line
}

fn push_findings(line: &mut String, now: Snapshot) {
    if now.findings > 0 {
        line.push_str(", ");
        line.push_str(&counted(now.findings, "finding", "findings"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_the_last_while() {
        let begin = Instant::now();
        let at = |seconds, logs, bytes| {
            let counted = Snapshot {
                listed: 1000,
                logs,
                bytes,
                ..Snapshot::default()
            };
            (begin + Duration::from_secs(seconds), counted)
        };
        let mut rates = Rates::new(begin, Snapshot::default());
        let (now, counted) = at(1, 100, 5_000);
        let rate = rates.update(now, counted);
        assert_eq!((rate.objects, rate.bytes), (100, 5_000));
        assert_eq!(
            line(counted, rate),
            "100 of 1,000 objects, 100/s, 5.0 kB/s, 9 s left"
        );
        for second in 2..60 {
            let (now, counted) = at(second, 100, 5_000);
            rates.update(now, counted);
        }
        let (now, counted) = at(60, 100, 5_000);
        assert_eq!(rates.update(now, counted), Rate::default());
        assert_eq!(
            line(counted, Rate::default()),
            "100 of 1,000 objects, 0/s, 0 B/s"
        );
    }

    #[test]
    fn it_ends_at_once() {
        for mode in [ProgressMode::Lines, ProgressMode::Off] {
            let began = Instant::now();
            let progress = Progress::start(mode);
            let observer = progress.observer();
            observer.observe(&Event::Listed {
                digests: 1,
                logs: 2,
            });
            progress.finish();
            assert!(began.elapsed() < LINE / 2);
            assert_eq!(observer.0.read().listed, 3);
        }
    }
}
