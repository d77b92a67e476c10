//! Where public keys come from.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

use jiff::Timestamp;

use super::api::SourceError;
use crate::verify::keys::{Fingerprint, KeySet};

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

    /// Which keys were asked for and had, by region.
    fn had(&self) -> Vec<(String, Vec<Fingerprint>)>;
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
}
