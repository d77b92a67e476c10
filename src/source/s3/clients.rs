//! The clients of all regions, and which bucket is in which.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use aws_config::SdkConfig;
use aws_sdk_s3::config::{SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use tokio::sync::Mutex;

use super::aws;
use super::credentials::{Credentials, Shared};
use super::direct::Direct;
use super::settings::Settings;

/// Clients by region. All share one pool of connections.
#[derive(Debug)]
pub(super) struct Clients {
    settings: Settings,
    http: SharedHttpClient,
    /// Connections for requests that the SDK does not make itself.
    direct: SharedHttpConnector,
    loaded: RwLock<Loaded>,
    /// Held while the configuration is loaded anew.
    renewing: Mutex<()>,
    /// The region of each bucket where somebody answered for it, if it is not the default.
    regions: RwLock<HashMap<String, String>>,
}

#[derive(Debug)]
struct Loaded {
    config: SdkConfig,
    /// None where requests are not signed.
    credentials: Option<Arc<Credentials>>,
    /// How often it was loaded anew.
    generation: u64,
    s3: HashMap<String, aws_sdk_s3::Client>,
    /// How objects of a bucket are asked for, where the SDK need not do it.
    direct: HashMap<String, Option<Arc<Direct>>>,
    cloudtrail: HashMap<String, aws_sdk_cloudtrail::Client>,
}

impl Loaded {
    fn new(config: SdkConfig, generation: u64) -> Self {
        let source = config.credentials_provider();
        let credentials = source.map(|source| Arc::new(Credentials::new(source, aws::CREDENTIALS)));
        let config = match &credentials {
            Some(credentials) => {
                let shared = SharedCredentialsProvider::new(Shared(Arc::clone(credentials)));
                config.into_builder().credentials_provider(shared).build()
            }
            None => config,
        };
        Self {
            config,
            credentials,
            generation,
            s3: HashMap::new(),
            direct: HashMap::new(),
            cloudtrail: HashMap::new(),
        }
    }

    fn default_region(&self) -> String {
        let region = self.config.region();
        region.map_or_else(String::new, ToString::to_string)
    }
}

impl Clients {
    pub(super) async fn load(
        settings: Settings,
        http: SharedHttpClient,
        direct: SharedHttpConnector,
    ) -> Self {
        let config = aws::load(&settings, http.clone()).await;
        Self {
            settings,
            http,
            direct,
            loaded: RwLock::new(Loaded::new(config, 0)),
            renewing: Mutex::default(),
            regions: RwLock::default(),
        }
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A client for `bucket`, and the generation of its credentials: one of the region that is named, or
    /// of the last one where somebody answered for it.
    pub(super) fn s3(&self, bucket: &str, region: Option<&str>) -> (aws_sdk_s3::Client, u64) {
        let region = region.map(str::to_owned);
        let region = region.or_else(|| self.region_of(bucket));
        {
            let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(client) = loaded.s3.get(region.as_deref().unwrap_or_default()) {
                return (client.clone(), loaded.generation);
            }
        }
        let mut loaded = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        let name = region.clone().unwrap_or_else(|| loaded.default_region());
        let client = aws::s3(&self.settings, &loaded.config, &name);
        let client = loaded
            .s3
            .entry(region.unwrap_or_default())
            .or_insert(client)
            .clone();
        (client, loaded.generation)
    }

    /// How objects of `bucket` are asked for without a call of the SDK, where `client` would ask for
    /// them. None where that is not known, or not possible.
    pub(super) async fn direct(
        &self,
        bucket: &str,
        client: &aws_sdk_s3::Client,
    ) -> Option<Arc<Direct>> {
        if !self.is_for(client, bucket) {
            return None;
        }
        let credentials = {
            let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = loaded.direct.get(bucket) {
                return known.clone().filter(|direct| direct.is_on());
            }
            loaded.credentials.clone()
        };
        let (client, generation) = self.s3(bucket, None);
        let direct = match credentials {
            Some(credentials) => {
                let connections = self.direct.clone();
                Box::pin(Direct::to(
                    bucket,
                    &client,
                    credentials,
                    connections,
                    &self.settings,
                ))
                .await
            }
            None => None,
        };
        let direct = direct.map(Arc::new);
        let mut loaded = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        if loaded.generation == generation {
            loaded.direct.insert(bucket.to_owned(), direct.clone());
        }
        direct
    }

    /// A client of CloudTrail, and the generation of its credentials.
    pub(super) fn cloudtrail(&self, region: &str) -> (aws_sdk_cloudtrail::Client, u64) {
        let mut loaded = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = loaded.cloudtrail.get(region) {
            return (client.clone(), loaded.generation);
        }
        let client = aws::cloudtrail(&loaded.config, region);
        loaded.cloudtrail.insert(region.to_owned(), client.clone());
        (client, loaded.generation)
    }

    fn region_of(&self, bucket: &str) -> Option<String> {
        let regions = self.regions.read().unwrap_or_else(PoisonError::into_inner);
        regions.get(bucket).cloned()
    }

    /// Whether a client is one of the region that the bucket is known to be in.
    fn is_for(&self, client: &aws_sdk_s3::Client, bucket: &str) -> bool {
        let its = client.config().region().map(AsRef::as_ref);
        if let Some(region) = self.region_of(bucket) {
            return its == Some(&*region);
        }
        let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
        its == loaded.config.region().map(AsRef::as_ref)
    }

    /// Takes note of where a bucket is: somebody has answered for it there.
    pub(super) fn learn_region(&self, bucket: &str, region: String) {
        let mut regions = self.regions.write().unwrap_or_else(PoisonError::into_inner);
        regions.insert(bucket.to_owned(), region);
        drop(regions);
        let mut loaded = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        loaded.direct.remove(bucket);
    }

    /// Loads the configuration anew, unless somebody did since `generation`.
    pub(super) async fn renew(&self, generation: u64) {
        let _alone = self.renewing.lock().await;
        if self.generation() != generation {
            return;
        }
        let config = aws::load(&self.settings, self.http.clone()).await;
        let mut loaded = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        *loaded = Loaded::new(config, generation + 1);
    }

    fn generation(&self) -> u64 {
        let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
        loaded.generation
    }
}
