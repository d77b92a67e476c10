//! The headers of an answer that is an object.
//!
//! The SDK reads all of them, and fails for one that nobody uses: that cannot be read, that came twice, or that
//! is no text. Whoever writes an object chooses some of them, and proxies add their own. So a changed log
//! could be one that cannot be read, and whole archives behind a proxy could not be read at all.

use aws_smithy_runtime_api::http::Headers;

/// Headers that the SDK reads and nobody uses, in order.
const UNUSED: [&str; 27] = [
    "accept-ranges",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "expires",
    "expiresstring",
    "x-amz-delete-marker",
    "x-amz-expiration",
    "x-amz-missing-meta",
    "x-amz-mp-parts-count",
    "x-amz-object-lock-event-hold",
    "x-amz-object-lock-event-hold-duration-days",
    "x-amz-object-lock-event-hold-duration-years",
    "x-amz-object-lock-legal-hold",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-retain-until-date",
    "x-amz-replication-status",
    "x-amz-request-charged",
    "x-amz-restore",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-bucket-key-enabled",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-server-side-encryption-customer-key-md5",
    "x-amz-tagging-count",
    "x-amz-website-redirect-location",
];

/// Leaves those that are used, each once and as text. One that came with different values stays as it is,
/// and cannot be read: nobody knows which of them is S3's.
pub(super) fn keep_used(headers: &mut Headers) {
    let mut unused: Vec<&str> = Vec::new();
    let mut odd: Vec<String> = Vec::new();
    let mut last = "";
    for (name, value) in headers.iter_bytes() {
        if let Ok(at) = UNUSED.binary_search(&name) {
            unused.push(UNUSED[at]);
        } else if name == last || std::str::from_utf8(value).is_err() {
            odd.push(name.to_owned());
        }
        last = name;
    }
    for name in unused {
        headers.remove(name);
    }
    for name in odd {
        let mut values: Vec<_> = headers.get_all_bytes(&name).collect();
        values.dedup();
        if let [one] = values[..] {
            // What is no text fits nothing that it is held against, and is not left out.
            let text = String::from_utf8_lossy(one).into_owned();
            // Of headers that came, name and value can stand in one.
            let _ = headers.try_insert(name, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(given: &[(&'static str, &'static [u8])]) -> Vec<(String, Vec<u8>)> {
        let mut headers = http::HeaderMap::new();
        for (name, value) in given {
            headers.append(*name, http::HeaderValue::from_bytes(value).unwrap());
        }
        let mut headers = Headers::try_from(headers).unwrap();
        keep_used(&mut headers);
        let kept = headers.iter_bytes();
        let mut kept: Vec<_> = kept.map(|(n, v)| (n.to_owned(), v.to_vec())).collect();
        kept.sort();
        kept
    }

    #[test]
    fn unused_headers_are_in_order() {
        assert!(UNUSED.is_sorted());
    }

    #[test]
    fn what_is_used_is_left_once_and_as_text() {
        let left = |given: &[(&'static str, &'static [u8])], is: &[(&str, &str)]| {
            let is = is
                .iter()
                .map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec()));
            assert_eq!(kept(given), is.collect::<Vec<_>>());
        };
        left(
            &[
                ("etag", b"\"a\""),
                ("expires", b"0"),
                ("cache-control", b"a"),
                ("cache-control", b"b"),
            ],
            &[("etag", "\"a\"")],
        );
        left(
            &[
                ("etag", b"a"),
                ("etag", b"a"),
                ("x-amz-meta-signature", b"0"),
                ("etag", b"a"),
            ],
            &[("etag", "a"), ("x-amz-meta-signature", "0")],
        );
        left(
            &[("etag", b"a"), ("etag", b"b")],
            &[("etag", "a"), ("etag", "b")],
        );
        left(
            &[("x-amz-meta-a", b"\xe9")],
            &[("x-amz-meta-a", "\u{fffd}")],
        );
        left(&[("content-language", b"\xe9")], &[]);
    }
}
