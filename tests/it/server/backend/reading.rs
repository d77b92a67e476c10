//! GET and HEAD of one object.

use bytes::Bytes;
use http::HeaderMap;
use s3s::dto::{
    ETag, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, StorageClass,
    StreamingBlob, Timestamp,
};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use super::super::store::{Bucket, Class, Object, Restore, Version};

pub(super) fn etag(object: &Object) -> ETag {
    ETag::Strong(hex::encode(object.etag))
}

pub(super) fn get(bucket: &Bucket, input: &GetObjectInput) -> S3Result<GetObjectOutput> {
    let (version, object) = find(bucket, &input.key, input.version_id.as_deref())?;
    if let Some(wanted) = input.if_match.as_ref().and_then(|wanted| wanted.as_etag())
        && *wanted != etag(object)
    {
        return Err(s3_error!(PreconditionFailed));
    }
    if object.is_archived() {
        let message = "The operation is not valid for the object's storage class";
        return Err(S3Error::with_message(
            S3ErrorCode::InvalidObjectState,
            message,
        ));
    }
    let total = u64::try_from(object.body.len()).unwrap_or_default();
    let (body, content_range) = match &input.range {
        None => (object.body.clone(), None),
        Some(range) => {
            let span = range.check(total).map_err(|_| s3_error!(InvalidRange))?;
            let text = format!("bytes {}-{}/{total}", span.start, span.end - 1);
            (slice(&object.body, span), Some(text))
        }
    };
    Ok(GetObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        content_length: i64::try_from(body.len()).ok(),
        body: Some(StreamingBlob::from(s3s::Body::from(body))),
        content_range,
        content_type: Some(object.content_type.to_owned()),
        e_tag: Some(etag(object)),
        last_modified: Some(Timestamp::from(version.modified)),
        metadata: Some(object.metadata.clone().into_iter().collect()),
        restore: restore_header(object),
        storage_class: class_header(object),
        version_id: bucket.versioned.then(|| version.name()),
        ..GetObjectOutput::default()
    })
}

/// An archived object's head can be read.
pub(super) fn head(bucket: &Bucket, input: &HeadObjectInput) -> S3Result<HeadObjectOutput> {
    let (version, object) = find(bucket, &input.key, input.version_id.as_deref())?;
    Ok(HeadObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        content_length: i64::try_from(object.body.len()).ok(),
        content_type: Some(object.content_type.to_owned()),
        e_tag: Some(etag(object)),
        last_modified: Some(Timestamp::from(version.modified)),
        metadata: Some(object.metadata.clone().into_iter().collect()),
        restore: restore_header(object),
        storage_class: class_header(object),
        version_id: bucket.versioned.then(|| version.name()),
        ..HeadObjectOutput::default()
    })
}

fn find<'a>(
    bucket: &'a Bucket,
    key: &str,
    id: Option<&str>,
) -> S3Result<(&'a Version, &'a Object)> {
    let version = match id {
        None => bucket.latest(key),
        Some(id) => bucket
            .keys
            .get(key)
            .and_then(|all| all.iter().find(|version| version.name() == id)),
    };
    // Who may not list learns nothing of what exists.
    let hidden = bucket
        .deny_list
        .then(|| s3_error!(AccessDenied, "Access Denied"));
    match (version, id) {
        (Some(version), _) if version.content.is_some() => version
            .content
            .as_ref()
            .map(|object| (version, object))
            .ok_or_else(|| s3_error!(NoSuchKey)),
        (None, Some(_)) => Err(hidden.unwrap_or_else(|| s3_error!(NoSuchVersion))),
        (Some(marker), Some(_)) => Err(deleted(s3_error!(MethodNotAllowed), marker)),
        (None, None) => Err(hidden.unwrap_or_else(no_such_key)),
        (Some(marker), None) => Err(hidden.unwrap_or_else(|| deleted(no_such_key(), marker))),
    }
}

fn no_such_key() -> S3Error {
    s3_error!(NoSuchKey, "The specified key does not exist.")
}

fn deleted(mut error: S3Error, marker: &Version) -> S3Error {
    let mut headers = HeaderMap::new();
    headers.insert(
        "x-amz-delete-marker",
        http::HeaderValue::from_static("true"),
    );
    if let Ok(id) = marker.name().parse() {
        headers.insert("x-amz-version-id", id);
    }
    headers.insert(
        "content-type",
        http::HeaderValue::from_static("application/xml"),
    );
    error.set_headers(headers);
    error
}

fn slice(body: &Bytes, span: std::ops::Range<u64>) -> Bytes {
    let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(body.len());
    body.slice(index(span.start)..index(span.end))
}

/// S3 leaves the header out for the standard class.
fn class_header(object: &Object) -> Option<StorageClass> {
    (object.class != Class::Standard).then(|| StorageClass::from_static(object.class.as_str()))
}

fn restore_header(object: &Object) -> Option<String> {
    match object.restore {
        Restore::Never => None,
        Restore::InProgress => Some("ongoing-request=\"true\"".to_owned()),
        Restore::Until(time) => {
            let mut date = Vec::new();
            let format = s3s::dto::TimestampFormat::HttpDate;
            Timestamp::from(time).format(format, &mut date).ok()?;
            Some(format!(
                "ongoing-request=\"false\", expiry-date=\"{}\"",
                String::from_utf8(date).ok()?
            ))
        }
    }
}
