//! What lies in the folder of a snapshot beside what it tells of: a snapshot vouches for itself alone.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::common::{BUCKET, Place, contents, file_of, offline, refused, report, served, take};
use crate::forge::Archive;
use crate::harness::{Case, program};
use crate::scenarios::common::audit;

fn taken(archive: &Archive) -> Place {
    let place = Place::new();
    take(&served(archive), &place);
    place
}

fn codes(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().expect("findings");
    let codes = findings.iter().filter_map(|it| it["code"].as_str());
    codes.collect()
}

/// A folder's files once more, in another folder.
fn copy(from: &Path, to: &Path) {
    for (name, content) in contents(from) {
        let file = to.join(name);
        fs::create_dir_all(file.parent().expect("a folder")).expect("folders");
        fs::write(file, content).expect("a file");
    }
}

/// Who may write to a bucket lays a true snapshot beside the archive, and changes the archive.
#[test]
fn a_snapshot_beside_an_archive_hides_nothing_of_it() {
    let archive = audit();
    let taken = taken(&archive);
    let keys = taken.file("public-keys/us-east-1.json");
    let verify = |folder: &Path| -> Command {
        let mut command = program();
        command.arg("logs").arg(folder);
        command.arg("--public-keys").arg(&keys);
        command
    };
    let log = archive.log(2, 0).1;
    for folder in [".", "deep/down", "unfinished"] {
        let place = taken.copy();
        let whole = place.dir().join(folder);
        copy(&taken.file(&format!("objects/{BUCKET}")), &whole);
        let other = fs::read(whole.join(archive.log(2, 1).1)).expect("a log");
        fs::write(whole.join(&log), other).expect("a log");
        let told = refused(verify(&place.dir()), &["lies beside the snapshot"]);
        assert!(told.contains("AWSLogs"), "{told}");
        // What it tells to do tells the rest.
        let (exit, told) = report(verify(&whole.join("AWSLogs")));
        assert_eq!((exit, codes(&told)), (1, vec!["log-modified"]), "{folder}");
        // Nor does what is no snapshot keep anybody from a verdict.
        place.write("snapshot.json", "{");
        let (exit, told) = report(verify(&place.dir()));
        assert_eq!(exit, 1, "{folder}: {told:#}");
    }
}

/// What cannot be looked into may be the archive that somebody changed.
#[test]
fn a_folder_beside_a_snapshot_that_cannot_be_looked_into_is_told() {
    let archive = audit();
    let taken = taken(&archive);
    for (folder, exit) in [
        ("audit-logs/AWSLogs/111122223333", 2),
        ("audit-logs", 2),
        // A disk's own.
        ("lost+found", 0),
    ] {
        let case = Case::new(archive.clone()).written(|case| {
            if exit == 0 {
                fs::remove_dir_all(case.source().join("audit-logs")).expect("it is deleted");
                fs::create_dir(case.source().join(folder)).expect("a folder");
            }
            copy(&taken.dir(), &case.source());
            let closed = fs::Permissions::from_mode(0o000);
            fs::set_permissions(case.source().join(folder), closed).expect("it is closed");
        });
        let source = case.source();
        let outcome = case.run_unprivileged();
        assert_eq!(outcome.exit, exit, "{folder}");
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(source.join(folder), open).expect("it is opened");
    }
}

/// In a part of an archive there is no snapshot, but what somebody laid there.
#[test]
fn a_snapshot_in_place_of_logs_is_none() {
    let archive = audit();
    let taken = taken(&archive);
    let place = Place::new();
    copy(&taken.file(&format!("objects/{BUCKET}")), &place.dir());
    let logs = place.file("AWSLogs/111122223333/CloudTrail");
    fs::remove_dir_all(&logs).expect("they are deleted");
    copy(&taken.dir(), &logs);
    let mut command = program();
    command.arg("logs").arg(&logs).arg("--public-keys");
    command.arg(taken.file("public-keys/us-east-1.json"));
    let (exit, told) = report(command);
    assert_eq!(exit, 1, "{told:#}");
    assert!(codes(&told).contains(&"log-missing"), "{told:#}");
}

/// Reports and notes lie beside it, and what a Mac writes.
#[test]
fn what_is_no_archive_beside_a_snapshot_changes_nothing() {
    let taken = taken(&audit());
    for name in [
        "report.csv",
        "notes/list.csv",
        "evidence.json.gz",
        "AWSLogs/.DS_Store",
        "__MACOSX/objects/audit-logs/AWSLogs/._x.json.gz",
    ] {
        let place = taken.copy();
        place.write(name, "x");
        fs::create_dir_all(place.file("more/AWSLogs")).expect("a folder");
        assert_eq!(offline(&place).0, 0, "{name}");
        let log = contents(&place.file("objects"))
            .into_keys()
            .find(|name| name.contains("/CloudTrail/"))
            .expect("a log");
        place.remove(&format!("objects/{log}"));
        assert_eq!(offline(&place).0, 1, "{name}");
    }
}

/// The index says that a log lies in a file of another name, where a true copy of it is.
#[test]
fn what_lies_under_its_own_key_is_judged_whatever_lies_elsewhere() {
    let archive = audit();
    let place = taken(&archive);
    for (object, other) in [
        (archive.log(2, 0), archive.log(2, 1)),
        (archive.digest(3), archive.digest(2)),
    ] {
        let copy = place.copy();
        let file = file_of(&object);
        let mut hasher = Sha256::new();
        hasher.update((BUCKET.len() as u64).to_be_bytes());
        hasher.update(BUCKET);
        hasher.update(&object.1);
        let aside = format!("objects-encoded/{}", hex::encode(hasher.finalize()));
        copy.write(&aside, fs::read(copy.file(&file)).expect("an object"));
        copy.write(&file, fs::read(copy.file(&file_of(&other))).expect("one"));
        let name = object.1.rsplit('/').next().expect("a name");
        let index = copy.read("objects.jsonl");
        let own = index.lines().find(|line| line.contains(name));
        let own = own.expect("its line");
        let mut line: Value = serde_json::from_str(own).expect("a line");
        line["object"]["file"] = json!(aside);
        copy.write("objects.jsonl", index.replace(&format!("{own}\n"), ""));
        copy.reseal(&[line]);
        let (exit, report) = offline(&copy);
        assert_eq!(exit, 1, "{report:#}");
        let told = report.to_string();
        assert!(told.contains("lies under the key of an object"), "{told}");
    }
}

/// An archive that no root names is verified by nobody.
#[test]
fn what_belongs_to_no_object_is_told() {
    let archive = audit();
    let place = taken(&archive);
    for folder in [
        "objects/evil",
        "objects/AWSLogsX",
        "objects-encoded/x",
        "objects/audit-logs/more",
        "objects/audit-logs/AWSLogs/more",
        "public-keys",
    ] {
        let copied = place.copy();
        copy(
            &place.file(&format!("objects/{BUCKET}")),
            &copied.file(folder),
        );
        copied.reseal(&[]);
        let (exit, report) = offline(&copied);
        assert_eq!(exit, 1, "{folder}: {report:#}");
        let codes = codes(&report);
        assert!(
            codes.iter().all(|it| *it == "snapshot-altered"),
            "{codes:?}"
        );
    }
}
