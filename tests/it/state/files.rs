//! The file itself: whose it is, and whether it is whole.

use std::fs;

use super::{Nights, on_folder};
use crate::harness::{Case, program, refused, text_of};
use crate::s3::served::Served;
use crate::scenarios::common::trail;

/// A folder with its state, as a run left it.
fn folder() -> (Case, Nights) {
    let case = Case::new(trail(6).archive()).written(|_| ());
    let nights = Nights::new();
    let output = on_folder(
        &case.source(),
        &case.beside("keys.json"),
        &nights.file(),
        &[],
    )
    .output()
    .expect("the program runs");
    assert_eq!(text_of(&output).0, 0);
    (case, nights)
}

#[track_caller]
fn is_refused(case: &Case, nights: &Nights, words: &[&str]) {
    let mut command = on_folder(
        &case.source(),
        &case.beside("keys.json"),
        &nights.file(),
        &[],
    );
    let (exit, stdout, stderr) = text_of(&command.output().expect("the program runs"));
    refused(exit, &stdout, &stderr, words);
}

#[test]
fn a_folder_has_a_state_too() {
    let (case, nights) = folder();
    let before = nights.text();
    let mut again = on_folder(
        &case.source(),
        &case.beside("keys.json"),
        &nights.file(),
        &[],
    );
    let (exit, stdout, stderr) = text_of(&again.output().expect("the program runs"));
    assert_eq!(exit, 0, "{stdout}{stderr}");
    assert!(before.contains("\"state_version\": 1"), "{before}");
}

#[test]
fn any_damage_is_refused() {
    let (case, nights) = folder();
    let whole = nights.text();
    fs::write(nights.file(), &whole[..whole.len() / 2]).unwrap();
    is_refused(&case, &nights, &["state", "damaged"]);
    fs::write(nights.file(), "").unwrap();
    is_refused(&case, &nights, &["state", "damaged"]);
    let at = whole.find("\"hash\": \"").expect("a hash") + 9;
    let other = if whole.as_bytes()[at] == b'0' {
        "1"
    } else {
        "0"
    };
    let changed = format!("{}{other}{}", &whole[..at], &whole[at + 1..]);
    fs::write(nights.file(), changed).unwrap();
    is_refused(&case, &nights, &["checksum"]);
    fs::write(
        nights.file(),
        whole.replace("\"state_version\": 1", "\"state_version\": 2"),
    )
    .unwrap();
    is_refused(&case, &nights, &["version 2", "newer"]);
}

#[test]
fn the_state_of_another_source_is_refused() {
    let archive = trail(6).archive();
    let nights = Nights::new();
    nights.first(&archive, "2024-03-10T06:00:00Z");
    let other = trail(6).place("other-logs", "").archive();
    let served = Served::new(&other).args(nights.arguments(None, "2024-03-10T06:00:00Z"));
    let output = served.output("s3://other-logs");
    let (exit, stdout, stderr) = text_of(&output);
    refused(
        exit,
        &stdout,
        &stderr,
        &["s3://audit-logs", "s3://other-logs"],
    );
}

#[test]
fn digests_alone_leave_no_state() {
    let case = Case::new(trail(6).archive()).written(|_| ());
    let nights = Nights::new();
    let mut command = on_folder(
        &case.source(),
        &case.beside("keys.json"),
        &nights.file(),
        &["--digests-only"],
    );
    let (exit, stdout, stderr) = text_of(&command.output().expect("the program runs"));
    refused(exit, &stdout, &stderr, &["--digests-only", "--state"]);
}

/// Whoever reads the report knows that it is of one night, and whether the next one goes on from it.
#[test]
fn the_text_tells_what_was_read_and_what_is_remembered() {
    let (case, nights) = folder();
    let text = || {
        let mut command = program();
        command.arg("logs").arg(case.source()).arg("--public-keys");
        command.arg(case.beside("keys.json")).arg("--state");
        let output = command.arg(nights.file()).output().unwrap();
        let (_, stdout, _) = text_of(&output);
        stdout.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let before = nights.text();
    let told = text();
    assert!(
        told.contains("State incremental, from 2024-03-10T05:00:00Z on"),
        "{told}"
    );
    assert!(told.contains("goes on from this run"), "{told}");
    // A log of the newest hour is gone: the file remembers no more than it did.
    let log = case.archive.log(6, 0);
    fs::remove_file(case.path(&log)).unwrap();
    let told = text();
    assert!(told.starts_with("INVALID"), "{told}");
    assert!(told.contains("remembers no more than before"), "{told}");
    assert_eq!(nights.text(), before);
}
