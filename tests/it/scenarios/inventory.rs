//! Logs that no digest names, by where and when they lie.

use super::common::{CHAIN, REGION, at, audit, in_region, trail};
use crate::{
    forge::{
        Archive, At, ChainId, Kind, Place, Sign, TestKey, Trail,
        plant::{PlantedDigest, PlantedLog},
    },
    harness::{Case, Expect, code},
};

fn planted(archive: &Archive, time: &str) -> PlantedLog {
    PlantedLog::of(&archive.first().id, &Place::new("audit-logs", ""), at(time))
}

#[test]
fn a_planted_log_is_weighed_by_its_time() {
    let times = [
        ("09T12:00:00", "log-uncovered"),
        ("09T23:55:00", "log-uncovered"),
        ("10T00:10:00", "log-uncovered"),
        ("10T00:15:00", "log-unreferenced"),
        ("10T02:00:00", "log-unreferenced"),
        ("10T03:30:00", "log-unreferenced"),
        ("10T05:45:00", "log-unreferenced"),
        ("10T05:50:00", "log-pending"),
        ("10T06:00:00", "log-pending"),
        ("10T06:30:00", "log-pending"),
        ("10T07:45:00", "log-pending"),
        ("10T07:46:00", "log-uncovered"),
        ("10T09:00:00", "log-uncovered"),
        ("31T09:00:00", "log-uncovered"),
    ];
    for (time, name) in times {
        let mut archive = audit();
        let log = planted(&archive, time).put(&mut archive.store);
        let expect = Expect::clean(&archive).finding(in_region(name, &log));
        Case::new(archive).run().is(&expect);
    }
}

/// What CloudTrail would not have named so was not delivered by it either.
#[test]
fn a_name_that_is_not_quite_a_logs_is_weighed_by_its_time_too() {
    for sixteen in [
        "",
        "x",
        "evil",
        "PlantedByForger0-and-more",
        "abcdéfghijk\u{202e}lmn",
    ] {
        for (time, name) in [
            ("09T12:00:00", "log-uncovered"),
            ("10T02:00:00", "log-unreferenced"),
            ("10T06:00:00", "log-pending"),
        ] {
            let mut archive = audit();
            let mut plant = planted(&archive, time);
            plant.sixteen = sixteen.into();
            let log = plant.put(&mut archive.store);
            let expect = Expect::clean(&archive).finding(in_region(name, &log));
            Case::new(archive).run().is(&expect);
        }
    }
}

#[test]
fn a_log_of_the_far_future_hides_nothing() {
    let mut archive = audit();
    let missing = archive.log(6, 0);
    let mut plant = planted(&archive, "10T00:00:00");
    plant.time = crate::forge::Time::parse("2099-12-31T23:59:00Z");
    let expect = Expect::clean(&archive)
        .finding(in_region("log-uncovered", &plant.at()))
        .finding(
            code("log-missing")
                .at(&missing)
                .chain(CHAIN)
                .digest(&archive.digest(6)),
        )
        .chain(CHAIN, |chain| chain.logs = [11, 0, 1, 0]);
    archive.store.delete(&missing);
    plant.put(&mut archive.store);
    Case::new(archive).run().is(&expect);
}

#[test]
fn the_message_tells_of_a_second_trail_and_how_to_allow_it() {
    let mut archive = audit();
    let log = planted(&archive, "10T02:00:00").put(&mut archive.store);
    let expect = Expect::clean(&archive).finding(in_region("log-unreferenced", &log));
    Case::new(archive.clone()).run().is(&expect);
    let (exit, text, _) = Case::new(archive).run_text();
    assert_eq!(exit, 1);
    assert!(
        text.contains("trail") && text.contains("--allow log-unreferenced"),
        "{text}"
    );
}

/// What a trail's next digest would name is not waited for, where that is there and worth nothing: whether the trail is
/// asked for or not.
#[test]
fn a_planted_log_is_not_hidden_by_a_digest_of_a_trail_that_is_not_asked_for() {
    for is_unsigned in [false, true] {
        let mut archive = Trail::new("one", "2024-03-10T00:00:00Z", 4).archive();
        Trail::new("two", "2024-03-10T00:00:00Z", 4).deliver(&mut archive);
        let newest = archive.chains[1].digests[4].at.clone();
        if is_unsigned {
            archive.store.clear_metadata(&newest);
        } else {
            archive.store.edit_content(&newest, |it| it.push(b' '));
        }
        planted(&archive, "10T03:30:00").put(&mut archive.store);
        let code = if is_unsigned {
            "log-uncovered"
        } else {
            "log-unreferenced"
        };
        for rest in [&[][..], &["--trail", "one"]] {
            let outcome = Case::new(archive.clone()).args(rest).run();
            let told = outcome.codes().into_iter().filter(|it| it == code).count();
            // And those that the digest named.
            assert_eq!(told, 3, "{rest:?} {:?}", outcome.codes());
        }
    }
}

/// What one trail covers is covered, whichever is asked for.
#[test]
fn a_planted_log_in_another_trails_gap() {
    let mut archive = Trail::new("one", "2024-03-10T00:00:00Z", 8).archive();
    Trail::new("two", "2024-03-10T00:00:00Z", 2)
        .restart(180, 3)
        .deliver(&mut archive);
    planted(&archive, "10T03:30:00").put(&mut archive.store);
    for rest in [&[][..], &["--trail", "one"], &["--trail", "two"]] {
        let outcome = Case::new(archive.clone()).args(rest).run();
        let codes = outcome.codes();
        assert!(
            codes.contains(&"log-unreferenced".to_owned()),
            "{rest:?} {codes:?}"
        );
    }
}

#[test]
fn a_copy_of_a_true_log_under_another_name() {
    let mut archive = audit();
    let log = archive.log(3, 0);
    let copy: At = (
        log.0.clone(),
        log.1
            .replace(".json.gz", "")
            .rsplit_once('_')
            .unwrap()
            .0
            .to_owned()
            + "_CopiedByForger00.json.gz",
    );
    archive.store.copy(&log, &copy, true);
    let expect = Expect::clean(&archive).finding(in_region("log-unreferenced", &copy));
    Case::new(archive).run().is(&expect);
}

#[test]
fn an_account_or_region_that_no_digest_covers() {
    let mut archive = audit();
    let mut other_account = planted(&archive, "10T02:00:00");
    other_account.account = "999988887777".into();
    let mut other_region = planted(&archive, "10T02:00:00");
    other_region.region = "eu-west-3".into();
    let (one, other) = (
        other_account.put(&mut archive.store),
        other_region.put(&mut archive.store),
    );
    let expect = Expect::clean(&archive)
        .finding(
            code("log-uncovered")
                .at(&one)
                .chain("999988887777/us-east-1"),
        )
        .finding(
            code("log-uncovered")
                .at(&other)
                .chain("111122223333/eu-west-3"),
        );
    Case::new(archive).run().is(&expect);
}

#[test]
fn an_organizations_folder_is_not_the_accounts() {
    let mut archive = audit();
    let mut plant = planted(&archive, "10T02:00:00");
    plant.organization = Some("o-abcde12345".into());
    let log = plant.put(&mut archive.store);
    let chain = format!("o-abcde12345/{REGION}");
    let expect = Expect::clean(&archive).finding(code("log-uncovered").at(&log).chain(&chain));
    Case::new(archive).run().is(&expect);
}

#[test]
fn a_planted_log_of_a_kind_that_digests_name() {
    let mut archive = trail(6).other(Kind::Insight, true).archive();
    let mut plant = planted(&archive, "10T02:00:00");
    plant.kind = Kind::Insight;
    let log = plant.put(&mut archive.store);
    let expect = Expect::clean(&archive).finding(in_region("log-unreferenced", &log));
    Case::new(archive).run().is(&expect);
}

#[test]
fn logs_of_two_trails_account_for_each_other() {
    let mut archive = audit();
    Trail::new("other", "2024-03-10T00:00:00Z", 6).deliver(&mut archive);
    let log = planted(&archive, "10T02:00:00").put(&mut archive.store);
    let expect = Expect::clean(&archive).finding(in_region("log-unreferenced", &log));
    Case::new(archive.clone()).run().is(&expect);
    // Looked at alone, a trail's digests still account for all that the other one delivered.
    let report = Case::new(archive).args(["--trail", "other"]).run().report();
    let codes: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["key"])
        .collect();
    assert_eq!(codes, [&log.1], "{report:#}");
}

/// Names that end like a log's, but are none.
fn undated(folder: &str) -> Vec<String> {
    [
        "evil.json.gz",
        "111122223333_CloudTrail_us-east-1_20240310T0100_x.json.gz",
        "..json.gz",
        "a b.json.gz",
    ]
    .iter()
    .map(|name| format!("AWSLogs/111122223333/CloudTrail/us-east-1/{folder}{name}"))
    .collect()
}

fn put(archive: &mut Archive, key: String) -> At {
    let at = ("audit-logs".to_owned(), key);
    let object = archive.store.get(&archive.log(1, 0)).clone();
    archive.store.objects.insert(at.clone(), object);
    at
}

#[test]
fn an_undated_name_in_a_covered_day() {
    for key in undated("2024/03/10/") {
        let mut archive = Trail::new("audit", "2024-03-09T22:00:00Z", 30).archive();
        let log = put(&mut archive, key);
        let expect = Expect::clean(&archive).finding(in_region("log-unreferenced", &log));
        Case::new(archive).run().is(&expect);
    }
}

#[test]
fn an_undated_name_in_a_day_that_is_covered_in_part() {
    for key in undated("2024/03/10/") {
        let mut archive = audit();
        let log = put(&mut archive, key);
        let told =
            in_region("log-uncovered", &log).says("only its folders tell when it was delivered");
        let expect = Expect::clean(&archive).finding(told);
        Case::new(archive).run().is(&expect);
    }
}

#[test]
fn an_undated_name_in_no_day() {
    for key in undated("")
        .into_iter()
        .chain(undated("2024/13/45/"))
        .chain(undated("new/"))
    {
        let mut archive = audit();
        let log = put(&mut archive, key);
        let expect = Expect::clean(&archive).finding(in_region("log-uncovered", &log));
        Case::new(archive).run().is(&expect);
    }
}

#[test]
fn a_log_in_another_days_folder() {
    // Its name lies in a covered hour; its folder does not.
    let mut archive = audit();
    let plant = planted(&archive, "10T02:00:00").at();
    let log = put(
        &mut archive,
        plant.1.replace("/2024/03/10/", "/2024/03/20/"),
    );
    let report = Case::new(archive).run().report();
    let finding = &report["findings"][0];
    assert_eq!(finding["key"], log.1.as_str(), "{report:#}");
    assert_ne!(report["verdict"], "valid");
}

#[test]
fn a_planted_log_deep_below_its_day_is_not_hidden() {
    for depth in [1, 3, 8, 30, 100, 400] {
        let mut archive = audit();
        let plant = planted(&archive, "10T02:00:00").at();
        let deep = format!("/2024/03/10/{}", "d/".repeat(depth));
        let log = put(&mut archive, plant.1.replace("/2024/03/10/", &deep));
        let report = Case::new(archive).run().report();
        assert_ne!(report["verdict"], "valid", "{depth}");
        assert_eq!(
            report["findings"][0]["key"],
            log.1.as_str(),
            "{depth}: {report:#}"
        );
    }
}

#[test]
fn a_planted_log_in_another_days_folder_is_not_hidden_by_verifying_day_by_day() {
    // Each night verifies the day before. The name says one day, the folder another; one of the two nights must see it.
    let mut archive = Trail::new("audit", "2024-03-09T22:00:00Z", 52).archive();
    let plant = planted(&archive, "10T02:00:00").at();
    put(
        &mut archive,
        plant.1.replace("/2024/03/10/", "/2024/03/11/"),
    );
    let nights = [("2024-03-10", "2024-03-11"), ("2024-03-11", "2024-03-12")];
    let exits = nights.map(|(start, end)| Case::new(archive.clone()).range(start, end).run().exit);
    assert_ne!(exits, [0, 0]);
}

/// Readers of logs go by folders, and the forger chooses the name.
#[test]
fn a_planted_log_is_not_hidden_by_the_time_in_its_name() {
    let plant = |to: &str, day: &str| {
        let mut archive = Trail::new("audit", "2024-03-09T22:00:00Z", 30).archive();
        let plant = planted(&archive, "10T02:00:00").at();
        let key = plant.1.replace("20240310T0200Z", to);
        let log = put(&mut archive, key.replace("2024/03/10/", day));
        (archive, log)
    };
    for time in ["20990101T0000Z", "19990101T0000Z", "20240311T0300Z"] {
        for (day, told) in [
            ("2024/03/10/", "log-unreferenced"),
            ("", "log-uncovered"),
            ("deep/er/", "log-uncovered"),
        ] {
            let (archive, log) = plant(time, day);
            let case = Case::new(archive).range("2024-03-10T00:00:00Z", "2024-03-11T00:00:00Z");
            let outcome = case.run();
            assert_ne!(outcome.exit, 0, "{time} {day}");
            let report = outcome.report();
            let finding = &report["findings"][0];
            assert_eq!(
                (finding["code"].as_str(), finding["key"].as_str()),
                (Some(told), Some(&*log.1)),
                "{time} {day}: {report:#}"
            );
        }
    }
}

/// However far its folder is from its name: one of the days that is verified by itself tells it.
#[test]
fn a_planted_log_far_from_its_day_is_not_hidden_by_verifying_day_by_day() {
    let archive = |days| {
        let mut archive = Trail::new("audit", "2024-03-09T22:00:00Z", 24 * 6).archive();
        let plant = planted(&archive, "10T02:00:00").at();
        put(&mut archive, plant.1.replace("/2024/03/10/", days));
        archive
    };
    for folder in ["/2024/03/13/", "/2024/03/12/"] {
        let nights = (10..15).map(|day| {
            let (start, end) = (format!("2024-03-{day}"), format!("2024-03-{}", day + 1));
            Case::new(archive(folder)).range(&start, &end).run().exit
        });
        assert!(nights.max() > Some(0), "{folder}");
    }
}

#[test]
fn a_forgers_unsigned_digest_makes_no_planted_log_valid() {
    for trail in ["audit", "zzz"] {
        for backfill in [false, true] {
            let mut archive = audit();
            let log = planted(&archive, "10T02:20:00");
            let id = ChainId {
                trail: trail.into(),
                backfill,
                ..archive.first().id.clone()
            };
            let mut digest =
                PlantedDigest::of(&id, &Place::new("audit-logs", ""), at("10T02:30:00"));
            digest.logs = vec![log.entry()];
            let log = log.put(&mut archive.store);
            digest.put(&mut archive.store);
            let report = Case::new(archive).run().report();
            assert_ne!(report["verdict"], "valid", "{trail}, {backfill}");
            let findings = report["findings"].as_array().unwrap();
            assert!(
                findings.iter().any(|it| it["key"] == log.1.as_str()),
                "{trail}, {backfill}: {report:#}"
            );
        }
    }
}

/// A digest may name a log of another region than its own. That says nothing of what lies under the same path in another
/// place.
#[test]
fn a_log_that_a_digest_of_another_region_names_hides_none_in_another_place() {
    let second = Place::new("audit-logs", "second");
    for is_planted in [false, true] {
        let mut archive = trail(4).regions(&["us-east-1", "eu-west-1"]).archive();
        Trail::new("other", "2024-03-10T00:00:00Z", 4)
            .regions(&["eu-west-1"])
            .place("audit-logs", "second")
            .deliver(&mut archive);
        let id = archive.chains[1].id.clone();
        assert_eq!(id.region, "eu-west-1");
        let mut log = PlantedLog::of(&id, &Place::new("audit-logs", ""), at("10T02:30:00"));
        log.put(&mut archive.store);
        let digest = archive.digest(3);
        archive.edit_digest(&digest, Sign::With(TestKey::a()), |doc| {
            doc.logs().push(log.entry().json());
        });
        archive.relink(0, 3, None);
        let mut expect = Expect::clean(&archive).chain(CHAIN, |chain| chain.logs[0] += 1);
        if is_planted {
            log.place = second.clone();
            let planted = log.put(&mut archive.store);
            expect = expect.finding(
                code("log-unreferenced")
                    .at(&planted)
                    .chain("111122223333/eu-west-1"),
            );
        }
        Case::new(archive).run().is(&expect);
    }
}
