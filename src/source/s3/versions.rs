//! Earlier versions of an object, in a bucket that keeps them.

use std::cmp::Reverse;
use std::sync::Arc;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::list_object_versions::{
    ListObjectVersionsError, ListObjectVersionsOutput,
};
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::EncodingType;
use jiff::Timestamp;

use super::fault::{Fault, Kind};
use super::pages::{Whole, decode, reaches_its_end};
use super::request::Service;
use crate::source::ObjectVersion;

/// An object overwritten more often than these pages tell is not looked at further.
const MOST_PAGES: usize = 4;

/// All versions of one object, newest first.
pub(super) async fn versions(
    service: &Service,
    bucket: &Arc<str>,
    key: &str,
) -> Result<Vec<ObjectVersion>, Fault> {
    let mut found = Vec::new();
    let (mut key_marker, mut version_marker) = (None, None);
    for _ in 0..MOST_PAGES {
        let _pass = service.pass().await;
        let output = service
            .persist(bucket, |client| {
                let request = client
                    .list_object_versions()
                    .bucket(&**bucket)
                    .prefix(key)
                    .encoding_type(EncodingType::Url)
                    .set_request_payer(service.payer())
                    .set_key_marker(key_marker.clone())
                    .set_version_id_marker(version_marker.clone())
                    .customize()
                    .interceptor(service.bounded())
                    .interceptor(Whole("ListVersionsResult"));
                async move {
                    let sent = request.send().await;
                    sent.map_err(|error| fault(&error))
                }
            })
            .await?;
        service.answered();
        let beyond = take(&output, key, &mut found);
        // The first key that begins with the object's is the object's own.
        if beyond || output.is_truncated() != Some(true) {
            break;
        }
        key_marker = output.next_key_marker().map(decode);
        version_marker = output.next_version_id_marker().map(str::to_owned);
        if key_marker.as_deref() != Some(key) {
            break;
        }
    }
    // Those of the same second stay as they are listed: newest first.
    found.sort_by_key(|version: &ObjectVersion| (Reverse(version.is_latest), Reverse(version.at)));
    Ok(found)
}

/// A server that does not look at what is asked for beside the bucket gives a list of its objects, and does so the
/// next time too.
fn fault(error: &SdkError<ListObjectVersionsError, HttpResponse>) -> Fault {
    let raw = error.raw_response().filter(|raw| raw.status().is_success());
    let told = raw.and_then(|raw| raw.body().bytes());
    if told.is_some_and(|told| reaches_its_end(told, "ListBucketResult")) {
        let told = "ListObjectVersions was answered with a list of objects: the server knows of no versions";
        return Fault::new(Kind::Lasting, told);
    }
    Fault::of("ListObjectVersions", error)
}

/// Takes in the versions of `key` on one page; tells whether those of further keys follow.
fn take(output: &ListObjectVersionsOutput, key: &str, found: &mut Vec<ObjectVersion>) -> bool {
    let encoded = output.encoding_type() == Some(&EncodingType::Url);
    let is_it = |name: Option<&str>| {
        name.is_some_and(|name| {
            if encoded {
                decode(name) == key
            } else {
                name == key
            }
        })
    };
    let mut beyond = false;
    for version in output.versions() {
        if !is_it(version.key()) {
            beyond = true;
            continue;
        }
        found.push(ObjectVersion {
            id: version.version_id().unwrap_or("null").to_owned(),
            at: version.last_modified().and_then(time),
            is_delete_marker: false,
            is_latest: version.is_latest() == Some(true),
        });
    }
    for marker in output.delete_markers() {
        if !is_it(marker.key()) {
            beyond = true;
            continue;
        }
        found.push(ObjectVersion {
            id: marker.version_id().unwrap_or("null").to_owned(),
            at: marker.last_modified().and_then(time),
            is_delete_marker: true,
            is_latest: marker.is_latest() == Some(true),
        });
    }
    beyond
}

fn time(at: &DateTime) -> Option<Timestamp> {
    Timestamp::from_second(at.secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_objects_is_not_asked_for_again() {
        let kind = |document: &'static str| {
            let status = 200.try_into().unwrap();
            let raw = HttpResponse::new(status, document.into());
            fault(&SdkError::response_error("the listing breaks off", raw)).kind
        };
        let whole = "<ListBucketResult><Name>b</Name></ListBucketResult>";
        assert_eq!(kind(whole), Kind::Lasting);
        for document in [&whole[..30], "<ListVersionsResult>", "<html></html>", ""] {
            assert_eq!(kind(document), Kind::Transient, "{document}");
        }
    }
}
