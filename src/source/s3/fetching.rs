//! Logs that one thread asks for at once.

use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::download::open;
use super::source::S3Source;
use crate::source::{Body, Fetch, Next, SourceError};
use crate::verify::location::RootId;

/// What came, and what stands for it.
type Given = (u64, Result<Body, SourceError>);

/// Requests of one thread. What is still on its way when this is dropped is given up.
pub(super) struct Fetching<'a> {
    source: &'a S3Source,
    next_ticket: u64,
    asked: JoinSet<Given>,
    /// What no request can be made for.
    refused: VecDeque<Given>,
}

impl<'a> Fetching<'a> {
    pub(super) fn new(source: &'a S3Source) -> Self {
        Self {
            source,
            next_ticket: 0,
            asked: JoinSet::new(),
            refused: VecDeque::new(),
        }
    }
}

impl Fetch for Fetching<'_> {
    fn ask(&mut self, root: RootId, path: &str) -> u64 {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        let target = match self.source.target(root, path) {
            Ok(target) => target,
            Err(error) => {
                self.refused.push_back((ticket, Err(error)));
                return ticket;
            }
        };
        let service = Arc::clone(&self.source.service);
        let opened = async move {
            let opened = open(&service, target).await;
            (ticket, opened.map(|(body, _)| body))
        };
        self.asked
            .spawn_on(opened, self.source.service.waiter.handle());
        ticket
    }

    fn next(&mut self, at_most: Duration) -> Next {
        if let Some((ticket, refused)) = self.refused.pop_front() {
            return Next::Came(ticket, refused);
        }
        let asked = &mut self.asked;
        let next = async { Ok(timeout(at_most, asked.join_next()).await) };
        match self.source.service.waiter.wait(next) {
            Ok(Err(_elapsed)) => Next::NotYet,
            Ok(Ok(Some(Ok((ticket, given))))) => Next::Came(ticket, given),
            Ok(Ok(Some(Err(error)))) if error.is_panic() => resume_unwind(error.into_panic()),
            Ok(Ok(None)) => Next::Nothing,
            // Nobody cancels but the end of the run. What nothing comes for is told as unread.
            Ok(Ok(Some(Err(_cancelled)))) => Next::Nothing,
            Err(_interrupted) => Next::Nothing,
        }
    }
}
