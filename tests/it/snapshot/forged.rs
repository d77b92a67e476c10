//! An evidence folder in the hands of somebody who makes index, manifest and head anew. Only a signature shows that;
//! but nothing outside of the folder is read, and the index hides nothing that lies there.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use super::common::{BUCKET, Place, file_of, logs, offline, output, served, take};
use crate::forge::{Archive, names::Place as Bucket, plant::PlantedLog};
use crate::scenarios::common::{at, audit};

fn taken(archive: &Archive) -> Place {
    let place = Place::new();
    take(&served(archive), &place);
    place
}

fn codes(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().expect("findings");
    findings
        .iter()
        .filter_map(|it| it["code"].as_str())
        .collect()
}

fn unread(key: &str, why: &Value, listed: bool) -> Value {
    json!({"unread": {"root": BUCKET, "path": key, "listed": listed, "why": why}})
}

/// All ways to say that an object was not read.
fn ways(key: &str) -> Vec<Value> {
    let whys = [
        json!("absent"),
        json!({"denied": "no"}),
        json!({"archived": "no"}),
        json!({"failed": "no"}),
    ];
    let both = whys.iter().flat_map(|why| [(why, true), (why, false)]);
    both.map(|(why, listed)| unread(key, why, listed)).collect()
}

#[test]
fn remade_as_it_was_it_is_valid() {
    let place = taken(&audit());
    place.reseal(&[]);
    let (exit, report) = offline(&place);
    assert_eq!(exit, 0, "{report:#}");
    // The forger of these tests forges well: all that follows is due to what was forged.
    assert_eq!(report["run"]["snapshot"]["altered"], 0);
}

#[test]
fn a_line_hides_no_modified_object() {
    let archive = audit();
    let place = taken(&archive);
    for (object, code) in [
        (archive.log(2, 0), "log-modified"),
        (archive.digest(3), "digest-modified"),
        (archive.digest(6), "digest-modified"),
    ] {
        let other = if code == "log-modified" {
            file_of(&archive.log(2, 1))
        } else {
            file_of(&archive.digest(2))
        };
        for line in ways(&object.1) {
            let copy = place.copy();
            let other = fs::read(copy.file(&other)).expect("an object");
            copy.write(&file_of(&object), other);
            copy.reseal(std::slice::from_ref(&line));
            let (exit, report) = offline(&copy);
            assert_eq!(exit, 1, "{line}: {report:#}");
            let codes = codes(&report);
            let is_told = codes.iter().any(|it| *it == code || *it == "digest-moved");
            assert!(is_told, "{line}: {report:#}");
        }
    }
}

#[test]
fn a_line_hides_no_planted_object() {
    let mut archive = audit();
    let bucket = Bucket::new(BUCKET, "");
    let planted = PlantedLog::of(&archive.first().id.clone(), &bucket, at("10T02:10:00"));
    let planted = planted.put(&mut archive.store);
    let place = taken(&archive);
    let (exit, report) = offline(&place);
    assert_eq!((exit, codes(&report)), (1, vec!["log-unreferenced"]));
    let before = report["findings"].clone();
    for line in ways(&planted.1) {
        let copy = place.copy();
        copy.reseal(std::slice::from_ref(&line));
        let (exit, report) = offline(&copy);
        assert_eq!(exit, 1, "{line}");
        assert_eq!(report["findings"], before, "{line}");
    }
    // Nor do lines that deny the folder that it lies in: they leave nothing valid.
    let folder = "AWSLogs/111122223333/CloudTrail";
    for line in [
        json!({"folders": {"root": BUCKET, "path": folder, "names": []}}),
        json!({"folders": {"root": BUCKET, "path": "AWSLogs", "names": []}}),
        json!({"folders": {"root": BUCKET, "path": folder, "names": [], "why": {"denied": "no"}}}),
        json!({"folders": {"root": BUCKET, "path": folder, "names": [], "why": "absent"}}),
    ] {
        let copy = place.copy();
        copy.reseal(std::slice::from_ref(&line));
        let (exit, report) = offline(&copy);
        assert_ne!(exit, 0, "{line}: {report:#}");
    }
}

#[test]
fn no_line_and_no_link_leads_out_of_the_folder() {
    let archive = audit();
    let place = taken(&archive);
    let log = archive.log(2, 0);
    let content = fs::read(place.file(&file_of(&log))).expect("a log");
    for file in [
        "objects-encoded/../../outside",
        "../outside",
        "objects-encoded/link",
        "objects-encoded/../objects-encoded/hidden",
        "ABSOLUTE",
    ] {
        let copy = place.copy();
        let outside = copy.beside("outside");
        fs::write(&outside, &content).expect("a file");
        copy.remove(&file_of(&log));
        fs::create_dir_all(copy.file("objects-encoded")).expect("a folder");
        symlink(&outside, copy.file("objects-encoded/link")).expect("a link");
        fs::write(copy.file("objects-encoded/hidden"), &content).expect("a file");
        let file = file.replace("ABSOLUTE", outside.to_str().expect("text"));
        let index = copy.read("objects.jsonl");
        let name = log.1.rsplit('/').next().expect("a name");
        let own = index
            .lines()
            .find(|line| line.contains(name))
            .expect("its line");
        let mut line: Value = serde_json::from_str(own).expect("a line");
        line["object"]["file"] = file.as_str().into();
        copy.write("objects.jsonl", index.replace(&format!("{own}\n"), ""));
        copy.reseal(&[line]);
        let (exit, report) = offline(&copy);
        assert_eq!(exit, 1, "{file}: {report:#}");
        assert!(
            codes(&report).contains(&"log-missing"),
            "{file}: {report:#}"
        );
    }
}

/// Links to where the very same bytes lie: whoever followed them would call it valid.
#[test]
fn links_in_place_of_files_and_folders_are_not_followed_out_of_it() {
    let archive = audit();
    let place = taken(&archive);
    let log = file_of(&archive.log(2, 0));
    let folder = log.rsplit_once('/').expect("a folder").0;
    let region = folder.rsplitn(4, '/').last().expect("a region's folder");
    for name in [
        log.as_str(),
        folder,
        region,
        "objects",
        "public-keys",
        "objects.jsonl",
    ] {
        let copy = place.copy();
        let outside = copy.beside("outside");
        fs::rename(copy.file(name), &outside).expect("it is moved");
        symlink(&outside, copy.file(name)).expect("a link");
        let output = output(logs(&copy));
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let told = told + &String::from_utf8_lossy(&output.stderr);
        assert_ne!(output.status.code(), Some(0), "{name}: {told}");
        assert!(!told.contains("verdict: valid"), "{name}: {told}");
        assert!(
            told.contains(name.rsplit('/').next().expect("a name")),
            "{name}: {told}"
        );
    }
}

#[test]
fn keys_lie_where_keys_lie() {
    let place = taken(&audit());
    let mut head = place.head();
    for file in [
        "snapshot-keys.json",
        "../outside.json",
        "public-keys/../../outside.json",
    ] {
        let keys = place.read("public-keys/us-east-1.json");
        fs::write(place.beside("outside.json"), &keys).expect("a file");
        place.write("snapshot-keys.json", &keys);
        head["keys"][0]["file"] = file.into();
        place.set_head(&head);
        let output = output(logs(&place));
        assert_eq!(output.status.code(), Some(2), "{file}");
    }
}

#[test]
fn a_narrowed_range_is_shown() {
    let place = taken(&audit());
    let mut head = place.head();
    head["runs"][0]["start"] = "2024-03-10T03:00:00Z".into();
    head["filters"]["regions"] = json!(["us-east-1"]);
    place.set_head(&head);
    place.reseal(&[]);
    let (_, report) = offline(&place);
    assert_eq!(report["requested"]["start"], "2024-03-10T03:00:00Z");
    let filters = report["run"]["filters"].to_string();
    assert!(filters.contains("us-east-1"), "{report:#}");
}
