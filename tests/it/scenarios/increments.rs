//! Backups that each take what came since the one before, in folders of their own: they are cut within a day.

use std::collections::BTreeMap;

use super::common::{CHAIN, audit, in_chain, in_region};
use super::parts::folders;
use crate::{
    forge::{Archive, At, Place, Store, Time, Trail, plant::PlantedLog},
    harness::{Case, Expect},
};

const MINUTE: i64 = 60;

/// When an object came, as its name tells it: a digest comes half an hour after its end.
fn came(at: &At) -> Time {
    let delay = if at.1.contains("Digest") { 28 } else { 0 };
    let names = at.1.rsplit('_');
    let is_time = |name: &&str| name.starts_with("2024") && name.contains('T');
    let time = names.into_iter().find(is_time).expect("a time");
    let number = |range| -> &str { &time[range] };
    let (date, hour, minute) = (
        [number(0..4), number(4..6), number(6..8)].join("-"),
        number(9..11),
        number(11..13),
    );
    Time::parse(&format!("{date}T{hour}:{minute}:00Z")) + delay * MINUTE
}

/// The folders of backups that were made at these times, and last of what came after them.
fn increments(store: &Store, cuts: &[Time]) -> Vec<Store> {
    let mut parts: BTreeMap<usize, Store> = BTreeMap::new();
    for (at, object) in &store.objects {
        let number = cuts.iter().filter(|cut| came(at) > **cut).count();
        let part = parts.entry(number).or_default();
        part.objects.insert(at.clone(), object.clone());
    }
    parts.into_values().collect()
}

/// In folders whose names are in the order of time, or in the other.
fn in_order(parts: &[Store], is_reversed: bool) -> Case {
    let last = parts.len();
    let name = |at| format!("{:03}", if is_reversed { last - at } else { at });
    let names: Vec<_> = (0..last).map(name).collect();
    let stores: Vec<_> = names.iter().map(String::as_str).collect();
    let stores: Vec<_> = stores.into_iter().zip(parts.iter().cloned()).collect();
    folders(&stores)
}

fn cut(time: &str) -> Time {
    super::common::at(time)
}

fn every(minutes: i64, from: &str, times: i64) -> Vec<Time> {
    let first = cut(from);
    let cuts = (0..times).map(|number| first + number * minutes * MINUTE);
    cuts.collect()
}

fn two_days() -> Archive {
    let mut archive = Trail::new("audit", "2024-03-09T20:00:00Z", 30).archive();
    let other = Trail::new("other", "2024-03-09T20:20:00Z", 30).archive();
    archive.store.merge(other.store);
    archive
}

#[test]
fn nightly_increments_are_whole() {
    let archive = two_days();
    for time in ["10T00:20:00", "10T00:29:00", "10T02:13:00", "10T23:41:00"] {
        let parts = increments(&archive.store, &[cut(time)]);
        assert_eq!(parts.len(), 2);
        for (reversed, args) in [
            (false, &[][..]),
            (true, &[]),
            (false, &["--start-time", "2024-03-10"]),
            (true, &["--start-time", "2024-03-09T21:00:00Z"]),
        ] {
            let case = in_order(&parts, reversed).args(args);
            let outcome = case.run();
            assert_eq!(outcome.exit, 0, "{time}: {:#}", outcome.report());
        }
    }
}

/// Some have logs only, and the digests of an hour come two increments after its first logs.
#[test]
fn increments_of_less_than_an_hour_are_whole() {
    let archive = audit();
    let expect = Expect::clean(&archive);
    for minutes in [20, 60] {
        let parts = increments(&archive.store, &every(minutes, "10T01:13:00", 18));
        in_order(&parts, false).run().is(&expect);
    }
}

#[test]
fn a_log_deleted_before_the_cut_is_missing() {
    let mut archive = audit();
    let log = archive.log(2, 0);
    let expect = Expect::clean(&archive)
        .finding(in_chain("log-missing", &log).digest(&archive.digest(2)))
        .chain(CHAIN, |chain| chain.logs = [11, 0, 1, 0]);
    archive.store.delete(&log);
    let parts = increments(&archive.store, &[cut("10T02:10:00")]);
    assert!(!parts[0].contains(&archive.digest(2)) && parts[0].contains(&archive.digest(1)));
    in_order(&parts, false).run().is(&expect);
    in_order(&parts, true).run().is(&expect);
}

#[test]
fn a_log_modified_before_the_cut_is_modified() {
    let mut archive = audit();
    let log = archive.log(2, 0);
    let expect = Expect::clean(&archive)
        .finding(in_chain("log-modified", &log).digest(&archive.digest(2)))
        .chain(CHAIN, |chain| chain.logs = [11, 1, 0, 0]);
    archive.store.edit_content(&log, |it| it.push(b' '));
    let parts = increments(&archive.store, &[cut("10T02:10:00")]);
    in_order(&parts, false).run().is(&expect);
}

/// The digests of the later increment speak for the end of the earlier one, whether they name any of its logs or not.
#[test]
fn a_log_planted_before_the_cut_is_out_of_chain() {
    for empty in [&[][..], &[1]] {
        let mut archive = super::common::trail(6).empty(empty).archive();
        let expect = Expect::clean(&archive);
        let place = Place::new("audit-logs", "");
        let planted = PlantedLog::of(&archive.first().id, &place, cut("10T01:40:00"));
        let planted = planted.put(&mut archive.store);
        let expect = expect.finding(in_region("log-unreferenced", &planted));
        let parts = increments(&archive.store, &[cut("10T02:10:00")]);
        assert!(parts[0].contains(&planted));
        in_order(&parts, false).run().is(&expect);
    }
}

/// What came after the cut has to lie in the later one, whatever the earlier one has.
#[test]
fn an_increment_has_to_hold_what_came_after_the_cut() {
    let archive = audit();
    let log = archive.log(5, 0);
    let expect = Expect::clean(&archive)
        .finding(in_chain("log-missing", &log).digest(&archive.digest(5)))
        .chain(CHAIN, |chain| chain.logs = [12, 0, 1, 0]);
    let mut parts = increments(&archive.store, &[cut("10T02:10:00")]);
    let object = parts[1].objects.remove(&log).expect("a log");
    parts[0].objects.insert(log, object);
    in_order(&parts, false).run().is(&expect);
}

/// An older copy, as it was when an increment would have been cut, lends nothing to a whole one.
#[test]
fn a_whole_copy_is_no_increment() {
    let archive = audit();
    let log = archive.log(2, 0);
    let older = increments(&archive.store, &[cut("10T02:10:00")]).remove(0);
    assert!(older.contains(&log) && !older.contains(&archive.digest(2)));
    let mut damaged = archive.store.clone();
    damaged.delete(&log);
    for args in [
        &[][..],
        &["--start-time", "2024-03-10T01:30:00Z"],
        &["--start-time", "2024-03-10"],
    ] {
        for names in [["a", "b"], ["b", "a"]] {
            let stores = [(names[0], damaged.clone()), (names[1], older.clone())];
            let outcome = folders(&stores).args(args).run();
            assert_eq!(outcome.codes(), ["log-missing"], "{:#}", outcome.report());
        }
    }
}

/// The newer bucket's digests speak for no log of the older one, of which none is read.
#[test]
fn another_bucket_is_no_earlier_increment() {
    let mut archive = super::common::trail(8).moves(3, "new-logs", "").archive();
    let place = Place::new("audit-logs", "");
    let planted = PlantedLog::of(&archive.first().id, &place, cut("10T03:40:00"));
    planted.put(&mut archive.store);
    let of = |bucket: &str| {
        let mut part = archive.store.clone();
        part.objects.retain(|at, _| at.0 == bucket);
        part
    };
    let stores = [("new", of("new-logs")), ("old", of("audit-logs"))];
    let case = folders(&stores).args(["--start-time", "2024-03-10T03:20:00Z"]);
    let outcome = case.run();
    assert_eq!(outcome.codes(), ["log-uncovered"], "{:#}", outcome.report());
    assert_eq!(outcome.exit, 3);
}

/// A backfill digest comes a night later than what it names, and the range ends before the hourly digests of that night.
#[test]
fn a_backfill_digest_of_the_next_night_finds_its_logs() {
    let archive = super::common::trail(30).backfill(&[18]).archive();
    let is_late = |at: &At| at.1.contains("_backfill") || came(at) > cut("11T03:00:00");
    let mut parts = [archive.store.clone(), archive.store.clone()];
    parts[0].objects.retain(|at, _| !is_late(at));
    parts[1].objects.retain(|at, _| is_late(at));
    for args in [&[][..], &["--end-time", "2024-03-11"]] {
        let outcome = in_order(&parts, false).args(args).run();
        assert_eq!(outcome.exit, 0, "{args:?}: {:#}", outcome.report());
    }
}
