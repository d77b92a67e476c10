//! The stream as a run writes it.
//!
//! Nothing of the run is kept but some bytes for each finding, so that none is told twice
//! without need.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash as _, Hasher as _, RandomState};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::lines::{Counts, FindingCounts, Line, Log, Numbered, Object, start, summary};
use crate::event::{Event, Observer};
use crate::report::json::{Finding, Report, Run, Tool};
use crate::report::run_info::RunInfo;
use crate::report::shown_json::write_line;
use crate::report::sink::Sink;
use crate::report::verbose::{digest_verdict, log_verdict};
use crate::verify::conclusion::Conclusion;
use crate::verify::finding::{self, Code, Severity, Subject};

/// How often progress is told, while something happens.
const PROGRESS: Duration = Duration::from_secs(5);

/// Writes the stream while a run goes on.
#[derive(Clone)]
pub struct JsonLines(Arc<Shared>);

struct Shared {
    sink: Sink,
    state: Mutex<State>,
    allow: Vec<Code>,
    deny: Vec<Code>,
}

struct State {
    counts: Counts,
    progress: Instant,
    hasher: RandomState,
    /// What was told, by what makes a finding the same one.
    told: HashMap<u64, Vec<Told>>,
}

/// A finding that was told.
struct Told {
    number: u64,
    /// All of it that was told, as a hash.
    whole: u64,
}

impl JsonLines {
    /// Begins the stream. Keep a clone to end it; of `run`, what is not yet known may be wrong.
    pub fn begin(sink: Sink, run: &RunInfo) -> Self {
        let (tool, told) = (Tool::new(run), Run::new(run, false));
        sink.write(|out| {
            start(&tool, &told, &run.source, out)?;
            // Whoever reads the stream learns at once that the run has begun.
            out.flush()
        });
        Self(Arc::new(Shared {
            sink,
            state: Mutex::new(State {
                counts: Counts::default(),
                progress: Instant::now(),
                hasher: RandomState::new(),
                told: HashMap::new(),
            }),
            allow: run.allow.clone(),
            deny: run.deny.clone(),
        }))
    }

    /// Ends the stream: with the findings that only the whole run can tell, or tell better, and
    /// the summary.
    ///
    /// # Errors
    /// Where anything of the stream could not be written.
    pub fn finish(&self, conclusion: &Conclusion, run: &RunInfo) -> io::Result<()> {
        let mut state = self.state();
        let all: Vec<_> = conclusion.findings.iter().map(Finding::new).collect();
        let mut open = Vec::new();
        for (finding, weighed) in all.iter().zip(&conclusion.findings) {
            let same = state.same(&weighed.finding);
            let whole = state.whole(finding);
            let told = state.told.get_mut(&same);
            let at = told.and_then(|told| {
                let at = told.iter().position(|told| told.whole == whole)?;
                Some(told.swap_remove(at))
            });
            if at.is_none() {
                open.push((finding, same));
            }
        }
        for (finding, same) in open {
            let known = state.told.get_mut(&same).and_then(Vec::pop);
            let number = known.map_or_else(|| state.next(), |told| told.number);
            self.write(&Line::Finding(Numbered { number, finding }));
        }
        drop(state);
        let severities = all.iter().map(|finding| finding.severity);
        let counts = FindingCounts::of(severities);
        // The findings are written already, and need not be copied for the summary's sake.
        let report = Report::without_findings(conclusion, run);
        self.0.sink.write(|out| summary(&report, counts, out));
        self.0.sink.finish()
    }

    fn write(&self, line: &Line<'_>) {
        self.0.sink.write(|out| write_line(line, out));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn found(&self, found: &finding::Finding) {
        let (bucket, key) = place(&found.subject);
        let code = found.code;
        let severity = if self.0.deny.contains(&code) {
            Severity::Invalid
        } else if self.0.allow.contains(&code) {
            Severity::Notice
        } else {
            code.severity()
        };
        let finding = Finding {
            code,
            severity,
            bucket: bucket.map(Cow::Borrowed),
            key: key.map(Cow::Borrowed),
            chain: found.chain.as_deref().map(Cow::Borrowed),
            digest: found.digest.as_deref().map(Cow::Borrowed),
            expected: found.expected.as_deref().map(Cow::Borrowed),
            actual: found.actual.as_deref().map(Cow::Borrowed),
            message: found.message().into(),
        };
        let mut state = self.state();
        let number = state.next();
        let (same, whole) = (state.same(found), state.whole(&finding));
        let told = Told { number, whole };
        state.told.entry(same).or_default().push(told);
        drop(state);
        let finding = &finding;
        let line = Line::Finding(Numbered { number, finding });
        // Whoever reads the stream learns of it though nothing more may happen for a long time.
        self.0.sink.write(|out| {
            write_line(&line, out)?;
            out.flush()
        });
    }

    /// Counts what happened, and tells how far the run is, now and then.
    fn count(&self, count: impl FnOnce(&mut Counts)) {
        let mut state = self.state();
        count(&mut state.counts);
        if state.progress.elapsed() >= PROGRESS {
            state.progress = Instant::now();
            let counts = state.counts;
            drop(state);
            self.write(&Line::Progress(counts));
        }
    }
}

impl State {
    /// The number of one more finding.
    fn next(&mut self) -> u64 {
        self.counts.findings += 1;
        self.counts.findings
    }

    /// What makes a finding the same one, however much more is known of it later.
    fn same(&self, finding: &finding::Finding) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        (finding.code, &finding.chain).hash(&mut hasher);
        match &finding.subject {
            Subject::Run => {}
            Subject::Object(location) => location.hash(&mut hasher),
            Subject::Listed { root, path, time } => (root, path, time).hash(&mut hasher),
        }
        hasher.finish()
    }

    /// All that is told of a finding.
    fn whole(&self, finding: &Finding<'_>) -> u64 {
        let Finding {
            code,
            severity: _,
            bucket,
            key,
            chain,
            digest,
            expected,
            actual,
            message,
        } = finding;
        let told = (code, bucket, key, chain, digest, expected, actual, message);
        self.hasher.hash_one(told)
    }
}

impl Observer for JsonLines {
    fn observe(&self, event: &Event<'_>) {
        match event {
            Event::Listed { digests, logs } => self.count(|counts| counts.listed += digests + logs),
            Event::Digest {
                chain,
                subject,
                verdict,
            } => {
                let (bucket, key) = place(subject);
                let (verdict, _) = digest_verdict(*verdict);
                self.write(&Line::Digest(Object {
                    chain,
                    bucket,
                    key,
                    verdict,
                }));
                self.count(|counts| counts.digests += 1);
            }
            Event::Log {
                chain,
                location,
                verdict,
                bytes,
            } => {
                let (verdict, _) = log_verdict(*verdict);
                let object = Object {
                    chain,
                    bucket: Some(location.bucket()),
                    key: Some(location.key()),
                    verdict,
                };
                self.write(&Line::Log(Log {
                    object,
                    bytes: *bytes,
                }));
                self.count(|counts| {
                    counts.logs += 1;
                    counts.bytes += bytes;
                });
            }
            // Of query results, whose reports are not streams.
            Event::File { .. } | Event::Kept { .. } => {}
            Event::Found(finding) => self.found(finding),
        }
    }
}

impl std::fmt::Debug for JsonLines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("JsonLines").field(&self.0.sink).finish()
    }
}

/// Bucket and key of an object, as far as they are known while the run goes on.
fn place(subject: &Subject) -> (Option<&str>, Option<&str>) {
    match subject {
        Subject::Run => (None, None),
        Subject::Object(location) => (Some(location.bucket()), Some(location.key())),
        Subject::Listed { path, .. } => (None, Some(path)),
    }
}
