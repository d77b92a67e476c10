//! Errors in the words of each service.

use http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE};

use super::call::Call;
use super::fault::Fault;

/// Status, code and message of an error.
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    /// What S3 adds to the XML and to the headers of a redirect.
    pub(crate) region: Option<String>,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &str, message: &str) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
            region: None,
        }
    }

    pub(crate) fn access_denied() -> Self {
        Self::new(403, "AccessDenied", "Access Denied")
    }

    /// The refusal that a fault stands for, where it stands for one.
    pub(crate) fn of(fault: &Fault, json: bool) -> Option<Self> {
        let refusal = match (fault, json) {
            (Fault::SlowDown, _) => Self::new(503, "SlowDown", "Please reduce your request rate."),
            (Fault::Throttled, false) => {
                Self::new(400, "RequestLimitExceeded", "Request limit exceeded.")
            }
            (Fault::Throttled, true) => Self::new(400, "ThrottlingException", "Rate exceeded"),
            (Fault::InternalError, _) => Self::new(
                500,
                "InternalError",
                "We encountered an internal error. Please try again.",
            ),
            (Fault::AccessDenied, false) => Self::access_denied(),
            (Fault::AccessDenied, true) => Self::new(
                400,
                "AccessDeniedException",
                "User is not authorized to perform this operation",
            ),
            (Fault::ExpiredToken, false) => {
                Self::new(400, "ExpiredToken", "The provided token has expired.")
            }
            (Fault::ExpiredToken, true) => Self::new(
                400,
                "ExpiredTokenException",
                "The security token included in the request is expired",
            ),
            (Fault::Redirect(region), _) => Self {
                region: Some((*region).to_owned()),
                ..Self::new(301, "PermanentRedirect", "It is elsewhere.")
            },
            (Fault::Refused { status, code }, _) => {
                Self::new(*status, code, "Refused by a rule of the test")
            }
            (
                Fault::Told {
                    status,
                    code,
                    message,
                },
                _,
            ) => Self::new(*status, code, message),
            (
                Fault::Proxy { .. }
                | Fault::Page(..)
                | Fault::Reset
                | Fault::ResetBody
                | Fault::CutBody
                | Fault::ShortBody
                | Fault::NoLength
                | Fault::Flip
                | Fault::Success(_)
                | Fault::NoEtag
                | Fault::Header(..)
                | Fault::Doubled
                | Fault::Stall(_)
                | Fault::StallBody(_),
                _,
            ) => return None,
        };
        Some(refusal)
    }

    pub(crate) fn response(&self, call: &Call, request_id: &str) -> Response<s3s::Body> {
        let json = call.operation.is_json();
        let (kind, text) = if json {
            ("application/x-amz-json-1.1", self.json())
        } else {
            ("application/xml", self.xml(request_id))
        };
        let body = if call.head {
            s3s::Body::empty()
        } else {
            s3s::Body::from(text)
        };
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        // A 400 to anything but a HEAD tells it in its body alone.
        let told = self
            .region
            .as_deref()
            .filter(|_| call.head || self.status == 301);
        if let Some(region) = told.and_then(|region| region.parse().ok()) {
            response.headers_mut().insert("x-amz-bucket-region", region);
        }
        response
    }

    fn json(&self) -> String {
        serde_json::json!({"__type": self.code, "message": self.message}).to_string()
    }

    fn xml(&self, request_id: &str) -> String {
        let region = self
            .region
            .as_ref()
            .map(|region| format!("<Region>{region}</Region>"))
            .unwrap_or_default();
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message>{region}\
             <RequestId>{request_id}</RequestId></Error>",
            self.code, self.message
        )
    }
}
