//! Where public keys come from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;

use jiff::Timestamp;

use super::api::SourceError;
use crate::verify::keys::{Fingerprint, KeySet, PublicKey};

/// A public key as it came.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeldKey {
    /// DER, as `CloudTrail` gives it.
    pub value: Vec<u8>,
    /// Its fingerprint.
    pub fingerprint: String,
    /// When `CloudTrail` began to sign with it.
    pub valid_from: Option<Timestamp>,
    /// When it ended to.
    pub valid_until: Option<Timestamp>,
}

impl HeldKey {
    /// A key of which nothing else is known.
    fn of(key: &PublicKey) -> Option<Self> {
        Some(Self {
            value: key.value()?,
            fingerprint: key.fingerprint().to_string(),
            valid_from: None,
            valid_until: None,
        })
    }
}

/// One call of `ListPublicKeys` that was answered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyCall {
    /// When the answer came.
    pub at: Timestamp,
    /// What AWS calls the request.
    pub request_id: Option<String>,
}

/// All that is known of a region's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The region; nothing where the keys are those of all.
    pub region: Option<String>,
    /// The keys, or why there are none.
    pub keys: Result<Vec<HeldKey>, Box<str>>,
    /// Where they came from, if they were asked for.
    pub calls: Vec<KeyCall>,
    /// The days (UTC midnights) around which further keys could not be had, and why.
    pub failed_around: BTreeMap<Timestamp, Box<str>>,
}

impl Holding {
    /// Keys that nobody had to be asked for.
    pub fn at_hand(region: Option<String>, keys: Result<&KeySet, &str>) -> Self {
        let held = |keys: &KeySet| keys.iter().filter_map(HeldKey::of).collect();
        Self {
            region,
            keys: keys.map(held).map_err(Into::into),
            calls: Vec::new(),
            failed_around: BTreeMap::new(),
        }
    }
}

/// Public keys, region by region.
pub trait KeyRing: Debug + Send + Sync {
    /// Makes ready for digests of `regions`.
    ///
    /// # Errors
    /// Where no keys can be had at all, and never will.
    fn prepare(&self, regions: &BTreeSet<String>) -> Result<(), SourceError>;

    /// The keys for digests of `region`.
    ///
    /// # Errors
    /// Where they could not be had, and why.
    fn of_region(&self, region: &str) -> Result<Arc<KeySet>, Box<str>>;

    /// The keys for digests of `region`, once those from around `at` are among them.
    ///
    /// # Errors
    /// Where they could not be had, and why.
    fn around(&self, region: &str, at: Timestamp) -> Result<Arc<KeySet>, Box<str>>;

    /// The keys for a digest of `region` that was signed at about `at`, once those of that time are
    /// among them. Where a key called `fingerprint` is known already, nobody is asked.
    ///
    /// # Errors
    /// Where they could not be had, and why.
    fn for_digest(
        &self,
        region: &str,
        at: Timestamp,
        fingerprint: &Fingerprint,
    ) -> Result<Arc<KeySet>, Box<str>> {
        match self.of_region(region) {
            Ok(keys) if keys.get(fingerprint).is_some() => Ok(keys),
            Ok(_) | Err(_) => self.around(region, at),
        }
    }

    /// The keys for a query of `region` that was complete at `at`, once those of that time are
    /// among them. Where a key called `fingerprint` is known already, nobody is asked.
    ///
    /// # Errors
    /// Where they could not be had, and why.
    fn for_query(
        &self,
        region: &str,
        at: Timestamp,
        fingerprint: &Fingerprint,
    ) -> Result<Arc<KeySet>, Box<str>> {
        self.for_digest(region, at, fingerprint)
    }

    /// Which keys were asked for and had, by region.
    fn had(&self) -> Vec<(String, Vec<Fingerprint>)>;

    /// All keys as they came, by region.
    fn holdings(&self) -> Vec<Holding>;
}

/// Keys that were given before the run. They are those of all regions.
#[derive(Clone, Debug)]
pub struct GivenKeys(Arc<KeySet>);

impl GivenKeys {
    /// These keys and no others.
    pub fn new(keys: KeySet) -> Self {
        Self(Arc::new(keys))
    }
}

impl KeyRing for GivenKeys {
    fn prepare(&self, _: &BTreeSet<String>) -> Result<(), SourceError> {
        Ok(())
    }

    fn of_region(&self, _: &str) -> Result<Arc<KeySet>, Box<str>> {
        Ok(Arc::clone(&self.0))
    }

    fn around(&self, _: &str, _: Timestamp) -> Result<Arc<KeySet>, Box<str>> {
        Ok(Arc::clone(&self.0))
    }

    fn had(&self) -> Vec<(String, Vec<Fingerprint>)> {
        Vec::new()
    }

    fn holdings(&self) -> Vec<Holding> {
        vec![Holding::at_hand(None, Ok(&self.0))]
    }
}
