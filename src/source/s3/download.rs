//! An object's body as it comes: taken up again where the connection broke, and never cut short.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Instant;

use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::ByteStream;
use bytes::{Buf as _, Bytes};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::backoff::Backoff;
use super::fault::{Fault, Kind};
use super::lone::Troubles;
use super::object::{Asker, Given, Target, facts};
use super::pace::Pace;
use super::request::Service;
use crate::source::{Body, Facts, Metadata, SourceError};

/// A body up to this size comes in one piece.
const SMALL: u64 = 256 * 1024;
/// A larger one takes about so much memory on its way, most of it in the connection's buffer.
const LARGE: usize = 768 * 1024;

/// Why the rest of an object is no longer to be had.
const CHANGED: &str = "it was changed or deleted while it was read: run again";
/// After so many bytes more, a broken connection is a new fault, not the last one again.
const PROGRESS: u64 = 256 * 1024;

/// A body that is on its way.
pub(super) struct Download {
    service: Arc<Service>,
    asker: Asker,
    etag: Option<String>,
    length: u64,
    at: u64,
    stream: Option<ByteStream>,
    /// What of it has come already.
    ahead: Option<Bytes>,
    /// How many bytes come once more, from a server that does not give the rest of an object alone.
    again: u64,
    pace: Pace,
    backoff: Backoff,
    /// Whether all of it was asked for anew, since its rest did not come as it should.
    is_anew: bool,
    /// How far it had come when it broke off last.
    broke_at: u64,
    memory: Option<OwnedSemaphorePermit>,
}

impl Download {
    /// Asks for an object, and waits until its body begins.
    pub(super) async fn begin(
        service: &Arc<Service>,
        target: Target,
    ) -> Result<(Self, Metadata, Facts), SourceError> {
        let asker = Asker::new(target, service.pass().await);
        let given = service
            .ask_whole(&asker)
            .await
            .map_err(|fault| match fault.kind {
                // Where there is no bucket, and never was in this run, there is no object.
                Kind::NoBucket => SourceError::NotFound,
                Kind::NotFound
                | Kind::SaidNotFound
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
        let Given {
            output,
            etag,
            length,
            ahead,
        } = given;
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
            asker,
            etag,
            length,
            at: 0,
            stream: Some(output.body),
            ahead,
            again: 0,
            is_anew: false,
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
                    self.service.others.came(&self.asker.target, self.length);
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
                self.asker.troubles = Troubles::default();
            }
            self.broke_at = self.at;
            let weighed = self.service.weigh_trouble(fault, &self.asker);
            let fault = Box::pin(weighed).await;
            if let Err(fault) = self.service.recover(fault, 0, &mut self.backoff).await {
                Box::pin(self.service.note_given_up(&fault, &self.asker)).await;
                return Err(fault.into_source_error());
            }
        }
    }

    /// Asks for the rest of the same object; and once for all of it, where the rest does not come as it
    /// should: not everything in between knows of parts.
    async fn resume(&mut self) -> Result<ByteStream, SourceError> {
        let from = (self.at, self.etag.as_deref());
        let mut given = self.service.ask_from(&self.asker, Some(from)).await;
        let is_odd = match &given {
            Ok(output) => self.comes_again(output).is_none(),
            Err(fault) => matches!(
                fault.kind,
                Kind::Changed | Kind::SaidNotFound | Kind::Lasting
            ),
        };
        if is_odd && !self.is_anew {
            self.is_anew = true;
            given = self.service.ask_from(&self.asker, None).await;
        }
        let output = given.map_err(|fault| match fault.kind {
            Kind::Changed | Kind::NotFound => SourceError::Failed(CHANGED.into()),
            Kind::SaidNotFound
            | Kind::NoBucket
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
            None if output.e_tag() != self.etag.as_deref() => {
                Err(SourceError::Failed(CHANGED.into()))
            }
            None => Err(SourceError::Failed(
                "the connection broke, and the server does not give the rest of an object".into(),
            )),
        }
    }

    /// How many bytes come once more with what was given for the rest of the object; nothing where it is
    /// neither that nor all of the same object.
    fn comes_again(&self, output: &GetObjectOutput) -> Option<u64> {
        let begins = format!("bytes {}-", self.at);
        let again = match output.content_range() {
            Some(range) if range.starts_with(&begins) => Some(0),
            Some(_) => None,
            // All of it, such as from a server that knows no parts.
            None => {
                let length = i64::try_from(self.length).ok();
                let is_all = output
                    .content_length()
                    .is_none_or(|all| Some(all) == length);
                is_all.then_some(self.at)
            }
        };
        again.filter(|_| output.e_tag() == self.etag.as_deref())
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
