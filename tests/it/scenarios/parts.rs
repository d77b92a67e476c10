//! One bucket, cut into parts by the days of its keys: each lies in a folder of its own.

use super::common::{CHAIN, at, in_chain, in_region};
use crate::{
    forge::{Archive, At, FolderWriter, Metadata, Place, Store, Trail, plant::PlantedLog},
    harness::{Case, Expect},
};

/// Eight hours around midnight, whose digests end at 35 past: the one of the hour that midnight lies in names a log of
/// the day before.
pub fn around_midnight() -> Archive {
    Trail::new("audit", "2024-03-09T20:35:00Z", 8).archive()
}

/// The digest of that hour, and the log.
pub const SEAM: usize = 4;
pub fn of_the_day_before(archive: &Archive) -> At {
    let logs = &archive.first().digests[SEAM].logs;
    let log = logs.iter().find(|log| log.1.contains("/2024/03/09/"));
    log.expect("a log of the day before").clone()
}

/// What of a store lies in one of these days.
pub fn days(store: &Store, days: &[&str]) -> Store {
    let mut part = store.clone();
    let is_there = |at: &At| {
        days.iter()
            .any(|day| at.1.contains(&format!("/2024/03/{day}/")))
    };
    part.objects.retain(|at, _| is_there(at));
    part
}

/// Each store in a folder of its own.
pub fn folders(stores: &[(&str, Store)]) -> Case {
    let empty = Archive::default();
    Case::new(empty).written(|case| {
        for (folder, store) in stores {
            let mut buckets: Vec<_> = store.keys().map(|at| at.0.clone()).collect();
            buckets.dedup();
            for bucket in buckets {
                let mut writer = FolderWriter::new(&case.source(), Metadata::Sidecar)
                    .bucket_in(&bucket, &format!("parts/{folder}"));
                writer.write(store);
            }
        }
    })
}

fn in_parts(store: &Store) -> Case {
    folders(&[
        ("a-newer", days(store, &["10"])),
        ("b-older", days(store, &["09"])),
    ])
}

/// Whichever comes first.
fn in_parts_otherwise(store: &Store) -> Case {
    folders(&[
        ("b-newer", days(store, &["10"])),
        ("a-older", days(store, &["09"])),
    ])
}

#[test]
fn a_bucket_in_parts_is_whole() {
    let archive = around_midnight();
    let expect = Expect::clean(&archive);
    in_parts(&archive.store).run().is(&expect);
    in_parts_otherwise(&archive.store).run().is(&expect);
    // Nor where the range begins in the older part.
    for start in ["2024-03-09T22:00:00Z", "2024-03-09T23:45:00Z"] {
        let case = in_parts(&archive.store).args(["--start-time", start]);
        let outcome = case.run();
        assert_eq!(outcome.exit, 0, "{:#}", outcome.report());
    }
}

#[test]
fn a_log_deleted_at_the_seam_is_missing() {
    let mut archive = around_midnight();
    let log = of_the_day_before(&archive);
    let expect = Expect::clean(&archive)
        .finding(in_chain("log-missing", &log).digest(&archive.digest(SEAM)))
        .chain(CHAIN, |chain| chain.logs = [15, 0, 1, 0]);
    archive.store.delete(&log);
    in_parts(&archive.store).run().is(&expect);
}

/// What a part covers itself has to lie there, whatever another one has.
#[test]
fn a_log_deleted_where_its_part_covers_it_is_missing() {
    let mut archive = around_midnight();
    let log = archive.log(SEAM + 3, 0);
    let expect = Expect::clean(&archive)
        .finding(in_chain("log-missing", &log).digest(&archive.digest(SEAM + 3)))
        .chain(CHAIN, |chain| chain.logs = [16, 0, 1, 0]);
    let mut newer = days(&archive.store, &["10"]);
    let mut older = days(&archive.store, &["09"]);
    older
        .objects
        .insert(log.clone(), archive.store.get(&log).clone());
    newer.delete(&log);
    archive.store.delete(&log);
    // What the other part has is read, and proves nothing of this one.
    let stores = [("a-newer", newer), ("b-older", older)];
    folders(&stores).run().is(&expect);
}

/// Copies have objects of the same names: findings tell of which folder's they are.
#[test]
fn of_several_copies_it_is_told_which_one_is_changed() {
    let archive = around_midnight();
    let log = archive.log(2, 0);
    let mut changed = archive.store.clone();
    changed.edit_content(&log, |it| it.push(b' '));
    for (names, told) in [(["a", "b"], "parts/b"), (["b", "a"], "parts/a")] {
        let stores = [
            (names[0], archive.store.clone()),
            (names[1], changed.clone()),
        ];
        let report = folders(&stores).run().report();
        let message = report["findings"][0]["message"].as_str().unwrap();
        assert!(message.ends_with(&format!("folder {told}")), "{message}");
    }
    let mut alone = archive;
    alone.store.edit_content(&log, |it| it.push(b' '));
    let report = Case::new(alone).run().report();
    let message = report["findings"][0]["message"].as_str().unwrap();
    assert!(!message.contains("folder"), "{message}");
}

#[test]
fn a_log_modified_at_the_seam_is_modified() {
    let mut archive = around_midnight();
    let log = of_the_day_before(&archive);
    let expect = Expect::clean(&archive)
        .finding(in_chain("log-modified", &log).digest(&archive.digest(SEAM)))
        .chain(CHAIN, |chain| chain.logs = [15, 1, 0, 0]);
    archive.store.edit_content(&log, |it| it.push(b' '));
    in_parts(&archive.store).run().is(&expect);
}

/// The digests of the newer part speak for the end of the older one.
#[test]
fn a_log_planted_at_the_seam_is_out_of_chain() {
    let mut archive = around_midnight();
    let expect = Expect::clean(&archive);
    let place = Place::new("audit-logs", "");
    let planted = PlantedLog::of(&archive.first().id, &place, at("09T23:50:00"));
    let planted = planted.put(&mut archive.store);
    let expect = expect.finding(in_region("log-unreferenced", &planted));
    in_parts(&archive.store).run().is(&expect);
}

/// A folder with a copy of an older digest does not make what is planted there wait for a digest: the newest digest of the
/// bucket is there, whatever folder it lies in.
#[test]
fn a_log_planted_beside_a_copy_of_an_older_digest_is_not_pending() {
    let mut archive = around_midnight();
    let last = archive.first().digests.len() - 1;
    let newest = archive.digest(last);
    let place = Place::new("audit-logs", "");
    let planted = PlantedLog::of(&archive.first().id, &place, at("10T03:50:00"));
    let planted = planted.put(&mut archive.store);
    let mut copy = archive.store.clone();
    archive.store.delete(&planted);
    let logs = archive.first().digests[last - 1].logs.clone();
    let older = archive.digest(last - 1);
    copy.objects
        .retain(|it, _| *it == older || *it == planted || logs.contains(it));
    assert!(!copy.objects.contains_key(&newest));
    let stores = [("a", archive.store.clone()), ("b", copy)];
    let outcome = folders(&stores).args(["--allow", "log-uncovered"]).run();
    assert_eq!(outcome.codes(), ["log-uncovered"], "{:#}", outcome.report());
    let outcome = folders(&stores).run();
    assert_eq!(outcome.exit, 3, "{:#}", outcome.report());
}

/// What an older copy has beyond its newest digest is named by those of a newer one.
#[test]
fn copies_of_different_ages_are_whole() {
    let archive = around_midnight();
    let last = archive.first().digests.len() - 1;
    let mut older = archive.store.clone();
    older.delete(&archive.digest(last));
    let logs = &archive.first().digests[last].logs;
    older.delete(&logs[logs.len() - 1]);
    let stores = [("a", archive.store.clone()), ("b", older)];
    let outcome = folders(&stores).run();
    assert_eq!(outcome.exit, 0, "{:#}", outcome.report());
}

/// Each folder has the day before its own as well.
#[test]
fn parts_that_overlap_are_whole() {
    let mut archive = Trail::new("audit", "2024-03-09T20:35:00Z", 60).archive();
    let other = Trail::new("other", "2024-03-09T20:00:00Z", 60).archive();
    archive.store.objects.extend(other.store.objects);
    for names in [["a", "b", "c"], ["c", "b", "a"]] {
        let [first, second, third] = names;
        let stores = [
            (first, days(&archive.store, &["09", "10"])),
            (second, days(&archive.store, &["10", "11"])),
            (third, days(&archive.store, &["11", "12"])),
        ];
        let outcome = folders(&stores).run();
        assert_eq!(outcome.exit, 0, "{:#}", outcome.report());
    }
}

/// Wherever the range begins, what a copy covers has to lie in it: the range's start is not where the copy was cut.
#[test]
fn a_range_that_begins_before_midnight_lends_no_log() {
    let archive = around_midnight();
    let log = of_the_day_before(&archive);
    let mut damaged = archive.store.clone();
    damaged.delete(&log);
    let mut logs = days(&archive.store, &["09"]);
    logs.objects.retain(|at, _| at.1.contains("/CloudTrail/"));
    for beside in [archive.store.clone(), days(&archive.store, &["09"]), logs] {
        // The first two read the digest before midnight, which the last one does not.
        for start in [
            "2024-03-09T20:00:00Z",
            "2024-03-09T23:30:00Z",
            "2024-03-09T23:52:00Z",
        ] {
            let stores = [("a", damaged.clone()), ("b", beside.clone())];
            let outcome = folders(&stores).args(["--start-time", start]).run();
            let told = outcome.codes();
            assert!(
                told.contains(&"log-missing".to_owned()),
                "{start} {:#}",
                outcome.report()
            );
        }
    }
}

/// A trail moves to another bucket in the last hour of a day: that day's part of the new one has logs, and no digest yet.
#[test]
fn a_part_without_digests_has_its_logs() {
    let archive = Trail::new("audit", "2024-03-09T20:35:00Z", 8)
        .moves(3, "other-logs", "")
        .archive();
    let of = |bucket: &str, day: &str| {
        let mut part = days(&archive.store, &[day]);
        part.objects.retain(|at, _| at.0 == bucket);
        part
    };
    let stores = [
        ("a", of("audit-logs", "09")),
        ("b", of("other-logs", "09")),
        ("c", of("other-logs", "10")),
    ];
    assert!(stores.iter().all(|(_, part)| !part.objects.is_empty()));
    let outcome = folders(&stores).run();
    assert_eq!(outcome.exit, 0, "{:#}", outcome.report());
    let mut changed = stores.clone();
    let log = changed[1].1.keys().next().expect("a log").clone();
    changed[1].1.edit_content(&log, |it| it.push(b' '));
    let outcome = folders(&changed).run();
    assert_eq!(outcome.codes(), ["log-modified"], "{:#}", outcome.report());
}

/// Two copies that begin on the same day are judged each for itself, and what one of them lacks is told.
#[test]
fn copies_of_the_same_days_do_not_stand_in_for_each_other() {
    let archive = around_midnight();
    let log = of_the_day_before(&archive);
    let mut damaged = archive.store.clone();
    damaged.delete(&log);
    for args in [&[][..], &["--start-time", "2024-03-09T23:45:00Z"]] {
        let stores = [("a", archive.store.clone()), ("b", damaged.clone())];
        let outcome = folders(&stores).args(args).run();
        assert_eq!(outcome.codes(), ["log-missing"], "{:#}", outcome.report());
        // The part of a bucket beside a whole copy of it lacks nothing.
        let stores = [
            ("a", archive.store.clone()),
            ("b", days(&archive.store, &["10"])),
        ];
        let outcome = folders(&stores).args(args).run();
        assert_eq!(outcome.exit, 0, "{:#}", outcome.report());
        // Each copy of what it names is read.
        let mut modified = days(&archive.store, &["09"]);
        modified.edit_content(&log, |it| it.push(b' '));
        let stores = [
            ("a", archive.store.clone()),
            ("b", days(&archive.store, &["10"])),
            ("c", modified),
        ];
        let outcome = folders(&stores).args(args).run();
        assert_eq!(outcome.codes(), ["log-modified"], "{:#}", outcome.report());
    }
}

/// A log of one bucket that lies in a copy of another one is none of that.
#[test]
fn another_bucket_does_not_take_in_what_is_named_at_a_seam() {
    let archive = around_midnight();
    let log = of_the_day_before(&archive);
    let mut other = Trail::new("other", "2024-03-09T20:35:00Z", 8)
        .place("other-logs", "")
        .archive();
    let strange = ("other-logs".to_owned(), log.1.clone());
    other
        .store
        .objects
        .insert(strange.clone(), archive.store.get(&log).clone());
    let stores = [
        ("a", days(&archive.store, &["10"])),
        ("b", other.store.clone()),
    ];
    let outcome = folders(&stores).run();
    let told = outcome.codes();
    // The chain does not reach as far back as the other one, and what its first digest names is not there.
    let expected = ["log-unreferenced", "digest-missing", "log-missing"];
    assert_eq!(told, expected, "{:#}", outcome.report());
    assert_eq!(outcome.report()["findings"][0]["bucket"], "other-logs");
}

/// The range begins where a part does, and its first digest names a log of the day before: that lies in the other part.
#[test]
fn a_log_of_the_day_before_the_range_is_looked_for_in_its_part() {
    let archive = around_midnight();
    let log = of_the_day_before(&archive);
    let (newer, older) = (days(&archive.store, &["10"]), days(&archive.store, &["09"]));
    let mut deleted = older.clone();
    deleted.delete(&log);
    let mut modified = older.clone();
    modified.edit_content(&log, |it| it.push(b' '));
    let mut without_day = older.clone();
    let is_of_day = |at: &At| at.1.contains("/CloudTrail/us-east-1/2024/03/09/");
    without_day.objects.retain(|at, _| !is_of_day(at));
    for (older, told) in [
        (older, None),
        // Of the older part no digest is in the range, which would tell what bucket it is of.
        (deleted, Some("log-unreadable")),
        (modified, Some("log-modified")),
        // As in a copy that begins with the range.
        (without_day, None),
    ] {
        for names in [["a", "b"], ["b", "a"]] {
            // Nothing of the day before is listed.
            let stores = [(names[0], newer.clone()), (names[1], older.clone())];
            let case = folders(&stores).args(["--start-time", "2024-03-10T00:20:00Z"]);
            let outcome = case.run();
            let told: Vec<_> = told.into_iter().collect();
            assert_eq!(outcome.codes(), told, "{:#}", outcome.report());
        }
    }
}
