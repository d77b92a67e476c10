//! What ends a run before it begins, how it is told, and what options and the environment do.

use std::process::Output;

use super::served::{DAY, Served, expect, listed, messages};
use crate::forge::{TestKey, keyfiles::trusted_keys};
use crate::scenarios::common::audit;
use crate::server::{Fault, Operation, Options, Rule};

const KEYS: [Operation; 2] = [Operation::ListPublicKeys, Operation::DescribeTrails];

fn served() -> Served {
    Served::new(&audit()).args(DAY)
}

/// It ends with exit status 2 and one line on standard error, and this is it.
#[track_caller]
fn refused(output: &Output) -> String {
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(output.stdout.is_empty());
    assert_eq!(told.lines().count(), 1, "{told}");
    for dump in ["SdkError", "Unhandled", "DispatchFailure", "{ ", "source:"] {
        assert!(!told.contains(dump), "{told}");
    }
    told
}

#[test]
fn a_bucket_that_is_not_there() {
    let told = refused(&served().output("s3://no-such-bucket"));
    assert!(
        told.contains("NoSuchBucket") && told.contains("check the bucket's name, no-such-bucket"),
        "{told}"
    );
    assert!(told.contains("(request "), "{told}");
}

#[test]
fn no_credentials() {
    let served = served()
        .env("AWS_ACCESS_KEY_ID", "")
        .env("AWS_SECRET_ACCESS_KEY", "");
    let told = refused(&served.output("s3://audit-logs"));
    assert!(
        told.contains("credentials") && told.contains("--no-sign-request"),
        "{told}"
    );
}

#[test]
fn credentials_that_aws_does_not_know() {
    let served = served();
    for (code, advice) in [
        ("InvalidAccessKeyId", "check the credentials"),
        ("SignatureDoesNotMatch", "the secret key does not fit"),
    ] {
        let fault = Fault::Refused {
            status: 403,
            code: code.into(),
        };
        served.server.faults().clear();
        served.server.faults().add(Rule::new(fault));
        let told = refused(&served.output("s3://audit-logs"));
        assert!(told.contains(advice), "{told}");
    }
}

#[test]
fn a_profile_that_is_not_there() {
    let told = refused(
        &served()
            .args(["--profile", "nobody"])
            .output("s3://audit-logs"),
    );
    assert!(told.contains("nobody"), "{told}");
}

#[test]
fn a_trail_that_is_not_there() {
    let told = refused(&served().output("arn:aws:cloudtrail:us-east-1:111122223333:trail/none"));
    assert!(
        told.contains("trail/none") && told.contains("check the ARN"),
        "{told}"
    );
}

#[test]
fn a_trail_that_may_not_be_described() {
    let served = served();
    let rule = Rule::new(Fault::AccessDenied).on(&[Operation::DescribeTrails]);
    served.server.faults().add(rule);
    let told = refused(&served.output("arn:aws:cloudtrail:us-east-1:111122223333:trail/audit"));
    assert!(told.contains("cloudtrail:DescribeTrails"), "{told}");
}

#[test]
fn keys_that_may_not_be_listed() {
    let served = served();
    let rule = Rule::new(Fault::AccessDenied).on(&[Operation::ListPublicKeys]);
    served.server.faults().add(rule);
    let told = refused(&served.output("s3://audit-logs"));
    assert!(
        told.contains("cloudtrail:ListPublicKeys") && told.contains("--public-keys"),
        "{told}"
    );
}

#[test]
fn keys_that_are_no_longer_there() {
    let served = served();
    served.server.cloudtrail().keys.clear();
    let told = refused(&served.output("s3://audit-logs"));
    assert!(told.contains("--public-keys"), "{told}");
}

#[test]
fn no_start_time() {
    let told = refused(&Served::new(&audit()).output("s3://audit-logs"));
    assert!(told.contains("--start-time is required"), "{told}");
}

#[test]
fn attempts_that_are_no_number() {
    let served = served().env("AWS_MAX_ATTEMPTS", "many");
    let told = refused(&served.output("s3://audit-logs"));
    assert!(told.contains("AWS_MAX_ATTEMPTS"), "{told}");
}

/// What cannot be asked at all is no server that fails: it is told at once, and nothing is tried.
#[test]
fn an_endpoint_that_is_no_url() {
    for url in [
        "",
        "foo",
        "http://",
        "http://127.0.0.1:99999",
        "127.0.0.1:80",
        "ftp://x",
        "http://foo bar",
    ] {
        let typed = served().args(["--endpoint-url", url]);
        let told = refused(&typed.output("s3://audit-logs"));
        assert!(told.contains("--endpoint-url"), "{url:?}: {told}");
        let mut command = typed.program();
        command.args(["query-results", "s3://audit-logs", "--endpoint-url", url]);
        let told = refused(&command.output().expect("a run"));
        assert!(told.contains("--endpoint-url"), "{url:?}: {told}");
        if url.is_empty() {
            // What is set to nothing is not set.
            continue;
        }
        for name in [
            "AWS_ENDPOINT_URL",
            "AWS_ENDPOINT_URL_S3",
            "AWS_ENDPOINT_URL_CLOUDTRAIL",
        ] {
            let told = refused(&served().env(name, url).output("s3://audit-logs"));
            assert!(told.contains(name), "{url:?}: {told}");
        }
    }
}

/// It may come back: nothing is wrong with what was asked for.
#[test]
fn a_server_that_does_not_answer() {
    for (url, why) in [
        ("http://127.0.0.1:1", "refused"),
        ("http://nowhere.invalid", "lookup"),
    ] {
        let served = served()
            .env("AWS_MAX_ATTEMPTS", "2")
            .args(["--endpoint-url", url]);
        let report = served.run("s3://audit-logs");
        expect(
            &report,
            "unverified",
            &[("digest-unreadable", 1), ("no-digests", 1)],
        );
        let told = messages(&report);
        assert!(
            told.contains("got no answer") && told.contains("tried 2 times"),
            "{told}"
        );
        assert!(told.contains(why), "{told}");
    }
}

#[test]
fn keys_from_a_file_need_nothing_of_cloudtrail() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keys.json");
    std::fs::write(&path, trusted_keys()).expect("a file");
    let served = served().args(["--public-keys", path.to_str().expect("a path")]);
    served.server.cloudtrail().keys.clear();
    expect(&served.run("s3://audit-logs"), "valid", &[]);
    for operation in KEYS {
        assert_eq!(served.server.log().count(operation), 0);
    }
    // An unsigned run needs a file, since CloudTrail answers nobody unsigned.
    let unsigned = served.args(["--no-sign-request"]);
    let before = unsigned.server.log().anonymous();
    expect(&unsigned.run("s3://audit-logs"), "valid", &[]);
    let log = unsigned.server.log();
    assert!(log.anonymous() >= before + 19, "{}", log.anonymous());
    let without = Served::new(&audit()).args(DAY).args(["--no-sign-request"]);
    let told = refused(&without.output("s3://audit-logs"));
    assert!(told.contains("--public-keys"), "{told}");
}

#[test]
fn the_list_of_keys_is_read_to_its_end() {
    let served = served();
    {
        let mut cloudtrail = served.server.cloudtrail();
        cloudtrail.page_size = 1;
        cloudtrail.keys.clear();
        cloudtrail.add_key("us-east-1", listed(TestKey::foreign()));
        cloudtrail.add_key("us-east-1", listed(TestKey::b()));
        cloudtrail.add_key("us-east-1", listed(TestKey::a()));
    }
    expect(&served.run("s3://audit-logs"), "valid", &[]);
    assert_eq!(served.server.log().count(Operation::ListPublicKeys), 3);
}

/// A key that it had not come to is not one that nobody has.
#[test]
fn a_list_of_keys_that_never_ends_accuses_nobody() {
    let served = served();
    {
        let mut cloudtrail = served.server.cloudtrail();
        cloudtrail.endless = true;
        cloudtrail.keys.clear();
        cloudtrail.add_key("us-east-1", listed(TestKey::foreign()));
    }
    let told = refused(&served.output("s3://audit-logs"));
    assert!(told.contains("again and again"), "{told}");
}

/// What the key signed would be told as signed with one that nobody knows.
#[test]
fn a_key_without_its_value_accuses_nobody() {
    let served = served();
    {
        let mut cloudtrail = served.server.cloudtrail();
        cloudtrail.keys.clear();
        for (key, is_whole) in [(TestKey::a(), false), (TestKey::b(), true)] {
            let mut key = listed(key);
            key.value.truncate(if is_whole { usize::MAX } else { 0 });
            cloudtrail.add_key("us-east-1", key);
        }
    }
    let told = refused(&served.output("s3://audit-logs"));
    assert!(told.contains("without its Value"), "{told}");
}

#[test]
fn whoever_asks_may_have_to_pay() {
    let served = served();
    served.server.store().bucket("audit-logs").requester_pays = true;
    let report = served.run("s3://audit-logs");
    assert_eq!(report["verdict"], "unverified", "{report:#}");
    assert!(messages(&report).contains("--request-payer"), "{report:#}");
    let paying = served.args(["--request-payer", "requester"]);
    expect(&paying.run("s3://audit-logs"), "valid", &[]);
}

#[test]
fn a_profile_tells_credentials_and_endpoint() {
    let options = Options {
        secret: Some("of the profile".into()),
        ..Options::default()
    };
    let served = Served::with(&audit(), options).args(DAY);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config");
    let config = format!(
        "[profile audit]\nregion = us-east-1\naws_access_key_id = AKIDEXAMPLE\n\
         aws_secret_access_key = of the profile\nendpoint_url = {}\n",
        served.server.url()
    );
    std::fs::write(&path, config).expect("a file");
    let mut command = served.command("s3://audit-logs");
    let output = command
        .env_remove("AWS_ENDPOINT_URL")
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env("AWS_CONFIG_FILE", &path)
        .args(["--profile", "audit"])
        .output()
        .expect("a run");
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
}

#[test]
fn endpoints_are_told_service_by_service() {
    let served = served();
    let url = served.server.url();
    let output = served
        .command("s3://audit-logs")
        .env_remove("AWS_ENDPOINT_URL")
        .env("AWS_ENDPOINT_URL_S3", &url)
        .env("AWS_ENDPOINT_URL_CLOUDTRAIL", &url)
        .output()
        .expect("a run");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn little_memory_and_few_requests_are_enough() {
    for limits in [
        ["--concurrency", "1"],
        ["--concurrency", "2"],
        ["--max-memory", "16MiB"],
        ["--max-memory", "64MiB"],
    ] {
        let served = served().args(limits);
        expect(&served.run("s3://audit-logs"), "valid", &[]);
        if limits == ["--concurrency", "1"] {
            assert_eq!(served.server.log().high_water(), 1);
        }
    }
}
