//! What an attacker does to what was verified already.

use super::Nights;
use crate::forge::{
    Archive, Json, KeyJson, KeyRow, Sign, Sink, TestKey, Trail, keyfiles::list_public_keys,
};
use crate::s3::served::Served;
use crate::scenarios::common::trail;

fn archive() -> Archive {
    trail(48).archive()
}

#[test]
fn what_was_remembered_is_missed() {
    let mut archive = archive();
    let nights = Nights::new();
    nights.first(&archive, "2024-03-11");
    let remembered = archive.digest(24);
    archive.store.delete(&remembered);
    let second = nights.night(&archive, None, "2024-03-12");
    assert_eq!(second.exit, 1);
    let finding = second.finding("digest-missing", &remembered);
    let message = finding["message"].as_str().unwrap();
    assert!(message.contains("earlier run verified it"), "{message}");
}

#[test]
fn what_was_remembered_is_missed_where_all_before_it_is_gone_too() {
    let full = archive();
    let nights = Nights::new();
    nights.first(&full, "2024-03-11");
    let mut cut = full.clone();
    for digest in full.first().digests.iter().take(25) {
        cut.store.delete(&digest.at);
        for log in &digest.logs {
            cut.store.delete(log);
        }
    }
    // What is left is whole, signed and in chain, and could be a copy that begins here.
    let second = nights.night(&cut, None, "2024-03-12");
    assert_eq!(second.exit, 1, "{:#}", second.report);
    let finding = second.finding("digest-missing", &full.digest(24));
    let message = finding["message"].as_str().unwrap();
    assert!(message.contains("earlier run verified it"), "{message}");
}

#[test]
fn a_bucket_rolled_back_to_an_older_state_is_told() {
    let archive = archive();
    let nights = Nights::new();
    nights.first(&archive, "2024-03-11");
    // The bucket as it was at noon: whole, signed and in chain.
    let older = trail(12).archive();
    let alone = Nights::new();
    alone.first(&older, "2024-03-10T12:00:00Z");
    let second = nights.night(&older, None, "2024-03-11");
    assert_eq!(second.exit, 1, "{:#}", second.report);
    second.finding("digest-missing", &archive.digest(24));
}

#[test]
fn a_bucket_that_was_emptied_is_told() {
    let full = archive();
    let nights = Nights::new();
    nights.first(&full, "2024-03-11");
    let mut emptied = full.clone();
    for digest in &full.first().digests {
        emptied.store.delete(&digest.at);
        for log in &digest.logs {
            emptied.store.delete(log);
        }
    }
    let other = crate::forge::Trail::new("other", "2024-03-10T00:00:00Z", 48)
        .accounts(&["444455556666"])
        .archive();
    emptied.store.merge(other.store);
    let second = nights.night(&emptied, None, "2024-03-12");
    assert_eq!(second.exit, 1, "{:#}", second.report);
    second.finding("digest-missing", &full.digest(24));
}

#[test]
fn a_history_written_anew_with_cloudtrails_own_key_is_told() {
    let mut archive = archive();
    let nights = Nights::new();
    nights.first(&archive, "2024-03-11");
    let remembered = archive.digest(24);
    archive.edit_digest(&remembered, Sign::With(TestKey::a()), |doc| {
        doc.set("newestEventTime", Json::text("2024-03-10T23:10:00Z"));
    });
    archive.relink(0, 24, None);
    // Nothing is wrong with it but that it was another one.
    let alone = Nights::new();
    alone.first(&archive, "2024-03-12");
    let second = nights.night(&archive, None, "2024-03-12");
    assert_eq!(second.exit, 1, "{:#}", second.report);
    let finding = second.finding("digest-link-broken", &remembered);
    assert_ne!(finding["expected"], finding["actual"]);
}

#[test]
fn metadata_lost_since_is_made_up_for_by_what_is_remembered() {
    let mut archive = trail(24).archive();
    let nights = Nights::new();
    nights.first(&archive, "2024-03-11");
    let newest = archive.digest(24);
    archive.store.clear_metadata(&newest);
    let second = nights.night(&archive, None, "2024-03-11T00:30:00Z");
    assert_eq!(second.exit, 0, "{:#}", second.report);
}

#[test]
fn what_is_gone_before_a_remembered_digest_is_missed_though_its_key_is_gone_too() {
    // The remembered digest alone is signed with another key.
    let mut archive = trail(72)
        .rotate(47, TestKey::b())
        .rotate(48, TestKey::a())
        .archive();
    let digests = archive.first().digests.clone();
    // Another chain was not valid: so the second night begins where the first one did.
    let lagging = Trail::new("lagging", "2024-03-10T00:00:00Z", 72)
        .seed(7)
        .archive();
    archive.store.merge(lagging.store.clone());
    let log = lagging.log(3, 0);
    let object = archive.store.delete(&log);
    let nights = Nights::new();
    let first = nights.night(&archive, Some("2024-03-10"), "2024-03-12");
    assert_eq!(first.exit, 1, "{:#}", first.report);
    archive.put(log, object);
    let keys = nights.file().with_extension("keys");
    let key = list_public_keys(&[KeyRow::of(TestKey::a())], KeyJson::Epoch);
    std::fs::write(&keys, key).unwrap();
    for digest in &digests[..48] {
        archive.store.delete(&digest.at);
        for log in &digest.logs {
            archive.store.delete(log);
        }
    }
    let mut arguments = nights.arguments(None, "2024-03-13");
    arguments.extend(["--public-keys".into(), keys.display().to_string()]);
    let served = Served::new(&archive).args(arguments);
    let cut = served.run("s3://audit-logs");
    assert_eq!(cut["requested"]["start"], "2024-03-10T00:00:00Z");
    assert_eq!(cut["verdict"], "invalid", "{cut:#}");
    let missing = cut["findings"].as_array().unwrap().iter();
    let missing = missing.filter(|it| it["code"] == "digest-missing");
    let missing: Vec<_> = missing.map(|it| it["key"].as_str().unwrap()).collect();
    assert_eq!(missing, [&*digests[47].at.1]);
}

/// What was accepted once as a chain that had ended may come back without its middle.
#[test]
fn a_chain_that_comes_back_misses_what_came_between() {
    let other = Trail::new("other", "2024-03-10T00:00:00Z", 72)
        .seed(5)
        .archive();
    let with = |is_there: &dyn Fn(usize) -> bool| {
        let mut archive = trail(72).archive();
        for (hour, digest) in other.first().digests.iter().enumerate() {
            if is_there(hour) {
                for at in digest.logs.iter().chain([&digest.at]) {
                    let object = other.store.get(at).clone();
                    archive.store.put(at.clone(), object);
                }
            }
        }
        archive
    };
    for gone in [13..=44, 13..=20] {
        let nights = Nights::new();
        let mut arguments = nights.arguments(Some("2024-03-10"), "2024-03-12");
        arguments.extend(["--allow".to_owned(), "coverage-ends-early".to_owned()]);
        let first = Served::new(&with(&|hour| hour <= 12)).args(arguments);
        let report = first.run("s3://audit-logs");
        assert_eq!(report["verdict"], "valid", "{report:#}");
        let second = nights.night(&with(&|hour| !gone.contains(&hour)), None, "2024-03-13");
        assert_eq!(second.exit, 1, "{:#}", second.report);
        second.finding("digest-missing", &other.digest(*gone.end()));
    }
    // All of it, late: it is verified.
    let nights = Nights::new();
    let mut arguments = nights.arguments(Some("2024-03-10"), "2024-03-12");
    arguments.extend(["--allow".to_owned(), "coverage-ends-early".to_owned()]);
    let first = Served::new(&with(&|hour| hour <= 12)).args(arguments);
    first.run("s3://audit-logs");
    let second = nights.night(&with(&|_| true), None, "2024-03-13");
    assert_eq!(second.exit, 0, "{:#}", second.report);
    let chain = &second.report["chains"][1];
    assert_eq!(chain["trail"], "other");
    // The one that was known already too.
    assert_eq!(chain["digests"]["valid"], 61, "{chain:#}");
}

/// A chain that was never found valid is looked at until it is, also where it ended long ago.
#[test]
fn what_is_wrong_with_a_chain_that_came_later_is_not_forgotten() {
    let old = trail(24).archive();
    let younger = Trail::new("younger", "2024-03-11T00:00:00Z", 3)
        .seed(9)
        .archive();
    let mut archive = trail(96).archive();
    archive.store.merge(younger.store.clone());
    let log = younger.log(2, 0);
    let body = archive.store.get(&log).body.clone();
    archive
        .store
        .edit_content(&log, |content| content.push(b' '));
    let nights = Nights::new();
    nights.first(&old, "2024-03-11");
    let night = |archive: &Archive, end| {
        let mut arguments = nights.arguments(None, end);
        arguments.extend(["--allow".to_owned(), "coverage-ends-early".to_owned()]);
        Served::new(archive).args(arguments).run("s3://audit-logs")
    };
    for end in ["2024-03-12", "2024-03-13", "2024-03-14"] {
        let report = night(&archive, end);
        assert_eq!(report["verdict"], "invalid", "{end}: {report:#}");
        assert_eq!(report["chains"][1]["logs"]["invalid"], 1, "{end}");
    }
    // Nor may all of it be gone, and come back.
    let mut gone = archive.clone();
    for at in younger.store.objects.keys() {
        gone.store.delete(at);
    }
    for _ in 0..2 {
        let report = night(&gone, "2024-03-14");
        assert_eq!(report["verdict"], "unverified", "{report:#}");
        let findings = report["findings"].as_array().expect("findings");
        let vanished = findings.iter().find(|it| it["code"] == "no-digests");
        let message = vanished.expect("a finding")["message"].to_string();
        assert!(message.contains("younger"), "{message}");
    }
    // Whoever asks for less than before does not ask for it.
    assert_eq!(night(&gone, "2024-03-11T12:00:00Z")["verdict"], "valid");
    archive.store.replace_body(&log, body);
    assert_eq!(night(&archive, "2024-03-14")["verdict"], "valid");
    assert_eq!(night(&gone, "2024-03-14")["verdict"], "invalid");
}

/// Nobody would look there again.
#[test]
fn what_is_found_where_no_chain_is_stops_the_state() {
    let mut archive = trail(48).archive();
    let log = archive.log(3, 0);
    let object = archive.store.get(&log).clone();
    let other = (log.0.clone(), log.1.replace("us-east-1", "eu-west-1"));
    let nights = Nights::new();
    nights.first(&archive, "2024-03-11");
    archive.store.put(
        (
            other.0,
            other.1.replace("10T02", "11T02").replace("/10/", "/11/"),
        ),
        object,
    );
    for _ in 0..2 {
        let night = nights.night(&archive, None, "2024-03-12");
        assert_eq!(night.exit, 3, "{:#}", night.report);
    }
}
