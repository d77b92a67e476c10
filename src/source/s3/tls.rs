//! The HTTP client: proxies from the environment, and `AWS_CA_BUNDLE`, which the SDK leaves out.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use aws_sdk_s3::config::{SharedAsyncSleep, SharedHttpClient};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use x509_cert::Certificate;

use super::settings::Settings;

/// Servers end idle connections after some time; better that we do it first.
const IDLE: Duration = Duration::from_secs(20);

/// A client for the SDK, and the connections of it that serve requests made without it. Both trust
/// whom the environment says.
///
/// # Errors
/// Where `AWS_CA_BUNDLE` names no file of certificates.
pub(super) fn http_clients(settings: &Settings) -> Result<(SharedHttpClient, SharedHttpConnector)> {
    let tls = context()?;
    let times = HttpConnectorSettings::builder()
        .connect_timeout(settings.patience.connect)
        .read_timeout(settings.patience.stall)
        .build();
    let connections = settings.concurrency;
    let pool = connector(connections, Some(times.clone()), None, tls.clone());
    let pool = SharedHttpConnector::new(pool);
    let others = Builder::new().build_with_connector_fn(move |settings, components| {
        let sleep = components.and_then(RuntimeComponents::sleep_impl);
        connector(connections, settings.cloned(), sleep, tls.clone())
    });
    let client = OnePool {
        times,
        pool: pool.clone(),
        others,
    };
    Ok((SharedHttpClient::new(client), pool))
}

/// All requests that wait as long share one pool. With a pool for listings and one for objects, the idle
/// connections of the one hold all places of a server that has few, and the other gets none.
#[derive(Debug)]
struct OnePool {
    times: HttpConnectorSettings,
    pool: SharedHttpConnector,
    /// For those that wait longer or less long: uploads, and where credentials come from.
    others: SharedHttpClient,
}

impl HttpClient for OnePool {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let times = |settings: &HttpConnectorSettings| {
            (settings.connect_timeout(), settings.read_timeout())
        };
        if times(settings) == times(&self.times) {
            return self.pool.clone();
        }
        self.others.http_connector(settings, components)
    }
}

/// A pool of connections.
fn connector(
    connections: usize,
    settings: Option<HttpConnectorSettings>,
    sleep: Option<SharedAsyncSleep>,
    tls: TlsContext,
) -> Connector {
    let mut connector = Connector::builder()
        .proxy_config(ProxyConfig::from_env())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(connections);
    connector.set_connector_settings(settings);
    connector.set_sleep_impl(sleep);
    connector
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(tls)
        .build()
}

fn context() -> Result<TlsContext> {
    let bundle = std::env::var_os("AWS_CA_BUNDLE").filter(|bundle| !bundle.is_empty());
    let trusted = match bundle {
        None => TrustStore::default(),
        Some(bundle) => {
            let bundle = PathBuf::from(bundle);
            let pem = std::fs::read(&bundle)
                .map_err(anyhow::Error::from)
                .and_then(|pem| certificates(&pem).map(|()| pem))
                .with_context(|| format!("AWS_CA_BUNDLE: {}", bundle.display()))?;
            // As in the AWS CLI, the bundle takes the place of the system's own authorities.
            TrustStore::empty().with_pem_certificate(pem)
        }
    };
    TlsContext::builder()
        .with_trust_store(trusted)
        .build()
        .context("TLS cannot be set up")
}

/// Looks at a bundle before the TLS library does, which would panic over a bad one.
fn certificates(pem: &[u8]) -> Result<()> {
    let Ok(chain) = Certificate::load_pem_chain(pem) else {
        bail!("it holds something else than certificates in PEM");
    };
    if chain.is_empty() {
        bail!("there is no certificate in PEM in it");
    }
    Ok(())
}
