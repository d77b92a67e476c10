//! The policies in README.md are what a run needs: no less, and no more.

use std::collections::BTreeSet;

use serde_json::Value;

use super::served::{DAY, Served, expect, messages};
use crate::scenarios::common::audit;
use crate::server::{Call, Object, Operation, Trail};

/// The right that an operation takes.
fn action(operation: Operation) -> &'static str {
    match operation {
        Operation::ListObjects | Operation::ListObjectsV2 | Operation::HeadBucket => {
            "s3:ListBucket"
        }
        Operation::ListObjectVersions => "s3:ListBucketVersions",
        Operation::GetObject | Operation::HeadObject => "s3:GetObject",
        Operation::GetBucketLocation => "s3:GetBucketLocation",
        Operation::ListBuckets => "s3:ListAllMyBuckets",
        Operation::PutObject => "s3:PutObject",
        Operation::ListPublicKeys => "cloudtrail:ListPublicKeys",
        Operation::DescribeTrails => "cloudtrail:DescribeTrails",
        Operation::GetTrail => "cloudtrail:GetTrail",
        Operation::DescribeOrganization => "organizations:DescribeOrganization",
        Operation::OtherS3 | Operation::OtherApi => "something else",
    }
}

/// What S3 asks of KMS in the name of whoever reads an object; no request of ours says so.
const ASKED_BY_S3: &str = "kms:Decrypt";

/// The policies of the README, each with its actions by statement. Every JSON block there is one.
fn policies() -> Vec<Vec<BTreeSet<String>>> {
    let readme = include_str!("../../../README.md");
    let blocks = readme.split("```json\n").skip(1);
    let texts = blocks.map(|rest| rest.split_once("```").expect("a block's end").0);
    texts.map(actions_of).collect()
}

fn actions_of(policy: &str) -> Vec<BTreeSet<String>> {
    let policy: Value = serde_json::from_str(policy).expect("JSON");
    assert_eq!(policy["Version"], "2012-10-17");
    let statements = policy["Statement"].as_array().expect("statements").iter();
    let actions = |statement: &Value| {
        let fields: Vec<_> = statement.as_object().expect("a statement").keys().collect();
        let known = ["Sid", "Effect", "Action", "Resource", "Condition"];
        assert!(fields.iter().all(|field| known.contains(&field.as_str())));
        assert_eq!(statement["Effect"], "Allow");
        assert!(statement["Resource"].is_string() || statement["Resource"].is_array());
        let action = &statement["Action"];
        let one = action.as_str().map(str::to_owned);
        let several = action.as_array().into_iter().flatten();
        let several = several.map(|action| action.as_str().expect("an action").to_owned());
        one.into_iter().chain(several).collect()
    };
    statements.map(actions).collect()
}

fn used(served: &Served) -> BTreeSet<String> {
    let entries = served.server.log().entries().into_iter();
    let action_of = |call: Call| {
        let is_version = call.query.contains("versionId=");
        match action(call.operation) {
            "s3:GetObject" if is_version => "s3:GetObjectVersion",
            action => action,
        }
    };
    let used = entries.map(|entry| action_of(entry.call).to_owned());
    used.collect()
}

#[test]
fn the_policy_in_the_readme_is_what_a_run_needs() {
    let [needed, _] = &*policies() else {
        panic!("two policies");
    };
    let trail = Trail {
        name: "audit".into(),
        account: "111122223333".into(),
        home_region: "us-east-1".into(),
        bucket: "audit-logs".into(),
        ..Trail::default()
    };
    let of_bucket = Served::new(&audit()).args(DAY);
    expect(&of_bucket.run("s3://audit-logs"), "valid", &[]);
    let two: BTreeSet<String> = needed[..2].iter().flatten().cloned().collect();
    assert_eq!(used(&of_bucket), two);
    let of_trail = Served::new(&audit()).args(DAY).trail(trail);
    let report = of_trail.run("arn:aws:cloudtrail:us-east-1:111122223333:trail/audit");
    expect(&report, "valid", &[]);
    let all: BTreeSet<String> = needed.iter().flatten().cloned().collect();
    assert_eq!(used(&of_trail), all);
}

#[test]
fn what_the_readme_adds_to_the_policy_is_what_versions_take() {
    let [needed, optional] = &*policies() else {
        panic!("two policies");
    };
    let [versions, kms] = &**optional else {
        panic!("two statements: {optional:?}");
    };
    assert_eq!(*kms, BTreeSet::from([ASKED_BY_S3.to_owned()]));
    let archive = audit();
    let served = Served::new(&archive).args(DAY);
    {
        let (bucket, log) = archive.log(2, 0);
        let mut store = served.server.store();
        let bucket = store.bucket(&bucket);
        bucket.versioned = true;
        bucket.put(&log, Object::new(&b"{}"[..]));
    }
    let report = served.run("s3://audit-logs");
    expect(&report, "invalid", &[("log-modified", 1)]);
    let told = messages(&report);
    assert!(told.contains("an intact version"), "{told}");
    let all = needed[..2].iter().chain([versions]);
    let all: BTreeSet<String> = all.flatten().cloned().collect();
    assert_eq!(used(&served), all);
}
