//! What a run knows of buckets, against which the word of a moment counts for little.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{PoisonError, RwLock};

use super::fault::{Fault, Kind};

/// So often somebody waits for what may be there in a moment: many objects that are missing make no
/// run wait for each of them.
const MOST_MOMENTS: u32 = 16;

/// The buckets that gave anything in this run.
#[derive(Debug, Default)]
pub(super) struct Seen {
    buckets: RwLock<BTreeSet<String>>,
    moments: AtomicU32,
}

impl Seen {
    /// A request to `bucket` was granted.
    pub(super) fn note(&self, bucket: &str) {
        if self.has(bucket) {
            return;
        }
        let mut buckets = self.buckets.write().unwrap_or_else(PoisonError::into_inner);
        buckets.insert(bucket.to_owned());
    }

    fn has(&self, bucket: &str) -> bool {
        let buckets = self.buckets.read().unwrap_or_else(PoisonError::into_inner);
        buckets.contains(bucket)
    }

    /// A bucket that was there is not gone because one answer says so: that may pass. One that was never
    /// seen, as a chain may lead to, is.
    pub(super) fn weigh(&self, bucket: &str, fault: Fault) -> Fault {
        if fault.kind != Kind::NoBucket {
            return fault;
        }
        let Fault { kind, told, .. } = &fault;
        let (kind, told) = if self.has(bucket) {
            let told = format!("{told}, though the bucket {bucket} was there before");
            (Kind::Transient, told)
        } else {
            (
                kind.clone(),
                format!("{told}; check the bucket's name, {bucket}"),
            )
        };
        Fault {
            kind,
            told,
            ..fault
        }
    }

    /// Whether anybody may wait once more.
    pub(super) fn may_wait(&self) -> bool {
        self.moments.fetch_add(1, Ordering::Relaxed) < MOST_MOMENTS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_that_was_seen_is_not_gone() {
        let seen = Seen::default();
        let gone = || Fault::new(Kind::NoBucket, "no such bucket");
        let weighed = seen.weigh("a", gone());
        assert_eq!(weighed.kind, Kind::NoBucket);
        assert!(weighed.told.ends_with("check the bucket's name, a"));
        seen.note("a");
        assert_eq!(seen.weigh("a", gone()).kind, Kind::Transient);
        assert_eq!(seen.weigh("b", gone()).kind, Kind::NoBucket);
        let denied = Fault::new(Kind::Denied, "no");
        assert_eq!(seen.weigh("a", denied.clone()), denied);
    }

    #[test]
    fn no_run_waits_for_ever() {
        let seen = Seen::default();
        let waits = (0..1000).filter(|_| seen.may_wait()).count();
        assert_eq!(waits, MOST_MOMENTS as usize);
    }
}
