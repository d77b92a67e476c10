//! Keys that CloudTrail is asked for: how often, how many at a time, and what a refusal comes to.

use std::time::Duration;

use super::served::{DAY, MARCH, Served, codes, expect, listed, messages};
use crate::forge::{Archive, Place, TestKey, Time, plant::PlantedLog};
use crate::scenarios::common::{at, audit, trail};
use crate::server::{Fault, Object, Operation, Options, PublicKey, Rule};

const SOURCE: &str = "s3://audit-logs";

fn slow() -> Options {
    Options {
        latency: Duration::from_millis(40),
        ..Options::default()
    }
}

/// 64 hours with a backfill digest each, all made on one day of June with a key of then.
fn backfilled() -> Archive {
    let hours: Vec<_> = (0..64).collect();
    let made_in_june = trail(64).backfill(&hours).rotate(64, TestKey::b());
    let mut archive = made_in_june.archive();
    for stored in archive.store.objects.values_mut() {
        for (name, value) in &mut stored.metadata {
            if name == "backfill-generation-timestamp" {
                "2024-06-02T07:00:00Z".clone_into(value);
            }
        }
    }
    archive
}

fn served() -> Served {
    let served = Served::with(&backfilled(), slow()).args(MARCH);
    let served = served.args(["--allow", "coverage-ends-early"]);
    {
        let mut cloudtrail = served.server.cloudtrail();
        cloudtrail.keys.clear();
        cloudtrail.add_key("us-east-1", listed(TestKey::a()));
        let of_june = PublicKey {
            valid_from: Time::parse("2024-05-25T00:00:00Z").0,
            valid_until: Time::parse("2024-06-25T00:00:00Z").0,
            ..listed(TestKey::b())
        };
        cloudtrail.add_key("us-east-1", of_june);
    }
    served
}

#[test]
fn many_digests_of_one_day_ask_for_its_keys_once() {
    let served = served();
    let report = served.run(SOURCE);
    assert_eq!(report["verdict"], "valid", "{report:#}");
    assert_eq!(report["totals"]["digests"]["valid"], 64 + 65, "{report:#}");
    assert_eq!(served.server.log().count(Operation::ListPublicKeys), 2);
}

#[test]
fn keys_that_could_not_be_had_are_not_asked_for_by_each_digest() {
    let served = served().env("AWS_MAX_ATTEMPTS", "2");
    let fault = Fault::Refused {
        status: 500,
        code: "InternalFailure".into(),
    };
    let rule = Rule::new(fault).on(&[Operation::ListPublicKeys]);
    served.server.faults().add(rule.nth(1..u64::MAX));
    let report = served.run(SOURCE);
    assert_eq!(report["verdict"], "unverified", "{report:#}");
    assert_eq!(codes(&report).get("digest-unreadable"), Some(&64));
    assert_eq!(served.server.log().count(Operation::ListPublicKeys), 1 + 2);
}

/// Folders may bear the names of many regions.
#[test]
fn no_more_requests_for_keys_than_may_be() {
    let regions = [
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
        "eu-west-1",
        "eu-west-2",
    ];
    let archive = trail(6).regions(&regions).archive();
    let served = Served::with(&archive, slow()).args(DAY);
    let served = served.args(["--concurrency", "1"]);
    expect(&served.run(SOURCE), "valid", &[]);
    assert_eq!(served.server.log().count(Operation::ListPublicKeys), 6);
    assert_eq!(served.server.log().high_water(), 1);
}

/// The SDK learns the right time from the first answer.
#[test]
fn a_clock_that_is_wrong_is_set_right_by_the_first_answer() {
    for message in [
        "Signature expired: 20240310T000000Z is now earlier than 20240310T001000Z",
        "Signature not yet current: 20240310T001000Z is still later than 20240310T000000Z",
    ] {
        let fault = || Fault::Told {
            status: 400,
            code: "InvalidSignatureException".into(),
            message: message.into(),
        };
        let served = Served::new(&audit()).args(DAY);
        let rule = Rule::new(fault()).on(&[Operation::ListPublicKeys]);
        served.server.faults().add(rule.attempts(0..1));
        expect(&served.run(SOURCE), "valid", &[]);
        let served = Served::new(&audit()).args(DAY).env("AWS_MAX_ATTEMPTS", "2");
        let rule = Rule::new(fault()).on(&[Operation::ListPublicKeys]);
        served.server.faults().add(rule);
        let report = served.run(SOURCE);
        assert_eq!(report["verdict"], "unverified", "{report:#}");
        assert!(messages(&report).contains("clock is wrong"), "{report:#}");
    }
}

/// A region is the name of a folder, and nobody answers for one that is made up.
#[test]
fn regions_that_are_made_up_make_nobody_wait() {
    let mut archive = audit();
    let id = archive.first().id.clone();
    let place = Place::new("audit-logs", "");
    PlantedLog::of(&id, &place, at("10T02:00:00")).put(&mut archive.store);
    let served = Served::new(&archive).args(DAY);
    for number in 0..100 {
        let region = format!("zz-{number:05}");
        let key = format!("AWSLogs/111122223333/CloudTrail-Digest/{region}/x");
        let mut store = served.server.store();
        store.put("audit-logs", &key, Object::new(Vec::new()));
        let rule = Rule::new(Fault::Reset).on(&[Operation::ListPublicKeys]);
        served.server.faults().add(rule.region(&region));
    }
    expect(&served.run(SOURCE), "invalid", &[("log-unreferenced", 1)]);
    let asked = served.server.log().count(Operation::ListPublicKeys);
    assert!((101..=201).contains(&asked), "{asked}");
}
