//! Every scenario of a folder is run in shards too, and must give the same report.

use serde_json::{Value, json};

use super::common::Sharded;
use crate::harness::{Outcome, program};

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
    let mut report = outcome.report();
    if case.source().join("snapshot.json").exists() {
        return;
    }
    if case.has_keys() {
        let keys = case.beside("keys.json");
        arguments.push("--public-keys".into());
        arguments.push(keys.to_str().expect("a plain path").into());
    }
    // Few, many, and more than there is to read.
    let shards = [2, 3, 7][outcome.stdout.len() % 3];
    let dir = case.beside("sharded");
    std::fs::create_dir_all(&dir).expect("a folder");
    let source = case.source();
    let sharded = Sharded::plan(&program, &dir, source.as_os_str(), &arguments, shards);
    sharded.read_all();
    report["run"] = Value::Null;
    let single = json!({"exit": outcome.exit, "report": report});
    assert_eq!(
        format!("{:#}", sharded.merged()),
        format!("{single:#}"),
        "{shards} shards (left) tell otherwise than one run (right)"
    );
}
