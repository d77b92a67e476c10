//! What a report tells of the run itself: nothing here bears on the verdict.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::verify::finding::Code;

/// Where keys came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyOrigin {
    /// A file that the user named.
    File,
    /// The evidence itself. Whoever could change the evidence could change these too.
    Evidence,
    /// CloudTrail, asked in this run.
    CloudTrail,
}

impl KeyOrigin {
    /// Every origin.
    pub const ALL: [Self; 3] = [Self::File, Self::Evidence, Self::CloudTrail];

    /// As reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Evidence => "evidence",
            Self::CloudTrail => "cloudtrail",
        }
    }
}

/// One place that keys came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySource {
    /// What kind of place.
    pub origin: KeyOrigin,
    /// Its name: a file's path, or a region.
    pub name: String,
    /// The fingerprints of the keys found there.
    pub fingerprints: Vec<String>,
}

/// What the run was narrowed to; an empty list narrows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// Only these accounts.
    pub accounts: Vec<String>,
    /// Only these regions.
    pub regions: Vec<String>,
    /// Only these trails.
    pub trails: Vec<String>,
}

/// A snapshot that was verified, and whether it is still what its manifest says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotNote {
    /// What it is a copy of.
    pub of: String,
    /// When it was taken.
    pub taken: Timestamp,
    /// Who took it.
    pub user: Option<String>,
    /// Where.
    pub host: Option<String>,
    /// How many files its manifest names.
    pub files: u64,
    /// How many of its files are not what the manifest says.
    pub altered: u64,
    /// SHA-256 of the manifest.
    pub manifest: String,
}

/// Whether the program told the truth of archives that it knows, before the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelftestNote {
    /// How many archives it was given.
    pub archives: u64,
    /// Of how many of them it said what it must. A run goes on only where that is all of them.
    pub right: u64,
}

/// The plan whose shards read what a merge joins: they did so after it was made, and before the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanNote {
    /// SHA-256 of the plan, which its results tell too.
    pub sha256: String,
    /// When it was made.
    pub made: Timestamp,
    /// How many shards it has.
    pub shards: u32,
}

/// Which ends of the range nothing but the archive told: what was cut off there does not show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RangeNote {
    /// Its start, which is that of the oldest digest.
    pub start: bool,
    /// Its end, which is that of the newest digest.
    pub end: bool,
}

/// What a run with `--state` took from the file, and what it left to the next one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateNote {
    /// The file.
    pub file: String,
    /// From when on the run read, where an earlier one is remembered.
    pub since: Option<Timestamp>,
    /// The chains that the file goes on with.
    pub chains: u64,
    /// The chains that were not found valid: of these it knows what it knew.
    pub held_back: u64,
}

/// Who ran what, when, on which source, and with which keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunInfo {
    /// When the run began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// The command's arguments, without its own name.
    pub arguments: Vec<String>,
    /// The host's name, where it is known.
    pub host: Option<String>,
    /// The user's name, where it is known.
    pub user: Option<String>,
    /// This program's version.
    pub version: String,
    /// What was verified, as the user named it.
    pub source: String,
    /// Where the keys came from.
    pub keys: Vec<KeySource>,
    /// The snapshot that was verified, if it was one.
    pub snapshot: Option<SnapshotNote>,
    /// The plan whose shards read it, if any did.
    pub plan: Option<PlanNote>,
    /// What came of the selftest, if it was asked for.
    pub selftest: Option<SelftestNote>,
    /// Which ends of the range the archive told, if any.
    pub range_of_archive: Option<RangeNote>,
    /// What the run took from a state and left to it, if there is one.
    pub state: Option<StateNote>,
    /// Whether logs were left unread.
    pub digests_only: bool,
    /// What the run was narrowed to.
    pub filters: Filters,
    /// Codes taken down to notices.
    pub allow: Vec<Code>,
    /// Codes taken up to invalid.
    pub deny: Vec<Code>,
}
