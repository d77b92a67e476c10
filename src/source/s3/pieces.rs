//! The pieces that the listing of one folder `KIND/REGION/` is made of: the days of the range, and
//! beside them whatever lies in no day at all. What one shows is left to it by all others.

use super::folder::Part;
use super::pages::Page;
use super::span::{Folder, Span};
use super::stretch::Stretch;
use crate::verify::time::parse_day;

/// Folders that are no year's are searched so deep for years of their own.
const ODD_DEPTH: u8 = 2;
/// And so many of them on one level. What is in the others is listed as it comes: whoever writes to
/// the bucket may make up any number of them.
const MOST_ODD: usize = 8;

/// One piece of a listing.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// The keys of a stretch of time.
    Time(Days),
    /// One level of a folder: what lies right in it, and its folders that are no date's.
    Level(Level),
    /// The keys of a stretch that have a slash beyond so many bytes.
    Keys(Stretch, usize),
}

/// A stretch of time, in keys.
#[derive(Clone, Debug)]
pub(super) struct Days {
    pub(super) folder: Folder,
    pub(super) span: Span,
    pub(super) stretch: Stretch,
    /// Whether it was cut off a longer one.
    pub(super) is_cut_off: bool,
}

impl Days {
    fn of(folder: &Folder, span: Span) -> Self {
        Self {
            folder: folder.clone(),
            span,
            stretch: folder.stretch(span),
            is_cut_off: false,
        }
    }

    /// Pieces of what follows a page whose first and last keys are given, and are all that it showed
    /// beside `keys - 2` others; nothing where it is too short to be worth it.
    pub(super) fn cut(&self, first: &str, last: &str, keys: usize) -> Option<Vec<Self>> {
        let spans = self.folder.cut(self.span, first, last, keys)?;
        let newest = spans.len().saturating_sub(1);
        let pieces = spans.into_iter().enumerate().filter_map(|(number, span)| {
            // A strange name may lie far behind the time that it tells.
            let begin = self.folder.bound(span.from);
            let begin = if number == 0 { last } else { last.max(&begin) };
            // The last one goes on to wherever all of it ends.
            let end = (number < newest).then(|| self.folder.bound(span.until));
            let stretch = self.stretch.clone().between(Some(begin), end.as_deref())?;
            Some(Self {
                folder: self.folder.clone(),
                span,
                stretch,
                is_cut_off: true,
            })
        });
        Some(pieces.collect())
    }
}

/// One level of a folder that has folders of years.
#[derive(Clone, Debug)]
pub(super) struct Level {
    folder: Folder,
    span: Span,
    /// The folder of a year or a month, with its closing slash, or nothing.
    name: String,
    /// How many folders that are no year's lie above the folder, in the one that is listed.
    depth: u8,
    /// How many of those that lie in it are searched for years so far.
    searched: usize,
}

impl Level {
    pub(super) fn prefix(&self) -> String {
        format!("{}{}", self.folder.prefix, self.name)
    }

    /// Takes from a page what other pieces show; gives the pieces that show what lies in its folders.
    pub(super) fn sort_out(&mut self, page: &mut Page, part: Option<&Part>) -> Vec<Piece> {
        let prefix = self.prefix();
        let days = self.folder.stretch(self.span);
        page.objects.retain(|object| !days.holds(&object.key));
        page.folders.sort_unstable();
        let mut pieces = Vec::new();
        // Neighbours that no folder of a date lies in between.
        let mut flat: Option<(String, String)> = None;
        for below in std::mem::take(&mut page.folders) {
            let name = below.strip_prefix(&prefix).unwrap_or_default();
            if is_date(name, &self.name) || days.holds(&below) {
                pieces.extend(flat.take().map(|flat| keys_of(&prefix, flat)));
                continue;
            }
            // Which ones are searched is the same for every part.
            let is_searched = self.may_hold_years();
            self.searched += usize::from(is_searched);
            if part.is_some_and(|part| part.misses_below(&below)) {
                // What lies around it may be asked for.
            } else if is_searched {
                pieces.extend(flat.take().map(|flat| keys_of(&prefix, flat)));
                pieces.extend(dated(&self.folder.below(below), self.span, self.depth + 1));
            } else {
                let first = flat
                    .take()
                    .map_or_else(|| below.clone(), |(first, _)| first);
                flat = Some((first, below));
            }
        }
        pieces.extend(flat.map(|flat| keys_of(&prefix, flat)));
        pieces
    }

    /// Whether a further folder that is no date's is searched for years of its own.
    fn may_hold_years(&self) -> bool {
        self.name.is_empty() && self.depth < ODD_DEPTH && self.searched < MOST_ODD
    }
}

/// The pieces of a folder that has folders of years.
pub(super) fn dated(folder: &Folder, span: Span, depth: u8) -> Vec<Piece> {
    let level = |name| {
        Piece::Level(Level {
            folder: folder.clone(),
            span,
            name,
            depth,
            searched: 0,
        })
    };
    std::iter::once(Piece::Time(Days::of(folder, span)))
        .chain(span.levels().into_iter().map(level))
        .collect()
}

/// All that lies in folders right below `prefix`, from the first to the last one. Their markers are
/// names of folders, and nothing else.
fn keys_of(prefix: &str, (first, last): (String, String)) -> Piece {
    if first == last {
        return Piece::Keys(Stretch::below(first), 0);
    }
    let mut until = last;
    until.pop();
    // What follows a slash.
    until.push('0');
    let stretch = Stretch {
        prefix: prefix.to_owned(),
        after: Some(first),
        until: Some(until),
    };
    Piece::Keys(stretch, prefix.len())
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

#[cfg(test)]
mod tests;
