//! The real SDK's clients, set up for the server.

use std::future::Future;
use std::time::Duration;

use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};

use super::super::{Object, Options, Server, Store};

pub(crate) const BUCKET: &str = "trail-bucket";

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// A server whose bucket holds these keys, each with its own name as its body.
pub(crate) fn serve(keys: &[&str], options: Options) -> Server {
    let mut store = Store::default();
    store.bucket(BUCKET);
    for key in keys {
        store.put(BUCKET, key, Object::new((*key).to_owned()));
    }
    Server::start(store, options)
}

fn retries(attempts: u32) -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(attempts)
        .with_initial_backoff(Duration::from_millis(1))
}

pub(crate) fn builder(server: &Server, attempts: u32) -> aws_sdk_s3::config::Builder {
    unsigned(server, attempts)
        .credentials_provider(Credentials::new("AKID", "secret", None, None, "test"))
}

pub(crate) fn unsigned(server: &Server, attempts: u32) -> aws_sdk_s3::config::Builder {
    aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(server.url())
        .force_path_style(true)
        .retry_config(retries(attempts))
        .timeout_config(
            TimeoutConfig::builder()
                .read_timeout(Duration::from_mins(1))
                .build(),
        )
}

pub(crate) fn s3(server: &Server, attempts: u32) -> aws_sdk_s3::Client {
    aws_sdk_s3::Client::from_conf(builder(server, attempts).build())
}

pub(crate) fn cloudtrail(
    server: &Server,
    region: &'static str,
    attempts: u32,
) -> aws_sdk_cloudtrail::Client {
    let config = aws_sdk_cloudtrail::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region))
        .endpoint_url(server.url())
        .credentials_provider(Credentials::new("AKID", "secret", None, None, "test"))
        .retry_config(retries(attempts));
    aws_sdk_cloudtrail::Client::from_conf(config.build())
}

pub(crate) async fn get(
    client: &aws_sdk_s3::Client,
    key: &str,
) -> Result<GetObjectOutput, SdkError<GetObjectError>> {
    client.get_object().bucket(BUCKET).key(key).send().await
}

/// The whole body, or what the SDK says of a broken one.
pub(crate) async fn body(client: &aws_sdk_s3::Client, key: &str) -> Result<Vec<u8>, String> {
    let output = get(client, key).await.map_err(|error| told(&error))?;
    let bytes = output
        .body
        .collect()
        .await
        .map_err(|error| format!("body: {error:?}"))?;
    Ok(bytes.into_bytes().to_vec())
}

/// `403 AccessDenied`, or the kind of a failure that is not the service's answer.
pub(crate) fn told<E: ProvideErrorMetadata>(error: &SdkError<E>) -> String {
    match error {
        SdkError::ServiceError(context) => {
            let status = context.raw().status().as_u16();
            format!("{status} {}", context.err().code().unwrap_or("-"))
        }
        SdkError::TimeoutError(_) => "timeout".to_owned(),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => "timeout".to_owned(),
        SdkError::DispatchFailure(_) => "dispatch".to_owned(),
        SdkError::ResponseError(_) => "response".to_owned(),
        SdkError::ConstructionFailure(_) | _ => "other".to_owned(),
    }
}
