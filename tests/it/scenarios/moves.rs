//! Trails that changed their bucket, and whose two buckets were copied into one folder; and what is in such a folder that does
//! not belong there.

use super::common::{CHAIN, at, trail};
use crate::{
    forge::{Archive, Place, Sign, TestKey, Trail, plant::PlantedDigest},
    harness::{Case, Expect, Outcome, code},
};

const OLD: &str = "audit-logs";
const NEW: &str = "audit-logs-new";
const OTHER: &str = "other-logs";

fn in_one_folder(archive: Archive) -> Case {
    [OLD, NEW, OTHER]
        .into_iter()
        .fold(Case::new(archive), |case, bucket| {
            case.bucket_in(bucket, "all")
        })
}

/// The trail `audit`, which is at work in its new bucket from the third hour on.
fn moved() -> Trail {
    trail(8).moves(3, NEW, "")
}

#[track_caller]
fn tells_moved(outcome: &Outcome, what: &str) {
    let report = outcome.report();
    let findings = report["findings"].as_array().unwrap();
    let is_told = findings.iter().any(|it| it["code"] == "digest-moved");
    assert!(is_told && outcome.exit == 1, "{what}: {report:#}");
}

#[test]
fn a_restart_within_the_hour_in_a_new_bucket() {
    for minutes in [1, 20, 59, 60] {
        let trail = trail(3).moves(3, NEW, "").restart(minutes, 3);
        let archive = trail.archive();
        let expect = Expect::clean(&archive).finding(code("coverage-gap").chain(CHAIN));
        in_one_folder(archive).run().is(&expect);
    }
}

#[test]
fn a_trail_that_was_made_anew_within_the_hour_in_a_new_bucket() {
    let mut archive = trail(3).archive();
    Trail::new("second", "2024-03-10T03:20:00Z", 3)
        .place(NEW, "")
        .deliver(&mut archive);
    let outcome = in_one_folder(archive).run();
    let report = outcome.report();
    let findings = report["findings"].as_array().unwrap();
    assert!(
        findings.iter().all(|it| it["code"] != "digest-moved"),
        "{report:#}"
    );
}

/// The members of an organization that joined later have hours of their own, and so has another trail that moved with the first.
#[test]
fn a_change_of_the_bucket_within_the_hours_of_some() {
    for (minute, hours) in [(1, 3), (25, 2), (25, 3), (59, 2), (59, 3)] {
        let start = format!("2024-03-10T00:{minute:02}:00Z");
        let member = || Trail::new("audit", &start, 7).accounts(&["444455556666"]);
        let other = || Trail::new("other", &start, 7);
        for other in [member(), other()] {
            let mut archive = moved().archive();
            other.moves(hours, NEW, "").deliver(&mut archive);
            let expect = Expect::clean(&archive);
            let outcome = in_one_folder(archive).run();
            let report = outcome.report();
            let told: Vec<_> = report["findings"].as_array().unwrap().iter().collect();
            let moved = told.iter().any(|it| it["code"] == "digest-moved");
            assert!(!moved && outcome.exit == 0, "{minute} {hours}: {report:#}");
            if told.is_empty() {
                outcome.is(&expect);
            }
        }
    }
}

/// CloudTrail makes a backfill digest when it finds what an hour's digest lacks: by then the trail may have moved.
#[test]
fn a_backfill_digest_of_before_the_change_lies_in_the_new_bucket() {
    for (bucket, is_moved) in [(NEW, false), (OLD, false), (OTHER, true)] {
        let archive = with_backfill(&moved(), bucket);
        let outcome = in_one_folder(archive).run();
        if is_moved {
            tells_moved(&outcome, bucket);
        } else {
            let report = outcome.report();
            assert_eq!(report["verdict"], "valid", "{bucket}: {report:#}");
        }
    }
    // The trail never was there.
    tells_moved(
        &in_one_folder(with_backfill(&trail(8), NEW)).run(),
        "no move",
    );
}

/// A backfill digest of the trail's first hour, in this bucket.
fn with_backfill(trail: &Trail, bucket: &str) -> Archive {
    let mut archive = trail.archive();
    let mut id = archive.first().id.clone();
    id.backfill = true;
    let place = Place::new(bucket, "");
    let planted = crate::forge::plant::PlantedLog::of(&id, &place, at("10T00:30:00"));
    planted.put(&mut archive.store);
    let digest = PlantedDigest {
        logs: vec![planted.entry()],
        sign: Sign::With(TestKey::a()),
        ..PlantedDigest::of(&id, &place, at("10T01:00:00"))
    };
    let lies_at = digest.put(&mut archive.store);
    archive.store.set_metadata(
        &lies_at,
        "backfill-generation-timestamp",
        "2024-03-11T01:00:00Z",
    );
    archive
}

/// Digests of another trail, which delivers elsewhere, are no part of the bucket, whichever of its hours are copied into it; the
/// very last ones of all could be what the trail went on with.
#[test]
fn digests_of_another_bucket_among_those_of_a_trail_that_moved() {
    for hours in [0..8, 1..3, 3..4, 4..6, 5..6] {
        for (bucket, minute) in [(OTHER, 0), (OTHER, 30), (OLD, 0), (OLD, 30)] {
            // Another trail may have gone on in the old bucket up to about the change.
            let is_right = bucket == OLD && hours.end <= 4;
            let mut archive = moved().archive();
            let start = format!("2024-03-10T00:{minute:02}:00Z");
            let other = Trail::new("other", &start, 8).place(bucket, "").archive();
            let chain = &other.first().digests;
            for digest in hours.clone().filter_map(|hour| chain.get(hour + 1)) {
                for copied in digest.logs.iter().chain([&digest.at]) {
                    let object = other.store.get(copied).clone();
                    archive.store.objects.insert(copied.clone(), object);
                }
            }
            let what = format!("{hours:?} {bucket} {minute}");
            let outcome = in_one_folder(archive).run();
            if is_right {
                let report = outcome.report();
                let findings = report["findings"].as_array().unwrap();
                let told = findings.iter().any(|it| it["code"] == "digest-moved");
                assert!(!told, "{what}: {report:#}");
            } else {
                tells_moved(&outcome, &what);
            }
        }
    }
}
