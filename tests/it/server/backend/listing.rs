//! The listings, in the shapes that S3 gives them.

use std::fmt::Write as _;

use s3s::dto::{
    CommonPrefix, DeleteMarkerEntry, EncodingType, ListBucketsOutput, ListObjectVersionsInput,
    ListObjectVersionsOutput, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input,
    ListObjectsV2Output, ObjectStorageClass, ObjectVersion, ObjectVersionStorageClass,
    OptionalObjectAttributes, RestoreStatus, Timestamp,
};
use s3s::{S3Result, s3_error};

use super::super::options::{Options, Truncation};
use super::super::page::{self, After, Query};
use super::super::store::{Bucket, Object, Restore, Store, Version};
use super::reading::etag;

pub(super) fn buckets(store: &Store) -> ListBucketsOutput {
    let buckets = store.buckets.iter().map(|(name, bucket)| s3s::dto::Bucket {
        bucket_region: Some(bucket.region.clone()),
        creation_date: Some(Timestamp::from(bucket.clock)),
        name: Some(name.clone()),
    });
    ListBucketsOutput {
        buckets: Some(buckets.collect()),
        ..ListBucketsOutput::default()
    }
}

/// How names are written: as they are, or percent-encoded where that was asked for.
struct Names(Option<EncodingType>);

impl Names {
    fn write(&self, name: &str) -> String {
        if self.0.is_none() {
            return name.to_owned();
        }
        name.bytes()
            .fold(String::with_capacity(name.len()), |mut out, byte| {
                match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b'/' => {
                        out.push(char::from(byte));
                    }
                    b' ' => out.push('+'),
                    _ => write!(out, "%{byte:02X}").unwrap(),
                }
                out
            })
    }

    fn groups(&self, groups: &[String]) -> Option<Vec<CommonPrefix>> {
        let prefixes = groups.iter().map(|group| CommonPrefix {
            prefix: Some(self.write(group)),
        });
        (!groups.is_empty()).then(|| prefixes.collect())
    }

    fn objects(&self, items: &[(&str, &Version)], restore: bool) -> Option<Vec<s3s::dto::Object>> {
        let listed = items.iter().filter_map(|(key, version)| {
            let object = version.content.as_ref()?;
            Some(s3s::dto::Object {
                e_tag: Some(etag(object)),
                key: Some(self.write(key)),
                last_modified: Some(Timestamp::from(version.modified)),
                restore_status: restore.then(|| restore_status(object)).flatten(),
                size: i64::try_from(object.body.len()).ok(),
                storage_class: Some(ObjectStorageClass::from_static(object.class.as_str())),
                ..s3s::dto::Object::default()
            })
        });
        (!items.is_empty()).then(|| listed.collect())
    }
}

fn limit(asked: Option<i32>, options: &Options) -> usize {
    usize::try_from(asked.unwrap_or(1000))
        .unwrap_or_default()
        .min(1000)
        .min(options.page_size)
}

pub(super) fn v1(bucket: &Bucket, input: ListObjectsInput, options: &Options) -> ListObjectsOutput {
    let prefix = input.prefix.clone().unwrap_or_default();
    let mut query = Query {
        prefix: &prefix,
        delimiter: input.delimiter.as_deref(),
        after: After::Start,
        limit: limit(input.max_keys, options),
    };
    if let Some(marker) = &input.marker {
        query.after = query.after_marker(marker);
    }
    let page = page::objects(bucket, &query);
    let names = Names(input.encoding_type.clone());
    // Without a delimiter the last key itself is the marker of the next page.
    let next_marker = match &page.next {
        Some(After::Key(name) | After::Group(name)) if input.delimiter.is_some() => {
            Some(names.write(name))
        }
        Some(_) | None => None,
    };
    ListObjectsOutput {
        name: Some(input.bucket),
        prefix: Some(names.write(&prefix)),
        marker: Some(names.write(input.marker.as_deref().unwrap_or_default())),
        max_keys: input.max_keys.or(Some(1000)),
        is_truncated: Some(page.next.is_some()),
        contents: names.objects(
            &page.items,
            wants_restore(input.optional_object_attributes.as_deref()),
        ),
        common_prefixes: names.groups(&page.groups),
        delimiter: input
            .delimiter
            .as_deref()
            .map(|delimiter| names.write(delimiter)),
        next_marker,
        encoding_type: input.encoding_type,
        request_charged: None,
    }
}

pub(super) fn v2(
    bucket: &Bucket,
    input: ListObjectsV2Input,
    options: &Options,
) -> S3Result<ListObjectsV2Output> {
    let prefix = input.prefix.clone().unwrap_or_default();
    let is_backwards = options.backwards.is_some_and(|part| prefix.contains(part));
    if is_backwards && input.delimiter.is_none() {
        return Ok(backwards(bucket, &prefix, input, options));
    }
    let (after, filled) = match (&input.continuation_token, &input.start_after) {
        (Some(token), _) => parse_token(token).ok_or_else(|| s3_error!(InvalidArgument))?,
        (None, Some(start)) if !options.from_the_first => {
            (After::Key(start.clone()), !options.empty_pages)
        }
        (None, _) => (After::Start, !options.empty_pages),
    };
    let limit = limit(input.max_keys, options);
    let query = Query {
        prefix: &prefix,
        delimiter: input.delimiter.as_deref(),
        after,
        limit,
    };
    let mut page = page::objects(bucket, &query);
    let is_a_key = |name: &String| bucket.keys.contains_key(name);
    let begins_at_one = input.start_after.as_ref().is_some_and(is_a_key);
    if options.nothing_after_keys && begins_at_one && input.continuation_token.is_none() {
        page.items.clear();
        page.groups.clear();
        page.next = None;
    }
    if !filled {
        page.items.clear();
        page.groups.clear();
        page.next = Some(query.after.clone());
    }
    let names = Names(input.encoding_type.clone());
    let next = page
        .next
        .as_ref()
        .map(|after| token(after, !filled || !options.empty_pages));
    Ok(ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: Some(names.write(&prefix)),
        max_keys: input.max_keys.or(Some(1000)),
        key_count: i32::try_from(page.items.len() + page.groups.len()).ok(),
        continuation_token: input.continuation_token,
        is_truncated: match options.truncation {
            Truncation::Told => Some(next.is_some()),
            Truncation::Untold => None,
            Truncation::Denied => Some(false),
        },
        next_continuation_token: next,
        contents: names.objects(
            &page.items,
            wants_restore(input.optional_object_attributes.as_deref()),
        ),
        common_prefixes: names.groups(&page.groups),
        delimiter: input
            .delimiter
            .as_deref()
            .map(|delimiter| names.write(delimiter)),
        encoding_type: input.encoding_type,
        start_after: input.start_after.as_deref().map(|start| names.write(start)),
        request_charged: None,
    })
}

/// A page of a server that knows no order of bytes: the last name comes first.
fn backwards(
    bucket: &Bucket,
    prefix: &str,
    input: ListObjectsV2Input,
    options: &Options,
) -> ListObjectsV2Output {
    let start = input.start_after.clone().map_or(After::Start, After::Key);
    let query = Query {
        prefix,
        delimiter: None,
        after: start,
        limit: usize::MAX,
    };
    let all = page::objects(bucket, &query).items;
    let token = input.continuation_token.as_deref();
    let skip = token.and_then(|token| token.parse().ok()).unwrap_or(0);
    let end = skip + limit(input.max_keys, options);
    let some: Vec<_> = { all.iter().rev() }
        .skip(skip)
        .take(end - skip)
        .copied()
        .collect();
    let next = (end < all.len()).then(|| end.to_string());
    ListObjectsV2Output {
        is_truncated: Some(next.is_some()),
        next_continuation_token: next,
        contents: Names(input.encoding_type.clone()).objects(&some, false),
        encoding_type: input.encoding_type,
        ..ListObjectsV2Output::default()
    }
}

pub(super) fn versions(
    bucket: &Bucket,
    input: ListObjectVersionsInput,
    options: &Options,
) -> ListObjectVersionsOutput {
    let prefix = input.prefix.clone().unwrap_or_default();
    let mut query = Query {
        prefix: &prefix,
        delimiter: input.delimiter.as_deref(),
        after: After::Start,
        limit: limit(input.max_keys, options),
    };
    if let Some(marker) = &input.key_marker {
        query.after = query.after_marker(marker);
    }
    let page = page::versions(bucket, &query, input.version_id_marker.as_deref());
    let names = Names(input.encoding_type.clone());
    let restore = wants_restore(input.optional_object_attributes.as_deref());
    let (next_key, next_version) = match (&page.next, page.items.last()) {
        (Some(After::Key(key)), Some((_, (version, _)))) => {
            (Some(names.write(key)), Some(version.name()))
        }
        (Some(After::Key(key) | After::Group(key)), _) => (Some(names.write(key)), None),
        (Some(After::Start) | None, _) => (None, None),
    };
    let (kept, markers): (Vec<_>, Vec<_>) = page
        .items
        .iter()
        .partition(|(_, (version, _))| version.content.is_some());
    ListObjectVersionsOutput {
        common_prefixes: names.groups(&page.groups),
        delete_markers: Some(
            markers
                .iter()
                .map(|(key, item)| marker_entry(names.write(key), *item))
                .collect(),
        ),
        delimiter: input
            .delimiter
            .as_deref()
            .map(|delimiter| names.write(delimiter)),
        is_truncated: Some(page.next.is_some()),
        key_marker: Some(names.write(input.key_marker.as_deref().unwrap_or_default())),
        max_keys: input.max_keys.or(Some(1000)),
        name: Some(input.bucket),
        next_key_marker: next_key,
        next_version_id_marker: next_version,
        prefix: Some(names.write(&prefix)),
        version_id_marker: input.version_id_marker,
        versions: Some(
            kept.iter()
                .filter_map(|(key, item)| version_entry(names.write(key), *item, restore))
                .collect(),
        ),
        encoding_type: input.encoding_type,
        request_charged: None,
    }
}

fn marker_entry(key: String, (version, latest): (&Version, bool)) -> DeleteMarkerEntry {
    DeleteMarkerEntry {
        is_latest: Some(latest),
        key: Some(key),
        last_modified: Some(Timestamp::from(version.modified)),
        owner: None,
        version_id: Some(version.name()),
    }
}

fn version_entry(
    key: String,
    (version, latest): (&Version, bool),
    restore: bool,
) -> Option<ObjectVersion> {
    let object = version.content.as_ref()?;
    Some(ObjectVersion {
        e_tag: Some(etag(object)),
        is_latest: Some(latest),
        key: Some(key),
        last_modified: Some(Timestamp::from(version.modified)),
        restore_status: restore.then(|| restore_status(object)).flatten(),
        size: i64::try_from(object.body.len()).ok(),
        storage_class: Some(ObjectVersionStorageClass::from_static(
            object.class.as_str(),
        )),
        version_id: Some(version.name()),
        ..ObjectVersion::default()
    })
}

fn wants_restore(attributes: Option<&[OptionalObjectAttributes]>) -> bool {
    attributes
        .unwrap_or_default()
        .iter()
        .any(|name| name.as_str() == OptionalObjectAttributes::RESTORE_STATUS)
}

fn restore_status(object: &Object) -> Option<RestoreStatus> {
    let (in_progress, until) = match object.restore {
        Restore::Never => return None,
        Restore::InProgress => (true, None),
        Restore::Until(time) => (false, Some(Timestamp::from(time))),
    };
    Some(RestoreStatus {
        is_restore_in_progress: Some(in_progress),
        restore_expiry_date: until,
    })
}

/// Opaque, as S3's are; the first letters tell whether the next page is a filled one, and what the name is.
fn token(after: &After, empty_next: bool) -> String {
    let (kind, name) = match after {
        After::Start => ('s', ""),
        After::Key(name) => ('k', name.as_str()),
        After::Group(name) => ('g', name.as_str()),
    };
    let filled = if empty_next { 'f' } else { 'e' };
    hex::encode(format!("{filled}{kind}{name}"))
}

fn parse_token(token: &str) -> Option<(After, bool)> {
    let text = String::from_utf8(hex::decode(token).ok()?).ok()?;
    let name = || text.get(2..).map(ToOwned::to_owned);
    let after = match text.get(1..2)? {
        "s" => After::Start,
        "k" => After::Key(name()?),
        "g" => After::Group(name()?),
        _ => return None,
    };
    Some((after, text.starts_with('f')))
}
