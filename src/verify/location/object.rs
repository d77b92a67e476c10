//! Buckets, keys, and where the part of a key begins that CloudTrail chose.

use std::fmt;
use std::sync::Arc;

/// One place that holds an `AWSLogs` folder: a bucket and prefix, or a copy of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RootId(pub u32);

/// A bucket and a key in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectLocation {
    bucket: Arc<str>,
    key: Arc<str>,
}

impl ObjectLocation {
    /// The object `key` in `bucket`.
    pub fn new(bucket: impl Into<Arc<str>>, key: impl Into<Arc<str>>) -> Self {
        Self {
            bucket: bucket.into(),
            key: key.into(),
        }
    }

    /// The bucket's name.
    pub fn bucket(&self) -> &Arc<str> {
        &self.bucket
    }

    /// The object's key.
    pub fn key(&self) -> &Arc<str> {
        &self.key
    }

    /// The key cut at its last `AWSLogs` folder: prefix (without a closing slash) and path.
    pub fn split(&self) -> Option<(&str, &str)> {
        split_key(&self.key)
    }

    /// Whether this is the object at `path` below some prefix, and if so, which prefix.
    pub fn prefix_before(&self, path: &str) -> Option<&str> {
        let rest = self.key.strip_suffix(path)?;
        if rest.is_empty() {
            return Some(rest);
        }
        rest.strip_suffix('/')
    }
}

impl fmt::Display for ObjectLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}

/// A key cut at its last `AWSLogs` folder: prefix (without a closing slash) and path.
pub fn split_key(key: &str) -> Option<(&str, &str)> {
    if let Some(at) = key.rfind("/AWSLogs/") {
        return Some((&key[..at], &key[at + 1..]));
    }
    key.starts_with("AWSLogs/").then_some(("", key))
}

/// What lies at `path` below `folder`, which may be a prefix; either may be empty.
pub fn join_key(folder: &str, path: &str) -> String {
    match (folder, path) {
        ("", path) => path.to_owned(),
        (folder, "") => folder.to_owned(),
        (folder, path) => format!("{folder}/{path}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_cut_at_their_last_awslogs() {
        assert_eq!(split_key("a b/AWSLogs/c"), Some(("a b", "AWSLogs/c")));
        assert_eq!(split_key("AWSLogs/c"), Some(("", "AWSLogs/c")));
        assert_eq!(
            split_key("AWSLogs/x/AWSLogs/c"),
            Some(("AWSLogs/x", "AWSLogs/c"))
        );
        assert_eq!(split_key("xAWSLogs/c"), None);
        let location = ObjectLocation::new("b", "p/q/AWSLogs/c");
        assert_eq!(location.prefix_before("AWSLogs/c"), Some("p/q"));
        assert_eq!(location.prefix_before("WSLogs/c"), None);
    }

    #[test]
    fn a_location_is_cut_and_written() {
        let location = ObjectLocation::new("b", "p/AWSLogs/c");
        assert_eq!(location.split(), Some(("p", "AWSLogs/c")));
        assert_eq!(location.to_string(), "s3://b/p/AWSLogs/c");
        assert_eq!(ObjectLocation::new("b", "p/c").split(), None);
    }
}
