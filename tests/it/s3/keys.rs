//! Keys that CloudTrail is asked for: how often, how many at a time, and what a refusal comes to.

use std::time::Duration;

use super::served::{DAY, MARCH, Served, codes, expect, listed, messages};
use crate::forge::{Archive, Place, TestKey, Time, plant::PlantedLog, store::StoredObject};
use crate::scenarios::common::{at, audit, trail};
use crate::server::{Fault, KeyRequest, Object, Operation, Options, PublicKey, Rule};

const SOURCE: &str = "s3://audit-logs";
/// Where a backfill digest tells when it was made.
const MADE_AT: &str = "backfill-generation-timestamp";
const DAY_LONG: i64 = 24 * 60 * 60;
/// When the backfill digests were made.
const MADE: &str = "2024-06-02T07:00:00Z";

fn slow() -> Options {
    Options {
        latency: Duration::from_millis(40),
        ..Options::default()
    }
}

/// How many hours with a backfill digest each, all made on one day of June with a key of then.
fn backfilled(number: u32) -> Archive {
    let hours: Vec<_> = (0..number).collect();
    let made_in_june = trail(number).backfill(&hours).rotate(number, TestKey::b());
    let mut archive = made_in_june.archive();
    for stored in archive.store.objects.values_mut() {
        for (name, value) in &mut stored.metadata {
            if name == MADE_AT {
                MADE.clone_into(value);
            }
        }
    }
    archive
}

fn served() -> Served {
    serve(&backfilled(64), true)
}

/// CloudTrail knows the key of June, or it does not.
fn serve(archive: &Archive, knows_june: bool) -> Served {
    let served = Served::with(archive, slow()).args(MARCH);
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
        if knows_june {
            cloudtrail.add_key("us-east-1", of_june);
        }
    }
    served
}

/// Whether keys of this time were asked for with hours to spare on both sides, and not of whole weeks besides.
#[track_caller]
fn is_about(asked: &KeyRequest, (start, end): (&str, &str)) {
    let before = Time::parse(start).0 - asked.start;
    let after = asked.end - Time::parse(end).0;
    let hours = 2 * 3600..=72 * 3600;
    assert!(
        hours.contains(&before) && hours.contains(&after),
        "{before} s before and {after} s after: {asked:?}"
    );
}

/// A digest is signed after its hour has ended, and keys follow one another.
#[test]
fn keys_of_the_range_are_asked_for_with_hours_to_spare() {
    let archive = trail(6).regions(&["us-east-1", "eu-west-1"]).archive();
    let served = Served::new(&archive).args(DAY);
    expect(&served.run(SOURCE), "valid", &[]);
    let asked = served.server.cloudtrail().key_requests();
    let mut regions: Vec<_> = asked.iter().map(|asked| &*asked.region).collect();
    regions.sort_unstable();
    assert_eq!(regions, ["eu-west-1", "us-east-1"]);
    for asked in &asked {
        is_about(asked, (DAY[1], DAY[3]));
    }
}

#[test]
fn keys_of_a_backfill_digest_are_those_from_around_its_making() {
    let served = served();
    assert_eq!(served.run(SOURCE)["verdict"], "valid");
    let asked = served.server.cloudtrail().key_requests();
    let [range, backfill] = &*asked else {
        panic!("{asked:?}");
    };
    is_about(range, ("2024-03-01T00:00:00Z", "2024-04-01T00:00:00Z"));
    is_about(backfill, (MADE, MADE));
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
    // Those of the range; twice those of their day, and those of all time.
    assert_eq!(
        served.server.log().count(Operation::ListPublicKeys),
        1 + 2 + 2
    );
}

/// The time that a backfill digest was made is not signed: one that has lost it, or tells another, is proven by the key
/// that it names all the same, whether another digest that leads to this key is read before it or after it.
#[test]
fn a_digest_is_proven_whichever_is_read_first() {
    let changes: [fn(&mut StoredObject); 2] = [
        |stored| drop(stored.metadata.remove(MADE_AT)),
        |stored| {
            drop(
                stored
                    .metadata
                    .insert(MADE_AT.into(), "2024-02-01T00:00:00Z".into()),
            );
        },
    ];
    for change in changes {
        for without in [0, 3, 7] {
            let mut archive = backfilled(8);
            let at = archive.chains[1].digests[without].at.clone();
            change(archive.store.get_mut(&at));
            for concurrency in ["1", "8"] {
                let served = serve(&archive, true).args(["--concurrency", concurrency]);
                let report = served.run(SOURCE);
                assert_eq!(report["verdict"], "valid", "{without}: {report:#}");
                assert_eq!(report["totals"]["digests"]["valid"], 8 + 9, "{report:#}");
                // Those of the range, of its day or of June, and of all time.
                let asked = served.server.log().count(Operation::ListPublicKeys);
                assert!(asked <= 4, "{without}: {asked}");
            }
        }
    }
}

/// Who writes to the bucket may name keys that nobody has, each for a time of its own.
#[test]
fn a_key_that_nobody_has_takes_no_request_for_each_digest() {
    let mut archive = backfilled(64);
    for (number, digest) in archive.chains[1].digests.iter().enumerate() {
        let made = Time::parse("2024-06-02T07:00:00Z") + i64::try_from(number).unwrap() * DAY_LONG;
        let stored = archive.store.objects.get_mut(&digest.at).unwrap();
        stored.metadata.insert(MADE_AT.into(), made.iso());
    }
    let served = serve(&archive, false);
    let report = served.run(SOURCE);
    assert_eq!(codes(&report).get("digest-key-unknown"), Some(&64));
    assert!(
        !codes(&report).contains_key("digest-unreadable"),
        "{report:#}"
    );
    assert_eq!(served.server.log().count(Operation::ListPublicKeys), 3);
    // Where they cannot be asked for, nobody is accused.
    let served = serve(&archive, false);
    let rule = Rule::new(Fault::AccessDenied).on(&[Operation::ListPublicKeys]);
    served.server.faults().add(rule.nth(2..u64::MAX));
    let report = served.run(SOURCE);
    assert_eq!(codes(&report).get("digest-unreadable"), Some(&64));
    assert!(
        !codes(&report).contains_key("digest-key-unknown"),
        "{report:#}"
    );
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

/// CloudTrail tells that it has no keys with a list of none. What tells no list at all is somebody else.
#[test]
fn an_answer_without_a_list_of_keys_is_none() {
    for body in [
        "{}",
        "",
        "{\"PublicKeyList\": null}",
        "{\"status\": \"ok\"}",
    ] {
        let served = Served::new(&audit()).args(DAY);
        let page = Fault::Page("application/x-amz-json-1.1", body.into());
        let rule = Rule::new(page).on(&[Operation::ListPublicKeys]);
        served.server.faults().add(rule.attempts(0..1));
        expect(&served.run(SOURCE), "valid", &[]);
    }
    let served = Served::new(&audit()).args(DAY).env("AWS_MAX_ATTEMPTS", "2");
    let page = Fault::Page("application/x-amz-json-1.1", "{}".into());
    let rule = Rule::new(page).on(&[Operation::ListPublicKeys]);
    served.server.faults().add(rule);
    let report = served.run(SOURCE);
    let found = codes(&report);
    assert_eq!(report["verdict"], "unverified", "{report:#}");
    assert!(found.contains_key("digest-unreadable"), "{found:?}");
    assert!(!found.contains_key("digest-key-unknown"), "{found:?}");
}
