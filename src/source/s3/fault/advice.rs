//! What helps against a fault.

use super::Kind;

/// What whoever meets a fault can do about it, where anything can be done.
pub(super) fn advice(kind: &Kind, operation: &str, code: &str) -> &'static str {
    match (kind, operation) {
        (Kind::NoCredentials, _) if code.contains("Signature") => {
            "; the secret key does not fit: check the credentials"
        }
        (Kind::NoCredentials, _) if code == "InvalidToken" => {
            "; the session token does not fit: check the credentials"
        }
        (Kind::NoCredentials, _) => "; the access key is not known: check the credentials",
        (Kind::Denied, "GetObject") => {
            "; it takes s3:GetObject, and kms:Decrypt where the object is encrypted with a KMS key"
        }
        (Kind::Denied, "ListObjectsV2") => {
            "; it takes s3:ListBucket, without which an object that is missing cannot be told from one that is denied (and --request-payer, where whoever asks pays)"
        }
        (Kind::Denied, "PutObject") => "; it takes s3:PutObject",
        (Kind::Denied, "ListObjectVersions") => "; it takes s3:ListBucketVersions",
        (Kind::Denied, "ListPublicKeys") => {
            "; it takes cloudtrail:ListPublicKeys, or keys from a file with --public-keys"
        }
        (Kind::Denied, "DescribeTrails") => {
            "; it takes cloudtrail:DescribeTrails, or the bucket itself as s3://BUCKET/PREFIX"
        }
        (Kind::Archived, _) => "; restore it first (aws s3api restore-object)",
        (Kind::Expired, _) => "; renew the credentials, such as with aws sso login",
        (
            Kind::NoBucket | Kind::NotFound | Kind::SaidNotFound | Kind::Lasting,
            "ListPublicKeys",
        ) => {
            "; a server of one's own has no keys of CloudTrail: name a file with --public-keys"
        }
        (Kind::Throttled, _) => "; fewer requests at a time may help (--concurrency)",
        (
            Kind::NotFound
            | Kind::SaidNotFound
            // Who knows its name adds it (`seen.rs`).
            | Kind::NoBucket
            | Kind::Denied
            | Kind::Elsewhere(_)
            | Kind::Transient
            | Kind::Changed
            | Kind::Lasting,
            _,
        ) => "",
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::config::http::HttpResponse;

    use super::super::kind_of;
    use super::*;

    #[test]
    fn who_has_no_keys_of_cloudtrail_is_told_where_else_they_come_from() {
        for (status, code) in [(400, "InvalidRequest"), (404, "NoSuchBucket"), (405, "")] {
            let raw = HttpResponse::new(status.try_into().unwrap(), "".into());
            let kind = kind_of(status, code, &raw);
            let told = advice(&kind, "ListPublicKeys", code);
            assert!(told.contains("--public-keys"), "{status}: {kind:?}");
        }
    }
}
