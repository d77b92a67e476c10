//! What is typed wrongly, and what is told of it.

use std::fs;

use super::common::audit;
use crate::harness::{Case, program, refused, text_of};

fn run(arguments: &[&str]) -> (i32, String, String) {
    text_of(&program().args(arguments).output().unwrap())
}

#[test]
fn a_time_is_refused_with_its_reason() {
    let case = Case::new(audit()).written(|_| ());
    let source = case.source();
    let source = source.to_str().unwrap();
    for (time, why) in [
        ("now", "0h is now"),
        ("-1h", "without one (1h)"),
        ("999999999d", "further back"),
        ("2024-02-30", "none of"),
        ("2024-03-10T00:00:00+25:00", "no clock has"),
        ("2024-03-10T00:00:00.123456789012Z", "nine digits"),
    ] {
        let (exit, stdout, stderr) = run(&["logs", source, "--start-time", time]);
        refused(exit, &stdout, &stderr, &["--start-time", why]);
        assert!(!stderr.contains("\": "), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[test]
fn a_source_that_is_no_folder_is_told_with_what_was_meant() {
    for (source, words) in [
        ("S3://my-logs", "s3://my-logs"),
        ("arn:aws:s3:::my-logs", "s3://my-logs"),
        ("https://my-logs.s3.amazonaws.com/x", "s3://BUCKET"),
        ("my-logs", "s3://my-logs"),
    ] {
        for command in ["logs", "query-results"] {
            let (exit, stdout, stderr) = run(&[command, source]);
            if command == "query-results" && source.starts_with("arn:") {
                assert_eq!(exit, 2, "{stderr}");
                continue;
            }
            refused(exit, &stdout, &stderr, &["cannot open the folder", words]);
        }
    }
    let (_, _, stderr) = run(&["logs", "/nowhere/at/all"]);
    assert!(!stderr.contains("s3://"), "{stderr}");
}

/// An option that a command refuses is not offered, and refused with a word on why all the same.
#[test]
fn options_that_a_command_refuses_are_not_in_its_help() {
    for (command, hidden) in [
        ("plan", &["--state", "--selftest", "--report "][..]),
        ("snapshot", &["--state"][..]),
    ] {
        let (exit, help, _) = run(&[command, "--help"]);
        assert_eq!(exit, 0);
        for option in hidden {
            assert!(!help.contains(option), "{command} {option}: {help}");
        }
        assert!(help.contains("--public-keys"), "{help}");
    }
    let (_, help, _) = run(&["logs", "--help"]);
    for word in ["--state", "--selftest", "--report", ".txt .json"] {
        assert!(help.contains(word), "{word}: {help}");
    }
    assert!(!help.contains('`') || !help.contains("`JUnit`"), "{help}");
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().to_str().unwrap();
    let (exit, _, told) = run(&["plan", source, "--shards", "2", "--state", "s"]);
    assert!(exit == 2 && told.contains("--state is for"), "{told}");
}

#[test]
fn explain_says_what_the_names_in_its_commands_stand_for() {
    let (exit, told, _) = run(&["explain", "log-missing"]);
    assert_eq!(exit, 0);
    assert!(told.contains("$BUCKET is the bucket"), "{told}");
}

/// A folder that could not be listed is no digest.
#[cfg(unix)]
#[test]
fn a_folder_that_could_not_be_listed_is_called_one() {
    use std::os::unix::fs::symlink;
    let case = Case::new(audit()).written(|_| ());
    let root = case.source().join("audit-logs");
    fs::rename(root.join("AWSLogs"), case.beside("elsewhere")).unwrap();
    symlink(case.beside("elsewhere"), root.join("AWSLogs")).unwrap();
    let output = program()
        .arg("logs")
        .arg(case.source())
        .arg("--public-keys")
        .arg(case.beside("keys.json"))
        .output()
        .unwrap();
    let (exit, told, _) = text_of(&output);
    assert_eq!(exit, 3);
    assert!(told.contains("1 folder that could not be listed"), "{told}");
    assert!(!told.contains("1 digest unreadable"), "{told}");
}
