//! The SDK's configuration: from the environment and the config files, loaded anew where
//! credentials have expired.

use std::borrow::Cow;
use std::time::Duration;

use aws_config::profile::ProfileSet;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    IdentityCache, RequestChecksumCalculation, ResponseChecksumValidation, SharedHttpClient,
    StalledStreamProtectionConfig,
};
use aws_types::service_config::ServiceConfigKey;

use super::endpoints::Endpoints;
use super::settings::Settings;

/// Those of the SDK's defaults that we build on.
const BEHAVIOR: fn() -> BehaviorVersion = BehaviorVersion::v2026_01_12;
/// So long whoever gives out credentials may take: a person may have to log in.
pub(super) const CREDENTIALS: Duration = Duration::from_mins(1);
/// Where nothing names a region.
const DEFAULT_REGION: &str = "us-east-1";

/// Loads what the environment, the config files and `settings` say.
pub(super) async fn load(settings: &Settings, http: SharedHttpClient) -> SdkConfig {
    let mut loader = aws_config::defaults(BEHAVIOR())
        .http_client(http)
        .identity_cache(IdentityCache::lazy().load_timeout(CREDENTIALS).build())
        // The SDK's own retries give up when many requests fail at once.
        .retry_config(RetryConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(settings.patience.connect)
                .read_timeout(settings.patience.stall)
                .build(),
        )
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        // Hashes are checked by ourselves, against what digests name.
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        // Results hold a hash of their own, and not every server takes checksums in a trailer.
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired);
    if let Some(profile) = &settings.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(url) = &settings.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if settings.no_sign_request {
        loader = loader.no_credentials();
    }
    let config = loader.load().await;
    if config.region().is_some() {
        return config;
    }
    let region = settings.region.as_deref().unwrap_or(DEFAULT_REGION);
    config
        .into_builder()
        .region(Region::new(region.to_owned()))
        .build()
}

/// What the config files say, of the profile that is used.
pub(super) async fn profiles(profile: Option<String>) -> Result<ProfileSet, String> {
    let (fs, env, files) = Default::default();
    let selected = profile.map(Cow::Owned);
    let loaded = aws_config::profile::load(&fs, &env, &files, selected).await;
    loaded.map_err(|error| error.to_string())
}

/// How often a request is made in all, where the environment or the config files say so.
pub(super) fn attempts(profiles: &ProfileSet) -> Result<Option<u32>, String> {
    let from = |name: &str, told: &str| match told.trim().parse() {
        Ok(attempts) if attempts > 0 => Ok(Some(attempts)),
        Ok(_) | Err(_) => Err(format!("{name}: {told:?} is no number of attempts")),
    };
    match std::env::var("AWS_MAX_ATTEMPTS") {
        Ok(told) if !told.is_empty() => from("AWS_MAX_ATTEMPTS", &told),
        Ok(_) | Err(_) => profiles
            .get("max_attempts")
            .map_or(Ok(None), |told| from("max_attempts", told)),
    }
}

/// A client of S3 in `region`.
pub(super) fn s3(settings: &Settings, config: &SdkConfig, region: &str) -> aws_sdk_s3::Client {
    let mut builder = aws_sdk_s3::config::Builder::from(config)
        .region(Region::new(region.to_owned()))
        .endpoint_resolver(Endpoints::default())
        // A server of one's own has no name for each bucket.
        .force_path_style(has_endpoint(config, "S3"));
    if settings.no_sign_request {
        builder = builder.allow_no_auth();
    }
    aws_sdk_s3::Client::from_conf(builder.build())
}

/// A client of CloudTrail in `region`.
pub(super) fn cloudtrail(config: &SdkConfig, region: &str) -> aws_sdk_cloudtrail::Client {
    let config =
        aws_sdk_cloudtrail::config::Builder::from(config).region(Region::new(region.to_owned()));
    aws_sdk_cloudtrail::Client::from_conf(config.build())
}

/// Whether the user names an endpoint for a service.
fn has_endpoint(config: &SdkConfig, service: &'static str) -> bool {
    let key = ServiceConfigKey::builder()
        .service_id(service)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build();
    let of_service = config
        .service_config()
        .zip(key.ok())
        .and_then(|(known, key)| known.load_config(key));
    config.endpoint_url().is_some() || of_service.is_some()
}
