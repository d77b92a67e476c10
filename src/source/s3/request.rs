//! One request to S3, made again until it is answered or patience ends.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::answers::Bounded;
use super::backoff::Backoff;
use super::beginnings::Beginnings;
use super::clients::Clients;
use super::fault::{Fault, Kind};
use super::gate::{Gate, Pass};
use super::outage::Outage;
use super::wait::Waiter;

/// Memory for bodies is given out in pieces of this many bytes.
const PIECE: usize = 16 * 1024;
/// So many pages of listings are held at a time, where each is the first of its folder: most
/// folders have few names.
const PAGES: usize = 32;
/// A page of a folder that has more than one counts for so many: with its thousand names it takes
/// more than a megabyte while it is read, and eight bring names a hundred times as fast as objects.
const FULL_PAGE: u32 = 4;
/// A bucket that sends requests on and on is not followed further.
const MOST_REDIRECTS: u32 = 3;

/// What all requests of a run share.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) clients: Clients,
    pub(super) gate: Arc<Gate>,
    pub(super) waiter: Waiter,
    pub(super) beginnings: Beginnings,
    memory: Arc<Semaphore>,
    pieces: usize,
    pages: Arc<Semaphore>,
    requests: AtomicU64,
    outage: Outage,
}

impl Service {
    pub(super) fn new(clients: Clients, waiter: Waiter) -> Self {
        let settings = clients.settings();
        let pieces = (settings.body_memory / PIECE).clamp(1, Semaphore::MAX_PERMITS);
        Self {
            gate: Arc::new(Gate::new(settings.concurrency)),
            memory: Arc::new(Semaphore::new(pieces)),
            pieces,
            pages: Arc::new(Semaphore::new(PAGES)),
            requests: AtomicU64::new(0),
            outage: Outage::default(),
            beginnings: Beginnings::default(),
            waiter,
            clients,
        }
    }

    /// How many requests were made so far.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// A request was answered to its last byte, if only with a refusal.
    pub(super) fn answered(&self) {
        self.outage.over();
    }

    /// Refuses a request where none has been answered for a long time.
    fn still_there(&self) -> Result<(), Fault> {
        let limit = self.clients.settings().patience.outage;
        if !self.outage.lasts(limit) {
            return Ok(());
        }
        let told = format!(
            "it was not asked for, since no request has been answered for {} s",
            limit.as_secs()
        );
        Err(Fault::new(Kind::Lasting, told))
    }

    /// Waits for a pass, which ends with the answer's last byte.
    pub(super) async fn pass(&self) -> Pass {
        self.gate.enter().await
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
            is_object: false,
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
        loop {
            self.still_there()?;
            let (client, generation) = self.clients.s3(bucket);
            self.requests.fetch_add(1, Ordering::Relaxed);
            let fault = match attempt(client).await {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            if let Kind::Elsewhere(told) = &fault.kind
                && redirects < MOST_REDIRECTS
            {
                redirects += 1;
                let region = match told {
                    Some(region) => Some(region.clone()),
                    None => Box::pin(self.ask_region(bucket)).await,
                };
                if let Some(region) = region {
                    self.clients.learn_region(bucket, &region);
                    continue;
                }
            }
            self.recover(fault, generation, &mut backoff).await?;
        }
    }

    /// The region of a bucket, which S3 tells in the header of any answer to this.
    async fn ask_region(&self, bucket: &str) -> Option<String> {
        let (client, _) = self.clients.s3(bucket);
        match client.head_bucket().bucket(bucket).send().await {
            Ok(output) => output.bucket_region().map(str::to_owned),
            Err(error) => {
                let headers = error.raw_response()?.headers();
                headers.get("x-amz-bucket-region").map(str::to_owned)
            }
        }
    }

    /// The same for CloudTrail in `region`.
    pub(super) async fn persist_cloudtrail<T, F>(
        &self,
        region: &str,
        mut attempt: impl FnMut(aws_sdk_cloudtrail::Client) -> F,
    ) -> Result<T, Fault>
    where
        F: Future<Output = Result<T, Fault>>,
    {
        let mut backoff = Backoff::new(self.clients.settings().patience);
        loop {
            self.still_there()?;
            let (client, generation) = self.clients.cloudtrail(region);
            self.requests.fetch_add(1, Ordering::Relaxed);
            match attempt(client).await {
                Ok(answer) => {
                    self.answered();
                    return Ok(answer);
                }
                Err(fault) => self.recover(fault, generation, &mut backoff).await?,
            }
        }
    }

    /// Does what helps before another attempt; gives the fault back where nothing does.
    pub(super) async fn recover(
        &self,
        mut fault: Fault,
        generation: u64,
        backoff: &mut Backoff,
    ) -> Result<(), Fault> {
        let renew = match fault.kind {
            Kind::Throttled => {
                self.gate.slow_down();
                false
            }
            Kind::Transient => false,
            Kind::Expired => true,
            Kind::NotFound
            | Kind::NoBucket
            | Kind::Denied
            | Kind::Archived
            | Kind::Elsewhere(_)
            | Kind::Changed
            | Kind::NoCredentials
            | Kind::Lasting => {
                if fault.is_answer {
                    self.answered();
                }
                return Err(fault);
            }
        };
        let Some(wait) = backoff.failed() else {
            self.outage.goes_on();
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
