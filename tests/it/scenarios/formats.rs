//! Every format on the real program: streams, several reports in one run, saved reports shown again.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Stdio,
};

use serde_json::Value;

use super::common::audit;
use crate::{
    forge::{
        Archive,
        lake::{Export, delivered},
    },
    harness::{Case, QueryCase, check_bytes, formats, program, refused, text_of},
};

/// Each format with the ending of its files.
const FORMATS: [(&str, &str); 7] = [
    ("text", "txt"),
    ("json", "json"),
    ("jsonl", "jsonl"),
    ("markdown", "md"),
    ("junit", "xml"),
    ("sarif", "sarif"),
    ("html", "html"),
];

fn tampered() -> Archive {
    let mut archive = audit();
    let log = archive.log(3, 0);
    archive.store.delete(&log);
    archive
}

/// The archives of testdata/, each with its arguments.
fn archives() -> Vec<(String, Vec<String>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = |name: &str| path.join(name).to_str().unwrap().to_owned();
        if path.join("archive").is_dir() {
            let arguments = [
                "logs".into(),
                text("archive"),
                "--public-keys".into(),
                text("public-keys.json"),
            ];
            found.push((
                path.file_name().unwrap().to_str().unwrap().into(),
                arguments.into(),
            ));
        }
    }
    assert!(found.len() > 10, "{found:?}");
    found
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

fn without_run(mut report: Value) -> Value {
    report.as_object_mut().unwrap().remove("run");
    report
}

fn sorted(findings: &[Value]) -> Vec<String> {
    let mut lines: Vec<_> = findings.iter().map(Value::to_string).collect();
    lines.sort();
    lines
}

#[test]
fn a_stream_tells_what_the_report_tells() {
    for (name, arguments) in archives() {
        let run = |format: &str| {
            program()
                .args(&arguments)
                .args(["--format", format])
                .output()
                .unwrap()
        };
        let (whole, stream) = (run("json"), run("jsonl"));
        assert_eq!(whole.status.code(), stream.status.code(), "{name}");
        let report = json(&whole.stdout);
        let (lines, findings) = formats::check_lines(&stream.stdout);
        assert_eq!(
            sorted(&findings),
            sorted(report["findings"].as_array().unwrap()),
            "{name}"
        );
        let summary = lines.last().unwrap();
        for field in ["verdict", "totals", "chains", "requested"] {
            assert_eq!(summary[field], report[field], "{name}: {field}");
        }
        let counted: u64 = ["invalid", "unverified", "notice"]
            .iter()
            .map(|severity| summary["findings"][severity].as_u64().unwrap())
            .sum();
        assert_eq!(counted, findings.len() as u64, "{name}");
        for (kind, totals) in [("digest", "digests"), ("log", "logs")] {
            let valid = lines
                .iter()
                .filter(|it| it["type"] == kind && it["verdict"] == "valid");
            assert_eq!(
                valid.count() as u64,
                report["totals"][totals]["valid"],
                "{name}: {kind}"
            );
        }
    }
}

#[test]
fn a_stream_weighs_as_the_report_does() {
    for arguments in [["--allow", "log-missing"], ["--deny", "log-missing"]] {
        let mut case = Case::new(tampered());
        let output = case
            .command()
            .args(arguments)
            .args(["--format", "jsonl"])
            .output()
            .unwrap();
        let (lines, findings) = formats::check_lines(&output.stdout);
        let report = Case::new(tampered()).args(arguments).run().report();
        assert_eq!(
            sorted(&findings),
            sorted(report["findings"].as_array().unwrap())
        );
        // It is told once: nothing more is known of it at the end.
        let told = lines.iter().filter(|line| line["type"] == "finding");
        assert_eq!(told.count(), findings.len());
    }
}

#[test]
fn every_format_in_one_run() {
    let mut case = Case::new(tampered());
    let files: Vec<PathBuf> = FORMATS
        .iter()
        .map(|(_, ending)| case.beside(&format!("report.{ending}")))
        .collect();
    for (stdout, _) in FORMATS {
        let mut command = case.command();
        command.args(["--format", stdout]);
        for file in &files {
            command.arg("--report").arg(file);
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{stdout}: {output:?}");
        check_bytes(&output.stdout);
        let saved = fs::read(&files[1]).unwrap();
        formats::check_json(&json(&saved));
        formats::check_lines(&fs::read(&files[2]).unwrap());
        // What a saved report is shown as is what the run gave, byte for byte.
        for ((format, _), file) in FORMATS.iter().zip(&files) {
            let again = program()
                .arg("report")
                .arg(&files[1])
                .args(["--format", format])
                .output()
                .unwrap();
            assert_eq!(again.status.code(), Some(1), "{again:?}");
            if *format == "jsonl" {
                continue;
            }
            assert_eq!(
                String::from_utf8(again.stdout).unwrap(),
                fs::read_to_string(file).unwrap(),
                "{format}"
            );
            if *format == stdout {
                assert_eq!(output.stdout, fs::read(file).unwrap(), "{format}");
            }
        }
    }
}

#[test]
fn a_saved_report_keeps_its_exit_status() {
    let nothing = Case::new(audit()).args(["--start-time", "36h"]);
    for (case, status) in [
        (Case::new(audit()), 0),
        (Case::new(tampered()), 1),
        (nothing, 3),
    ] {
        let outcome = case.run();
        assert_eq!(outcome.exit, status);
        let file = outcome.case.beside("saved.json");
        fs::write(&file, &outcome.stdout).unwrap();
        let written = outcome.case.beside("again.json");
        let output = program()
            .arg("report")
            .arg(&file)
            .arg("-q")
            .arg("--report")
            .arg(&written)
            .output()
            .unwrap();
        let (exit, stdout, stderr) = text_of(&output);
        assert_eq!((exit, stderr.as_str()), (status, ""));
        assert_eq!(
            stdout.trim_end(),
            outcome.report()["verdict"].as_str().unwrap()
        );
        assert_eq!(fs::read(&written).unwrap(), outcome.stdout);
        // From standard input too.
        let output = program()
            .args(["report", "-", "--format", "json"])
            .stdin(File::open(&file).unwrap())
            .output()
            .unwrap();
        assert_eq!(
            (output.status.code(), output.stdout),
            (Some(status), outcome.stdout.clone())
        );
    }
    // That of a run that was interrupted, which is not valid.
    let outcome = Case::new(tampered()).run();
    let text = String::from_utf8(outcome.stdout.clone()).unwrap();
    let file = outcome.case.beside("interrupted.json");
    fs::write(
        &file,
        text.replace("\"interrupted\": false", "\"interrupted\": true"),
    )
    .unwrap();
    let output = program().arg("report").arg(&file).output().unwrap();
    assert_eq!(output.status.code(), Some(130));
}

#[test]
fn a_file_that_is_no_report() {
    let outcome = Case::new(tampered()).run();
    let whole = String::from_utf8(outcome.stdout.clone()).unwrap();
    let file = outcome.case.beside("saved.json");
    let refuse = |content: &[u8], words: &[&str]| {
        fs::write(&file, content).unwrap();
        let output = program().arg("report").arg(&file).output().unwrap();
        let (exit, stdout, stderr) = text_of(&output);
        refused(exit, &stdout, &stderr, words);
        check_bytes(stderr.as_bytes());
    };
    refuse(b"", &["saved.json", "not a json report"]);
    refuse(b"\x1f\x8b\x08\x00", &["not a json report"]);
    refuse(b"{}", &["schema_version"]);
    refuse(
        &outcome.stdout[..outcome.stdout.len() / 2],
        &["not a json report"],
    );
    refuse("[".repeat(1_000_000).as_bytes(), &["not a json report"]);
    let change = |from: &str, to: &str| {
        let changed = whole.replacen(from, to, 1);
        assert_ne!(changed, whole, "{from}");
        changed.into_bytes()
    };
    let version = "\"schema_version\": 1";
    refuse(&change(version, "\"schema_version\": 2"), &["version 2"]);
    refuse(
        &change("\"verdict\": \"invalid\"", "\"verdict\": \"valid\""),
        &["contradicts"],
    );
    let hostile = format!("{version}, \"\\u001b[2J\\u202e\\n\": 1");
    refuse(&change(version, &hostile), &["unknown field"]);
    let newer = String::from_utf8(change(version, &format!("{version}, \"more\": 1"))).unwrap();
    let newer = newer.replace(
        concat!("\"version\": \"", env!("CARGO_PKG_VERSION")),
        "\"version\": \"99.0.0",
    );
    refuse(newer.as_bytes(), &["99.0.0", "more"]);
    for missing in ["/nowhere/at/all.json", "/"] {
        let (exit, stdout, stderr) =
            text_of(&program().args(["report", missing]).output().unwrap());
        refused(exit, &stdout, &stderr, &[missing]);
    }
}

#[test]
fn a_saved_report_over_all_of_time() {
    let outcome = Case::new(tampered()).run();
    let mut report = json(&outcome.stdout);
    let [first, last] = ["-009999-01-02T01:59:59Z", "9999-12-30T22:00:00Z"];
    report["requested"] = serde_json::json!({"start": first, "end": last});
    report["chains"][0]["covered"] = serde_json::json!([{"start": first, "end": last}]);
    report["chains"][0]["gaps"] = serde_json::json!([]);
    let file = outcome.case.beside("saved.json");
    fs::write(&file, report.to_string()).unwrap();
    for (format, _) in FORMATS {
        let output = program()
            .arg("report")
            .arg(&file)
            .args(["--format", format])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{format}: {output:?}");
        assert!(
            output.stdout.len() < 1_000_000,
            "{format}: {} bytes",
            output.stdout.len()
        );
    }
}

#[test]
fn report_files_that_cannot_be_written() {
    // Before the run begins, and without harm to others.
    let mut case = Case::new(audit());
    let (old, new) = (case.beside("old.json"), case.beside("new.md"));
    fs::write(&old, "an older report").unwrap();
    let mut command = case.command();
    command
        .arg("--report")
        .arg(&old)
        .arg("--report")
        .arg(&new)
        .args(["--report", "/nowhere/at/all.xml"]);
    let (exit, stdout, stderr) = text_of(&command.output().unwrap());
    refused(exit, &stdout, &stderr, &["/nowhere/at/all.xml"]);
    assert_eq!(fs::read_to_string(&old).unwrap(), "an older report");
    assert!(!new.exists(), "nothing is left of a run that never was");
    // One named twice.
    let output = case
        .command()
        .arg("--report")
        .arg(&old)
        .arg("--report")
        .arg(&old)
        .output()
        .unwrap();
    let (exit, stdout, stderr) = text_of(&output);
    refused(exit, &stdout, &stderr, &["twice"]);
    // A full disk under one of them: it is told, and the others are there.
    for ending in ["json", "jsonl", "md", "xml", "sarif", "html"] {
        let full = case.beside(&format!("full.{ending}"));
        std::os::unix::fs::symlink("/dev/full", &full).unwrap();
        let mut command = case.command();
        command.arg("--report").arg(&full).arg("--report").arg(&old);
        let (exit, stdout, stderr) = text_of(&command.output().unwrap());
        assert_eq!(exit, 2, "{ending}: {stdout}{stderr}");
        assert!(stderr.contains(&format!("full.{ending}")), "{stderr}");
        assert!(stdout.to_lowercase().starts_with("valid"), "{stdout}");
        assert_eq!(json(&fs::read(&old).unwrap())["verdict"], "valid");
        fs::write(&old, "an older and longer report".repeat(1000)).unwrap();
    }
}

#[test]
fn a_full_disk_or_a_closed_pipe_at_any_format() {
    let saved = Case::new(tampered()).run();
    let file = saved.case.beside("saved.json");
    fs::write(&file, &saved.stdout).unwrap();
    for (format, _) in FORMATS {
        let commands = || {
            let mut case = Case::new(tampered());
            let mut logs = case.command();
            logs.args(["--format", format]);
            let mut report = program();
            report.arg("report").arg(&file).args(["--format", format]);
            (case, [logs, report])
        };
        let (_case, commands_to_full) = commands();
        for mut command in commands_to_full {
            let full = File::options().write(true).open("/dev/full").unwrap();
            let (exit, _, stderr) = text_of(&command.stdout(full).output().unwrap());
            assert_eq!(exit, 2, "{format}: {stderr}");
            assert!(stderr.contains("standard output"), "{format}: {stderr}");
        }
        let (_case, commands_to_nobody) = commands();
        for mut command in commands_to_nobody {
            // Closed before the program starts: what another test starts meanwhile holds it open for a moment.
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            let child = command
                .stdout(writer)
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let (exit, _, stderr) = text_of(&child.wait_with_output().unwrap());
            assert_eq!(exit, 2, "{format}: {stderr}");
        }
    }
}

#[test]
fn the_schema_takes_no_other_report() {
    let outcome = Case::new(tampered()).run();
    let report = outcome.report();
    let refuses = |changed: Value| {
        let checked = std::panic::catch_unwind(|| formats::check_json(&changed));
        assert!(checked.is_err(), "the schema takes {changed:#}");
    };
    for (pointer, value) in [
        ("/verdict", "perfect".into()),
        ("/schema_version", 2.into()),
        ("/requested/start", "2024-03-10".into()),
        ("/requested/end", "2024-03-10T00:00:00+01:00".into()),
        ("/totals/logs/valid", (-1).into()),
        ("/chains/0/account", "1234".into()),
        ("/findings/0/code", "log-eaten".into()),
        ("/findings/0/message", "".into()),
        ("/run/allow", Value::Null),
    ] {
        let mut changed = report.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        refuses(changed);
    }
    for (pointer, field) in [("", "verdict"), ("/findings/0", "key"), ("/run", "host")] {
        let mut changed = report.clone();
        changed
            .pointer_mut(pointer)
            .unwrap()
            .as_object_mut()
            .unwrap()
            .remove(field)
            .unwrap();
        refuses(changed);
        let mut changed = report.clone();
        changed.pointer_mut(pointer).unwrap()["more"] = Value::Null;
        refuses(changed);
    }
    assert_eq!(without_run(report)["verdict"], "invalid");
}

#[test]
fn query_results_in_every_format() {
    let export = Export::new("7c5b1a2e-0000-4000-8000-000000000001", 3);
    let mut store = delivered(&[&export]);
    let result = (
        export.bucket.clone(),
        format!("{}/result_2.csv.gz", export.folder()),
    );
    store.delete(&result);
    let case = QueryCase::new(store);
    case.write();
    let folder = tempfile::tempdir().unwrap();
    let file = |ending: &str| folder.path().join(format!("report.{ending}"));
    let mut command = case.command(case.source().to_str().unwrap());
    for (_, ending) in FORMATS {
        command.arg("--report").arg(file(ending));
    }
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(output.stdout, fs::read(file("json")).unwrap());
    for (format, ending) in FORMATS {
        let bytes = fs::read(file(ending)).unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        check_bytes(&bytes);
        assert!(
            text.contains("result-missing") && text.contains("result_2.csv.gz"),
            "{format}: {text}"
        );
        let again = program()
            .arg("report")
            .arg(file("json"))
            .args(["--format", format])
            .output()
            .unwrap();
        assert_eq!(again.status.code(), Some(1), "{format}: {again:?}");
        assert_eq!(String::from_utf8(again.stdout).unwrap(), text, "{format}");
    }
}
