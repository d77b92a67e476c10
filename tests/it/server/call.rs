//! What a request asks for, told from its line and headers alone: faults, the
//! log and the region check need to know before S3 itself looks at it.

use http::{HeaderMap, Method, request::Parts};

/// What is asked for, by the name the SDKs give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    ListBuckets,
    ListObjects,
    ListObjectsV2,
    ListObjectVersions,
    GetBucketLocation,
    HeadBucket,
    GetObject,
    HeadObject,
    PutObject,
    OtherS3,
    ListPublicKeys,
    DescribeTrails,
    GetTrail,
    DescribeOrganization,
    OtherApi,
}

impl Operation {
    /// The operations that S3 permits by `s3:ListBucket`.
    pub(crate) const LISTINGS: [Self; 3] =
        [Self::ListObjects, Self::ListObjectsV2, Self::HeadBucket];
    pub(crate) const ALL: [Self; 15] = [
        Self::ListBuckets,
        Self::ListObjects,
        Self::ListObjectsV2,
        Self::ListObjectVersions,
        Self::GetBucketLocation,
        Self::HeadBucket,
        Self::GetObject,
        Self::HeadObject,
        Self::PutObject,
        Self::OtherS3,
        Self::ListPublicKeys,
        Self::DescribeTrails,
        Self::GetTrail,
        Self::DescribeOrganization,
        Self::OtherApi,
    ];

    /// Told by `X-Amz-Target`, that is not S3.
    pub(crate) fn is_json(self) -> bool {
        self as usize >= Self::ListPublicKeys as usize
    }
}

/// One request, as far as the front needs to know it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) operation: Operation,
    pub(crate) head: bool,
    pub(crate) bucket: String,
    /// The object's key; for a listing its prefix.
    pub(crate) key: String,
    pub(crate) query: String,
    pub(crate) range: Option<String>,
    /// None for an anonymous request.
    pub(crate) access_key: Option<String>,
    /// From the signature's credential scope.
    pub(crate) region: Option<String>,
    pub(crate) requester_pays: bool,
    /// Whether a call of an SDK made it.
    pub(crate) by_sdk: bool,
}

impl Call {
    pub(crate) fn parse(parts: &Parts) -> Self {
        let query = parts.uri.query().unwrap_or("");
        let (bucket, mut key) = split_path(parts.uri.path());
        let operation = header(&parts.headers, "x-amz-target").map_or_else(
            || s3_operation(&parts.method, &bucket, &key, query),
            |target| json_operation(&target),
        );
        if key.is_empty() {
            key = parameter(query, "prefix").unwrap_or_default();
        }
        let (access_key, region) = credential(&parts.headers);
        Self {
            operation,
            head: parts.method == Method::HEAD,
            bucket,
            key,
            query: query.to_owned(),
            range: header(&parts.headers, "range"),
            access_key,
            region,
            requester_pays: header(&parts.headers, "x-amz-request-payer").is_some(),
            by_sdk: header(&parts.headers, "amz-sdk-invocation-id").is_some(),
        }
    }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

fn split_path(path: &str) -> (String, String) {
    let path = decode(path.trim_start_matches('/'), false);
    match path.split_once('/') {
        Some((bucket, key)) => (bucket.to_owned(), key.to_owned()),
        None => (path, String::new()),
    }
}

fn s3_operation(method: &Method, bucket: &str, key: &str, query: &str) -> Operation {
    let has = |name| parameter(query, name).is_some();
    match (method.as_str(), bucket.is_empty(), key.is_empty()) {
        ("GET", true, _) => Operation::ListBuckets,
        ("GET", false, true) if has("location") => Operation::GetBucketLocation,
        ("GET", false, true) if has("versions") => Operation::ListObjectVersions,
        ("GET", false, true) if has("list-type") => Operation::ListObjectsV2,
        ("GET", false, true) => Operation::ListObjects,
        ("GET", false, false) => Operation::GetObject,
        ("HEAD", false, true) => Operation::HeadBucket,
        ("HEAD", false, false) => Operation::HeadObject,
        ("PUT", false, false) => Operation::PutObject,
        _ => Operation::OtherS3,
    }
}

fn json_operation(target: &str) -> Operation {
    match target.rsplit('.').next() {
        Some("ListPublicKeys") => Operation::ListPublicKeys,
        Some("DescribeTrails") => Operation::DescribeTrails,
        Some("GetTrail") => Operation::GetTrail,
        Some("DescribeOrganization") => Operation::DescribeOrganization,
        _ => Operation::OtherApi,
    }
}

/// `AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …`
fn credential(headers: &HeaderMap) -> (Option<String>, Option<String>) {
    let Some(authorization) = header(headers, "authorization") else {
        return (None, None);
    };
    let scope = authorization
        .split_once("Credential=")
        .map_or("", |(_, rest)| rest);
    let mut parts = scope.split(',').next().unwrap_or("").split('/');
    let access_key = parts.next().map(ToOwned::to_owned);
    (access_key, parts.nth(1).map(ToOwned::to_owned))
}

/// The first value of a query parameter; empty where it has none.
pub(crate) fn parameter(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (found, value) = pair.split_once('=').unwrap_or((pair, ""));
        (found == name).then(|| decode(value, true))
    })
}

fn decode(text: &str, form: bool) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = tail
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        let (byte, tail) = match escaped {
            Some(byte) => (byte, tail.get(2..).unwrap_or_default()),
            None if form && *first == b'+' => (b' ', tail),
            None => (*first, tail),
        };
        out.push(byte);
        rest = tail;
    }
    String::from_utf8_lossy(&out).into_owned()
}
