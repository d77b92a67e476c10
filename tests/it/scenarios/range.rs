//! Ranges that cut through a chain, and the options that narrow what is verified.

use super::common::{CHAIN, at, in_chain, in_region, trail};
use crate::{
    forge::{Archive, At, Json, Logs, Place, Sign, TestKey, Time, Trail, plant::PlantedLog},
    harness::{Case, Chain, Expect, code},
};

const START: &str = "2024-03-10T02:00:00Z";
const END: &str = "2024-03-10T04:00:00Z";

/// Eight hours; digests 3 and 4 are those of [`START`] to [`END`], 2 is context below, 5 and 6 above.
fn archive() -> Archive {
    trail(8).archive()
}

/// What is expected of the chain in a range.
fn expect(archive: &Archive, start: &str, end: &str, digests: u64, logs: u64) -> Expect {
    let expect = Expect::clean(archive).requested(start, end);
    let (start, end) = expect.requested.unwrap();
    expect.chain(CHAIN, |chain| {
        chain.digests[0] = digests;
        chain.logs[0] = logs;
        chain.covered = vec![(start, end)];
    })
}

#[test]
fn whole_hours() {
    let archive = archive();
    let expect = expect(&archive, START, END, 2, 4);
    Case::new(archive).range(START, END).run().is(&expect);
}

#[test]
fn half_hours() {
    // Digests of 02-03, 03-04 and 04-05 reach into it, and all that they name is verified.
    let (start, end) = ("2024-03-10T02:30:00Z", "2024-03-10T04:30:00Z");
    let archive = archive();
    let expect = expect(&archive, start, end, 3, 6);
    Case::new(archive).range(start, end).run().is(&expect);
}

#[test]
fn less_than_an_hour() {
    let (start, end) = ("2024-03-10T02:10:00Z", "2024-03-10T02:30:00Z");
    let archive = archive();
    let expect = expect(&archive, start, end, 1, 2);
    Case::new(archive).range(start, end).run().is(&expect);
}

#[test]
fn the_same_range_written_in_other_ways() {
    let ranges = [
        ("2024-03-10T03:00:00+01:00", "2024-03-09T23:00:00-05:00"),
        ("2024-03-10T02:00:00.000Z", "2024-03-10T04:00:00Z"),
        ("20240310T020000Z", "20240310T040000Z"),
        ("2024-03-10t02:00:00z", "2024-03-10T07:45:00+03:45"),
    ];
    for (start, end) in ranges {
        let archive = archive();
        let expect = expect(&archive, START, END, 2, 4);
        Case::new(archive).range(start, end).run().is(&expect);
    }
}

#[test]
fn a_date_is_midnight_in_utc() {
    let archive = Trail::new("audit", "2024-03-09T22:00:00Z", 28).archive();
    let expect = expect(
        &archive,
        "2024-03-10T00:00:00Z",
        "2024-03-11T00:00:00Z",
        24,
        48,
    );
    Case::new(archive)
        .range("2024-03-10", "2024-03-11")
        .run()
        .is(&expect);
}

#[test]
fn a_log_at_the_edge_named_by_the_next_digest() {
    let mut trail = trail(8);
    // Each hour's first log is dated ten minutes before the hour: the digest of 04-05 names one of 03:50.
    trail.early_minutes = 10;
    let archive = trail.archive();
    let expect = expect(&archive, START, END, 2, 5);
    Case::new(archive.clone())
        .range(START, END)
        .run()
        .is(&expect);

    let mut archive = archive;
    let digest = archive.first().digests[5].clone();
    let log = digest
        .logs
        .iter()
        .find(|log| log.1.contains("T0350Z"))
        .unwrap();
    archive.store.delete(log);
    let expect = expect
        .finding(in_chain("log-missing", log).digest(&digest.at))
        .chain(CHAIN, |chain| chain.logs = [4, 0, 1, 0]);
    Case::new(archive).range(START, END).run().is(&expect);
}

#[test]
fn a_copy_cut_by_days_misses_nothing_of_its_days() {
    let mut trail = Trail::new("audit", "2024-03-09T20:00:00Z", 8);
    // The first digest of the day names a log of ten minutes before midnight, which lies in the folder of the day before.
    trail.early_minutes = 10;
    let mut archive = trail.archive();
    let before: Vec<_> = archive
        .store
        .keys()
        .filter(|at| at.1.contains("/2024/03/09/"))
        .cloned()
        .collect();
    for at in before {
        archive.store.delete(&at);
    }
    let day = ["2024-03-10T00:00:00Z", "2024-03-10T04:00:00Z"];
    let report = Case::new(archive.clone())
        .range(day[0], day[1])
        .run()
        .report();
    assert_eq!(report["verdict"], "valid", "{report:#}");
    assert_eq!(report["findings"], serde_json::json!([]));
    // The digest that ends at midnight lies in the day's folder, and names logs of the day before.
    let report = Case::new(archive.clone())
        .only_in_a_folder("a bucket has no range of its own")
        .run()
        .report();
    assert_eq!(report["verdict"], "valid", "{report:#}");
    assert_eq!(report["requested"]["start"], day[0]);
    assert_eq!(report["findings"], serde_json::json!([]));
    // What is of the day itself is missed all the same.
    let log = archive.first().digests[6].logs[0].clone();
    archive.store.delete(&log);
    for case in [
        Case::new(archive.clone()),
        Case::new(archive.clone()).range(day[0], day[1]),
    ] {
        let report = case.run().report();
        assert_eq!(report["findings"][0]["code"], "log-missing", "{report:#}");
    }
}

/// Logs of the day before or after that the digest of the hour around midnight names: where one of them is there, this
/// is no copy cut by days.
#[test]
fn a_log_beside_the_range_is_missed_among_others() {
    let mut trail = Trail::new("audit", "2024-03-09T20:35:00Z", 8);
    trail.logs = Logs::Each(8);
    let archive = trail.archive();
    let named = &archive.first().digests[4].logs;
    let of = |day: &str| named.iter().find(|at| at.1.contains(day)).unwrap();
    let before = of("/2024/03/09/");
    let after = of("/2024/03/10/");
    for (log, range) in [
        (before, ["--start-time", "2024-03-10T00:00:00Z"]),
        (before, ["--start-time", "2024-03-10T00:30:00Z"]),
        (after, ["--end-time", "2024-03-10T00:00:00Z"]),
    ] {
        let mut damaged = archive.clone();
        damaged.store.delete(log);
        let run = |archive: &Archive| Case::new(archive.clone()).args(range).run();
        let outcome = run(&damaged);
        let told = outcome.codes();
        assert_eq!(told, ["log-missing"], "{range:?} {:#}", outcome.report());
        assert_eq!(run(&archive).exit, 0, "{range:?}");
    }
}

/// Logs that came late are dated days before the range, where nothing is listed.
#[test]
fn a_log_of_days_before_the_range_is_missed_among_others() {
    let day = ["2024-03-10T00:00:00Z", "2024-03-10T04:00:00Z"];
    let mut trail = Trail::new("audit", day[0], 4);
    trail.early_minutes = 40 * 60;
    let archive = trail.archive();
    let digests = archive.first().digests.iter();
    let logs = digests.flat_map(|digest| digest.logs.iter().map(|log| (log, &digest.at)));
    let late: Vec<_> = logs
        .filter(|(log, _)| log.1.contains("/2024/03/08/"))
        .collect();
    let mut cut = archive.clone();
    for (log, _) in &late {
        cut.store.delete(log);
    }
    let clean = || expect(&archive, day[0], day[1], 4, 8);
    let run = |archive: &Archive, expect: &Expect| {
        let case = Case::new(archive.clone()).range(day[0], day[1]);
        case.run().is(expect);
    };
    run(&archive, &clean());
    // As in a copy of the days of the range: nothing of the logs' own day is there, whatever else is.
    let without = clean().chain(CHAIN, |chain| chain.logs = [4, 0, 0, 0]);
    run(&cut, &without);
    let plant = |archive: &mut Archive, time: &str| {
        let place = Place::new("audit-logs", "");
        let log = PlantedLog::of(&archive.first().id, &place, Time::parse(time));
        log.put(&mut archive.store);
    };
    plant(&mut cut, "2024-03-07T12:00:00Z");
    run(&cut, &without);
    // Nor is it where somebody wrote something else there.
    let (bucket, key) = late[0].0;
    let (day, _) = key.rsplit_once('/').unwrap();
    let note = cut.store.get(late[0].1).clone();
    cut.store
        .objects
        .insert((bucket.clone(), format!("{day}/readme.txt")), note);
    run(&cut, &without);
    plant(&mut cut, "2024-03-08T12:00:00Z");
    let missing = late.iter().fold(clean(), |expect, (log, digest)| {
        expect.finding(in_chain("log-missing", log).digest(digest))
    });
    run(
        &cut,
        &missing.chain(CHAIN, |chain| chain.logs = [4, 0, 4, 0]),
    );
}

#[test]
fn a_first_day_without_its_logs_is_missed() {
    let mut archive = Trail::new("audit", "2024-03-09T20:00:00Z", 8).archive();
    let logs: Vec<_> = archive
        .store
        .keys()
        .filter(|at| at.1.contains("/CloudTrail/us-east-1/2024/03/09/"))
        .cloned()
        .collect();
    for at in &logs {
        archive.store.delete(at);
    }
    let report = Case::new(archive).run().report();
    let missing = report["findings"].as_array().unwrap().iter();
    assert_eq!(
        missing
            .filter(|finding| finding["code"] == "log-missing")
            .count(),
        logs.len()
    );
}

#[test]
fn what_is_wrong_outside_the_range_is_no_finding() {
    let mut archive = archive();
    let expect = expect(&archive, START, END, 2, 4);
    let id = archive.first().id.clone();
    for time in ["10T01:30:00", "10T04:30:00", "10T07:30:00"] {
        PlantedLog::of(&id, &Place::new("audit-logs", ""), at(time)).put(&mut archive.store);
    }
    let (below, above) = (archive.log(1, 0), archive.log(6, 1));
    archive.store.delete(&below);
    archive.store.edit_content(&above, |it| it.push(b' '));
    // Context is read, but its own faults are nobody's question.
    for index in [1, 2, 5, 6, 8] {
        let digest = archive.digest(index);
        archive.edit_digest(&digest, Sign::Keep, |doc| {
            doc.set("oldestEventTime", Json::Null);
        });
    }
    Case::new(archive).range(START, END).run().is(&expect);
}

#[test]
fn what_is_wrong_inside_the_range_is() {
    let mut archive = archive();
    let expect = expect(&archive, START, END, 2, 3);
    let id = archive.first().id.clone();
    let planted = PlantedLog::of(&id, &Place::new("audit-logs", ""), at("10T03:50:00"))
        .put(&mut archive.store);
    let log = archive.log(4, 0);
    archive.store.delete(&log);
    let expect = expect
        .finding(in_region("log-unreferenced", &planted))
        .finding(in_chain("log-missing", &log).digest(&archive.digest(4)))
        .chain(CHAIN, |chain| chain.logs[2] = 1);
    Case::new(archive).range(START, END).run().is(&expect);
}

#[test]
fn a_digest_missing_at_the_edges_of_the_range() {
    // Just below the range: not asked for.
    let mut below = archive();
    let expect_clean = expect(&below, START, END, 2, 4);
    let digest = below.digest(2);
    below.store.delete(&digest);
    Case::new(below).range(START, END).run().is(&expect_clean);
    // The last of the range: a digest beyond it names it.
    let mut last = archive();
    let digest = last.digest(4);
    let expect = expect(&last, START, END, 1, 2)
        .finding(in_chain("digest-missing", &digest).digest(&last.digest(5)))
        .findings((0..2).map(|log| in_region("log-uncovered", &last.log(4, log))))
        .chain(CHAIN, |chain| {
            chain.digests[2] = 1;
            chain.gap(at("10T03:00:00"), at("10T04:00:00"), "digest-missing");
        });
    last.store.delete(&digest);
    Case::new(last).range(START, END).run().is(&expect);
}

#[test]
fn all_digests_of_the_range_deleted() {
    let mut archive = archive();
    for index in [3, 4] {
        let digest = archive.digest(index);
        archive.store.delete(&digest);
    }
    let report = Case::new(archive).range(START, END).run().report();
    let codes: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["code"])
        .collect();
    assert!(codes.contains(&&"digest-missing".into()), "{report:#}");
    assert_eq!(
        codes
            .iter()
            .filter(|code| **code == "log-uncovered")
            .count(),
        4,
        "{report:#}"
    );
}

#[test]
fn a_break_inside_the_range_tells_only_what_was_asked_for() {
    let mut archive = archive();
    let expect = expect(&archive, START, "2024-03-10T08:00:00Z", 5, 10)
        .finding(
            in_chain("digest-missing", &archive.digest(3))
                .says("2024-03-10T02:00:00Z")
                .says("2024-03-10T03:00:00Z"),
        )
        .findings((0..2).map(|log| in_region("log-uncovered", &archive.log(3, log))))
        .chain(CHAIN, |chain| {
            chain.digests[2] = 1;
            chain.gap(at("10T02:00:00"), at("10T03:00:00"), "digest-missing");
        });
    for index in [1, 2, 3] {
        let digest = archive.digest(index);
        archive.store.delete(&digest);
    }
    Case::new(archive)
        .range(START, "2024-03-10T08:00:00Z")
        .run()
        .is(&expect);
}

#[test]
fn a_newest_digest_that_only_its_successor_beyond_the_range_proves() {
    let mut archive = archive();
    let digest = archive.digest(4);
    archive.store.clear_metadata(&digest);
    let expect =
        expect(&archive, START, END, 2, 4).finding(code("signature-from-successor").chain(CHAIN));
    Case::new(archive).range(START, END).run().is(&expect);
}

fn several() -> Archive {
    let mut archive = trail(3)
        .accounts(&["111122223333", "444455556666"])
        .regions(&["us-east-1", "eu-west-1"])
        .archive();
    Trail::new("other", "2024-03-10T00:00:00Z", 3).deliver(&mut archive);
    archive
}

fn only(archive: &Archive, keep: impl Fn(&Chain) -> bool) -> Expect {
    let mut expect = Expect::clean(archive);
    expect.chains.retain(|chain| keep(chain));
    assert!(!expect.chains.is_empty() && expect.chains.len() < archive.chains.len());
    expect
}

#[test]
fn only_an_account() {
    let archive = several();
    let expect = only(&archive, |chain| chain.id.account == "444455556666");
    Case::new(archive)
        .args(["--account", "444455556666"])
        .run()
        .is(&expect);
}

#[test]
fn only_a_region() {
    let archive = several();
    let expect = only(&archive, |chain| chain.id.region == "eu-west-1");
    Case::new(archive)
        .args(["--region", "eu-west-1"])
        .run()
        .is(&expect);
}

#[test]
fn only_a_trail() {
    let archive = several();
    let expect = only(&archive, |chain| chain.id.trail == "other");
    Case::new(archive)
        .args(["--trail", "other"])
        .run()
        .is(&expect);
}

#[test]
fn only_several_at_once() {
    let archive = several();
    let expect = only(&archive, |chain| {
        chain.id.region == "us-east-1" && chain.id.trail == "audit"
    });
    let narrow = [
        "--account",
        "111122223333",
        "--account",
        "444455556666",
        "--region",
        "us-east-1",
        "--trail",
        "audit",
    ];
    Case::new(archive).args(narrow).run().is(&expect);
}

#[test]
fn only_what_is_not_there() {
    for narrow in [
        ["--account", "000000000000"],
        ["--region", "mars-north-1"],
        ["--trail", "none"],
    ] {
        let outcome = Case::new(several()).args(narrow).run();
        outcome.is(&Expect::nothing().finding(code("no-digests")));
    }
}

/// What lies beside the range makes nothing of what was asked for be there.
#[test]
fn what_is_asked_for_by_name_and_lies_beside_the_range() {
    let mut archive = several();
    let chains = archive.chains.clone();
    for chain in chains
        .iter()
        .filter(|chain| chain.id.account == "444455556666")
    {
        for digest in &chain.digests[..3] {
            archive.store.delete(&digest.at);
            for log in &digest.logs {
                archive.store.delete(log);
            }
        }
        archive
            .store
            .replace_body(&chain.digests[3].at, b"junk".to_vec());
    }
    let outcome = Case::new(archive)
        .args(["--account", "111122223333", "--account", "444455556666"])
        .range("2024-03-10T00:00:00Z", "2024-03-10T01:30:00Z")
        .run();
    let report = outcome.report();
    assert_eq!(outcome.exit, 3, "{report:#}");
    let message = report["findings"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("no digest of account 444455556666"),
        "{report:#}"
    );
}

/// The next digest that is left lies beyond the range, and is read for the names of logs.
#[test]
fn what_is_gone_from_the_range_and_beyond_its_end() {
    for (first, end) in [(4, "05:00"), (2, "05:00"), (6, "05:30"), (5, "05:00")] {
        let mut archive = trail(12).archive();
        for digest in &archive.first().clone().digests[first..=6] {
            archive.store.delete(&digest.at);
            for log in &digest.logs {
                archive.store.delete(log);
            }
        }
        let newest_gone = archive.digest(6);
        let end = format!("2024-03-10T{end}:00Z");
        let outcome = Case::new(archive).range("2024-03-10T00:00:00Z", &end).run();
        let report = outcome.report();
        assert_eq!(outcome.exit, 1, "{report:#}");
        let finding = &report["findings"][0];
        assert_eq!(finding["code"], "digest-missing", "{report:#}");
        assert_eq!(finding["key"], newest_gone.1.as_str());
    }
    // What is gone beyond the range is not asked for.
    let mut archive = trail(12).archive();
    let gone = archive.digest(6);
    archive.store.delete(&gone);
    let range = Case::new(archive).range("2024-03-10T00:00:00Z", "2024-03-10T05:00:00Z");
    assert_eq!(range.run().exit, 0);
}

/// A log of the range's first minutes may have the time of the minutes before; a copy cut by days has those too.
#[test]
fn a_log_that_is_named_in_the_range_and_dated_before_it() {
    let at_two = "2024-03-10T02:00:00Z";
    for (gone, exit) in [(false, 0), (true, 1)] {
        let mut archive = trail(6).archive();
        let log = archive.log(3, 0);
        let early = (log.0.clone(), log.1.replace("T0240Z", "T0155Z"));
        assert_ne!(early, log, "the log is dated otherwise");
        let object = archive.store.delete(&log);
        if !gone {
            archive.store.objects.insert(early.clone(), object);
        }
        let digest = archive.digest(3);
        archive.edit_digest(&digest, Sign::With(TestKey::a()), |doc| {
            doc.set_log(0, "s3Object", Json::text(early.1.clone()));
        });
        archive.relink(0, 3, None);
        let outcome = Case::new(archive)
            .range(at_two, "2024-03-10T06:00:00Z")
            .run();
        assert_eq!(outcome.exit, exit, "{:#}", outcome.report());
    }
}

#[test]
fn what_is_asked_for_by_name_and_is_not_there() {
    for (option, there, absent) in [
        ("--account", "111122223333", "999999999999"),
        ("--region", "us-east-1", "af-south-1"),
        ("--trail", "audit", "none"),
    ] {
        let args = [option, there, option, absent];
        let outcome = Case::new(several()).args(args).run();
        let report = outcome.report();
        assert_eq!(report["verdict"], "unverified", "{report:#}");
        let findings = report["findings"].as_array().unwrap();
        let told: Vec<_> = findings
            .iter()
            .filter(|it| it["severity"] != "notice")
            .collect();
        assert_eq!(told.len(), 1, "{report:#}");
        assert_eq!(told[0]["code"], "no-digests");
        let message = told[0]["message"].as_str().unwrap();
        assert!(message.contains(absent), "{message}");
    }
}

#[test]
fn faults_outside_what_is_asked_for_are_no_findings() {
    let mut archive = several();
    let expect = only(&archive, |chain| chain.id.account == "111122223333");
    let other = archive.chain("444455556666/us-east-1/audit").digests[2].clone();
    archive.store.delete(&other.at);
    archive.store.delete(&other.logs[0]);
    Case::new(archive)
        .args(["--account", "111122223333"])
        .run()
        .is(&expect);
}

#[test]
fn allow_and_deny_change_what_a_finding_weighs() {
    let mut archive = trail(6).archive();
    let log = archive.log(3, 0);
    let expect = Expect::clean(&archive)
        .finding(in_chain("log-missing", &log).severity("notice"))
        .chain(CHAIN, |chain| chain.logs = [11, 0, 1, 0]);
    archive.store.delete(&log);
    Case::new(archive.clone())
        .args(["--allow", "log-missing"])
        .run()
        .is(&expect);

    let gap = trail(3).restart(60, 3).archive();
    let expect = Expect::clean(&gap).finding(code("coverage-gap").chain(CHAIN).severity("invalid"));
    Case::new(gap)
        .args(["--deny", "coverage-gap"])
        .run()
        .is(&expect);
}

#[test]
fn what_nothing_verified_can_allow_is_not_valid() {
    // Nothing was verified: no allowing of findings makes that valid.
    let outcome = Case::new(Archive::default())
        .args(["--allow", "no-digests"])
        .run();
    assert_ne!(
        outcome.exit,
        0,
        "{}",
        String::from_utf8_lossy(&outcome.stdout)
    );
}

/// Eight hours around midnight in two regions. Of the first one everything in folders of the day before is deleted.
fn cut_in_one_region() -> Archive {
    let mut archive = Trail::new("audit", "2024-03-09T20:00:00Z", 8)
        .regions(&["us-east-1", "eu-west-1"])
        .archive();
    let cut = |at: &&At| at.1.contains("/us-east-1/2024/03/09/");
    let cut: Vec<_> = archive.store.keys().filter(cut).cloned().collect();
    for at in cut {
        archive.store.delete(&at);
    }
    archive
}

fn missing(report: &serde_json::Value, code: &str) -> usize {
    let findings = report["findings"].as_array().unwrap().iter();
    findings.filter(|finding| finding["code"] == code).count()
}

#[test]
fn a_day_that_other_regions_have_is_missed() {
    let report = Case::new(cut_in_one_region()).run().report();
    assert_eq!(report["verdict"], "invalid", "{report:#}");
    assert_eq!(missing(&report, "digest-missing"), 1, "{report:#}");
    // The digest that ends at midnight is still there, and names the two logs of the hour before.
    assert_eq!(missing(&report, "log-missing"), 2, "{report:#}");
    assert_eq!(report["totals"]["logs"]["missing"], 2);
    assert_eq!(report["requested"]["start"], "2024-03-09T20:00:00Z");
}

#[test]
fn a_day_of_which_other_logs_are_there_is_missed() {
    let mut archive = Trail::new("audit", "2024-03-09T20:00:00Z", 8).archive();
    let kept = archive.first().digests[4].logs[0].clone();
    let cut = |at: &&At| at.1.contains("/2024/03/09/") && **at != kept;
    let cut: Vec<_> = archive.store.keys().filter(cut).cloned().collect();
    for at in cut {
        archive.store.delete(&at);
    }
    let report = Case::new(archive).run().report();
    assert_eq!(missing(&report, "log-missing"), 1, "{report:#}");
}

/// Nothing was found: what was there instead is told, the same of a folder, a bucket and in shards.
#[test]
fn where_nothing_was_found_it_is_told_what_was_there() {
    let told = |archive: Archive, args: &[&str]| {
        let outcome = Case::new(archive).args(args).run();
        let report = outcome.report();
        assert_eq!(outcome.exit, 3, "{report:#}");
        let findings = report["findings"].as_array().unwrap();
        let none = findings.iter().find(|it| it["code"] == "no-digests");
        none.unwrap()["message"].as_str().unwrap().to_owned()
    };
    let mut logs_only = trail(6).archive();
    let digests = |key: &str| key.contains("CloudTrail-Digest");
    logs_only.store.objects.retain(|(_, key), _| !digests(key));
    let range = ["--start-time", "2024-05-01", "--end-time", "2024-05-02"];
    for (message, words) in [
        (
            told(several(), &range),
            "no hourly digest in the range was found in it",
        ),
        (
            told(several(), &["--account", "999999999999"]),
            "--account or --region leaves out",
        ),
        (
            told(several(), &["--trail", "none"]),
            "of trails that were not asked for",
        ),
        (
            told(logs_only, &range),
            "no CloudTrail-Digest folder beside them",
        ),
    ] {
        assert!(message.contains(words), "{words:?} is not in {message:?}");
    }
}
