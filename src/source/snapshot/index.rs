//! The index of a snapshot: what the source told, a line of JSON each.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::head::{Head, RecordedRoot};
use crate::source::{Facts, SourceError};

/// One thing that the source told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Line {
    /// What the head says, but for the manifest: so the manifest vouches for it too.
    Snapshot(Box<Head>),
    /// An object was copied.
    Object(Copied),
    /// An object could not be.
    Unread(Unread),
    /// A folder's folders.
    Folders(Folders),
    /// A part of the source could not be looked at.
    Unlisted(Unlisted),
    /// What the versions of an object came to.
    Versions(Versions),
    /// A root that an object was copied of. Only a run that has not ended tells it: a head tells the
    /// roots of those that have.
    Root(Box<RecordedRoot>),
}

/// An object that was copied, and what the source told of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Copied {
    pub(super) root: String,
    pub(super) path: String,
    /// Its file, where that is not its own key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<String>,
    pub(super) size: u64,
    pub(super) sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last_modified: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) storage_class: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) metadata: BTreeMap<String, String>,
    /// The metadata file beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sidecar: Option<Sidecar>,
}

/// A metadata file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Sidecar {
    pub(super) size: u64,
    pub(super) sha256: String,
}

/// An object that could not be copied.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Unread {
    pub(super) root: String,
    pub(super) path: String,
    /// Whether a listing showed it.
    pub(super) listed: bool,
    pub(super) why: Why,
    /// The run that it was told to.
    #[serde(default, skip_serializing_if = "is_first")]
    pub(super) run: u32,
}

/// The folders right below a folder, or why they could not be listed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Folders {
    pub(super) root: String,
    pub(super) path: String,
    pub(super) names: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<Why>,
    /// The run that it was told to.
    #[serde(default, skip_serializing_if = "is_first")]
    pub(super) run: u32,
}

/// A part of the source that could not be looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Unlisted {
    /// The root; nothing where it came up in the search for roots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) root: Option<String>,
    /// The folder that was being listed.
    pub(super) folder: String,
    /// Which part of it.
    pub(super) path: String,
    pub(super) why: Why,
    /// The run that it was told to.
    #[serde(default, skip_serializing_if = "is_first")]
    pub(super) run: u32,
}

/// What the versions of an object came to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Versions {
    pub(super) root: String,
    pub(super) path: String,
    pub(super) told: String,
}

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Why {
    Absent,
    /// The listing said that it would have to be restored first.
    Unrestored,
    Denied(String),
    Archived(String),
    Failed(String),
}

impl From<&SourceError> for Why {
    fn from(error: &SourceError) -> Self {
        match error {
            SourceError::NotFound => Self::Absent,
            SourceError::Denied(told) => Self::Denied(told.to_string()),
            SourceError::Archived(told) => Self::Archived(told.to_string()),
            SourceError::Unavailable(told) | SourceError::Failed(told) => {
                Self::Failed(told.to_string())
            }
        }
    }
}

impl From<&Why> for SourceError {
    fn from(why: &Why) -> Self {
        match why {
            Why::Absent => Self::NotFound,
            Why::Unrestored => {
                Self::Archived("it was not restored when the snapshot was taken".into())
            }
            Why::Denied(told) => Self::Denied(told.as_str().into()),
            Why::Archived(told) => Self::Archived(told.as_str().into()),
            Why::Failed(told) => Self::Failed(told.as_str().into()),
        }
    }
}

impl Line {
    /// Which place in the index it takes: a later line about the same replaces an earlier one.
    /// What could not be listed in one run could be in another, with another range.
    pub(super) fn place(&self) -> (u8, u32, &str, &str, Option<&Unlisted>) {
        match self {
            Self::Snapshot(_) => (0, 0, "", "", None),
            Self::Object(it) => (1, 0, &it.root, &it.path, None),
            Self::Unread(it) => (1, 0, &it.root, &it.path, None),
            Self::Folders(it) if it.why.is_none() => (2, 0, &it.root, &it.path, None),
            Self::Folders(it) => (3, it.run, &it.root, &it.path, None),
            // Each part of a listing that failed is told.
            Self::Unlisted(it) => (4, it.run, &it.folder, &it.path, Some(it)),
            Self::Versions(it) => (5, 0, &it.root, &it.path, None),
            Self::Root(it) => (6, 0, &it.name, "", None),
        }
    }

    /// A line that tells nothing.
    pub(super) fn none() -> Self {
        Self::Versions(Versions {
            root: String::new(),
            path: String::new(),
            told: String::new(),
        })
    }

    /// The run that was told of something that it could not read or list.
    pub(super) fn failed_in(&self) -> Option<u32> {
        match self {
            Self::Unread(it) => Some(it.run),
            Self::Folders(it) => it.why.as_ref().map(|_| it.run),
            Self::Unlisted(it) => Some(it.run),
            Self::Snapshot(_) | Self::Object(_) | Self::Versions(_) | Self::Root(_) => None,
        }
    }

    /// Takes in an earlier line of the same place. A folder that was seen once is not forgotten.
    pub(super) fn join(&mut self, earlier: Self) {
        if let (Self::Folders(it), Self::Folders(earlier)) = (self, earlier) {
            it.names.extend(earlier.names);
            it.names.sort_unstable();
            it.names.dedup();
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_first(run: &u32) -> bool {
    *run == 0
}

impl Copied {
    pub(super) fn new(root: &str, path: &str, facts: &Facts) -> Self {
        Self {
            root: root.to_owned(),
            path: path.to_owned(),
            file: None,
            size: 0,
            sha256: String::new(),
            etag: facts.etag.clone(),
            version: facts.version.clone(),
            last_modified: facts.last_modified,
            storage_class: facts.storage_class.clone(),
            metadata: facts.metadata.clone(),
            sidecar: None,
        }
    }

    /// The same as `aws s3api head-object` tells it.
    pub(super) fn head_object(&self) -> serde_json::Value {
        let mut head = serde_json::Map::new();
        let mut tell = |name: &str, value: Option<serde_json::Value>| {
            if let Some(value) = value {
                head.insert(name.to_owned(), value);
            }
        };
        let text = |text: &Option<String>| text.clone().map(serde_json::Value::from);
        tell(
            "LastModified",
            self.last_modified.map(|at| at.to_string().into()),
        );
        tell("ContentLength", Some(self.size.into()));
        tell("ETag", text(&self.etag));
        tell("VersionId", text(&self.version));
        tell("StorageClass", text(&self.storage_class));
        let pairs = self.metadata.iter();
        let pairs = pairs.map(|(name, value)| (name.clone(), value.clone().into()));
        tell("Metadata", Some(serde_json::Value::Object(pairs.collect())));
        serde_json::Value::Object(head)
    }
}
