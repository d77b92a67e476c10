//! One archive judged by the library, in this process.

use std::{
    collections::BTreeSet,
    sync::{Arc, LazyLock},
};

use ct_verify::{
    engine::{Job, Limits, Stop, run},
    event::Observers,
    source::{GivenKeys, Source},
    verify::{
        conclusion::{Conclusion, Verdict, Weights},
        finding::Severity,
        keys::{KeySet, parse_keys},
        time::Bounds,
    },
};
use jiff::Timestamp;

use super::memory::{As, MemorySource};
use crate::forge::{At, Store, Time, keyfiles::trusted_keys};

static KEYS: LazyLock<KeySet> = LazyLock::new(|| {
    let keys = parse_keys(trusted_keys().as_bytes()).expect("the forge's keys");
    KeySet::new(keys).expect("two of them")
});

/// The range asked for, and how the run is made; the clock stands at 2024-06-01.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    pub range: Option<(Time, Time)>,
    pub threads: usize,
    pub seen_as: As,
    pub shuffle: Option<u64>,
}

impl Default for Run {
    fn default() -> Self {
        Self {
            range: None,
            threads: 1,
            seen_as: As::Folder,
            shuffle: None,
        }
    }
}

/// One finding: what reports tell of it, but for the words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    pub code: &'static str,
    pub severity: Severity,
    pub bucket: Option<String>,
    pub key: Option<String>,
    pub chain: Option<String>,
}

impl Found {
    /// Whether it is about this object. Where nothing verified tells the bucket, the path has to do.
    pub fn is_about(&self, at: &At) -> bool {
        let bucket = self.bucket.as_ref().is_none_or(|bucket| *bucket == at.0);
        let key = self.key.as_ref();
        bucket && key.is_some_and(|key| *key == at.1 || at.1.ends_with(&format!("/{key}")))
    }

    pub fn weighs(&self) -> bool {
        self.severity > Severity::Notice
    }
}

/// What was said of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    pub verdict: Verdict,
    pub findings: Vec<Found>,
    /// Everything else that the run found out, written out: what does not depend on it is the same, byte for byte.
    pub all: String,
}

impl Judged {
    pub fn codes(&self) -> BTreeSet<&'static str> {
        self.findings.iter().map(|found| found.code).collect()
    }

    pub fn of(conclusion: &Conclusion) -> Self {
        let text = |text: &Option<Arc<str>>| text.as_deref().map(str::to_owned);
        let findings = conclusion.findings.iter().map(|weighed| Found {
            code: weighed.finding.code.name(),
            severity: weighed.severity,
            bucket: text(&weighed.bucket),
            key: text(&weighed.key),
            chain: text(&weighed.finding.chain),
        });
        Self {
            verdict: conclusion.verdict(),
            findings: findings.collect(),
            all: format!("{conclusion:#?}"),
        }
    }
}

pub fn judge(store: &Store, how: Run) -> Judged {
    judge_source(&MemorySource::new(store, how.seen_as, how.shuffle), how)
}

pub fn judge_source(source: &dyn Source, how: Run) -> Judged {
    let instant = |time: Time| Timestamp::from_second(time.0).expect("a time of the forge");
    let bounds = Bounds::new(
        how.range.map(|(start, _)| instant(start)),
        how.range.map(|(_, end)| instant(end)),
    );
    let now = instant(Time::parse("2024-06-01T00:00:00Z"));
    let job = Job::new(
        Arc::new(GivenKeys::new(KEYS.clone())),
        Weights::new(bounds.expect("a range"), now),
        Limits {
            threads: how.threads,
            read_ahead: 8,
            groups: 4,
            digest_memory: 1 << 20,
        },
    );
    let conclusion = run(&job, source, &Observers::default(), &Stop::default());
    Judged::of(&conclusion.expect("a source that can be looked at"))
}
