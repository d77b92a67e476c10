//! The head of a snapshot: who took it, of what, when, and what it came to.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::verify::conclusion::Verdict;
use crate::verify::time::{Bounds, PAST_END, minus};

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
    /// Only chains of an organization's trail, which belongs to this account.
    pub management_account: Option<String>,
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

impl RecordedRoot {
    /// How the source called it: a folder's roots lie below one name in the snapshot.
    pub(super) fn told_as(&self) -> &str {
        let below = self.name.strip_prefix("copy/");
        match (&self.bucket, self.name.as_str()) {
            (Some(_), name) => name,
            (None, "copy") => ".",
            (None, name) => below.unwrap_or(name),
        }
    }
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

impl RecordedKeys {
    /// Forgets what could not be had, where it was told since whether it can be.
    pub(super) fn forget(&mut self, is_told: impl Fn(&KeyFailure) -> bool) {
        self.failed.retain(|failure| !is_told(failure));
        // Keys of all regions may have come in its place.
        if !self.failed.iter().any(|failure| failure.day.is_none()) {
            self.why = None;
        }
    }

    /// Whether nothing is told of the region but why other runs could not have its keys than those of
    /// which `bearing` was told.
    pub fn is_of_others(&self, bearing: &[&KeyFailure]) -> bool {
        self.file.is_none() && !bearing.iter().any(|failure| failure.day.is_none())
    }
}

/// Why a run could not have a region's keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct KeyFailure {
    /// The run's number.
    pub run: u32,
    /// The day around which further ones could not be had; nothing where none could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<Timestamp>,
    /// Why they could not be had.
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
    /// From when on it looked for objects, where that is before its range: those that the run
    /// before it came too early for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_from: Option<Timestamp>,
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

/// A range that a snapshot holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldRange {
    /// The range.
    pub bounds: Bounds,
    /// Until when there was anything to be copied: its end, or when the last of its runs began.
    pub reach: Timestamp,
    /// When the last of its runs began.
    pub began: Timestamp,
}

/// When a run began, and its number: two may begin in one second.
type Began = (Timestamp, usize);

/// Ranges that were joined.
struct Joined {
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    /// Until when it was there to be looked for.
    reach: Timestamp,
    began: Began,
}

impl RecordedRun {
    /// Its range.
    pub fn bounds(&self) -> Option<Bounds> {
        Bounds::new(self.start, self.end)
    }

    /// The range in which it looked for objects: its own, and what lies shortly before it.
    pub(super) fn looked_in(&self) -> Option<Bounds> {
        Bounds::new(self.looked_from.or(self.start), self.end)
    }

    /// Until when it holds what there is: nobody can look for what is yet to come.
    fn reach(&self) -> Timestamp {
        self.end.map_or(self.started, |end| end.min(self.started))
    }

    /// Takes note of what it has to look for beside its range. A run that ended where this one
    /// starts came too early for the digests that were still to be written then; this one does
    /// not need them, but both together do.
    pub(super) fn look_back(&mut self, earlier: &[Self]) {
        let Some(start) = self.start else {
            return;
        };
        let leads_here = |run: &Self| {
            run.finished.is_some()
                && run.reach() >= start
                && run.start.is_none_or(|its| its < start)
        };
        self.looked_from = earlier
            .iter()
            .any(leads_here)
            .then(|| minus(start, PAST_END));
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

    /// Whether it is that of a snapshot that is finished.
    pub(super) fn is_usable(&self) -> bool {
        self.finished && self.manifest.is_some() && !self.runs.is_empty()
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
        run >= last || covered.is_some_and(|(inner, outer)| outer.encloses(&inner))
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

    /// Whether a valid run asked for all that is `asked` for now, and no other one brought anything beyond its range:
    /// what is not there now was taken away.
    pub(super) fn was_whole(&self, asked: &Bounds) -> bool {
        let Some(last) = self.runs.last() else {
            return false;
        };
        let is_valid = last.verdict.as_deref() == Some(Verdict::Valid.name());
        let is_alone = self.runs.iter().all(|run| run.bounds() == last.bounds());
        let is_asked = last.bounds().is_some_and(|its| its.encloses(asked));
        last.finished.is_some() && is_valid && is_alone && is_asked
    }

    /// The ranges that it holds whole: those of its runs, joined where they meet, and when the
    /// last run of each began; the one that was taken last comes last.
    pub fn ranges(&self) -> Vec<HeldRange> {
        let runs = self.runs.iter().zip(0_usize..);
        let runs = runs.filter(|(run, _)| run.finished.is_some());
        let mut runs: Vec<_> = runs.collect();
        runs.sort_unstable_by_key(|(run, number)| (run.start, run.end, run.started, *number));
        let mut joined = Vec::<Joined>::new();
        for (run, number) in runs {
            let began = (run.started, number);
            match joined.last_mut() {
                Some(last) if run.start.is_none_or(|start| start <= last.reach) => {
                    last.end = last.end.zip(run.end).map(|(a, b)| a.max(b));
                    last.reach = last.reach.max(run.reach());
                    last.began = last.began.max(began);
                }
                Some(_) | None => joined.push(Joined {
                    start: run.start,
                    end: run.end,
                    reach: run.reach(),
                    began,
                }),
            }
        }
        joined.sort_unstable_by_key(|it| it.began);
        let ranges = joined.into_iter().filter_map(|it| {
            Some(HeldRange {
                bounds: Bounds::new(it.start, it.end)?,
                reach: it.reach,
                began: it.began.0,
            })
        });
        ranges.collect()
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
            looked_from: None,
            verdict: Some(Verdict::Valid.name().to_owned()),
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
        let HeldRange {
            bounds,
            reach,
            began,
        } = ranges[0];
        assert_eq!(bounds.start(), "2024-03-01T00:00:00Z".parse().ok());
        assert_eq!(bounds.end(), "2024-03-03T00:00:00Z".parse().ok());
        assert_eq!(Some(reach), bounds.end());
        assert_eq!(Some(began), "2024-05-02T00:00:00Z".parse().ok());
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
            head.ranges()[1].bounds.end(),
            "2024-04-02T00:00:00Z".parse().ok()
        );
    }

    fn head(runs: Vec<RecordedRun>) -> Head {
        let mut runs = runs.into_iter();
        let mut head = Head::new(
            String::new(),
            String::new(),
            Contents::Logs,
            RunFilters::default(),
            false,
            runs.next().unwrap(),
        );
        head.runs.extend(runs);
        head
    }

    /// Of a range that ends in the future, only what was there then is held.
    #[test]
    fn what_was_yet_to_come_is_not_held() {
        let early = run(
            "2024-03-01T00:00:00Z",
            "2030-01-01T00:00:00Z",
            "2024-03-10T00:00:00Z",
        );
        let later = |start| run(start, "2024-03-12T00:00:00Z", "2024-03-12T00:00:00Z");
        let apart = head(vec![early.clone(), later("2024-03-11T00:00:00Z")]);
        assert_eq!(apart.ranges().len(), 2);
        let joined = head(vec![early, later("2024-03-10T00:00:00Z")]);
        let [
            HeldRange {
                bounds,
                reach,
                began,
            },
        ] = joined.ranges()[..]
        else {
            panic!("they touch");
        };
        assert_eq!(reach, began);
        assert_eq!(bounds.start(), "2024-03-01T00:00:00Z".parse().ok());
        assert_eq!(bounds.end(), "2030-01-01T00:00:00Z".parse().ok());
        assert_eq!(Some(began), "2024-03-12T00:00:00Z".parse().ok());
    }

    #[test]
    fn what_a_run_came_too_early_for_the_next_one_looks_for() {
        let first = run(
            "2024-03-01T00:00:00Z",
            "2024-03-10T10:00:00Z",
            "2024-03-10T10:00:00Z",
        );
        let mut second = run(
            "2024-03-10T10:00:00Z",
            "2024-03-11T10:00:00Z",
            "2024-03-11T10:00:00Z",
        );
        second.look_back(std::slice::from_ref(&first));
        assert_eq!(second.looked_from, "2024-03-10T08:00:00Z".parse().ok());
        // Nothing leads up to a range that lies apart, or that was taken first.
        let mut apart = run(
            "2024-03-10T12:00:00Z",
            "2024-03-11T10:00:00Z",
            "2024-03-11T10:00:00Z",
        );
        apart.look_back(std::slice::from_ref(&first));
        assert_eq!(apart.looked_from, None);
        let mut before = first;
        before.look_back(&[apart]);
        assert_eq!(before.looked_from, None);
    }
    #[test]
    fn only_of_one_valid_run_is_it_known_what_was_there() {
        let day = ["2024-03-10T00:00:00Z", "2024-03-11T00:00:00Z"];
        let one = run(day[0], day[1], "2024-03-12T00:00:00Z");
        let asked = |start: &str, end: &str| Bounds::new(start.parse().ok(), end.parse().ok());
        let whole = asked(day[0], day[1]).unwrap();
        let within = asked(day[0], "2024-03-10T12:00:00Z").unwrap();
        let was_whole = |runs: &[&RecordedRun], asked: &Bounds| {
            let runs = runs.iter().map(|run| (*run).clone());
            head(runs.collect()).was_whole(asked)
        };
        assert!(was_whole(&[&one], &whole) && was_whole(&[&one], &within));
        assert!(!was_whole(&[&one], &Bounds::default()));
        // It may have been begun before.
        let begun = RecordedRun {
            finished: None,
            ..one.clone()
        };
        assert!(was_whole(&[&begun, &one], &whole));
        assert!(!was_whole(&[&begun], &whole));
        let other = run(day[1], "2024-03-12T00:00:00Z", "2024-03-12T00:00:00Z");
        assert!(!was_whole(&[&one, &other], &within));
        assert!(!was_whole(&[&other, &one], &within));
        for verdict in [Verdict::Invalid, Verdict::Unverified] {
            let verdict = Some(verdict.name().to_owned());
            let one = RecordedRun {
                verdict,
                ..one.clone()
            };
            assert!(!was_whole(&[&one], &whole));
        }
    }
}
