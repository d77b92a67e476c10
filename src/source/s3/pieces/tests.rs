//! Each key that a listing is asked for is shown by one of its pieces, and by no other.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::sample::select;

use super::super::pages::Entry;
use super::*;
use crate::verify::time::{day_folders, minus, plus};

const PATH: &str = "AWSLogs/111122223333/CloudTrail/us-east-1";

fn folder() -> Folder {
    Folder::new(format!("p/{PATH}/"), PATH)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A bucket.
struct Keys(BTreeSet<String>);

impl Keys {
    /// As S3 lists them, all at once.
    fn listed(&self, stretch: &Stretch) -> Vec<String> {
        let after = stretch.after.clone().unwrap_or_default();
        let keys = self.0.iter().filter(|key| key.starts_with(&stretch.prefix));
        keys.filter(|key| **key > after).cloned().collect()
    }

    fn level(&self, prefix: &str, size: usize) -> Vec<Page> {
        let keys = self.listed(&Stretch::below(prefix.to_owned()));
        let name_of = |key: String| match key[prefix.len()..].find('/') {
            Some(slash) => key[..=prefix.len() + slash].to_owned(),
            None => key,
        };
        let names: BTreeSet<_> = keys.into_iter().map(name_of).collect();
        let names: Vec<_> = names.into_iter().collect();
        names.chunks(size).map(page_of).collect()
    }

    /// What a listing shows, and how many pieces that took.
    fn shown(&self, span: Span, part: Option<&Part>, size: usize) -> (Vec<String>, usize) {
        let mut shown = Vec::new();
        let mut number = 0;
        let mut waiting = dated(&folder(), span, 0);
        while let Some(piece) = waiting.pop() {
            number += 1;
            match piece {
                Piece::Time(days) => {
                    let Some(stretch) = days.stretch.clone().within(part) else {
                        continue;
                    };
                    let days = Days { stretch, ..days };
                    for page in self.listed(&days.stretch).chunks(size) {
                        let holds = |key: &&String| days.stretch.holds(key);
                        let keys: Vec<_> = page.iter().filter(holds).cloned().collect();
                        shown.extend(keys.iter().cloned());
                        if keys.len() < page.len() {
                            break;
                        }
                        let (first, last) = (&keys[0], &keys[keys.len() - 1]);
                        if let Some(pieces) = days.cut(first, last, keys.len() * 10_000) {
                            waiting.extend(pieces.into_iter().map(Piece::Time));
                            break;
                        }
                    }
                }
                Piece::Keys(stretch, beyond) => {
                    let Some(stretch) = stretch.within(part) else {
                        continue;
                    };
                    let keys = self.listed(&stretch).into_iter();
                    let is_of_it = |key: &String| stretch.holds(key) && key[beyond..].contains('/');
                    shown.extend(keys.filter(is_of_it));
                }
                Piece::Level(mut level) => {
                    for mut page in self.level(&level.prefix(), size) {
                        waiting.extend(level.sort_out(&mut page, part));
                        shown.extend(page.objects.into_iter().map(|object| object.key));
                    }
                }
            }
        }
        (shown, number)
    }
}

/// Whether a key lies below no folder of a year, a month or a day that the span has no part of.
fn is_wanted(rest: &str, span: Span, depth: u8) -> bool {
    let mut folders: Vec<_> = rest.split('/').collect();
    folders.pop();
    let is_number = |text: &str, digits: usize| {
        text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let Some(year) = folders.first() else {
        return true;
    };
    if !is_number(year, 4) {
        let (_, below) = rest.split_once('/').unwrap();
        return depth >= ODD_DEPTH || is_wanted(below, span, depth + 1);
    }
    let first = day_folders(span.from);
    let last = day_folders(minus(span.until, SignedDuration::from_secs(1)));
    let month = |month: &&str| is_number(month, 2) && ("01"..="12").contains(month);
    let day = |_: &&str| parse_day(folders[0], folders[1], folders[2]).is_some();
    let mut date = year.to_string();
    if let Some(month) = folders.get(1).filter(|it| month(it)) {
        date = format!("{date}/{month}");
        if let Some(day) = folders.get(2).filter(|it| day(it)) {
            date = format!("{date}/{day}");
        }
    }
    let length = date.len();
    (&first[..length]..=&last[..length]).contains(&&*date)
}

fn page_of(names: &[String]) -> Page {
    let (folders, keys): (Vec<_>, Vec<_>) =
        names.iter().cloned().partition(|name| name.ends_with('/'));
    let entry = |key| Entry {
        key,
        size: Some(1),
        archived: false,
    };
    Page {
        objects: keys.into_iter().map(entry).collect(),
        folders,
        next: None,
    }
}

/// Each key that is asked for is shown once, and no other more often.
#[track_caller]
fn check(keys: &BTreeSet<String>, span: Span, part: Option<&Part>, size: usize) -> usize {
    let keys = keys.iter().map(|key| format!("{}{key}", folder().prefix));
    let keys = Keys(keys.collect());
    let (shown, pieces) = keys.shown(span, part, size);
    let mut times = BTreeMap::<_, u32>::new();
    for key in &shown {
        *times.entry(key).or_default() += 1;
    }
    let prefix = folder().prefix;
    for key in &keys.0 {
        let is_in_part = part.is_none_or(|part| {
            *key > part.after && part.until.as_ref().is_none_or(|until| key < until)
        });
        let is_wanted = is_in_part && is_wanted(&key[prefix.len()..], span, 0);
        let times = times.get(key).copied().unwrap_or(0);
        assert!(times <= 1, "{key} is shown {times} times: {span:?}");
        assert!(times == 1 || !is_wanted, "{key} is not shown: {span:?}");
    }
    pieces
}

fn day(text: &str) -> Timestamp {
    at(&format!("{text}T05:00:00Z"))
}

fn log(time: &str) -> String {
    format!("111122223333_CloudTrail_us-east-1_{time}_aaaaaaaaaaaaaaaa.json.gz")
}

#[test]
fn nothing_hides_between_the_days_and_what_lies_beside_them() {
    let keys = [
        "2024/03/10x/a",
        "2024/03/10-evil",
        "2024/03/10",
        "2024/03/1",
        "2024/03x/a",
        "2024/031/a",
        "2024/03/31x/a",
        "2024/04x/a",
        "2024x/a",
        "2024-/a",
        "2024/12x/a",
        "2025",
        "z",
    ];
    let log = log("20240310T0600Z");
    let keys = keys.iter().map(|key| key.replace('a', &log)).collect();
    for (first, last) in [
        ("2024-03-10", "2024-03-10"),
        ("2024-03-10", "2024-03-31"),
        ("2024-03-31", "2024-03-31"),
        ("2024-02-29", "2024-03-31"),
        ("2024-12-31", "2024-12-31"),
        ("2024-01-01", "2024-12-31"),
        ("2023-01-01", "2024-12-31"),
    ] {
        check(&keys, Span::days(day(first), day(last)), None, 1000);
    }
}

#[test]
fn what_was_before_the_first_year_is_asked_for_in_no_order() {
    let keys = ["-9999/02/a", "0000/01/01/a", "0000/a", "2024/03/10/a", "A"];
    let keys = keys.iter().map(|key| (*key).to_owned()).collect();
    check(
        &keys,
        Span::days(Timestamp::MIN, day("2024-03-10")),
        None,
        1000,
    );
}

/// Whoever writes to the bucket may make up any number of them.
#[test]
fn folders_that_are_no_years_take_few_pieces() {
    let mut keys = BTreeSet::new();
    for (outer, inner) in (0..400).flat_map(|outer| (0..20).map(move |inner| (outer, inner))) {
        keys.insert(format!("a{outer:04}/b{inner:04}/{}", log("20240310T0600Z")));
    }
    let span = Span::days(day("2024-03-10"), day("2024-03-10"));
    let pieces = check(&keys, span, None, 1000);
    assert!(pieces < 8 * MOST_ODD * MOST_ODD, "{pieces}");
}

fn keys() -> impl Strategy<Value = BTreeSet<String>> {
    let years = select(vec![
        "2023", "2024", "2025", "2024x", "2024-", "2023 ", "202", "02024", "Odd", "X",
    ]);
    let months = select(vec![
        "01", "02", "03", "04", "11", "12", "03x", "03-", "0", "00", "13", "2024",
    ]);
    let days = select(vec![
        "01", "09", "10", "11", "29", "30", "31", "32", "00", "1", "10x", "10-", "31x", "3", "12",
    ]);
    let names = (
        select(vec!["202403", "202312", "202401"]),
        1..32_u8,
        0..24_u8,
    );
    let names = names.prop_map(|(month, day, hour)| log(&format!("{month}{day:02}T{hour:02}00Z")));
    let names = prop_oneof![
        names,
        select(vec!["evil", "0", "10", "~"]).prop_map(str::to_owned)
    ];
    let folders = (years, months, days, select(vec!["10", "x"]));
    let key = (folders, names, 0..6_usize).prop_map(|((year, month, day, more), name, depth)| {
        let folders = [year, month, day, more, "2024"];
        let path = folders
            .iter()
            .take(depth)
            .map(|folder| format!("{folder}/"));
        format!("{}{name}", path.collect::<String>())
    });
    proptest::collection::btree_set(key, 0..120)
}

proptest! {
    #[test]
    fn each_key_is_shown_once(
        keys in keys(),
        (first, length) in (
            select(vec!["2023-12-31", "2024-01-01", "2024-02-29", "2024-03-10", "2024-03-29", "2024-12-09"]),
            select(vec![0, 1, 2, 20, 31, 90, 366]),
        ),
        size in 1..20_usize,
        bounds in (proptest::option::of(0..120_usize), proptest::option::of(0..120_usize)),
    ) {
        let first = day(first);
        let span = Span::days(first, plus(first, SignedDuration::from_hours(24 * length)));
        check(&keys, span, None, size);
        let key = |number: Option<usize>| {
            let key = keys.iter().nth(number?)?;
            Some(format!("{}{key}", folder().prefix))
        };
        let after = key(bounds.0).unwrap_or_else(|| folder().prefix);
        let until = key(bounds.1).filter(|until| *until > after);
        check(&keys, span, Some(&Part { after, until }), size);
    }
}
