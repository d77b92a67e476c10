//! Several ranges in one snapshot.

use std::collections::BTreeSet;

use serde_json::Value;

use super::common::{Place, SOURCE, compared, contents, fits_its_manifest, logs, refused, report};
use crate::forge::{Archive, At, TestKey, Trail};
use crate::s3::served::{Served, store};
use crate::scenarios::common::trail;
use crate::server::{Class, Fault, Operation, Rule};

const FIRST: [&str; 2] = ["2024-03-10T00:00:00Z", "2024-03-10T06:00:00Z"];
const SECOND: [&str; 2] = ["2024-03-10T06:00:00Z", "2024-03-10T12:00:00Z"];
const APART: [&str; 2] = ["2024-03-10T18:00:00Z", "2024-03-10T22:00:00Z"];
const BOTH: [&str; 2] = [FIRST[0], SECOND[1]];

fn archive() -> Archive {
    trail(24).archive()
}

fn add(served: &Served, place: &Place, [start, end]: [&str; 2]) -> (i32, Value) {
    let mut command = served.snapshot(SOURCE, &place.dir());
    command.args(["--start-time", start, "--end-time", end]);
    report(command)
}

fn live(served: &Served, [start, end]: [&str; 2]) -> (i32, Value) {
    let mut command = served.command(SOURCE);
    command.args(["--start-time", start, "--end-time", end]);
    report(command)
}

fn asked(place: &Place, [start, end]: [&str; 2]) -> (i32, Value) {
    let mut command = logs(place);
    command.args(["--start-time", start, "--end-time", end]);
    report(command)
}

#[test]
fn ranges_that_touch_are_one() {
    let served = Served::new(&archive());
    let place = Place::new();
    for order in [[FIRST, SECOND], [SECOND, FIRST]] {
        let place = if order[0] == FIRST {
            &place
        } else {
            &Place::new()
        };
        for range in order {
            assert_eq!(add(&served, place, range).0, 0);
            fits_its_manifest(place);
        }
        assert_eq!(compared(report(logs(place))), compared(live(&served, BOTH)));
        for range in [FIRST, SECOND, BOTH] {
            assert_eq!(
                compared(asked(place, range)),
                compared(live(&served, range))
            );
        }
    }
    // The same again costs no object.
    served.server.log().reset();
    assert_eq!(add(&served, &place, BOTH).0, 0);
    assert_eq!(served.server.log().count(Operation::GetObject), 0);
}

/// CloudTrail no longer gives old keys; whoever has kept them gives them for the range that they are of.
#[test]
fn each_range_may_get_its_keys_in_another_way() {
    let archive = trail(24).rotate(4, TestKey::b()).archive();
    let served = Served::new(&archive);
    let kept = Place::new();
    assert_eq!(add(&served, &kept, FIRST).0, 0);
    let given = kept.file("public-keys/us-east-1.json");
    let new = TestKey::b().fingerprint();
    for keys in served.server.cloudtrail().keys.values_mut() {
        keys.retain(|key| key.fingerprint == new);
    }
    for order in [[FIRST, SECOND], [SECOND, FIRST]] {
        let place = Place::new();
        for range in order {
            let mut command = served.snapshot(SOURCE, &place.dir());
            command.args(["--start-time", range[0], "--end-time", range[1]]);
            if range == FIRST {
                command.arg("--public-keys").arg(&given);
            }
            assert_eq!(report(command).0, 0, "{range:?}");
        }
        for range in [FIRST, SECOND, BOTH] {
            let (exit, report) = asked(&place, range);
            assert_eq!(exit, 0, "{range:?}: {report:#}");
        }
    }
}

/// The trail, and the range of a run that began when that range ended.
fn began_at_its_end() -> (Archive, [&'static str; 2], [&'static str; 2]) {
    let archive = Trail::new("audit", "2024-03-10T00:40:00Z", 12).archive();
    let first = ["2024-03-10T00:40:00Z", "2024-03-10T10:00:00Z"];
    (archive, first, [first[1], "2024-03-10T12:40:00Z"])
}

/// What the archive had at ten o'clock: neither the digest that ended last, nor later logs.
fn at_ten(archive: &Archive) -> Archive {
    let mut early = archive.clone();
    let late = |key: &str| {
        let hours = ["T09", "T10", "T11", "T12"].map(|hour| format!("20240310{hour}"));
        let is_late = hours.iter().any(|hour| key.contains(hour));
        is_late && (key.contains("Digest") || !key.contains("20240310T09"))
    };
    early.store.objects.retain(|(_, key), _| !late(key));
    early
}

/// Two ranges, the first of which was taken when it ended: its last digest was not yet there.
fn one_after_the_other() -> (Place, Served, [&'static str; 2]) {
    let (archive, first, second) = began_at_its_end();
    let served = Served::new(&at_ten(&archive));
    let place = Place::new();
    let (exit, report) = add(&served, &place, first);
    assert_eq!(exit, 0, "{report:#}");
    let mut head = place.head();
    head["runs"][0]["started"] = first[1].into();
    place.set_head(&head);
    place.reseal(&[]);
    *served.server.store() = store(&archive.store);
    let (exit, report) = add(&served, &place, second);
    assert_eq!(exit, 0, "{report:#}");
    fits_its_manifest(&place);
    (place, served, [first[0], second[1]])
}

#[test]
fn a_digest_that_came_between_two_ranges_is_held() {
    let (place, served, both) = one_after_the_other();
    assert_eq!(
        compared(report(logs(&place))),
        compared(live(&served, both))
    );
}

/// Of several runs nobody knows which of them would have had it.
#[test]
fn a_digest_that_nobody_looked_for_is_not_missing() {
    let (place, ..) = one_after_the_other();
    let files = contents(&place.dir()).into_keys();
    let of_it = |name: &String| name.contains("Digest") && name.contains("20240310T0940");
    let files: Vec<_> = files.filter(of_it).collect();
    assert_eq!(files.len(), 2, "a digest and its metadata");
    for file in &files {
        place.remove(file);
    }
    place.reseal(&[]);
    let codes = |(exit, report): (i32, Value)| {
        let findings = report["findings"].as_array().expect("findings").iter();
        let codes = findings.map(|it| it["code"].as_str().expect("a code").to_owned());
        (exit, codes.collect::<BTreeSet<_>>())
    };
    let told = |codes: [&str; 2]| codes.map(str::to_owned).into();
    let looked = codes(report(logs(&place)));
    assert_eq!(looked, (3, told(["digest-unreadable", "log-uncovered"])));
}

#[test]
fn of_ranges_apart_the_one_taken_last_is_verified() {
    let served = Served::new(&archive());
    let place = Place::new();
    add(&served, &place, APART);
    add(&served, &place, FIRST);
    assert_eq!(
        compared(report(logs(&place))),
        compared(live(&served, FIRST))
    );
    assert_eq!(
        compared(asked(&place, APART)),
        compared(live(&served, APART))
    );
    assert_eq!(
        compared(asked(&place, FIRST)),
        compared(live(&served, FIRST))
    );
    let mut command = logs(&place);
    command.args(["--start-time", FIRST[0], "--end-time", APART[1]]);
    refused(command, &["does not hold that range", FIRST[1], APART[0]]);
}

#[test]
fn what_the_first_could_not_read_stays_told() {
    let archive = archive();
    let served = Served::new(&archive);
    let denied = archive.log(2, 0);
    let rule = Rule::new(Fault::AccessDenied)
        .on(&[Operation::GetObject])
        .key(&denied.1);
    served.server.faults().add(rule);
    let archived = archive.log(3, 0);
    let set_class = |class| {
        let mut store = served.server.store();
        let object = store.bucket(&archived.0).get_mut(&archived.1);
        object.expect("a log").class = class;
    };
    set_class(Class::Glacier);
    let place = Place::new();
    let first = add(&served, &place, FIRST);
    assert_eq!(first.0, 3, "{:#}", first.1);
    served.server.faults().clear();
    set_class(Class::Standard);
    assert_eq!(add(&served, &place, SECOND).0, 0);
    assert_eq!(compared(asked(&place, FIRST)), compared(first.clone()));
    assert_eq!(asked(&place, SECOND).0, 0);
    let (exit, both) = report(logs(&place));
    assert_eq!(exit, 3);
    assert_eq!(both["findings"], first.1["findings"]);
    // A run over all of it reads what can be read now.
    assert_eq!(add(&served, &place, FIRST).0, 0);
    assert_eq!(
        compared(report(logs(&place))),
        compared(live(&served, BOTH))
    );
}

#[test]
fn what_the_first_could_not_list_stays_told() {
    for prefix in [
        "AWSLogs/",
        "AWSLogs/111122223333/",
        "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/*",
        "AWSLogs/111122223333/CloudTrail/us-east-1/*",
    ] {
        let served = Served::new(&archive());
        let rule = Rule::new(Fault::AccessDenied)
            .on(&[Operation::ListObjectsV2])
            .key(prefix);
        served.server.faults().add(rule);
        let place = Place::new();
        let first = add(&served, &place, FIRST);
        assert_ne!(first.0, 0, "{prefix}");
        served.server.faults().clear();
        assert_eq!(add(&served, &place, SECOND).0, 0, "{prefix}");
        assert_eq!(
            compared(asked(&place, SECOND)),
            compared(live(&served, SECOND)),
            "{prefix}"
        );
        let (exit, again) = asked(&place, FIRST);
        assert_eq!(exit, first.0, "{prefix}: {again:#}");
        let told = |report: &Value| {
            let findings = report["findings"].as_array().expect("findings").iter();
            let messages = findings.map(|it| it["message"].to_string());
            let messages = messages.filter(|it| it.contains("could not be listed"));
            messages.collect::<BTreeSet<_>>()
        };
        assert!(
            told(&again).is_superset(&told(&first.1)),
            "{prefix}: {again:#}"
        );
        let (exit, both) = report(logs(&place));
        assert_eq!(
            exit, 3,
            "{prefix}: what was never looked at is neither valid nor missing: {both:#}"
        );
        assert_eq!(add(&served, &place, BOTH).0, 0);
        assert_eq!(
            compared(report(logs(&place))),
            compared(live(&served, BOTH)),
            "{prefix}"
        );
    }
}

#[test]
fn keys_that_one_range_could_not_have_do_not_make_it_tampered() {
    let trail =
        Trail::new("audit", "2024-03-10T00:00:00Z", 24).regions(&["us-east-1", "eu-west-1"]);
    for order in [[FIRST, SECOND], [SECOND, FIRST]] {
        for denied in order {
            let served = Served::new(&trail.archive());
            let place = Place::new();
            let rule = || Rule::new(Fault::AccessDenied).on(&[Operation::ListPublicKeys]);
            for range in order {
                served.server.faults().clear();
                if range == denied {
                    served.server.faults().add(rule().region("eu-west-1"));
                }
                assert_eq!(
                    add(&served, &place, range).0,
                    if range == denied { 3 } else { 0 }
                );
            }
            for range in order {
                let (exit, report) = asked(&place, range);
                let expected = if range == denied { 3 } else { 0 };
                assert_eq!(exit, expected, "{range:?} of {order:?}: {report:#}");
            }
            assert_eq!(report(logs(&place)).0, 3);
        }
    }
}

/// Keys that were given later are all that there is, and nothing is left of why there were none before.
#[test]
fn keys_that_could_not_be_had_and_were_given_later() {
    let regions = ["us-east-1", "eu-west-1"];
    let trail = Trail::new("audit", "2024-03-10T00:00:00Z", 6).regions(&regions);
    let served = Served::new(&trail.rotate(4, TestKey::b()).archive());
    let place = Place::new();
    let rule = Rule::new(Fault::AccessDenied).on(&[Operation::ListPublicKeys]);
    served.server.faults().add(rule.region("eu-west-1"));
    assert_eq!(add(&served, &place, FIRST).0, 3);
    let given = place.beside("a.json");
    let first = TestKey::a().fingerprint();
    for keys in served.server.cloudtrail().keys.values_mut() {
        keys.retain(|key| key.fingerprint == first);
    }
    served.server.faults().clear();
    let kept = Place::new();
    add(&served, &kept, FIRST);
    std::fs::copy(kept.file("public-keys/us-east-1.json"), &given).expect("keys");
    let mut command = served.snapshot(SOURCE, &place.dir());
    command.args(["--start-time", FIRST[0], "--end-time", FIRST[1]]);
    command.arg("--public-keys").arg(&given);
    // The other region has all its keys from before.
    for (exit, report) in [report(command), asked(&place, FIRST)] {
        let told = report["findings"].to_string();
        assert_eq!(exit, 1, "{told}");
        assert!(told.contains("digest-key-unknown"), "{told}");
        assert!(!told.contains("digest-unreadable"), "{told}");
    }
}

/// The objects of the first range were archived since.
#[test]
fn what_is_held_needs_no_restoring() {
    let archive = archive();
    let served = Served::new(&archive);
    let place = Place::new();
    let first = add(&served, &place, FIRST);
    for chain in &archive.chains {
        for digest in &chain.digests {
            let mut store = served.server.store();
            let object = store.bucket(&digest.at.0).get_mut(&digest.at.1);
            object.expect("a digest").class = Class::Glacier;
        }
    }
    assert_eq!(
        compared(add(&served, &place, FIRST)),
        compared(first.clone())
    );
    fits_its_manifest(&place);
    assert_eq!(compared(report(logs(&place))), compared(first));
}

/// Somebody emptied the bucket between the two runs.
#[test]
fn what_was_there_once_is_verified_for_ever() {
    let archive = archive();
    let served = Served::new(&archive);
    let place = Place::new();
    let first = add(&served, &place, FIRST);
    for (bucket, key) in archive.store.keys() {
        if key.contains("20240310T00") || key.contains("20240310T01") {
            served.server.store().bucket(bucket).erase(key);
        }
    }
    add(&served, &place, SECOND);
    fits_its_manifest(&place);
    assert_eq!(compared(asked(&place, FIRST)), compared(first));
}

/// What was yet to come when it was taken was looked at by nobody.
#[test]
fn a_range_reaches_no_further_than_the_time_of_its_taking() {
    let place = Place::new();
    let served = Served::new(&archive());
    let ahead = [FIRST[0], "2099-01-01T00:00:00Z"];
    add(&served, &place, ahead);
    let later = [FIRST[0], "2098-01-01T00:00:00Z"];
    let mut command = logs(&place);
    command.args(["--start-time", later[0], "--end-time", later[1]]);
    refused(command, &["does not hold that range"]);
    let (_, report) = report(logs(&place));
    let end = report["requested"]["end"].as_str().expect("an end");
    assert!(end < ahead[1], "{end}");
}

/// A run that ends before a chain leads to another bucket copies nothing from there.
#[test]
fn what_no_run_was_led_to_is_not_missing() {
    const NEW: &str = "audit-logs-new";
    let served = Served::new(&trail(10).moves(6, NEW, "").archive());
    let early = ["2024-03-10T00:00:00Z", "2024-03-10T04:00:00Z"];
    let late = ["2024-03-10T04:00:00Z", "2024-03-10T10:00:00Z"];
    let source = format!("s3://{NEW}");
    for order in [[early, late], [late, early]] {
        let place = Place::new();
        for [start, end] in order {
            let mut command = served.snapshot(&source, &place.dir());
            command.args(["--start-time", start, "--end-time", end]);
            report(command);
        }
        let (exit, told) = report(logs(&place));
        assert_eq!(exit, 3, "{told:#}");
        assert_eq!(asked(&place, late).0, 0);
    }
}

/// Another trail of the bucket began elsewhere, and moved in at the very hour at which two runs meet.
#[test]
fn where_no_run_ever_came_nothing_is_missing() {
    const OLD: &str = "audit-logs-old";
    let mut archive = trail(12).archive();
    let joined = Trail::new("joined", "2024-03-10T00:00:00Z", 12)
        .seed(3)
        .place(OLD, "")
        .moves(6, "audit-logs", "");
    archive.store.merge(joined.archive().store);
    let mut at_six = archive.clone();
    let is_later = |at: &At| (7..13).any(|hour| at.1.contains(&format!("20240310T{hour:02}0000Z")));
    at_six.store.objects.retain(|at, _| !is_later(at));
    let (before, served) = (Served::new(&at_six), Served::new(&archive));
    let place = Place::new();
    for (served, range) in [(&before, FIRST), (&served, SECOND)] {
        let (exit, told) = add(served, &place, range);
        assert_eq!(exit, 0, "{told:#}");
    }
    let (exit, told) = report(logs(&place));
    assert_eq!(exit, 3, "{told:#}");
    let text = told.to_string();
    assert!(text.contains("asked for it"), "{told:#}");
    // Taken whole, it tells all of it.
    assert_eq!(add(&served, &place, BOTH).0, 0);
    assert_eq!(report(logs(&place)).0, 0);
}

/// A copy of a bucket was behind when the first run copied from it.
#[test]
fn what_came_after_a_run_that_could_not_verify_all_is_not_missing() {
    let whole = trail(12).archive();
    let place = Place::new();
    let behind = |at: &At| {
        let is_late = |hour: u32| at.1.contains(&format!("20240310T{hour:02}"));
        (3..13).any(is_late)
    };
    let mut first = whole.clone();
    first.store.objects.retain(|at, _| !behind(at));
    assert_eq!(add(&Served::new(&first), &place, FIRST).0, 3);
    let served = Served::new(&whole);
    assert_eq!(add(&served, &place, SECOND).0, 0);
    let (exit, told) = report(logs(&place));
    assert_eq!(exit, 3, "{told:#}");
    // A run that verified all of it saw what was there: it was deleted since.
    let deleted = Place::new();
    assert_eq!(add(&served, &deleted, FIRST).0, 0);
    let mut second = whole.clone();
    second.store.objects.remove(&whole.digest(6));
    add(&Served::new(&second), &deleted, SECOND);
    assert_eq!(report(logs(&deleted)).0, 0, "the first run holds it");
}

/// Another region's chain led a run to the bucket that this one's had been in.
#[test]
fn where_another_chain_led_a_run_nothing_is_missing_of_this_one() {
    const OLD: &str = "audit-logs-old";
    let moved = |region: &'static str, hour: u32, seed: u64| {
        let trail = Trail::new("audit", "2024-03-10T00:00:00Z", 12);
        let trail = trail.seed(seed).regions(&[region]).place(OLD, "");
        trail.moves(hour, "audit-logs", "").archive()
    };
    let mut archive = moved("eu-west-1", 3, 1);
    let other = moved("us-east-1", 6, 2);
    archive.store.merge(other.store);
    archive.chains.extend(other.chains);
    let mut at_six = archive.clone();
    let is_later = |at: &At| (7..13).any(|hour| at.1.contains(&format!("20240310T{hour:02}0000Z")));
    at_six.store.objects.retain(|at, _| !is_later(at));
    let (before, served) = (Served::new(&at_six), Served::new(&archive));
    for meeting in ["2024-03-10T06:00:00Z", "2024-03-10T07:00:00Z"] {
        let place = Place::new();
        add(&before, &place, [FIRST[0], meeting]);
        let (exit, told) = add(&served, &place, [meeting, SECOND[1]]);
        assert_eq!(exit, 0, "{meeting}: {told:#}");
        assert_eq!(live(&served, BOTH).0, 0);
        let (exit, told) = report(logs(&place));
        assert_eq!(exit, 3, "{meeting}: {told:#}");
    }
}
