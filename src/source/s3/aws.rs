//! The SDK's configuration: from the environment and the config files, loaded anew where
//! credentials have expired.

use std::time::Duration;

use aws_config::profile::ProfileSet;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    IdentityCache, ResponseChecksumValidation, SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_types::service_config::ServiceConfigKey;

use super::settings::Settings;

/// Those of the SDK's defaults that we build on.
const BEHAVIOR: fn() -> BehaviorVersion = BehaviorVersion::v2026_01_12;
/// So long whoever gives out credentials may take: a person may have to log in.
const CREDENTIALS: Duration = Duration::from_mins(1);
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
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
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

/// Whether the config files have a profile of that name: the SDK tells a name that is not there
/// as credentials that are not there.
pub(super) async fn has_profile(name: &str) -> Result<bool, String> {
    let (fs, env, files) = Default::default();
    let profiles: Result<ProfileSet, _> = aws_config::profile::load(&fs, &env, &files, None).await;
    match profiles {
        Ok(profiles) => Ok(profiles.get_profile(name).is_some()),
        Err(error) => Err(error.to_string()),
    }
}

/// A client of S3 in `region`.
pub(super) fn s3(settings: &Settings, config: &SdkConfig, region: &str) -> aws_sdk_s3::Client {
    let mut builder = aws_sdk_s3::config::Builder::from(config)
        .region(Region::new(region.to_owned()))
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
