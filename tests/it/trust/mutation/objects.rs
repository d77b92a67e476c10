//! Whole objects: deleted, exchanged, copied to other names, planted; and whole chains.

use super::case::{Case, Expected, Kind, Target};
use crate::forge::{
    Archive, At, Kind as LogKind, Place, Sign, TestKey,
    plant::{PlantedDigest, PlantedLog},
    time::{DAY, HOUR, MINUTE},
};

/// Names are made for the archive of the table only.
pub const COPIED: &str = "copied to other names";

pub fn cases(archive: &Archive, target: &Target) -> Vec<Case> {
    let mut cases = vec![deleted(target)];
    cases.extend(exchanged(archive, target));
    cases.extend(copied(archive, target));
    cases
}

fn deleted(target: &Target) -> Case {
    let at = target.at.clone();
    let expected = if target.missed_at.is_empty() {
        Expected::ToldOfChain
    } else {
        Expected::Told(target.missed_at.clone())
    };
    Case::new("deleted", "", expected, move |archive| {
        archive.store.delete(&at);
    })
}

/// Exchanged with every other object, and overwritten with it.
fn exchanged(archive: &Archive, target: &Target) -> Vec<Case> {
    let mut cases = Vec::new();
    for other in archive.store.keys().filter(|other| **other != target.at) {
        for with_metadata in [false, true] {
            let (at, with) = (target.at.clone(), other.clone());
            let both = Expected::Told(vec![at.clone(), with.clone()]);
            let name = format!("{}, metadata too: {with_metadata}", other.1);
            cases.push(Case::new(
                "exchanged with each other object",
                name.clone(),
                both,
                move |archive| {
                    archive.store.swap(&at, &with, with_metadata);
                },
            ));
            let (at, with) = (target.at.clone(), other.clone());
            let one = Expected::Told(vec![at.clone()]);
            cases.push(Case::new(
                "overwritten with each other object",
                name,
                one,
                move |archive| {
                    if with_metadata {
                        archive.store.copy(&with, &at, true);
                    } else {
                        let body = archive.store.get(&with).body.clone();
                        archive.store.replace_body(&at, body);
                    }
                },
            ));
        }
    }
    cases
}

/// Copied to names that such an object can have.
fn copied(archive: &Archive, target: &Target) -> Vec<Case> {
    let key = &target.at.1;
    let (stem, end) = (key.trim_end_matches(".json.gz"), ".json.gz");
    let names: Vec<(&str, String)> = match target.kind {
        Kind::Log => {
            let (folder, unique) = stem.rsplit_once('_').expect("a log's name");
            let mut other = unique.to_owned();
            other.replace_range(0..1, if unique.starts_with('A') { "B" } else { "A" });
            vec![
                ("another unique part", format!("{folder}_{other}{end}")),
                ("an odd name", format!("{folder}_copy{end}")),
                ("a further folder", key.replacen("/2024/", "/x/2024/", 1)),
                ("a minute later", key.replacen("0Z_", "1Z_", 1)),
            ]
        }
        Kind::Digest => vec![
            ("a second later", key.replacen("0000Z", "0001Z", 1)),
            ("half an hour later", key.replacen("0000Z", "3000Z", 1)),
            ("another trail", key.replacen("_audit_", "_audit-2_", 1)),
            (
                "another home region",
                key.replacen("_audit_us-east-1_", "_audit_us-west-2_", 1),
            ),
            (
                "another region",
                key.replace("Digest/us-east-1/", "Digest/eu-west-1/")
                    .replace("Digest_us-east-1_", "Digest_eu-west-1_"),
            ),
            (
                "a name that no digest has",
                key.replacen("0000Z", "0000Z_copy", 1),
            ),
            (
                "the other chain",
                if key.contains("_backfill") {
                    key.replacen("_backfill", "", 1)
                } else {
                    format!("{stem}_backfill{end}")
                },
            ),
        ],
    };
    let mut cases = Vec::new();
    for (name, key) in names {
        let (from, to) = (target.at.clone(), (target.at.0.clone(), key));
        if from == to || archive.store.contains(&to) {
            continue;
        }
        for with_metadata in [false, true] {
            let (from, to) = (from.clone(), to.clone());
            let told = Expected::Told(vec![to.clone()]);
            let name = format!("{name}, metadata too: {with_metadata}");
            cases.push(Case::new(COPIED, name, told, move |archive| {
                archive.store.copy(&from, &to, with_metadata);
            }));
        }
    }
    cases
}

pub fn of_many(archive: &Archive) -> Vec<Case> {
    let mut cases = cut_short(archive);
    cases.extend(spans(archive));
    cases.extend(signed_anew(archive));
    cases.extend(planted_logs(archive));
    cases.extend(planted_digests(archive));
    cases
}

/// The newest hours, logs and all, as if they had never been.
fn cut_short(archive: &Archive) -> Vec<Case> {
    let digests = &archive.first().digests;
    let cut = |left: usize| {
        let gone: Vec<At> = digests[left..]
            .iter()
            .flat_map(|digest| digest.logs.iter().chain([&digest.at]))
            .cloned()
            .collect();
        let late: Vec<At> = archive.chains[1..]
            .iter()
            .flat_map(|chain| &chain.digests)
            .filter(|digest| digests[left..].iter().any(|hour| hour.end == digest.end))
            .flat_map(|digest| digest.logs.iter().chain([&digest.at]))
            .cloned()
            .collect();
        let name = format!("{} of {}", digests.len() - left, digests.len());
        Case::new(
            "the newest hours deleted, logs and all",
            name,
            Expected::ToldOfChain,
            move |archive| {
                for at in gone.iter().chain(&late) {
                    archive.store.delete(at);
                }
            },
        )
    };
    (1..digests.len()).map(cut).collect()
}

/// Hours in the middle, digests alone or logs and all: the first one that is named is told, with the span.
fn spans(archive: &Archive) -> Vec<Case> {
    let digests = &archive.first().digests;
    let mut cases = Vec::new();
    for from in 0..digests.len() - 1 {
        for to in from + 1..digests.len() {
            let gone: Vec<At> = digests[from..to]
                .iter()
                .map(|digest| digest.at.clone())
                .collect();
            let told = Expected::Told(vec![digests[to - 1].at.clone()]);
            let name = format!("{from} to {to}");
            cases.push(Case::new(
                "a span of digests deleted",
                name,
                told,
                move |archive| {
                    for at in &gone {
                        archive.store.delete(at);
                    }
                },
            ));
        }
    }
    cases
}

/// Digests, one or all from one on, signed by a forger who has all but CloudTrail's key.
fn signed_anew(archive: &Archive) -> Vec<Case> {
    let digests = &archive.first().digests;
    let mut cases = Vec::new();
    for from in 0..digests.len() {
        for names_it in [false, true] {
            let changed: Vec<At> = digests[from..]
                .iter()
                .map(|digest| digest.at.clone())
                .collect();
            let told = Expected::Told(changed.clone());
            let name = format!("from digest {from} on, naming the key: {names_it}");
            cases.push(Case::new(
                "all digests from one on signed and linked anew with another key",
                name,
                told,
                move |archive| {
                    let foreign = TestKey::foreign();
                    for at in &changed {
                        archive.edit_digest(at, Sign::With(foreign), |doc| {
                            if names_it {
                                doc.set(
                                    "digestPublicKeyFingerprint",
                                    crate::forge::Json::text(foreign.fingerprint()),
                                );
                            }
                        });
                    }
                    archive.relink(0, from, Some(foreign));
                },
            ));
        }
    }
    cases
}

fn planted_logs(archive: &Archive) -> Vec<Case> {
    let chain = archive.first();
    let place = Place::new(&chain.digests[0].at.0, "");
    let mut cases = Vec::new();
    let mut add = |row: &str, log: PlantedLog, expected: fn(At) -> Expected| {
        let expected = expected(log.at());
        cases.push(Case::new(row, log.at().1, expected, move |archive| {
            log.put(&mut archive.store);
        }));
    };
    let told: fn(At) -> Expected = |at| Expected::Told(vec![at]);
    let first = chain.digests[0].end;
    let hours = i64::try_from(chain.digests.len() - 1).expect("few");
    for minute in (15..hours * 60 - 15).step_by(5) {
        let log = PlantedLog::of(&chain.id, &place, first + minute * MINUTE);
        add("a log planted in covered time", log, told);
    }
    for kind in [LogKind::NetworkActivity, LogKind::Aggregated] {
        let mut log = PlantedLog::of(&chain.id, &place, first + HOUR);
        log.kind = kind;
        add("a log planted of a kind that nothing digests", log, |_| {
            Expected::Notice(
                "kind-undigested",
                "CloudTrail may not digest that kind: told once, with the count",
            )
        });
    }
    let mut log = PlantedLog::of(&chain.id, &place, first + HOUR);
    log.region = "eu-west-1".into();
    add("a log planted where no digests are", log, told);
    let mut log = PlantedLog::of(&chain.id, &place, first + HOUR);
    log.account = "444455556666".into();
    add("a log planted where no digests are", log, told);
    let log = PlantedLog::of(&chain.id, &place, first + hours * HOUR + 5 * MINUTE);
    add("a log planted after the newest digest", log, |_| {
        Expected::Notice(
            "log-pending",
            "its digest is not due: the next run tells it",
        )
    });
    cases
}

fn planted_digests(archive: &Archive) -> Vec<Case> {
    let chain = archive.first();
    let place = Place::new(&chain.digests[0].at.0, "");
    let mut cases = Vec::new();
    let first = chain.digests[0].end;
    let hours = i64::try_from(chain.digests.len() - 1).expect("few");
    let mut others = vec![chain.id.clone(), chain.id.clone(), chain.id.clone()];
    others[1].trail = "planted".into();
    others[2].backfill = true;
    for id in others {
        for minute in (-30..hours * 60)
            .step_by(30)
            .filter(|minute| minute % 60 != 0)
        {
            for (how, sign) in [
                ("not signed", Sign::Remove),
                ("signed with another key", Sign::With(TestKey::foreign())),
            ] {
                for claims in [TestKey::a(), TestKey::foreign()] {
                    let mut digest = PlantedDigest::of(&id, &place, first + minute * MINUTE);
                    (digest.sign, digest.claims) = (sign, claims);
                    let log = PlantedLog::of(&chain.id, &place, first + minute * MINUTE);
                    digest.logs = vec![log.entry()];
                    let name = format!(
                        "{} at {minute} minutes, {how}, naming {}",
                        id.name(),
                        claims.name
                    );
                    let told = Expected::Told(vec![digest.at()]);
                    cases.push(Case::new("a digest planted", name, told, move |archive| {
                        digest.put(&mut archive.store);
                    }));
                }
            }
        }
    }
    let mut digest = PlantedDigest::of(&chain.id, &place, first + 5000 * DAY);
    digest.sign = Sign::With(TestKey::foreign());
    let outside =
        Expected::Nothing("it lies outside of the range asked for, and hides nothing in it");
    cases.push(Case::new(
        "a digest planted far in the future",
        "",
        outside,
        move |archive| {
            digest.put(&mut archive.store);
        },
    ));
    cases
}
