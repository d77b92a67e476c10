//! What a taking of a snapshot prints where.

use std::process::Output;

use serde_json::Value;

use super::common::{Place, SOURCE, lines, offline, output, served};
use crate::scenarios::common::audit;
use crate::server::Operation;

fn with(arguments: &[&str]) -> (Place, Output, String) {
    let place = Place::new();
    let served = served(&audit());
    let mut command = served.snapshot(SOURCE, &place.dir());
    command.args(arguments);
    let output = output(command);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    (place, output, told)
}

#[test]
fn reports_have_standard_output_to_themselves() {
    for format in ["json", "jsonl", "markdown", "junit", "sarif"] {
        let (place, output, told) = with(&["--format", format, "--progress", "always"]);
        let out = String::from_utf8(output.stdout).expect("text");
        assert!(!out.contains("MANIFEST.sha256 names"), "{format}: {out}");
        assert!(told.contains("MANIFEST.sha256 names"), "{format}: {told}");
        match format {
            "json" | "sarif" => {
                let _: Value = serde_json::from_str(&out).expect("JSON");
            }
            "jsonl" => assert_eq!(lines(&out).len(), out.lines().count()),
            "junit" => {
                roxmltree::Document::parse(&out).expect("XML");
            }
            _ => assert!(!out.is_empty()),
        }
        let manifest = place.head()["manifest"]["sha256"]
            .as_str()
            .map(str::to_owned);
        assert!(told.contains(&manifest.expect("a hash")), "{told}");
    }
}

#[test]
fn text_tells_the_snapshot_after_the_report() {
    let (place, output, told) = with(&[]);
    let out = String::from_utf8(output.stdout).expect("text");
    let (report, snapshot) = out.split_once("\nSnapshot\n").expect("both");
    assert!(report.to_lowercase().contains("valid"), "{out}");
    let manifest = place.head()["manifest"]["sha256"]
        .as_str()
        .map(str::to_owned);
    assert!(snapshot.contains(&manifest.expect("a hash")), "{out}");
    assert!(told.is_empty(), "{told}");
}

#[test]
fn quiet_is_quiet() {
    for format in ["text", "json"] {
        let (place, output, told) = with(&["--quiet", "--format", format]);
        assert!(told.is_empty(), "{told}");
        let out = String::from_utf8(output.stdout).expect("text");
        assert!(!out.contains("MANIFEST"), "{out}");
        assert_eq!(offline(&place).0, 0);
    }
}

#[test]
fn a_dry_run_reads_and_writes_nothing() {
    let place = Place::new();
    let served = served(&audit());
    let mut command = served.snapshot(SOURCE, &place.dir());
    command.args(["--dry-run", "--format", "json"]);
    let output = output(command);
    assert_eq!(output.status.code(), Some(0));
    let _: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(!place.dir().exists());
    assert_eq!(served.server.log().count(Operation::GetObject), 0);
}

#[test]
fn a_snapshots_report_says_what_it_is_of() {
    let (place, _, _) = with(&[]);
    let (_, report) = offline(&place);
    let snapshot = &report["run"]["snapshot"];
    assert_eq!(snapshot["of"], "s3://audit-logs/", "{report:#}");
    assert_eq!(snapshot["altered"], 0);
    assert_eq!(snapshot["manifest"], place.head()["manifest"]["sha256"]);
    let files = files(&place);
    assert_eq!(snapshot["files"], files);
}

fn files(place: &Place) -> usize {
    let all = super::common::contents(&place.dir());
    all.keys()
        .filter(|name| *name != "snapshot.json" && *name != "MANIFEST.sha256")
        .count()
}
