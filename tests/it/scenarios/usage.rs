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
    let arn = "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit";
    let (exit, stdout, stderr) = run(&["logs", "testdata/clean/archive", "--trail", arn]);
    refused(
        exit,
        &stdout,
        &stderr,
        &["cannot be the name", "--trail audit"],
    );
    let place = "s3://audit-logs/plan.json";
    let keys = "testdata/clean/public-keys.json";
    let source = "testdata/clean/archive";
    let plan = [
        "plan",
        source,
        "--public-keys",
        keys,
        "--shards",
        "2",
        "-o",
        place,
    ];
    let (exit, stdout, stderr) = run(&plan);
    refused(exit, &stdout, &stderr, &["it is a file that is written"]);
    // What is there, and is a file, is no bucket.
    for command in ["logs", "query-results"] {
        let (exit, stdout, stderr) = run(&[command, "Cargo.toml"]);
        let words = ["cannot open the folder Cargo.toml", "it is a file"];
        refused(exit, &stdout, &stderr, &words);
        assert!(!stderr.contains("s3://"), "{stderr}");
    }
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

/// `-` is how standard input is asked for, and not what it is called.
#[test]
fn standard_input_is_called_by_its_name() {
    let (exit, stdout, stderr) = run(&["report", "-"]);
    let words = ["cannot use what came on standard input: it is not a JSON report"];
    refused(exit, &stdout, &stderr, &words);
}

/// What the system says is said once.
#[test]
fn a_snapshot_into_a_file_is_refused_in_few_words() {
    let case = Case::new(audit()).written(|_| ());
    let (source, keys) = (case.source(), case.beside("keys.json"));
    let mut snapshot = program();
    snapshot.arg("snapshot").arg(&source).arg(&keys);
    snapshot.arg("--public-keys").arg(&keys);
    let (exit, stdout, stderr) = text_of(&snapshot.output().unwrap());
    refused(exit, &stdout, &stderr, &["cannot write a snapshot to"]);
    assert_eq!(stderr.matches("os error").count(), 1, "{stderr}");
}

/// What would be read has no verdict, and is told in two ways only.
#[test]
fn a_dry_run_refuses_what_it_would_leave_undone() {
    let case = Case::new(audit()).written(|_| ());
    let (source, keys) = (case.source(), case.beside("keys.json"));
    let of = |command: &[&str], options: &[&str]| {
        let mut program = program();
        program.args(command).arg(&source).args(options);
        if command[0] == "snapshot" {
            program.arg(case.beside("snapshot"));
        }
        if command[0] == "plan" {
            program.arg("-o").arg(case.beside("plan.json"));
        }
        text_of(&program.arg("--public-keys").arg(&keys).output().unwrap())
    };
    let file = case.beside("report.json");
    let report = ["--dry-run", "--report", file.to_str().unwrap()];
    for command in [&["logs"][..], &["snapshot"]] {
        for (options, words) in [
            (&report[..], "--report is for a run that verifies"),
            (
                &["--dry-run", "--selftest"],
                "--selftest is for a run that verifies",
            ),
            (
                &["--dry-run", "--format", "junit"],
                "--format junit is for a verdict",
            ),
            (
                &["--dry-run", "--format", "jsonl"],
                "--format jsonl is for a verdict",
            ),
            (&["--rate", "10"], "are for --dry-run"),
        ] {
            let (exit, stdout, stderr) = of(command, options);
            refused(exit, &stdout, &stderr, &[words]);
        }
        for format in ["text", "json"] {
            let (exit, told, _) = of(command, &["--dry-run", "--format", format]);
            assert!(exit == 0 && told.contains("digests"), "{told}");
        }
    }
    for options in [
        &["--format", "sarif"][..],
        &["--dry-run", "--format", "html"],
    ] {
        let (exit, stdout, stderr) = of(&["plan", "--shards", "2"], options);
        refused(exit, &stdout, &stderr, &["is for a verdict: a plan tells"]);
        assert!(!case.beside("plan.json").exists());
    }
    let (exit, stdout, stderr) = of(&["snapshot", "--query-results"], &["--price-get", "1"]);
    refused(exit, &stdout, &stderr, &["--price-get is for logs"]);
    assert!(!file.exists() && !case.beside("snapshot").exists());
}

#[test]
fn why_reading_a_folder_has_no_cost() {
    let case = Case::new(audit()).written(|_| ());
    let mut dry = program();
    dry.arg("logs").arg(case.source()).arg("--public-keys");
    dry.arg(case.beside("keys.json")).arg("--dry-run");
    let (exit, told, _) = text_of(&dry.output().unwrap());
    assert!(exit == 0 && !told.contains("cost"), "{told}");
    let (exit, told, _) = text_of(&dry.args(["--price-get", "0.4"]).output().unwrap());
    assert_eq!(exit, 0, "{told}");
    let words = "none: a folder is read without requests";
    assert!(told.contains(words), "{told}");
}
