//! What `aws cloudtrail validate-logs` gets wrong: each is a case that must come out right here.
//! (A connection that is reset cannot be shown with a folder; see the scenarios of S3.)

use super::common::{CHAIN, NEWEST, at, audit, digest_fails, in_chain, in_region, trail};
use crate::{
    forge::{
        Json, Place, Sign, TestKey,
        plant::{PlantedDigest, PlantedLog},
    },
    harness::{Case, Expect, code},
};

fn place() -> Place {
    Place::new("audit-logs", "")
}

#[test]
fn fault_01_a_key_dated_far_in_the_future_hides_nothing() {
    let mut archive = audit();
    let far = crate::forge::Time::parse("2099-01-01T00:00:00Z");
    let plant = PlantedDigest::of(&archive.first().id.clone(), &place(), far);
    let expect = digest_fails(Expect::clean(&archive), &archive, 3, "digest-missing")
        .finding(in_chain("digest-unsigned", &plant.at()))
        .chain(CHAIN, |chain| chain.digests[3] += 1);
    let digest = archive.digest(3);
    archive.store.delete(&digest);
    plant.put(&mut archive.store);
    Case::new(archive).run().is(&expect);
}

#[test]
fn fault_02_the_newest_or_all_deleted_is_not_valid() {
    let mut archive = audit();
    for digest in archive.chains[0].digests.drain(4..).collect::<Vec<_>>() {
        archive.store.delete(&digest.at);
        for log in &digest.logs {
            archive.store.delete(log);
        }
    }
    let outcome = Case::new(archive)
        .range("2024-03-10", "2024-03-10T06:00:00Z")
        .run();
    assert_eq!(
        (outcome.exit, &outcome.report()["findings"][0]["code"]),
        (3, &"coverage-ends-early".into())
    );
    let outcome = Case::new(crate::forge::Archive::default())
        .range("2024-03-10", "2024-03-10T06:00:00Z")
        .run();
    assert_eq!(
        (outcome.exit, &outcome.report()["findings"][0]["code"]),
        (3, &"no-digests".into())
    );
}

#[test]
fn fault_03_bytes_after_the_first_gzip_member_are_a_forgery() {
    let mut archive = audit();
    let (digest, log) = (archive.digest(2), archive.log(5, 0));
    let expect = digest_fails(Expect::clean(&archive), &archive, 2, "digest-malformed")
        .finding(in_chain("log-malformed", &log).digest(&archive.digest(5)))
        .chain(CHAIN, |chain| (chain.logs[0], chain.logs[1]) = (9, 1));
    archive.store.append_member(&digest, b"{}");
    archive.store.append_member(&log, b"{\"Records\":[]}");
    Case::new(archive).run().is(&expect);
}

#[test]
fn fault_04_a_gzip_trailer_cut_off_is_not_valid() {
    let mut archive = audit();
    let (digest, log) = (archive.digest(NEWEST), archive.log(1, 0));
    let expect = digest_fails(
        Expect::clean(&archive),
        &archive,
        NEWEST,
        "digest-malformed",
    )
    .finding(in_chain("log-malformed", &log).digest(&archive.digest(1)))
    .chain(CHAIN, |chain| (chain.logs[0], chain.logs[1]) = (9, 1));
    archive.store.truncate(&digest, 8);
    archive.store.truncate(&log, 8);
    Case::new(archive).run().is(&expect);
}

#[test]
fn fault_05_what_was_planted_is_told() {
    let mut archive = audit();
    let id = archive.first().id.clone();
    let log = PlantedLog::of(&id, &place(), at("10T02:30:00"));
    let digest = PlantedDigest::of(&id, &place(), at("10T02:45:00"));
    let expect = Expect::clean(&archive)
        .finding(in_region("log-unreferenced", &log.at()))
        .finding(in_chain("digest-out-of-chain", &digest.at()))
        .chain(CHAIN, |chain| chain.digests[1] = 1);
    log.put(&mut archive.store);
    digest.put(&mut archive.store);
    Case::new(archive).run().is(&expect);
}

#[test]
fn fault_06_an_object_that_may_not_be_read_does_not_end_the_run() {
    use std::{fs, os::unix::fs::PermissionsExt};
    let mut archive = audit();
    let (digest, unreadable, missing) = (archive.digest(2), archive.log(5, 0), archive.log(1, 0));
    let expect = digest_fails(Expect::clean(&archive), &archive, 2, "digest-unreadable")
        .finding(in_chain("log-unreadable", &unreadable).digest(&archive.digest(5)))
        .finding(in_chain("log-missing", &missing).digest(&archive.digest(1)))
        .chain(CHAIN, |chain| chain.logs = [8, 0, 1, 1]);
    archive.store.delete(&missing);
    let case = Case::new(archive).written(|case| {
        for at in [&digest, &unreadable] {
            fs::set_permissions(case.path(at), fs::Permissions::from_mode(0o0)).unwrap();
        }
    });
    case.run_unprivileged().is(&expect);
}

#[test]
fn fault_07_a_span_of_deleted_digests_is_told_with_its_logs() {
    let mut archive = trail(12).archive();
    let mut expect = Expect::clean(&archive);
    let gone = archive.first().digests[3..=9].to_vec();
    for digest in &gone {
        archive.store.delete(&digest.at);
        expect = expect.findings(
            digest
                .logs
                .iter()
                .map(|log| in_region("log-uncovered", log)),
        );
    }
    let missing = in_chain("digest-missing", &archive.digest(9))
        .says("2024-03-10T02:00:00Z")
        .says("2024-03-10T09:00:00Z");
    let expect = expect.finding(missing).chain(CHAIN, |chain| {
        chain.digests = [6, 0, 1, 0];
        chain.logs = [10, 0, 0, 0];
        chain.gap(at("10T02:00:00"), at("10T09:00:00"), "digest-missing");
    });
    Case::new(archive).run().is(&expect);
}

#[test]
fn fault_08_nothing_is_said_of_what_no_digest_covers() {
    let archive = trail(3).restart(240, 3).archive();
    let mut case = Case::new(archive);
    for format in ["text", "json"] {
        let output = case.command().args(["--format", format]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap().to_lowercase();
        assert!(text.contains("coverage-gap"), "{text}");
        for claim in [
            "no logs were delivered",
            "no log files were delivered",
            "nothing was delivered",
            "no events occurred",
        ] {
            assert!(!text.contains(claim), "{text}");
        }
    }
}

#[test]
fn fault_09_hash_and_signatures_of_a_digest_are_compared() {
    for (field, value) in [
        ("previousDigestHashValue", "1".repeat(64)),
        (
            "previousDigestSignature",
            TestKey::a().sign(b"another text"),
        ),
    ] {
        let mut archive = audit();
        let (broken, successor) = (archive.digest(4), archive.digest(5));
        let expect = Expect::clean(&archive)
            .finding(in_chain("digest-link-broken", &broken).digest(&successor))
            .chain(CHAIN, |chain| (chain.digests[0], chain.digests[1]) = (6, 1));
        archive.edit_digest(&successor, Sign::With(TestKey::a()), |doc| {
            doc.set(field, Json::text(value));
        });
        archive.relink(0, 5, None);
        Case::new(archive).run().is(&expect);
    }
}

#[test]
fn fault_11_offsets_in_times_count() {
    let archive = trail(8).archive();
    let report = Case::new(archive)
        .range("2024-03-10T04:00:00+02:00", "2024-03-09T23:00:00-05:00")
        .run()
        .report();
    assert_eq!(
        report["requested"],
        serde_json::json!({"start": "2024-03-10T02:00:00Z", "end": "2024-03-10T04:00:00Z"})
    );
    assert_eq!(report["totals"]["digests"]["valid"], 2);
}

#[test]
fn fault_12_all_accounts_and_regions_in_one_run() {
    let mut archive = trail(3)
        .organization("o-abcde12345")
        .accounts(&["111122223333", "444455556666", "777788889999"])
        .regions(&["us-east-1", "eu-west-1", "ap-northeast-1"])
        .archive();
    let last = archive.chains.last().unwrap().clone();
    let (name, log) = (last.id.name(), last.digests[2].logs[0].clone());
    let expect = Expect::clean(&archive)
        .finding(
            code("log-missing")
                .at(&log)
                .chain(&name)
                .digest(&last.digests[2].at),
        )
        .chain(&name, |chain| chain.logs = [5, 0, 1, 0]);
    assert_eq!(expect.chains.len(), 9);
    archive.store.delete(&log);
    Case::new(archive).run().is(&expect);
}
