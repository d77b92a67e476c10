//! Objects that are asked for without a call of the SDK, and when they are not.

use super::served::{DAY, Served, expect, messages};
use crate::forge::{Archive, keyfiles::trusted_keys};
use crate::scenarios::common::audit;
use crate::server::{Fault, Operation, Options, Rule};

const SOURCE: &str = "s3://audit-logs";

/// How many objects the SDK asked for itself, and how many were asked for without it.
fn asked(served: &Served) -> (usize, usize) {
    let mut entries = served.server.log().entries();
    entries.retain(|entry| entry.call.operation == Operation::GetObject);
    let by_sdk = entries.iter().filter(|entry| entry.call.by_sdk).count();
    (by_sdk, entries.len() - by_sdk)
}

/// The starting digest, six digests, and twelve logs.
const OBJECTS: usize = 19;

#[test]
fn objects_take_no_call_of_the_sdk() {
    let options = Options {
        secret: Some("a secret".into()),
        ..Options::default()
    };
    let served = Served::with(&audit(), options).args(DAY);
    expect(&served.run(SOURCE), "valid", &[]);
    assert_eq!(asked(&served), (0, OBJECTS));
    let entries = served.server.log().entries();
    assert!(entries.iter().all(|entry| entry.call.access_key.is_some()));
}

#[test]
fn session_tokens_and_requester_pays_are_signed_too() {
    let options = Options {
        secret: Some("a secret".into()),
        ..Options::default()
    };
    let served = Served::with(&audit(), options)
        .args(DAY)
        .args(["--request-payer"])
        .env("AWS_SESSION_TOKEN", "a+token/of=the&day");
    expect(&served.run(SOURCE), "valid", &[]);
    assert_eq!(asked(&served), (0, OBJECTS));
    let entries = served.server.log().entries();
    let objects = entries
        .iter()
        .filter(|entry| entry.call.operation == Operation::GetObject);
    assert!(objects.into_iter().all(|entry| entry.call.requester_pays));
}

#[test]
fn unsigned_requests_are_left_to_the_sdk() {
    let served = Served::new(&audit()).args(DAY).args(["--no-sign-request"]);
    let served = served.args(["--public-keys", "testdata/clean/public-keys.json"]);
    served.command(SOURCE).output().expect("a run");
    let (by_sdk, without) = asked(&served);
    assert!(by_sdk >= OBJECTS && without == 0, "{by_sdk} {without}");
}

/// The SDK learns the right time from the answer.
#[test]
fn a_clock_that_is_wrong_is_left_to_the_sdk() {
    let served = Served::new(&audit()).args(DAY).args(["--concurrency", "1"]);
    let fault = Fault::Refused {
        status: 403,
        code: "RequestTimeTooSkewed".into(),
    };
    let rule = Rule::new(fault).on(&[Operation::GetObject]).nth(3..4);
    served.server.faults().add(rule);
    expect(&served.run(SOURCE), "valid", &[]);
    // Four of them without it, the last of which was refused.
    assert_eq!(asked(&served), (OBJECTS - 3, 4));
}

/// Whoever writes an object chooses what it says of its expiry, and proxies add their own.
#[test]
fn headers_that_nobody_uses_change_nothing() {
    let odd: [(&str, &[u8]); 7] = [
        ("expires", b"0"),
        ("expires", b"-1"),
        ("expires", b"2030-01-01T00:00:00Z"),
        ("x-amz-tagging-count", b"some"),
        ("x-amz-object-lock-retain-until-date", b"soon"),
        ("cache-control", b"\xe9"),
        ("x-amz-meta-by", b"\xe9"),
    ];
    let odd = odd.map(|(name, value)| Fault::Header(name, value));
    let folder = tempfile::tempdir().expect("a folder");
    let keys = folder.path().join("keys.json");
    std::fs::write(&keys, trusted_keys()).expect("a file");
    let keys = ["--public-keys", keys.to_str().expect("a path")];
    for fault in odd.into_iter().chain([Fault::Doubled]) {
        for more in [None, Some("--no-sign-request")] {
            let served = |archive: &Archive| {
                let served = Served::new(archive).args(DAY).args(keys).args(more);
                let rule = Rule::new(fault.clone()).on(&[Operation::GetObject]);
                served.server.faults().add(rule);
                served.env("AWS_MAX_ATTEMPTS", "1")
            };
            expect(&served(&audit()).run(SOURCE), "valid", &[]);
            let mut changed = audit();
            let log = changed.log(2, 0);
            changed.store.replace_body(&log, b"{}".to_vec());
            expect(
                &served(&changed).run(SOURCE),
                "invalid",
                &[("log-modified", 1)],
            );
        }
    }
}

/// What cannot be read is told as just that, and is no refusal whose text broke off.
#[test]
fn headers_that_cannot_be_read_are_told() {
    let served = Served::new(&audit()).args(DAY).env("AWS_MAX_ATTEMPTS", "1");
    let rule = Rule::new(Fault::Header("last-modified", b"yesterday")).on(&[Operation::GetObject]);
    served
        .server
        .faults()
        .add(rule.key("*_CloudTrail_*T0220Z_*"));
    let report = served.run(SOURCE);
    expect(&report, "unverified", &[("log-unreadable", 1)]);
    let told = messages(&report);
    assert!(told.contains("headers that cannot be read"), "{told}");
}
