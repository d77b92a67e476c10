//! The report as a stream: a JSON object a line, written as it happens, ended by the summary.
//!
//! Nothing of the run is kept but eight bytes for each finding, so that none is told twice.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::{BuildHasher as _, Hash as _, Hasher as _, RandomState};
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;

use super::json::{Chain, Finding, Keys, Report, Requested, Run, RunFilters, Tool, Totals};
use super::named;
use super::run_info::RunInfo;
use super::shown_json::write_line;
use super::sink::Sink;
use super::verbose::{digest_verdict, log_verdict};
use crate::event::{Event, Observer};
use crate::verify::conclusion::{Conclusion, Verdict};
use crate::verify::finding::{self, Code, Severity, Subject};

/// How often progress is told, while something happens.
const PROGRESS: Duration = Duration::from_secs(5);

/// A line of the stream.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    Start(Start<'a>),
    Digest(Object<'a>),
    Log(Log<'a>),
    Finding(&'a Finding<'a>),
    Progress(Counts),
    Summary(Box<Summary<'a>>),
}

#[derive(Serialize)]
struct Start<'a> {
    schema_version: u32,
    tool: &'a Tool<'a>,
    started: Timestamp,
    arguments: &'a [Cow<'a, str>],
    host: &'a Option<Cow<'a, str>>,
    user: &'a Option<Cow<'a, str>>,
    digests_only: bool,
    filters: &'a RunFilters<'a>,
    #[serde(with = "named::list")]
    allow: &'a [Code],
    #[serde(with = "named::list")]
    deny: &'a [Code],
    public_keys: &'a [Keys<'a>],
    source: &'a str,
}

#[derive(Serialize)]
struct Object<'a> {
    chain: &'a str,
    bucket: Option<&'a str>,
    key: Option<&'a str>,
    verdict: &'a str,
}

#[derive(Serialize)]
struct Log<'a> {
    #[serde(flatten)]
    object: Object<'a>,
    bytes: u64,
}

#[derive(Clone, Copy, Default, Serialize)]
struct Counts {
    listed: u64,
    digests: u64,
    logs: u64,
    bytes: u64,
    findings: u64,
}

#[derive(Serialize)]
struct Summary<'a> {
    finished: Timestamp,
    interrupted: bool,
    requested: &'a Requested,
    #[serde(with = "named")]
    verdict: Verdict,
    totals: &'a Totals,
    chains: &'a [Chain<'a>],
    findings: FindingCounts,
}

#[derive(Serialize)]
struct FindingCounts {
    invalid: u64,
    unverified: u64,
    notice: u64,
}

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
    told: HashSet<u64>,
    hasher: RandomState,
    progress: Instant,
}

impl JsonLines {
    /// Begins the stream. Keep a clone to end it; of `run`, what is not yet known may be wrong.
    pub fn begin(out: Box<dyn Write + Send>, run: &RunInfo) -> Self {
        let sink = Sink::new(out);
        let (tool, told) = (Tool::new(run), Run::new(run, false));
        sink.write(|out| start(&tool, &told, &run.source, out));
        Self(Arc::new(Shared {
            sink,
            state: Mutex::new(State {
                counts: Counts::default(),
                told: HashSet::new(),
                hasher: RandomState::new(),
                progress: Instant::now(),
            }),
            allow: run.allow.clone(),
            deny: run.deny.clone(),
        }))
    }

    /// Whether something could not be written. A run whose reader has gone can be stopped.
    pub fn has_failed(&self) -> bool {
        self.0.sink.has_failed()
    }

    /// Ends the stream: with the findings that only the whole run can tell, and the summary.
    ///
    /// # Errors
    /// Where anything of the stream could not be written.
    pub fn finish(&self, conclusion: &Conclusion, run: &RunInfo) -> io::Result<()> {
        for weighed in &conclusion.findings {
            if self.is_new(&weighed.finding) {
                let finding = Finding::new(weighed);
                self.write(&Line::Finding(&finding));
            }
        }
        // The findings are written already, and need not be copied for the summary's sake.
        let report = Report::without_findings(conclusion, run);
        let number = |severity| {
            let findings = conclusion.findings.iter();
            findings
                .filter(|weighed| weighed.severity == severity)
                .count() as u64
        };
        let counts = FindingCounts::new(number);
        self.0.sink.write(|out| summary(&report, counts, out));
        self.0.sink.finish()
    }

    fn write(&self, line: &Line<'_>) {
        self.0.sink.write(|out| write_line(line, out));
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a finding was not told before.
    fn is_new(&self, finding: &finding::Finding) -> bool {
        let mut state = self.state();
        let mut hasher = state.hasher.build_hasher();
        let finding::Finding {
            code,
            subject,
            chain,
            digest,
            expected,
            actual,
            detail,
        } = finding;
        (code, chain, digest, expected, actual, detail).hash(&mut hasher);
        match subject {
            Subject::Run => {}
            Subject::Object(location) => location.hash(&mut hasher),
            Subject::Listed { root, path, time } => (root, path, time).hash(&mut hasher),
        }
        state.told.insert(hasher.finish())
    }

    fn found(&self, found: &finding::Finding) {
        if !self.is_new(found) {
            return;
        }
        let (bucket, key) = place(&found.subject);
        let code = found.code;
        let severity = if self.0.deny.contains(&code) {
            Severity::Invalid
        } else if self.0.allow.contains(&code) {
            Severity::Notice
        } else {
            code.severity()
        };
        self.write(&Line::Finding(&Finding {
            code,
            severity,
            bucket: bucket.map(Cow::Borrowed),
            key: key.map(Cow::Borrowed),
            chain: found.chain.as_deref().map(Cow::Borrowed),
            digest: found.digest.as_deref().map(Cow::Borrowed),
            expected: found.expected.as_deref().map(Cow::Borrowed),
            actual: found.actual.as_deref().map(Cow::Borrowed),
            message: found.message().into(),
        }));
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
            Event::Found(finding) => {
                self.found(finding);
                self.count(|counts| counts.findings += 1);
            }
        }
    }
}

impl std::fmt::Debug for JsonLines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("JsonLines").field(&self.0.sink).finish()
    }
}

impl FindingCounts {
    fn new(number: impl Fn(Severity) -> u64) -> Self {
        Self {
            invalid: number(Severity::Invalid),
            unverified: number(Severity::Unverified),
            notice: number(Severity::Notice),
        }
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

/// Writes a saved report as a stream: all but what happened to each object.
///
/// # Errors
/// Where `out` fails.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    start(&report.tool, &report.run, &report.source, out)?;
    for finding in &report.findings {
        write_line(&Line::Finding(finding), out)?;
    }
    let number = |severity| {
        let findings = report.findings.iter();
        findings
            .filter(|finding| finding.severity == severity)
            .count() as u64
    };
    summary(report, FindingCounts::new(number), out)
}

fn start(tool: &Tool<'_>, run: &Run<'_>, source: &str, out: &mut dyn Write) -> io::Result<()> {
    let start = Start {
        schema_version: super::json::SCHEMA_VERSION,
        tool,
        started: run.started,
        arguments: &run.arguments,
        host: &run.host,
        user: &run.user,
        digests_only: run.digests_only,
        filters: &run.filters,
        allow: &run.allow,
        deny: &run.deny,
        public_keys: &run.public_keys,
        source,
    };
    write_line(&Line::Start(start), out)
}

fn summary(report: &Report<'_>, findings: FindingCounts, out: &mut dyn Write) -> io::Result<()> {
    let summary = Summary {
        finished: report.run.finished,
        interrupted: report.run.interrupted,
        requested: &report.requested,
        verdict: report.verdict,
        totals: &report.totals,
        chains: &report.chains,
        findings,
    };
    write_line(&Line::Summary(Box::new(summary)), out)
}
