//! The committed archives of testdata/: each is what the forge makes, and gives what is expected of it.
//!
//! `cargo test --test it regenerate_testdata -- --ignored` makes them anew.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::common::at;
use crate::{
    forge::{
        Act, Archive, At, FolderWriter, Json, Kind, Metadata, Place, Sign, TestKey, Trail,
        keyfiles::trusted_keys,
        plant::{PlantedDigest, PlantedLog},
    },
    harness::{program, text_of},
};

/// An archive with at most one fault, and what it must give.
struct Set {
    name: &'static str,
    about: &'static str,
    archive: Archive,
    metadata: Metadata,
    arguments: &'static [&'static str],
    exit: i32,
    /// Code and key of each finding, sorted by key and code.
    findings: Vec<(&'static str, Option<At>)>,
}

impl Set {
    fn new(name: &'static str, about: &'static str, archive: Archive) -> Self {
        Self {
            name,
            about,
            archive,
            metadata: Metadata::Sidecar,
            arguments: &[],
            exit: 0,
            findings: vec![],
        }
    }

    fn gives(mut self, exit: i32, findings: Vec<(&'static str, Option<At>)>) -> Self {
        (self.exit, self.findings) = (exit, findings);
        self
    }

    fn folder(&self) -> PathBuf {
        testdata().join(self.name)
    }

    fn expected(&self) -> String {
        let verdict = ["valid", "invalid", "", "unverified"]
            [usize::try_from(self.exit).expect("an exit status")];
        let finding = |(code, at): &(&str, Option<At>)| json!({"code": code, "key": at.as_ref().map(|at| &at.1)});
        let expected = json!({
            "about": self.about,
            "arguments": self.arguments,
            "exit_status": self.exit,
            "verdict": verdict,
            "findings": self.findings.iter().map(finding).collect::<Vec<_>>(),
        });
        format!("{expected:#}\n")
    }

    fn write(&self, folder: &Path) {
        fs::create_dir_all(folder).expect("a folder for the set");
        FolderWriter::new(&folder.join("archive"), self.metadata)
            .bucket_in("audit-logs", "")
            .write(&self.archive.store);
        fs::write(folder.join("public-keys.json"), trusted_keys()).expect("a key file");
        fs::write(folder.join("expected.json"), self.expected()).expect("what is expected");
    }
}

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

fn audit() -> Archive {
    trail().archive()
}

fn trail() -> Trail {
    Trail::new("audit", "2024-03-10T00:00:00Z", 4)
}

/// The logs of a digest that vouches for them no more.
fn uncovered(archive: &Archive, digest: usize) -> Vec<(&'static str, Option<At>)> {
    let mut logs = archive.first().digests[digest].logs.clone();
    logs.sort();
    logs.into_iter()
        .map(|log| ("log-uncovered", Some(log)))
        .collect()
}

fn sets() -> Vec<Set> {
    [
        clean_sets(),
        log_sets(),
        digest_sets(),
        forged_sets(),
        coverage_sets(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The archive of the set `clean`.
pub fn clean() -> Archive {
    trail()
        .regions(&["us-east-1", "eu-west-1"])
        .rotate(2, TestKey::b())
        .archive()
}

fn clean_sets() -> Vec<Set> {
    let two_regions = clean();
    let mut plain = audit();
    for log in plain.first().digests[2].logs.clone() {
        plain.store.store_uncompressed(&log);
    }
    let undigested = trail().other(Kind::Insight, false).archive();
    vec![
        Set::new(
            "clean",
            "Two regions, four hours, a key rotation; nothing is wrong.",
            two_regions,
        ),
        Set::new(
            "clean-stored-uncompressed",
            "Two logs lost their compression on the way; their content is intact.",
            plain,
        )
        .gives(0, vec![("stored-uncompressed", None)]),
        Set::new(
            "clean-insight-undigested",
            "Insight logs that no digest names: CloudTrail may not digest them.",
            undigested,
        )
        .gives(0, vec![("kind-undigested", None)]),
        Set {
            metadata: Metadata::None,
            ..Set::new(
                "mirror-without-metadata",
                "A plain mirror: only the newest digest lacks a proof.",
                audit(),
            )
        }
        .gives(3, {
            let archive = audit();
            let digest = [
                ("signature-from-successor", None),
                ("digest-unsigned", Some(archive.digest(4))),
            ];
            digest.into_iter().chain(uncovered(&archive, 4)).collect()
        }),
    ]
}

fn log_sets() -> Vec<Set> {
    let mut modified = audit();
    let log = modified.log(2, 0);
    modified.store.edit_text(&log, "198.51.100.", "203.0.113.");
    let modified = Set::new(
        "log-modified",
        "One address in one event was changed.",
        modified,
    )
    .gives(1, vec![("log-modified", Some(log.clone()))]);

    let mut missing = audit();
    missing.store.delete(&log);
    let missing = Set::new("log-missing", "One log was deleted.", missing)
        .gives(1, vec![("log-missing", Some(log.clone()))]);

    let mut appended = audit();
    appended
        .store
        .append_member(&log, b"{\"Records\":[{\"eventName\":\"Forged\"}]}");
    let appended = Set::new(
        "log-malformed",
        "A second gzip member behind the log: zcat and Athena would read it.",
        appended,
    )
    .gives(1, vec![("log-malformed", Some(log))]);

    let mut planted = audit();
    let plant = PlantedLog::of(
        &planted.first().id,
        &Place::new("audit-logs", ""),
        at("10T02:30:00"),
    );
    let log = plant.put(&mut planted.store);
    let planted = Set::new(
        "log-unreferenced",
        "A log that CloudTrail never delivered, in a covered hour.",
        planted,
    )
    .gives(1, vec![("log-unreferenced", Some(log))]);
    vec![modified, missing, appended, planted]
}

fn digest_sets() -> Vec<Set> {
    let failing = |name, about, code, tamper: fn(&mut Archive, &At)| {
        let mut archive = audit();
        let digest = archive.digest(2);
        let mut findings = uncovered(&archive, 2);
        findings.insert(0, (code, Some(digest.clone())));
        tamper(&mut archive, &digest);
        Set::new(name, about, archive).gives(1, findings)
    };
    let mut moved = audit();
    let (one, other) = (moved.digest(2), moved.digest(3));
    moved.store.swap(&one, &other, true);
    let mut findings = vec![("digest-moved", Some(one)), ("digest-moved", Some(other))];
    findings.extend(
        [2, 3]
            .into_iter()
            .flat_map(|index| uncovered(&moved, index)),
    );
    vec![
        failing(
            "digest-deleted",
            "A digest in the middle of the chain was deleted.",
            "digest-missing",
            |archive, digest| {
                archive.store.delete(digest);
            },
        ),
        failing(
            "digest-modified",
            "A log was struck out of a digest.",
            "digest-modified",
            |archive, digest| {
                archive.edit_digest(digest, Sign::Keep, |doc| drop(doc.logs().pop()));
            },
        ),
        failing(
            "digest-malformed",
            "The last eight bytes of a digest were cut off.",
            "digest-malformed",
            |archive, digest| {
                archive.store.truncate(digest, 8);
            },
        ),
        Set::new("digest-moved", "Two digests were swapped.", moved).gives(1, findings),
    ]
}

fn forged_sets() -> Vec<Set> {
    let mut foreign = audit();
    let digest = foreign.digest(2);
    let mut findings = uncovered(&foreign, 2);
    findings.insert(0, ("digest-key-unknown", Some(digest.clone())));
    foreign.edit_digest(&digest, Sign::With(TestKey::foreign()), |doc| {
        doc.logs().pop();
        doc.set(
            "digestPublicKeyFingerprint",
            Json::text(TestKey::foreign().fingerprint()),
        );
    });
    let foreign = Set::new(
        "digest-key-unknown",
        "A digest was signed anew with a forger's key.",
        foreign,
    )
    .gives(1, findings);

    let mut broken = audit();
    let (digest, successor) = (broken.digest(2), broken.digest(3));
    broken.edit_digest(&successor, Sign::With(TestKey::a()), |doc| {
        doc.set("previousDigestHashValue", Json::text("0".repeat(64)));
    });
    broken.relink(0, 3, None);
    let broken = Set::new(
        "digest-link-broken",
        "A digest and its successor disagree on the digest's hash.",
        broken,
    )
    .gives(1, vec![("digest-link-broken", Some(digest))]);

    let mut planted = audit();
    let plant = PlantedDigest::of(
        &planted.first().id.clone(),
        &Place::new("audit-logs", ""),
        at("10T02:30:00"),
    );
    let digest = plant.put(&mut planted.store);
    let planted = Set::new(
        "digest-out-of-chain",
        "An unsigned digest that no chain reaches.",
        planted,
    )
    .gives(1, vec![("digest-out-of-chain", Some(digest))]);
    vec![foreign, broken, planted]
}

fn coverage_sets() -> Vec<Set> {
    let mut cut = audit();
    for digest in cut.chains[0].digests.drain(2..).collect::<Vec<_>>() {
        cut.store.delete(&digest.at);
        for log in &digest.logs {
            cut.store.delete(log);
        }
    }
    let cut = Set {
        arguments: &["--end-time", "2024-03-10T04:00:00Z"],
        ..Set::new(
            "newest-deleted",
            "The newest digests and their logs were deleted: the range shows it.",
            cut,
        )
    };
    let name = r#"{"name":"audit"}"#;
    let stop = Act::new("cloudtrail", "StopLogging", "2024-03-10T01:16:40Z", name);
    let restarted = Trail::new("audit", "2024-03-10T00:00:00Z", 2)
        .restart(120, 2)
        .act(1, &stop)
        .archive();
    vec![
        cut.gives(3, vec![("coverage-ends-early", None)]),
        Set::new(
            "logging-stopped",
            "Logging was stopped for two hours: a notice, not a fault.",
            restarted,
        )
        .gives(0, vec![("coverage-gap", None)]),
        Set {
            metadata: Metadata::None,
            ..Set::new(
                "nothing-verified",
                "A single digest without its signature: nothing can be verified.",
                {
                    let mut archive = audit();
                    for digest in archive.chains[0].digests.drain(..4).collect::<Vec<_>>() {
                        archive.store.delete(&digest.at);
                        for log in &digest.logs {
                            archive.store.delete(log);
                        }
                    }
                    archive
                },
            )
        }
        .gives(3, {
            let archive = audit();
            let mut findings = vec![("digest-unsigned", Some(archive.digest(4)))];
            findings.extend(uncovered(&archive, 4));
            findings
        }),
    ]
}

fn files_below(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in
            fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display()))
        {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path
                    .strip_prefix(folder)
                    .expect("below the folder")
                    .to_path_buf();
                files.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }
    files
}

#[test]
#[ignore = "writes testdata/ anew"]
fn regenerate_testdata() {
    for set in sets() {
        let folder = set.folder();
        if folder.exists() {
            fs::remove_dir_all(&folder).unwrap();
        }
        set.write(&folder);
    }
}

#[test]
fn committed_archives_are_what_the_forge_makes() {
    let dir = tempfile::tempdir().unwrap();
    let again = "; `cargo test --test it regenerate_testdata -- --ignored` makes it anew";
    for set in sets() {
        let made = dir.path().join(set.name);
        set.write(&made);
        let (made, committed) = (files_below(&made), files_below(&set.folder()));
        let (made_names, names): (Vec<_>, Vec<_>) =
            (made.keys().collect(), committed.keys().collect());
        assert_eq!(names, made_names, "the files of {}{again}", set.name);
        for (name, bytes) in &made {
            assert!(
                committed[name] == *bytes,
                "{}/{}{again}",
                set.name,
                name.display()
            );
        }
    }
    let names: Vec<_> = sets().iter().map(|set| set.name).collect();
    for entry in fs::read_dir(testdata()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            names.contains(&name.as_str())
                || [
                    "inventory",
                    "keys",
                    "published",
                    "README.md",
                    ".gitattributes"
                ]
                .contains(&name.as_str()),
            "{name} is of no set"
        );
    }
}

#[test]
fn committed_archives_give_what_is_expected() {
    for set in sets() {
        let folder = set.folder();
        let expected: Value =
            serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap();
        let arguments = expected["arguments"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it.as_str().unwrap());
        let mut command = program();
        command
            .arg("logs")
            .arg(folder.join("archive"))
            .arg("--public-keys")
            .arg(folder.join("public-keys.json"));
        let (exit, stdout, stderr) = text_of(
            &command
                .args(["--format", "json"])
                .args(arguments)
                .output()
                .unwrap(),
        );
        let report: Value = serde_json::from_str(&stdout)
            .unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}"));
        let finding = |it: &Value| json!({"code": it["code"], "key": it["key"]});
        let sorted = |findings: Vec<Value>| {
            let mut lines: Vec<_> = findings
                .iter()
                .map(|it| format!("{} {}", it["key"], it["code"]))
                .collect();
            lines.sort();
            lines
        };
        let found: Vec<_> = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(finding)
            .collect();
        let stated = expected["findings"].as_array().unwrap().clone();
        assert_eq!(sorted(found), sorted(stated), "{}: {report:#}", set.name);
        assert_eq!(
            (exit, &report["verdict"]),
            (set.exit, &expected["verdict"]),
            "{}",
            set.name
        );
        assert_eq!(expected["exit_status"], exit, "{}", set.name);
    }
}
