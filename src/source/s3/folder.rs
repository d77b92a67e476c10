//! The listing of one folder `KIND/REGION/`: the days of the range, cut into pieces that are
//! listed side by side, and beside them whatever lies in no day at all.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::fault::Fault;
use super::pages::{Cursor, Entry, Page, Query, page};
use super::pieces::{Days, Level, Piece, dated};
use super::request::Service;
use super::span::{Folder, Span};
use super::stretch::Stretch;
use crate::source::SourceError;

/// How many pieces are listed at a time; the others wait, and take little.
const MOST_OPEN: usize = 64;
/// Pages that wait to be looked at.
const WAITING: usize = 4;

/// What a listing comes upon.
#[derive(Debug)]
enum News {
    /// Names, and the right to hold them where there may be many.
    Objects(Vec<Entry>, Option<OwnedSemaphorePermit>),
    Failed(String, SourceError),
    /// A piece that was found on the way.
    More(Piece),
    /// A piece is done.
    Done,
}

/// The listing of a folder.
#[derive(Clone, Debug)]
pub(super) struct Listing {
    pub(super) service: Arc<Service>,
    pub(super) bucket: Arc<str>,
    pub(super) folder: Folder,
    /// Which days; without any, all.
    pub(super) span: Option<Span>,
    /// Which part of the folder, where that is not all.
    pub(super) part: Option<Part>,
}

/// A part of a folder, in keys.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// Every key of it is greater than this.
    pub(super) after: String,
    /// Every key of it is less than this.
    pub(super) until: Option<String>,
}

impl Part {
    /// Whether no key that begins with `prefix` lies in it.
    pub(super) fn misses_below(&self, prefix: &str) -> bool {
        let is_past = self.until.as_deref().is_some_and(|until| prefix >= until);
        is_past || (prefix <= self.after.as_str() && !self.after.starts_with(prefix))
    }
}

impl Listing {
    /// Shows every object to `visit`, on this thread, while pages are fetched on others.
    /// What could not be listed is given back, with its prefix.
    pub(super) fn run(self, visit: &mut dyn FnMut(Entry)) -> Vec<(String, SourceError)> {
        let (sender, mut news) = channel(WAITING);
        let mut waiting = self.first_pieces();
        let mut open = 0;
        let mut problems = Vec::new();
        loop {
            while open < MOST_OPEN
                && let Some(piece) = waiting.pop()
            {
                open += 1;
                self.start(piece, sender.clone());
            }
            if open == 0 {
                return problems;
            }
            match self.service.waiter.wait(next(&mut news)) {
                Ok(News::Objects(objects, _held)) => objects.into_iter().for_each(&mut *visit),
                Ok(News::Failed(prefix, error)) => problems.push((prefix, error)),
                Ok(News::More(piece)) => waiting.push(piece),
                Ok(News::Done) => open -= 1,
                Err(stopped) => {
                    problems.push((self.folder.prefix.clone(), stopped));
                    return problems;
                }
            }
        }
    }

    fn first_pieces(&self) -> Vec<Piece> {
        let Some(span) = self.span else {
            return vec![Piece::Keys(Stretch::below(self.folder.prefix.clone()), 0)];
        };
        dated(&self.folder, span, 0)
    }

    fn start(&self, piece: Piece, sender: Sender<News>) {
        let listing = self.clone();
        self.service.waiter.handle().spawn(async move {
            if let Err((prefix, fault)) = listing.list(piece, &sender).await {
                let failed = News::Failed(prefix, fault.into_source_error());
                // Whoever does not listen any more has been stopped.
                let _ = sender.send(failed).await;
            }
            let _ = sender.send(News::Done).await;
        });
    }

    async fn list(&self, piece: Piece, sender: &Sender<News>) -> Result<(), (String, Fault)> {
        match piece {
            Piece::Time(days) => self.days(days, sender).await,
            Piece::Level(level) => self.level(level, sender).await,
            Piece::Keys(stretch, beyond) => self.keys(stretch, beyond, sender).await,
        }
    }

    async fn days(&self, days: Days, sender: &Sender<News>) -> Result<(), (String, Fault)> {
        let Some(stretch) = days.stretch.clone().within(self.part.as_ref()) else {
            return Ok(());
        };
        let days = Days { stretch, ..days };
        let mut query = self.query(&days.stretch);
        let mut cursor = Cursor::of_a_part();
        // Where the listing was when it was tried whether it can begin further on.
        let mut tried: Option<Cursor> = None;
        loop {
            let is_one = !days.is_cut_off && tried.is_none() && cursor.is_at_an_end();
            let held = self.service.hold_page(is_one).await;
            let Page {
                mut objects, next, ..
            } = self.page(&query, &mut cursor).await?;
            let beginnings = &self.service.beginnings;
            if let Some(before) = tried.take() {
                if objects.is_empty() && next.is_none() {
                    // There was more before: who shows nothing of it does not know of beginnings.
                    beginnings.are_ignored();
                }
                if objects.is_empty() || beginnings.are_known() == Some(false) {
                    cursor = before;
                    continue;
                }
                beginnings.are_heeded();
            }
            let is_past = objects
                .last()
                .is_some_and(|last| days.stretch.ends_before(&last.key));
            objects.retain(|object| days.stretch.holds(&object.key));
            let ends = objects.first().zip(objects.last());
            let ends = ends.map(|(first, last)| (first.key.clone(), last.key.clone()));
            let listed = objects.len();
            let _ = sender.send(News::Objects(objects, held)).await;
            if is_past || next.is_none() {
                return Ok(());
            }
            if let Some((first, last)) = ends
                && let Some(pieces) = days.cut(&first, &last, listed)
            {
                match beginnings.are_known() {
                    Some(true) => {
                        for piece in pieces {
                            let _ = sender.send(News::More(Piece::Time(piece))).await;
                        }
                        return Ok(());
                    }
                    Some(false) => {}
                    None => {
                        query.after = Some(last);
                        tried = Some(std::mem::replace(&mut cursor, Cursor::of_a_part()));
                    }
                }
            }
        }
    }

    async fn keys(
        &self,
        stretch: Stretch,
        beyond: usize,
        sender: &Sender<News>,
    ) -> Result<(), (String, Fault)> {
        let Some(stretch) = stretch.within(self.part.as_ref()) else {
            return Ok(());
        };
        let query = self.query(&stretch);
        let mut cursor = if stretch.is_cut() {
            Cursor::of_a_part()
        } else {
            Cursor::default()
        };
        let is_below = |key: &str| key.get(beyond..).is_some_and(|rest| rest.contains('/'));
        loop {
            let held = self.service.hold_page(cursor.is_at_an_end()).await;
            let Page {
                mut objects, next, ..
            } = self.page(&query, &mut cursor).await?;
            let is_past = objects
                .last()
                .is_some_and(|last| stretch.ends_before(&last.key));
            objects.retain(|object| stretch.holds(&object.key) && is_below(&object.key));
            let _ = sender.send(News::Objects(objects, held)).await;
            if is_past || next.is_none() {
                return Ok(());
            }
        }
    }

    async fn level(&self, mut level: Level, sender: &Sender<News>) -> Result<(), (String, Fault)> {
        let query = Query {
            level_only: true,
            ..self.query(&Stretch::below(level.prefix()))
        };
        let mut cursor = Cursor::default();
        loop {
            let mut page = self.page(&query, &mut cursor).await?;
            let pieces = level.sort_out(&mut page, self.part.as_ref());
            let _ = sender.send(News::Objects(page.objects, None)).await;
            for piece in pieces {
                let _ = sender.send(News::More(piece)).await;
            }
            if page.next.is_none() {
                return Ok(());
            }
        }
    }

    fn query(&self, stretch: &Stretch) -> Query {
        Query {
            bucket: Arc::clone(&self.bucket),
            prefix: stretch.prefix.clone(),
            level_only: false,
            after: stretch.after.clone(),
        }
    }

    async fn page(&self, query: &Query, cursor: &mut Cursor) -> Result<Page, (String, Fault)> {
        let page = page(&self.service, query, cursor).await;
        page.map_err(|fault| (query.prefix.clone(), fault))
    }
}

async fn next(news: &mut Receiver<News>) -> Result<News, SourceError> {
    // The listing itself holds a sender, so there is always news while a piece is open.
    Ok(news.recv().await.unwrap_or(News::Done))
}
