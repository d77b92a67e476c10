//! Objects that are told to be absent. What a listing shows is not missing because one answer says so.

use super::served::{DAY, Served, codes, expect, messages};
use crate::scenarios::common::audit;
use crate::server::{Fault, Operation, Rule};

const SOURCE: &str = "s3://audit-logs";
const LOG: &str = "*_CloudTrail_*T0220Z_*";
const DIGEST: &str = "*CloudTrail-Digest*T030000Z*";

/// What a run tells that could not read the one or the other.
const UNREAD: [(&str, &[(&str, usize)]); 2] = [
    (LOG, &[("log-unreadable", 1)]),
    (DIGEST, &[("digest-unreadable", 1), ("log-uncovered", 2)]),
];

fn absent(code: &str, key: &str) -> Rule {
    let fault = Fault::Refused {
        status: 404,
        code: code.to_owned(),
    };
    Rule::new(fault).on(&[Operation::GetObject]).key(key)
}

/// A server in doubt says both: that an object is there, and that it is not.
#[test]
fn what_a_listing_shows_is_asked_for_again_before_it_is_missing() {
    for (key, _) in UNREAD {
        for code in ["NoSuchKey", "NoSuchBucket"] {
            let served = Served::new(&audit()).args(DAY);
            served.server.faults().add(absent(code, key).attempts(0..2));
            expect(&served.run(SOURCE), "valid", &[]);
        }
    }
}

/// S3 is of one mind: where a server goes on to say both, nobody knows.
#[test]
fn what_a_listing_goes_on_to_show_is_not_missing() {
    for (key, expected) in UNREAD {
        for code in ["NoSuchKey", "NoSuchBucket"] {
            let served = Served::new(&audit()).args(DAY).env("AWS_MAX_ATTEMPTS", "2");
            served.server.faults().add(absent(code, key));
            expect(&served.run(SOURCE), "unverified", expected);
        }
    }
    let served = Served::new(&audit()).args(DAY);
    served.server.faults().add(absent("NoSuchKey", LOG));
    let told = messages(&served.run(SOURCE));
    assert!(told.contains("listing shows it"), "{told}");
}

/// What no listing shows any more was deleted while the run went on.
#[test]
fn what_no_listing_shows_any_more_is_missing() {
    for (key, of_one, missing) in [
        (LOG, "*T0220Z_*", "log-missing"),
        (DIGEST, "*T030000Z*", "digest-missing"),
    ] {
        let served = Served::new(&audit()).args(DAY);
        served.server.faults().add(absent("NoSuchKey", key));
        served.server.faults().add(Rule::empty_listing(of_one));
        let found = codes(&served.run(SOURCE));
        assert_eq!(found.get(missing), Some(&1), "{found:?}");
    }
}

/// Not everything that speaks S3's protocol has its codes, and a proxy has none: the listing decides.
#[test]
fn what_is_not_listed_is_missing_whatever_the_server_calls_that() {
    for (key, of_one, missing) in [
        (LOG, "*T0220Z_*", "log-missing"),
        (DIGEST, "*T030000Z*", "digest-missing"),
    ] {
        for fault in unusual() {
            let rule = Rule::new(fault).on(&[Operation::GetObject]).key(key);
            let served = Served::new(&audit()).args(DAY).env("AWS_MAX_ATTEMPTS", "2");
            served.server.faults().add(rule.clone());
            let found = codes(&served.run(SOURCE));
            assert!(!found.contains_key(missing), "{rule:?}: {found:?}");
            served.server.faults().add(Rule::empty_listing(of_one));
            let report = served.run(SOURCE);
            assert_eq!(
                codes(&report).get(missing),
                Some(&1),
                "{rule:?}: {report:#}"
            );
            assert_eq!(report["verdict"], "invalid", "{rule:?}");
        }
    }
}

/// A server may show nothing of what is asked for by its whole key.
#[test]
fn a_listing_that_does_not_show_what_is_there_makes_nothing_missing() {
    for (key, expected) in UNREAD {
        for fault in unusual() {
            let served = Served::new(&audit()).args(DAY).env("AWS_MAX_ATTEMPTS", "2");
            let faults = served.server.faults();
            faults.add(Rule::new(fault).on(&[Operation::GetObject]).key(key));
            faults.add(Rule::empty_listing("*.json.gz"));
            expect(&served.run(SOURCE), "unverified", expected);
        }
    }
}

/// Where nobody may list, nobody knows.
#[test]
fn what_may_not_be_listed_is_not_missing_because_a_proxy_says_so() {
    for fault in unusual() {
        let served = Served::new(&audit()).args(DAY).env("AWS_MAX_ATTEMPTS", "2");
        let faults = served.server.faults();
        faults.add(Rule::new(fault).on(&[Operation::GetObject]).key(LOG));
        let denied = Rule::new(Fault::AccessDenied).on(&[Operation::ListObjectsV2]);
        faults.add(denied.key("*T0220Z_*"));
        expect(&served.run(SOURCE), "unverified", &[("log-unreadable", 1)]);
    }
}

fn unusual() -> [Fault; 3] {
    let nothing = Fault::Proxy {
        status: 404,
        body: String::new(),
    };
    let page = Fault::Proxy {
        status: 404,
        body: "<html><body>not found</body></html>".into(),
    };
    let code = Fault::Refused {
        status: 404,
        code: "ObjectNotFound".into(),
    };
    [nothing, page, code]
}

/// A page came for it first, and nothing any more when it was asked for again: nobody knows what it was.
#[test]
fn a_page_before_an_object_is_gone_accuses_nobody() {
    let page = || Fault::Page("application/json", "{\"message\": \"maintenance\"}".into());
    for ((key, expected), of_one) in UNREAD.into_iter().zip(["*T0220Z_*", "*T030000Z*"]) {
        for is_listed in [true, false] {
            let served = Served::new(&audit()).args(DAY);
            let faults = served.server.faults();
            let first = Rule::new(page()).on(&[Operation::GetObject]).key(key);
            faults.add(first.attempts(0..1));
            faults.add(absent("NoSuchKey", key));
            if !is_listed {
                faults.add(Rule::empty_listing(of_one));
            }
            expect(&served.run(SOURCE), "unverified", expected);
        }
    }
}
