//! A response body on its way out, and the ways in which it can fail to arrive.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use tokio::time::Sleep;

use super::log::Ticket;
use super::socket::ResetSwitch;

/// So long a broken body waits, so that what came before it is sent.
const FLUSH: Duration = Duration::from_millis(5);

/// What happens after half of the body.
pub(crate) enum Halfway {
    Reset(ResetSwitch),
    Cut,
    Stall(Duration),
}

enum Plan {
    Whole,
    Until {
        left: u64,
        then: Halfway,
    },
    Waiting {
        sleep: Pin<Box<Sleep>>,
        then: Halfway,
    },
}

/// The body, and the ticket that counts its request as worked on.
pub(crate) struct Wire {
    body: s3s::Body,
    held: Option<Bytes>,
    plan: Plan,
    _ticket: Ticket,
}

impl Wire {
    pub(crate) fn whole(body: s3s::Body, ticket: Ticket) -> Self {
        Self {
            body,
            held: None,
            plan: Plan::Whole,
            _ticket: ticket,
        }
    }

    pub(crate) fn broken(body: s3s::Body, ticket: Ticket, then: Halfway) -> Self {
        let left = body.size_hint().exact().unwrap_or_default() / 2;
        Self {
            body,
            held: None,
            plan: Plan::Until { left, then },
            _ticket: ticket,
        }
    }

    fn poll_inner(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, s3s::StdError>>> {
        if let Some(bytes) = self.held.take() {
            return Poll::Ready(Some(Ok(bytes)));
        }
        match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            Some(Ok(frame)) => Poll::Ready(frame.into_data().ok().map(Ok)),
            Some(Err(error)) => Poll::Ready(Some(Err(error))),
            None => Poll::Ready(None),
        }
    }
}

impl http_body::Body for Wire {
    type Data = Bytes;
    type Error = s3s::StdError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        loop {
            match std::mem::replace(&mut self.plan, Plan::Whole) {
                Plan::Whole => {
                    return self
                        .poll_inner(cx)
                        .map(|next| next.map(|data| data.map(Frame::data)));
                }
                Plan::Until { left: 0, then } => {
                    let pause = match &then {
                        Halfway::Reset(_) | Halfway::Cut => FLUSH,
                        Halfway::Stall(time) => *time,
                    };
                    self.plan = Plan::Waiting {
                        sleep: Box::pin(tokio::time::sleep(pause)),
                        then,
                    };
                }
                Plan::Until { left, then } => {
                    let Poll::Ready(next) = self.poll_inner(cx) else {
                        self.plan = Plan::Until { left, then };
                        return Poll::Pending;
                    };
                    let Some(Ok(mut bytes)) = next else {
                        return Poll::Ready(next.map(|data| data.map(Frame::data)));
                    };
                    let take = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    let rest = bytes.split_off(take);
                    self.held = (!rest.is_empty()).then_some(rest);
                    let left = left.saturating_sub(u64::try_from(take).unwrap_or(u64::MAX));
                    self.plan = Plan::Until { left, then };
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Plan::Waiting { mut sleep, then } => {
                    if sleep.as_mut().poll(cx).is_pending() {
                        self.plan = Plan::Waiting { sleep, then };
                        return Poll::Pending;
                    }
                    match then {
                        Halfway::Stall(_) => {}
                        Halfway::Cut => return Poll::Ready(Some(Err(broken()))),
                        Halfway::Reset(switch) => {
                            switch.set();
                            return Poll::Ready(Some(Err(broken())));
                        }
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.plan, Plan::Whole) && self.held.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.held.as_ref().map_or(0, Bytes::len);
        match self.body.size_hint().exact() {
            Some(rest) => SizeHint::with_exact(rest + u64::try_from(held).unwrap_or_default()),
            None => SizeHint::default(),
        }
    }
}

fn broken() -> s3s::StdError {
    Box::new(io::Error::from(io::ErrorKind::ConnectionReset))
}
