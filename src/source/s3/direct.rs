//! `GetObject` made of the SDK's parts, without what the SDK does anew around each call.
//!
//! For each call it puts together plugins, settings, endpoint rules and interceptors, in some four
//! hundred allocations, which took two thirds of the processor time of a small log. From one object
//! to the next only the key and the signature differ. So the SDK is asked once how an object of a
//! bucket is addressed and signed, which a presigned URL tells. Its signer, its connections and its
//! reading of answers then serve for each object. What is not plain is left to the SDK.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use aws_sdk_s3::config::http::{HttpRequest, HttpResponse};
use aws_sdk_s3::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_s3::operation::get_object::{GetObject, GetObjectError, GetObjectOutput};
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use aws_smithy_runtime_api::client::interceptors::context::{Error, Output};
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_runtime_api::client::runtime_plugin::RuntimePlugin as _;
use aws_smithy_runtime_api::client::ser_de::{
    DeserializeResponse as _, SharedResponseDeserializer,
};
use aws_smithy_types::config_bag::{ConfigBag, FrozenLayer};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::timeout;

use super::answers::{LONGEST_ERROR, STALLS, WHOLE};
use super::credentials::Credentials;
use super::fault::{Fault, Kind};
use super::headers::keep_used;
use super::settings::Settings;

/// The key that the SDK is asked about.
const PROBE: &str = "ct-verify-probe";
/// What stands in a key as it is, in a URL: what S3 signs so, and the slash.
const AS_IT_IS: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/');
/// SHA-256 of nothing, which is what such a request's body holds.
const NO_BODY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const PAYER: (&str, &str) = ("x-amz-request-payer", "requester");
const USER_AGENT: (&str, &str) = (
    "user-agent",
    concat!("ct-verify/", env!("CARGO_PKG_VERSION")),
);

/// How objects of a bucket are asked for.
#[derive(Debug)]
pub(super) struct Direct {
    address: Address,
    credentials: Arc<Credentials>,
    connections: SharedHttpConnector,
    /// The SDK's own reading of answers is in it.
    operation: FrozenLayer,
    is_payer: bool,
    stall: Duration,
    /// Whether the SDK has to make the requests after all.
    is_off: AtomicBool,
}

impl Direct {
    /// Asks the SDK how an object of `bucket` is addressed and signed. Nothing is sent but what
    /// credentials take. None where that is not plain, or where there are no credentials.
    pub(super) async fn to(
        bucket: &str,
        client: &aws_sdk_s3::Client,
        credentials: Arc<Credentials>,
        connections: SharedHttpConnector,
        settings: &Settings,
    ) -> Option<Self> {
        let soon = PresigningConfig::expires_in(Duration::from_mins(1)).ok()?;
        let probe = client.get_object().bucket(bucket).key(PROBE);
        let presigned = probe.presigned(soon).await.ok()?;
        let operation = GetObject::new().config()?;
        operation.load::<SharedResponseDeserializer>()?;
        Some(Self {
            address: Address::read(presigned.uri())?,
            credentials,
            connections,
            operation,
            is_payer: settings.requester_pays,
            stall: settings.patience.stall,
            is_off: AtomicBool::new(false),
        })
    }

    /// Whether objects may be asked for so.
    pub(super) fn is_on(&self) -> bool {
        !self.is_off.load(Ordering::Relaxed)
    }

    /// Asks for an object.
    pub(super) async fn get(&self, key: &str) -> Result<GetObjectOutput, Fault> {
        let request = self.request(key).await?;
        let answered = self.connections.call(request).await;
        let mut answer = answered.map_err(|error| {
            let error = SdkError::<GetObjectError, HttpResponse>::dispatch_failure(error);
            Fault::of("GetObject", &error)
        })?;
        let Some(reader) = self.operation.load::<SharedResponseDeserializer>() else {
            return Err(Fault::not_its("GetObject", &answer));
        };
        if answer.status().is_success() && answer.status().as_u16() != WHOLE {
            return Err(Fault::not_its("GetObject", &answer));
        }
        if answer.status().is_success() {
            keep_used(answer.headers_mut());
        }
        let settings = ConfigBag::base();
        let read = reader.deserialize_streaming_with_config(&mut answer, &settings);
        if answer.status().is_success() {
            let output = read.and_then(Result::ok).map(Output::downcast);
            return output.and_then(Result::ok).ok_or_else(|| unread(&answer));
        }
        let body = ByteStream::new(answer.take_body());
        let text = text(body, self.stall).await.map_err(|why| {
            // Without all of its text nobody knows what it says, whatever its status.
            let status = answer.status().as_u16();
            let told = format!("GetObject was answered with status {status}, and then {why}");
            Fault::new(Kind::Transient, told)
        })?;
        *answer.body_mut() = SdkBody::from(text);
        let read = reader.deserialize_nonstreaming_with_config(&answer, &ConfigBag::base());
        Err(self.refused(&answer, read.as_ref().err()))
    }

    /// What an answer says that is not the object.
    fn refused(&self, answer: &HttpResponse, read: Option<&OrchestratorError<Error>>) -> Fault {
        let error = read.and_then(|read| read.as_operation_error());
        let Some(error) = error.and_then(Error::downcast_ref::<GetObjectError>) else {
            return Fault::not_its("GetObject", answer);
        };
        if error.code() == Some("RequestTimeTooSkewed") {
            // The SDK learns from such an answer by how much the clock is wrong.
            self.is_off.store(true, Ordering::Relaxed);
        }
        Fault::answered("GetObject", error, answer)
    }

    async fn request(&self, key: &str) -> Result<HttpRequest, Fault> {
        let of = |error: SdkError<GetObjectError, HttpResponse>| Fault::of("GetObject", &error);
        let identity = self.credentials.identity().await;
        let identity = identity.map_err(|error| of(SdkError::construction_failure(error)))?;
        let uri = self.address.of(key);
        let given: &[_] = if self.is_payer { &[PAYER] } else { &[] };
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.address.region)
            .name("s3")
            .time(SystemTime::now())
            .settings(signing())
            .build()
            .map_err(|error| of(SdkError::construction_failure(error)))?
            .into();
        let body = SignableBody::Precomputed(NO_BODY.to_owned());
        let signed = SignableRequest::new("GET", uri.as_str(), given.iter().copied(), body)
            .and_then(|request| sign(request, &params))
            .map_err(|error| of(SdkError::construction_failure(error)))?;
        let mut request =
            HttpRequest::get(&uri).map_err(|error| of(SdkError::construction_failure(error)))?;
        let headers = request.headers_mut();
        for (name, value) in given.iter().chain(&[USER_AGENT]) {
            headers.insert(*name, *value);
        }
        let (instructions, _) = signed.into_parts();
        for header in instructions.into_parts().0 {
            headers.insert(header.name(), header.value().to_owned());
        }
        Ok(request)
    }
}

/// An object came, and what is told of it cannot be read.
fn unread(answer: &HttpResponse) -> Fault {
    let Fault { told, .. } = Fault::not_its("GetObject", answer);
    let told = format!("{told}, or wrote headers that cannot be read");
    Fault::new(Kind::Transient, told)
}

/// The text of an error, or why there is no such text.
async fn text(body: ByteStream, stall: Duration) -> Result<Vec<u8>, String> {
    let most = stall * STALLS;
    let told = format!(
        "its text did not come to its end within {} s",
        most.as_secs()
    );
    timeout(most, text_as_it_comes(body, stall))
        .await
        .unwrap_or(Err(told))
}

async fn text_as_it_comes(mut body: ByteStream, stall: Duration) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    while text.len() <= LONGEST_ERROR {
        match timeout(stall, body.next()).await {
            Ok(None) => break,
            Ok(Some(Ok(chunk))) => text.extend_from_slice(&chunk),
            Ok(Some(Err(error))) => return Err(format!("its text broke off ({error})")),
            Err(_elapsed) => {
                return Err(format!("no byte came for {} s", stall.as_secs()));
            }
        }
    }
    Ok(text)
}

/// As S3 wants it.
fn signing() -> SigningSettings {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings
}

/// Where a bucket's objects are, and in which region requests for them are signed.
#[derive(Debug, PartialEq, Eq)]
struct Address {
    /// All of a URL before the key.
    base: String,
    region: String,
}

impl Address {
    /// Reads it off the presigned URL of the probe. None where it is signed in another way than
    /// common buckets take.
    fn read(presigned: &str) -> Option<Self> {
        let (url, query) = presigned.split_once('?')?;
        let base = url.strip_suffix(PROBE)?;
        let mut is_usual = false;
        let mut scope = None;
        for pair in query.split('&') {
            match pair.split_once('=')? {
                ("X-Amz-Algorithm", algorithm) => is_usual = algorithm == "AWS4-HMAC-SHA256",
                ("X-Amz-Credential", credential) => scope = Some(credential),
                _ => {}
            }
        }
        // Access key, date, region, service, and the end.
        let mut scope = scope.filter(|_| is_usual)?.rsplit("%2F");
        if (scope.next()?, scope.next()?) != ("aws4_request", "s3") {
            return None;
        }
        Some(Self {
            base: base.to_owned(),
            region: scope.next()?.to_owned(),
        })
    }

    /// The URL of an object.
    fn of(&self, key: &str) -> String {
        let key = utf8_percent_encode(key, &AS_IT_IS);
        format!("{}{key}?x-id=GetObject", self.base)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use bytes::Bytes;
    use http_body::{Body, Frame};

    use super::*;

    const QUERY: &str = "x-id=GetObject&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AK%2FID%2F20261121%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20261121T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00";

    fn read(base: &str, query: &str) -> Option<Address> {
        Address::read(&format!("{base}{PROBE}?{query}"))
    }

    #[test]
    fn an_address_is_what_the_sdk_signs() {
        for base in [
            "https://bucket.s3.eu-west-1.amazonaws.com/",
            "http://127.0.0.1:9000/bucket/",
        ] {
            let address = read(base, QUERY).unwrap();
            assert_eq!(address.base, base);
            assert_eq!(address.region, "eu-west-1");
        }
    }

    #[test]
    fn other_signatures_are_left_to_the_sdk() {
        let others = [
            QUERY.replace("HMAC-SHA256", "ECDSA-P256-SHA256"),
            QUERY.replace("%2Fs3%2F", "%2Fs3express%2F"),
            QUERY.replace("X-Amz-Credential", "X-Amz-Other"),
            String::new(),
        ];
        for other in others {
            assert_eq!(read("https://bucket/", &other), None, "{other}");
        }
        assert_eq!(Address::read(&format!("https://bucket/else?{QUERY}")), None);
    }

    /// Bytes, and after them the end, a failure or nothing more.
    struct Coming(Option<Bytes>, Option<std::io::ErrorKind>);

    impl Body for Coming {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
            match (self.0.take(), self.1) {
                (Some(bytes), _) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                (None, None) => Poll::Ready(None),
                (None, Some(std::io::ErrorKind::TimedOut)) => Poll::Pending,
                (None, Some(kind)) => Poll::Ready(Some(Err(kind.into()))),
            }
        }
    }

    fn read_text(bytes: &[u8], after: Option<std::io::ErrorKind>) -> Result<Vec<u8>, String> {
        let body = Coming(Some(Bytes::copy_from_slice(bytes)), after);
        let body = ByteStream::new(SdkBody::from_body_1_x(body));
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().build().unwrap();
        runtime.block_on(text(body, Duration::from_millis(10)))
    }

    /// Else a part of an error would be taken for what S3 says.
    #[test]
    fn an_error_that_breaks_off_is_none() {
        let error = b"<Error><Code>NoSuchKey</Code></Error>";
        assert_eq!(read_text(error, None).unwrap(), error);
        for kind in [
            std::io::ErrorKind::ConnectionReset,
            std::io::ErrorKind::TimedOut,
        ] {
            assert!(read_text(error, Some(kind)).is_err(), "{kind}");
        }
        // What is longer than any error is not waited for.
        let long = vec![b' '; LONGEST_ERROR + 1];
        let read = read_text(&long, Some(std::io::ErrorKind::TimedOut));
        assert_eq!(read.unwrap().len(), long.len());
    }

    /// A byte now and then, and no end of them.
    struct Dripping(Pin<Box<tokio::time::Sleep>>);

    impl Body for Dripping {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
            std::task::ready!(self.0.as_mut().poll(context));
            self.0 = Box::pin(tokio::time::sleep(Duration::from_millis(5)));
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b" ")))))
        }
    }

    #[test]
    fn an_error_without_an_end_is_not_waited_for() {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().build().unwrap();
        let told = runtime.block_on(async {
            let drip = Dripping(Box::pin(tokio::time::sleep(Duration::ZERO)));
            let body = ByteStream::new(SdkBody::from_body_1_x(drip));
            text(body, Duration::from_millis(50)).await.unwrap_err()
        });
        assert!(told.contains("did not come to its end"), "{told}");
    }

    #[test]
    fn a_key_is_encoded_as_s3_signs_it() {
        let address = read("https://bucket/", QUERY).unwrap();
        assert_eq!(
            address.of("/a b/../ü+?&=%2F~-_.json.gz"),
            "https://bucket//a%20b/../%C3%BC%2B%3F%26%3D%252F~-_.json.gz?x-id=GetObject"
        );
    }
}
