//! The AWS CLI at work on the server: it takes it for S3 and CloudTrail.

use crate::forge;
use crate::harness::aws_cli;
use crate::server::{Fault, Operation, Options, PublicKey, Rule, Server, Store, Trail};

const BUCKET: &str = "audit-logs";

fn organization_trail() -> Server {
    let trail = forge::Trail::new("org", "2024-03-01T00:00:00Z", 4)
        .organization("o-exampleorgid")
        .accounts(&["111122223333", "444455556666"])
        .place(BUCKET, "a prefix");
    let objects = trail.archive().store.objects;
    let objects = objects
        .into_iter()
        .map(|(at, object)| (at, (object.body, object.metadata)));
    let options = Options {
        page_size: 3,
        ..Options::default()
    };
    let server = Server::start(objects.collect::<Store>(), options);
    let row = forge::KeyRow::of(forge::TestKey::a());
    let key = PublicKey {
        value: row.value,
        fingerprint: row.fingerprint,
        valid_from: row.from.0,
        valid_until: row.to.0,
    };
    let mut cloudtrail = server.cloudtrail();
    cloudtrail.add_key("us-east-1", key);
    cloudtrail.organization = Some("o-exampleorgid".to_owned());
    cloudtrail.trails.push(Trail {
        name: "org".to_owned(),
        account: "111122223333".to_owned(),
        home_region: "us-east-1".to_owned(),
        bucket: BUCKET.to_owned(),
        prefix: Some("a prefix".to_owned()),
        organization: true,
        ..Trail::default()
    });
    drop(cloudtrail);
    server
}

/// What it says; nothing where it cannot be had.
fn aws(server: &Server, arguments: &[&str]) -> Option<String> {
    let mut command = aws_cli()?;
    command.args(arguments).envs(server.environment());
    let output = command.output().expect("the AWS CLI");
    let told = [output.stdout, output.stderr].concat();
    Some(String::from_utf8_lossy(&told).into_owned())
}

fn validate(server: &Server) -> Option<String> {
    let arn = "arn:aws:cloudtrail:us-east-1:111122223333:trail/org";
    aws(
        server,
        &[
            "cloudtrail",
            "validate-logs",
            "--trail-arn",
            arn,
            "--start-time",
            "2024-03-01T00:00:00Z",
            "--end-time",
            "2024-03-01T05:00:00Z",
            "--account-id",
            "444455556666",
        ],
    )
}

#[test]
#[ignore = "installs the AWS CLI"]
fn the_aws_cli_validates_an_organization_trail() {
    let server = organization_trail();
    let Some(told) = validate(&server) else {
        return;
    };
    assert!(told.contains("5/5 digest files valid"), "{told}");
    assert!(told.contains("8/8 log files valid"), "{told}");
    for operation in [
        Operation::DescribeTrails,
        Operation::DescribeOrganization,
        Operation::ListPublicKeys,
        Operation::GetBucketLocation,
    ] {
        assert!(server.log().count(operation) > 0, "{operation:?}");
    }
}

#[test]
#[ignore = "installs the AWS CLI"]
fn the_aws_cli_lives_through_what_passes_and_ends_at_what_is_denied() {
    let server = organization_trail();
    server
        .faults()
        .add(Rule::new(Fault::SlowDown).attempts(0..1));
    let Some(told) = validate(&server) else {
        return;
    };
    assert!(told.contains("8/8 log files valid"), "{told}");
    server.faults().clear();
    server
        .faults()
        .add(Rule::new(Fault::AccessDenied).key("*/CloudTrail/*T02*"));
    let Some(told) = validate(&server) else {
        return;
    };
    assert!(told.contains("AccessDenied"), "{told}");
}

#[test]
#[ignore = "installs the AWS CLI"]
fn the_aws_cli_copies_a_bucket() {
    let server = organization_trail();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    let Some(told) = aws(&server, &["s3", "sync", "s3://audit-logs", place]) else {
        return;
    };
    let copied = told.matches("download: ").count();
    assert_eq!(copied, server.store().bucket(BUCKET).keys.len(), "{told}");
}
