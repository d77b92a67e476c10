//! Log bodies: small, realistic, and the same for the same seed.

use std::fmt::Write;

use super::{names::Kind, seed::Seed, time::Time};

pub struct LogBody<'a> {
    pub kind: Kind,
    pub account: &'a str,
    pub region: &'a str,
    /// The events lie in the minutes before it.
    pub time: Time,
    pub events: usize,
    /// A first event with this name, such as `StopLogging`.
    pub special: Option<&'a str>,
    /// Whole records that stand after the others.
    pub more: Vec<&'a str>,
}

/// What somebody did, for a record of its own.
#[derive(Clone, Debug)]
pub struct Act {
    pub service: String,
    pub name: String,
    pub at: Time,
    pub who: String,
    pub address: String,
    pub account: String,
    pub region: String,
    /// JSON.
    pub parameters: String,
    /// Further fields of the record, each with a comma at its end.
    pub more: String,
}

impl Act {
    /// By `eve` in us-east-1 of 111122223333.
    pub fn new(service: &str, name: &str, at: &str, parameters: &str) -> Self {
        Self {
            service: service.into(),
            name: name.into(),
            at: Time::parse(at),
            who: "arn:aws:iam::111122223333:user/eve".into(),
            address: "203.0.113.66".into(),
            account: "111122223333".into(),
            region: "us-east-1".into(),
            parameters: parameters.into(),
            more: String::new(),
        }
    }

    pub fn record(&self) -> String {
        let Self {
            service,
            name,
            who,
            address,
            account,
            region,
            parameters,
            more,
            ..
        } = self;
        let time = self.at.iso();
        format!(
            "{{\"eventVersion\":\"1.09\",\"userIdentity\":{{\"type\":\"IAMUser\",\"principalId\":\"AIDAEXAMPLE\",\
             \"arn\":\"{who}\",\"accountId\":\"{account}\"}},\
             \"eventTime\":\"{time}\",\"eventSource\":\"{service}.amazonaws.com\",\"eventName\":\"{name}\",\
             \"awsRegion\":\"{region}\",\"sourceIPAddress\":\"{address}\",\"userAgent\":\"aws-cli/2.15.30\",\
             \"requestParameters\":{parameters},\"responseElements\":null,{more}\
             \"eventID\":\"{}\",\"readOnly\":false,\"eventType\":\"AwsApiCall\",\"recipientAccountId\":\"{account}\"}}",
            super::keys::sha256(format!("{name}{time}{parameters}").as_bytes()),
        )
    }
}

const CALLS: [(&str, &[&str]); 5] = [
    (
        "ec2",
        &[
            "DescribeInstances",
            "RunInstances",
            "AuthorizeSecurityGroupIngress",
            "DescribeVolumes",
        ],
    ),
    ("s3", &["GetBucketAcl", "PutBucketPolicy", "ListBuckets"]),
    ("iam", &["CreateAccessKey", "ListUsers", "AttachRolePolicy"]),
    ("sts", &["AssumeRole", "GetCallerIdentity"]),
    ("kms", &["Decrypt", "GenerateDataKey"]),
];
const AGENTS: [&str; 3] = [
    "aws-cli/2.15.30 Python/3.11.8 Linux/5.10.213",
    "Boto3/1.34.63 md/Botocore#1.34.63",
    "console.amazonaws.com",
];

impl LogBody<'_> {
    pub fn write(&self, seed: &mut Seed) -> Vec<u8> {
        let mut out = String::with_capacity(self.events * 900);
        out.push_str("{\"Records\":[");
        for index in 0..self.events {
            if index > 0 {
                out.push(',');
            }
            let special = self.special.filter(|_| index == 0);
            match self.kind {
                Kind::Insight => self.insight(&mut out, seed),
                Kind::CloudTrail | Kind::NetworkActivity | Kind::Aggregated => {
                    self.event(&mut out, seed, special);
                }
            }
        }
        for (index, record) in self.more.iter().enumerate() {
            if index + self.events > 0 {
                out.push(',');
            }
            out.push_str(record);
        }
        out.push_str("]}");
        out.into_bytes()
    }

    fn event(&self, out: &mut String, seed: &mut Seed, special: Option<&str>) {
        let (service, names) = CALLS[seed.below(CALLS.len())];
        let chosen = seed.pick(names);
        let (service, name) = special.map_or((service, chosen), |name| ("cloudtrail", name));
        let (account, region) = (self.account, self.region);
        let category = if self.kind == Kind::NetworkActivity {
            "NetworkActivity"
        } else {
            "Management"
        };
        let time = (self.time - i64::try_from(seed.below(300)).expect("below 300")).iso();
        let address = format!("198.51.100.{}", seed.below(250) + 1);
        let (agent, user, session) = (
            seed.pick(&AGENTS),
            seed.pick(&["alice", "bob", "deploy", "backup"]),
            seed.below(9000),
        );
        let (request, event) = (seed.uuid(), seed.uuid());
        write!(
            out,
            "{{\"eventVersion\":\"1.09\",\"userIdentity\":{{\"type\":\"AssumedRole\",\
             \"principalId\":\"AROAEXAMPLE{session:04}:{user}\",\
             \"arn\":\"arn:aws:sts::{account}:assumed-role/{user}/session-{session}\",\"accountId\":\"{account}\"}},\
             \"eventTime\":\"{time}\",\"eventSource\":\"{service}.amazonaws.com\",\"eventName\":\"{name}\",\
             \"awsRegion\":\"{region}\",\"sourceIPAddress\":\"{address}\",\"userAgent\":\"{agent}\",\
             \"requestParameters\":{{\"name\":\"arn:aws:{service}:{region}:{account}:item/{user}\"}},\
             \"responseElements\":null,\"requestID\":\"{request}\",\"eventID\":\"{event}\",\"readOnly\":false,\
             \"eventType\":\"AwsApiCall\",\"managementEvent\":true,\"recipientAccountId\":\"{account}\",\
             \"eventCategory\":\"{category}\"}}"
        )
        .expect("a string takes everything");
    }

    fn insight(&self, out: &mut String, seed: &mut Seed) {
        let (account, region, time) = (self.account, self.region, self.time.iso());
        let (shared, event) = (seed.uuid(), seed.uuid());
        let baseline = seed.below(50);
        write!(
            out,
            "{{\"eventVersion\":\"1.08\",\"eventTime\":\"{time}\",\"awsRegion\":\"{region}\",\"eventID\":\"{event}\",\
             \"eventType\":\"AwsCloudTrailInsight\",\"recipientAccountId\":\"{account}\",\"sharedEventID\":\"{shared}\",\
             \"insightDetails\":{{\"state\":\"Start\",\"eventSource\":\"ssm.amazonaws.com\",\
             \"eventName\":\"UpdateInstanceInformation\",\"insightType\":\"ApiCallRateInsight\",\
             \"insightContext\":{{\"statistics\":{{\"baseline\":{{\"average\":{baseline}}},\"insight\":{{\"average\":664}}}}}}}},\
             \"eventCategory\":\"Insight\"}}"
        )
        .expect("a string takes everything");
    }
}

#[test]
fn log_bodies_are_json() {
    for kind in [
        Kind::CloudTrail,
        Kind::Insight,
        Kind::NetworkActivity,
        Kind::Aggregated,
    ] {
        let time = Time::parse("2024-03-10T12:00:00Z");
        let body = LogBody {
            kind,
            account: "111122223333",
            region: "us-east-1",
            time,
            events: 3,
            special: Some("StopLogging"),
            more: vec!["{}"],
        };
        let value: serde_json::Value =
            serde_json::from_slice(&body.write(&mut Seed::new(7))).unwrap();
        assert_eq!(value["Records"].as_array().unwrap().len(), 4);
    }
}
