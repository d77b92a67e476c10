//! One object that does not come, while others of its bucket do.
//!
//! What fails is waited for: a part of a server may be on its way back, and one object with it. Where some
//! objects did not come in all that time, though others did, more of them will not either: to wait as long
//! for each would hold up a run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::fault::{Fault, Kind};
use super::object::{Asker, Target};
use super::pages::Page;
use super::request::Service;

/// Others of a bucket are given up earlier once this many of its objects were waited for as long as there is
/// patience, and did not come.
const GIVEN_UP: usize = 2;
/// An object must have failed at least this often by then: a stall takes as long each time.
const FAILURES: u32 = 3;
/// At least this many others have to come in a row, so that they did not come by luck.
const OTHERS: u32 = 3;
/// What others are tried with is no larger: many may ask at a time.
const LARGEST: u64 = 64 * 1024;

/// How many names of a bucket are kept: any object, and one beside it.
const SHOWN: usize = 2;

/// At most this many in trouble at a time are objects' own trouble; more are the server's.
const MOST_ALONE: usize = 4;
/// Where few requests are made at a time, at most one in this many may be in trouble.
const ALONE_SHARE: usize = 8;

/// What is known of other objects.
#[derive(Debug, Default)]
pub(super) struct Others {
    /// By bucket, an object that came.
    known: RwLock<BTreeMap<String, Target>>,
    /// By bucket, the first few that a listing showed.
    shown: RwLock<BTreeMap<String, Vec<Target>>>,
    /// By bucket, the first few that did not come as long as there was patience, while others did.
    given_up: Mutex<BTreeMap<String, BTreeSet<String>>>,
    /// How many are asked for again just now.
    in_trouble: Arc<AtomicUsize>,
}

impl Others {
    /// An object of so many bytes came, all of it.
    pub(super) fn came(&self, target: &Target, length: u64) {
        if length > LARGEST || target.version.is_some() || self.of(&target.bucket).is_some() {
            return;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.insert(target.bucket.to_string(), target.clone());
    }

    /// The first small object of a bucket that came.
    pub(super) fn of(&self, bucket: &str) -> Option<Target> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(bucket).cloned()
    }

    /// A page of a listing showed what there is.
    pub(super) fn are_shown(&self, bucket: &Arc<str>, page: &Page) {
        let is_full = |shown: &Vec<Target>| shown.len() >= SHOWN;
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        if page.objects.is_empty() || shown.get(&**bucket).is_some_and(is_full) {
            return;
        }
        drop(shown);
        let mut shown = self.shown.write().unwrap_or_else(PoisonError::into_inner);
        let shown = shown.entry(bucket.to_string()).or_default();
        for object in &page.objects {
            if !is_full(shown) && shown.iter().all(|known| known.key != object.key) {
                shown.push(Target {
                    bucket: Arc::clone(bucket),
                    key: object.key.clone(),
                    version: None,
                });
            }
        }
    }

    /// Another object of the same bucket: one that came, or, where none did so far, one that a listing showed.
    pub(super) fn beside(&self, target: &Target) -> Option<Target> {
        let came = self.of(&target.bucket);
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        let shown = shown.get(&*target.bucket).into_iter().flatten().cloned();
        came.into_iter()
            .chain(shown)
            .find(|other| other.key != target.key)
    }

    /// An object was waited for as long as there is patience, and others of its bucket came.
    fn gave_up(&self, target: &Target) {
        let mut given_up = self.given_up.lock().unwrap_or_else(PoisonError::into_inner);
        let of_bucket = given_up.entry(target.bucket.to_string()).or_default();
        if of_bucket.len() < GIVEN_UP {
            of_bucket.insert(target.key.clone());
        }
    }

    /// Whether a bucket is known to have objects that do not come.
    fn has_lone(&self, bucket: &str) -> bool {
        let given_up = self.given_up.lock().unwrap_or_else(PoisonError::into_inner);
        given_up
            .get(bucket)
            .is_some_and(|keys| keys.len() >= GIVEN_UP)
    }
}

/// The troubles with one object so far.
#[derive(Debug, Default)]
pub(super) struct Troubles(Mutex<Option<Failures>>);

#[derive(Debug)]
struct Failures {
    first: Instant,
    count: u32,
    _counted: Counted,
}

/// One of those that are in trouble, until it is dropped.
#[derive(Debug)]
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(among: &Arc<AtomicUsize>) -> Self {
        among.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(among))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Troubles {
    /// Counts one, and tells of how many where they are enough, and have lasted for `long` enough, to ask
    /// whether others come.
    fn one_more(&self, among: &Arc<AtomicUsize>, long: Duration) -> Option<u32> {
        let mut troubles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let so_far = troubles.get_or_insert_with(|| Failures {
            first: Instant::now(),
            count: 0,
            _counted: Counted::new(among),
        });
        so_far.count += 1;
        (so_far.count >= FAILURES && so_far.first.elapsed() >= long).then_some(so_far.count)
    }

    /// Whether the first of them was so long ago.
    fn have_lasted(&self, long: Duration) -> bool {
        let troubles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let so_far = troubles.as_ref();
        so_far.is_some_and(|so_far| so_far.first.elapsed() >= long)
    }
}

impl Service {
    /// What may pass, and has not for a while, is taken for lasting where others come meanwhile, and the
    /// bucket is known to have objects that do not come.
    pub(super) async fn weigh_trouble(&self, fault: Fault, asker: &Asker) -> Fault {
        let settings = self.clients.settings();
        if settings.patience.attempts.is_some() || fault.kind != Kind::Transient {
            return fault;
        }
        let in_trouble = &self.others.in_trouble;
        let counted = asker.troubles.one_more(in_trouble, settings.patience.alone);
        let Some(count) = counted.filter(|_| self.others.has_lone(&asker.target.bucket)) else {
            return fault;
        };
        let most = MOST_ALONE.min(settings.concurrency / ALONE_SHARE);
        if in_trouble.load(Ordering::Relaxed) > most || !self.others_come(&asker.target).await {
            return fault;
        }
        let told = format!(
            "{} (tried {count} times, while another object of the bucket came)",
            fault.told
        );
        Fault::new(Kind::Lasting, told)
    }

    /// Remembers an object that did not come as long as there was patience, where others come.
    pub(super) async fn note_given_up(&self, fault: &Fault, asker: &Asker) {
        let patience = self.clients.settings().patience;
        if patience.attempts.is_none()
            && fault.kind == Kind::Transient
            && asker.troubles.have_lasted(patience.limit)
            && self.others_come(&asker.target).await
        {
            self.others.gave_up(&asker.target);
        }
    }

    async fn others_come(&self, target: &Target) -> bool {
        let Some(other) = self.others.of(&target.bucket) else {
            return false;
        };
        if other.key == target.key {
            return false;
        }
        for _ in 0..OTHERS {
            if !self.comes(&other).await {
                return false;
            }
        }
        true
    }

    /// Whether an object that came before comes now, at the first attempt and to its end.
    async fn comes(&self, other: &Target) -> bool {
        let stall = self.clients.settings().patience.stall;
        let whole = async {
            let mut given = self.ask_now(other).await.ok()?;
            let mut came = given.ahead.map_or(0, |ahead| ahead.len() as u64);
            while let Some(chunk) = given.output.body.next().await {
                came += chunk.ok()?.len() as u64;
            }
            Some(came == given.length)
        };
        let came = timeout(stall, Box::pin(whole)).await;
        came.is_ok_and(|came| came == Some(true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::s3::pages::Entry;

    fn target(key: &str) -> Target {
        Target {
            bucket: Arc::from("bucket"),
            key: key.to_owned(),
            version: None,
        }
    }

    #[test]
    fn what_others_are_tried_with_is_small_and_the_first_that_came() {
        let others = Others::default();
        others.came(&target("large"), LARGEST + 1);
        assert!(others.of("bucket").is_none());
        let version = Some("1".to_owned());
        others.came(
            &Target {
                version,
                ..target("version")
            },
            1,
        );
        assert!(others.of("bucket").is_none());
        others.came(&target("small"), LARGEST);
        others.came(&target("next"), 1);
        assert_eq!(others.of("bucket").unwrap().key, "small");
        assert!(others.of("else").is_none());
    }

    #[test]
    fn what_a_listing_showed_is_beside_another_before_anything_came() {
        let others = Others::default();
        assert!(others.beside(&target("1")).is_none());
        let page = |keys: std::ops::Range<u8>| Page {
            objects: keys
                .map(|key| Entry {
                    key: key.to_string(),
                    size: None,
                    archived: false,
                })
                .collect(),
            ..Page::default()
        };
        let bucket = Arc::from("bucket");
        others.are_shown(&bucket, &page(1..1));
        others.are_shown(&bucket, &page(1..2));
        assert!(others.beside(&target("1")).is_none());
        others.are_shown(&bucket, &page(1..100));
        let beside = |key| others.beside(&target(key)).unwrap().key;
        assert_eq!((beside("1"), beside("2")), ("2".to_owned(), "1".to_owned()));
        others.came(&target("3"), 1);
        assert_eq!((beside("1"), beside("3")), ("3".to_owned(), "1".to_owned()));
    }

    #[test]
    fn a_bucket_has_objects_that_do_not_come_once_some_did_not() {
        let others = Others::default();
        // Each counts once.
        for key in ["first", "first", "second"] {
            assert!(!others.has_lone("bucket"));
            others.gave_up(&target(key));
        }
        assert!(others.has_lone("bucket") && !others.has_lone("else"));
    }

    #[test]
    fn troubles_that_pass_soon_or_are_few_are_waited_for() {
        let alone = Duration::from_secs(20);
        let ago = Instant::now().checked_sub(alone).unwrap();
        let among = Arc::default();
        let troubles = Troubles::default();
        for _ in 0..FAILURES * 2 {
            assert_eq!(troubles.one_more(&among, alone), None);
        }
        let long = |count| {
            Troubles(Mutex::new(Some(Failures {
                first: ago,
                count,
                _counted: Counted::new(&among),
            })))
        };
        assert!(!troubles.have_lasted(alone) && long(1).have_lasted(alone));
        assert!(!Troubles::default().have_lasted(Duration::ZERO));
        assert_eq!(long(FAILURES - 2).one_more(&among, alone), None);
        assert_eq!(long(FAILURES - 1).one_more(&among, alone), Some(FAILURES));
        assert_eq!(among.load(Ordering::Relaxed), 1);
        drop(troubles);
        assert_eq!(among.load(Ordering::Relaxed), 0);
    }
}
