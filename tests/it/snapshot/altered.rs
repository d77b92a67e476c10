//! An evidence folder in which something was changed since: carelessly, without an eye to the manifest.

use std::fs;

use super::common::{
    Place, file_of, fits_its_manifest, logs, offline, output, report, served, take,
};
use crate::forge::Archive;
use crate::scenarios::common::audit;

fn taken(archive: &Archive) -> Place {
    let place = Place::new();
    let (exit, report) = take(&served(archive), &place);
    assert_eq!(exit, 0, "{report:#}");
    fits_its_manifest(&place);
    assert_eq!(offline(&place).0, 0);
    place
}

type Change<'a> = (&'a str, Box<dyn Fn(&Place) + 'a>);

#[test]
fn nothing_can_be_changed_deleted_or_added_unseen() {
    let archive = audit();
    let place = taken(&archive);
    let log = file_of(&archive.log(2, 0));
    let digest = file_of(&archive.digest(3));
    let sidecar = format!("{digest}.metadata.json");
    let keys = "public-keys/us-east-1.json";
    let added_log = log.replace("T01", "T02");
    let added_digest = digest.replace("_audit_", "_other_");
    let beside_log = format!("{log}.metadata.json");
    let flip = |place: &Place, name: &str| {
        let mut content = fs::read(place.file(name)).expect("a file");
        let middle = content.len() / 2;
        content[middle] ^= 1;
        fs::write(place.file(name), content).expect("a file");
    };
    let (log, digest, sidecar) = (log.as_str(), digest.as_str(), sidecar.as_str());
    let changes: Vec<Change<'_>> = vec![
        (log, Box::new(|it| flip(it, log))),
        (log, Box::new(|it| it.remove(log))),
        (&added_log, Box::new(|it| it.write(&added_log, b"x"))),
        (digest, Box::new(|it| flip(it, digest))),
        (digest, Box::new(|it| it.remove(digest))),
        (&added_digest, Box::new(|it| it.write(&added_digest, b"x"))),
        (sidecar, Box::new(|it| it.edit(sidecar, "\n}", "\n }"))),
        (
            sidecar,
            Box::new(|it| it.edit(sidecar, "SHA256withRSA", "SHA256withRSB")),
        ),
        (sidecar, Box::new(|it| it.remove(sidecar))),
        (&beside_log, Box::new(|it| it.write(&beside_log, b"{}"))),
        (keys, Box::new(|it| it.edit(keys, "\n}", "\n }"))),
        (
            "public-keys/eu-west-1.json",
            Box::new(|it| it.write("public-keys/eu-west-1.json", it.read(keys))),
        ),
        (
            "objects-encoded/x",
            Box::new(|it| it.write("objects-encoded/x", b"x")),
        ),
        (
            "objects.jsonl",
            Box::new(|it| it.edit("objects.jsonl", "{\"object\"", "{\"objact\"")),
        ),
        (
            "objects.jsonl",
            Box::new(|it| it.edit("objects.jsonl", "}\n", "} \n")),
        ),
        (
            "MANIFEST.sha256",
            Box::new(|it| it.edit("MANIFEST.sha256", "\n", "\n\n")),
        ),
        (
            "MANIFEST.sha256",
            Box::new(|it| it.edit("MANIFEST.sha256", "a", "b")),
        ),
        (
            "MANIFEST.sha256",
            Box::new(|it| it.remove("MANIFEST.sha256")),
        ),
    ];
    for (number, (file, change)) in changes.iter().enumerate() {
        let copy = place.copy();
        change(&copy);
        let (exit, report) = offline(&copy);
        assert_eq!(exit, 1, "{number}, {file}: {report:#}");
        let findings = report["findings"].as_array().expect("findings");
        let names = |finding: &&serde_json::Value| {
            finding["severity"] == "invalid"
                && finding["message"]
                    .as_str()
                    .is_some_and(|told| told.contains(file))
        };
        assert!(
            findings.iter().any(|it| names(&it)),
            "{number}, {file}: {report:#}"
        );
        assert_ne!(report["run"]["snapshot"]["altered"], 0, "{number}, {file}");
    }
}

/// What the manifest vouches for, it vouches for in the head too.
#[test]
fn the_head_cannot_be_changed_unseen() {
    let place = taken(&audit());
    for (from, to) in [
        (
            "\"start\": \"2024-03-10T00:00:00Z\"",
            "\"start\": \"2024-03-10T03:00:00Z\"",
        ),
        ("\"own\": true", "\"own\": false"),
        ("\"keeps_versions\": true", "\"keeps_versions\": false"),
        ("\"verdict\": \"valid\"", "\"verdict\": \"invalid\""),
        ("\"accounts\": []", "\"accounts\": [\"111122223333\"]"),
        (
            "\"source\": \"s3://audit-logs/\"",
            "\"source\": \"s3://other-logs/\"",
        ),
    ] {
        let copy = place.copy();
        copy.edit("snapshot.json", from, to);
        let (exit, report) = offline(&copy);
        assert_eq!(exit, 1, "{to}: {report:#}");
        let told = report["findings"].to_string();
        assert!(told.contains("snapshot.json"), "{to}: {told}");
    }
}

#[test]
fn what_cannot_be_used_is_named() {
    let place = taken(&audit());
    let changes: [Change<'_>; 6] = [
        ("snapshot.json", Box::new(|it| it.remove("snapshot.json"))),
        (
            "snapshot.json",
            Box::new(|it| it.write("snapshot.json", "{")),
        ),
        (
            "snapshot.json",
            Box::new(|it| {
                let mut head = it.head();
                head["manifest"] = serde_json::Value::Null;
                it.set_head(&head);
            }),
        ),
        ("objects.jsonl", Box::new(|it| it.remove("objects.jsonl"))),
        (
            "public-keys/us-east-1.json",
            Box::new(|it| it.remove("public-keys/us-east-1.json")),
        ),
        (
            "public-keys/us-east-1.json",
            Box::new(|it| it.write("public-keys/us-east-1.json", "{")),
        ),
    ];
    for (number, (file, change)) in changes.iter().enumerate() {
        let copy = place.copy();
        change(&copy);
        let output = output(logs(&copy));
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{number}, {file}: {told}");
        assert!(told.contains(file), "{number}, {file}: {told}");
    }
}

/// What macOS writes beside the files that it copies or shows is no object, and accuses nobody.
#[test]
fn files_beside_a_macs_files() {
    const APPLE_DOUBLE: &[u8] = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        ";
    let archive = audit();
    let place = taken(&archive);
    let (digest, log) = (file_of(&archive.digest(3)), file_of(&archive.log(2, 0)));
    let files = [
        digest.as_str(),
        &format!("{digest}.metadata.json"),
        &log,
        "public-keys/us-east-1.json",
        "snapshot.json",
    ];
    for (content, is_a_macs) in [(APPLE_DOUBLE, true), (&APPLE_DOUBLE[..3], false)] {
        let copy = place.copy();
        for file in files {
            let (folder, name) = file.rsplit_once('/').unwrap_or((".", file));
            copy.write(&format!("{folder}/._{name}"), content);
            copy.write(&format!("{folder}/.DS_Store"), b"\0\0\0\x01Bud1");
        }
        let (exit, report) = offline(&copy);
        if !is_a_macs {
            assert_eq!(exit, 1, "{report:#}");
            assert_eq!(report["run"]["snapshot"]["altered"], 4, "{report:#}");
            continue;
        }
        assert_eq!(exit, 0, "{report:#}");
        assert_eq!(report["run"]["snapshot"]["altered"], 0, "{report:#}");
        // Nor does it keep anybody from adding to it.
        assert_eq!(take(&served(&archive), &copy).0, 0);
        assert_eq!(offline(&copy).0, 0);
    }
}

#[test]
fn the_manifests_word_joins_what_the_object_is_found_to_be() {
    let archive = audit();
    let place = taken(&archive);
    let file = file_of(&archive.log(2, 0));
    let other = fs::read(place.file(&file_of(&archive.log(2, 1)))).expect("a log");
    place.write(&file, other);
    let (exit, report) = offline(&place);
    assert_eq!(exit, 1);
    let findings = report["findings"].as_array().expect("findings");
    assert_eq!(findings.len(), 1, "{report:#}");
    assert_eq!(findings[0]["code"], "log-modified");
    let told = findings[0]["message"].as_str().expect("a message");
    assert!(told.contains(&file) && told.contains("manifest"), "{told}");
}

#[test]
fn what_is_allowed_does_not_hide_what_was_altered() {
    let archive = audit();
    let place = taken(&archive);
    let log = file_of(&archive.log(2, 0));
    let planted = log
        .replace(".json.gz", "")
        .rsplit_once('_')
        .map(|(name, _)| name.to_owned());
    let planted = format!(
        "{}_Planted0Planted0.json.gz",
        planted.expect("a log's name")
    );
    place.write(&planted, fs::read(place.file(&log)).expect("a log"));
    let mut command = logs(&place);
    command.args(["--allow", "log-unreferenced"]);
    let (exit, report) = report(command);
    assert_eq!(exit, 1, "{report:#}");
    let codes: Vec<_> = report["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|it| &it["code"])
        .collect();
    assert_eq!(
        codes,
        ["snapshot-altered", "log-unreferenced"],
        "{report:#}"
    );
}
