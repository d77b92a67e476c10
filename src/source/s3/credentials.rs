//! Credentials, had once for all that sign with them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_runtime_api::client::identity::Identity;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::fault::innermost;

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
    /// Held while the source is asked; and why it gave nothing the last time, if it did not.
    asking: Mutex<Option<CredentialsError>>,
    /// How often it was asked, and is done.
    asked: AtomicU64,
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
            asked: AtomicU64::new(0),
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
        let before = self.asked.load(Ordering::Acquire);
        let mut failed = self.asking.lock().await;
        if let Some(held) = self.at_hand() {
            return Ok(held);
        }
        // Else a source that hangs would be waited for by one after the other.
        if let Some(why) = &*failed
            && self.asked.load(Ordering::Acquire) != before
        {
            return Err(self.once_more(why));
        }
        let asked = timeout(self.patience, self.source.provide_credentials()).await;
        self.asked.fetch_add(1, Ordering::Release);
        let asked = asked.unwrap_or_else(|_| Err(self.too_late()));
        let credentials = asked.map_err(|why| {
            let told = self.once_more(&why);
            *failed = Some(why);
            told
        })?;
        *failed = None;
        let held = Held {
            identity: credentials.clone().into(),
            credentials,
        };
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = Some(held.clone());
        Ok(held)
    }

    fn too_late(&self) -> CredentialsError {
        CredentialsError::provider_timed_out(self.patience)
    }

    /// The same error for somebody else.
    fn once_more(&self, why: &CredentialsError) -> CredentialsError {
        let told = innermost(why);
        match why {
            CredentialsError::CredentialsNotLoaded(_) => CredentialsError::not_loaded(told),
            CredentialsError::ProviderTimedOut(_) => self.too_late(),
            CredentialsError::InvalidConfiguration(_) => {
                CredentialsError::invalid_configuration(told)
            }
            CredentialsError::ProviderError(_) => CredentialsError::provider_error(told),
            // Or what later versions of the SDK may add.
            CredentialsError::Unhandled(_) | _ => CredentialsError::unhandled(told),
        }
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

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;

    use super::*;

    /// A source that never answers, or refuses; and how often it was asked.
    #[derive(Debug, Default)]
    struct Source {
        asked: AtomicU64,
        hangs: bool,
    }

    impl ProvideCredentials for Source {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::new(async {
                self.asked.fetch_add(1, Ordering::Relaxed);
                if self.hangs {
                    std::future::pending::<()>().await;
                }
                tokio::task::yield_now().await;
                Err(CredentialsError::invalid_configuration("no such file"))
            })
        }
    }

    #[derive(Debug)]
    struct Counted(Arc<Source>);

    impl ProvideCredentials for Counted {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            self.0.provide_credentials()
        }
    }

    /// What ten get that ask at once, and how often the source was asked for it.
    fn ask(hangs: bool) -> (Vec<CredentialsError>, u64) {
        let source = Arc::new(Source {
            hangs,
            ..Source::default()
        });
        let provider = SharedCredentialsProvider::new(Counted(Arc::clone(&source)));
        let credentials = Arc::new(Credentials::new(provider, Duration::from_millis(20)));
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().build().unwrap();
        let told = runtime.block_on(async {
            let mut asking = JoinSet::new();
            for _ in 0..10 {
                let credentials = Arc::clone(&credentials);
                asking.spawn(async move { credentials.identity().await.unwrap_err() });
            }
            let told = asking.join_all().await;
            // Whoever comes later asks anew.
            assert!(credentials.identity().await.is_err());
            told
        });
        (told, source.asked.load(Ordering::Relaxed))
    }

    #[test]
    fn a_failure_is_that_of_all_who_wait_for_it() {
        let (told, asked) = ask(true);
        let timed_out = |why: &_| matches!(why, CredentialsError::ProviderTimedOut(_));
        assert!(told.iter().all(timed_out), "{told:?}");
        assert_eq!((told.len(), asked), (10, 2));
        let (told, asked) = ask(false);
        for why in &told {
            assert!(matches!(why, CredentialsError::InvalidConfiguration(_)));
            assert_eq!(innermost(why), "no such file");
        }
        assert_eq!((told.len(), asked), (10, 2));
    }
}
