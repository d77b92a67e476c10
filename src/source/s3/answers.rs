//! Bounds on answers that are held whole: listings, versions, trails, keys and refusals.
//!
//! The SDK reads such an answer to its end before anybody sees it, however long it is, and however
//! long it takes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use aws_sdk_s3::config::interceptors::BeforeDeserializationInterceptorContextMut;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::SdkBody;
use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::{Instant, Sleep, sleep_until};

use super::headers::keep_used;

/// A thousand names of a thousand bytes, each written for a URL, take a tenth of it.
const LONGEST: usize = 32 * 1024 * 1024;
/// More of an error's text is not read: S3's and CloudTrail's are a few hundred bytes.
pub(super) const LONGEST_ERROR: usize = 64 * 1024;
/// An answer comes to its end within so many times the time that a stall takes, and so long an
/// object may be slow.
pub(super) const STALLS: u32 = 6;

/// Sees to it that an answer comes to an end.
#[derive(Debug)]
pub(super) struct Bounded {
    /// No byte for so long is a fault.
    pub(super) stall: Duration,
    pub(super) asked: Asked,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// What is held whole.
    Text,
    /// All of an object.
    Object,
    /// The rest of one.
    Rest,
}

/// The status of an answer that is an object, all of it.
pub(super) const WHOLE: u16 = 200;

impl Intercept for Bounded {
    fn name(&self) -> &'static str {
        "BoundedAnswer"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response_mut();
        if answer.status().is_success() {
            match self.asked {
                Asked::Object if answer.status().as_u16() != WHOLE => {
                    return Err("S3 has another status for all of an object".into());
                }
                Asked::Object | Asked::Rest => {
                    keep_used(answer.headers_mut());
                    return Ok(());
                }
                Asked::Text => {}
            }
        }
        let longest = if answer.status().is_success() {
            LONGEST
        } else {
            LONGEST_ERROR
        };
        let body = Coming::new(answer.take_body(), self.stall, longest);
        *answer.body_mut() = SdkBody::from_body_1_x(body);
        Ok(())
    }
}

/// A body that is on its way.
struct Coming {
    body: Pin<Box<SdkBody>>,
    /// How many more bytes may come.
    left: usize,
    stall: Duration,
    /// It ends before this.
    until: Instant,
    /// When nothing is waited for any longer.
    next: Pin<Box<Sleep>>,
}

impl Coming {
    fn new(body: SdkBody, stall: Duration, longest: usize) -> Self {
        let now = Instant::now();
        Self {
            body: Box::pin(body),
            left: longest,
            stall,
            until: now + stall * STALLS,
            next: Box::pin(sleep_until(now + stall)),
        }
    }

    fn too_slow(&self) -> BoxError {
        let told = if Instant::now() < self.until {
            format!("no byte of it came for {} s", self.stall.as_secs())
        } else {
            let seconds = (self.stall * STALLS).as_secs();
            format!("it did not come to its end within {seconds} s")
        };
        io::Error::new(io::ErrorKind::TimedOut, told).into()
    }
}

impl Body for Coming {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Poll::Ready(frame) = self.body.as_mut().poll_frame(context) else {
            ready!(self.next.as_mut().poll(context));
            return Poll::Ready(Some(Err(self.too_slow())));
        };
        let now = Instant::now();
        if now >= self.until && frame.is_some() {
            return Poll::Ready(Some(Err(self.too_slow())));
        }
        let next = self.until.min(now + self.stall);
        self.next.as_mut().reset(next);
        let Some(frame) = frame else {
            return Poll::Ready(None);
        };
        let frame = frame?;
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        let Some(left) = self.left.checked_sub(bytes) else {
            let told = "it is longer than any answer of this kind";
            return Poll::Ready(Some(Err(io::Error::other(told).into())));
        };
        self.left = left;
        Poll::Ready(Some(Ok(frame)))
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::primitives::ByteStream;

    use super::*;

    const SHORT: Duration = Duration::from_millis(10);
    /// No test takes so long.
    const LONG: Duration = Duration::from_hours(1);

    /// How many bytes, one after the other, each after a time; and then the end, or nothing more.
    struct Server {
        bytes: usize,
        pause: Duration,
        ends: bool,
        sleep: Option<Pin<Box<Sleep>>>,
    }

    impl Body for Server {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            if self.bytes == 0 {
                return if self.ends {
                    Poll::Ready(None)
                } else {
                    Poll::Pending
                };
            }
            let until = Instant::now() + self.pause;
            let sleep = self
                .sleep
                .get_or_insert_with(|| Box::pin(sleep_until(until)));
            ready!(sleep.as_mut().poll(context));
            self.sleep = None;
            self.bytes -= 1;
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"x")))))
        }
    }

    fn read(server: Server, stall: Duration, longest: usize) -> Result<usize, String> {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().build().unwrap();
        runtime.block_on(async {
            let body = Coming::new(SdkBody::from_body_1_x(server), stall, longest);
            let body = ByteStream::new(SdkBody::from_body_1_x(body));
            let read = body.collect().await;
            read.map(|read| read.into_bytes().len())
                .map_err(|error| format!("{error:?}"))
        })
    }

    fn server(bytes: usize, pause: Duration, ends: bool) -> Server {
        Server {
            bytes,
            pause,
            ends,
            sleep: None,
        }
    }

    #[test]
    fn an_answer_that_comes_to_its_end_is_whole() {
        for bytes in [0, 1, 499, 500] {
            let read = read(server(bytes, Duration::ZERO, true), LONG, 500);
            assert_eq!(read, Ok(bytes));
        }
        assert_eq!(read(server(5, SHORT, true), LONG, 5), Ok(5));
    }

    #[test]
    fn an_answer_without_an_end_is_a_fault() {
        // Long enough that a machine with much to do does not take all of the time that an answer has.
        let told = read(server(3, Duration::ZERO, false), SHORT * 30, 500);
        assert!(told.unwrap_err().contains("no byte of it came"));
        let told = read(server(501, Duration::ZERO, true), LONG, 500);
        assert!(told.unwrap_err().contains("longer than any"));
        // Bytes come soon enough, and there is no end of them.
        let told = read(server(usize::MAX, SHORT, true), SHORT * 20, usize::MAX);
        assert!(told.unwrap_err().contains("did not come to its end"));
    }
}
