//! What every request passes through: the log, the latency, the faults, the
//! bucket's own rules; then S3 or CloudTrail answers.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, ETAG, RANGE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use s3s::service::S3Service;
use tokio::sync::Semaphore;

use super::call::{Call, Operation};
use super::cloudtrail::CloudTrail;
use super::fault::{Fault, Faults};
use super::log::{Log, Ticket};
use super::options::Options;
use super::refusal::Refusal;
use super::socket::ResetSwitch;
use super::store::{Bucket, Store, WrongRegion};
use super::wire::{Halfway, Wire};

/// What the connections share.
pub(crate) struct State {
    pub(crate) options: Options,
    pub(crate) store: Arc<RwLock<Store>>,
    pub(crate) cloudtrail: RwLock<CloudTrail>,
    pub(crate) faults: Faults,
    pub(crate) log: Arc<Log>,
    pub(crate) s3: S3Service,
    pub(crate) slots: Option<Semaphore>,
}

/// One connection's way in.
#[derive(Clone)]
pub(crate) struct Front {
    state: Arc<State>,
    reset: ResetSwitch,
}

impl Front {
    pub(crate) fn new(state: Arc<State>, reset: ResetSwitch) -> Self {
        Self { state, reset }
    }

    /// An error ends the connection without an answer.
    pub(crate) async fn answer(self, request: Request<Incoming>) -> io::Result<Response<Wire>> {
        let (parts, body) = request.into_parts();
        let call = Call::parse(&parts);
        let ticket = self.state.log.arrive(&call);
        self.wait().await;
        let in_flight = self.state.log.in_flight();
        let fault = self.state.faults.decide(&call, in_flight);
        if let Some(Fault::Stall(time)) = fault {
            tokio::time::sleep(time).await;
        }
        let request_id = format!("{:016X}", ticket.number + 1);
        let mut response = match self.refused(&call, fault.as_ref(), &request_id)? {
            Some(response) => response,
            None => self.serve(&call, Request::from_parts(parts, body)).await?,
        };
        if let Some(Fault::Proxy { .. } | Fault::Page(..)) = fault {
            // No service has seen the request.
            return self.send(&call, fault.as_ref(), response, ticket);
        }
        let id = HeaderValue::from_str(&request_id).map_err(io::Error::other)?;
        let name = if call.operation.is_json() {
            "x-amzn-requestid"
        } else {
            "x-amz-request-id"
        };
        response.headers_mut().insert(name, id);
        response
            .headers_mut()
            .insert("server", HeaderValue::from_static("AmazonS3"));
        self.send(&call, fault.as_ref(), response, ticket)
    }

    async fn wait(&self) {
        let latency = self.state.options.latency;
        // A closed semaphore would mean that the server has ended.
        let _slot = match &self.state.slots {
            Some(slots) => slots.acquire().await.ok(),
            None => None,
        };
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
    }

    fn refused(
        &self,
        call: &Call,
        fault: Option<&Fault>,
        request_id: &str,
    ) -> io::Result<Option<Response<s3s::Body>>> {
        match fault {
            Some(Fault::Reset) => return Err(self.hang_up()),
            Some(Fault::Proxy { status, body }) => {
                let mut response = Response::new(s3s::Body::from(body.clone()));
                *response.status_mut() = StatusCode::from_u16(*status).map_err(io::Error::other)?;
                return Ok(Some(response));
            }
            Some(Fault::Page(kind, body)) => {
                let mut response = Response::new(s3s::Body::from(body.clone()));
                let headers = response.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
                headers.insert(ETAG, HeaderValue::from_static("\"5f0c-264\""));
                return Ok(Some(response));
            }
            Some(_) | None => {}
        }
        let refusal = fault
            .and_then(|fault| Refusal::of(fault, call.operation.is_json()))
            .or_else(|| self.refused_by_bucket(call));
        Ok(refusal.map(|refusal| refusal.response(call, request_id)))
    }

    fn refused_by_bucket(&self, call: &Call) -> Option<Refusal> {
        let store = self
            .state
            .store
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let bucket = store.buckets.get(&call.bucket)?;
        if call.operation != Operation::GetBucketLocation
            && let Some(refusal) = wrong_region(bucket, call)
        {
            return Some(refusal);
        }
        let unlisted = bucket.deny_list && Operation::LISTINGS.contains(&call.operation);
        let unpaid = bucket.requester_pays && !call.requester_pays;
        (unlisted || unpaid).then(|| Refusal {
            region: (call.operation == Operation::HeadBucket).then(|| bucket.region.clone()),
            ..Refusal::access_denied()
        })
    }

    async fn serve(
        &self,
        call: &Call,
        mut request: Request<Incoming>,
    ) -> io::Result<Response<s3s::Body>> {
        if call.operation.is_json() {
            let body = request
                .into_body()
                .collect()
                .await
                .map_err(io::Error::other)?
                .to_bytes();
            let cloudtrail = self
                .state
                .cloudtrail
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            return Ok(cloudtrail.answer(call, &body));
        }
        if self.state.options.secret.is_none() {
            // S3 would refuse a signature that it has no means to check.
            request.headers_mut().remove(AUTHORIZATION);
        }
        if self.state.options.no_parts {
            request.headers_mut().remove(RANGE);
        }
        let answer = self.state.s3.call(request.map(s3s::Body::from)).await;
        let mut response = answer.map_err(|error| io::Error::other(s3s::StdError::from(error)))?;
        if Operation::LISTINGS.contains(&call.operation)
            && let Some(region) = self.region_of(&call.bucket)
        {
            response.headers_mut().insert("x-amz-bucket-region", region);
        }
        Ok(response)
    }

    fn region_of(&self, bucket: &str) -> Option<HeaderValue> {
        let store = self
            .state
            .store
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        store.buckets.get(bucket)?.region.parse().ok()
    }

    fn send(
        &self,
        call: &Call,
        fault: Option<&Fault>,
        response: Response<s3s::Body>,
        ticket: Ticket,
    ) -> io::Result<Response<Wire>> {
        let then = match fault {
            Some(Fault::ResetBody) => Some(Halfway::Reset(self.reset.clone())),
            Some(Fault::CutBody) => Some(Halfway::Cut),
            Some(Fault::ShortBody) => Some(Halfway::End),
            Some(Fault::StallBody(time)) => Some(Halfway::Stall(*time)),
            Some(Fault::Flip) => Some(Halfway::Flip),
            Some(_) | None => None,
        };
        let empty = call.head || http_body::Body::is_end_stream(response.body());
        if empty && matches!(then, Some(Halfway::Reset(_) | Halfway::Cut)) {
            return Err(self.hang_up());
        }
        let mut response = response;
        match fault {
            Some(Fault::ShortBody | Fault::NoLength) => {
                drop(response.headers_mut().remove(CONTENT_LENGTH));
            }
            Some(Fault::NoEtag) => drop(response.headers_mut().remove(ETAG)),
            Some(Fault::Header(name, value)) => {
                let value = HeaderValue::from_bytes(value).expect("a header");
                drop(response.headers_mut().insert(*name, value));
            }
            Some(Fault::Doubled) => {
                for (name, value) in &response.headers().clone() {
                    response.headers_mut().append(name, value.clone());
                }
            }
            Some(Fault::Success(status)) => {
                *response.status_mut() = StatusCode::from_u16(*status).expect("a status");
            }
            Some(_) | None => {}
        }
        ticket.answered(response.status().as_u16());
        let is_untold = matches!(fault, Some(Fault::NoLength));
        Ok(response.map(|body| match then {
            Some(then) => Wire::broken(body, ticket, then),
            None if is_untold => Wire::untold(body, ticket),
            None => Wire::whole(body, ticket),
        }))
    }

    fn hang_up(&self) -> io::Error {
        self.reset.set();
        io::ErrorKind::ConnectionReset.into()
    }
}

/// An anonymous request carries no region, and is served anywhere.
fn wrong_region(bucket: &Bucket, call: &Call) -> Option<Refusal> {
    let asked = call
        .region
        .as_deref()
        .filter(|asked| *asked != bucket.region)?;
    let refusal = match bucket.wrong_region {
        WrongRegion::Serve => return None,
        WrongRegion::PermanentRedirect => Refusal::new(
            301,
            "PermanentRedirect",
            "The bucket you are attempting to access must be addressed using the specified endpoint.",
        ),
        WrongRegion::AuthorizationHeaderMalformed => Refusal::new(
            400,
            "AuthorizationHeaderMalformed",
            &format!(
                "The authorization header is malformed; the region '{asked}' is wrong; expecting '{}'",
                bucket.region
            ),
        ),
    };
    Some(Refusal {
        region: Some(bucket.region.clone()),
        ..refusal
    })
}
