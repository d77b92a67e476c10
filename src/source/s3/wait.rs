//! Where threads of the engine wait for what the runtime does, and where a stop finds them.

use std::future::Future;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::watch;

use crate::source::SourceError;

/// The runtime that all requests run on.
#[derive(Debug)]
pub(super) struct Reactor {
    runtime: Option<Runtime>,
    waiter: Waiter,
    stop: watch::Sender<bool>,
}

/// A way to wait for a future, until the run is stopped.
#[derive(Clone, Debug)]
pub(super) struct Waiter {
    handle: Handle,
    stopped: watch::Receiver<bool>,
}

impl Reactor {
    pub(super) fn new() -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("requests")
            .enable_all()
            .build()?;
        let (stop, stopped) = watch::channel(false);
        Ok(Self {
            waiter: Waiter {
                handle: runtime.handle().clone(),
                stopped,
            },
            runtime: Some(runtime),
            stop,
        })
    }

    pub(super) fn waiter(&self) -> &Waiter {
        &self.waiter
    }

    /// What ends all waiting when it is called.
    pub(super) fn stopper(&self) -> impl Fn() + Send + Sync + 'static {
        let stop = self.stop.clone();
        move || {
            stop.send_replace(true);
        }
    }
}

impl Drop for Reactor {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A name that is still looked up must not hold up the end.
            runtime.shutdown_background();
        }
    }
}

impl Waiter {
    /// Waits for `future` on this thread.
    ///
    /// # Errors
    /// Where the run is stopped before.
    pub(super) fn wait<T>(
        &self,
        future: impl Future<Output = Result<T, SourceError>>,
    ) -> Result<T, SourceError> {
        let mut stopped = self.stopped.clone();
        let stop = async move {
            if stopped.wait_for(|stopped| *stopped).await.is_err() {
                // Whoever could stop the run is gone: nobody will.
                std::future::pending::<()>().await;
            }
        };
        self.handle.block_on(async {
            tokio::select! {
                biased;
                () = stop => Err(interrupted()),
                output = future => output,
            }
        })
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }
}

/// What everybody gets who waits while the run is stopped. The engine drops it.
pub(super) fn interrupted() -> SourceError {
    SourceError::Failed("the run was stopped".into())
}
