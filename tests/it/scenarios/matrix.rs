//! Every kind of tampering in every shape of archive; and tampering at random, which may never come out valid.

use std::{fs, io::Read, path::Path};

use super::common::trail;
use crate::{
    forge::{
        Archive, At, Kind, Sign, TestKey, Trail,
        plant::{PlantedDigest, PlantedLog},
        seed::Seed,
        time::MINUTE,
    },
    harness::{Case, SEVERITIES},
};

fn shapes() -> Vec<(&'static str, Trail)> {
    let mut escaped = trail(5);
    escaped.escape_slashes = true;
    vec![
        ("plain", trail(5)),
        ("organization", trail(5).organization("o-abcde12345")),
        (
            "prefix",
            trail(5).place("audit-logs", "a prefix/with spaces"),
        ),
        (
            "accounts and regions",
            trail(5)
                .accounts(&["111122223333", "444455556666"])
                .regions(&["eu-west-1", "us-east-1"]),
        ),
        (
            "odd minutes",
            Trail::new("audit", "2024-03-10T00:05:31Z", 5),
        ),
        (
            "over midnight",
            Trail::new("audit", "2024-03-09T21:30:00Z", 5),
        ),
        ("key rotation", trail(5).rotate(2, TestKey::b())),
        (
            "another bucket from the third hour on",
            trail(5).moves(2, "audit-logs-new", ""),
        ),
        (
            "another prefix from the third hour on",
            trail(5).moves(2, "audit-logs", "new"),
        ),
        ("empty hours around", trail(5).empty(&[0, 3])),
        ("backfill", trail(5).backfill(&[1, 3])),
        ("restart", trail(1).restart(45, 4)),
        ("insight", trail(5).other(Kind::Insight, true)),
        (
            "nested trail name",
            Trail::new("audit_us-east-1_x", "2024-03-10T00:00:00Z", 5),
        ),
        ("escaped slashes", escaped),
    ]
}

/// The digest in the middle that is tampered with, its logs, and its place.
struct Target {
    digest: At,
    log: At,
    planted_log: PlantedLog,
    planted_digest: PlantedDigest<'static>,
}

fn target(archive: &Archive, trail: &Trail) -> Target {
    let chain = archive.first();
    let hour = chain
        .digests
        .iter()
        .rev()
        .nth(2)
        .expect("an hour in the middle");
    let place = &trail
        .places
        .iter()
        .rev()
        .find(|(from, _)| *from <= 2)
        .expect("a place")
        .1;
    let mut digest = PlantedDigest::of(&chain.id, place, hour.start + 31 * MINUTE);
    digest.sign = Sign::With(TestKey::foreign());
    Target {
        digest: hour.at.clone(),
        log: hour.logs[0].clone(),
        planted_log: PlantedLog::of(&chain.id, place, hour.start + 30 * MINUTE),
        planted_digest: digest,
    }
}

type Tamper = fn(&mut Archive, &Target) -> At;

/// Name, what is done and to which object, the code it must give.
const KINDS: &[(&str, Tamper, &str)] = &[
    (
        "log deleted",
        |a, t| {
            a.store.delete(&t.log);
            t.log.clone()
        },
        "log-missing",
    ),
    (
        "log edited",
        |a, t| {
            a.store.edit_content(&t.log, |it| it[30] ^= 1);
            t.log.clone()
        },
        "log-modified",
    ),
    (
        "log cut",
        |a, t| {
            a.store.truncate(&t.log, 5);
            t.log.clone()
        },
        "log-malformed",
    ),
    (
        "log planted",
        |a, t| t.planted_log.put(&mut a.store),
        "log-unreferenced",
    ),
    (
        "digest deleted",
        |a, t| {
            a.store.delete(&t.digest);
            t.digest.clone()
        },
        "digest-missing",
    ),
    (
        "digest edited",
        |a, t| {
            a.edit_digest(&t.digest, Sign::Keep, |doc| drop(doc.logs().pop()));
            t.digest.clone()
        },
        "digest-modified",
    ),
    (
        "digest cut",
        |a, t| {
            a.store.truncate(&t.digest, 5);
            t.digest.clone()
        },
        "digest-malformed",
    ),
    (
        "digest planted",
        |a, t| t.planted_digest.put(&mut a.store),
        "digest-out-of-chain",
    ),
];

#[test]
fn every_kind_of_tampering_in_every_shape() {
    let mut wrong = Vec::new();
    for (shape, trail) in shapes() {
        let archive = trail.archive();
        for (kind, tamper, code) in KINDS {
            let mut archive = archive.clone();
            let target = target(&archive, &trail);
            let at = tamper(&mut archive, &target);
            let report = Case::new(archive).run().report();
            let findings = report["findings"].as_array().unwrap().iter();
            let invalid: Vec<_> = findings.filter(|it| it["severity"] == "invalid").collect();
            let is_right = |it: &serde_json::Value| {
                it["code"] == *code && it["key"] == at.1.as_str() && it["bucket"] == at.0.as_str()
            };
            if invalid.len() != 1 || !is_right(invalid[0]) {
                wrong.push(format!(
                    "== {shape}: {kind}: expected {code} at {at:?}, found {invalid:#?}"
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// What one whole gzip member holds, if that is all there is.
fn strictly_inflated(body: &[u8]) -> Option<Vec<u8>> {
    let mut decoder = flate2::bufread::GzDecoder::new(body);
    let mut content = Vec::new();
    decoder.read_to_end(&mut content).ok()?;
    decoder.into_inner().is_empty().then_some(content)
}

fn tamper_at_random(body: &mut Vec<u8>, seed: &mut Seed) -> &'static str {
    let place = seed.below(body.len());
    match seed.below(6) {
        0 => {
            body[place] ^= 1 << seed.below(8);
            "bit flipped"
        }
        1 => {
            body.truncate(place);
            "cut"
        }
        2 => {
            body.insert(place, u8::try_from(seed.below(256)).expect("a byte"));
            "byte put in"
        }
        3 => {
            body.remove(place);
            "byte taken out"
        }
        4 => {
            body.extend((0..=seed.below(40)).map(|_| 0));
            "zeros behind"
        }
        _ => {
            let other = body.len() - 1 - place;
            body.swap(place, other);
            "bytes swapped"
        }
    }
}

#[test]
fn tampering_at_random_is_never_valid_unless_the_content_is_the_same() {
    let archive = trail(3).archive();
    let keys: Vec<_> = archive.store.keys().cloned().collect();
    let mut changed = 0;
    for number in 0..200 {
        let mut seed = Seed::new(number);
        let at = &keys[seed.below(keys.len())];
        let before = archive.store.content(at);
        let mut tampered = archive.clone();
        let what = tamper_at_random(&mut tampered.store.get_mut(at).body, &mut seed);
        let is_same = strictly_inflated(&tampered.store.get(at).body)
            .is_some_and(|content| content == before);
        let outcome = Case::new(tampered).run();
        let report = outcome.report();
        assert!(
            is_same || outcome.exit == 1,
            "seed {number}: {what} in {at:?}: {report:#}"
        );
        changed += usize::from(!is_same);
    }
    assert!(changed > 150, "most of it was tampering: {changed}");
}

#[test]
fn every_code_has_a_scenario() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    let sources: String = ["scenarios", "snapshot"]
        .iter()
        .flat_map(|folder| fs::read_dir(tests.join(folder)).unwrap())
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    for (code, _) in SEVERITIES {
        assert!(
            sources.contains(&format!("\"{code}\"")),
            "no scenario states {code}"
        );
    }
}
