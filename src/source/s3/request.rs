//! One request to S3, made again until it is answered or patience ends.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answers::{Asked, Bounded};
use super::backoff::Backoff;
use super::beginnings::Beginnings;
use super::clients::Clients;
use super::fault::{Fault, Kind, may_be_region};
use super::gate::{Gate, Pass};
use super::lone::Others;
use super::outage::Outage;
use super::seen::Seen;
use super::settings::Patience;
use super::wait::Waiter;

/// Memory for bodies is given out in pieces of this many bytes.
const PIECE: usize = 16 * 1024;
/// How many pages of listings are held at a time, where each is the first of its folder: most
/// folders have few names.
const PAGES: usize = 32;
/// A page of a folder that has more than one counts for so many: with its thousand names it takes
/// more than a megabyte while it is read, and eight bring names a hundred times as fast as objects.
const FULL_PAGE: u32 = 4;
/// A bucket that sends requests on and on is followed further only after a while each time.
const MOST_REDIRECTS: u32 = 3;

/// How many requests to CloudTrail are made at a time.
const MOST_TO_CLOUDTRAIL: usize = 32;

/// What all requests of a run share.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) clients: Clients,
    s3: Line,
    /// Who waits for keys may hold what a body has to be read with, and a body holds its pass until
    /// it is read: requests to CloudTrail wait for no pass of S3's.
    to_cloudtrail: Arc<Gate>,
    /// By region.
    cloudtrail: Mutex<BTreeMap<String, Arc<Outage>>>,
    pub(super) waiter: Waiter,
    pub(super) beginnings: Beginnings,
    pub(super) seen: Seen,
    pub(super) others: Others,
    memory: Arc<Semaphore>,
    pieces: usize,
    pages: Arc<Semaphore>,
    requests: AtomicU64,
}

/// The way to a service in a region. Whether it is busy or answers at all tells nothing of another.
#[derive(Clone, Debug)]
pub(super) struct Line {
    gate: Arc<Gate>,
    outage: Arc<Outage>,
}

impl Service {
    pub(super) fn new(clients: Clients, waiter: Waiter) -> Self {
        let settings = clients.settings();
        let pieces = (settings.body_memory / PIECE).clamp(1, Semaphore::MAX_PERMITS);
        Self {
            s3: Line {
                gate: Arc::new(Gate::new(settings.concurrency)),
                outage: Arc::default(),
            },
            to_cloudtrail: Arc::new(Gate::new(settings.concurrency.min(MOST_TO_CLOUDTRAIL))),
            cloudtrail: Mutex::default(),
            memory: Arc::new(Semaphore::new(pieces)),
            pieces,
            pages: Arc::new(Semaphore::new(PAGES)),
            requests: AtomicU64::new(0),
            beginnings: Beginnings::default(),
            seen: Seen::default(),
            others: Others::default(),
            waiter,
            clients,
        }
    }

    /// How many requests were made so far.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// One more is made.
    pub(super) fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// A request to S3 was answered to its last byte, if only with a refusal.
    pub(super) fn answered(&self) {
        self.s3.outage.over();
    }

    fn line_to_cloudtrail(&self, region: &str) -> Line {
        let regions = self.cloudtrail.lock();
        let mut regions = regions.unwrap_or_else(PoisonError::into_inner);
        Line {
            gate: Arc::clone(&self.to_cloudtrail),
            outage: Arc::clone(regions.entry(region.to_owned()).or_default()),
        }
    }

    /// Refuses a request where none has been answered for a long time.
    fn still_there(&self, line: &Line) -> Result<(), Fault> {
        let limit = self.clients.settings().patience.outage;
        if !line.outage.lasts(limit) {
            return Ok(());
        }
        let told = format!(
            "it was not asked for, since no request has been answered for {} s",
            limit.as_secs()
        );
        Err(Fault::new(Kind::Lasting, told))
    }

    /// Waits for a pass to S3, which ends with the answer's last byte.
    pub(super) async fn pass(&self) -> Pass {
        self.s3.gate.enter().await
    }

    /// The same to CloudTrail.
    pub(super) async fn pass_to_cloudtrail(&self) -> Pass {
        self.to_cloudtrail.enter().await
    }

    /// Waits until `bytes` more may be held.
    pub(super) async fn hold(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let pieces = bytes.div_ceil(PIECE).clamp(1, self.pieces);
        let pieces = u32::try_from(pieces).unwrap_or(u32::MAX);
        // It is never closed.
        Arc::clone(&self.memory)
            .acquire_many_owned(pieces)
            .await
            .ok()
    }

    /// Waits until a further page of names may be held: the first one of a folder, or one of
    /// a folder that has more than a page.
    pub(super) async fn hold_page(&self, is_first: bool) -> Option<OwnedSemaphorePermit> {
        let takes = if is_first { 1 } else { FULL_PAGE };
        // It is never closed.
        Arc::clone(&self.pages).acquire_many_owned(takes).await.ok()
    }

    /// Sees to it that an answer that is held whole comes to an end.
    pub(super) fn bounded(&self) -> Bounded {
        Bounded {
            stall: self.clients.settings().patience.stall,
            asked: Asked::Text,
        }
    }

    /// Makes requests to `bucket` until one is answered, or trying again is of no use.
    pub(super) async fn persist<T, F>(
        &self,
        bucket: &str,
        mut attempt: impl FnMut(aws_sdk_s3::Client) -> F,
    ) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let mut backoff = Backoff::new(self.clients.settings().patience);
        let mut redirects = 0;
        // The region that this request was sent on to. The others go there once somebody answers there.
        let mut sent_on: Option<String> = None;
        loop {
            self.still_there(&self.s3)?;
            let (client, generation) = self.clients.s3(bucket, sent_on.as_deref());
            self.count_request();
            let outcome = attempt(client).await;
            let told = sent_on.take();
            if let Some(region) = &told
                && outcome.as_ref().err().is_none_or(Fault::is_of_the_bucket)
            {
                self.clients.learn_region(bucket, region.clone());
            }
            let mut fault = match outcome {
                Ok(answer) => {
                    self.seen.note(bucket);
                    return Ok(answer);
                }
                Err(fault) => self.seen.weigh(bucket, fault),
            };
            if told.is_some()
                && !fault.is_answer
                && matches!(fault.kind, Kind::SaidNotFound | Kind::Lasting)
            {
                // There may be no such region.
                fault.kind = Kind::Transient;
            }
            if fault.is_answer && fault.is_of_the_moment() {
                // Whoever is busy there is there.
                sent_on = told;
            }
            if let Kind::Elsewhere(told) = &fault.kind {
                redirects += 1;
                sent_on = match told {
                    Some(region) => Some(region.clone()),
                    None => Box::pin(self.ask_region(bucket)).await,
                };
                if sent_on.is_some() && redirects <= MOST_REDIRECTS {
                    continue;
                }
            }
            self.recover(fault, generation, &mut backoff).await?;
        }
    }

    /// The region of a bucket, which S3 tells in the header of any answer to this.
    async fn ask_region(&self, bucket: &str) -> Option<String> {
        let (client, _) = self.clients.s3(bucket, None);
        let told = match client.head_bucket().bucket(bucket).send().await {
            Ok(output) => output.bucket_region().map(str::to_owned),
            Err(error) => {
                let headers = error.raw_response()?.headers();
                headers.get("x-amz-bucket-region").map(str::to_owned)
            }
        };
        told.filter(|region| may_be_region(region))
    }

    /// The same for CloudTrail in `region`.
    pub(super) async fn persist_cloudtrail<T, F>(
        &self,
        region: &str,
        patience: Patience,
        mut attempt: impl FnMut(aws_sdk_cloudtrail::Client) -> F,
    ) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let line = self.line_to_cloudtrail(region);
        let mut backoff = Backoff::new(patience);
        loop {
            self.still_there(&line)?;
            let (client, generation) = self.clients.cloudtrail(region);
            self.count_request();
            match attempt(client).await {
                Ok(answer) => {
                    line.outage.over();
                    return Ok(answer);
                }
                Err(fault) => {
                    let again = (generation, &mut backoff);
                    self.recover_on(&line, fault, again).await?;
                }
            }
        }
    }

    /// Does what helps before another attempt to ask S3; gives the fault back where nothing does.
    pub(super) async fn recover(
        &self,
        fault: Fault,
        generation: u64,
        backoff: &mut Backoff,
    ) -> Result<(), Fault> {
        let again = (generation, backoff);
        self.recover_on(&self.s3, fault, again).await
    }

    async fn recover_on(
        &self,
        line: &Line,
        mut fault: Fault,
        (generation, backoff): (u64, &mut Backoff),
    ) -> Result<(), Fault> {
        let is_wrong_address = matches!(fault.kind, Kind::Elsewhere(_))
            || (fault.is_silence() && !line.outage.was_over());
        let is_doubtful = fault.is_doubtful || is_wrong_address;
        let renew = match fault.kind {
            Kind::Throttled => {
                line.gate.slow_down();
                false
            }
            Kind::Transient => {
                if fault.is_silence() {
                    line.gate.unanswered();
                }
                false
            }
            Kind::Elsewhere(_) => false,
            Kind::Expired => true,
            Kind::NotFound
            | Kind::SaidNotFound
            | Kind::NoBucket
            | Kind::Denied
            | Kind::Archived
            | Kind::Changed
            | Kind::NoCredentials
            | Kind::Lasting => {
                // Whoever it is in doubt of may be gone the next time.
                if !fault.is_doubtful {
                    if fault.is_answer {
                        line.outage.over();
                    }
                    return Err(fault);
                }
                false
            }
        };
        let Some(wait) = backoff.failed(is_doubtful) else {
            line.outage.goes_on();
            fault.told = format!("{} (tried {} times)", fault.told, backoff.failures());
            return Err(fault);
        };
        tokio::time::sleep(wait).await;
        if renew {
            Box::pin(self.clients.renew(generation)).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Ready, ready};
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::super::keys::CloudTrailKeys;
    use super::super::settings::Settings;
    use super::super::source::Connection;
    use super::*;
    use crate::source::KeyRing as _;
    use crate::verify::time::Bounds;

    /// A service whose patience has no length.
    fn service() -> Connection {
        let patience = Patience {
            attempts: Some(1),
            outage: Duration::ZERO,
            ..Patience::default()
        };
        let settings = Settings {
            patience,
            concurrency: 2,
            no_sign_request: true,
            ..Settings::default()
        };
        Connection::open(settings, drop).unwrap()
    }

    fn fails() -> Ready<Result<(), Fault>> {
        ready(Err(Fault::new(Kind::Transient, "no answer")))
    }

    /// Who writes to a bucket makes up regions, which nobody answers for.
    #[test]
    fn an_outage_is_that_of_a_service_in_a_region() {
        let (service, reactor) = service().into_parts();
        let ask = |region| {
            let patience = service.clients.settings().patience;
            service.persist_cloudtrail(region, patience, |_| fails())
        };
        let told = reactor.waiter().wait(async {
            let first = ask("zz-1").await.unwrap_err();
            let again = ask("zz-1").await.unwrap_err();
            let other = ask("us-east-1").await.unwrap_err();
            service.persist("bucket", |_| ready(Ok(()))).await.unwrap();
            service.persist("bucket", |_| fails()).await.unwrap_err();
            service
                .persist("bucket", |_| ready(Ok(())))
                .await
                .unwrap_err();
            Ok([first, again, other].map(|fault| fault.told))
        });
        let [first, again, other] = told.unwrap();
        assert!(first.starts_with("no answer"), "{first}");
        assert!(again.starts_with("it was not asked for"), "{again}");
        assert!(other.starts_with("no answer"), "{other}");
    }

    /// A digest that waits for its key holds what a log is read with, and a log that has begun to come
    /// holds its pass until it is read.
    #[test]
    fn keys_are_asked_for_whatever_comes_from_s3() {
        let (service, reactor) = service().into_parts();
        let passes = async { Ok([service.pass().await, service.pass().await]) };
        let _passes = reactor.waiter().wait(passes).unwrap();
        let keys = CloudTrailKeys::new(Arc::clone(&service), Bounds::default());
        let (sender, answer) = mpsc::channel();
        thread::spawn(move || sender.send(keys.of_region("us-east-1")));
        let answer = answer.recv_timeout(Duration::from_secs(30));
        // Nobody signs it.
        let told = answer.unwrap().unwrap_err();
        assert!(told.contains("ListPublicKeys"), "{told}");
    }
}
