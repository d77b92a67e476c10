//! A bucket, or several, in memory. The same store is written as a folder or served over HTTP.

use std::collections::BTreeMap;

use super::chain::{ChainId, Delivered};

/// Bucket and key.
pub type At = (String, String);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredObject {
    pub body: Vec<u8>,
    /// User metadata, names without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Store {
    pub objects: BTreeMap<(String, String), StoredObject>,
}

/// Where a trail delivers to: memory, or straight to a folder.
pub trait Sink {
    fn put(&mut self, at: At, object: StoredObject);

    /// Told after a digest and its logs were put.
    fn delivered(&mut self, chain: &ChainId, digest: Delivered) {
        let _ = (chain, digest);
    }
}

impl Sink for Store {
    fn put(&mut self, at: At, object: StoredObject) {
        self.objects.insert(at, object);
    }
}

impl Store {
    pub fn get(&self, at: &At) -> &StoredObject {
        self.objects
            .get(at)
            .unwrap_or_else(|| panic!("no object at {at:?}"))
    }

    pub fn get_mut(&mut self, at: &At) -> &mut StoredObject {
        self.objects
            .get_mut(at)
            .unwrap_or_else(|| panic!("no object at {at:?}"))
    }

    pub fn contains(&self, at: &At) -> bool {
        self.objects.contains_key(at)
    }

    pub fn keys(&self) -> impl Iterator<Item = &At> {
        self.objects.keys()
    }

    /// What an object of the forge holds once inflated.
    pub fn content(&self, at: &At) -> Vec<u8> {
        super::gzip::gunzip(&self.get(at).body)
    }

    pub fn merge(&mut self, other: Self) {
        self.objects.extend(other.objects);
    }
}
