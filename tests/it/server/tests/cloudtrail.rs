use aws_sdk_cloudtrail::error::ProvideErrorMetadata as _;
use aws_sdk_cloudtrail::primitives::DateTime;

use super::super::{Fault, Operation, Options, PublicKey, Rule, Server, Trail};
use super::client::{block_on, cloudtrail, serve};

const DAY: i64 = 86_400;

fn server() -> Server {
    let server = serve(&[], Options::default());
    for number in 0..5u8 {
        let valid_from = i64::from(number) * 20 * DAY;
        let key = PublicKey {
            value: vec![number; 4],
            fingerprint: format!("{number:032x}"),
            valid_from,
            valid_until: valid_from + 30 * DAY,
        };
        server.cloudtrail().add_key("eu-west-1", key);
    }
    for (name, multi_region) in [("near", false), ("far", true)] {
        server.cloudtrail().trails.push(Trail {
            name: name.to_owned(),
            account: "123456789012".to_owned(),
            home_region: "eu-west-1".to_owned(),
            bucket: "logs".to_owned(),
            prefix: multi_region.then(|| "a b/c".to_owned()),
            multi_region,
            organization: multi_region,
        });
    }
    server
}

fn fingerprints(server: &Server, region: &'static str, from: i64, until: i64) -> Vec<u8> {
    block_on(async {
        let mut pages = cloudtrail(server, region, 1)
            .list_public_keys()
            .start_time(DateTime::from_secs(from * DAY))
            .end_time(DateTime::from_secs(until * DAY))
            .into_paginator()
            .send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            for key in page.unwrap().public_key_list() {
                assert!(key.validity_end_time().unwrap().secs() >= from * DAY);
                found.push(key.value().unwrap().as_ref()[0]);
            }
        }
        found
    })
}

#[test]
fn keys_are_those_of_the_region_and_the_time() {
    let server = server();
    assert_eq!(fingerprints(&server, "eu-west-1", 25, 35), [0, 1]);
    assert_eq!(fingerprints(&server, "eu-west-1", 31, 39), [1]);
    assert_eq!(fingerprints(&server, "us-east-1", 25, 35), Vec::<u8>::new());
}

#[test]
fn keys_come_in_pages() {
    let server = server();
    server.cloudtrail().page_size = 2;
    assert_eq!(fingerprints(&server, "eu-west-1", 0, 200), [0, 1, 2, 3, 4]);
    assert_eq!(server.log().count(Operation::ListPublicKeys), 3);
}

#[test]
fn trails_are_described_from_where_they_are_seen() {
    let server = server();
    let names = |region| {
        let output = block_on(cloudtrail(&server, region, 1).describe_trails().send()).unwrap();
        output
            .trail_list()
            .iter()
            .map(|trail| trail.name().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("eu-west-1"), ["near", "far"]);
    assert_eq!(names("us-east-1"), ["far"]);
    let arn = "arn:aws:cloudtrail:eu-west-1:123456789012:trail/far";
    let output = block_on(
        cloudtrail(&server, "us-east-1", 1)
            .describe_trails()
            .trail_name_list(arn)
            .send(),
    )
    .unwrap();
    let [trail] = output.trail_list() else {
        panic!("one trail")
    };
    assert_eq!(trail.s3_key_prefix(), Some("a b/c"));
    assert_eq!(trail.is_organization_trail(), Some(true));
    assert_eq!(trail.home_region(), Some("eu-west-1"));
    let found = block_on(
        cloudtrail(&server, "us-east-1", 1)
            .get_trail()
            .name(arn)
            .send(),
    )
    .unwrap();
    assert_eq!(found.trail().unwrap().s3_bucket_name(), Some("logs"));
    let none = block_on(
        cloudtrail(&server, "us-east-1", 1)
            .get_trail()
            .name("near")
            .send(),
    )
    .unwrap_err();
    assert_eq!(none.code(), Some("TrailNotFoundException"));
}

#[test]
fn denied_and_throttled_as_the_service_says_it() {
    let server = server();
    server.faults().add(
        Rule::new(Fault::AccessDenied)
            .region("eu-west-1")
            .on(&[Operation::ListPublicKeys]),
    );
    server.faults().add(
        Rule::new(Fault::Throttled)
            .on(&[Operation::DescribeTrails])
            .nth(0..1),
    );
    let denied = block_on(
        cloudtrail(&server, "eu-west-1", 3)
            .list_public_keys()
            .send(),
    )
    .unwrap_err();
    assert_eq!(denied.code(), Some("AccessDeniedException"));
    assert!(
        block_on(
            cloudtrail(&server, "us-east-1", 3)
                .list_public_keys()
                .send()
        )
        .is_ok()
    );
    assert!(block_on(cloudtrail(&server, "us-east-1", 2).describe_trails().send()).is_ok());
    assert_eq!(server.log().count(Operation::DescribeTrails), 2);
}
