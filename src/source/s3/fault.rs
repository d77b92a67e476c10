//! What goes wrong with a request: told in one sentence, and sorted by what helps.
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "the enums are the SDK's, and open"
)]

mod advice;
mod unsent;

use std::error::Error;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use advice::advice;
pub(super) use unsent::innermost;
use unsent::not_sent;

use crate::source::SourceError;

/// Codes, regions and ids of requests are not longer.
const LONGEST_CODE: usize = 64;
/// What S3 and CloudTrail say of an error is mostly shorter.
const LONGEST_MESSAGE: usize = 500;

/// What sort of fault it is, which tells what helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The object is not there.
    NotFound,
    /// It is said to be not there, without the code that S3 has for that.
    SaidNotFound,
    /// The bucket is not there.
    NoBucket,
    /// It may not be read.
    Denied,
    /// It would have to be restored first.
    Archived,
    /// The bucket is in another region, and in which, if that is told.
    Elsewhere(Option<String>),
    /// Too many requests: slower.
    Throttled,
    /// The credentials have expired: others.
    Expired,
    /// It may go better the next time.
    Transient,
    /// The object is no longer the one that was begun.
    Changed,
    /// There is nothing to sign requests with, or nothing that AWS knows.
    NoCredentials,
    /// Trying again would not help.
    Lasting,
}

impl Kind {
    /// Whether it may go better in a moment.
    fn is_of_the_moment(&self) -> bool {
        matches!(self, Self::Transient | Self::Throttled)
    }
}

/// A request that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    pub(super) told: String,
    /// Whether a service said so: it is there, whatever is wrong.
    pub(super) is_answer: bool,
    /// Whether somebody refuses who may not be the service: a proxy in between, or what stands in for
    /// a server that is being started anew.
    pub(super) is_doubtful: bool,
}

impl Fault {
    pub(super) fn new(kind: Kind, told: impl Into<String>) -> Self {
        Self {
            kind,
            told: told.into(),
            is_answer: false,
            is_doubtful: false,
        }
    }

    /// What the SDK says went wrong with `operation`.
    pub(super) fn of<E>(operation: &str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match error {
            SdkError::ServiceError(context) => {
                Self::answered(operation, context.err(), context.raw())
            }
            SdkError::TimeoutError(_) => Self::new(
                Kind::Transient,
                format!("{operation} got no answer in time"),
            ),
            SdkError::DispatchFailure(failure) => {
                let kind = if failure.is_user() {
                    Kind::Lasting
                } else {
                    Kind::Transient
                };
                not_sent(operation, error, kind)
            }
            SdkError::ResponseError(context) => Self::not_its(operation, context.raw()),
            // A request that cannot even be made, and what later versions of the SDK may add.
            _ => not_sent(operation, error, Kind::Lasting),
        }
    }

    /// What the service says went wrong with `operation`.
    pub(super) fn answered<E: ProvideErrorMetadata>(
        operation: &str,
        error: &E,
        raw: &HttpResponse,
    ) -> Self {
        let status = raw.status().as_u16();
        let code = cut(error.code().unwrap_or_default(), LONGEST_CODE);
        if raw.status().is_success() && code.is_empty() && error.message().is_none() {
            // All is said to be well, and neither what was asked for came nor what is wrong.
            return Self {
                is_answer: true,
                ..Self::not_its(operation, raw)
            };
        }
        let is_skewed = is_skewed(code, error.message().unwrap_or_default());
        let kind = if is_skewed {
            // The SDK learns the right time from the answer.
            Kind::Transient
        } else {
            kind_of(status, code, raw)
        };
        let what = if code.is_empty() {
            format!("status {status}")
        } else {
            code.to_owned()
        };
        let message = error
            .message()
            .map(|message| cut(message.trim_end_matches('.'), LONGEST_MESSAGE))
            .map(|message| format!(": {message}"))
            .unwrap_or_default();
        let advice = if is_skewed {
            "; this machine's clock is wrong: set it"
        } else {
            advice(&kind, operation, code)
        };
        let id = request_id(raw);
        // The SDK makes up a code where there is no text at all.
        let has_code = !matches!(code, "" | "NotFound");
        let is_doubtful = !has_code && !has_id(raw) && !kind.is_of_the_moment();
        let doubt = if is_doubtful {
            ", with no code and no id of the request, which the service tells: a proxy may stand in between"
        } else {
            ""
        };
        Self {
            kind,
            told: format!("{operation} was answered with {what}{message}{id}{doubt}{advice}"),
            is_answer: !is_doubtful,
            is_doubtful,
        }
    }

    /// An answer that the service cannot have given.
    pub(super) fn not_its(operation: &str, raw: &HttpResponse) -> Self {
        Self::new(Kind::Transient, not_its(operation, raw))
    }

    /// Whether it is one of those that pass, though it did not as long as it was waited for.
    pub(super) fn is_of_the_moment(&self) -> bool {
        self.kind.is_of_the_moment()
    }

    /// Whether nobody answered.
    pub(super) fn is_silence(&self) -> bool {
        self.is_of_the_moment() && !self.is_answer
    }

    /// Whether it tells of what is in the bucket, as nobody does but the region that it is in.
    pub(super) fn is_of_the_bucket(&self) -> bool {
        self.is_answer
            && matches!(
                self.kind,
                Kind::NotFound | Kind::Denied | Kind::Archived | Kind::Changed
            )
    }

    /// What the engine is told.
    pub(super) fn into_source_error(self) -> SourceError {
        let told = self.told.into();
        match self.kind {
            Kind::NotFound => SourceError::NotFound,
            Kind::Denied => SourceError::Denied(told),
            Kind::Archived => SourceError::Archived(told),
            Kind::Throttled | Kind::Transient => SourceError::Unavailable(told),
            Kind::SaidNotFound
            | Kind::NoBucket
            | Kind::Elsewhere(_)
            | Kind::Expired
            | Kind::Changed
            | Kind::NoCredentials
            | Kind::Lasting => SourceError::Failed(told),
        }
    }
}

fn kind_of(status: u16, code: &str, raw: &HttpResponse) -> Kind {
    match code {
        // With another status it is not S3 that says so.
        "NoSuchKey" | "NoSuchVersion" if status == 404 => return Kind::NotFound,
        "NoSuchBucket" if status == 404 => return Kind::NoBucket,
        "InvalidObjectState" => return Kind::Archived,
        "PreconditionFailed" | "InvalidRange" => return Kind::Changed,
        "PermanentRedirect"
        | "TemporaryRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => return Kind::Elsewhere(region_told(raw)),
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" | "TokenRefreshRequired" => {
            return Kind::Expired;
        }
        "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "InvalidToken"
        | "SignatureDoesNotMatch"
        | "InvalidSignatureException"
        | "UnrecognizedClientException" => return Kind::NoCredentials,
        "SlowDown"
        | "RequestLimitExceeded"
        | "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "TooManyRequestsException"
        | "BandwidthLimitExceeded"
        | "ServiceUnavailable" => return Kind::Throttled,
        // Servers that speak S3's protocol may not know all of it.
        "NotImplemented" | "MethodNotAllowed" => return Kind::Lasting,
        "RequestTimeout"
        | "RequestTimeoutException"
        | "InternalError"
        | "InternalFailure"
        | "OperationAborted" => return Kind::Transient,
        _ => {}
    }
    // What KMS says, which S3 asked: it may be busy, or down.
    if code.starts_with("KMS.") && code.contains("Throttl") {
        return Kind::Throttled;
    }
    if code.starts_with("KMS.") && (400..500).contains(&status) {
        return Kind::Denied;
    }
    match status {
        301 | 307 => Kind::Elsewhere(region_told(raw)),
        // S3 says in a code of its own that an object is not there; a proxy may say anything.
        401 | 403 => Kind::Denied,
        412 | 416 => Kind::Changed,
        429 | 503 => Kind::Throttled,
        // With a good status, something else than S3's answer. Another request is in the way (409), the
        // connection is one to another host (421), or it is too early (425).
        200..=299 | 408 | 409 | 421 | 425 | 500..=599 => Kind::Transient,
        _ if code.starts_with("AccessDenied") || code == "UnauthorizedOperation" => Kind::Denied,
        404 => Kind::SaidNotFound,
        _ => Kind::Lasting,
    }
}

/// Whether a service says that the clock of this machine is wrong: S3 has a code for it, CloudTrail
/// says so of a signature.
fn is_skewed(code: &str, message: &str) -> bool {
    let of_a_signature = ["Signature expired", "Signature not yet current"];
    code == "RequestTimeTooSkewed"
        || (code == "InvalidSignatureException"
            && of_a_signature.iter().any(|told| message.starts_with(told)))
}

/// The region that S3 says the bucket is in: in a header, or in the text of the error.
fn region_told(raw: &HttpResponse) -> Option<String> {
    let in_text = || {
        let body = std::str::from_utf8(raw.body().bytes()?).ok()?;
        let (_, rest) = body.split_once("<Region>")?;
        rest.split_once("</Region>")
    };
    let in_header = raw.headers().get("x-amz-bucket-region");
    let told = in_header.or_else(|| in_text().map(|(region, _)| region))?;
    may_be_region(told).then(|| told.to_owned())
}

/// Whether it may be the name of a region: it becomes a part of the name of a host.
pub(super) fn may_be_region(told: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=LONGEST_CODE).contains(&told.len())
        && told.bytes().all(is_plain)
        && !told.starts_with('-')
        && !told.ends_with('-')
}

/// What a server says is kept with every finding, and may be of any length: no more than so many
/// bytes of it are.
fn cut(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or(text)
}

/// Whether an answer has an id, as all of those of AWS and of most servers have that speak as S3 does.
fn has_id(raw: &HttpResponse) -> bool {
    let ids = ["x-amz-request-id", "x-amz-id-2", "x-amzn-requestid"];
    ids.iter().any(|id| raw.headers().get(id).is_some())
}

fn not_its(operation: &str, raw: &HttpResponse) -> String {
    format!(
        "{operation} got an answer that is not {}'s: status {}{}; a proxy may stand in between",
        service_of(operation),
        raw.status().as_u16(),
        request_id(raw),
    )
}

fn service_of(operation: &str) -> &'static str {
    match operation {
        "ListPublicKeys" | "DescribeTrails" => "CloudTrail",
        _ => "S3",
    }
}

fn request_id(raw: &HttpResponse) -> String {
    let headers = raw.headers();
    headers
        .get("x-amz-request-id")
        .or_else(|| headers.get("x-amzn-requestid"))
        .map(|id| format!(" (request {})", cut(id, LONGEST_CODE)))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::error::ErrorMetadata;

    use super::*;

    fn kind(status: u16, code: &str) -> Kind {
        let raw = HttpResponse::new(status.try_into().unwrap(), "".into());
        kind_of(status, code, &raw)
    }

    #[test]
    fn an_object_is_absent_where_code_and_status_say_so() {
        for code in ["NoSuchKey", "NoSuchVersion"] {
            assert_eq!(kind(404, code), Kind::NotFound);
            assert_eq!(kind(400, code), Kind::Lasting);
            assert_eq!(kind(403, code), Kind::Denied);
            assert_eq!(kind(500, code), Kind::Transient);
        }
        assert_eq!(kind(404, "NoSuchBucket"), Kind::NoBucket);
        assert_eq!(kind(503, "NoSuchBucket"), Kind::Throttled);
    }

    #[test]
    fn a_region_that_is_told_may_stand_in_a_name_of_a_host() {
        for told in ["eu-west-1", "us-gov-west-1", "default", "RegionOne"] {
            let raw = |headers: Option<&'static str>, text: String| {
                let mut raw = HttpResponse::new(301.try_into().unwrap(), text.into());
                if let Some(region) = headers {
                    raw.headers_mut().insert("x-amz-bucket-region", region);
                }
                region_told(&raw)
            };
            assert_eq!(raw(Some(told), String::new()).as_deref(), Some(told));
            let text = format!("<Error><Region>{told}</Region></Error>");
            assert_eq!(raw(None, text).as_deref(), Some(told));
        }
        let long = "a".repeat(LONGEST_CODE + 1);
        for told in ["", "..", "_bad region_", "a.example", "-a", "a-", &long] {
            assert!(!may_be_region(told), "{told:?}");
        }
    }

    #[test]
    fn a_refusal_without_code_and_id_may_be_a_proxys() {
        let refused = |status: u16, code: &str, id: Option<&'static str>| {
            let mut raw = HttpResponse::new(status.try_into().unwrap(), "".into());
            if let Some(id) = id {
                raw.headers_mut().insert(id, "1");
            }
            let error = ErrorMetadata::builder().code(code).build();
            let fault = Fault::answered("GetObject", &error, &raw);
            assert_eq!(fault.kind, kind(status, code));
            assert_eq!(fault.told.contains("proxy"), fault.is_doubtful);
            (fault.is_doubtful, fault.is_answer)
        };
        for status in [302, 304, 308, 400, 401, 403, 404, 407, 413, 416, 499] {
            assert_eq!(refused(status, "", None), (true, false), "{status}");
            assert_eq!(refused(status, "Some", None), (false, true), "{status}");
            for id in ["x-amz-request-id", "x-amz-id-2", "x-amzn-requestid"] {
                assert_eq!(refused(status, "", Some(id)), (false, true), "{id}");
            }
        }
        assert_eq!(refused(404, "NotFound", None), (true, false));
        // They are tried again whoever says so.
        for status in [409, 421, 425, 500, 503] {
            assert_eq!(refused(status, "", None), (false, true), "{status}");
        }
        assert_eq!(kind(404, ""), Kind::SaidNotFound);
        assert_eq!(kind(409, "OperationAborted"), Kind::Transient);
    }

    #[test]
    fn an_answer_that_is_none_is_told_as_that_of_the_service_that_was_asked() {
        let raw = HttpResponse::new(200.try_into().unwrap(), "".into());
        let nothing = ErrorMetadata::builder().build();
        for (operation, whose) in [
            ("ListPublicKeys", "not CloudTrail's: status 200"),
            ("DescribeTrails", "not CloudTrail's: status 200"),
            ("ListObjectsV2", "not S3's: status 200"),
        ] {
            for fault in [
                Fault::answered(operation, &nothing, &raw),
                Fault::not_its(operation, &raw),
            ] {
                assert!(fault.told.contains(whose), "{}", fault.told);
                assert_eq!(fault.kind, Kind::Transient);
            }
        }
        let said = ErrorMetadata::builder().message("wait").build();
        let told = Fault::answered("ListPublicKeys", &said, &raw).told;
        assert!(told.contains("status 200: wait"), "{told}");
    }

    #[test]
    fn what_kms_says_may_pass() {
        assert_eq!(kind(400, "KMS.DisabledException"), Kind::Denied);
        assert_eq!(kind(403, "KMS.AccessDeniedException"), Kind::Denied);
        assert_eq!(kind(400, "KMS.ThrottlingException"), Kind::Throttled);
        assert_eq!(kind(500, "KMS.KMSInternalException"), Kind::Transient);
        assert_eq!(kind(503, "KMS.Other"), Kind::Throttled);
    }

    #[test]
    fn what_is_said_is_cut_between_letters() {
        assert_eq!(cut("SlowDown", LONGEST_CODE), "SlowDown");
        assert_eq!(cut("SlowDown", 4), "Slow");
        assert_eq!(cut("aü€", 2), "a");
        assert_eq!(cut("aü€", 3), "aü");
        assert_eq!(cut("", 0), "");
    }
}
