//! What a lifecycle rule leaves. It expires what came before a midnight, and goes by when objects came, not by their
//! names: of the day before, a digest and the last logs may be left.

use super::common::at;
use crate::{
    forge::{Archive, At, Logs, Trail},
    harness::{Case, Outcome},
};

const START: [&str; 2] = ["--start-time", "2024-03-10T00:00:00Z"];
const ONLY_A_FOLDER: &str = "a bucket has no range of its own";

/// Digests end at these minutes of each hour; a log comes every six minutes.
fn whole(minutes: &str) -> Archive {
    let mut trail = Trail::new("audit", &format!("2024-03-09T19:{minutes}:00Z"), 10);
    trail.logs = Logs::Each(9);
    trail.archive()
}

/// When an object came, by its name: a log some minutes after, a digest some more.
fn is_left((_, key): &At) -> bool {
    let named = key
        .rsplit('_')
        .find_map(|part| part.strip_prefix("20240309T"));
    let Some(minute) = named.and_then(|time| time.get(..4)) else {
        return true;
    };
    let from = if key.contains("/CloudTrail-Digest/") {
        "2330"
    } else {
        "2350"
    };
    minute >= from
}

/// The same, after all that came before the 10th has expired.
pub fn expired(minutes: &str) -> Archive {
    let mut archive = whole(minutes);
    archive.store.objects.retain(|at, _| is_left(at));
    archive
}

fn dated(archive: &Archive, time: &str) -> At {
    let is_it = |at: &&At| at.1.contains("/CloudTrail/") && at.1.contains(time);
    archive
        .store
        .keys()
        .find(is_it)
        .expect("such a log")
        .clone()
}

/// With and without a start.
fn runs(archive: &Archive) -> [Outcome; 2] {
    [
        Case::new(archive.clone())
            .only_in_a_folder(ONLY_A_FOLDER)
            .run(),
        Case::new(archive.clone()).args(START).run(),
    ]
}

#[test]
fn what_a_lifecycle_rule_has_left_is_whole() {
    // The digest that the midnight lies in names logs that are gone, and others that are there. Before it one may be left
    // whose logs are all gone.
    for minutes in ["20", "40", "52"] {
        let archive = expired(minutes);
        let left = archive
            .store
            .keys()
            .filter(|at| at.1.contains("/2024/03/09/"));
        let (digests, logs): (Vec<_>, Vec<_>) =
            left.partition(|at| at.1.contains("/CloudTrail-Digest/"));
        assert_eq!(
            (digests.is_empty(), logs.is_empty()),
            (minutes == "20", false)
        );
        for outcome in runs(&archive) {
            let report = outcome.report();
            assert_eq!(report["verdict"], "valid", "{minutes} {report:#}");
            assert_eq!(report["findings"], serde_json::json!([]));
            assert_eq!(report["requested"]["start"], START[1]);
        }
    }
}

#[test]
fn of_what_is_left_each_log_is_missed() {
    let archive = expired("52");
    for time in ["20240310T0004Z", "20240310T0046Z", "20240310T0546Z"] {
        let mut archive = archive.clone();
        let log = dated(&archive, time);
        archive.store.delete(&log);
        for outcome in runs(&archive) {
            assert_eq!(outcome.codes(), ["log-missing"], "{log:?}");
        }
    }
}

/// No rule leaves one log, and takes later ones.
#[test]
fn what_is_left_of_a_day_that_is_there_is_missed() {
    let whole = whole("20");
    let lone = dated(&whole, "20240309T2326Z");
    let mut archive = expired("20");
    let object = whole.store.get(&lone).clone();
    archive.store.objects.insert(lone, object);
    for outcome in runs(&archive) {
        assert_eq!(outcome.codes(), ["log-missing"; 3]);
    }
}

/// A trail that began around midnight names no digest before its first.
#[test]
fn the_first_logs_of_a_trail_that_began_around_midnight_are_missed() {
    let mut trail = Trail::new("audit", "2024-03-09T23:40:00Z", 4);
    trail.logs = Logs::Each(9);
    for (start, time) in [("23:52", "20240309T2358Z"), ("23:40", "20240309T2346Z")] {
        trail.segments[0].start = at(&format!("09T{start}:00"));
        let mut archive = trail.archive();
        let log = dated(&archive, time);
        archive.store.delete(&log);
        let outcome = Case::new(archive).only_in_a_folder(ONLY_A_FOLDER).run();
        assert_eq!(outcome.codes(), ["log-missing"], "{start}");
    }
}
