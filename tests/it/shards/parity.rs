//! Every scenario of a folder is run in shards too, and must give the same report.

use std::path::Path;

use serde_json::Value;

use super::common::{Sharded, said, without_run};
use crate::harness::{Outcome, program};
use crate::s3::served::Served;

/// What a bucket tells in shards whose results are in another bucket.
#[track_caller]
pub fn of_bucket(served: &Served, source: &str, dir: &Path) -> Value {
    std::fs::create_dir_all(dir).expect("a folder");
    let ready = || served.program();
    let mut sharded = Sharded::plan(&ready, dir, source.as_ref(), served.arguments(), 3);
    served.server.store().bucket("results");
    sharded.results = "s3://results/of a run".into();
    sharded.read_all();
    let mut merged = sharded.merged();
    merged["report"]["source"] = Value::Null;
    merged
}

/// Compares the folder's report with that of a merge of some shards.
#[track_caller]
pub fn check(outcome: &Outcome) {
    let case = &outcome.case;
    let mut arguments = case.arguments();
    let is_other = |argument: &String| {
        ["--state", "--report", "--format", "-v", "-q"]
            .iter()
            .any(|its| argument.starts_with(its))
    };
    if case.is_unprivileged() || arguments.iter().any(is_other) {
        return;
    }
    if case.source().join("snapshot.json").exists() {
        return;
    }
    if case.has_keys() {
        let keys = case.beside("keys.json");
        arguments.push("--public-keys".into());
        arguments.push(keys.to_str().expect("a plain path").into());
    }
    // Each number costs a process.
    let shards = [2, 2, 2, 3, 5][outcome.stdout.len() % 5];
    let dir = case.beside("sharded");
    std::fs::create_dir_all(&dir).expect("a folder");
    let source = case.source();
    let sharded = Sharded::plan(&program, &dir, source.as_os_str(), &arguments, shards);
    sharded.read_all();
    let merged = sharded.merge();
    let whole = (Some(outcome.exit), without_run(&outcome.stdout));
    assert_eq!(
        (merged.status.code(), without_run(&merged.stdout)),
        whole,
        "{shards} shards (left) tell otherwise than one run (right): {}",
        said(&merged)
    );
}
