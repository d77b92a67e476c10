//! The command line: what is refused, what goes to stdout and what to stderr, and what the exit status says.

use std::{
    fs::{self, File},
    process::{Command, Stdio},
};

use super::common::{audit, trail};
use crate::{
    forge::Archive,
    harness::{Case, Expect, SEVERITIES, check_bytes, program, refused, text_of},
};

fn tampered() -> Archive {
    let mut archive = audit();
    let log = archive.log(3, 0);
    archive.store.delete(&log);
    archive
}

fn run(arguments: &[&str]) -> (i32, String, String) {
    text_of(&program().args(arguments).output().unwrap())
}

#[test]
fn a_source_that_is_not_there() {
    let mut case = Case::new(audit());
    let command = case.command();
    let keys = command.get_args().nth(3).unwrap().to_owned();
    for source in ["/nowhere/at/all", "/dev/null"] {
        let mut command = program();
        let output = command
            .args(["logs", source, "--public-keys"])
            .arg(&keys)
            .output()
            .unwrap();
        let (exit, stdout, stderr) = text_of(&output);
        refused(exit, &stdout, &stderr, &[source]);
    }
}

#[test]
fn a_range_that_ends_before_it_starts() {
    for (start, end) in [("2024-03-11", "2024-03-10"), ("2024-03-10", "2024-03-10")] {
        Case::new(audit())
            .range(start, end)
            .run()
            .refused(&["start"]);
    }
    Case::new(audit())
        .range("2024-03-10T02:00:00+00:00", "2024-03-10T03:00:00+02:00")
        .run()
        .refused(&["start"]);
}

#[test]
fn times_that_could_mean_two_things() {
    let times = [
        "2026",
        "10",
        "0",
        "",
        " ",
        "-1d",
        "yesterday",
        "now",
        "2024-13-01",
        "2024-02-30",
        "2024-3-1",
        "03/10/2024",
        "2024-03-10T00:00:00",
        "2024-03-10 00:00:00",
        "2024-03-10T25:00:00Z",
        "1710028800",
        "d",
        "36",
        "36 hours ago",
        "2024-03-10T00:00:00+99:00",
        "20240310",
        "20240310T0000Z",
        "99999999999999999999d",
    ];
    for time in times {
        let argument = format!("--start-time={time}");
        let outcome = Case::new(audit()).args([&argument]).run();
        assert_eq!(
            outcome.exit,
            2,
            "{time:?} was taken: {}",
            String::from_utf8_lossy(&outcome.stdout)
        );
        outcome.refused(&["start-time"]);
    }
}

#[test]
fn a_span_back_from_now() {
    for span in ["36h", "90d"] {
        let outcome = Case::new(audit()).args(["--start-time", span]).run();
        assert_eq!(
            outcome.exit, 3,
            "the archive is older than {span}: {}",
            outcome.stderr
        );
        assert_eq!(outcome.report()["findings"][0]["code"], "no-digests");
    }
    let archive = audit();
    let report = Case::new(archive).args(["--start-time", "99999d"]).run();
    assert!(report.exit == 0 || report.exit == 2, "{}", report.stderr);
}

#[test]
fn arguments_that_are_none() {
    let all: [&[&str]; 8] = [
        &["--allow", "no-such-code"],
        &["--deny", "LOG-MISSING"],
        &["--format", "yaml"],
        &["--no-such-option"],
        &["--report", "report.doc"],
        &["--report", "/nowhere/at/all/report.json"],
        &["--concurrency", "0"],
        &["--color", "sometimes"],
    ];
    for arguments in all {
        let mut case = Case::new(audit());
        let output = case.command().args(arguments).output().unwrap();
        let (exit, stdout, stderr) = text_of(&output);
        assert_eq!(exit, 2, "{arguments:?}: {stdout}{stderr}");
        assert!(!stderr.is_empty());
    }
    for arguments in [&["logs"][..], &[][..], &["no-such-command"][..]] {
        let (exit, stdout, _) = run(arguments);
        assert_eq!((exit, stdout.as_str()), (2, ""), "{arguments:?}");
    }
}

#[test]
fn a_code_both_allowed_and_denied() {
    let arguments = ["--allow", "log-missing", "--deny", "log-missing"];
    let outcome = Case::new(tampered()).args(arguments).run();
    assert_ne!(
        outcome.exit,
        0,
        "{}",
        String::from_utf8_lossy(&outcome.stdout)
    );
}

#[test]
fn help_and_version() {
    for arguments in [
        &["--help"][..],
        &["logs", "--help"],
        &["--version"],
        &["explain", "--help"],
    ] {
        let (exit, stdout, stderr) = run(arguments);
        assert_eq!((exit, stderr.as_str()), (0, ""), "{arguments:?}");
        assert!(!stdout.is_empty());
    }
    let (_, help, _) = run(&["logs", "--help"]);
    for option in [
        "--start-time",
        "--end-time",
        "--account",
        "--region",
        "--trail",
        "--public-keys",
        "--digests-only",
        "--format",
        "--report",
        "--allow",
        "--deny",
        "--concurrency",
    ] {
        assert!(help.contains(option), "{option}: {help}");
    }
}

#[test]
fn every_code_is_explained() {
    let (exit, list, _) = run(&["explain"]);
    assert_eq!(exit, 0);
    for (code, severity) in SEVERITIES {
        assert!(list.contains(code), "{code} is not in the list: {list}");
        let (exit, text, stderr) = run(&["explain", code]);
        assert_eq!((exit, stderr.as_str()), (0, ""), "{code}");
        assert!(
            text.contains(code) && text.contains(severity) && text.lines().count() >= 3,
            "{text}"
        );
    }
    let (exit, stdout, stderr) = run(&["explain", "no-such-code"]);
    refused(exit, &stdout, &stderr, &["no-such-code"]);
}

#[test]
fn completions_for_each_shell() {
    for shell in ["bash", "zsh", "fish"] {
        let (exit, stdout, _) = run(&["completions", shell]);
        assert!(
            exit == 0 && stdout.contains("public-keys"),
            "{shell}: {stdout}"
        );
    }
}

#[test]
fn the_text_tells_the_verdict_first() {
    let (exit, text, stderr) = Case::new(audit()).run_text();
    assert_eq!(exit, 0, "{text}{stderr}");
    assert!(
        text.lines()
            .next()
            .unwrap()
            .to_lowercase()
            .contains("valid"),
        "{text}"
    );
    assert!(
        !text
            .lines()
            .next()
            .unwrap()
            .to_lowercase()
            .contains("invalid"),
        "{text}"
    );
    check_bytes(text.as_bytes());
    let mut archive = tampered();
    let log = trail(6).archive().log(3, 0);
    let (exit, text, _) = Case::new(archive.clone()).run_text();
    assert_eq!(exit, 1);
    assert!(
        text.lines()
            .next()
            .unwrap()
            .to_lowercase()
            .contains("invalid"),
        "{text}"
    );
    assert!(
        text.contains("log-missing") && text.contains(&log.1) && text.contains("2024-03-10"),
        "{text}"
    );
    let newest = archive.digest(6);
    archive.store.clear_metadata(&newest);
    let (_, text, _) = Case::new(audit())
        .metadata(crate::forge::Metadata::None)
        .run_text();
    assert!(
        text.lines()
            .next()
            .unwrap()
            .to_lowercase()
            .contains("unverified"),
        "{text}"
    );
}

#[test]
fn quiet_says_the_verdict_alone() {
    let (exit, text, stderr) = Case::new(tampered()).args(["-q"]).run_text();
    assert_eq!(exit, 1);
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(
        text.to_lowercase().contains("invalid") && stderr.is_empty(),
        "{text}{stderr}"
    );
}

#[test]
fn verbose_tells_every_object() {
    let archive = audit();
    let keys: Vec<_> = archive.store.keys().map(|at| at.1.clone()).collect();
    let (exit, text, stderr) = Case::new(archive).args(["-v"]).run_text();
    assert_eq!(exit, 0);
    let told = format!("{text}{stderr}");
    for key in keys {
        assert!(
            told.contains(key.rsplit_once('/').unwrap().1),
            "{key} is not in {told}"
        );
    }
}

#[test]
fn nothing_but_the_report_is_on_stdout_and_no_colour_where_no_terminal_is() {
    let mut case = Case::new(tampered());
    let output = case.command().args(["--format", "json"]).output().unwrap();
    let (_, stdout, stderr) = text_of(&output);
    assert!(
        stdout.starts_with('{') && stdout.ends_with("}\n"),
        "{stdout}"
    );
    assert!(!stderr.contains('\u{1b}'), "{stderr}");
    let (_, text, _) = Case::new(tampered()).args(["--color", "auto"]).run_text();
    assert!(!text.contains('\u{1b}'), "{text}");
    let (_, text, _) = Case::new(tampered()).args(["--color", "always"]).run_text();
    assert!(text.contains('\u{1b}'), "{text}");
    let mut case = Case::new(tampered());
    let output = case.command().env("NO_COLOR", "1").output().unwrap();
    assert!(!text_of(&output).1.contains('\u{1b}'));
}

#[test]
fn a_report_file_is_what_stdout_gets() {
    let mut case = Case::new(tampered());
    let file = case.beside("report.json");
    let mut command = case.command();
    let output = command
        .args(["--format", "json", "--report"])
        .arg(&file)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let read = |bytes: &[u8]| {
        let mut report: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        report.as_object_mut().unwrap().remove("run");
        report
    };
    assert_eq!(read(&fs::read(&file).unwrap()), read(&output.stdout));
    // Text on stdout, and the report beside it, over an older one.
    let output = case.command().arg("--report").arg(&file).output().unwrap();
    let (exit, text, _) = text_of(&output);
    assert!(exit == 1 && text.to_lowercase().contains("invalid"));
    assert_eq!(read(&fs::read(&file).unwrap())["verdict"], "invalid");
}

#[test]
fn a_full_disk_at_the_output() {
    for (archive, format) in [(audit(), "json"), (audit(), "text"), (tampered(), "json")] {
        let mut case = Case::new(archive);
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = case
            .command()
            .args(["--format", format])
            .stdout(full)
            .output()
            .unwrap();
        let (exit, _, stderr) = text_of(&output);
        assert_eq!(exit, 2, "{stderr}");
        assert!(!stderr.is_empty());
    }
    let mut case = Case::new(audit());
    let link = case.beside("full.json");
    std::os::unix::fs::symlink("/dev/full", &link).unwrap();
    let output = case.command().arg("--report").arg(&link).output().unwrap();
    assert!(
        [0, 2].contains(&text_of(&output).0),
        "a link may be replaced by the report, or refuse it"
    );
}

#[test]
fn a_closed_pipe_at_the_output() {
    for (archive, format) in [(audit(), "json"), (audit(), "text"), (tampered(), "text")] {
        let mut case = Case::new(archive);
        let mut command = case.command();
        let mut child = command
            .args(["--format", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let (exit, _, stderr) = text_of(&child.wait_with_output().unwrap());
        assert_ne!(exit, 0, "nobody read the verdict: {stderr}");
    }
}

#[test]
fn one_thread_reports_what_many_do() {
    let archive = tampered();
    let log = archive.first().digests[3].logs[0].clone();
    let expect = Expect::clean(&archive)
        .finding(super::common::in_chain("log-missing", &log))
        .chain(super::common::CHAIN, |chain| chain.logs = [11, 0, 1, 0]);
    for count in ["1", "2", "64"] {
        Case::new(archive.clone())
            .args(["--concurrency", count])
            .run()
            .is(&expect);
    }
}

/// Whether a process has this object's file open.
fn has_open(process: u32, key: &str) -> bool {
    let open = fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    let files = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let mut names = files.filter_map(|file| file.to_str().map(str::to_owned));
    names.any(|name| name.ends_with(key))
}

#[test]
fn interrupted_it_reports_what_it_found() {
    let mut archive = audit();
    let log = archive.log(3, 0);
    // A log that takes half a minute to read, and is read three times.
    let member = crate::forge::gzip::bomb(b' ', 1 << 30);
    archive.store.replace_body(&log, member.repeat(24));
    let mut case = Case::new(archive);
    let junit = case.beside("junit.xml");
    let mut command = case.command();
    let child = command
        .args(["--format", "json", "--report"])
        .arg(&junit)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while !has_open(child.id(), &log.1) {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    let asked = std::time::Instant::now();
    let output = child.wait_with_output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(130), "{report:#}");
    assert_ne!(report["verdict"], "valid");
    let junit = fs::read_to_string(junit).unwrap();
    assert!(junit.contains(r#"<error type="interrupted""#), "{junit}");
    assert!(
        asked.elapsed().as_secs() < 20,
        "it takes {:?} to stop",
        asked.elapsed()
    );
}
