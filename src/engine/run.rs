//! One run, whole: survey, listings, walks, logs, conclusion.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::group::{Group, Voucher};
use super::logs::{Bytes, ChainLogs};
use super::queue::{Queue, Task};
use super::survey::{Survey, survey};
use crate::event::{Event, Observer};
use crate::source::{Problem, Root, Source, SourceError};
use crate::verify::chain::{ChainSummary, WalkEvent};
use crate::verify::conclusion::{ChainTally, Conclusion, Tally, Weights};
use crate::verify::finding::{Code, Finding, Subject};
use crate::verify::hashing::ContentReader;
use crate::verify::keys::KeySet;
use crate::verify::location::{ChainId, DIGEST_FOLDER, RootId};

/// Which accounts, regions and trails are verified; where a set is empty, all are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// Accounts, by their twelve digits.
    pub accounts: BTreeSet<String>,
    /// Regions.
    pub regions: BTreeSet<String>,
    /// Trails, by name.
    pub trails: BTreeSet<String>,
}

impl Filters {
    pub(super) fn takes_account(&self, account: &str) -> bool {
        self.accounts.is_empty() || self.accounts.contains(account)
    }

    pub(super) fn takes_region(&self, region: &str) -> bool {
        self.regions.is_empty() || self.regions.contains(region)
    }

    pub(super) fn takes_chain(&self, chain: &ChainId) -> bool {
        self.trails.is_empty() || self.trails.contains(chain.trail())
    }
}

/// How much is done at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Threads that read and hash.
    pub threads: usize,
    /// Digests of one account and region that are read ahead of the walk.
    pub read_ahead: usize,
    /// Accounts' regions listed and walked at a time.
    pub groups: usize,
}

/// Asks a run to stop. What was found until then is still concluded from.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks the run to stop.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Stop {
    /// A reader that fails once the run is asked to stop.
    pub(super) fn guard(&self, reader: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
        Box::new(Guarded {
            reader,
            stop: self.clone(),
        })
    }
}

struct Guarded {
    reader: Box<dyn Read + Send>,
    stop: Stop,
}

impl Read for Guarded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.stop.is_stopped() {
            return Err(io::Error::other("the run was stopped"));
        }
        self.reader.read(into)
    }
}

/// What is to be verified, and against what.
#[derive(Debug)]
pub struct Job {
    /// Which accounts, regions and trails.
    pub filters: Filters,
    /// CloudTrail's public keys.
    pub keys: Arc<KeySet>,
    /// The range, and how findings are weighed.
    pub weights: Weights,
    /// Whether logs are left unread.
    pub digests_only: bool,
    /// How much is done at a time.
    pub limits: Limits,
}

/// What all workers of a run share.
pub(super) struct Shared<'a> {
    pub(super) source: &'a dyn Source,
    pub(super) job: &'a Job,
    pub(super) observer: &'a dyn Observer,
    pub(super) queue: Queue,
    pub(super) roots: Vec<Root>,
    pub(super) bytes: Bytes,
    tally: Mutex<Tally>,
    chains: Mutex<Vec<(ChainSummary, Arc<ChainLogs>)>>,
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
    let Survey {
        roots,
        places,
        problems,
    } = survey(source, &job.filters, job.limits.threads)?;
    let tally = Tally {
        places: places.keys().cloned().collect(),
        ..Tally::default()
    };
    let groups = places
        .into_iter()
        .map(|(place, holdings)| Arc::new(Group::new(place, holdings)));
    let groups: Vec<_> = groups.collect();
    let shared = Shared {
        queue: Queue::new(groups.clone(), job.limits.groups),
        source,
        job,
        observer,
        roots,
        bytes: Bytes::default(),
        tally: Mutex::new(tally),
        chains: Mutex::default(),
    };
    for problem in problems {
        shared.problem(&problem);
    }
    std::thread::scope(|scope| {
        for _ in 0..job.limits.threads {
            scope.spawn(|| shared.work(stop));
        }
    });
    if stop.is_stopped() {
        for group in groups {
            group.interrupt(&shared);
        }
    }
    Ok(shared.conclude(stop.is_stopped()))
}

impl Shared<'_> {
    fn work(&self, stop: &Stop) {
        let mut reader = ContentReader::default();
        while let Some(task) = self.queue.take() {
            if stop.is_stopped() {
                self.queue.stop();
                return;
            }
            match task {
                Task::Open(group) => group.open(self),
                Task::List(group, part) => group.list(self, part),
                Task::Digest(group, at) => group.digest(self, &mut reader, at),
                Task::Log(batch, at) => {
                    let finding = batch.judge(
                        at,
                        self.source,
                        &mut reader,
                        &self.bytes,
                        self.observer,
                        stop,
                    );
                    if let Some(finding) = finding {
                        self.find(finding);
                    }
                }
            }
            self.queue.done();
        }
    }

    /// The bucket and prefix of a root, where the source knows them.
    pub(super) fn stated(&self, root: RootId) -> Option<&(Arc<str>, Arc<str>)> {
        let root = self.roots.iter().find(|known| known.id == root)?;
        root.stated.as_ref()
    }

    pub(super) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn find(&self, finding: Finding) {
        self.observer.observe(&Event::Found(&finding));
        self.tally().findings.push(finding);
    }

    /// What could not be listed is told: nothing may hide behind it.
    pub(super) fn problem(&self, problem: &Problem) {
        let code = if problem.path.contains(DIGEST_FOLDER) || !problem.path.contains("/CloudTrail")
        {
            Code::DigestUnreadable
        } else {
            Code::LogUnreadable
        };
        let detail = format!(
            "what lies in {} could not be listed: {}",
            problem.path, problem.error
        );
        self.find(Finding::new(code, Subject::Run).detail(detail));
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
        Conclusion::reach(tally, &self.job.weights)
    }
}
