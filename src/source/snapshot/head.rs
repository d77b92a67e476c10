//! The head of a snapshot: who took it, of what, when, and what it came to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::verify::time::Bounds;

/// The version of the head and of all that it speaks of.
pub(super) const VERSION: u32 = 1;

/// The head of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Head {
    /// The version of the snapshot's form.
    pub snapshot_version: u32,
    /// Whether the last run that copied into it has ended.
    pub finished: bool,
    /// The program that took it, and its version.
    pub tool: String,
    /// What it is a copy of.
    pub source: String,
    /// What kind of objects it holds.
    #[serde(default, skip_serializing_if = "Contents::is_logs")]
    pub contents: Contents,
    /// Which accounts, regions and trails, and whether logs too.
    pub filters: RunFilters,
    /// Whether the source kept earlier versions of its objects.
    pub keeps_versions: bool,
    /// The places with an `AWSLogs` folder, in the order in which the run numbered them.
    pub roots: Vec<RecordedRoot>,
    /// The keys, by region.
    pub keys: Vec<RecordedKeys>,
    /// The runs that copied into it, oldest first.
    pub runs: Vec<RecordedRun>,
    /// The manifest; nothing until a run has ended.
    pub manifest: Option<ManifestHead>,
}

/// What a snapshot holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contents {
    /// Digests and logs.
    #[default]
    Logs,
    /// Query results of CloudTrail Lake.
    QueryResults(ExportsPlace),
}

/// Where query results were looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ExportsPlace {
    /// The folder of the root that was looked into; empty for all of it.
    pub start: String,
    /// What stands before the root's paths in keys, where the root lies in a copy of a bucket.
    pub before: String,
}

impl Contents {
    #[doc(hidden)]
    pub fn is_logs(&self) -> bool {
        matches!(self, Self::Logs)
    }
}

/// What the snapshot was narrowed to. A further range must be narrowed alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RunFilters {
    /// Only these accounts.
    pub accounts: Vec<String>,
    /// Only these regions.
    pub regions: Vec<String>,
    /// Only these trails.
    pub trails: Vec<String>,
    /// Only trails of this home region.
    pub home_region: Option<String>,
    /// Whether logs were left out.
    pub digests_only: bool,
}

/// A place with an `AWSLogs` folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordedRoot {
    /// What the index calls it: where its objects lie.
    pub name: String,
    /// Its bucket, where the source knew it.
    pub bucket: Option<String>,
    /// Its prefix, where the source knew it.
    pub prefix: Option<String>,
    /// Whether it is one of the source's own, rather than one that a chain led to.
    pub own: bool,
}

/// The keys of a region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordedKeys {
    /// The region; nothing where they are those of all.
    pub region: Option<String>,
    /// Their file.
    pub file: Option<String>,
    /// Why there are none.
    pub why: Option<String>,
    /// When `CloudTrail` gave them, and what AWS calls the requests.
    pub calls: Vec<RecordedCall>,
    /// The runs that could not have them, and why: others may have had those of their range.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<KeyFailure>,
}

/// Why a run could not have a region's keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KeyFailure {
    /// The run's number.
    pub run: u32,
    /// The day around which further ones could not be had; nothing where none could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<Timestamp>,
    /// Why.
    pub why: String,
}

/// A call of `ListPublicKeys`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordedCall {
    /// When it was answered.
    pub at: Timestamp,
    /// What AWS calls it.
    pub request_id: Option<String>,
}

/// A run that copied into the snapshot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordedRun {
    /// When it began; what was due was due then.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The host.
    pub host: Option<String>,
    /// The user.
    pub user: Option<String>,
    /// The start of its range.
    pub start: Option<Timestamp>,
    /// The end of its range.
    pub end: Option<Timestamp>,
    /// What it came to.
    pub verdict: Option<String>,
}

/// The manifest, told by the head.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ManifestHead {
    /// Its file.
    pub file: String,
    /// How many files it names.
    pub files: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// SHA-256 over it: the one hash that stands for all of them.
    pub sha256: String,
}

/// When a run began, and its number: two may begin in one second.
type Began = (Timestamp, usize);

impl RecordedRun {
    /// Its range.
    pub fn bounds(&self) -> Option<Bounds> {
        Bounds::new(self.start, self.end)
    }
}

impl Head {
    /// The head of a snapshot that is begun with `run`.
    pub fn new(
        tool: String,
        source: String,
        contents: Contents,
        filters: RunFilters,
        keeps_versions: bool,
        run: RecordedRun,
    ) -> Self {
        Self {
            snapshot_version: VERSION,
            finished: false,
            tool,
            source,
            contents,
            filters,
            keeps_versions,
            roots: Vec::new(),
            keys: Vec::new(),
            runs: vec![run],
            manifest: None,
        }
    }

    /// The number of the last run.
    pub(super) fn last_run(&self) -> u32 {
        u32::try_from(self.runs.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    fn bounds_of(&self, run: u32) -> Option<Bounds> {
        self.runs.get(run as usize)?.bounds()
    }

    /// Whether the last run came to all that `run` came to: what that could not read counts no
    /// more. A run that did not end has the number of the last one.
    pub(super) fn is_superseded(&self, run: u32) -> bool {
        let last = self.last_run();
        let covered = self.bounds_of(run).zip(self.bounds_of(last));
        run >= last
            || covered.is_some_and(|(inner, outer)| {
                outer
                    .start()
                    .is_none_or(|start| inner.start().is_some_and(|its| its >= start))
                    && outer
                        .end()
                        .is_none_or(|end| inner.end().is_some_and(|its| its <= end))
            })
    }

    /// Whether what `run` was told bears on `asked`.
    pub fn bears_on(&self, run: u32, asked: &Bounds) -> bool {
        self.bounds_of(run).is_none_or(|its| {
            let ends = its.end().zip(asked.start());
            let starts = its.start().zip(asked.end());
            ends.is_none_or(|(end, start)| end > start)
                && starts.is_none_or(|(start, end)| start < end)
        })
    }

    /// What of it the index repeats.
    pub(super) fn without_manifest(&self) -> Self {
        Self {
            manifest: None,
            ..self.clone()
        }
    }

    /// The ranges that it holds whole: those of its runs, joined where they meet, and when the
    /// last run of each began; the one that was taken last comes last.
    pub fn ranges(&self) -> Vec<(Bounds, Timestamp)> {
        let runs = self.runs.iter().zip(0_usize..);
        let runs = runs.filter(|(run, _)| run.finished.is_some());
        let mut runs: Vec<_> = runs
            .map(|(run, number)| (run.start, run.end, (run.started, number)))
            .collect();
        runs.sort_unstable();
        let mut joined = Vec::<(Option<Timestamp>, Option<Timestamp>, Began)>::new();
        for (start, end, began) in runs {
            match joined.last_mut() {
                Some(last)
                    if last
                        .1
                        .is_none_or(|until| start.is_none_or(|at| at <= until)) =>
                {
                    last.1 = last.1.zip(end).map(|(a, b)| a.max(b));
                    last.2 = last.2.max(began);
                }
                Some(_) | None => joined.push((start, end, began)),
            }
        }
        joined.sort_unstable_by_key(|(_, _, began)| *began);
        let bounds = joined
            .into_iter()
            .filter_map(|(start, end, (began, _))| Some((Bounds::new(start, end)?, began)));
        bounds.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(start: &str, end: &str, started: &str) -> RecordedRun {
        let at = |text: &str| text.parse().ok();
        RecordedRun {
            started: at(started).unwrap_or_default(),
            finished: at(started),
            arguments: vec![],
            host: None,
            user: None,
            start: at(start),
            end: at(end),
            verdict: None,
        }
    }

    #[test]
    fn ranges_that_meet_are_one() {
        let mut head = Head {
            snapshot_version: VERSION,
            finished: true,
            tool: String::new(),
            source: String::new(),
            contents: Contents::Logs,
            filters: RunFilters::default(),
            keeps_versions: false,
            roots: vec![],
            keys: vec![],
            runs: vec![
                run(
                    "2024-03-02T00:00:00Z",
                    "2024-03-03T00:00:00Z",
                    "2024-05-02T00:00:00Z",
                ),
                run(
                    "2024-03-01T00:00:00Z",
                    "2024-03-02T00:00:00Z",
                    "2024-05-01T00:00:00Z",
                ),
            ],
            manifest: None,
        };
        let ranges = head.ranges();
        assert_eq!(ranges.len(), 1);
        assert_eq!(ranges[0].0.start(), "2024-03-01T00:00:00Z".parse().ok());
        assert_eq!(ranges[0].0.end(), "2024-03-03T00:00:00Z".parse().ok());
        assert_eq!(Some(ranges[0].1), "2024-05-02T00:00:00Z".parse().ok());
        head.runs.push(run(
            "2024-04-01T00:00:00Z",
            "2024-04-02T00:00:00Z",
            "2024-05-03T00:00:00Z",
        ));
        assert_eq!(head.ranges().len(), 2);
        let mut unfinished = run(
            "2024-04-02T00:00:00Z",
            "2024-04-03T00:00:00Z",
            "2024-05-03T00:00:00Z",
        );
        unfinished.finished = None;
        head.runs.push(unfinished);
        assert_eq!(
            head.ranges()[1].0.end(),
            "2024-04-02T00:00:00Z".parse().ok()
        );
    }
}
