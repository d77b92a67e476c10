//! Stretches of a folder's keys that can be listed apart from one another.
//!
//! A folder's keys are in the order of time: `YYYY/MM/DD/`, and in a day, but for digests of
//! several trails, by the time in the name. So a long listing is cut at points of time, and the
//! pieces are listed side by side. Pieces are cut by keys, not by prefixes: whatever strange name
//! stands in between belongs to one of them.

use jiff::{SignedDuration, Timestamp};

use super::stretch::Stretch;
use crate::verify::location::{DIGEST_FOLDER, is_account};
use crate::verify::time::{day_folders, midnight, minus, parse_day, plus};

/// When the first year began that has a folder: seconds before 1970.
const YEAR_0: i64 = -62_167_219_200;

/// A piece of a listing is made to hold about so many keys.
const PIECE: f64 = 4000.0;
/// No listing is cut into more pieces at once.
const MOST_PIECES: i64 = 64;

/// The folder `…/KIND/REGION/` whose keys are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Folder {
    /// With its closing slash.
    pub(super) prefix: String,
    /// What the names of its logs begin with before their time; nothing where names are not in
    /// the order of time.
    stem: Option<String>,
}

/// From one instant to another, in keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

impl Folder {
    /// The folder with the prefix `prefix`, whose path from `AWSLogs` on is `path`.
    pub(super) fn new(prefix: String, path: &str) -> Self {
        let mut parts = path.rsplit('/');
        let stem = match (parts.next(), parts.next(), parts.next()) {
            // Where a further folder stands before the region's, days alone are cut.
            (Some(region), Some(kind), Some(account))
                if kind != DIGEST_FOLDER && is_account(account) =>
            {
                Some(format!("{account}_{kind}_{region}_"))
            }
            _ => None,
        };
        Self { prefix, stem }
    }

    /// A folder of an unknown kind below this one.
    pub(super) fn below(&self, prefix: String) -> Self {
        Self {
            prefix,
            stem: self.stem.clone(),
        }
    }

    /// Every key of an object dated `at` or later is greater than this.
    pub(super) fn bound(&self, at: Timestamp) -> String {
        let day = format!("{}{}", self.prefix, day_folders(at));
        match &self.stem {
            Some(stem) if at != midnight(at) => {
                format!("{day}/{stem}{}", at.strftime("%Y%m%dT%H"))
            }
            Some(_) | None => day,
        }
    }

    /// The keys of a stretch of time, as far as they begin with the folder that it lies in as a whole:
    /// names that only sort between its ends are left out. Whoever lists what lies beside the days
    /// asks this.
    pub(super) fn stretch(&self, span: Span) -> Stretch {
        Stretch {
            prefix: format!("{}{}", self.prefix, span.common()),
            after: Some(self.bound(span.from)),
            until: Some(self.bound(span.until)),
        }
    }

    /// The hour of a key, or as much as it tells: its day.
    pub(super) fn time_of(&self, key: &str) -> Option<Timestamp> {
        let rest = key.strip_prefix(&self.prefix)?;
        let mut parts = rest.splitn(4, '/');
        let day = parse_day(parts.next()?, parts.next()?, parts.next()?)?;
        let name = parts.next().unwrap_or_default();
        let hour = self
            .stem
            .as_ref()
            .and_then(|stem| {
                name.strip_prefix(stem.as_str())?
                    .get(9..11)?
                    .parse::<i64>()
                    .ok()
            })
            .filter(|hour| (0..24).contains(hour));
        Some(plus(day, SignedDuration::from_hours(hour.unwrap_or(0))))
    }

    /// Cuts what is left of `span` after a page whose first and last keys are given; nothing
    /// where it is too short to be worth it.
    pub(super) fn cut(
        &self,
        span: Span,
        first: &str,
        last: &str,
        keys: usize,
    ) -> Option<Vec<Span>> {
        let (first, last) = (self.time_of(first)?, self.time_of(last)?);
        let step = if self.stem.is_some() { 3600 } else { 86_400 };
        // The keys of the last hour (or day) may go on: that piece begins anew after the last key.
        let seen = last.duration_since(first).as_secs().max(step / 2);
        let left = span.until.duration_since(last).as_secs();
        if left <= step {
            return None;
        }
        #[allow(clippy::cast_precision_loss, reason = "an estimate")]
        let estimate = keys as f64 * left as f64 / seen as f64;
        #[allow(clippy::cast_possible_truncation, reason = "an estimate")]
        let pieces = ((estimate / PIECE).ceil() as i64)
            .clamp(1, MOST_PIECES)
            .min(left / step);
        if pieces < 2 {
            return None;
        }
        let at = |piece: i64| {
            let seconds = left / step * piece / pieces * step;
            plus(last, SignedDuration::from_secs(seconds))
        };
        let spans = (0..pieces).map(|piece| Span {
            from: at(piece),
            until: if piece + 1 == pieces {
                span.until
            } else {
                at(piece + 1)
            },
        });
        Some(spans.collect())
    }
}

impl Span {
    /// The days from that of `start` to that of `end`, both whole.
    pub(super) fn days(start: Timestamp, end: Timestamp) -> Self {
        let first = Timestamp::from_second(YEAR_0).unwrap_or(Timestamp::MIN);
        Self {
            // What was before is in no order.
            from: midnight(start.max(first)),
            until: plus(midnight(end), SignedDuration::from_hours(24)),
        }
    }

    /// The longest folder name, in years, months and days, that all of it lies in.
    fn common(&self) -> String {
        let last = minus(self.until, SignedDuration::from_secs(1));
        let (first, last) = (day_folders(self.from), day_folders(last));
        let same = first.split('/').zip(last.split('/'));
        same.take_while(|(a, b)| a == b)
            .flat_map(|(part, _)| [part, "/"])
            .collect()
    }

    /// The folders of years and months at its ends: in them lie names that are in no day of it.
    pub(super) fn levels(&self) -> Vec<String> {
        let last = minus(self.until, SignedDuration::from_secs(1));
        let mut levels = vec![String::new()];
        for at in [self.from, last] {
            for format in ["%Y/", "%Y/%m/"] {
                let level = at.strftime(format).to_string();
                if !levels.contains(&level) {
                    levels.push(level);
                }
            }
        }
        levels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn logs() -> Folder {
        let path = "AWSLogs/111122223333/CloudTrail/us-east-1";
        Folder::new(format!("p/{path}/"), path)
    }

    fn key(folder: &Folder, time: &str) -> String {
        let day = day_folders(at(time));
        let name = at(time).strftime("%Y%m%dT%H%MZ");
        format!(
            "{}{day}/111122223333_CloudTrail_us-east-1_{name}_aaaaaaaaaaaaaaaa.json.gz",
            folder.prefix
        )
    }

    #[test]
    fn bounds_are_in_the_order_of_keys() {
        let folder = logs();
        let hour = folder.bound(at("2024-03-10T07:00:00Z"));
        assert!(key(&folder, "2024-03-10T06:59:00Z") < hour);
        assert!(key(&folder, "2024-03-10T07:00:00Z") > hour);
        let day = folder.bound(at("2024-03-10T00:00:00Z"));
        assert!(key(&folder, "2024-03-09T23:59:00Z") < day);
        assert!(key(&folder, "2024-03-10T00:00:00Z") > day);
        assert!(format!("{}2024/03/09x/evil.json.gz", folder.prefix) < day);
    }

    #[test]
    fn a_further_folder_before_the_regions_is_none_of_its_names() {
        let day = day_folders(at("2024-03-10T00:00:00Z"));
        for further in ["x", "CloudTrail", "111122223333"] {
            let path = format!("AWSLogs/111122223333/CloudTrail/{further}/us-east-1");
            let folder = Folder::new(format!("{path}/"), &path);
            let hour = folder.bound(at("2024-03-10T07:00:00Z"));
            assert_eq!(hour, format!("{path}/{day}"));
        }
    }

    #[test]
    fn a_dense_listing_is_cut_without_a_gap() {
        let folder = logs();
        let span = Span::days(at("2024-03-10T05:00:00Z"), at("2024-03-11T05:00:00Z"));
        assert_eq!(span.until, at("2024-03-12T00:00:00Z"));
        let (first, last) = (
            key(&folder, "2024-03-10T00:01:00Z"),
            key(&folder, "2024-03-10T02:30:00Z"),
        );
        let pieces = folder.cut(span, &first, &last, 1000).unwrap();
        assert!(pieces.len() > 3, "{pieces:?}");
        assert_eq!(pieces[0].from, at("2024-03-10T02:00:00Z"));
        assert_eq!(pieces.last().unwrap().until, span.until);
        assert!(pieces.windows(2).all(|pair| pair[0].until == pair[1].from));
        assert!(pieces.iter().all(|piece| piece.from < piece.until));
    }

    #[test]
    fn a_sparse_listing_is_not_cut() {
        let folder = logs();
        let span = Span::days(at("2024-03-10T00:00:00Z"), at("2024-03-12T00:00:00Z"));
        let (first, last) = (
            key(&folder, "2024-03-10T00:01:00Z"),
            key(&folder, "2024-03-11T20:30:00Z"),
        );
        assert_eq!(folder.cut(span, &first, &last, 1000), None);
    }

    #[test]
    fn spans_know_their_folders() {
        let span = |from, until| Span::days(at(from), at(until));
        let day = span("2024-03-10T05:00:00Z", "2024-03-10T06:00:00Z");
        assert_eq!(day.common(), "2024/03/10/");
        assert_eq!(day.levels(), ["", "2024/", "2024/03/"]);
        let long = span("2023-12-10T05:00:00Z", "2024-03-10T06:00:00Z");
        assert_eq!(long.common(), "");
        assert_eq!(
            long.levels(),
            ["", "2023/", "2023/12/", "2024/", "2024/03/"]
        );
    }
}
