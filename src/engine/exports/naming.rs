//! How reports call the objects of exports.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::discovery::Export;
use crate::engine::custody::Calling;
use crate::verify::finding::{Code, Finding, Subject};
use crate::verify::location::{AWS_LOGS, ObjectLocation, RootId, join_key, split_key};

/// How the objects of one run are called.
#[derive(Debug)]
pub(super) struct Naming {
    root: RootId,
    /// The bucket, where it is known.
    pub(super) bucket: Option<Arc<str>>,
    /// What stands before every path.
    before: String,
    /// How often a folder's name from `AWSLogs` on is there.
    copies: BTreeMap<String, usize>,
}

impl Naming {
    /// `bucket` is the source's own; `before` is what leads from an `AWSLogs` folder to it.
    pub(super) fn new(
        root: RootId,
        bucket: Option<Arc<str>>,
        before: &str,
        exports: &[Export],
    ) -> Self {
        let mut copies: BTreeMap<String, usize> = BTreeMap::new();
        for export in exports {
            let whole = join_key(before, &export.path);
            *copies.entry(from_logs(&whole).to_owned()).or_default() += 1;
        }
        Self {
            root,
            bucket,
            before: before.to_owned(),
            copies,
        }
    }

    /// A folder's key. In a copy that is what leads from `AWSLogs` on, unless two copies are alike
    /// in that.
    pub(super) fn folder(&self, path: &str) -> String {
        let whole = join_key(&self.before, path);
        if self.bucket.is_some() {
            return whole;
        }
        let short = from_logs(&whole);
        match self.copies.get(short) {
            Some(2..) => whole,
            Some(_) | None => short.to_owned(),
        }
    }

    /// The object `name` in the folder that is called `folder`.
    pub(super) fn object(&self, folder: &str, name: &str) -> Subject {
        let key = join_key(folder, name);
        match &self.bucket {
            Some(bucket) => Subject::Object(ObjectLocation::new(Arc::clone(bucket), key)),
            None => Subject::Listed {
                root: self.root,
                path: key.into(),
                time: None,
            },
        }
    }
}

impl Calling for Naming {
    type Object = (Option<Arc<str>>, String);

    fn of_finding(&self, finding: &Finding) -> Option<Self::Object> {
        match &finding.subject {
            Subject::Run => None,
            Subject::Object(location) => {
                let bucket = Arc::clone(location.bucket());
                Some((Some(bucket), location.key().to_string()))
            }
            Subject::Listed { path, .. } => Some((None, path.to_string())),
        }
    }

    fn of_path(&self, _: RootId, path: &str) -> Self::Object {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        (self.bucket.clone(), join_key(&self.folder(folder), name))
    }

    fn subject(&self, _: RootId, path: &str) -> Subject {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        self.object(&self.folder(folder), name)
    }

    fn unreadable(&self, _: &str) -> Code {
        Code::ResultUnreadable
    }
}

fn from_logs(key: &str) -> &str {
    if key.starts_with(AWS_LOGS) && !key.contains('/') {
        return key;
    }
    split_key(key).map_or(key, |(_, path)| path)
}
