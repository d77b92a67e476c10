//! Links between digests: what is missing, what was put in between, what was put on top.

use super::common::{CHAIN, HOURS, NEWEST, at, audit, digest_fails, in_chain, in_region, trail};
use crate::{
    forge::{
        Archive, Json, Place, Sign, TestKey, Time,
        plant::{PlantedDigest, PlantedLog},
        time::HOUR,
    },
    harness::{Case, Expect, code},
};

fn place() -> Place {
    Place::new("audit-logs", "")
}

#[test]
fn a_span_of_missing_digests_is_one_finding_that_tells_the_span() {
    let mut archive = audit();
    let mut expect = Expect::clean(&archive).finding(
        in_chain("digest-missing", &archive.digest(4))
            .digest(&archive.digest(5))
            .actual("absent")
            .says("2024-03-10T01:00:00Z")
            .says("2024-03-10T04:00:00Z"),
    );
    for index in 2..=4 {
        expect = expect.findings(super::common::abandoned(&archive, index, "digest-missing"));
    }
    let expect = expect.chain(CHAIN, |chain| {
        chain.digests = [4, 0, 1, 0];
        chain.logs = [6, 0, 0, 0];
        chain.gap(at("10T01:00:00"), at("10T04:00:00"), "digest-missing");
    });
    for index in 2..=4 {
        let digest = archive.digest(index);
        archive.store.delete(&digest);
    }
    Case::new(archive).run().is(&expect);
}

/// Only CloudTrail could sign such a digest. What it names is not there all the same, though another digest is that ends
/// at the same time.
#[test]
fn a_signed_digest_that_names_what_is_no_digest() {
    let mut archive = audit();
    let (digest, named) = (
        archive.digest(NEWEST),
        ("audit-logs".to_owned(), "x".to_owned()),
    );
    archive.edit_digest(&digest, Sign::With(TestKey::a()), |doc| {
        doc.set("previousDigestS3Object", Json::text("x"));
    });
    let expect = Expect::clean(&archive)
        .finding(in_chain("digest-missing", &named).digest(&digest))
        .chain(CHAIN, |chain| chain.digests[2] += 1);
    Case::new(archive).run().is(&expect);
}

/// Only CloudTrail could sign such a digest. Whoever follows it comes to no end.
#[test]
fn a_signed_digest_that_names_itself_or_a_newer_one() {
    for named in [3, 4, NEWEST] {
        let mut archive = audit();
        let expect = digest_fails(Expect::clean(&archive), &archive, 3, "digest-malformed");
        let (digest, (_, newer)) = (archive.digest(3), archive.digest(named));
        archive.edit_digest(&digest, Sign::With(TestKey::a()), |doc| {
            doc.set("previousDigestS3Object", Json::text(newer));
        });
        Case::new(archive).run().is(&expect);
    }
}

/// Only CloudTrail could sign such a digest. The one that it passes by is signed too, and what it says of an older one
/// counts all the same.
#[test]
fn a_signed_digest_that_passes_another_one_by() {
    let mut archive = audit();
    let (digest, named) = (archive.digest(4), archive.digest(2));
    archive.edit_digest(&digest, Sign::With(TestKey::a()), |doc| {
        doc.set("previousDigestS3Object", Json::text(named.1.clone()));
    });
    archive.relink(0, 4, None);
    let expect = Expect::clean(&archive)
        .finding(in_chain("digest-link-broken", &named).digest(&digest))
        .chain(CHAIN, |chain| {
            chain.digests[0] -= 1;
            chain.digests[1] += 1;
        });
    Case::new(archive).run().is(&expect);
}

#[test]
fn a_span_deleted_with_its_logs_still_shows() {
    let mut archive = audit();
    let expect = Expect::clean(&archive)
        .finding(in_chain("digest-missing", &archive.digest(4)))
        .chain(CHAIN, |chain| {
            chain.digests = [5, 0, 1, 0];
            chain.logs = [8, 0, 0, 0];
            chain.gap(at("10T02:00:00"), at("10T04:00:00"), "digest-missing");
        });
    let gone = archive.first().digests[3..=4].to_vec();
    for digest in &gone {
        archive.store.delete(&digest.at);
        for log in &digest.logs {
            archive.store.delete(log);
        }
    }
    Case::new(archive).run().is(&expect);
}

#[test]
fn two_breaks_are_two_findings() {
    let mut archive = audit();
    let mut expect = Expect::clean(&archive);
    for index in [2, 5] {
        expect = digest_fails(expect, &archive, index, "digest-missing");
    }
    for index in [2, 5] {
        let digest = archive.digest(index);
        archive.store.delete(&digest);
    }
    Case::new(archive).run().is(&expect);
}

#[test]
fn a_missing_start_shows_where_another_chain_is_older() {
    let mut archive = trail(HOURS).regions(&["us-east-1", "eu-west-1"]).archive();
    let missing = archive.chains[0].digests[..3].to_vec();
    let mut expect = Expect::clean(&archive)
        .finding(in_chain("digest-missing", &missing[2].at))
        .chain(CHAIN, |chain| {
            chain.digests = [4, 0, 1, 0];
            chain.logs = [8, 0, 0, 0];
            chain.covered[0].0 = at("10T02:00:00");
            chain.gaps.push((
                at("10T00:00:00"),
                at("10T02:00:00"),
                "digest-missing".into(),
            ));
        });
    for log in missing.iter().flat_map(|digest| &digest.logs) {
        expect = expect.finding(in_region("log-uncovered", log));
    }
    for digest in &missing {
        archive.store.delete(&digest.at);
    }
    Case::new(archive).run().is(&expect);
}

#[test]
fn a_successor_that_states_another_hash_breaks_the_link() {
    link_broken("previousDigestHashValue", &"0".repeat(64));
}

#[test]
fn a_successor_that_states_another_signature_breaks_the_link() {
    link_broken(
        "previousDigestSignature",
        &TestKey::a().sign(b"something else"),
    );
}

fn link_broken(field: &str, value: &str) {
    for position in [1, 3, NEWEST - 1] {
        let mut archive = audit();
        let (broken, successor) = (archive.digest(position), archive.digest(position + 1));
        let expect = Expect::clean(&archive)
            .finding(in_chain("digest-link-broken", &broken).digest(&successor));
        let expect = expect.chain(CHAIN, |chain| {
            chain.digests[0] -= 1;
            chain.digests[1] += 1;
        });
        archive.edit_digest(&successor, Sign::With(TestKey::a()), |doc| {
            doc.set(field, Json::text(value));
        });
        archive.relink(0, position + 1, None);
        Case::new(archive).run().is(&expect);
    }
}

#[test]
fn a_digest_signed_anew_by_cloudtrails_key_breaks_the_link() {
    let mut archive = audit();
    let (edited, successor) = (archive.digest(3), archive.digest(4));
    let expect = Expect::clean(&archive)
        .finding(in_chain("digest-link-broken", &edited).digest(&successor))
        .chain(CHAIN, |chain| (chain.digests[0], chain.digests[1]) = (6, 1));
    archive.edit_digest(&edited, Sign::With(TestKey::a()), |doc| {
        doc.set("newestEventTime", Json::Null);
    });
    Case::new(archive).run().is(&expect);
}

#[test]
fn a_chain_forged_from_a_digest_on_is_unknown_from_there_on() {
    let mut archive = audit();
    let edited = archive.digest(4);
    archive.edit_digest(&edited, Sign::With(TestKey::foreign()), |doc| {
        drop(doc.logs().pop());
    });
    archive.relink(0, 4, Some(TestKey::foreign()));
    // The forger claims CloudTrail's fingerprint.
    let report = Case::new(archive.clone()).run().report();
    assert_eq!(
        report["chains"][0]["digests"],
        serde_json::json!({"valid": 4, "invalid": 3, "missing": 0, "unverified": 0})
    );
    let codes: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["code"].clone())
        .collect();
    assert_eq!(
        codes
            .iter()
            .filter(|code| *code == "digest-modified")
            .count(),
        3,
        "{codes:?}"
    );
    // The forger gives the fingerprint of a key of his own.
    for index in 4..=NEWEST {
        let digest = archive.digest(index);
        let print = Json::text(TestKey::foreign().fingerprint());
        let foreign = Sign::With(TestKey::foreign());
        archive.edit_digest(&digest, foreign, |doc| {
            doc.set("digestPublicKeyFingerprint", print);
        });
    }
    archive.relink(0, 4, Some(TestKey::foreign()));
    let report = Case::new(archive).run().report();
    let codes: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["code"].clone())
        .collect();
    assert_eq!(
        codes
            .iter()
            .filter(|code| *code == "digest-key-unknown")
            .count(),
        3,
        "{codes:?}"
    );
}

/// The ways in which a forger may sign what he plants, and the code of it at the head of a chain.
fn forgeries() -> [(Sign, &'static TestKey, &'static str); 3] {
    [
        (Sign::Remove, TestKey::a(), "digest-unsigned"),
        (
            Sign::With(TestKey::foreign()),
            TestKey::foreign(),
            "digest-key-unknown",
        ),
        (
            Sign::With(TestKey::foreign()),
            TestKey::a(),
            "digest-modified",
        ),
    ]
}

fn planted(
    archive: &Archive,
    end: Time,
    (sign, claims, _): (Sign, &'static TestKey, &str),
) -> PlantedDigest<'static> {
    let id = archive.first().id.clone();
    PlantedDigest {
        claims,
        sign,
        ..PlantedDigest::of(&id, &place(), end)
    }
}

#[test]
fn a_digest_that_the_chain_passes_by_is_out_of_chain() {
    for forgery in forgeries() {
        for end in ["10T01:30:00", "10T02:30:00", "10T05:59:59"] {
            let mut archive = audit();
            let plant = planted(&archive, at(end), forgery);
            let expect = Expect::clean(&archive)
                .finding(in_chain("digest-out-of-chain", &plant.at()))
                .chain(CHAIN, |chain| chain.digests[1] += 1);
            plant.put(&mut archive.store);
            Case::new(archive).run().is(&expect);
        }
    }
}

#[test]
fn right_above_a_starting_digest_a_planted_one_is_told_by_what_is_wrong_with_it() {
    // An older chain may have ended there: that the chain passes it by proves nothing.
    for forgery in forgeries() {
        let mut archive = audit();
        let plant = planted(&archive, at("10T00:30:00"), forgery);
        let slot = if forgery.2 == "digest-unsigned" { 3 } else { 1 };
        let expect = Expect::clean(&archive)
            .finding(in_chain(forgery.2, &plant.at()))
            .chain(CHAIN, |chain| chain.digests[slot] += 1);
        plant.put(&mut archive.store);
        Case::new(archive).run().is(&expect);
    }
}

#[test]
fn a_planted_digest_vouches_for_no_log() {
    let mut archive = audit();
    let id = archive.first().id.clone();
    let log = PlantedLog::of(&id, &place(), at("10T02:20:00"));
    let mut plant = planted(&archive, at("10T02:30:00"), forgeries()[2]);
    plant.logs = vec![log.entry()];
    let expect = Expect::clean(&archive)
        .finding(in_chain("digest-out-of-chain", &plant.at()))
        .finding(in_region("log-unreferenced", &log.at()))
        .chain(CHAIN, |chain| chain.digests[1] += 1);
    log.put(&mut archive.store);
    plant.put(&mut archive.store);
    Case::new(archive).run().is(&expect);
}

#[test]
fn forged_heads_do_not_hide_the_chain_below() {
    for forgery in forgeries() {
        for hours in [1, 3, 24 * 365 * 75] {
            let mut archive = audit();
            let mut plant = planted(&archive, at("10T06:00:00") + hours * HOUR, forgery);
            // It claims to follow a digest that never was.
            let mut previous = archive.as_previous(&archive.digest(NEWEST));
            previous.at.1 = previous.at.1.replace("T060000Z", "T061500Z");
            plant.previous = Some(previous);
            let slot = if forgery.2 == "digest-unsigned" { 3 } else { 1 };
            let expect = Expect::clean(&archive)
                .finding(in_chain(forgery.2, &plant.at()))
                .chain(CHAIN, |chain| chain.digests[slot] += 1);
            plant.put(&mut archive.store);
            Case::new(archive).run().is(&expect);
        }
    }
}

#[test]
fn garbage_on_top_does_not_hide_the_chain_below() {
    let mut archive = audit();
    let mut expect = Expect::clean(&archive);
    for hours in 1..=4 {
        let plant = planted(&archive, at("10T06:00:00") + hours * HOUR, forgeries()[0]);
        let object = crate::forge::StoredObject {
            body: b"garbage".to_vec(),
            ..Default::default()
        };
        archive.store.objects.insert(plant.at(), object);
        expect = expect
            .finding(in_chain("digest-malformed", &plant.at()))
            .chain(CHAIN, |chain| chain.digests[1] += 1);
    }
    Case::new(archive).run().is(&expect);
}

#[test]
fn a_trail_of_the_forgers_own_is_a_chain_of_its_own() {
    for forgery in forgeries() {
        let mut archive = audit();
        let mut plant = planted(&archive, at("10T03:00:00"), forgery);
        plant.id.trail = "zzz".into();
        let name = plant.id.name();
        let mut chain = crate::harness::Chain::empty(plant.id.clone());
        let slot = if forgery.2 == "digest-unsigned" { 3 } else { 1 };
        chain.digests[slot] = 1;
        let expect = Expect::clean(&archive)
            .finding(code(forgery.2).at(&plant.at()).chain(&name))
            .another_chain(chain);
        plant.put(&mut archive.store);
        Case::new(archive).run().is(&expect);
    }
}

#[test]
fn a_planted_key_that_no_digest_can_have() {
    let folder = "AWSLogs/111122223333/CloudTrail-Digest/us-east-1";
    let name = "111122223333_CloudTrail-Digest_us-east-1_audit_us-east-1";
    let keys = [
        format!("{folder}/2024/03/10/junk.json.gz"),
        format!("{folder}/2024/03/10/{name}_20240310T0630Z.json.gz"),
        format!("{folder}/2024/03/10/{name}_20240230T063000Z.json.gz"),
        format!("{folder}/2024/03/11/{name}_20240310T063000Z.json.gz"),
        format!(
            "{folder}/2024/03/10/444455556666_CloudTrail-Digest_us-east-1_audit_us-east-1_20240310T063000Z.json.gz"
        ),
        format!(
            "{folder}/2024/03/10/111122223333_CloudTrail-Digest_eu-west-1_audit_us-east-1_20240310T063000Z.json.gz"
        ),
        format!("{folder}/2024/03/10/deeper/{name}_20240310T063000Z.json.gz"),
        format!("{folder}/{name}_20240310T063000Z.json.gz"),
    ];
    for key in keys {
        let mut archive = audit();
        let plant = ("audit-logs".to_owned(), key);
        let newest = archive.digest(NEWEST);
        archive.store.copy(&newest, &plant, true);
        let outcome = Case::new(archive).run();
        let report = outcome.report();
        let findings = report["findings"].as_array().unwrap();
        assert_eq!(findings.len(), 1, "{}: {findings:#?}", plant.1);
        assert_eq!(
            (&findings[0]["code"], &findings[0]["key"]),
            (&"digest-malformed".into(), &plant.1.as_str().into())
        );
        assert_eq!(
            report["chains"][0]["digests"]["valid"], 7,
            "the chain is read all the same: {report:#}"
        );
    }
}

#[test]
fn a_tampered_backfill_digest() {
    let chain = format!("{CHAIN} (backfill)");
    for (sign, name, slot) in [
        (Sign::Keep, "digest-modified", 1),
        (Sign::Remove, "digest-unsigned", 3),
    ] {
        let mut archive = trail(5).backfill(&[2]).archive();
        let backfill = archive.chain(&chain).digests[0].clone();
        let expect = Expect::clean(&archive)
            .finding(code(name).at(&backfill.at).chain(&chain))
            .chain(&chain, |chain| {
                chain.digests[0] = 0;
                chain.digests[slot] = 1;
                chain.logs[0] = 0;
                chain.fingerprints.clear();
            });
        archive.edit_digest(&backfill.at, sign, |doc| {
            doc.set("oldestEventTime", Json::Null);
        });
        let outcome = Case::new(archive).run();
        // What the digest named is named by nothing now. Where the digest is only unsigned, that proves nothing wrong.
        let orphan = if slot == 1 {
            "log-unreferenced"
        } else {
            "log-uncovered"
        };
        outcome.is(&expect.finding(in_region(orphan, &backfill.logs[0])));
    }
}

#[test]
fn a_deleted_backfill_digest_leaves_its_log_out_of_chain() {
    let chain = format!("{CHAIN} (backfill)");
    let mut archive = trail(5).backfill(&[2]).archive();
    let backfill = archive.chain(&chain).digests[0].clone();
    let expect = Expect::clean(&archive)
        .without_chain(&chain)
        .finding(in_region("log-unreferenced", &backfill.logs[0]));
    archive.store.delete(&backfill.at);
    Case::new(archive).run().is(&expect);
}

#[test]
fn a_backfill_digests_predecessor_is_compared_but_not_demanded() {
    let chain = format!("{CHAIN} (backfill)");
    let mut trail = trail(5).backfill(&[1, 2, 3]);
    trail.backfills_linked = true;
    let mut archive = trail.archive();
    let first = archive.chain(&chain).digests[0].clone();
    let expect = Expect::clean(&archive)
        .finding(in_region("log-unreferenced", &first.logs[0]))
        .chain(&chain, |chain| (chain.digests[0], chain.logs[0]) = (2, 2));
    archive.store.delete(&first.at);
    Case::new(archive).run().is(&expect);
}

#[test]
fn a_missing_bucket_of_a_chain_that_moved() {
    let mut archive = trail(6).moves(3, "audit-logs-new", "").archive();
    let missing = archive.digest(3);
    let old: Vec<_> = archive
        .store
        .keys()
        .filter(|at| at.0 == "audit-logs")
        .cloned()
        .collect();
    for at in &old {
        archive.store.delete(at);
    }
    // Only the new bucket was copied: a copy begins somewhere.
    archive.chains[0].digests.drain(..4);
    let expect = Expect::clean(&archive);
    Case::new(archive.clone()).run().is(&expect);
    // Asked for the whole time, it shows.
    let report = Case::new(archive)
        .only_in_a_folder(
            "S3 tells besides that the bucket is gone, listing by listing: s3::places has it",
        )
        .range("2024-03-10", "2024-03-10T06:00:00Z")
        .run()
        .report();
    let finding = &report["findings"][0];
    assert_eq!(
        (&finding["code"], &finding["bucket"]),
        (&"digest-missing".into(), &"audit-logs".into()),
        "{report:#}"
    );
    assert_eq!(finding["key"], missing.1.as_str());
}

#[test]
fn the_starting_digest_tampered_with() {
    let mut archive = audit();
    let starting = archive.digest(0);
    let expect = Expect::clean(&archive)
        .finding(in_chain("digest-modified", &starting))
        .chain(CHAIN, |chain| (chain.digests[0], chain.digests[1]) = (6, 1));
    archive.edit_digest(&starting, Sign::Keep, |doc| {
        doc.set("oldestEventTime", Json::text("2024-03-09T23:30:00Z"));
    });
    Case::new(archive).run().is(&expect);
}

#[test]
fn a_digest_whose_name_tells_another_second_than_its_content() {
    // The whole chain's newest, one second later, with its own location in the content: CloudTrail's key signed it.
    let mut archive = audit();
    let newest = archive.digest(NEWEST);
    let moved = (newest.0.clone(), newest.1.replace("T060000Z", "T060001Z"));
    let expect = digest_fails(
        Expect::clean(&archive),
        &archive,
        NEWEST,
        "digest-malformed",
    );
    archive.store.move_to(&newest, &moved, true);
    let key = Json::text(&moved.1);
    archive.edit_digest(&moved, Sign::With(TestKey::a()), |doc| {
        doc.set("digestS3Object", key);
    });
    let outcome = Case::new(archive).run();
    let mut expect = expect;
    expect.findings[0] = in_chain("digest-malformed", &moved);
    outcome.is(&expect);
}
