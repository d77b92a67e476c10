//! Credentials, had once for all that sign with them.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_runtime_api::client::identity::Identity;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// So long before they expire they are had anew, as the SDK does.
const MARGIN: Duration = Duration::from_secs(10);

/// Credentials that are kept until shortly before they expire. A process or a person that gives
/// them out is asked once, not once by each client.
#[derive(Debug)]
pub(super) struct Credentials {
    source: SharedCredentialsProvider,
    /// So long the source may take.
    patience: Duration,
    held: RwLock<Option<Held>>,
    /// Held while the source is asked.
    asking: Mutex<()>,
}

#[derive(Clone, Debug)]
struct Held {
    credentials: aws_credential_types::Credentials,
    identity: Identity,
}

impl Held {
    fn is_fresh(&self) -> bool {
        let expiry = self.credentials.expiry();
        expiry.is_none_or(|expiry| expiry > SystemTime::now() + MARGIN)
    }
}

impl Credentials {
    pub(super) fn new(source: SharedCredentialsProvider, patience: Duration) -> Self {
        Self {
            source,
            patience,
            held: RwLock::default(),
            asking: Mutex::default(),
        }
    }

    /// What requests are signed with.
    pub(super) async fn identity(&self) -> Result<Identity, CredentialsError> {
        Ok(self.fresh().await?.identity)
    }

    async fn fresh(&self) -> Result<Held, CredentialsError> {
        if let Some(held) = self.at_hand() {
            return Ok(held);
        }
        let _alone = self.asking.lock().await;
        if let Some(held) = self.at_hand() {
            return Ok(held);
        }
        let asked = timeout(self.patience, self.source.provide_credentials()).await;
        let credentials =
            asked.map_err(|_| CredentialsError::provider_timed_out(self.patience))??;
        let held = Held {
            identity: credentials.clone().into(),
            credentials,
        };
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(held.clone());
        Ok(held)
    }

    fn at_hand(&self) -> Option<Held> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().filter(|held| held.is_fresh()).cloned()
    }
}

/// As the SDK's clients ask for them.
#[derive(Clone, Debug)]
pub(super) struct Shared(pub(super) Arc<Credentials>);

impl ProvideCredentials for Shared {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async { Ok(self.0.fresh().await?.credentials) })
    }
}
