//! The SDK's configuration: from the environment and the config files, loaded anew where
//! credentials have expired.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    ResponseChecksumValidation, SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_types::service_config::ServiceConfigKey;

use super::settings::Settings;

/// Where nothing names a region.
const DEFAULT_REGION: &str = "us-east-1";

/// Loads what the environment, the config files and `settings` say.
pub(super) async fn load(settings: &Settings, http: SharedHttpClient) -> SdkConfig {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
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

/// A client of S3 in `region`.
pub(super) fn s3(config: &SdkConfig, region: &str) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(config)
        .region(Region::new(region.to_owned()))
        // A server of one's own has no name for each bucket.
        .force_path_style(has_endpoint(config, "S3"));
    aws_sdk_s3::Client::from_conf(config.build())
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
