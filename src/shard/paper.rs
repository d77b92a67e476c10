//! The plan: what is verified, when and against what, and which shard reads which part of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::engine::Slice;
use crate::source::KeyRange;
use crate::verify::location::RootId;

/// The version of plans and of results.
const VERSION: u32 = 1;
/// How many shards a plan has at most.
pub const SLICE_LIMIT: u32 = 100_000;

/// A plan, as its file holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The version of its form.
    pub plan_version: u32,
    /// The program that made it, and its version.
    pub tool: String,
    /// When it was made: what was due was due then.
    pub made: Timestamp,
    /// The source, as the user named it.
    pub source: String,
    /// The same, resolved.
    pub place: PlannedPlace,
    /// How buckets are reached.
    pub aws: PlannedAws,
    /// The start of the range.
    pub start: Option<Timestamp>,
    /// The end of the range.
    pub end: Option<Timestamp>,
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
    /// Whether logs are left unread.
    pub digests_only: bool,
    /// Codes taken down to notices.
    pub allow: Vec<String>,
    /// Codes taken up to invalid.
    pub deny: Vec<String>,
    /// The public keys; nothing where `CloudTrail` is asked for them.
    pub keys: Option<PlannedKeys>,
    /// How many shards there are.
    pub shards: u32,
    /// The places with an `AWSLogs` folder.
    pub roots: Vec<String>,
    /// Every folder, and which shard reads what of it.
    pub folders: Vec<PlannedFolder>,
}

/// Where objects come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum PlannedPlace {
    /// A local folder, which every machine has at the same path.
    Folder(String),
    /// Of a folder only a part.
    PartOfFolder {
        /// The folder that `AWSLogs` lies in.
        folder: String,
        /// What of it, from `AWSLogs` on.
        part: String,
    },
    /// A bucket.
    S3 {
        /// Its name.
        bucket: String,
        /// A prefix in it.
        prefix: String,
        /// Whether that is the one that `AWSLogs` lies below.
        is_root: bool,
    },
}

/// How buckets are reached, as far as that is the same for every machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedAws {
    /// Instead of AWS's own endpoints.
    pub endpoint_url: Option<String>,
    /// Whether requests go unsigned.
    pub no_sign_request: bool,
    /// Whether the one who asks pays.
    pub requester_pays: bool,
    /// The region to begin with, where the environment names none.
    pub region: Option<String>,
}

/// The keys that were given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedKeys {
    /// Where they came from: the kind of place, its name, and the fingerprints found there.
    pub sources: Vec<(String, String, Vec<String>)>,
    /// The keys.
    pub keys: Vec<PlannedKey>,
}

/// A key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedKey {
    /// DER in base64, as `CloudTrail` gives it.
    pub value: String,
    /// Its fingerprint.
    pub fingerprint: String,
}

/// A folder, and the shards that read it: each from its key on to that of the next one. So no part
/// of a folder can be left out, or read twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedFolder {
    /// The number of its root.
    pub root: u32,
    /// Its path.
    pub path: String,
    /// The shards, and where each begins.
    pub cuts: Vec<(u32, String)>,
}

/// Why a plan cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    /// It is too large to be one.
    #[error("it is larger than any plan")]
    TooLarge,
    /// It is none.
    #[error("it is damaged, or no plan ({0}); `ct-verify plan` makes one")]
    NoPlan(String),
    /// It is of another version.
    #[error("it has version {0}, and this program knows {VERSION}: use the program that made it")]
    Version(u64),
}

impl Plan {
    /// The version of a plan that is made now.
    pub const VERSION: u32 = VERSION;

    /// A plan is never larger.
    pub const MAX_LEN: u64 = 512 * 1024 * 1024;

    /// Reads a plan, and tells its identity: the hash of its bytes.
    ///
    /// # Errors
    /// Where it is no plan.
    pub fn read(text: &[u8]) -> Result<(Self, String), PaperError> {
        if text.len() as u64 > Self::MAX_LEN {
            return Err(PaperError::TooLarge);
        }
        let plan: Self = serde_json::from_slice(text).map_err(|error| not_read(text, &error))?;
        if plan.plan_version != VERSION {
            return Err(PaperError::Version(plan.plan_version.into()));
        }
        plan.check().map_err(|why| PaperError::NoPlan(why.into()))?;
        Ok((plan, identity(text)))
    }

    /// Its bytes, and its identity.
    ///
    /// # Errors
    /// Never, but JSON is written in a way that could.
    pub fn bytes(&self) -> serde_json::Result<(Vec<u8>, String)> {
        let mut text = serde_json::to_vec(self)?;
        text.push(b'\n');
        let identity = identity(&text);
        Ok((text, identity))
    }

    /// Whether every folder is there once, and whole.
    fn check(&self) -> Result<(), &'static str> {
        if self.shards == 0 || self.shards > SLICE_LIMIT {
            return Err("it has no shards, or too many");
        }
        let mut seen = std::collections::BTreeSet::new();
        for folder in &self.folders {
            if folder.root as usize >= self.roots.len() {
                return Err("a folder lies in a root that it does not name");
            }
            if !seen.insert((folder.root, &folder.path)) {
                return Err("it names a folder twice");
            }
            if folder.cuts.first().is_none_or(|(_, from)| !from.is_empty()) {
                return Err("no shard reads the beginning of a folder");
            }
            let rises = |pair: &[(u32, String)]| match pair {
                [(a, from), (b, until)] => a < b && from < until,
                _ => true,
            };
            if !folder.cuts.windows(2).all(rises) {
                return Err("the cuts of a folder are not in order");
            }
            if folder.cuts.iter().any(|(shard, _)| *shard >= self.shards) {
                return Err("a folder is read by a shard that there is none of");
            }
        }
        Ok(())
    }

    /// What a shard reads: the number of each folder, and which part of it.
    pub fn slices_of(&self, shard: u32) -> Vec<(usize, KeyRange<'_>)> {
        let mut slices = Vec::new();
        for (number, folder) in self.folders.iter().enumerate() {
            let at = folder.cuts.binary_search_by_key(&shard, |(its, _)| *its);
            let Some((at, (_, from))) = at.ok().and_then(|at| Some((at, folder.cuts.get(at)?)))
            else {
                continue;
            };
            let next = folder.cuts.get(at + 1);
            let until = next.map(|(_, from)| from.as_str());
            slices.push((number, KeyRange { from, until }));
        }
        slices
    }

    /// The same, of a source that has given its roots these numbers.
    pub fn slices<'a>(&'a self, shard: u32, roots: &[RootId]) -> Vec<Slice<'a>> {
        let slices = self.slices_of(shard).into_iter();
        let slices = slices.filter_map(|(number, part)| {
            let folder = self.folders.get(number)?;
            Some(Slice {
                root: *roots.get(folder.root as usize)?,
                path: &folder.path,
                part,
            })
        });
        slices.collect()
    }
}

/// Why a text was not read as a plan: one of another version may have any form.
fn not_read(text: &[u8], error: &serde_json::Error) -> PaperError {
    #[derive(Deserialize)]
    struct Versioned {
        plan_version: u64,
    }
    match serde_json::from_slice(text) {
        Ok(Versioned { plan_version }) if plan_version != u64::from(VERSION) => {
            PaperError::Version(plan_version)
        }
        Ok(_) => PaperError::NoPlan(error.to_string()),
        Err(none) => PaperError::NoPlan(none.to_string()),
    }
}

fn identity(text: &[u8]) -> String {
    hex::encode(Sha256::digest(text))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn plan(cuts: &[(u32, &str)]) -> Plan {
        let cuts = cuts
            .iter()
            .map(|(shard, from)| (*shard, (*from).to_owned()));
        Plan {
            plan_version: VERSION,
            tool: "ct-verify".to_owned(),
            made: Timestamp::UNIX_EPOCH,
            source: "logs".to_owned(),
            place: PlannedPlace::Folder("/logs".to_owned()),
            aws: PlannedAws::default(),
            start: None,
            end: None,
            accounts: vec![],
            regions: vec![],
            trails: vec![],
            home_region: None,
            management_account: None,
            digests_only: false,
            allow: vec![],
            deny: vec![],
            keys: None,
            shards: 3,
            roots: vec!["logs".to_owned()],
            folders: vec![PlannedFolder {
                root: 0,
                path: "AWSLogs/x".to_owned(),
                cuts: cuts.collect(),
            }],
        }
    }

    #[test]
    fn a_plan_without_holes_is_read_again() {
        let plan = plan(&[(0, ""), (2, "2024/03/10")]);
        let (bytes, identity) = plan.bytes().unwrap();
        let (again, its) = Plan::read(&bytes).unwrap();
        assert_eq!((&again, its), (&plan, identity));
        let parts: Vec<_> = plan
            .slices_of(0)
            .into_iter()
            .map(|(_, part)| part)
            .collect();
        let until = Some("2024/03/10");
        assert_eq!(parts, [KeyRange { from: "", until }]);
        assert!(plan.slices_of(1).is_empty());
        let from = "2024/03/10";
        assert_eq!(plan.slices_of(2)[0].1, KeyRange { from, until: None });
    }

    #[test]
    fn holes_and_overlaps_are_refused() {
        for cuts in [
            &[][..],
            &[(0, "2024")],
            &[(0, ""), (1, "")],
            &[(0, ""), (2, "b"), (1, "c")],
            &[(0, ""), (1, "b"), (2, "a")],
            &[(0, ""), (1, "b"), (1, "c")],
            &[(0, ""), (3, "b")],
        ] {
            let (bytes, _) = plan(cuts).bytes().unwrap();
            assert!(Plan::read(&bytes).is_err(), "{cuts:?}");
        }
        let mut twice = plan(&[(0, "")]);
        twice.folders.push(twice.folders[0].clone());
        assert!(Plan::read(&twice.bytes().unwrap().0).is_err());
        let mut newer = plan(&[(0, "")]);
        newer.plan_version = 2;
        let read = Plan::read(&newer.bytes().unwrap().0);
        assert!(matches!(read, Err(PaperError::Version(2))));
        // One that has another form as well is told as one of another version.
        for (text, version) in [
            (&br#"{"plan_version":3,"tables":[]}"#[..], Some(3)),
            (br#"{"plan_version":1,"tables":[]}"#, None),
            (b"{}", None),
        ] {
            let told = match Plan::read(text).unwrap_err() {
                PaperError::Version(version) => Some(version),
                PaperError::NoPlan(_) | PaperError::TooLarge => None,
            };
            assert_eq!(told, version);
        }
    }
}
