//! A place in a bucket that files are written to, and read from again.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use aws_sdk_s3::config::Builder;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::operation::RequestId as _;
use aws_sdk_s3::operation::put_object::PutObjectOutput;
use aws_sdk_s3::primitives::ByteStream;

use super::download::{Coming, Download};
use super::fault::{Fault, Kind};
use super::object::Target;
use super::request::Service;
use super::search::level;
use super::source::Connection;
use super::upload::Watch;
use super::wait::Reactor;
use crate::source::SourceError;

/// A folder of a bucket.
pub struct S3Store {
    service: Arc<Service>,
    bucket: Arc<str>,
    /// Empty, or ending in a slash.
    prefix: String,
    /// Last, so that the runtime outlives whatever waits on it.
    _reactor: Arc<Reactor>,
}

impl fmt::Debug for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Store")
            .field("bucket", &self.bucket)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl S3Store {
    /// The folder `prefix` of `bucket`.
    pub fn new(connection: Connection, bucket: &str, prefix: &str) -> Self {
        let (service, reactor) = connection.into_parts();
        let prefix = prefix.trim_end_matches('/');
        Self {
            service,
            bucket: bucket.into(),
            prefix: if prefix.is_empty() {
                String::new()
            } else {
                format!("{prefix}/")
            },
            _reactor: reactor,
        }
    }

    /// The names of the objects right in it that begin so. No others are listed.
    ///
    /// # Errors
    /// Where they cannot be listed.
    pub fn names(&self, beginning: &str) -> Result<Vec<String>, SourceError> {
        let prefix = format!("{}{beginning}", self.prefix);
        self.service.waiter.wait(async {
            let level = level(&self.service, &self.bucket, &prefix, |_| true).await;
            let level = level.map_err(Fault::into_source_error)?;
            let rests = level.objects.into_iter();
            Ok(rests
                .map(|(rest, _)| format!("{beginning}{rest}"))
                .collect())
        })
    }

    /// Writes an object's content to `into`, and tells how much it is.
    ///
    /// # Errors
    /// Where it is not there, or cannot be read; in the second place, where it cannot be written.
    pub fn get(&self, name: &str, into: &mut dyn Write) -> Result<io::Result<u64>, SourceError> {
        let target = Target {
            bucket: Arc::clone(&self.bucket),
            key: format!("{}{name}", self.prefix),
            version: None,
        };
        let waiter = &self.service.waiter;
        let (download, _, _) = waiter.wait(Download::begin(&self.service, target))?;
        Ok(io::copy(&mut Coming::new(download), into))
    }

    /// Makes an object of a file, in one step.
    ///
    /// # Errors
    /// Where that cannot be done.
    pub fn put(&self, name: &str, file: &Path) -> Result<(), SourceError> {
        let key = format!("{}{name}", self.prefix);
        self.service.waiter.wait(async {
            let _pass = self.service.pass().await;
            let put = self.service.persist(&self.bucket, |client| {
                let request = client
                    .put_object()
                    .bucket(&*self.bucket)
                    .key(&key)
                    .set_request_payer(self.service.payer());
                let patience = self.service.clients.settings().patience;
                // The answer comes only when all of the body has gone, which is watched.
                let timeouts = TimeoutConfig::builder()
                    .connect_timeout(patience.connect)
                    .disable_read_timeout();
                let patient = Builder::new().timeout_config(timeouts.build());
                let watch = Watch::new(&patience);
                async move {
                    let body = ByteStream::from_path(file).await.map_err(|error| {
                        let told = format!("{} cannot be read: {error}", file.display());
                        Fault::new(Kind::Lasting, told)
                    })?;
                    let request = request.body(body).customize().config_override(patient);
                    let request = request.interceptor(self.service.bounded());
                    let request = request.interceptor(watch.clone());
                    let sending = async {
                        let sent = request.send().await;
                        let sent = sent.map_err(|error| Fault::of("PutObject", &error))?;
                        is_taken(&sent)
                    };
                    watch.over(sending).await
                }
            });
            put.await.map_err(Fault::into_source_error)?;
            self.service.answered();
            Ok(())
        })
    }
}

/// Whether S3 has taken an object. Whoever else says that all is well has stored nothing.
fn is_taken(answer: &PutObjectOutput) -> Result<(), Fault> {
    if answer.e_tag().is_some() || answer.request_id().is_some() {
        return Ok(());
    }
    let told =
        "PutObject got an answer without ETag, which is not S3's: a proxy may stand in between";
    Err(Fault::new(Kind::Transient, told))
}
