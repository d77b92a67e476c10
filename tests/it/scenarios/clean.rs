//! Archives that are what CloudTrail delivered, in every shape that it delivers. None may be cried out against.

use std::collections::BTreeMap;

use super::common::{CHAIN, NEWEST, REGION, abandoned, at, audit, in_chain, trail};
use crate::{
    forge::{Archive, Further, Kind, Logs, Metadata, StoredObject, TestKey, Trail, store::Sink},
    harness::{Case, Expect, code},
};

fn is_clean(archive: Archive) {
    let expect = Expect::clean(&archive);
    Case::new(archive).run().is(&expect);
}

#[test]
fn one_region() {
    is_clean(audit());
}

#[test]
fn several_accounts_and_regions() {
    let regions = ["eu-west-1", "us-east-1", "ap-southeast-2"];
    is_clean(
        trail(4)
            .accounts(&["111122223333", "444455556666"])
            .regions(&regions)
            .archive(),
    );
}

#[test]
fn regions_with_keys_of_their_own() {
    is_clean(
        trail(3)
            .regions(&["us-east-1", "eu-west-1"])
            .key_of_region("eu-west-1", TestKey::b())
            .archive(),
    );
}

#[test]
fn other_partitions() {
    is_clean(
        trail(2)
            .regions(&["us-gov-west-1", "us-gov-east-1"])
            .archive(),
    );
    is_clean(trail(2).regions(&["cn-north-1"]).archive());
    is_clean(trail(2).regions(&["us-isob-east-1"]).archive());
    is_clean(trail(2).regions(&["eusc-de-east-1"]).archive());
}

#[test]
fn organization() {
    is_clean(
        trail(3)
            .organization("o-abcde12345")
            .accounts(&["111122223333", "444455556666"])
            .archive(),
    );
}

#[test]
fn an_organization_beside_an_account_of_its_own() {
    let mut archive = trail(3).organization("o-abcde12345").archive();
    trail(3).deliver(&mut archive);
    is_clean(archive);
}

#[test]
fn prefix_with_spaces_and_slashes() {
    is_clean(
        trail(3)
            .place("audit-logs", "security team/cloud trail (2024)")
            .archive(),
    );
}

#[test]
fn prefix_that_looks_like_a_root() {
    is_clean(trail(3).place("audit-logs", "AWSLogs").archive());
}

#[test]
fn key_rotation() {
    is_clean(trail(6).rotate(3, TestKey::b()).archive());
}

#[test]
fn empty_hours() {
    is_clean(trail(6).empty(&[0, 2, 3, 5]).archive());
    is_clean(trail(3).logs(Logs::Each(0)).archive());
}

#[test]
fn only_a_starting_digest() {
    is_clean(trail(0).archive());
}

#[test]
fn odd_minutes() {
    is_clean(Trail::new("audit", "2024-03-10T00:05:31Z", 5).archive());
}

#[test]
fn across_midnight_and_a_leap_day() {
    is_clean(Trail::new("audit", "2024-02-28T21:00:00Z", 30).archive());
}

#[test]
fn escaped_slashes() {
    let mut trail = trail(4);
    trail.escape_slashes = true;
    is_clean(trail.archive());
}

#[test]
fn logs_dated_a_few_minutes_before_their_digest() {
    let mut trail = trail(4);
    trail.early_minutes = 4;
    is_clean(trail.archive());
}

#[test]
fn trail_names_nested_in_each_other() {
    let mut archive = Trail::new("foo", "2024-03-10T00:00:00Z", 3).archive();
    Trail::new("foo_us-east-1_bar", "2024-03-10T00:00:00Z", 3).deliver(&mut archive);
    Trail::new("foo_us-east-1", "2024-03-10T00:00:00Z", 3).deliver(&mut archive);
    Trail::new("us-east-1", "2024-03-10T00:00:00Z", 3).deliver(&mut archive);
    is_clean(archive);
}

#[test]
fn trail_names_with_every_letter_they_may_hold() {
    for name in [
        "a.b-c_d",
        "CloudTrail-Digest_x",
        "Default",
        "a20240310T000000Z",
        "x_backfill",
    ] {
        is_clean(Trail::new(name, "2024-03-10T00:00:00Z", 2).archive());
    }
}

#[test]
fn two_trails_in_one_bucket() {
    let mut archive = Trail::new("one", "2024-03-10T00:00:00Z", 4).archive();
    Trail::new("two", "2024-03-10T00:30:17Z", 4).deliver(&mut archive);
    is_clean(archive);
}

/// The newest logs of a trail are named by its next digest, whatever another trail's digests cover already.
#[test]
fn two_trails_of_which_one_has_its_digest_later() {
    for rest in [&[][..], &["--trail", "one"], &["--trail", "two"]] {
        let mut archive = Trail::new("one", "2024-03-10T00:00:00Z", 4).archive();
        Trail::new("two", "2024-03-10T00:30:17Z", 4)
            .logs(Logs::Each(5))
            .deliver(&mut archive);
        let newest = archive.chains[1].digests[4].at.clone();
        archive.store.delete(&newest);
        let outcome = Case::new(archive).args(rest).run();
        let report = outcome.report();
        assert_eq!(report["verdict"], "valid", "{report:#}");
        let findings = report["findings"].as_array().unwrap();
        let pending = findings.iter().filter(|it| it["code"] == "log-pending");
        assert!(pending.count() > 0, "{report:#}");
    }
}

#[test]
fn two_trails_that_name_the_same_logs() {
    let mut archive = audit();
    let log = Trail::new("other", "2024-03-10T00:00:00Z", 6).archive();
    // The second trail's digests name the first one's logs as well as its own.
    let (first, second) = (archive.chains[0].clone(), log.chains[0].clone());
    archive.store.merge(log.store);
    archive.chains.push(second.clone());
    for (index, (mine, theirs)) in first.digests.iter().zip(&second.digests).enumerate() {
        let entries: Vec<_> =
            crate::forge::Doc(crate::forge::Json::parse(&archive.store.content(&mine.at)))
                .logs()
                .clone();
        let key = crate::forge::Sign::With(TestKey::a());
        archive.edit_digest(&theirs.at, key, |doc| doc.logs().extend(entries));
        if index > 0 {
            archive.relink(1, index - 1, None);
        }
    }
    let expect = Expect::clean(&archive);
    Case::new(archive).run().is(&expect);
}

#[test]
fn a_restart_after_hours() {
    let archive = trail(3).special(2, "StopLogging").restart(180, 3).archive();
    let gap = code("coverage-gap")
        .chain(CHAIN)
        .says("2024-03-10T03:00:00Z")
        .says("2024-03-10T06:00:00Z");
    let expect = Expect::clean(&archive).finding(gap);
    Case::new(archive).run().is(&expect);
}

#[test]
fn a_restart_after_minutes_overlaps_the_digest_before_it() {
    let archive = trail(3).restart(30, 3).archive();
    let expect = Expect::clean(&archive).finding(code("coverage-gap").chain(CHAIN));
    Case::new(archive).run().is(&expect);
}

/// Digests of before still came when it had begun anew: no time is left out, and yet it is not one chain.
#[test]
fn a_restart_while_digests_of_before_still_come() {
    let made = || Case::new(trail(3).restart(-15, 3).archive());
    let report = made().run().report();
    assert_eq!(report["verdict"], "valid", "{report:#}");
    let chain = &report["chains"][0];
    assert_eq!(chain["gaps"], serde_json::json!([]), "{report:#}");
    assert_eq!(chain["restarts_within"], 1, "{report:#}");
    let (_, text, _) = made().args(["--format", "html"]).run_text();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(!text.contains("each linked to the one before."), "{text}");
    assert!(text.contains("began anew"), "{text}");
}

#[test]
fn backfill_digests_beside_the_hourly_ones() {
    is_clean(trail(5).backfill(&[1, 3]).archive());
    let mut trail = trail(5).backfill(&[1, 2, 4]).rotate(3, TestKey::b());
    trail.backfills_linked = true;
    is_clean(trail.archive());
}

#[test]
fn kinds_that_digests_name() {
    for kind in [Kind::Insight, Kind::NetworkActivity, Kind::Aggregated] {
        is_clean(trail(3).other(kind, true).archive());
    }
}

#[test]
fn kinds_that_no_digest_names() {
    for kind in [Kind::Insight, Kind::NetworkActivity, Kind::Aggregated] {
        let archive = trail(3).other(kind, false).archive();
        let expect =
            Expect::clean(&archive).finding(code("kind-undigested").says(kind.name()).says("3"));
        Case::new(archive).run().is(&expect);
    }
}

#[test]
fn insight_logs_in_a_further_folder() {
    let mut trail = trail(3).other(Kind::Insight, true);
    trail.others[0].further = Some(Further::Within("ApiCallRateInsight"));
    is_clean(trail.archive());
}

#[test]
fn extended_attributes_hold_the_metadata() {
    let archive = audit();
    let expect = Expect::clean(&archive);
    Case::new(archive)
        .metadata(Metadata::Xattr)
        .run()
        .is(&expect);
}

#[test]
fn metadata_whose_names_are_in_other_letters() {
    let mut archive = audit();
    let expect = Expect::clean(&archive);
    for object in archive.store.objects.values_mut() {
        let metadata = std::mem::take(&mut object.metadata);
        object.metadata = metadata
            .into_iter()
            .map(|(name, value)| (name.to_uppercase(), value))
            .collect();
    }
    Case::new(archive).run().is(&expect);
}

#[test]
fn a_mirror_without_metadata_lacks_only_the_newest_digest() {
    let archive = audit();
    let newest = archive.digest(NEWEST);
    let expect =
        super::common::digest_fails(Expect::clean(&archive), &archive, NEWEST, "digest-unsigned");
    let expect = expect.finding(
        code("signature-from-successor")
            .chain(CHAIN)
            .says(&NEWEST.to_string()),
    );
    assert_eq!(abandoned(&archive, NEWEST, "digest-unsigned").len(), 2);
    let outcome = Case::new(archive).metadata(Metadata::None).run();
    outcome.is(&expect);
    assert!(String::from_utf8_lossy(&outcome.stdout).contains(&newest.1));
}

#[test]
fn metadata_lost_by_some_objects() {
    let mut archive = audit();
    let expect =
        Expect::clean(&archive).finding(code("signature-from-successor").chain(CHAIN).says("2"));
    let (two, four) = (archive.digest(2), archive.digest(4));
    archive.store.clear_metadata(&two);
    archive.store.clear_metadata(&four);
    Case::new(archive).run().is(&expect);
}

#[test]
fn a_mirror_of_two_trails_without_metadata_is_not_cried_out_against() {
    // The newest digest of each is unsigned. That of `one` covers a time of which `two`'s last verified digest covers
    // a part, so only the unsigned digest can name the log of that time.
    let mut archive = Trail::new("one", "2024-03-10T00:00:00Z", 4)
        .logs(Logs::Each(11))
        .archive();
    Trail::new("two", "2024-03-10T00:30:00Z", 4).deliver(&mut archive);
    let report = Case::new(archive).metadata(Metadata::None).run().report();
    assert_eq!(report["verdict"], "unverified", "{:#}", report["findings"]);
}

#[test]
fn several_copies_of_buckets_in_one_folder() {
    let mut archive = Trail::new("one", "2024-03-10T00:00:00Z", 3)
        .place("first-bucket", "")
        .archive();
    Trail::new("two", "2024-03-10T00:00:00Z", 3)
        .place("second-bucket", "team/b")
        .deliver(&mut archive);
    let expect = Expect::clean(&archive);
    Case::new(archive)
        .bucket_in("first-bucket", "copies/2024/first")
        .bucket_in("second-bucket", "copies of others")
        .run()
        .is(&expect);
}

#[test]
fn a_chain_that_changed_its_bucket() {
    is_clean(trail(6).moves(3, "audit-logs-new", "").archive());
}

#[test]
fn a_chain_that_changed_its_prefix() {
    is_clean(
        trail(6)
            .moves(2, "audit-logs", "new")
            .moves(4, "audit-logs", "")
            .archive(),
    );
}

#[test]
fn a_chain_that_changed_its_bucket_or_came_back_copied_into_one_folder() {
    let changed = trail(6).moves(3, "audit-logs-new", "");
    let came_back = trail(6).moves(2, "audit-logs-new", "");
    for trail in [changed, came_back.moves(4, "audit-logs", "")] {
        let archive = trail.archive();
        let expect = Expect::clean(&archive);
        Case::new(archive)
            .bucket_in("audit-logs", "all")
            .bucket_in("audit-logs-new", "all")
            .run()
            .is(&expect);
    }
}

#[test]
fn the_bucket_is_the_source_itself() {
    let archive = audit();
    let expect = Expect::clean(&archive);
    Case::new(archive)
        .bucket_in("audit-logs", "")
        .run()
        .is(&expect);
}

#[test]
fn objects_that_are_no_logs_are_no_findings() {
    let mut archive = audit();
    let expect = Expect::clean(&archive);
    let bodies: [(&str, &[u8]); 9] = [
        ("AWSLogs/", b""),
        ("AWSLogs/111122223333/CloudTrail/us-east-1/2024/03/11/", b""),
        ("AWSLogs/111122223333/CloudTrail-Digest/us-east-1/", b""),
        (
            "AWSLogs/111122223333/CloudTrail/us-east-1/2024/03/10/README.txt",
            b"notes",
        ),
        (
            "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2024/03/10/.DS_Store",
            b"\0\0",
        ),
        (
            "AWSLogs/111122223333/Config/us-east-1/2024/3/10/ConfigHistory/111122223333_Config_x.json.gz",
            b"{}",
        ),
        (
            "AWSLogs/111122223333/elasticloadbalancing/us-east-1/2024/03/10/x.log.gz",
            b"x",
        ),
        (
            "AWSLogs/111122223333/vpcflowlogs/us-east-1/2024/03/10/111122223333_vpcflowlogs_us-east-1_fl-1_20240310T0000Z_0.log.gz",
            b"x",
        ),
        ("inventory/manifest.json", b"{}"),
    ];
    for (key, body) in bodies {
        let object = StoredObject {
            body: body.to_vec(),
            metadata: BTreeMap::new(),
        };
        archive.put(("audit-logs".into(), key.into()), object);
    }
    Case::new(archive).run().is(&expect);
}

#[test]
fn a_copy_that_begins_somewhere() {
    // The oldest digests and logs were expired long ago.
    for expired in [1, 2, 4] {
        let mut archive = audit();
        for digest in archive.chains[0]
            .digests
            .drain(..expired)
            .collect::<Vec<_>>()
        {
            archive.store.delete(&digest.at);
            for log in &digest.logs {
                archive.store.delete(log);
            }
        }
        is_clean(archive);
    }
}

#[test]
fn a_copy_of_whole_days_begins_a_log_too_early() {
    // A copy of folders by day holds, at its start, logs of the day that a digest of the day before names, or the
    // other way round: at most a quarter of an hour of them.
    let mut archive = Trail::new("audit", "2024-03-09T20:00:00Z", 10).archive();
    let midnight = at("10T00:00:00");
    let old: Vec<_> = archive
        .store
        .keys()
        .filter(|key| key.1.contains("/2024/03/09/"))
        .cloned()
        .collect();
    for key in old {
        archive.store.delete(&key);
    }
    // The digest that ends at midnight lies in the folder of the day that begins: its logs do not.
    let kept: Vec<_> = archive.chains[0]
        .digests
        .drain(..)
        .filter(|digest| digest.end >= midnight)
        .collect();
    archive.chains[0].digests = kept;
    let report = Case::new(archive)
        .range("2024-03-10", "2024-03-10T06:00:00Z")
        .run()
        .report();
    assert_eq!(report["verdict"], "valid", "{report:#}");
}

#[test]
fn compressed_anew() {
    let mut archive = audit();
    let expect = Expect::clean(&archive);
    let all: Vec<_> = archive.store.keys().cloned().collect();
    for (index, at) in all.iter().enumerate() {
        archive.store.regzip(at, if index % 2 == 0 { 1 } else { 9 });
    }
    Case::new(archive).run().is(&expect);
}

#[test]
fn stored_without_compression() {
    let mut archive = audit();
    let expect =
        Expect::clean(&archive).finding(code("stored-uncompressed").chain(CHAIN).says("12"));
    let logs: Vec<_> = archive.chains[0]
        .digests
        .iter()
        .flat_map(|digest| digest.logs.clone())
        .collect();
    for log in &logs {
        archive.store.store_uncompressed(log);
    }
    Case::new(archive).run().is(&expect);
}

#[test]
fn digests_stored_without_compression() {
    let mut archive = audit();
    let digests: Vec<_> = archive.chains[0]
        .digests
        .iter()
        .map(|digest| digest.at.clone())
        .collect();
    for digest in &digests {
        archive.store.store_uncompressed(digest);
    }
    let report = Case::new(archive).run().report();
    assert_eq!(
        (&report["verdict"], &report["totals"]["digests"]["valid"]),
        (&"valid".into(), &7.into()),
        "{report:#}"
    );
}

#[test]
fn the_same_archive_gives_the_same_report() {
    let mut archive = trail(5).regions(&["us-east-1", "eu-west-1"]).archive();
    let (log, digest) = (archive.log(2, 0), archive.digest(3));
    archive.store.delete(&log);
    archive.store.truncate(&digest, 3);
    let mut case = Case::new(archive);
    let mut reports = Vec::new();
    for _ in 0..3 {
        let output = case.command().args(["--format", "json"]).output().unwrap();
        let mut report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        report.as_object_mut().unwrap().remove("run");
        reports.push(report);
    }
    assert!(
        reports[0] == reports[1] && reports[1] == reports[2],
        "{reports:#?}"
    );
}

#[test]
fn a_log_of_two_megabytes() {
    let mut trail = trail(1).logs(Logs::Each(1));
    trail.events_per_log = 2500;
    is_clean(trail.archive());
}

#[test]
fn the_chain_of_a_finding_is_named_as_in_the_report() {
    let mut archive = trail(3).organization("o-abcde12345").archive();
    let name = format!("o-abcde12345/{REGION}/audit");
    let log = archive.log(2, 0);
    let expect = Expect::clean(&archive)
        .finding(
            in_chain("log-missing", &log)
                .chain(&name)
                .digest(&archive.digest(2))
                .actual("absent"),
        )
        .chain(&name, |chain| chain.logs = [5, 0, 1, 0]);
    archive.store.delete(&log);
    Case::new(archive).run().is(&expect);
}
