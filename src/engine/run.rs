//! One run, whole: survey, listings, walks, logs, conclusion.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::asked::{not_there, vanished, without_hours};
use super::custody::{LogsCalling, tell_altered};
use super::group::{Group, Voucher};
use super::held::Held;
use super::history::tell_histories;
use super::job::{Job, Limits};
use super::logs::{Bytes, ChainLogs, LogBatch};
use super::nothing::Looked;
use super::queue::{Queue, Task, Width};
use super::readers::Readers;
use super::reading::Reading;
use super::room::Room;
use super::stop::Stop;
use super::survey::{Survey, survey};
use super::threads::in_threads;
use crate::event::{Event, Observer};
use crate::source::{Problem, Source, SourceError};
use crate::verify::chain::{ChainSummary, WalkEvent};
use crate::verify::conclusion::{ChainTally, Conclusion, Tally};
use crate::verify::evidence::Ledger;
use crate::verify::finding::{Code, Finding, Subject};
use crate::verify::location::{RootId, is_among_logs};

/// How many workers ask for many logs at once, and hash them: enough for the cores of common machines.
const MOST_AT_LOGS: usize = 16;

/// What all workers of a run share.
pub(super) struct Shared<'a> {
    pub(super) source: &'a dyn Source,
    pub(super) job: &'a Job,
    pub(super) observer: &'a dyn Observer,
    pub(super) queue: Queue,
    pub(super) stop: &'a Stop,
    pub(super) readers: Readers,
    pub(super) held: Held,
    pub(super) room: Room,
    pub(super) bytes: Bytes,
    /// Digests in the range of trails that were not asked for.
    pub(super) of_others: AtomicU64,
    /// The roots of the source, and how a person calls them.
    pub(super) roots: BTreeMap<RootId, String>,
    /// The logs of days beside the range that are not there, each by itself.
    pub(super) absent_beside: Mutex<Vec<LogBatch>>,
    tally: Mutex<Tally>,
    pub(super) chains: Mutex<Vec<(ChainSummary, Arc<ChainLogs>)>>,
}

/// Verifies what `job` asks for of `source`, and concludes.
///
/// # Errors
/// Where the source itself cannot be looked at. Anything below it that cannot be read is a
/// finding, and never ends the run.
pub fn run(
    job: &Job,
    source: &dyn Source,
    observer: &dyn Observer,
    stop: &Stop,
) -> Result<Conclusion, SourceError> {
    let survey = match look_around(job, source, stop) {
        // What was not looked at because the run ends is no failure.
        Err(_) if stop.is_stopped() => Survey::default(),
        looked => looked?,
    };
    let looked = Looked::at(&survey);
    let Survey {
        places,
        problems,
        roots,
        ..
    } = survey;
    let tally = Tally {
        places: places.keys().cloned().collect(),
        evidence: (!job.digests_only).then(Ledger::default),
        ..Tally::default()
    };
    let mut places = places;
    for place in job.remembered_places() {
        places.entry(place).or_default();
    }
    let groups = places
        .into_iter()
        .map(|(place, holdings)| Arc::new(Group::new(place, holdings)));
    let groups: Vec<_> = groups.collect();
    let held = Held::default();
    let memory = job.limits.digest_memory;
    let width = width(source, job.limits);
    let shared = Shared {
        queue: Queue::new(groups.clone(), width, (held.clone(), memory)),
        source,
        job,
        observer,
        stop,
        readers: Readers::default(),
        room: Room::new(held.clone(), memory),
        held,
        bytes: Bytes::default(),
        of_others: AtomicU64::default(),
        roots: roots.into_iter().map(|it| (it.id, it.name)).collect(),
        absent_beside: Mutex::default(),
        tally: Mutex::new(tally),
        chains: Mutex::default(),
    };
    for problem in problems {
        shared.problem(&problem, None);
    }
    in_threads(job.limits.threads, || shared.work());
    if !stop.is_stopped() {
        shared.look_beside();
        shared.look_in_other_parts();
        let mut findings = std::mem::take(&mut shared.tally().findings);
        tell_histories(&shared, &mut findings);
        let allowed = &shared.job.weights.allow;
        let calling = LogsCalling(shared.source);
        tell_altered(shared.source.altered(), &calling, allowed, &mut findings);
        shared.tally().findings = findings;
    }
    if stop.is_stopped() {
        for group in groups {
            group.interrupt(&shared);
        }
    }
    let of_others = shared.of_others.load(Ordering::Relaxed);
    let mut conclusion = shared.conclude(stop.is_stopped());
    looked.explain(&job.filters, of_others, source, &mut conclusion);
    Ok(conclusion)
}

/// One request for each thread where the source gives at once what is asked for, and else as many,
/// made by few threads.
fn width(source: &dyn Source, limits: Limits) -> Width {
    let threads = limits.threads.max(1);
    let at_logs = if source.fetch().is_some() {
        threads.min(MOST_AT_LOGS)
    } else {
        threads
    };
    Width {
        groups: limits.groups,
        at_logs,
        window: threads.div_ceil(at_logs),
    }
}

/// The bucket and prefix of every root that something is told of, where the source knows them. Where
/// nothing in it is verified, nothing else tells.
fn stated(source: &dyn Source, tally: &Tally) -> BTreeMap<RootId, (Arc<str>, Arc<str>)> {
    let held = tally.before_first_day.iter().map(|held| &held.finding);
    let findings = tally.findings.iter().chain(held);
    let told = findings.filter_map(|finding| match &finding.subject {
        Subject::Listed { root, .. } => Some(*root),
        Subject::Run | Subject::Object(_) => None,
    });
    let left = tally.leftovers.iter().map(|left| left.root);
    let roots: BTreeSet<RootId> = told.chain(left).collect();
    let stated = |root| Some((root, source.stated(root)?));
    roots.into_iter().filter_map(stated).collect()
}

/// Looks for what is there, and makes the keys ready for it.
fn look_around(job: &Job, source: &dyn Source, stop: &Stop) -> Result<Survey, SourceError> {
    let survey = survey(source, &job.filters, job.limits.threads, stop)?;
    let with_digests = survey
        .places
        .iter()
        .filter(|(_, holdings)| holdings.values().any(|holdings| holdings.digests));
    let regions = with_digests.map(|(place, _)| place.region().to_owned());
    let regions: BTreeSet<_> = regions.collect();
    if !regions.is_empty() {
        job.keys.prepare(&regions)?;
    }
    Ok(survey)
}

impl Shared<'_> {
    fn work(&self) {
        let mut worker = self.queue.worker();
        let mut fetch = self.source.fetch();
        let mut next = self.queue.take(&mut worker);
        while let Some(task) = next {
            if self.stop.is_stopped() {
                self.queue.stop();
                return;
            }
            match task {
                Task::Open(group) => group.open(self),
                Task::List(group, part) => group.list(self, part),
                Task::Digest(group, number, (waiting, asked)) => {
                    group.digest(self, number, &waiting);
                    drop(asked);
                }
                Task::Log(batch, at) => {
                    if let Some(fetch) = &mut fetch {
                        self.judge_at_once((batch, at), &mut **fetch);
                    } else if let Some(log) = batch.log(at, self) {
                        self.judge(&batch, at, log.read());
                    }
                }
            }
            next = self.queue.take_next(&mut worker);
        }
    }

    pub(super) fn reading(&self) -> Reading<'_> {
        Reading {
            source: self.source,
            readers: &self.readers,
            room: &self.room,
            stop: self.stop,
        }
    }

    pub(super) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The same finding with the folder that its object lies in, where the source is a folder with several copies or
    /// parts: their objects have the same names.
    pub(super) fn placed(&self, finding: Finding, root: RootId) -> Finding {
        let name = self.roots.get(&root).filter(|_| self.roots.len() > 1);
        match name.filter(|_| self.source.stated(root).is_none()) {
            Some(name) => {
                let name = name.strip_prefix("./").unwrap_or(name);
                let told = finding.message_and(&format!("in the source's folder {name}"));
                finding.detail(told)
            }
            None => finding,
        }
    }

    pub(super) fn find(&self, finding: Finding) {
        self.observer.observe(&Event::Found(&finding));
        self.tally().findings.push(finding);
    }

    /// What could not be listed is told: nothing may hide behind it.
    pub(super) fn problem(&self, problem: &Problem, root: Option<RootId>) {
        let code = if is_among_logs(&problem.path) {
            Code::LogUnreadable
        } else {
            Code::DigestUnreadable
        };
        let detail = format!(
            "what lies in {} could not be listed: {}",
            problem.path, problem.error
        );
        let finding = Finding::new(code, Subject::Run).detail(detail);
        self.find(match root {
            Some(root) => self.placed(finding, root),
            None => finding,
        });
    }

    /// Passes on what a walk tells about its digests; what vouches for logs is given back.
    pub(super) fn tell(&self, chain: &str, event: WalkEvent) -> Option<Voucher> {
        match event {
            WalkEvent::Judged(subject, verdict) => {
                self.observer.observe(&Event::Digest {
                    chain,
                    subject: &subject,
                    verdict,
                });
                None
            }
            WalkEvent::Finding(finding) => {
                self.find(finding);
                None
            }
            vouches @ WalkEvent::Vouches { .. } => Voucher::of(vouches),
        }
    }

    pub(super) fn chain_done(&self, summary: ChainSummary, logs: Arc<ChainLogs>) {
        self.chains
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((summary, logs));
    }

    fn conclude(self, interrupted: bool) -> Conclusion {
        let mut tally = self
            .tally
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let chains = self
            .chains
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        tally.chains = chains
            .into_iter()
            .map(|(summary, logs)| ChainTally {
                summary,
                logs: logs.counts(),
            })
            .collect();
        tally.bytes_read = self.bytes.read.into_inner();
        tally.bytes_hashed = self.bytes.hashed.into_inner();
        tally.interrupted = interrupted;
        tally.stated = stated(self.source, &tally);
        let mut absent = not_there(&self.job.filters, &tally);
        absent.extend(vanished(self.job, &tally));
        absent.extend(without_hours(&tally));
        tally.findings.append(&mut absent);
        Conclusion::reach(tally, &self.job.weights)
    }
}
