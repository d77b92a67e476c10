//! Where requests go, resolved once for each bucket.
//!
//! The SDK remembers one answer, by all that was asked, the object's key included: with another
//! key in each request it is never used, and to replace it waits for every thread that may be
//! reading it, which took a sixth of the time of a request.

use aws_sdk_s3::config::endpoint::{DefaultResolver, EndpointFuture, Params, ResolveEndpoint};

/// The SDK's own resolver, asked without the key, on which no endpoint depends.
#[derive(Debug, Default)]
pub(super) struct Endpoints(DefaultResolver);

impl ResolveEndpoint for Endpoints {
    fn resolve_endpoint<'a>(&'a self, params: &'a Params) -> EndpointFuture<'a> {
        let Ok(same_for_all_keys) = without_key(params) else {
            return self.0.resolve_endpoint(params);
        };
        EndpointFuture::new(async move { self.0.resolve_endpoint(&same_for_all_keys).await })
    }
}

/// All that was asked, but for the key and the prefix.
fn without_key(params: &Params) -> Result<Params, aws_sdk_s3::config::endpoint::InvalidParams> {
    let text = |text: Option<&str>| text.map(str::to_owned);
    Params::builder()
        .set_bucket(text(params.bucket()))
        .set_region(text(params.region()))
        .set_use_fips(params.use_fips())
        .set_use_dual_stack(params.use_dual_stack())
        .set_endpoint(text(params.endpoint()))
        .set_force_path_style(params.force_path_style())
        .set_accelerate(params.accelerate())
        .set_use_global_endpoint(params.use_global_endpoint())
        .set_use_object_lambda_endpoint(params.use_object_lambda_endpoint())
        .set_copy_source(text(params.copy_source()))
        .set_disable_access_points(params.disable_access_points())
        .set_disable_multi_region_access_points(params.disable_multi_region_access_points())
        .set_use_arn_region(params.use_arn_region())
        .set_use_s3_express_control_endpoint(params.use_s3_express_control_endpoint())
        .set_disable_s3_express_session_auth(params.disable_s3_express_session_auth())
        .build()
}
