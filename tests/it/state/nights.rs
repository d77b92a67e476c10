//! What a night reads, and what it leaves for the next one.

use super::Nights;
use crate::forge::{TestKey, Trail};
use crate::scenarios::common::trail;

#[test]
fn a_night_reads_what_is_new_and_the_hour_before() {
    let archive = trail(24 * 9).archive();
    let nights = Nights::new();
    let first = nights.first(&archive, "2024-03-18");
    // Eight days, the starting digest, and digests up to two hours past the end.
    assert_eq!(first.gets, 8 * 24 * 3 + 1 + 2);
    let second = nights.night(&archive, None, "2024-03-19");
    assert_eq!(second.exit, 0, "{:#}", second.report);
    assert_eq!(second.report["requested"]["start"], "2024-03-17T23:00:00Z");
    // A day and an hour; and the digest before, which may name logs at its edge.
    assert_eq!(second.gets, 25 * 3 + 1);
}

#[test]
fn many_nights_in_a_row() {
    let archive = trail(24 * 5).regions(&["us-east-1", "eu-west-1"]).archive();
    let nights = Nights::new();
    nights.first(&archive, "2024-03-11T02:30:00Z");
    for end in [
        "2024-03-11T02:30:00Z",
        "2024-03-12T02:30:00Z",
        "2024-03-13T02:29:59Z",
        "2024-03-14",
    ] {
        let night = nights.night(&archive, None, end);
        assert_eq!(night.exit, 0, "{:#}", night.report);
    }
}

#[test]
fn a_start_that_is_given_again_is_that_of_the_first_night() {
    let archive = trail(48).archive();
    let nights = Nights::new();
    nights.first(&archive, "2024-03-11");
    let second = nights.night(&archive, Some("2024-03-10"), "2024-03-12");
    assert_eq!(second.report["requested"]["start"], "2024-03-10T23:00:00Z");
    assert_eq!(second.exit, 0, "{:#}", second.report);
}

#[test]
fn a_run_that_is_asked_for_less_forgets_nothing() {
    let mut archive = trail(48).archive();
    let nights = Nights::new();
    nights.first(&archive, "2024-03-11");
    let before = nights.text();
    let shorter = nights.night(&archive, None, "2024-03-10T23:30:00Z");
    assert_eq!(shorter.exit, 0, "{:#}", shorter.report);
    assert_eq!(nights.text(), before);
    let remembered = archive.digest(24);
    archive.store.delete(&remembered);
    let next = nights.night(&archive, None, "2024-03-12");
    next.finding("digest-missing", &remembered);
}

#[test]
fn a_night_that_is_not_valid_leaves_the_state_as_it_was() {
    let mut archive = trail(48).archive();
    let nights = Nights::new();
    nights.first(&archive, "2024-03-11");
    let before = nights.text();
    let log = archive.log(30, 0);
    let body = archive.store.get(&log).body.clone();
    archive.store.edit_text(&log, "\"", "'");
    let second = nights.night(&archive, None, "2024-03-12");
    assert_eq!(second.exit, 1, "{:#}", second.report);
    assert_eq!(nights.text(), before);
    // Once it is mended the next night verifies it.
    archive.store.replace_body(&log, body);
    let third = nights.night(&archive, None, "2024-03-12");
    assert_eq!(third.exit, 0, "{:#}", third.report);
    assert_eq!(third.report["requested"]["start"], "2024-03-10T23:00:00Z");
    assert_ne!(nights.text(), before);
}

#[test]
fn a_first_night_that_is_not_valid_writes_none() {
    let mut archive = trail(24).archive();
    let log = archive.log(3, 0);
    archive.store.delete(&log);
    let nights = Nights::new();
    let first = nights.night(&archive, Some("2024-03-10"), "2024-03-11");
    assert_eq!(first.exit, 1);
    assert!(!nights.file().exists());
}

#[test]
fn of_two_chains_the_valid_one_goes_on() {
    let mut archive = trail(72).regions(&["us-east-1", "eu-west-1"]).archive();
    let nights = Nights::new();
    let log = archive.log(3, 0);
    let object = archive.store.delete(&log);
    let first = nights.night(&archive, Some("2024-03-10"), "2024-03-11");
    assert_eq!(first.exit, 1, "{:#}", first.report);
    let second = nights.night(&archive, None, "2024-03-12");
    assert_eq!(second.exit, 1, "{:#}", second.report);
    // What was never valid is verified from where the first night began.
    assert_eq!(second.report["requested"]["start"], "2024-03-10T00:00:00Z");
    second.finding("log-missing", &log);
    crate::forge::Sink::put(&mut archive, log, object);
    let third = nights.night(&archive, None, "2024-03-12");
    assert_eq!(third.exit, 0, "{:#}", third.report);
    let fourth = nights.night(&archive, None, "2024-03-13");
    assert_eq!(fourth.report["requested"]["start"], "2024-03-11T23:00:00Z");
    assert_eq!(fourth.exit, 0, "{:#}", fourth.report);
}

#[test]
fn a_new_chain_is_followed_to_its_beginning() {
    let old = trail(48).archive();
    let mut archive = trail(72).archive();
    let nights = Nights::new();
    nights.first(&old, "2024-03-12");
    let younger = Trail::new("younger", "2024-03-11T00:00:00Z", 48)
        .seed(7)
        .archive();
    archive.store.merge(younger.store.clone());
    let second = nights.night(&archive, None, "2024-03-13");
    assert_eq!(second.exit, 0, "{:#}", second.report);
    let chain = &second.report["chains"][1];
    assert_eq!(chain["trail"], "younger");
    // All that it ever had, though the night begins on the 12th.
    assert_eq!(chain["digests"]["valid"], 49, "{chain:#}");
    assert_eq!(chain["logs"]["valid"], 96);

    let nights = Nights::new();
    nights.first(&old, "2024-03-12");
    let gone = younger.digest(5);
    archive.store.delete(&gone);
    let second = nights.night(&archive, None, "2024-03-13");
    assert_eq!(second.exit, 1, "{:#}", second.report);
    second.finding("digest-missing", &gone);
}

/// Else the first night that sees a chain would vouch for what nobody ever looked at.
#[test]
fn a_new_chain_misses_its_oldest_log_too() {
    let old = trail(48).archive();
    let younger = Trail::new("younger", "2024-03-11T00:00:00Z", 48)
        .seed(7)
        .archive();
    let mut archive = trail(72).archive();
    archive.store.merge(younger.store.clone());
    let gone = younger.log(2, 0);
    archive.store.delete(&gone);
    let nights = Nights::new();
    nights.first(&old, "2024-03-12");
    let second = nights.night(&archive, None, "2024-03-13");
    assert_eq!(second.exit, 1, "{:#}", second.report);
    second.finding("log-missing", &gone);
}

#[test]
fn a_chain_that_ended_long_ago_costs_no_more_than_its_last_digest() {
    let mut archive = trail(24 * 3).archive();
    let ended = Trail::new("ended", "2024-03-10T00:00:00Z", 10)
        .rotate(0, TestKey::b())
        .seed(3)
        .archive();
    archive.store.merge(ended.store.clone());
    let nights = Nights::new();
    let run = |start, end| {
        let mut arguments = nights.arguments(start, end);
        arguments.extend(["--allow".to_owned(), "coverage-ends-early".to_owned()]);
        let served = crate::s3::served::Served::new(&archive).args(arguments);
        let report = served.run("s3://audit-logs");
        assert_eq!(report["verdict"], "valid", "{report:#}");
        let gets = served
            .server
            .log()
            .count(crate::server::Operation::GetObject);
        (report, gets)
    };
    run(Some("2024-03-10"), "2024-03-12");
    let (report, gets) = run(None, "2024-03-13");
    // Two hours before the last night's end, and one more; and the last digest of the chain that ended.
    assert_eq!(report["requested"]["start"], "2024-03-11T21:00:00Z");
    assert_eq!(gets, 27 * 3 + 1 + 1);
}
