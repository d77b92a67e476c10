//! Public keys from `CloudTrail`, region by region, each asked for once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use aws_sdk_cloudtrail::primitives::DateTime;
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;

use super::fault::{Fault, Kind};
use super::region::{Answer, Region, with_a_list};
use super::request::Service;
use super::settings::Patience;
use super::silent::{Silent, is_like_aws};
use crate::source::{Holding, KeyRing, SourceError};
use crate::verify::keys::{Fingerprint, KeySet};
use crate::verify::time::{Bounds, midnight, minus, plus};

/// A digest is signed after its hour has ended, and may come late.
const MARGIN: SignedDuration = SignedDuration::from_hours(24);
/// A digest is signed within so many hours of the time that is known of it.
const ABOUT: SignedDuration = SignedDuration::from_hours(12);
/// A backfill digest is made at about the time that its metadata tells.
const AROUND: SignedDuration = SignedDuration::from_hours(48);
/// Keys for a query result are those from the query's completion to 20 days later; asked for by
/// whole days, so that queries of one day need one request.
const QUERY_KEYS: SignedDuration = SignedDuration::from_hours(21 * 24);
/// CloudTrail has signed digests since October 2015.
const FIRST: Timestamp = Timestamp::constant(1_443_657_600, 0);
/// How many regions are asked at once.
const AT_ONCE: usize = 32;
/// A region has a new key every few weeks: no list goes on for ever.
const MOST_PAGES: usize = 1000;

/// Keys that `CloudTrail` is asked for.
pub struct CloudTrailKeys {
    service: Arc<Service>,
    bounds: Bounds,
    regions: Mutex<BTreeMap<String, Region>>,
    /// By region: held while further keys of it are asked for.
    asking: Mutex<BTreeMap<String, Arc<Mutex<()>>>>,
    silent: Mutex<Silent>,
}

impl fmt::Debug for CloudTrailKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudTrailKeys").finish_non_exhaustive()
    }
}

impl CloudTrailKeys {
    pub(super) fn new(service: Arc<Service>, bounds: Bounds) -> Self {
        Self {
            service,
            bounds,
            regions: Mutex::default(),
            asking: Mutex::default(),
            silent: Mutex::default(),
        }
    }

    /// The range of validity that digests of the run's range can need.
    fn range(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let start = self.bounds.start().map(|start| minus(start, MARGIN));
        (start, self.bounds.end().map(|end| plus(end, MARGIN)))
    }

    /// Looks something up in what is known of a region. All of it may be much.
    fn look<T>(&self, region: &str, up: impl FnOnce(&Region) -> T) -> Option<T> {
        let regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        regions.get(region).map(up)
    }

    fn keys_of(&self, region: &str) -> Option<Result<Arc<KeySet>, Box<str>>> {
        self.look(region, |known| known.keys.clone())
    }

    fn keep(&self, region: &str, known: Region) {
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        regions.insert(region.to_owned(), known);
    }

    /// What further keys of `region` are asked for under: one asks at a time, and the next one mostly
    /// finds that they are known by then.
    fn turn(&self, region: &str) -> Arc<Mutex<()>> {
        let mut asking = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(asking.entry(region.to_owned()).or_default())
    }

    /// The keys for digests of `region`, once those from around `at` are among them; or one that is
    /// called `fingerprint`, which is all that one digest takes.
    ///
    /// The time that a digest was signed at is not signed itself. Where it leads to no such key, those of all time
    /// decide, and not which other keys happen to be known by then.
    fn of_digests(
        &self,
        region: &str,
        at: Timestamp,
        fingerprint: Option<&Fingerprint>,
    ) -> Result<Arc<KeySet>, Box<str>> {
        let keys = self.of_region(region);
        let is_known = |keys: &Arc<KeySet>| fingerprint.is_none_or(|it| keys.get(it).is_some());
        let is_in_range = self.is_in_range(at);
        if is_in_range && keys.as_ref().map_or(true, is_known) {
            return keys;
        }
        let turn = self.turn(region);
        let _alone = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let day = midnight(at);
        if !is_in_range {
            let keys = match self.look(region, |known| known.answer(day, fingerprint)) {
                None => return keys,
                Some(Some(answered)) => answered,
                Some(None) => {
                    let range = (Some(minus(day, AROUND)), Some(plus(day, AROUND)));
                    self.ask_more(region, day, range)
                }
            };
            // Whoever writes to the bucket chooses the day: that CloudTrail refuses it decides nothing.
            if keys.as_ref().is_ok_and(is_known) {
                return keys;
            }
        }
        self.of_all_time(region, day)
    }

    /// All keys that a region ever had, for a digest of this day that names none of those known. Asked for once.
    fn of_all_time(&self, region: &str, day: Timestamp) -> Result<Arc<KeySet>, Box<str>> {
        let known = self.look(region, |known| known.of_all_time.clone());
        let known = known.flatten();
        let asked = match &known {
            None => Some(self.ask_now(region, (Some(FIRST), None))),
            Some(_) => None,
        };
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        let known = regions.entry(region.to_owned());
        let known = known.or_insert_with(|| Region::new(Err(no_keys(region))));
        match asked {
            Some(Ok(all)) => {
                known.of_all_time = Some(Ok(()));
                return known.take_in(all);
            }
            Some(Err(fault)) => {
                known.failures += u32::from(fault.is_of_the_moment());
                known.of_all_time = Some(Err(why_none(region, fault)));
            }
            None => {}
        }
        if let Some(Err(why)) = known.of_all_time.clone() {
            known.unsettled.insert(day, why.clone());
            return Err(why);
        }
        known.keys.clone()
    }

    /// Whether what signed a digest at about `at` is among the keys of the run's range.
    fn is_in_range(&self, at: Timestamp) -> bool {
        let (start, end) = self.range();
        start.is_none_or(|start| start <= minus(at, ABOUT))
            && end.is_none_or(|end| plus(at, ABOUT) <= end)
    }

    /// Asks for the keys of a region around `day`, and adds them to what is known of it.
    fn ask_more(&self, region: &str, day: Timestamp, range: Span) -> Result<Arc<KeySet>, Box<str>> {
        let asked = self.ask_now(region, range);
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        let known = regions.entry(region.to_owned());
        let known = known.or_insert_with(|| Region::new(Err(no_keys(region))));
        match asked {
            Ok(more) => known.add(day, more),
            Err(fault) => {
                known.failures += u32::from(fault.is_of_the_moment());
                let why = why_none(region, fault);
                known.failed_around.insert(day, why.clone());
                Err(why)
            }
        }
    }

    fn ask_now(&self, region: &str, range: Span) -> Asked {
        if let Some(Some(fault)) = self.look(region, Region::gives_up) {
            return Err(fault);
        }
        let patience = self.service.clients.settings().patience;
        let asked = async { Ok(list(&self.service, region, patience, range).await) };
        let stopped = |why: SourceError| Err(Fault::new(Kind::Lasting, why.to_string()));
        self.service.waiter.wait(asked).unwrap_or_else(stopped)
    }

    /// Asks for the keys of regions, many at once. Their names are those of folders: whoever writes to
    /// the bucket may make up any number of them. Those that are made up like AWS's come first.
    fn ask(&self, mut regions: Vec<String>) -> Result<Vec<(String, Asked)>, SourceError> {
        regions.sort_by_key(|region| !is_like_aws(region));
        let range = self.range();
        let began = Instant::now();
        self.service.waiter.wait(async {
            let mut asking = JoinSet::new();
            let mut given = Vec::new();
            for region in regions {
                if asking.len() >= AT_ONCE
                    && let Some(Ok(one)) = asking.join_next().await
                {
                    given.push(self.heard(one));
                }
                let patience = self.service.clients.settings().patience;
                let patience = self.silent().patience(&region, patience, began.elapsed());
                let service = Arc::clone(&self.service);
                asking.spawn(async move {
                    let asked = match patience {
                        Ok(patience) => list(&service, &region, patience, range).await,
                        Err(fault) => Err(fault),
                    };
                    (region, asked)
                });
            }
            let last = asking.join_all().await;
            given.extend(last.into_iter().map(|one| self.heard(one)));
            Ok(given)
        })
    }

    /// Takes note of a region that gave no answer.
    fn heard(&self, (region, asked): (String, Asked)) -> (String, Asked) {
        if asked.as_ref().is_err_and(Fault::is_silence) {
            self.silent().regions += 1;
        }
        (region, asked)
    }

    fn silent(&self) -> MutexGuard<'_, Silent> {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A time in which keys were valid, as far as it is bounded.
type Span = (Option<Timestamp>, Option<Timestamp>);
type Asked = Result<Answer, Fault>;

impl KeyRing for CloudTrailKeys {
    fn prepare(&self, regions: &BTreeSet<String>) -> Result<(), SourceError> {
        let asked = self.ask(regions.iter().cloned().collect())?;
        let mut had_any = false;
        let mut lasting: Option<SourceError> = None;
        for (region, asked) in asked {
            had_any |= match &asked {
                Ok(answer) => !answer.keys.is_empty(),
                // Listings were answered: credentials have expired on the way, if they have.
                Err(fault) => fault.is_of_the_moment() || fault.kind == Kind::Expired,
            };
            let (keys, held, calls) = match asked {
                Ok(answer) => {
                    let keys = KeySet::new(answer.keys.into_values()).map(Arc::new);
                    let keys = keys.ok_or_else(|| no_keys(&region));
                    (keys, answer.held, answer.calls)
                }
                Err(fault) => {
                    let why = format!("CloudTrail in {region}: {}", fault.told);
                    (Err(why.into_boxed_str()), BTreeSet::new(), Vec::new())
                }
            };
            if let Err(why) = &keys {
                lasting.get_or_insert(SourceError::Failed(why.clone()));
            }
            let known = Region {
                held,
                calls,
                ..Region::new(keys)
            };
            self.keep(&region, known);
        }
        match lasting {
            Some(error) if !had_any => Err(error),
            Some(_) | None => Ok(()),
        }
    }

    fn of_region(&self, region: &str) -> Result<Arc<KeySet>, Box<str>> {
        if let Some(known) = self.keys_of(region) {
            return known;
        }
        // A region that only a chain from elsewhere leads to.
        let turn = self.turn(region);
        let _alone = turn.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = self.keys_of(region) {
            return known;
        }
        let only = BTreeSet::from([region.to_owned()]);
        if let Err(error) = self.prepare(&only) {
            return Err(error.to_string().into());
        }
        self.keys_of(region).unwrap_or_else(|| Err(no_keys(region)))
    }

    fn around(&self, region: &str, at: Timestamp) -> Result<Arc<KeySet>, Box<str>> {
        self.of_digests(region, at, None)
    }

    fn for_digest(
        &self,
        region: &str,
        at: Timestamp,
        fingerprint: &Fingerprint,
    ) -> Result<Arc<KeySet>, Box<str>> {
        self.of_digests(region, at, Some(fingerprint))
    }

    fn for_query(
        &self,
        region: &str,
        at: Timestamp,
        fingerprint: &Fingerprint,
    ) -> Result<Arc<KeySet>, Box<str>> {
        let turn = self.turn(region);
        let _alone = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let day = midnight(at);
        let answer = |known: &Region| known.answer(day, Some(fingerprint));
        if let Some(Some(answered)) = self.look(region, answer) {
            return answered;
        }
        let range = (Some(day), Some(plus(day, QUERY_KEYS)));
        self.ask_more(region, day, range)
    }

    fn had(&self) -> Vec<(String, Vec<Fingerprint>)> {
        let regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        let had = regions.iter().filter_map(|(region, known)| {
            let keys = known.keys.as_ref().ok()?;
            Some((region.clone(), keys.fingerprints().collect()))
        });
        had.collect()
    }

    fn holdings(&self) -> Vec<Holding> {
        let regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        let holding = |(region, known): (&String, &Region)| Holding {
            region: Some(region.clone()),
            keys: match &known.keys {
                Ok(_) => Ok(known.held.iter().cloned().collect()),
                Err(why) => Err(why.clone()),
            },
            calls: known.calls.clone(),
            // Where all keys are known, that some day brought none decides nothing.
            failed_around: if matches!(known.of_all_time, Some(Ok(()))) {
                BTreeMap::new()
            } else {
                let mut failed = known.unsettled.clone();
                failed.extend(known.failed_around.clone());
                failed
            },
        };
        regions.iter().map(holding).collect()
    }
}

/// Why keys of a region could not be had.
fn why_none(region: &str, fault: Fault) -> Box<str> {
    format!("CloudTrail in {region}: {}", fault.into_source_error()).into()
}

fn no_keys(region: &str) -> Box<str> {
    format!(
        "CloudTrail in {region} lists no public key for this time; it may no longer keep any so old: name a file with --public-keys"
    )
    .into()
}

/// All keys of a region that were valid in a range.
async fn list(service: &Service, region: &str, patience: Patience, (start, end): Span) -> Asked {
    let time = |at: Option<Timestamp>| at.map(|at| DateTime::from_secs(at.as_second()));
    let _pass = service.pass_to_cloudtrail().await;
    let mut answer = Answer::default();
    let mut token: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let output = service
            .persist_cloudtrail(region, patience, |client| {
                let request = client
                    .list_public_keys()
                    .set_start_time(time(start))
                    .set_end_time(time(end))
                    .set_next_token(token.clone())
                    .customize()
                    .interceptor(service.bounded());
                async move {
                    let sent = request.send().await;
                    let output = sent.map_err(|error| Fault::of("ListPublicKeys", &error))?;
                    with_a_list("ListPublicKeys", output.public_key_list.is_some())?;
                    Ok(output)
                }
            })
            .await?;
        answer.take_in(&output)?;
        let next = output.next_token().filter(|next| !next.is_empty());
        let Some(next) = next else {
            return Ok(answer);
        };
        if token.as_deref() == Some(next) {
            break;
        }
        token = Some(next.to_owned());
    }
    // A key that it had not come to must not be taken for one that CloudTrail does not know.
    Err(Fault::new(
        Kind::Lasting,
        "ListPublicKeys says again and again that there is more",
    ))
}
