//! What little somebody left of an archive is no archive.

use serde_json::Value;

use super::common::{CHAIN, trail};
use crate::{forge::Archive, harness::Case};

const DAY: [&str; 4] = [
    "--start-time",
    "2024-03-10T00:00:00Z",
    "--end-time",
    "2024-03-11T00:00:00Z",
];

/// Of the region only backfill digests are left, with their logs.
fn only_backfill(archive: &mut Archive, region: &str) {
    let chains = archive.chains.clone();
    let backfill = chains.iter().filter(|chain| chain.id.backfill);
    let kept: Vec<_> = backfill
        .flat_map(|chain| &chain.digests)
        .flat_map(|digest| digest.logs.iter().chain([&digest.at]))
        .cloned()
        .collect();
    let of_region = format!("/{region}/");
    archive
        .store
        .objects
        .retain(|at, _| !at.1.contains(&of_region) || kept.contains(at));
}

#[test]
fn backfill_digests_do_not_stand_in_for_a_chain() {
    let mut archive = trail(12).backfill(&[5]).archive();
    only_backfill(&mut archive, "us-east-1");
    assert_eq!(archive.store.objects.len(), 2);
    for args in [
        &[][..],
        &DAY,
        &["--trail", "audit"],
        &["--digests-only"],
        &["--end-time", "0h"],
    ] {
        let outcome = Case::new(archive.clone()).args(args).run();
        assert_eq!(outcome.exit, 3, "{args:?} {:#}", outcome.report());
        assert_eq!(outcome.codes(), ["no-digests"], "{args:?}");
    }
}

/// Nor for that of a region, or an account, beside others that are whole.
#[test]
fn backfill_digests_do_not_stand_in_for_a_region() {
    let mut archive = trail(12)
        .regions(&["eu-west-1", "us-east-1"])
        .backfill(&[5])
        .archive();
    only_backfill(&mut archive, "us-east-1");
    for args in [
        &[][..],
        &DAY[..2],
        &["--region", "eu-west-1", "--region", "us-east-1"],
    ] {
        let outcome = Case::new(archive.clone()).args(args).run();
        let report = outcome.report();
        assert_eq!(outcome.exit, 3, "{report:#}");
        let findings = report["findings"].as_array().unwrap();
        let told = findings.iter().find(|it| {
            it["code"] == "no-digests" && it["chain"] == Value::String(CHAIN.to_owned())
        });
        assert!(told.is_some(), "{report:#}");
    }
}

/// A starting digest vouches for no time before its own end.
#[test]
fn a_range_before_anything_is_covered_is_not_verified() {
    let archive = trail(4).archive();
    // The starting digest ends with the first minute of the day.
    for end in ["2024-03-10T00:00:00Z", "2024-03-09T23:59:59Z"] {
        for start in [&[][..], &["--start-time", "2024-03-09T20:00:00Z"]] {
            let case = Case::new(archive.clone()).args(["--end-time", end]);
            let outcome = case.args(start).run();
            let report = outcome.report();
            assert_eq!(outcome.exit, 3, "{end} {start:?} {report:#}");
            assert!(outcome.codes().contains(&"no-digests".to_owned()));
            let range = &report["range"];
            assert!(
                range["start"].as_str() <= range["end"].as_str(),
                "{report:#}"
            );
        }
    }
}

/// Of a trail for all regions its own one is left, and what came before the range.
#[test]
fn a_trail_of_which_its_own_region_is_left() {
    let mut archive = trail(8)
        .regions(&["us-east-1", "sa-east-1", "eu-west-1"])
        .archive();
    for chain in archive.chains.clone().iter().skip(1) {
        for digest in chain.digests.iter().skip(3) {
            archive.store.delete(&digest.at);
            for log in &digest.logs {
                archive.store.delete(log);
            }
        }
    }
    let range = ["2024-03-10T04:00:00Z", "2024-03-10T08:00:00Z"];
    let run = |args: &[&str]| {
        let case = Case::new(archive.clone()).range(range[0], range[1]);
        case.args(args).run()
    };
    let outcome = run(&[]);
    assert_eq!(outcome.codes(), ["region-silent"; 2]);
    assert_eq!(outcome.exit, 0, "{:#}", outcome.report());
    assert_eq!(run(&["--deny", "region-silent"]).exit, 1);
}
