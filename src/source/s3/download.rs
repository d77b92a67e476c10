//! An object's body as it comes: taken up again where the connection broke, and never cut short.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_s3::operation::RequestId as _;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::RequestPayer;
use bytes::{Buf as _, Bytes};
use jiff::Timestamp;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::answers::Bounded;
use super::backoff::Backoff;
use super::fault::{Fault, Kind};
use super::gate::Pass;
use super::pace::Pace;
use super::request::Service;
use crate::source::{Body, Facts, Metadata, SourceError};

/// A body up to this size comes in one piece.
const SMALL: u64 = 256 * 1024;
/// A larger one takes about so much memory on its way, most of it in the connection's buffer.
const LARGE: usize = 768 * 1024;

/// After so many bytes more, a broken connection is a new fault, not the last one again.
const PROGRESS: u64 = 256 * 1024;

/// How a gzip stream begins.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// An object, or one version of it.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) bucket: Arc<str>,
    pub(super) key: String,
    pub(super) version: Option<String>,
}

/// A body that is on its way.
pub(super) struct Download {
    service: Arc<Service>,
    target: Target,
    etag: Option<String>,
    length: u64,
    at: u64,
    stream: Option<ByteStream>,
    /// What of it has come already.
    ahead: Option<Bytes>,
    /// So many bytes come once more, from a server that does not give the rest of an object alone.
    again: u64,
    pace: Pace,
    backoff: Backoff,
    /// Whether all of it was asked for anew, since its rest did not come as it should.
    is_anew: bool,
    /// How far it had come when it broke off last.
    broke_at: u64,
    _pass: Pass,
    memory: Option<OwnedSemaphorePermit>,
}

impl Download {
    /// Asks for an object, and waits until its body begins.
    pub(super) async fn begin(
        service: &Arc<Service>,
        target: Target,
    ) -> Result<(Self, Metadata, Facts), SourceError> {
        let pass = service.pass().await;
        let bucket = Arc::clone(&target.bucket);
        let stall = service.clients.settings().patience.stall;
        let (output, etag, length, ahead) = service
            .persist(&bucket, |client| {
                let target = &target;
                async move {
                    let mut output = service.get(client, target).await.and_then(no_page)?;
                    if output.content_range().is_some() {
                        // Half of an object would be told as one that was cut.
                        let told = "GetObject got a part of the object where all of it was asked for, which S3 does not do: a proxy may stand in between";
                        return Err(Fault::new(Kind::Transient, told));
                    }
                    let etag = output.e_tag().map(str::to_owned);
                    let length = output.content_length().and_then(|it| u64::try_from(it).ok());
                    // Few pages of proxies have both. Some that speak S3's protocol tell no ETag: what
                    // they give begins as gzip, and is no page, which may come compressed too.
                    let ahead = match (&etag, length) {
                        (None, Some(_)) if !is_page(&output) => first_of_gzip(&mut output.body, stall).await,
                        (_, _) => None,
                    };
                    match length.filter(|_| etag.is_some() || ahead.is_some()) {
                        Some(length) => Ok((output, etag, length, ahead)),
                        None => Err(Fault::new(
                            Kind::Transient,
                            "GetObject got an answer without ETag or Content-Length, which is not S3's: a proxy may stand in between",
                        )),
                    }
                }
            })
            .await
            .map_err(|fault| match fault.kind {
                // Where there is no bucket, and never was in this run, there is no object.
                Kind::NoBucket => SourceError::NotFound,
                Kind::NotFound
                | Kind::Denied
                | Kind::Archived
                | Kind::Elsewhere(_)
                | Kind::Throttled
                | Kind::Expired
                | Kind::Transient
                | Kind::Changed
                | Kind::NoCredentials
                | Kind::Lasting => fault.into_source_error(),
            })?;
        let pairs = output.metadata().into_iter().flatten();
        let metadata = Metadata::from_pairs(pairs.map(|(name, value)| (&**name, &**value)));
        let facts = facts(&output);
        let patience = service.clients.settings().patience;
        let needed = usize::try_from(length).unwrap_or(LARGE).min(LARGE);
        let download = Self {
            backoff: Backoff::new(patience),
            broke_at: 0,
            memory: service.hold(needed).await,
            pace: Pace::new(patience.stall),
            service: Arc::clone(service),
            target,
            etag,
            length,
            at: 0,
            stream: Some(output.body),
            ahead,
            again: 0,
            is_anew: false,
            _pass: pass,
        };
        Ok((download, metadata, facts))
    }

    /// How many bytes it has.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// The body, to be read; a small one has come by then.
    pub(super) async fn into_body(
        self,
        metadata: Metadata,
        facts: Facts,
    ) -> Result<(Body, Metadata), SourceError> {
        let reader: Box<dyn Read + Send> = if self.is_small() {
            Box::new(self.collect().await?)
        } else {
            Box::new(Coming::new(self))
        };
        Ok((Body { reader, facts }, metadata))
    }

    fn is_small(&self) -> bool {
        self.length <= SMALL
    }

    /// All that is still to come.
    async fn collect(mut self) -> Result<Whole, SourceError> {
        let mut chunks = VecDeque::new();
        while let Some(chunk) = self.next().await? {
            chunks.push_back(chunk);
        }
        Ok(Whole {
            chunks,
            _memory: self.memory,
        })
    }

    /// The next bytes; none only at the end of the whole body.
    async fn next(&mut self) -> Result<Option<Bytes>, SourceError> {
        let stall = self.service.clients.settings().patience.stall;
        loop {
            let Some(stream) = &mut self.stream else {
                self.stream = Some(self.resume().await?);
                self.pace = Pace::new(stall);
                continue;
            };
            let left = self.pace.until().saturating_duration_since(Instant::now());
            let next = match self.ahead.take() {
                Some(chunk) => Ok(Some(Ok(chunk))),
                None => timeout(stall.min(left), stream.next()).await,
            };
            let told = match next {
                Ok(Some(Ok(mut chunk))) => {
                    if self.pace.count(chunk.len() as u64) {
                        self.service.answered();
                    }
                    let known = usize::try_from(self.again).unwrap_or(usize::MAX);
                    let known = known.min(chunk.len());
                    self.again -= known as u64;
                    chunk.advance(known);
                    if chunk.is_empty() {
                        continue;
                    }
                    self.at += chunk.len() as u64;
                    if self.at <= self.length {
                        return Ok(Some(chunk));
                    }
                    return Err(SourceError::Failed(
                        "more bytes came than its Content-Length says".into(),
                    ));
                }
                Ok(None) if self.at == self.length && self.again == 0 => {
                    self.service.answered();
                    return Ok(None);
                }
                Ok(None) => "the body ended early".to_owned(),
                Ok(Some(Err(error))) => format!("the body broke off ({error})"),
                Err(_) if left < stall => "the body came too slowly".to_owned(),
                Err(_) => format!("no byte of the body came for {} s", stall.as_secs()),
            };
            self.stream = None;
            let fault = Fault::new(
                Kind::Transient,
                format!("{told} after {} of {} bytes", self.at, self.length),
            );
            if self.at - self.broke_at >= PROGRESS {
                self.backoff = Backoff::new(self.service.clients.settings().patience);
            }
            self.broke_at = self.at;
            self.service
                .recover(fault, 0, &mut self.backoff)
                .await
                .map_err(Fault::into_source_error)?;
        }
    }

    /// Asks for the rest of the same object; and once for all of it, where the rest does not come as it
    /// should: not everything in between knows of parts.
    async fn resume(&mut self) -> Result<ByteStream, SourceError> {
        let from = (self.at, self.etag.as_deref());
        let mut given = self.ask(Some(from)).await;
        let is_odd = match &given {
            Ok(output) => self.comes_again(output).is_none(),
            Err(fault) => matches!(fault.kind, Kind::Changed | Kind::Lasting),
        };
        if is_odd && !self.is_anew {
            self.is_anew = true;
            given = self.ask(None).await;
        }
        let output = given.map_err(|fault| match fault.kind {
            Kind::Changed | Kind::NotFound => {
                SourceError::Failed("it was changed or deleted while it was read: run again".into())
            }
            Kind::NoBucket
            | Kind::Denied
            | Kind::Archived
            | Kind::Elsewhere(_)
            | Kind::Throttled
            | Kind::Expired
            | Kind::Transient
            | Kind::NoCredentials
            | Kind::Lasting => fault.into_source_error(),
        })?;
        match self.comes_again(&output) {
            Some(again) => {
                self.again = again;
                Ok(output.body)
            }
            None => Err(SourceError::Failed(
                "the connection broke, and the server does not give the rest of an object".into(),
            )),
        }
    }

    /// Asks for the object from there on, if it is the same, or for all of it.
    async fn ask(&self, from: Option<(u64, Option<&str>)>) -> Result<GetObjectOutput, Fault> {
        let (target, payer) = (&self.target, self.service.payer());
        let stall = self.service.clients.settings().patience.stall;
        let asked = self.service.persist(&target.bucket, |client| {
            let rest = get(client, target, (payer.clone(), stall), from);
            Box::pin(async { rest.await.and_then(no_page) })
        });
        asked.await
    }

    /// How many bytes come once more with what was given for the rest of the object; nothing where it is
    /// neither that nor all of the same object.
    fn comes_again(&self, output: &GetObjectOutput) -> Option<u64> {
        let begins = format!("bytes {}-", self.at);
        let again = match output.content_range() {
            Some(range) if range.starts_with(&begins) => Some(0),
            // All of it, such as from a server that knows no parts.
            None if output.content_length() == i64::try_from(self.length).ok() => Some(self.at),
            Some(_) | None => None,
        };
        again.filter(|_| output.e_tag() == self.etag.as_deref())
    }
}

/// Refuses what a proxy, or whatever else is no S3, gives in an object's place. It may have an `ETag`,
/// and be the same each time. S3 tells the request's id with every answer, and nobody who writes
/// to a bucket can keep it from that: a page that somebody put in an object's place is no fault.
fn no_page(output: GetObjectOutput) -> Result<GetObjectOutput, Fault> {
    if is_page(&output) && output.request_id().is_none() {
        let told = "GetObject got a page for people, and no id of the request, which S3 tells: a proxy may stand in between";
        return Err(Fault::new(Kind::Transient, told));
    }
    Ok(output)
}

/// Whether an answer says that it is a page for people. Results of queries are tables, which tools
/// that copy them call text too.
fn is_page(output: &GetObjectOutput) -> bool {
    let kind = output.content_type().unwrap_or_default();
    let kind = kind.to_ascii_lowercase();
    kind.starts_with("text/") && !kind.starts_with("text/csv")
}

/// The first bytes of a body, where they are those of a gzip stream.
async fn first_of_gzip(body: &mut ByteStream, stall: Duration) -> Option<Bytes> {
    let first = timeout(stall, body.next()).await.ok()??.ok()?;
    let is_gzip = first
        .iter()
        .zip(GZIP_MAGIC)
        .all(|(byte, magic)| *byte == magic);
    (is_gzip && !first.is_empty()).then_some(first)
}

/// What S3 tells of an object beside its bytes.
fn facts(output: &GetObjectOutput) -> Facts {
    let seconds = output.last_modified().map(DateTime::secs);
    Facts {
        etag: output.e_tag().map(str::to_owned),
        version: output.version_id().map(str::to_owned),
        last_modified: seconds.and_then(|at| Timestamp::from_second(at).ok()),
        storage_class: output
            .storage_class()
            .map(|class| class.as_str().to_owned()),
        metadata: output
            .metadata()
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    }
}

async fn get(
    client: aws_sdk_s3::Client,
    target: &Target,
    (payer, stall): (Option<RequestPayer>, Duration),
    from: Option<(u64, Option<&str>)>,
) -> Result<GetObjectOutput, Fault> {
    let mut request = client
        .get_object()
        .bucket(&*target.bucket)
        .key(&target.key)
        .set_version_id(target.version.clone())
        .set_request_payer(payer);
    if let Some((at, etag)) = from {
        request = request
            .range(format!("bytes={at}-"))
            .set_if_match(etag.map(str::to_owned));
    }
    let bounded = Bounded {
        stall,
        is_object: true,
    };
    let sent = request.customize().interceptor(bounded).send().await;
    sent.map_err(|error| Fault::of("GetObject", &error))
}

impl Service {
    async fn get(
        &self,
        client: aws_sdk_s3::Client,
        target: &Target,
    ) -> Result<GetObjectOutput, Fault> {
        if target.version.is_none()
            && let Some(direct) = self.clients.direct(&target.bucket, &client).await
        {
            return direct.get(&target.key).await;
        }
        let stall = self.clients.settings().patience.stall;
        // A call of the SDK is a future of many kilobytes, which few objects need.
        Box::pin(get(client, target, (self.payer(), stall), None)).await
    }

    pub(super) fn payer(&self) -> Option<RequestPayer> {
        let pays = self.clients.settings().requester_pays;
        pays.then_some(RequestPayer::Requester)
    }
}

/// Asks for an object, and waits until it can be read.
pub(super) async fn open(
    service: &Arc<Service>,
    target: Target,
) -> Result<(Body, Metadata), SourceError> {
    let (download, metadata, facts) = Download::begin(service, target).await?;
    download.into_body(metadata, facts).await
}

/// A body that has come as a whole.
struct Whole {
    chunks: VecDeque<Bytes>,
    _memory: Option<OwnedSemaphorePermit>,
}

impl Read for Whole {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while let Some(chunk) = self.chunks.front_mut() {
            if chunk.is_empty() {
                self.chunks.pop_front();
                continue;
            }
            return Ok(take(chunk, into));
        }
        Ok(0)
    }
}

/// A body that is read as it comes, on the thread that hashes it.
pub(super) struct Coming {
    pub(super) download: Download,
    chunk: Bytes,
}

impl Coming {
    pub(super) fn new(download: Download) -> Self {
        Self {
            download,
            chunk: Bytes::new(),
        }
    }
}

impl Read for Coming {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            let service = Arc::clone(&self.download.service);
            let next = service.waiter.wait(self.download.next());
            match next.map_err(io::Error::other)? {
                Some(chunk) => self.chunk = chunk,
                None => return Ok(0),
            }
        }
        Ok(take(&mut self.chunk, into))
    }
}

fn take(chunk: &mut Bytes, into: &mut [u8]) -> usize {
    let taken = chunk.len().min(into.len());
    chunk.copy_to_slice(&mut into[..taken]);
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_told_by_their_type() {
        let of = |kind: Option<&str>| {
            let kind = kind.map(str::to_owned);
            is_page(&GetObjectOutput::builder().set_content_type(kind).build())
        };
        assert!(of(Some("text/html; charset=utf-8")) && of(Some("Text/HTML")));
        assert!(!of(Some("application/json")) && !of(None));
        assert!(!of(Some("text/csv")) && of(Some("text/plain")));
    }
}
