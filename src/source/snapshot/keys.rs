//! The keys of a snapshot: those of each region, as they were when it was taken.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::source::{HeldKey, Holding, KeyRing, SourceError};
use crate::verify::keys::{Fingerprint, KeySet, PublicKey};

/// Keys that came with a snapshot. A region's keys are not those of another.
#[derive(Debug, Default)]
pub struct SnapshotKeys {
    by_region: BTreeMap<Option<String>, Result<Arc<KeySet>, Box<str>>>,
}

impl SnapshotKeys {
    /// Takes in a region's keys, or those of all regions.
    pub fn add(&mut self, region: Option<String>, keys: Result<Vec<PublicKey>, Box<str>>) {
        let keys = keys.and_then(|keys| {
            let keys = KeySet::new(keys).map(Arc::new);
            keys.ok_or_else(|| "the snapshot holds none".into())
        });
        self.by_region.insert(region, keys);
    }
}

impl KeyRing for SnapshotKeys {
    fn prepare(&self, _: &BTreeSet<String>) -> Result<(), SourceError> {
        Ok(())
    }

    fn of_region(&self, region: &str) -> Result<Arc<KeySet>, Box<str>> {
        let own = self.by_region.get(&Some(region.to_owned()));
        let keys = own.or_else(|| self.by_region.get(&None));
        keys.cloned()
            .unwrap_or_else(|| Err(format!("the snapshot holds no keys of {region}").into()))
    }

    fn around(&self, region: &str, _: Timestamp) -> Result<Arc<KeySet>, Box<str>> {
        self.of_region(region)
    }

    fn for_query(
        &self,
        region: &str,
        _: Timestamp,
        _: &Fingerprint,
    ) -> Result<Arc<KeySet>, Box<str>> {
        self.of_region(region)
    }

    fn had(&self) -> Vec<(String, Vec<Fingerprint>)> {
        Vec::new()
    }

    fn holdings(&self) -> Vec<Holding> {
        let holding = |(region, keys): (&Option<String>, &Result<Arc<KeySet>, Box<str>>)| {
            let held = |key: &PublicKey| {
                Some(HeldKey {
                    value: key.value()?,
                    fingerprint: key.fingerprint().to_string(),
                    valid_from: None,
                    valid_until: None,
                })
            };
            Holding {
                region: region.clone(),
                keys: keys
                    .as_ref()
                    .map(|keys| keys.iter().filter_map(held).collect())
                    .map_err(Clone::clone),
                calls: Vec::new(),
            }
        };
        self.by_region.iter().map(holding).collect()
    }
}
