//! Asking for an object, and which answer is the object.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_sdk_s3::operation::RequestId as _;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::primitives::{ByteStream, DateTime};
use aws_sdk_s3::types::RequestPayer;
use bytes::Bytes;
use jiff::Timestamp;
use tokio::time::timeout;

use super::again::{Listed, listed_on};
use super::answers::{Asked, Bounded};
use super::fault::{Fault, Kind};
use super::gate::Pass;
use super::lone::Troubles;
use super::request::Service;
use crate::source::Facts;

/// How a gzip stream begins.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// An object, or one version of it.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) bucket: Arc<str>,
    pub(super) key: String,
    pub(super) version: Option<String>,
}

/// Whoever asks for an object.
#[derive(Debug)]
pub(super) struct Asker {
    pub(super) target: Target,
    pub(super) pass: Pass,
    pub(super) troubles: Troubles,
    /// Whether the listing was asked already whether it is there.
    is_weighed: AtomicBool,
    /// How many bytes a listing tells, where an answer did not.
    listed: OnceLock<u64>,
}

impl Asker {
    pub(super) fn new(target: Target, pass: Pass) -> Self {
        Self {
            target,
            pass,
            troubles: Troubles::default(),
            is_weighed: AtomicBool::new(false),
            listed: OnceLock::new(),
        }
    }
}

/// The answer to who asked for an object.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) output: GetObjectOutput,
    pub(super) etag: Option<String>,
    /// How many bytes are to come.
    pub(super) length: u64,
    /// What of them has come already.
    pub(super) ahead: Option<Bytes>,
}

impl Service {
    /// Asks for all of an object, until an answer is it, or patience ends.
    pub(super) async fn ask_whole(&self, asker: &Asker) -> Result<Given, Fault> {
        let once = async |client| match self.ask_once(client, asker).await {
            Ok(given) => Ok(given),
            Err(fault) => Err(Box::pin(self.weigh_trouble(fault, asker)).await),
        };
        let given = self.persist(&asker.target.bucket, once).await;
        if let Err(fault) = &given {
            Box::pin(self.note_given_up(fault, asker)).await;
        }
        given
    }

    /// Asks for all of an object once.
    pub(super) async fn ask_now(&self, target: &Target) -> Result<Given, Fault> {
        let (client, _) = self.clients.s3(&target.bucket, None);
        self.count_request();
        self.given(self.get(client, target).await?, None).await
    }

    async fn ask_once(&self, client: aws_sdk_s3::Client, asker: &Asker) -> Result<Given, Fault> {
        match self.get(client.clone(), &asker.target).await {
            Ok(output) if lacks_length(&output) => {
                // What waits for the listing would hold a connection that the listing may need.
                drop(output);
                Box::pin(self.ask_beside_listing(client, asker)).await
            }
            Ok(output) => self.given(output, None).await,
            // Most objects are there.
            Err(fault) if fault.kind == Kind::SaidNotFound => {
                Err(Box::pin(self.weigh_absence(fault, asker)).await)
            }
            Err(fault) => Err(fault),
        }
    }

    /// Asks again for an object that came without a word on its length, as what stands before S3 may give it. Without
    /// that nobody knows whether all of it came; so its listing has to tell.
    async fn ask_beside_listing(
        &self,
        client: aws_sdk_s3::Client,
        asker: &Asker,
    ) -> Result<Given, Fault> {
        let Asker { target, pass, .. } = asker;
        if asker.listed.get().is_none() && target.version.is_none() {
            let size = match listed_on(pass, self, target).await? {
                Listed::Shown(entry) => entry.size,
                Listed::Not | Listed::Unknown => None,
            };
            size.map(|size| asker.listed.get_or_init(|| size));
        }
        self.count_request();
        let output = self.get(client, target).await?;
        self.given(output, asker.listed.get().copied()).await
    }

    /// Takes an answer for the object, if it can be. Where it does not tell how long it is, a listing may have told.
    async fn given(&self, output: GetObjectOutput, listed: Option<u64>) -> Result<Given, Fault> {
        let mut output = no_page(output)?;
        if output.content_range().is_some() {
            // Half of an object would be told as one that was cut.
            let told = "GetObject got a part of the object where all of it was asked for, which S3 does not do: a proxy may stand in between";
            return Err(Fault::new(Kind::Transient, told));
        }
        let etag = output.e_tag().map(str::to_owned);
        let length = output.content_length();
        let length = length.and_then(|length| u64::try_from(length).ok());
        let length = length.or(listed);
        // Few pages of proxies have both. Some that speak S3's protocol tell no ETag: what
        // they give begins as gzip, and is no page, which may come compressed too.
        let ahead = match (&etag, length) {
            (None, Some(_)) if !is_page(&output) => {
                let stall = self.clients.settings().patience.stall;
                first_of_gzip(&mut output.body, stall).await
            }
            (_, _) => None,
        };
        match length.filter(|_| etag.is_some() || ahead.is_some()) {
            Some(length) => Ok(Given {
                output,
                etag,
                length,
                ahead,
            }),
            None => Err(Fault::new(
                Kind::Transient,
                "GetObject got an answer without ETag or Content-Length, which is not S3's: a proxy may stand in between",
            )),
        }
    }

    /// Not everything that speaks S3's protocol has its codes, and a proxy in between has none. What the
    /// bucket's listing does not show either is not there, where it shows what is there when it is asked
    /// in the same way. It is asked once: what it says of an object does not change with each attempt.
    async fn weigh_absence(&self, fault: Fault, asker: &Asker) -> Fault {
        let Asker { target, pass, .. } = asker;
        let Some(other) = self.others.beside(target) else {
            return fault;
        };
        if target.version.is_some() || asker.is_weighed.swap(true, Ordering::Relaxed) {
            return fault;
        }
        let told = match listed_on(pass, self, target).await {
            Ok(Listed::Not) => match listed_on(pass, self, &other).await {
                Ok(Listed::Shown(_)) => {
                    return Fault {
                        is_answer: true,
                        ..Fault::new(Kind::NotFound, fault.told)
                    };
                }
                Ok(Listed::Not | Listed::Unknown) => return fault,
                Err(unlisted) => unlisted.told,
            },
            Ok(Listed::Shown(_) | Listed::Unknown) => return fault,
            Err(unlisted) => unlisted.told,
        };
        Fault {
            told: format!("{}; {told}", fault.told),
            ..fault
        }
    }

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
        // A call of the SDK is a future of many kilobytes, which few objects need.
        Box::pin(self.get_by_sdk(client, target, None)).await
    }

    /// Asks for the object from there on, if it is the same, or for all of it.
    pub(super) async fn ask_from(
        &self,
        asker: &Asker,
        from: Option<(u64, Option<&str>)>,
    ) -> Result<GetObjectOutput, Fault> {
        let rest = self.persist(&asker.target.bucket, |client| {
            let answered = self.get_by_sdk(client, &asker.target, from);
            Box::pin(async {
                match answered.await.and_then(no_page) {
                    Ok(output) => Ok(output),
                    Err(fault) => Err(self.weigh_trouble(fault, asker).await),
                }
            })
        });
        let rest = rest.await;
        if let Err(fault) = &rest {
            Box::pin(self.note_given_up(fault, asker)).await;
        }
        rest
    }

    async fn get_by_sdk(
        &self,
        client: aws_sdk_s3::Client,
        target: &Target,
        from: Option<(u64, Option<&str>)>,
    ) -> Result<GetObjectOutput, Fault> {
        let mut request = client
            .get_object()
            .bucket(&*target.bucket)
            .key(&target.key)
            .set_version_id(target.version.clone())
            .set_request_payer(self.payer());
        if let Some((at, etag)) = from {
            request = request
                .range(format!("bytes={at}-"))
                .set_if_match(etag.map(str::to_owned));
        }
        let bounded = Bounded {
            stall: self.clients.settings().patience.stall,
            asked: if from.is_some() {
                Asked::Rest
            } else {
                Asked::Object
            },
        };
        let sent = request.customize().interceptor(bounded).send().await;
        sent.map_err(|error| Fault::of("GetObject", &error))
    }

    pub(super) fn payer(&self) -> Option<RequestPayer> {
        let pays = self.clients.settings().requester_pays;
        pays.then_some(RequestPayer::Requester)
    }
}

fn lacks_length(output: &GetObjectOutput) -> bool {
    output.content_length().is_none() && output.content_range().is_none()
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
pub(super) fn facts(output: &GetObjectOutput) -> Facts {
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
