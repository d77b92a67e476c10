//! As much of CloudTrail's JSON API as a verifier asks for, region by region,
//! and the one call to Organizations that the AWS CLI makes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Response, header::CONTENT_TYPE};
use serde_json::{Value, json};

use super::call::{Call, Operation};
use super::refusal::Refusal;

/// A public key as `ListPublicKeys` gives it; times in seconds since 1970.
#[derive(Clone, Debug)]
pub(crate) struct PublicKey {
    /// Not told where it is empty.
    pub(crate) value: Vec<u8>,
    pub(crate) fingerprint: String,
    pub(crate) valid_from: i64,
    pub(crate) valid_until: i64,
}

/// A trail as `DescribeTrails` gives it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trail {
    pub(crate) name: String,
    pub(crate) account: String,
    pub(crate) home_region: String,
    pub(crate) bucket: String,
    pub(crate) prefix: Option<String>,
    pub(crate) multi_region: bool,
    pub(crate) organization: bool,
}

impl Trail {
    pub(crate) fn arn(&self) -> String {
        format!(
            "arn:aws:cloudtrail:{}:{}:trail/{}",
            self.home_region, self.account, self.name
        )
    }

    fn json(&self) -> Value {
        let mut trail = json!({
            "Name": self.name,
            "TrailARN": self.arn(),
            "HomeRegion": self.home_region,
            "S3BucketName": self.bucket,
            "IsMultiRegionTrail": self.multi_region,
            "IsOrganizationTrail": self.organization,
            "IncludeGlobalServiceEvents": true,
            "LogFileValidationEnabled": true,
            "HasCustomEventSelectors": false,
            "HasInsightSelectors": false,
        });
        if let Some(prefix) = &self.prefix {
            trail["S3KeyPrefix"] = json!(prefix);
        }
        trail
    }

    fn seen_from(&self, region: &str) -> bool {
        self.multi_region || self.home_region == region
    }
}

/// Keys that were asked for: of which region, and of which time in seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyRequest {
    pub(crate) region: String,
    pub(crate) start: i64,
    pub(crate) end: i64,
}

/// What CloudTrail knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct CloudTrail {
    /// The keys of each region.
    pub(crate) keys: BTreeMap<String, Vec<PublicKey>>,
    pub(crate) trails: Vec<Trail>,
    /// `o-…`
    pub(crate) organization: Option<String>,
    /// Keys in a page; 0: all in one.
    pub(crate) page_size: usize,
    /// Whether the last page of keys says that the first one follows.
    pub(crate) endless: bool,
    key_requests: Arc<Mutex<Vec<KeyRequest>>>,
}

impl CloudTrail {
    /// The keys that were asked for, page by page, in the order of the requests.
    pub(crate) fn key_requests(&self) -> Vec<KeyRequest> {
        let asked = self.key_requests.lock();
        asked.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn add_key(&mut self, region: &str, key: PublicKey) {
        self.keys.entry(region.to_owned()).or_default().push(key);
    }

    pub(crate) fn answer(&self, call: &Call, body: &[u8]) -> Response<s3s::Body> {
        let input: Value = serde_json::from_slice(body).unwrap_or_default();
        let Some(region) = &call.region else {
            let refusal = Refusal::new(
                400,
                "MissingAuthenticationTokenException",
                "Missing Authentication Token",
            );
            return refusal.response(call, "");
        };
        let output = match call.operation {
            Operation::ListPublicKeys => self.list_public_keys(region, &input),
            Operation::DescribeTrails => Ok(self.describe_trails(region, &input)),
            Operation::GetTrail => self.get_trail(region, &input),
            Operation::DescribeOrganization => self.describe_organization(),
            Operation::ListBuckets
            | Operation::ListObjects
            | Operation::ListObjectsV2
            | Operation::ListObjectVersions
            | Operation::GetBucketLocation
            | Operation::HeadBucket
            | Operation::GetObject
            | Operation::HeadObject
            | Operation::PutObject
            | Operation::OtherS3
            | Operation::OtherApi => Err(Refusal::new(
                400,
                "UnknownOperationException",
                "Not served here",
            )),
        };
        match output {
            Ok(value) => {
                let mut response = Response::new(s3s::Body::from(value.to_string()));
                let kind = HeaderValue::from_static("application/x-amz-json-1.1");
                response.headers_mut().insert(CONTENT_TYPE, kind);
                response
            }
            Err(refusal) => refusal.response(call, ""),
        }
    }

    fn list_public_keys(&self, region: &str, input: &Value) -> Result<Value, Refusal> {
        let now = jiff::Timestamp::now().as_second();
        let time = |name: &str| input[name].as_f64().map_or(now, whole_seconds);
        let (start, end) = (time("StartTime"), time("EndTime"));
        let asked = KeyRequest {
            region: region.to_owned(),
            start,
            end,
        };
        let requests = self.key_requests.lock();
        requests.unwrap_or_else(PoisonError::into_inner).push(asked);
        if start > end {
            return Err(Refusal::new(
                400,
                "InvalidTimeRangeException",
                "The start time is after the end time.",
            ));
        }
        let keys = self.keys.get(region).map(Vec::as_slice).unwrap_or_default();
        let fitting = keys
            .iter()
            .filter(|key| key.valid_from <= end && key.valid_until >= start);
        let skip = match input["NextToken"].as_str() {
            None => 0,
            Some(token) => token.parse().map_err(|_| {
                Refusal::new(400, "InvalidTokenException", "Reserved for future use.")
            })?,
        };
        let size = if self.page_size == 0 {
            usize::MAX
        } else {
            self.page_size
        };
        let mut rest = fitting.skip(skip);
        let page: Vec<Value> = rest.by_ref().take(size).map(key_json).collect();
        let mut output = json!({"PublicKeyList": page});
        if rest.next().is_some() {
            output["NextToken"] = json!((skip + size).to_string());
        } else if self.endless {
            output["NextToken"] = json!("0");
        }
        Ok(output)
    }

    fn describe_trails(&self, region: &str, input: &Value) -> Value {
        let names: Option<Vec<&str>> = input["trailNameList"]
            .as_array()
            .map(|list| list.iter().filter_map(Value::as_str).collect());
        let shadows = input["includeShadowTrails"].as_bool().unwrap_or(true);
        let found = self.trails.iter().filter(|trail| {
            let here = trail.home_region == region;
            let chosen = names.as_ref().filter(|names| !names.is_empty());
            let wanted = chosen.is_none_or(|names| {
                names.contains(&trail.arn().as_str())
                    || (here && names.contains(&trail.name.as_str()))
            });
            wanted && (here || (shadows && trail.seen_from(region)))
        });
        json!({"trailList": found.map(Trail::json).collect::<Vec<_>>()})
    }

    fn get_trail(&self, region: &str, input: &Value) -> Result<Value, Refusal> {
        let name = input["Name"].as_str().unwrap_or_default();
        let trail = self.trails.iter().find(|trail| {
            (trail.arn() == name && trail.seen_from(region))
                || (trail.name == name && trail.home_region == region)
        });
        let message = format!("Unknown trail: {name} for the user");
        trail
            .map(|trail| json!({"Trail": trail.json()}))
            .ok_or_else(|| Refusal::new(400, "TrailNotFoundException", &message))
    }

    fn describe_organization(&self) -> Result<Value, Refusal> {
        match &self.organization {
            Some(id) => Ok(json!({"Organization": {"Id": id, "FeatureSet": "ALL"}})),
            None => Err(Refusal::new(
                400,
                "AWSOrganizationsNotInUseException",
                "Your account is not a member of an organization.",
            )),
        }
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "seconds of this age are far from the limits of either type"
)]
fn whole_seconds(seconds: f64) -> i64 {
    seconds.floor() as i64
}

fn key_json(key: &PublicKey) -> Value {
    let mut json = json!({
        "Fingerprint": key.fingerprint,
        "ValidityStartTime": key.valid_from,
        "ValidityEndTime": key.valid_until,
    });
    if !key.value.is_empty() {
        json["Value"] = json!(STANDARD.encode(&key.value));
    }
    json
}
