//! The policy in README.md is what a run needs: no less, and no more.

use std::collections::BTreeSet;

use serde_json::Value;

use super::served::{DAY, Served, expect};
use crate::scenarios::common::audit;
use crate::server::{Operation, Trail};

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

/// The actions of the policy, by statement.
fn policy() -> Vec<BTreeSet<String>> {
    let readme = include_str!("../../../README.md");
    let (_, rest) = readme
        .split_once("<!-- policy: begin -->\n```json\n")
        .expect("a policy");
    let (policy, _) = rest
        .split_once("```\n<!-- policy: end -->")
        .expect("its end");
    let policy: Value = serde_json::from_str(policy).expect("JSON");
    let statements = policy["Statement"].as_array().expect("statements").iter();
    let actions = |statement: &Value| {
        let action = &statement["Action"];
        let one = action.as_str().map(str::to_owned);
        let several = action.as_array().into_iter().flatten();
        let several = several.filter_map(|action| action.as_str().map(str::to_owned));
        one.into_iter().chain(several).collect()
    };
    statements.map(actions).collect()
}

fn used(served: &Served) -> BTreeSet<String> {
    let log = served.server.log();
    let used = Operation::ALL
        .into_iter()
        .filter(|operation| log.count(*operation) > 0);
    used.map(|operation| action(operation).to_owned()).collect()
}

#[test]
fn the_policy_in_the_readme_is_what_a_run_needs() {
    let policy = policy();
    let trail = Trail {
        name: "audit".into(),
        account: "111122223333".into(),
        home_region: "us-east-1".into(),
        bucket: "audit-logs".into(),
        ..Trail::default()
    };
    let of_bucket = Served::new(&audit()).args(DAY);
    expect(&of_bucket.run("s3://audit-logs"), "valid", &[]);
    let two: BTreeSet<String> = policy[..2].iter().flatten().cloned().collect();
    assert_eq!(used(&of_bucket), two);
    let of_trail = Served::new(&audit()).args(DAY).trail(trail);
    let report = of_trail.run("arn:aws:cloudtrail:us-east-1:111122223333:trail/audit");
    expect(&report, "valid", &[]);
    let all: BTreeSet<String> = policy.iter().flatten().cloned().collect();
    assert_eq!(used(&of_trail), all);
}
