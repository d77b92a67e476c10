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
    End,
    Flip,
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

impl Plan {
    fn pause(then: Halfway) -> Self {
        let time = match &then {
            Halfway::Reset(_) | Halfway::Cut | Halfway::End | Halfway::Flip => FLUSH,
            Halfway::Stall(time) => *time,
        };
        Self::Waiting {
            sleep: Box::pin(tokio::time::sleep(time)),
            then,
        }
    }
}

type Data = Result<Bytes, s3s::StdError>;

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

    /// All of it, in chunks: nobody is told how much is to come.
    pub(crate) fn untold(body: s3s::Body, ticket: Ticket) -> Self {
        let (left, then) = (u64::MAX, Halfway::End);
        Self {
            plan: Plan::Until { left, then },
            ..Self::whole(body, ticket)
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

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Data>> {
        if let Some(bytes) = self.held.take() {
            return Poll::Ready(Some(Ok(bytes)));
        }
        match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
            Some(Ok(frame)) => Poll::Ready(frame.into_data().ok().map(Ok)),
            Some(Err(error)) => Poll::Ready(Some(Err(error))),
            None => Poll::Ready(None),
        }
    }

    /// No more than `left` bytes; what is over is held back.
    fn poll_until(&mut self, left: u64, then: Halfway, cx: &mut Context<'_>) -> Poll<Option<Data>> {
        let Poll::Ready(next) = self.poll_data(cx) else {
            self.plan = Plan::Until { left, then };
            return Poll::Pending;
        };
        let Some(Ok(mut bytes)) = next else {
            return Poll::Ready(next);
        };
        let take = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let rest = bytes.split_off(take);
        self.held = (!rest.is_empty()).then_some(rest);
        let left = left.saturating_sub(u64::try_from(take).unwrap_or(u64::MAX));
        self.plan = Plan::Until { left, then };
        Poll::Ready(Some(Ok(bytes)))
    }

    /// What comes next, its first byte changed.
    fn poll_flipped(&mut self, cx: &mut Context<'_>) -> Poll<Option<Data>> {
        let Poll::Ready(next) = self.poll_data(cx) else {
            let then = Halfway::Flip;
            self.plan = Plan::Until { left: 0, then };
            return Poll::Pending;
        };
        Poll::Ready(next.map(|bytes| {
            let mut bytes = Vec::from(bytes?);
            if let Some(byte) = bytes.first_mut() {
                *byte ^= 1;
            }
            Ok(bytes.into())
        }))
    }

    /// The error that the body ends with, if it does not go on.
    fn poll_pause(
        &mut self,
        mut sleep: Pin<Box<Sleep>>,
        then: Halfway,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Error>> {
        if sleep.as_mut().poll(cx).is_pending() {
            self.plan = Plan::Waiting { sleep, then };
            return Poll::Pending;
        }
        if let Halfway::Reset(switch) = &then {
            switch.set();
        }
        let goes_on = matches!(then, Halfway::Stall(_));
        Poll::Ready((!goes_on).then(|| io::ErrorKind::ConnectionReset.into()))
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
            let next = match std::mem::replace(&mut self.plan, Plan::Whole) {
                Plan::Whole => ready!(self.poll_data(cx)),
                Plan::Until {
                    left: 0,
                    then: Halfway::End,
                } => {
                    self.held = None;
                    self.body = s3s::Body::empty();
                    None
                }
                Plan::Until {
                    left: 0,
                    then: Halfway::Flip,
                } => ready!(self.poll_flipped(cx)),
                Plan::Until { left: 0, then } => {
                    self.plan = Plan::pause(then);
                    continue;
                }
                Plan::Until { left, then } => ready!(self.poll_until(left, then, cx)),
                Plan::Waiting { sleep, then } => match ready!(self.poll_pause(sleep, then, cx)) {
                    Some(error) => Some(Err(error.into())),
                    None => continue,
                },
            };
            return Poll::Ready(next.map(|data| data.map(Frame::data)));
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.plan, Plan::Whole) && self.held.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if let Plan::Until {
            then: Halfway::End, ..
        } = self.plan
        {
            return SizeHint::default();
        }
        let held = self.held.as_ref().map_or(0, Bytes::len);
        match self.body.size_hint().exact() {
            Some(rest) => SizeHint::with_exact(rest + u64::try_from(held).unwrap_or_default()),
            None => SizeHint::default(),
        }
    }
}
