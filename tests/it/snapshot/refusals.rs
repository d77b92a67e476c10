//! What is refused, and in which words.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use super::common::{BUCKET, DAY, Place, SOURCE, logs, offline, refused, served, take};
use crate::harness::program;
use crate::s3::served::Served;
use crate::scenarios::common::audit;
use crate::server::{Fault, Operation, Rule};

#[test]
fn a_folder_that_holds_something_else() {
    let served = served(&audit());
    for name in [
        "notes.txt",
        "objects/x",
        "MANIFEST.sha256",
        "unfinished.txt",
    ] {
        let place = Place::new();
        place.write(name, "mine");
        refused(
            served.snapshot(SOURCE, &place.dir()),
            &["holds no snapshot"],
        );
        assert_eq!(place.read(name), "mine");
    }
    // A folder of that name alone does not make it one.
    let place = Place::new();
    place.write("notes.txt", "mine");
    place.write("unfinished/x", "mine");
    refused(
        served.snapshot(SOURCE, &place.dir()),
        &["holds no snapshot"],
    );
    let place = Place::new();
    fs::write(place.dir(), "a file").expect("a file");
    refused(served.snapshot(SOURCE, &place.dir()), &["evidence"]);
}

/// Who verified it there would take it for a part of that archive.
#[test]
fn a_folder_in_an_archive() {
    let served = served(&audit());
    let place = Place::new();
    for folder in [
        "AWSLogs",
        "AWSLogs/111122223333",
        "AWSLogs/o-abcdefghij/111122223333/CloudTrail",
    ] {
        let dir = place.file(folder);
        refused(
            served.snapshot(SOURCE, &dir),
            &["lies in an AWSLogs folder"],
        );
        assert!(!dir.exists());
    }
    // A folder of somebody's own is none of an archive.
    let dir = place.file("AWSLogs/111122223333/evidence");
    for mut command in [served.snapshot(SOURCE, &dir), program()] {
        if command.get_args().next().is_none() {
            command.arg("logs").arg(&dir);
        }
        let output = command.output().expect("a run");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
}

#[test]
fn a_snapshot_of_something_else() {
    let place = Place::new();
    let first = served(&audit());
    take(&first, &place);
    let head = place.read("snapshot.json");
    first.server.store().bucket("other-logs");
    refused(
        first.snapshot("s3://other-logs", &place.dir()),
        &["another snapshot", "s3://other-logs"],
    );
    for filter in [
        ["--region", "us-east-1"],
        ["--account", "111122223333"],
        ["--trail", "audit"],
    ] {
        let mut command = first.snapshot(SOURCE, &place.dir());
        command.args(filter);
        refused(command, &["another snapshot", "narrowed"]);
    }
    let mut command = first.snapshot(SOURCE, &place.dir());
    command.arg("--digests-only");
    refused(command, &["another snapshot"]);
    assert_eq!(
        place.read("snapshot.json"),
        head,
        "what is refused changes nothing"
    );
    assert_eq!(offline(&place).0, 0);
}

#[test]
fn a_run_that_cannot_begin_leaves_what_is_there_as_it_is() {
    let place = Place::new();
    let served = served(&audit());
    take(&served, &place);
    let before = super::common::contents(&place.dir());
    let denied = Rule::new(Fault::AccessDenied).on(&[Operation::ListObjectsV2]);
    served.server.faults().add(denied);
    let mut again = served.snapshot("s3://no-such-bucket", &place.dir());
    again.stdout(Stdio::null());
    assert!(!again.status().expect("it runs").success());
    served.server.faults().clear();
    let mut after = super::common::contents(&place.dir());
    after.retain(|name, _| !name.starts_with("unfinished"));
    assert_eq!(after, before);
    assert_eq!(offline(&place).0, 0);
}

#[test]
fn one_that_is_not_finished() {
    let place = Place::new();
    take(&served(&audit()), &place);
    let mut head = place.head();
    head["finished"] = false.into();
    place.set_head(&head);
    refused(logs(&place), &["not finished", "ct-verify snapshot"]);
}

#[test]
fn one_of_a_later_form_and_one_whose_head_is_damaged() {
    let place = Place::new();
    let served = served(&audit());
    take(&served, &place);
    let mut head = place.head();
    head["snapshot_version"] = 2.into();
    place.set_head(&head);
    refused(logs(&place), &["version 2", "newer"]);
    refused(served.snapshot(SOURCE, &place.dir()), &["version 2"]);
    place.write("snapshot.json", "{\"snapshot_version\": 1}");
    refused(logs(&place), &["snapshot.json is damaged"]);
    refused(
        served.snapshot(SOURCE, &place.dir()),
        &["snapshot.json is damaged"],
    );
}

#[test]
fn a_folder_in_the_source_and_a_snapshot_as_the_source() {
    let place = Place::new();
    take(&served(&audit()), &place);
    let keys = place.file("public-keys/us-east-1.json");
    let source = place.file(&format!("objects/{BUCKET}"));
    for dir in ["inside", "AWSLogs/inside", "AWSLogs/../inside", "."] {
        let mut command = program();
        command.arg("snapshot").arg(&source).arg(source.join(dir));
        command.arg("--public-keys").arg(&keys);
        refused(command, &["lies in the source"]);
    }
    for dir in [place.dir(), place.beside("other")] {
        let mut command = program();
        command.arg("snapshot").arg(place.dir()).arg(dir);
        refused(command, &["a snapshot already"]);
    }
    assert_eq!(offline(&place).0, 0);
}

#[test]
fn more_than_it_holds() {
    let place = Place::new();
    let served = Served::new(&audit())
        .args(DAY)
        .args(["--region", "us-east-1"]);
    take(&served, &place);
    for range in [
        ["--start-time", "2024-03-09T23:00:00Z"],
        ["--end-time", "2024-03-10T07:00:00Z"],
    ] {
        let mut command = logs(&place);
        command.args(range);
        refused(
            command,
            &["does not hold that range", "2024-03-10T06:00:00Z"],
        );
    }
    let mut command = logs(&place);
    command.args(["--region", "eu-west-1"]);
    refused(command, &["does not hold --region eu-west-1"]);
    let mut command = logs(&place);
    command.args(["--region", "us-east-1", "--account", "111122223333"]);
    assert_eq!(super::common::report(command).0, 0);
}

#[test]
fn logs_of_one_that_holds_digests_alone() {
    let place = Place::new();
    let served = served(&audit()).args(["--digests-only"]);
    let told = served.snapshot(SOURCE, &place.dir()).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.ends_with(" --digests-only\n"), "{told}");
    refused(logs(&place), &["--digests-only"]);
    let mut command = logs(&place);
    command.arg("--digests-only");
    assert_eq!(super::common::report(command).0, 0);
    let index = place.read("objects.jsonl");
    assert!(
        !index.contains("_CloudTrail_us-east-1"),
        "it holds logs: {index}"
    );
}

#[test]
fn two_at_once() {
    let served = served(&audit());
    let hangs = Rule::new(Fault::Stall(Duration::from_hours(1)));
    served
        .server
        .faults()
        .add(hangs.on(&[Operation::GetObject]));
    let place = Place::new();
    let mut first = served
        .snapshot(SOURCE, &place.dir())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    while served.server.log().count(Operation::GetObject) == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    refused(served.snapshot(SOURCE, &place.dir()), &["another process"]);
    first.kill().expect("it is killed");
    first.wait().expect("it is dead");
    served.server.faults().clear();
    let (exit, report) = take(&served, &place);
    assert_eq!(exit, 0, "{report:#}");
}

/// A further range would make the manifest anew, and it would vouch for what has been altered.
#[test]
fn nothing_is_added_to_what_was_altered() {
    let place = Place::new();
    let served = Served::new(&audit());
    let take = |place: &Place, start: &str, end: &str| {
        let mut command = served.snapshot(SOURCE, &place.dir());
        command.args(["--start-time", start, "--end-time", end]);
        command
    };
    let (first, second) = ("2024-03-10T03:00:00Z", "2024-03-10T06:00:00Z");
    super::common::report(take(&place, "2024-03-10", first));
    for (name, from, to) in [
        ("objects.jsonl", "\"etag\"", "\"etog\""),
        ("public-keys/us-east-1.json", "\n}", "\n }"),
        (
            "snapshot.json",
            "\"verdict\": \"valid\"",
            "\"verdict\": \"invalid\"",
        ),
        ("MANIFEST.sha256", "\n", "\n\n"),
    ] {
        let copy = place.copy();
        copy.edit(name, from, to);
        refused(take(&copy, first, second), &[name, "nothing is added"]);
    }
    let copy = place.copy();
    copy.write("public-keys/eu-west-1.json", "{}");
    refused(
        take(&copy, first, second),
        &["eu-west-1.json", "nothing is added"],
    );
}

#[test]
fn what_a_head_says_does_not_act_on_the_terminal() {
    let place = Place::new();
    let served = served(&audit());
    take(&served, &place);
    let mut head = place.head();
    head["source"] = "\u{1b}]0;owned\u{7}".into();
    place.set_head(&head);
    let told = served
        .snapshot(SOURCE, &place.dir())
        .output()
        .expect("the program runs");
    assert_eq!(told.status.code(), Some(2));
    assert!(!told.stderr.contains(&0x1b), "{told:?}");
}
