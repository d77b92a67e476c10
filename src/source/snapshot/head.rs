//! The head of a snapshot: who took it, of what, when, and what it came to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::verify::time::Bounds;

/// The version of the head and of all that it speaks of.
pub(super) const VERSION: u32 = 1;

/// The head of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The version of the snapshot's form.
    pub snapshot_version: u32,
    /// Whether the last run that copied into it has ended.
    pub finished: bool,
    /// The program that took it, and its version.
    pub tool: String,
    /// What it is a copy of.
    pub source: String,
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

/// What the snapshot was narrowed to. A further range must be narrowed alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedKeys {
    /// The region; nothing where they are those of all.
    pub region: Option<String>,
    /// Their file.
    pub file: Option<String>,
    /// Why there are none.
    pub why: Option<String>,
    /// When `CloudTrail` gave them, and what AWS calls the requests.
    pub calls: Vec<RecordedCall>,
}

/// A call of `ListPublicKeys`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedCall {
    /// When it was answered.
    pub at: Timestamp,
    /// What AWS calls it.
    pub request_id: Option<String>,
}

/// A run that copied into the snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
        filters: RunFilters,
        keeps_versions: bool,
        run: RecordedRun,
    ) -> Self {
        Self {
            snapshot_version: VERSION,
            finished: false,
            tool,
            source,
            filters,
            keeps_versions,
            roots: Vec::new(),
            keys: Vec::new(),
            runs: vec![run],
            manifest: None,
        }
    }

    /// The ranges that it holds whole: those of its runs, joined where they meet, and when the
    /// last run of each began.
    pub fn ranges(&self) -> Vec<(Bounds, Timestamp)> {
        let runs = self.runs.iter().filter(|run| run.finished.is_some());
        let mut runs: Vec<_> = runs.map(|run| (run.start, run.end, run.started)).collect();
        runs.sort_unstable();
        let mut joined: Vec<(Option<Timestamp>, Option<Timestamp>, Timestamp)> = Vec::new();
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
        let bounds = joined
            .into_iter()
            .filter_map(|(start, end, began)| Some((Bounds::new(start, end)?, began)));
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
