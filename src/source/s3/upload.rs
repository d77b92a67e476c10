//! Watching what is sent: that it goes on, and that it is answered.
//!
//! The SDK's own watch ends with the last byte that is taken, and what is taken may lie on this machine
//! still: an answer may then never come.

use std::fmt;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::SdkBody;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, timeout_at};

use super::fault::{Fault, Kind};
use super::settings::Patience;

/// Sees to it that what is sent comes to an end.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    /// So long nothing of it may be taken.
    stall: Duration,
    /// So long the answer may take when all has been.
    answer: Duration,
    progress: Arc<Mutex<Progress>>,
}

/// How far it is.
#[derive(Clone, Copy, Debug)]
enum Progress {
    /// Credentials may still be asked for.
    NotBegun,
    /// How many bytes are left since then.
    Taken(Instant, u64),
}

impl Watch {
    pub(super) fn new(patience: &Patience) -> Self {
        Self {
            stall: patience.stall,
            answer: patience.outage,
            progress: Arc::new(Mutex::new(Progress::NotBegun)),
        }
    }

    /// Waits for `sending`, whose request this intercepts, as long as it goes on.
    ///
    /// # Errors
    /// Those of `sending`; and where it does not go on.
    pub(super) async fn over<T>(
        &self,
        sending: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        let mut sending = pin!(sending);
        loop {
            let until = self.until();
            if let Ok(sent) = timeout_at(until, sending.as_mut()).await {
                return sent;
            }
            if self.until() <= Instant::now() {
                return Err(Fault::new(Kind::Transient, self.told()));
            }
        }
    }

    /// When it no longer goes on, unless something happens before.
    fn until(&self) -> Instant {
        match self.progress() {
            Progress::NotBegun => Instant::now() + self.stall,
            Progress::Taken(at, 0) => at + self.answer,
            Progress::Taken(at, _) => at + self.stall,
        }
    }

    fn told(&self) -> String {
        match self.progress() {
            Progress::Taken(_, 0) => {
                let seconds = self.answer.as_secs();
                format!("PutObject: all of it was sent, and not answered within {seconds} s")
            }
            Progress::NotBegun | Progress::Taken(..) => {
                let seconds = self.stall.as_secs();
                format!("PutObject: nothing of it was taken for {seconds} s")
            }
        }
    }

    fn progress(&self) -> Progress {
        // Each change is whole.
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_at(&self, left: u64) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        *progress = Progress::Taken(Instant::now(), left);
    }
}

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "WatchedUpload"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.request_mut().body_mut();
        let inner = std::mem::replace(body, SdkBody::taken());
        // A file has a length.
        let left = inner.size_hint().exact().unwrap_or(u64::MAX);
        self.is_at(left);
        *body = SdkBody::from_body_1_x(Going {
            body: Box::pin(inner),
            left,
            watch: self.clone(),
        });
        Ok(())
    }
}

/// A body that is on its way.
struct Going {
    body: Pin<Box<SdkBody>>,
    left: u64,
    watch: Watch,
}

impl fmt::Debug for Going {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Going")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

impl Body for Going {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let polled = self.body.as_mut().poll_frame(context);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let taken = frame.data_ref().map_or(0, Bytes::len) as u64;
                self.left = self.left.saturating_sub(taken);
                self.watch.is_at(self.left);
            }
            Poll::Ready(None) => self.watch.is_at(0),
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{Shutdown, TcpListener, TcpStream};
    use std::thread;

    use super::super::settings::Settings;
    use super::super::source::Connection;
    use super::super::store::S3Store;

    use super::*;

    /// What becomes of a file of so many bytes that is sent to a server which does `serve`.
    fn sent(bytes: usize, stall: u64, serve: fn(TcpStream)) -> Result<(), String> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || listener.incoming().flatten().for_each(serve));
        let settings = Settings {
            endpoint_url: Some(url),
            no_sign_request: true,
            patience: Patience {
                attempts: Some(1),
                stall: Duration::from_secs(stall),
                outage: Duration::from_secs(stall + 1),
                ..Patience::default()
            },
            ..Settings::default()
        };
        let store = S3Store::new(Connection::open(settings, drop).unwrap(), "bucket", "");
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&vec![b'x'; bytes]).unwrap();
        let put = store.put("result", file.path());
        put.map_err(|error| error.to_string())
    }

    /// Reads until so many bytes have come; tells how many.
    fn take(stream: &mut TcpStream, bytes: usize) -> usize {
        let mut buffer = vec![0; 64 * 1024];
        let mut taken = 0;
        while taken < bytes {
            let read = stream.read(&mut buffer).unwrap();
            assert!(read > 0, "it ended after {taken} bytes");
            taken += read;
        }
        taken
    }

    fn answer(stream: &mut TcpStream) {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\netag: \"1\"\r\n\r\n";
        stream.write_all(answer).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Longer than any system holds on its way.
    const LONG: usize = 64 << 20;

    #[test]
    fn what_nobody_takes_is_given_up() {
        let serve = |_stream| thread::sleep(Duration::from_mins(10));
        let told = sent(LONG, 2, serve).unwrap_err();
        assert!(told.contains("nothing of it was taken for 2 s"), "{told}");
    }

    #[test]
    fn what_nobody_answers_is_given_up() {
        let serve = |mut stream: TcpStream| {
            take(&mut stream, 1000);
            thread::sleep(Duration::from_mins(10));
        };
        let told = sent(1000, 2, serve).unwrap_err();
        assert!(told.contains("not answered within 3 s"), "{told}");
    }

    /// A proxy says of everything that it is well, and keeps nothing.
    #[test]
    fn what_a_proxy_takes_is_not_stored() {
        let serve = |mut stream: TcpStream| {
            take(&mut stream, 1000);
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>";
            stream.write_all(answer).unwrap();
        };
        let told = sent(1000, 5, serve).unwrap_err();
        assert!(told.contains("without ETag"), "{told}");
    }

    #[test]
    fn what_is_taken_slowly_arrives() {
        let serve = |mut stream: TcpStream| {
            // The second half comes at once: how much of it was on its way before, the system decides.
            let mut left = LONG;
            while left > LONG / 2 {
                left = left.saturating_sub(take(&mut stream, LONG / 16));
                thread::sleep(Duration::from_secs(1));
            }
            take(&mut stream, left);
            answer(&mut stream);
            // What is left of it comes, so that nothing cuts the answer off.
            let _ = stream.read_to_end(&mut Vec::new());
        };
        sent(LONG, 5, serve).unwrap();
    }
}
