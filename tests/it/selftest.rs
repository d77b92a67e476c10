//! `selftest`, and the archive that it takes: the clean one of testdata/.

use std::{collections::BTreeMap, fs, path::PathBuf};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::forge::{At, StoredObject, keyfiles::trusted_keys};
use crate::harness::{Case, program, text_of};

const AGAIN: &str = "`cargo test --test it regenerate_selftest -- --ignored` makes it anew";

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/selftest/clean.json")
}

fn made() -> String {
    let archive = crate::scenarios::testdata::clean();
    let object = |((_, key), object): (&At, &StoredObject)| {
        let body = BASE64_STANDARD.encode(&object.body);
        let told = json!({"body": body, "metadata": object.metadata});
        (key.clone(), told)
    };
    let objects: BTreeMap<String, Value> = archive.store.objects.iter().map(object).collect();
    let keys: Value = serde_json::from_str(&trusted_keys()).expect("keys in JSON");
    let whole = json!({"keys": keys, "objects": objects});
    format!("{whole:#}\n")
}

#[test]
#[ignore = "writes the archive of the selftest anew"]
fn regenerate_selftest() {
    fs::write(file(), made()).unwrap();
}

#[test]
fn its_archive_is_what_the_forge_makes() {
    assert!(fs::read_to_string(file()).unwrap() == made(), "{AGAIN}");
}

#[test]
fn a_report_tells_that_it_was_tested_before() {
    let archive = crate::scenarios::testdata::clean();
    let outcome = Case::new(archive).args(["--selftest"]).run();
    let report = outcome.report();
    assert_eq!(
        report["run"]["selftest"],
        json!({"archives": 15, "right": 15})
    );
    assert_eq!((&report["verdict"], outcome.exit), (&json!("valid"), 0));
    let (_, text, _) = Case::new(crate::scenarios::testdata::clean())
        .args(["--selftest"])
        .run_text();
    assert!(text.contains("15 of 15 archives"), "{text}");
    let without = Case::new(crate::scenarios::testdata::clean()).run();
    assert_eq!(without.report()["run"]["selftest"], Value::Null);
}

#[test]
fn it_says_what_it_must() {
    let (exit, stdout, stderr) = text_of(&program().arg("selftest").output().unwrap());
    assert_eq!(exit, 0, "{stdout}{stderr}");
    assert!(!stdout.contains("WRONG"), "{stdout}");
    assert!(
        stdout.contains("said what it must of 15 of 15 archives"),
        "{stdout}"
    );
}
