//! The keys of a snapshot: those of each region, as they were when it was taken.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::source::{Holding, KeyRing, SourceError};
use crate::verify::keys::{Fingerprint, KeySet, PublicKey};
use crate::verify::time::midnight;

/// Keys that came with a snapshot. A region's keys are not those of another.
#[derive(Debug, Default)]
pub struct SnapshotKeys {
    by_region: BTreeMap<Option<String>, Result<Arc<KeySet>, Box<str>>>,
    /// A region's own keys together with those of all regions, where the snapshot has both: each of its
    /// ranges may have got its keys in another way.
    united: BTreeMap<String, Arc<KeySet>>,
    /// The days of a region around which no further keys could be had, and why.
    failed_around: BTreeMap<String, BTreeMap<Timestamp, Box<str>>>,
}

impl SnapshotKeys {
    /// Takes in a region's keys, or those of all regions.
    pub fn add(&mut self, region: Option<String>, keys: Result<Vec<PublicKey>, Box<str>>) {
        let keys = keys.and_then(|keys| {
            let keys = KeySet::new(keys).map(Arc::new);
            keys.ok_or_else(|| "the snapshot holds none".into())
        });
        self.by_region.insert(region, keys);
        let Some(Ok(given)) = self.by_region.get(&None) else {
            return;
        };
        let own = self.by_region.iter();
        let own = own.filter_map(|(region, keys)| Some((region.clone()?, keys.as_ref().ok()?)));
        let united = own.filter_map(|(region, own)| {
            let both = own.iter().chain(given.iter()).cloned();
            Some((region, Arc::new(KeySet::new(both)?)))
        });
        self.united = united.collect();
    }

    /// Takes note that a region's keys from around `day` could not be had when it was taken.
    pub fn fail_around(&mut self, region: &str, day: Timestamp, why: &str) {
        let failed = self.failed_around.entry(region.to_owned()).or_default();
        failed.insert(day, why.into());
    }
}

impl KeyRing for SnapshotKeys {
    fn prepare(&self, _: &BTreeSet<String>) -> Result<(), SourceError> {
        Ok(())
    }

    fn of_region(&self, region: &str) -> Result<Arc<KeySet>, Box<str>> {
        if let Some(both) = self.united.get(region) {
            return Ok(Arc::clone(both));
        }
        let own = self.by_region.get(&Some(region.to_owned()));
        let given = self.by_region.get(&None);
        match (own, given) {
            (Some(Ok(keys)), _) | (_, Some(Ok(keys))) => Ok(Arc::clone(keys)),
            (Some(Err(why)), _) | (_, Some(Err(why))) => Err(why.clone()),
            (None, None) => Err(format!("the snapshot holds no keys of {region}").into()),
        }
    }

    fn around(&self, region: &str, at: Timestamp) -> Result<Arc<KeySet>, Box<str>> {
        // Those of all regions do not tell which ones a region had that could not be asked.
        if let Some(Err(why)) = self.by_region.get(&Some(region.to_owned())) {
            return Err(why.clone());
        }
        let failed = self.failed_around.get(region);
        let failed = failed.and_then(|failed| failed.get(&midnight(at)));
        failed.map_or_else(|| self.of_region(region), |why| Err(why.clone()))
    }

    fn had(&self) -> Vec<(String, Vec<Fingerprint>)> {
        Vec::new()
    }

    fn holdings(&self) -> Vec<Holding> {
        let regions = self.by_region.iter();
        let holding = regions.map(|(region, keys)| {
            let keys = keys.as_ref().map(|keys| &**keys).map_err(|why| &**why);
            Holding::at_hand(region.clone(), keys)
        });
        holding.collect()
    }
}
