//! The listing of one folder `KIND/REGION/`: the days of the range, cut into pieces that are
//! listed side by side, and beside them whatever lies in no day at all.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::fault::Fault;
use super::pages::{Cursor, Entry, Page, Query, page};
use super::request::Service;
use super::span::{Folder, Span};
use crate::source::SourceError;
use crate::verify::time::parse_day;

/// Folders that are no year's are searched so deep for years of their own.
const ODD_DEPTH: u8 = 2;
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

/// One piece of a listing.
#[derive(Clone, Debug)]
enum Piece {
    /// The keys of a stretch of time, beyond `after` where that is further.
    Span(Folder, Span, Option<String>),
    /// One level of a folder: what lies right in it, and its folders that are no date's.
    Level(Folder, Span, String, u8),
    /// Everything below a prefix.
    All(String),
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
    /// Whether it lies before a stretch of keys altogether, or behind it.
    fn misses(&self, from: &str, until: &str) -> bool {
        self.until.as_deref().is_some_and(|its| its <= from) || self.after.as_str() >= until
    }

    /// Whether no key that begins with `prefix` lies in it.
    fn misses_below(&self, prefix: &str) -> bool {
        let is_past = self.until.as_deref().is_some_and(|until| prefix >= until);
        is_past || (prefix <= self.after.as_str() && !self.after.starts_with(prefix))
    }
}

impl Listing {
    /// Shows every object to `visit`, on this thread, while pages are fetched on others.
    /// What could not be listed is given back, with its prefix.
    pub(super) fn run(self, visit: &mut dyn FnMut(Entry)) -> Vec<(String, SourceError)> {
        let (sender, mut news) = channel(WAITING);
        let mut open = 0_u64;
        for piece in self.first_pieces() {
            open += 1;
            self.start(piece, sender.clone());
        }
        let mut problems = Vec::new();
        while open > 0 {
            match self.service.waiter.wait(next(&mut news)) {
                Ok(News::Objects(objects, _held)) => objects.into_iter().for_each(&mut *visit),
                Ok(News::Failed(prefix, error)) => problems.push((prefix, error)),
                Ok(News::More(piece)) => {
                    open += 1;
                    self.start(piece, sender.clone());
                }
                Ok(News::Done) => open -= 1,
                Err(stopped) => {
                    problems.push((self.folder.prefix.clone(), stopped));
                    break;
                }
            }
        }
        problems
    }

    fn first_pieces(&self) -> Vec<Piece> {
        let Some(span) = self.span else {
            return vec![Piece::All(self.folder.prefix.clone())];
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
            Piece::Span(folder, span, after) => self.span(folder, span, after, sender).await,
            Piece::Level(folder, span, level, depth) => {
                self.level(folder, span, &level, depth, sender).await
            }
            Piece::All(prefix) => {
                let part = self.part.as_ref();
                let begin = part.map(|part| &part.after).filter(|it| **it > prefix);
                let query = self.query(prefix, false, begin.cloned());
                let mut cursor = match part {
                    Some(_) => Cursor::of_a_part(),
                    None => Cursor::default(),
                };
                loop {
                    let held = self.service.hold_page(cursor.is_at_an_end()).await;
                    let page = self.page(&query, &mut cursor).await?;
                    let is_past = self.is_past(page.objects.last());
                    let _ = sender.send(News::Objects(page.objects, held)).await;
                    if page.next.is_none() || is_past {
                        return Ok(());
                    }
                }
            }
        }
    }

    async fn span(
        &self,
        folder: Folder,
        span: Span,
        after: Option<String>,
        sender: &Sender<News>,
    ) -> Result<(), (String, Fault)> {
        let mut until = folder.bound(span.until);
        let is_first = after.is_none();
        let prefix = if is_first {
            format!("{}{}", folder.prefix, span.common())
        } else {
            folder.prefix.clone()
        };
        let mut begin = after.unwrap_or_else(|| folder.bound(span.from));
        if let Some(part) = &self.part {
            if part.misses(&begin, &until) {
                return Ok(());
            }
            begin = begin.max(part.after.clone());
            until = part
                .until
                .clone()
                .map_or(until.clone(), |its| its.min(until));
        }
        let query = self.query(prefix, false, Some(begin));
        let mut cursor = Cursor::of_a_part();
        loop {
            let is_one = is_first && cursor.is_at_an_end();
            let held = self.service.hold_page(is_one).await;
            let Page {
                mut objects, next, ..
            } = self.page(&query, &mut cursor).await?;
            let seen = objects.len();
            objects.retain(|object| object.key < until);
            let past_end = objects.len() < seen;
            let ends = objects.first().zip(objects.last());
            let ends = ends.map(|(first, last)| (first.key.clone(), last.key.clone()));
            let listed = objects.len();
            let _ = sender.send(News::Objects(objects, held)).await;
            if past_end || next.is_none() {
                return Ok(());
            }
            if let Some((first, last)) = ends
                && let Some(pieces) = folder.cut(span, &first, &last, listed)
            {
                for (number, piece) in pieces.into_iter().enumerate() {
                    let after = if number == 0 {
                        last.clone()
                    } else {
                        folder.bound(piece.from)
                    };
                    let more = Piece::Span(folder.clone(), piece, Some(after));
                    let _ = sender.send(News::More(more)).await;
                }
                return Ok(());
            }
        }
    }

    async fn level(
        &self,
        folder: Folder,
        span: Span,
        level: &str,
        depth: u8,
        sender: &Sender<News>,
    ) -> Result<(), (String, Fault)> {
        let prefix = format!("{}{level}", folder.prefix);
        let query = self.query(prefix.clone(), true, None);
        // What lies in the days of the span is listed with them.
        let (from, until) = (folder.bound(span.from), folder.bound(span.until));
        let is_beside = |key: &str| key < from.as_str() || key >= until.as_str();
        let mut cursor = Cursor::default();
        loop {
            let mut page = self.page(&query, &mut cursor).await?;
            page.objects.retain(|object| is_beside(&object.key));
            let _ = sender.send(News::Objects(page.objects, None)).await;
            for below in page.folders {
                let name = below.strip_prefix(&prefix).unwrap_or_default();
                let part = self.part.as_ref();
                let is_apart = part.is_some_and(|part| part.misses_below(&below));
                if is_date(name, level) || !is_beside(&below) || is_apart {
                    continue;
                }
                let pieces = if level.is_empty() && depth < ODD_DEPTH {
                    dated(&folder.below(below), span, depth + 1)
                } else {
                    vec![Piece::All(below)]
                };
                for piece in pieces {
                    let _ = sender.send(News::More(piece)).await;
                }
            }
            if page.next.is_none() {
                return Ok(());
            }
        }
    }

    /// Whether what follows a key lies behind the part.
    fn is_past(&self, last: Option<&Entry>) -> bool {
        let until = self.part.as_ref().and_then(|part| part.until.as_ref());
        until.is_some_and(|until| last.is_some_and(|last| last.key >= *until))
    }

    fn query(&self, prefix: String, level_only: bool, after: Option<String>) -> Query {
        Query {
            bucket: Arc::clone(&self.bucket),
            prefix,
            level_only,
            after,
        }
    }

    async fn page(&self, query: &Query, cursor: &mut Cursor) -> Result<Page, (String, Fault)> {
        let page = page(&self.service, query, cursor).await;
        page.map_err(|fault| (query.prefix.clone(), fault))
    }
}

/// The pieces of a folder that has folders of years.
fn dated(folder: &Folder, span: Span, depth: u8) -> Vec<Piece> {
    let levels = span.levels().into_iter();
    let levels = levels.map(|level| Piece::Level(folder.clone(), span, level, depth));
    std::iter::once(Piece::Span(folder.clone(), span, None))
        .chain(levels)
        .collect()
}

/// Whether a folder on `level` is that of a year, a month or a day that there is.
fn is_date(name: &str, level: &str) -> bool {
    let mut parts = level.split_terminator('/');
    let name = name.strip_suffix('/').unwrap_or(name);
    match (parts.next(), parts.next()) {
        (Some(year), Some(month)) => parse_day(year, month, name).is_some(),
        (Some(year), None) => parse_day(year, name, "01").is_some(),
        (None, _) => parse_day(name, "01", "01").is_some(),
    }
}

async fn next(news: &mut Receiver<News>) -> Result<News, SourceError> {
    // The listing itself holds a sender, so there is always news while a piece is open.
    Ok(news.recv().await.unwrap_or(News::Done))
}
