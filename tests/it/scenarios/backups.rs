//! Backups of one bucket beside each other, some of them older, and some with digests and logs in folders of their own.

use super::parts::{SEAM, around_midnight, days, folders, of_the_day_before};
use crate::{
    forge::{Archive, At, Json, Sign, Store, TestKey, Trail},
    harness::Outcome,
};

/// Two trails of one bucket, whose digests end at 35 past and at the full hour.
fn two_trails() -> Archive {
    let mut archive = around_midnight();
    let other = Trail::new("other", "2024-03-09T20:00:00Z", 8).archive();
    archive.store.objects.extend(other.store.objects);
    archive
}

/// What the bucket held at a time: digests come after their hour, and logs minutes after the time in their names.
fn held_by(store: &Store, time: &str) -> Store {
    let mut part = store.clone();
    let digests = time.replace("T03", "T02");
    part.objects.retain(|at, _| {
        let is_digest = at.1.contains("/CloudTrail-Digest/");
        let name = at.1.rsplit('/').next().unwrap_or_default();
        let time = if is_digest { &*digests } else { time };
        let stamp = name.split('_').find(|it| it.starts_with("2024"));
        stamp.is_some_and(|stamp| stamp < time)
    });
    part
}

/// The older backup ends within an hour, of which only the newer one has the digests.
#[test]
fn backups_of_two_nights_are_whole_beside_each_other() {
    let archive = two_trails();
    let older = || held_by(&archive.store, "20240310T0320");
    assert!(older().objects.len() < archive.store.objects.len());
    for names in [["a", "b"], ["b", "a"]] {
        let [new, old] = names;
        let stores = [(new, archive.store.clone()), (old, older())];
        let outcome = folders(&stores).run();
        assert_eq!(outcome.exit, 0, "{:#}", outcome.report());
        // Each of them is read.
        let mut changed = older();
        let newest = changed.keys().filter(|at| at.1.contains("/CloudTrail/"));
        let newest = newest.max().expect("a log").clone();
        changed.edit_content(&newest, |it| it.push(b' '));
        let stores = [(new, archive.store.clone()), (old, changed)];
        let outcome = folders(&stores).run();
        assert_eq!(outcome.codes(), ["log-modified"], "{:#}", outcome.report());
    }
}

/// What a store has of one sort.
fn only(store: &Store, folder: &str) -> Store {
    let mut part = store.clone();
    part.objects.retain(|at, _| at.1.contains(folder));
    part
}

/// The newest log of a store, changed there.
fn change_newest(store: &mut Store) {
    let logs = store.keys().filter(|at| at.1.contains("/CloudTrail/"));
    let newest = logs.max().expect("a log").clone();
    store.edit_content(&newest, |it| it.push(b' '));
}

#[track_caller]
fn tells(outcome: &Outcome, code: &str) {
    let told = outcome.codes();
    assert!(told.contains(&code.to_owned()), "{:#}", outcome.report());
    assert_eq!(outcome.exit, 1);
}

/// Digests and logs apart are whole together, whatever lies beside them and comes first; and all of it is read.
#[test]
fn a_whole_backup_lies_beside_digests_and_logs_apart() {
    let one = around_midnight();
    for archive in [&one, &two_trails()] {
        let store = &archive.store;
        let digests = only(store, "/CloudTrail-Digest/");
        let logs = only(store, "/CloudTrail/");
        for backup in [store.clone(), held_by(store, "20240310T0320")] {
            for names in [["a", "b", "c"], ["c", "a", "b"], ["b", "c", "a"]] {
                let [first, second, third] = names;
                let beside = |backup| {
                    folders(&[
                        (first, backup),
                        (second, digests.clone()),
                        (third, logs.clone()),
                    ])
                    .run()
                };
                let outcome = beside(backup.clone());
                assert_eq!(outcome.exit, 0, "{names:?} {:#}", outcome.report());
                assert_eq!(outcome.codes(), [""; 0], "{names:?}");
                let mut changed = backup.clone();
                change_newest(&mut changed);
                tells(&beside(changed), "log-modified");
            }
        }
    }
}

/// A trail that moved to another bucket in its last hour, and whose first digest there names a log of the old one.
fn named_in_the_old_bucket() -> (Archive, At) {
    let trail = Trail::new("audit", "2024-03-10T00:35:00Z", 6);
    let mut archive = trail.moves(5, "new-logs", "").archive();
    let newest = archive.first().digests.last().expect("a digest");
    let (digest, named) = (newest.at.clone(), newest.logs[0].clone());
    assert_eq!(named.0, "new-logs");
    let old: At = ("audit-logs".to_owned(), named.1.clone());
    let object = archive.store.objects.remove(&named).expect("the log");
    archive.store.objects.insert(old.clone(), object);
    archive.edit_digest(&digest, Sign::With(TestKey::a()), |doc| {
        doc.set_log(0, "s3Bucket", Json::text("audit-logs"));
    });
    (archive, old)
}

/// Each copy of a log that a digest names in another bucket is read; one that lies in some folder beside stands in
/// for none.
#[test]
fn each_copy_of_a_log_named_in_another_bucket_is_read() {
    let (archive, log) = named_in_the_old_bucket();
    let of = |bucket: &str| {
        let mut part = archive.store.clone();
        part.objects.retain(|at, _| at.0 == bucket);
        part
    };
    let (old, new) = (of("audit-logs"), of("new-logs"));
    let mut alone = old.clone();
    alone.objects.retain(|at, _| *at == log);
    let mut changed = old.clone();
    changed.edit_content(&log, |it| it.push(b' '));
    for beside in [alone, old.clone()] {
        for names in [["a", "b", "c"], ["b", "a", "c"], ["c", "b", "a"]] {
            let [first, second, third] = names;
            let run = |old: &Store| {
                folders(&[
                    (first, old.clone()),
                    (second, beside.clone()),
                    (third, new.clone()),
                ])
                .run()
            };
            let outcome = run(&old);
            assert_eq!(outcome.exit, 0, "{names:?} {:#}", outcome.report());
            assert_eq!(outcome.codes(), [""; 0], "{names:?}");
            tells(&run(&changed), "log-modified");
        }
    }
}

/// What only excuses no part is read in it all the same.
#[test]
fn a_copy_of_a_log_in_a_part_that_begins_later_is_read() {
    let archive = two_trails();
    let log = of_the_day_before(&archive);
    let mut beside = days(&archive.store, &["10"]);
    beside.objects.retain(|at, _| {
        at.1.contains("_other_") && at.1.contains("20240310T00") || at.1.contains("/CloudTrail/")
    });
    beside.objects.retain(|at, _| at.1.contains("-Digest/"));
    assert!(!beside.objects.is_empty());
    let object = archive.store.get(&log).clone();
    beside.objects.insert(log.clone(), object);
    let parts = |beside: &Store| {
        folders(&[
            ("a", days(&archive.store, &["09"])),
            ("b", days(&archive.store, &["10"])),
            ("c", beside.clone()),
        ])
        .run()
    };
    let outcome = parts(&beside);
    assert_eq!(outcome.exit, 0, "{:#}", outcome.report());
    assert_eq!(outcome.codes(), [""; 0]);
    beside.edit_content(&log, |it| it.push(b' '));
    tells(&parts(&beside), "log-modified");
}

/// Insight logs may lie in a further folder.
#[test]
fn a_log_under_an_unusual_path_lies_in_the_part_of_its_day() {
    let mut archive = Trail::new("audit", "2024-03-09T20:35:00Z", 4).archive();
    let log = of_the_day_before(&archive);
    let digest = archive.first().digests[SEAM].clone();
    let number = digest.logs.iter().position(|it| *it == log);
    let further = log.1.replace("/2024/", "/Further/2024/");
    let object = archive.store.objects.remove(&log).expect("the log");
    let moved: At = (log.0.clone(), further.clone());
    archive.store.objects.insert(moved.clone(), object);
    archive.edit_digest(&digest.at, Sign::With(TestKey::a()), |doc| {
        doc.set_log(number.unwrap(), "s3Object", Json::text(further));
    });
    let parts = |older: Store| {
        let newer = days(&archive.store, &["10"]);
        folders(&[("a", newer), ("b", older)]).run()
    };
    let older = days(&archive.store, &["09"]);
    let outcome = parts(older.clone());
    assert_eq!(outcome.exit, 0, "{:#}", outcome.report());
    let mut changed = older.clone();
    changed.edit_content(&moved, |it| it.push(b' '));
    tells(&parts(changed), "log-modified");
    let mut deleted = older;
    deleted.delete(&moved);
    tells(&parts(deleted), "log-missing");
}
