//! Runs of `query-results`: on a folder and on a bucket with the same objects, which must tell the same.

use std::{
    ffi::OsString,
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    case::{program, text_of},
    formats,
    invariants::{check_bytes, severity_of},
};
use crate::{
    forge::{At, FolderWriter, Metadata, Store, keyfiles::trusted_keys},
    s3::served,
    server::{Options, Server},
};

/// `ct-verify query-results SOURCE --public-keys KEYS --format json`.
pub struct QueryCase {
    pub store: Store,
    arguments: Vec<OsString>,
    dir: TempDir,
    only_in_a_folder: Option<&'static str>,
}

impl QueryCase {
    pub fn new(store: Store) -> Self {
        Self {
            store,
            arguments: vec![],
            dir: tempfile::tempdir().expect("a temporary folder"),
            only_in_a_folder: None,
        }
    }

    pub fn args(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(OsString::from));
        self
    }

    /// This is not served over S3 as well, and why.
    pub fn only_in_a_folder(mut self, why: &'static str) -> Self {
        assert!(!why.is_empty(), "an exception has its reason");
        self.only_in_a_folder = Some(why);
        self
    }

    /// The folder, with what lies in the bucket right in it.
    pub fn source(&self) -> PathBuf {
        self.dir.path().join("source")
    }

    pub fn keys(&self) -> PathBuf {
        self.dir.path().join("keys.json")
    }

    pub fn path(&self, at: &At) -> PathBuf {
        self.source().join(&at.1)
    }

    /// Writes the files, so that a test can do to them what no store can hold.
    pub fn write(&self) {
        fs::create_dir_all(self.source()).expect("a folder");
        let mut writer = FolderWriter::new(&self.source(), Metadata::None);
        let buckets = self.store.keys().map(|(bucket, _)| bucket);
        for bucket in buckets {
            writer = writer.bucket_in(bucket, "");
        }
        writer.write(&self.store);
        fs::write(self.keys(), trusted_keys()).expect("a key file");
    }

    /// Runs it on the folder as it is now; and on the bucket, where that is asked for.
    #[track_caller]
    pub fn run_written(&self) -> QueryOutcome {
        let outcome = self.run_on(&self.source());
        let source = self.source();
        let source = source.to_str().expect("a plain path");
        self.keeps(source, &outcome, &[]);
        if let Some(why) = self.only_in_a_folder {
            eprintln!("not on a bucket: {why}");
        } else {
            let (bucket, _) = self.store.keys().next().expect("an object");
            let server = Server::start(served::store(&self.store), Options::default());
            let mut command = self.command(&format!("s3://{bucket}"));
            command.envs(server.environment());
            let theirs = QueryOutcome::of(&command.output().expect("the program runs"));
            let (ours, theirs) = (outcome.compared(), theirs.compared());
            assert_eq!(
                format!("{theirs:#}"),
                format!("{ours:#}"),
                "a bucket (left) tells otherwise than a folder (right)"
            );
            let output = command.output().expect("the program runs");
            let environment = server.environment();
            let source = format!("s3://{bucket}");
            self.keeps(&source, &QueryOutcome::of(&output), &environment);
        }
        outcome
    }

    /// A snapshot tells the same while it is taken, and again when it is verified offline.
    #[track_caller]
    pub fn keeps(&self, source: &str, expected: &QueryOutcome, environment: &[(&str, String)]) {
        let whole = tempfile::tempdir().expect("a temporary folder");
        let dir = whole.path().join("evidence");
        let mut command = program();
        command.args(["snapshot", "--query-results", source, "--format", "json"]);
        command.arg(&dir).arg("--public-keys").arg(self.keys());
        command.args(&self.arguments);
        command.envs(environment.iter().cloned());
        let taken = QueryOutcome::of(&command.output().expect("the program runs"));
        assert_eq!(
            taken.told(),
            expected.told(),
            "taking a snapshot (left) tells otherwise than a run (right)"
        );
        let again = self.run_on(&dir);
        assert_eq!(
            again.told(),
            expected.told(),
            "a snapshot (left) tells otherwise than its source (right)"
        );
    }

    #[track_caller]
    pub fn run(&self) -> QueryOutcome {
        self.write();
        self.run_written()
    }

    /// Runs it on another folder.
    #[track_caller]
    pub fn run_on(&self, source: &std::path::Path) -> QueryOutcome {
        let source = source.to_str().expect("a plain path");
        let output = self.command(source).output().expect("the program runs");
        QueryOutcome::of(&output)
    }

    pub fn run_text(&self) -> (i32, String, String) {
        self.write();
        let mut command = program();
        command.arg("query-results").arg(self.source());
        command.arg("--public-keys").arg(self.keys());
        text_of(&command.args(&self.arguments).output().expect("a run"))
    }

    pub fn command(&self, source: &str) -> Command {
        let mut command = program();
        command.args(["query-results", source, "--format", "json"]);
        command.arg("--public-keys").arg(self.keys());
        command.args(&self.arguments);
        command
    }
}

/// What came of a run.
pub struct QueryOutcome {
    pub exit: i32,
    pub report: Value,
}

impl QueryOutcome {
    #[track_caller]
    pub fn of(output: &Output) -> Self {
        let (exit, stdout, stderr) = text_of(output);
        let report: Value = serde_json::from_str(&stdout)
            .unwrap_or_else(|error| panic!("no report ({error}), exit {exit}: {stderr}"));
        check(&report, exit);
        check_bytes(&output.stdout);
        formats::check_json(&report);
        formats::check_all(&output.stdout);
        Self { exit, report }
    }

    pub fn told(&self) -> String {
        let mut report = self.report.clone();
        report["run"] = Value::Null;
        report["source"] = Value::Null;
        format!("{} {report:#}", self.exit)
    }

    fn compared(&self) -> Value {
        let mut report = self.report.clone();
        report["run"] = Value::Null;
        report["source"] = Value::Null;
        for list in ["exports", "findings"] {
            for item in report[list].as_array_mut().expect("a list") {
                item["bucket"] = Value::Null;
            }
        }
        json!({"exit": self.exit, "report": report})
    }

    /// The findings: code and key.
    pub fn findings(&self) -> Vec<(String, Option<String>)> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let findings = self.report["findings"].as_array().expect("findings");
        findings
            .iter()
            .map(|it| (text(&it["code"]).expect("a code"), text(&it["key"])))
            .collect()
    }

    /// Exactly these findings.
    #[track_caller]
    pub fn finds(&self, expected: &[(&str, &At)]) -> &Self {
        let mut expected: Vec<_> = expected
            .iter()
            .map(|(code, at)| ((*code).to_owned(), Some(at.1.clone())))
            .collect();
        expected.sort_by(|(a, b), (c, d)| (b, a).cmp(&(d, c)));
        assert_eq!(self.findings(), expected, "{:#}", self.report);
        self
    }

    /// Valid, invalid, missing, not named, unverified.
    #[track_caller]
    pub fn results(&self, expected: [u64; 5]) -> &Self {
        let counts = &self.report["totals"]["results"];
        let fields = ["valid", "invalid", "missing", "unreferenced", "unverified"];
        let counts = fields.map(|field| counts[field].as_u64().expect("a count"));
        assert_eq!(counts, expected, "{:#}", self.report);
        self
    }

    #[track_caller]
    pub fn comes_to(&self, verdict: &str) -> &Self {
        assert_eq!(self.report["verdict"], verdict, "{:#}", self.report);
        self
    }
}

/// What holds of every report on query results.
#[track_caller]
fn check(report: &Value, exit: i32) {
    let fields: Vec<_> = report.as_object().expect("an object").keys().collect();
    let known = [
        "exports",
        "findings",
        "run",
        "schema_version",
        "source",
        "tool",
        "totals",
        "verdict",
    ];
    assert_eq!(fields, known);
    assert_eq!(report["schema_version"], 1);
    let list = |name: &str| report[name].as_array().expect("a list").clone();
    let weigh = |severity: &str| list("findings").iter().any(|it| it["severity"] == severity);
    let results_valid = report["totals"]["results"]["valid"]
        .as_u64()
        .expect("a count");
    let (verdict, status) = match (weigh("invalid"), weigh("unverified") || results_valid == 0) {
        (true, _) => ("invalid", 1),
        (false, true) => ("unverified", 3),
        (false, false) => ("valid", 0),
    };
    assert_eq!(
        (report["verdict"].as_str(), exit),
        (Some(verdict), status),
        "the verdict follows from the findings: {report:#}"
    );
    for finding in list("findings") {
        let code = finding["code"].as_str().expect("a code");
        let arguments = report["run"]["arguments"].as_array().expect("arguments");
        if !arguments.iter().any(|it| it == code) {
            assert_eq!(finding["severity"], severity_of(code), "{code}");
        }
    }
    let place = |it: &Value| ["key", "code"].map(|field| it[field].as_str().map(str::to_owned));
    assert!(list("findings").iter().map(place).is_sorted());
    let sum = |counts: &str, field: &str| -> u64 {
        let exports = list("exports");
        let counts = exports.iter().map(|it| it[counts][field].as_u64());
        counts.map(|count| count.expect("a count")).sum()
    };
    for field in ["valid", "invalid", "missing", "unreferenced", "unverified"] {
        assert_eq!(report["totals"]["results"][field], sum("results", field));
    }
    let signs = &report["totals"]["sign_files"];
    for field in ["valid", "invalid", "missing", "unverified"] {
        let of_verdict = list("exports")
            .iter()
            .filter(|it| it["sign_file"] == field)
            .count();
        assert_eq!(signs[field], of_verdict);
    }
}
