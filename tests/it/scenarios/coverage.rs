//! Times that no digest covers: late starts, early ends, gaps, silent regions.

use super::common::{CHAIN, REGION, at, audit, in_region, trail};
use crate::{
    forge::{Archive, ChainId, Place, Trail, plant::PlantedDigest},
    harness::{Case, Expect, code},
};

fn delete_chain_from(archive: &mut Archive, chain: usize, from: usize, with_logs: bool) {
    for digest in archive.chains[chain]
        .digests
        .drain(from..)
        .collect::<Vec<_>>()
    {
        archive.store.delete(&digest.at);
        for log in digest.logs.iter().filter(|_| with_logs) {
            archive.store.delete(log);
        }
    }
}

#[test]
fn nothing_at_all() {
    let case = Case::new(Archive::default());
    case.run()
        .is(&Expect::nothing().finding(code("no-digests")));
}

#[test]
fn no_awslogs_in_the_folder() {
    let mut archive = Archive::default();
    archive.store.objects.insert(
        ("other".into(), "backup/README".into()),
        crate::forge::StoredObject::default(),
    );
    Case::new(archive)
        .run()
        .is(&Expect::nothing().finding(code("no-digests")));
}

#[test]
fn every_digest_deleted() {
    let mut archive = audit();
    let logs: Vec<_> = archive
        .first()
        .digests
        .iter()
        .flat_map(|digest| digest.logs.clone())
        .collect();
    for digest in archive.chains[0].digests.clone() {
        archive.store.delete(&digest.at);
    }
    // No verified digest tells the bucket.
    let uncovered = logs
        .iter()
        .map(|log| in_region("log-uncovered", log).without_bucket());
    let expect = Expect::nothing()
        .finding(code("no-digests"))
        .findings(uncovered);
    Case::new(archive).run().is(&expect);
}

#[test]
fn everything_deleted_in_the_range() {
    let case = Case::new(audit()).range("2024-04-01", "2024-04-02");
    case.run().is(&Expect::nothing()
        .finding(code("no-digests"))
        .requested("2024-04-01T00:00:00Z", "2024-04-02T00:00:00Z"));
}

#[test]
fn a_chain_that_ends_before_the_others() {
    let mut archive = trail(6).regions(&["us-east-1", "eu-west-1"]).archive();
    delete_chain_from(&mut archive, 1, 4, true);
    let name = archive.chains[1].id.name();
    let finding = code("coverage-ends-early")
        .chain(&name)
        .says("2024-03-10T03:00:00Z");
    let expect = Expect::clean(&archive).finding(finding);
    Case::new(archive).run().is(&expect);
}

#[test]
fn a_chain_that_is_one_digest_behind_is_not_late() {
    let mut archive = trail(6).regions(&["us-east-1", "eu-west-1"]).archive();
    delete_chain_from(&mut archive, 1, 6, true);
    let report = Case::new(archive).run().report();
    assert_eq!(report["findings"], serde_json::json!([]), "{report:#}");
}

/// A backfill digest stands beside an hourly one, so it shows that its hour was there.
#[test]
fn a_chain_that_ends_before_its_backfill_digests() {
    let mut archive = trail(6).backfill(&[5]).archive();
    let left = archive.chains[1].digests[0].end;
    delete_chain_from(&mut archive, 0, 3, true);
    let expect = Expect::clean(&archive)
        .ends(left)
        .finding(code("coverage-ends-early").chain(CHAIN))
        .chain(CHAIN, |chain| {
            chain
                .gaps
                .push((at("10T02:00:00"), at("10T06:00:00"), "ends-early".into()));
        });
    Case::new(archive).run().is(&expect);
}

#[test]
fn an_end_asked_for_beyond_the_newest_digest() {
    let archive = audit();
    let expect = Expect::clean(&archive)
        .finding(code("coverage-ends-early").chain(CHAIN))
        .ends(at("10T07:46:00"))
        .chain(CHAIN, |chain| {
            chain
                .gaps
                .push((at("10T06:00:00"), at("10T07:46:00"), "ends-early".into()));
        });
    Case::new(archive.clone())
        .args(["--end-time", "2024-03-10T07:46:00Z"])
        .run()
        .is(&expect);
    // An hour and three quarters late is in time.
    let report = Case::new(archive)
        .args(["--end-time", "2024-03-10T07:45:00Z"])
        .run()
        .report();
    assert_eq!(report["verdict"], "valid", "{report:#}");
    assert_eq!(report["findings"], serde_json::json!([]));
}

#[test]
fn the_newest_digests_and_their_logs_deleted() {
    let mut archive = audit();
    delete_chain_from(&mut archive, 0, 4, true);
    let expect = Expect::clean(&archive)
        .finding(code("coverage-ends-early").chain(CHAIN))
        .ends(at("10T06:00:00"))
        .chain(CHAIN, |chain| {
            chain
                .gaps
                .push((at("10T03:00:00"), at("10T06:00:00"), "ends-early".into()));
        });
    Case::new(archive)
        .args(["--end-time", "2024-03-10T06:00:00Z"])
        .run()
        .is(&expect);
}

#[test]
fn the_newest_digests_deleted_and_their_logs_left() {
    let mut archive = audit();
    let logs: Vec<_> = archive.first().digests[4..]
        .iter()
        .flat_map(|digest| digest.logs.clone())
        .collect();
    delete_chain_from(&mut archive, 0, 4, false);
    let expect = Expect::clean(&archive)
        .finding(code("coverage-ends-early").chain(CHAIN))
        .findings(logs.iter().map(|log| in_region("log-uncovered", log)))
        .ends(at("10T06:00:00"))
        .chain(CHAIN, |chain| {
            chain
                .gaps
                .push((at("10T03:00:00"), at("10T06:00:00"), "ends-early".into()));
        });
    Case::new(archive)
        .args(["--end-time", "2024-03-10T06:00:00Z"])
        .run()
        .is(&expect);
}

#[test]
fn a_start_asked_for_before_the_first_digest() {
    let archive = audit();
    let expect = Expect::clean(&archive)
        .finding(
            code("coverage-starts-late")
                .chain(CHAIN)
                .says("2024-03-10T00:00:00Z"),
        )
        .starts(at("09T12:00:00"))
        .chain(CHAIN, |chain| {
            chain
                .gaps
                .push((at("09T12:00:00"), at("10T00:00:00"), "starts-late".into()));
        });
    Case::new(archive)
        .args(["--start-time", "2024-03-09T12:00:00Z"])
        .run()
        .is(&expect);
}

/// Whoever plants what is no digest beside the range would else silence what the range lacks.
#[test]
fn what_lies_beside_the_range_explains_nothing() {
    let mut archive = audit();
    let id = archive.first().id.clone();
    delete_chain_from(&mut archive, 0, 4, true);
    for end in ["09T11:50:00", "10T07:30:00"] {
        let planted = PlantedDigest::of(&id, &Place::new("audit-logs", ""), at(end));
        let planted = planted.put(&mut archive.store);
        archive.store.replace_body(&planted, *b"no digest");
    }
    let expect = Expect::clean(&archive)
        .finding(code("coverage-starts-late").chain(CHAIN))
        .finding(code("coverage-ends-early").chain(CHAIN))
        .starts(at("09T12:00:00"))
        .ends(at("10T06:00:00"))
        .chain(CHAIN, |chain| {
            let (early, late) = (at("10T00:00:00"), at("10T03:00:00"));
            chain.gaps = vec![
                (at("09T12:00:00"), early, "starts-late".into()),
                (late, at("10T06:00:00"), "ends-early".into()),
            ];
        });
    Case::new(archive)
        .range("2024-03-09T12:00:00Z", "2024-03-10T06:00:00Z")
        .run()
        .is(&expect);
}

#[test]
fn a_region_that_was_added_later() {
    let mut archive = trail(6).archive();
    Trail {
        regions: vec!["eu-west-1".into()],
        ..Trail::new("audit", "2024-03-10T03:00:00Z", 3)
    }
    .deliver(&mut archive);
    let name = "111122223333/eu-west-1/audit";
    let expect = Expect::clean(&archive).finding(code("coverage-starts-late").chain(name));
    Case::new(archive).run().is(&expect);
}

/// Digests of the two hours after a range are read too: a chain that begins there has no part in it.
#[test]
fn a_region_that_was_added_after_the_range() {
    let mut archive = trail(6).archive();
    Trail {
        regions: vec!["eu-west-1".into()],
        ..Trail::new("audit", "2024-03-10T05:00:00Z", 3)
    }
    .deliver(&mut archive);
    let (start, end) = ("2024-03-10T00:00:00Z", "2024-03-10T04:00:00Z");
    let outcome = Case::new(archive.clone()).range(start, end).run();
    let report = outcome.report();
    assert_eq!(outcome.exit, 0, "{report:#}");
    let chain = &report["chains"][0];
    assert_eq!(chain["region"], "eu-west-1", "{report:#}");
    let gap = serde_json::json!({"start": start, "end": end, "cause": "starts-late", "events": []});
    assert_eq!(chain["gaps"], serde_json::json!([gap]), "{report:#}");
    let told = report["findings"][0]["message"].as_str().unwrap();
    assert!(told.contains("covers any of the range"), "{told}");
    let (_, text, _) = Case::new(archive).range(start, end).run_text();
    assert!(!text.contains("not covered throughout"), "{text}");
}

#[test]
fn a_region_whose_digests_are_all_gone() {
    let mut archive = trail(4)
        .regions(&["us-east-1", "sa-east-1", "eu-west-1"])
        .archive();
    let silent = archive.chains.pop().unwrap();
    let region = silent.id.region_name();
    let logs = silent.digests.iter().flat_map(|digest| &digest.logs);
    let expect = Expect::clean(&archive)
        .findings(logs.map(|log| code("log-uncovered").at(log).chain(&region)))
        .finding(code("region-silent").chain(&silent.id.name()));
    for digest in &silent.digests {
        archive.store.delete(&digest.at);
    }
    Case::new(archive).run().is(&expect);
}

#[test]
fn a_region_that_is_silent_in_the_range() {
    let mut archive = trail(8)
        .regions(&["us-east-1", "sa-east-1", "eu-west-1"])
        .archive();
    delete_chain_from(&mut archive, 2, 3, true);
    let name = archive.chains[2].id.name();
    let report = Case::new(archive)
        .range("2024-03-10T04:00:00Z", "2024-03-10T08:00:00Z")
        .run()
        .report();
    let codes: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (&it["code"], &it["chain"]))
        .collect();
    assert_eq!(
        codes,
        [(&"region-silent".into(), &name.as_str().into())],
        "{report:#}"
    );
}

/// Whoever plants what is no digest beside the range would else have a region speak that is silent.
#[test]
fn what_lies_beside_the_range_breaks_no_silence() {
    let mut archive = trail(12)
        .regions(&["us-east-1", "sa-east-1", "eu-west-1"])
        .archive();
    delete_chain_from(&mut archive, 2, 3, true);
    let id = archive.chains[2].id.clone();
    let range = ["2024-03-10T04:00:00Z", "2024-03-10T08:00:00Z"];
    let report = |archive: &Archive, denied: &[&str]| {
        let case = Case::new(archive.clone()).range(range[0], range[1]);
        let outcome = case.args(denied).run();
        (outcome.exit, outcome.report())
    };
    let clean = report(&archive, &[]);
    let mut planted = archive.clone();
    let junk = PlantedDigest::of(&id, &Place::new("audit-logs", ""), at("10T09:30:00"));
    let junk = junk.put(&mut planted.store);
    planted.store.replace_body(&junk, *b"junk");
    let (exit, told) = report(&planted, &[]);
    assert_eq!(exit, 0, "{told:#}");
    let findings = told["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{told:#}");
    assert_eq!(findings[0]["code"], "region-silent", "{told:#}");
    assert_eq!(findings[0]["chain"], id.name(), "{told:#}");
    // It is not a chain of the run either.
    for part in ["chains", "findings", "verdict"] {
        assert_eq!(told[part], clean.1[part], "{part}");
    }
    let (exit, told) = report(&planted, &["--deny", "region-silent"]);
    assert_eq!(exit, 1, "{told:#}");
}

#[test]
fn logs_delivered_while_logging_was_off() {
    let mut archive = trail(3).restart(180, 3).archive();
    let id = archive.first().id.clone();
    let log = plant(&mut archive, &id, "10T04:30:00");
    let expect = Expect::clean(&archive)
        .finding(code("coverage-gap").chain(CHAIN))
        .finding(in_region("log-uncovered", &log));
    Case::new(archive).run().is(&expect);
}

#[test]
fn a_starting_digest_covers_no_time_before_its_own_end() {
    let mut archive = audit();
    let id = archive.first().id.clone();
    let log = plant(&mut archive, &id, "09T23:30:00");
    let expect = Expect::clean(&archive).finding(in_region("log-uncovered", &log));
    Case::new(archive).run().is(&expect);
    assert_eq!(id.region_name(), REGION);
}

#[test]
fn a_second_trail_covers_the_first_ones_gap() {
    let mut archive = trail(3).restart(180, 3).archive();
    Trail::new("other", "2024-03-10T00:00:00Z", 9).deliver(&mut archive);
    let id = archive.first().id.clone();
    // In the first trail's gap, but in a time that the second one vouches for.
    let log = plant(&mut archive, &id, "10T04:30:00");
    let expect = Expect::clean(&archive)
        .finding(code("coverage-gap").chain(CHAIN))
        .finding(in_region("log-unreferenced", &log));
    Case::new(archive).run().is(&expect);
}

fn plant(archive: &mut Archive, id: &ChainId, time: &str) -> crate::forge::At {
    let place = crate::forge::Place::new("audit-logs", "");
    crate::forge::plant::PlantedLog::of(id, &place, at(time)).put(&mut archive.store)
}

#[test]
fn a_digest_that_could_not_be_read_is_no_tampering_beside_another_trail() {
    // The other trail covers the hour. That the logs of this one are named by nothing that was read proves nothing.
    use std::{fs, os::unix::fs::PermissionsExt};
    let mut archive = audit();
    Trail::new("other", "2024-03-10T00:00:00Z", 6).deliver(&mut archive);
    let at = archive.digest(3);
    let case = Case::new(archive).written(|case| {
        fs::set_permissions(case.path(&at), fs::Permissions::from_mode(0o000)).unwrap();
    });
    let report = case.run_unprivileged().report();
    assert_eq!(report["verdict"], "unverified", "{:#}", report["findings"]);
}
