//! What was asked for, how often, and how much of it at the same time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::call::{Call, Operation};

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) number: u64,
    pub(crate) call: Call,
    /// None while it is worked on, and for good where the connection was reset instead.
    pub(crate) status: Option<u16>,
}

#[derive(Default)]
struct Entries {
    list: Vec<Entry>,
    /// The number of the first.
    base: u64,
}

/// Counters always, entries where they were asked for.
pub(crate) struct Log {
    entries: Option<Mutex<Entries>>,
    requests: AtomicU64,
    anonymous: AtomicU64,
    by_operation: [AtomicU64; Operation::ALL.len()],
    in_flight: AtomicU64,
    high_water: AtomicU64,
}

impl Log {
    pub(crate) fn new(keep_entries: bool) -> Self {
        Self {
            entries: keep_entries.then(Mutex::default),
            requests: AtomicU64::default(),
            anonymous: AtomicU64::default(),
            by_operation: Default::default(),
            in_flight: AtomicU64::default(),
            high_water: AtomicU64::default(),
        }
    }

    /// All requests.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Those that carried no signature.
    pub(crate) fn anonymous(&self) -> u64 {
        self.anonymous.load(Ordering::Relaxed)
    }

    pub(crate) fn count(&self, operation: Operation) -> u64 {
        self.by_operation
            .get(operation as usize)
            .map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// The most requests that were worked on at one time.
    pub(crate) fn high_water(&self) -> u64 {
        self.high_water.load(Ordering::Relaxed)
    }

    /// Worked on just now.
    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.lock()
            .map(|entries| entries.list.clone())
            .unwrap_or_default()
    }

    pub(crate) fn requests_for(&self, bucket: &str, key: &str) -> Vec<Entry> {
        let mut entries = self.entries();
        entries.retain(|entry| entry.call.bucket == bucket && entry.call.key == key);
        entries
    }

    /// Everything from zero.
    pub(crate) fn reset(&self) {
        for counter in [&self.requests, &self.anonymous, &self.high_water]
            .into_iter()
            .chain(&self.by_operation)
        {
            counter.store(0, Ordering::Relaxed);
        }
        if let Some(mut entries) = self.lock() {
            entries.base += u64::try_from(entries.list.len()).unwrap_or_default();
            entries.list.clear();
        }
    }

    fn lock(&self) -> Option<MutexGuard<'_, Entries>> {
        Some(
            self.entries
                .as_ref()?
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    pub(crate) fn arrive(self: &Arc<Self>, call: &Call) -> Ticket {
        let mut number = self.requests.fetch_add(1, Ordering::Relaxed);
        if call.access_key.is_none() {
            self.anonymous.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(count) = self.by_operation.get(call.operation as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        let now = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        self.high_water.fetch_max(now, Ordering::Relaxed);
        if let Some(mut entries) = self.lock() {
            number = entries.base + u64::try_from(entries.list.len()).unwrap_or_default();
            entries.list.push(Entry {
                number,
                call: call.clone(),
                status: None,
            });
        }
        Ticket {
            log: Arc::clone(self),
            number,
        }
    }
}

/// A request that is worked on, until it is dropped.
pub(crate) struct Ticket {
    log: Arc<Log>,
    pub(crate) number: u64,
}

impl Ticket {
    pub(crate) fn answered(&self, status: u16) {
        if let Some(mut entries) = self.log.lock()
            && let Some(index) = self.number.checked_sub(entries.base)
            && let Some(entry) = entries
                .list
                .get_mut(usize::try_from(index).unwrap_or(usize::MAX))
        {
            entry.status = Some(status);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.log.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
