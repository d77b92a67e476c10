//! A server in a thread of its own, for as long as it is held.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard, mpsc};
use std::thread::JoinHandle;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio_rustls::TlsAcceptor;

use super::backend::Backend;
use super::cloudtrail::CloudTrail;
use super::fault::Faults;
use super::front::{Front, State};
use super::log::Log;
use super::options::{ACCESS_KEY, Options};
use super::secure;
use super::socket::{ResetSwitch, Socket};
use super::store::Store;

/// S3 and CloudTrail on one port of 127.0.0.1; gone when dropped.
pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(store: Store, options: Options) -> Self {
        let store = Arc::new(RwLock::new(store));
        let state = Arc::new(State {
            s3: s3_service(Arc::clone(&store), &options),
            slots: (options.slots > 0).then(|| Semaphore::new(options.slots)),
            store,
            cloudtrail: RwLock::new(CloudTrail::default()),
            faults: Faults::new(options.seed),
            log: Arc::new(Log::new(options.log)),
            options,
        });
        let (stop, stopped) = oneshot::channel();
        let (ready, address) = mpsc::channel();
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || run(&shared, &ready, stopped));
        let address = address
            .recv()
            .expect("the server cannot listen on 127.0.0.1");
        Self {
            address,
            state,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if self.state.options.tls {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.address)
    }

    /// The buckets, to be changed while the server runs.
    pub(crate) fn store(&self) -> RwLockWriteGuard<'_, Store> {
        self.state
            .store
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The trails and keys, to be changed while the server runs.
    pub(crate) fn cloudtrail(&self) -> RwLockWriteGuard<'_, CloudTrail> {
        self.state
            .cloudtrail
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.state.faults
    }

    pub(crate) fn log(&self) -> &Log {
        &self.state.log
    }

    /// What makes a program that uses an AWS SDK, and the AWS CLI, come here and nowhere else.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let nowhere = "/dev/null".to_owned();
        let secret = self.state.options.secret.clone();
        let secret = secret.unwrap_or_else(|| "secret".to_owned());
        vec![
            ("AWS_ENDPOINT_URL", self.url()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", secret),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_DEFAULT_REGION", "us-east-1".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_CONFIG_FILE", nowhere.clone()),
            ("AWS_SHARED_CREDENTIALS_FILE", nowhere),
            ("NO_PROXY", "127.0.0.1".to_owned()),
        ]
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A server that panicked has failed its test already.
            let _ = thread.join();
        }
    }
}

fn s3_service(store: Arc<RwLock<Store>>, options: &Options) -> S3Service {
    let mut builder = S3ServiceBuilder::new(Backend::new(store, options.clone()));
    if let Some(secret) = &options.secret {
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, secret.as_str()));
        builder.set_access(Anybody);
    }
    builder.build()
}

/// A right signature is enough, and so is none.
struct Anybody;

#[async_trait::async_trait]
impl S3Access for Anybody {
    async fn check(&self, _: &mut S3AccessContext<'_>) -> s3s::S3Result<()> {
        Ok(())
    }
}

fn run(state: &Arc<State>, ready: &mpsc::Sender<SocketAddr>, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let listener = listen(state.options.port).expect("a free port on 127.0.0.1");
        ready
            .send(listener.local_addr().expect("an address"))
            .expect("somebody who asked for a server");
        let accepting = tokio::spawn(accept(listener, Arc::clone(state)));
        // Either way it is over: a word, or the sender gone.
        let _ = stopped.await;
        accepting.abort();
    });
    runtime.shutdown_background();
}

/// A short queue would make a burst of connections wait for a second.
fn listen(port: u16) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    socket.listen(4096)
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let tls = state.options.tls.then(secure::acceptor);
    let places = match state.options.connections {
        0 => Semaphore::MAX_PERMITS,
        limit => limit,
    };
    let places = Arc::new(Semaphore::new(places));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        match Arc::clone(&places).try_acquire_owned() {
            Ok(place) => {
                let welcome = welcome(stream, tls.clone(), Arc::clone(&state));
                tokio::spawn(async move {
                    welcome.await;
                    drop(place);
                });
            }
            // A peer that is gone already needs no reset.
            Err(_) => drop(stream.set_zero_linger()),
        }
    }
}

async fn welcome(stream: TcpStream, tls: Option<TlsAcceptor>, state: Arc<State>) {
    let _ = stream.set_nodelay(true);
    let reset = ResetSwitch::default();
    let socket = Socket::new(stream, reset.clone());
    let Some(tls) = tls else {
        return serve(socket, reset, state).await;
    };
    // A client that does not trust the server hangs up.
    if let Ok(socket) = tls.accept(socket).await {
        serve(socket, reset, state).await;
    }
}

async fn serve(socket: impl AsyncRead + AsyncWrite + Unpin, reset: ResetSwitch, state: Arc<State>) {
    let socket = TokioIo::new(socket);
    let mut builder = http1::Builder::new();
    builder.title_case_headers(state.options.title_case);
    let front = Front::new(state, reset);
    let service = service_fn(move |request| front.clone().answer(request));
    // What goes wrong on a connection is the client's to notice.
    let _ = builder.serve_connection(socket, service).await;
}
