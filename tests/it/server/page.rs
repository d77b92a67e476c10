//! One page of a listing, as S3 cuts it: keys in byte order, grouped at a
//! delimiter, without walking through what a group hides.

use std::collections::BTreeMap;
use std::ops::Bound;

use super::store::{Bucket, Version};

/// Where a listing goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum After {
    Start,
    Key(String),
    /// A group (common prefix): all that it holds is behind.
    Group(String),
}

/// What is listed.
pub(crate) struct Query<'a> {
    pub(crate) prefix: &'a str,
    pub(crate) delimiter: Option<&'a str>,
    pub(crate) after: After,
    pub(crate) limit: usize,
}

/// What came out.
pub(crate) struct Page<'a, T> {
    pub(crate) items: Vec<(&'a str, T)>,
    pub(crate) groups: Vec<String>,
    /// Set when there is more.
    pub(crate) next: Option<After>,
}

impl<T> Page<'_, T> {
    fn len(&self) -> usize {
        self.items.len() + self.groups.len()
    }
}

impl Query<'_> {
    fn group_of(&self, key: &str) -> Option<String> {
        let delimiter = self.delimiter.filter(|delimiter| !delimiter.is_empty())?;
        let rest = key.strip_prefix(self.prefix)?;
        let end = rest.find(delimiter)? + delimiter.len();
        Some(format!("{}{}", self.prefix, rest.get(..end)?))
    }

    /// A `Marker` that is itself a group stands for the whole group.
    pub(crate) fn after_marker(&self, marker: &str) -> After {
        match self.group_of(marker) {
            Some(group) if group == marker => After::Group(group),
            Some(_) | None => After::Key(marker.to_owned()),
        }
    }

    fn start(&self) -> Bound<String> {
        let prefix = || Bound::Included(self.prefix.to_owned());
        match &self.after {
            After::Start => prefix(),
            After::Key(key) if key.as_str() < self.prefix => prefix(),
            After::Key(key) => Bound::Excluded(key.clone()),
            After::Group(group) => Bound::Included(past(group)),
        }
    }
}

/// Behind everything that starts with `group`.
fn past(group: &str) -> String {
    format!("{group}{}", char::MAX)
}

/// The current objects of a bucket.
pub(crate) fn objects<'a>(bucket: &'a Bucket, query: &Query<'_>) -> Page<'a, &'a Version> {
    list(
        &bucket.keys,
        query,
        &query.start(),
        |versions, page, key, room| {
            match versions.last() {
                Some(version) if version.content.is_some() => {
                    if room == 0 {
                        return false;
                    }
                    page.push((key, version));
                }
                Some(_) | None => {}
            }
            true
        },
    )
}

/// All versions and delete markers, the newest of each key first; the flag tells the latest.
pub(crate) fn versions<'a>(
    bucket: &'a Bucket,
    query: &Query<'_>,
    version_marker: Option<&str>,
) -> Page<'a, (&'a Version, bool)> {
    let mut start = query.start();
    if let (Some(_), Bound::Excluded(key)) = (version_marker, &start) {
        start = Bound::Included(key.clone());
    }
    let mut behind = version_marker.map(ToOwned::to_owned);
    list(
        &bucket.keys,
        query,
        &start,
        |versions, page, key, mut room| {
            let latest = versions.len().saturating_sub(1);
            for (index, version) in versions.iter().enumerate().rev() {
                if let Some(marker) = &behind {
                    if *marker == version.name() {
                        behind = None;
                    }
                    continue;
                }
                if room == 0 {
                    return false;
                }
                room -= 1;
                page.push((key, (version, index == latest)));
            }
            behind = None;
            true
        },
    )
}

/// `take` puts a key's items into the page, and returns false when there was no room for all.
fn list<'a, T>(
    keys: &'a BTreeMap<String, Vec<Version>>,
    query: &Query<'_>,
    start: &Bound<String>,
    mut take: impl FnMut(&'a [Version], &mut Vec<(&'a str, T)>, &'a str, usize) -> bool,
) -> Page<'a, T> {
    let mut page = Page {
        items: Vec::new(),
        groups: Vec::new(),
        next: None,
    };
    if query.limit == 0 {
        return page;
    }
    let mut last = query.after.clone();
    let mut from = start.clone();
    'group: loop {
        let bounds = (from.as_ref().map(String::as_str), Bound::Unbounded);
        for (key, versions) in keys.range::<str, _>(bounds) {
            if !key.starts_with(query.prefix) {
                return page;
            }
            let room = query.limit - page.len();
            if let Some(group) = query.group_of(key) {
                if !visible(versions, &mut take, key) {
                    continue;
                }
                if room == 0 {
                    page.next = Some(last);
                    return page;
                }
                from = Bound::Included(past(&group));
                last = After::Group(group.clone());
                page.groups.push(group);
                continue 'group;
            }
            let before = page.items.len();
            let whole = take(versions, &mut page.items, key, room);
            if page.items.len() > before {
                last = After::Key(key.clone());
            }
            if !whole {
                page.next = Some(last);
                return page;
            }
        }
        return page;
    }
}

/// Whether a key shows at all in this listing: a deleted one makes no group.
fn visible<'a, T>(
    versions: &'a [Version],
    take: &mut impl FnMut(&'a [Version], &mut Vec<(&'a str, T)>, &'a str, usize) -> bool,
    key: &'a str,
) -> bool {
    let mut probe = Vec::new();
    take(versions, &mut probe, key, usize::MAX);
    !probe.is_empty()
}
