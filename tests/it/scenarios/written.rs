//! What a run writes is not what it reads, and nothing is lost by a slip of the hand.

use std::{fs, path::Path};

use super::common::audit;
use crate::harness::{Case, program, refused, text_of};

fn written() -> Case {
    Case::new(audit()).written(|_| ())
}

#[track_caller]
fn is_refused(case: &mut Case, arguments: &[&str], words: &[&str]) {
    let mut command = case.command();
    let (exit, stdout, stderr) = text_of(&command.args(arguments).output().unwrap());
    refused(exit, &stdout, &stderr, words);
}

#[test]
fn a_report_replaces_nothing_that_is_read() {
    let mut case = written();
    let keys = fs::read(case.beside("keys.json")).unwrap();
    let sidecar = case.source().join("public-keys/keys.json");
    fs::create_dir_all(sidecar.parent().unwrap()).unwrap();
    fs::write(&sidecar, &keys).unwrap();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let key_file = text(&case.beside("keys.json"));
    let around = text(&case.source().join("../keys.json"));
    for path in [&key_file, &around] {
        is_refused(&mut case, &["--report", path], &["--public-keys"]);
    }
    for path in [
        text(&sidecar),
        text(&case.source().join("audit-logs/AWSLogs/new.json")),
    ] {
        is_refused(&mut case, &["--report", &path], &["what is verified"]);
    }
    let same = text(&case.beside("same.json"));
    is_refused(
        &mut case,
        &["--state", &same, "--report", &same],
        &["--state", "--report"],
    );
    is_refused(&mut case, &["--state", &key_file], &["--public-keys"]);
    assert_eq!(fs::read(case.beside("keys.json")).unwrap(), keys);
    assert_eq!(fs::read(&sidecar).unwrap(), keys);
    assert!(!case.beside("same.json").exists());
    // Beside the evidence a report may lie, and be written anew.
    let report = text(&case.source().join("report.json"));
    for _ in 0..2 {
        let mut command = case.command();
        let output = command.args(["--report", &report]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    let output = program()
        .args(["report", &report, "--report", &report])
        .output()
        .unwrap();
    let (exit, stdout, stderr) = text_of(&output);
    refused(exit, &stdout, &stderr, &["REPORT.json"]);
}

#[cfg(unix)]
#[test]
fn a_plan_replaces_files_only() {
    let case = written();
    let keys = case.beside("keys.json");
    let plan = |output: &Path| {
        let mut command = program();
        command.arg("plan").arg(case.source());
        command.arg("--public-keys").arg(&keys);
        command.args(["--shards", "2", "-o"]).arg(output);
        command.current_dir(case.source().parent().unwrap());
        text_of(&command.output().unwrap())
    };
    let before = fs::read(&keys).unwrap();
    let fifo = case.beside("pipe");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    std::os::unix::fs::symlink(case.beside("gone"), case.beside("loose")).unwrap();
    for (output, word) in [
        (keys.as_path(), "--public-keys"),
        (&fifo, "no file"),
        (Path::new("-"), "name a file"),
        (Path::new("/dev/null"), "no file"),
        (&case.beside("loose"), "leads nowhere"),
        (&case.source(), "no file"),
        (&case.beside("none/plan.json"), "none"),
        (&case.source().join("audit-logs/AWSLogs/p.json"), "verified"),
    ] {
        let (exit, stdout, stderr) = plan(output);
        refused(exit, &stdout, &stderr, &[word]);
        let own = stderr.replace(keys.parent().unwrap().to_str().unwrap(), "");
        assert!(!own.contains(".tmp"), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
    assert_eq!(fs::read(&keys).unwrap(), before);
    // A link to a file stays one, and the file is the plan.
    let file = case.beside("plan.json");
    fs::write(&file, "").unwrap();
    std::os::unix::fs::symlink(&file, case.beside("link")).unwrap();
    assert_eq!(plan(&case.beside("link")).0, 0);
    assert!(
        fs::symlink_metadata(case.beside("link"))
            .unwrap()
            .is_symlink()
    );
    assert!(fs::read_to_string(&file).unwrap().contains("plan_version"));
}

/// It is told before the run, and not after hours of it.
#[cfg(unix)]
#[test]
fn a_state_that_cannot_be_written_is_told_first() {
    let mut case = written();
    let state = case.beside("none/state.json");
    let state = state.to_str().unwrap();
    let report = case.beside("report.json");
    is_refused(
        &mut case,
        &["--state", state, "--report", report.to_str().unwrap()],
        &["cannot write the state", "none"],
    );
    assert!(!report.exists());
}

#[test]
fn a_report_replaces_no_part_of_a_snapshot_and_no_plan() {
    let case = written();
    let keys = case.beside("keys.json");
    let dir = case.beside("evidence");
    let snapshot = |report: &Path| {
        let mut command = program();
        command.arg("snapshot").arg(case.source()).arg(&dir);
        command.arg("--public-keys").arg(&keys);
        let output = command.arg("--report").arg(report).output().unwrap();
        text_of(&output)
    };
    let (exit, _, told) = snapshot(&case.beside("first.json"));
    assert_eq!(exit, 0, "{told}");
    let head = fs::read(dir.join("snapshot.json")).unwrap();
    for report in [dir.join("snapshot.json"), dir.join("objects/new.json")] {
        let (exit, _, told) = snapshot(&report);
        assert!(exit == 2 && told.contains("what is verified"), "{told}");
        let mut command = program();
        command.arg("logs").arg(&dir).arg("--report").arg(&report);
        let (exit, stdout, stderr) = text_of(&command.output().unwrap());
        refused(exit, &stdout, &stderr, &["what is verified"]);
    }
    assert_eq!(fs::read(dir.join("snapshot.json")).unwrap(), head);
    let plan = case.beside("plan.json");
    let mut command = program();
    command.arg("plan").arg(case.source());
    command.arg("--public-keys").arg(&keys);
    command.args(["--shards", "2", "-o"]).arg(&plan);
    assert_eq!(command.output().unwrap().status.code(), Some(0));
    let before = fs::read(&plan).unwrap();
    let mut command = program();
    command.arg("merge").arg(case.beside("results"));
    command.arg("--plan").arg(&plan).arg("--report").arg(&plan);
    let (exit, stdout, stderr) = text_of(&command.output().unwrap());
    refused(exit, &stdout, &stderr, &["--plan"]);
    assert_eq!(fs::read(&plan).unwrap(), before);
}
