//! What the HTML report says about checking by hand is true: its commands are run as they stand in the page.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use crate::harness::{formats::parse_html, program};

/// The tools that the commands take, besides the AWS CLI.
const TOOLS: [&str; 8] = [
    "bash",
    "openssl",
    "sha256sum",
    "jq",
    "xxd",
    "gzip",
    "base64",
    "cut",
];

fn archive(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata")
        .join(name)
}

fn has_tools() -> bool {
    let there = |tool: &&str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(tool).exists())
    };
    TOOLS.iter().all(there)
}

/// An `aws` that gets objects from a folder, and prints their metadata as the AWS CLI does.
const AWS: &str = r#"#!/bin/bash
set -e
if [[ "$1 $2 $3" == "s3 cp --recursive" ]]; then
    cp -r "$(find "$ARCHIVE" -path "*/${4#s3://*/}")" "$5"
    exit
fi
[[ $1 == s3api && $3 == --bucket ]] || exit 2
key=${5#--key=}
file=$(find "$ARCHIVE" -path "*/$key")
[[ -n $file ]] || { echo 'An error occurred (404) when calling the HeadObject operation: Not Found' >&2; exit 254; }
case $2 in
    get-object) cp "$file" "$6"; [[ ! -e $file.metadata.json ]] || cat "$file.metadata.json" ;;
    head-object) ;;
    *) exit 2 ;;
esac
"#;

/// The commands of the page's first finding, and those that check a signature, where it has any.
fn commands(name: &str) -> (String, String) {
    let output = program()
        .arg("logs")
        .arg(archive(name).join("archive"))
        .arg("--public-keys")
        .arg(archive(name).join("public-keys.json"))
        .args(["--format", "html"])
        .output()
        .unwrap();
    let page = String::from_utf8(output.stdout).unwrap();
    let document = parse_html(&page);
    let text = |node: roxmltree::Node<'_, '_>| node.text().unwrap().to_owned();
    let mut scripts = document.descendants().filter(|it| it.has_tag_name("pre"));
    let signature = scripts
        .clone()
        .find(|it| it.attribute("id") == Some("signature"));
    let finding = scripts.find(|it| text(*it).starts_with("BUCKET="));
    (
        text(finding.expect("commands")),
        signature.map(text).unwrap_or_default(),
    )
}

/// Runs them in a new folder, and gives what they print.
fn run(name: &str, script: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let aws = folder.path().join("aws");
    fs::write(&aws, AWS).unwrap();
    fs::set_permissions(&aws, fs::Permissions::from_mode(0o755)).unwrap();
    let keys = archive(name).join("public-keys.json");
    fs::copy(keys, folder.path().join("public-keys.json")).unwrap();
    let path = std::env::var("PATH").unwrap();
    let output = Command::new("bash")
        .args(["-c", script])
        .current_dir(folder.path())
        .env("PATH", format!("{}:{path}", folder.path().display()))
        .env("ARCHIVE", archive(name).join("archive"))
        .output()
        .unwrap();
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn a_modified_log_and_the_digest_that_vouches() {
    if !has_tools() {
        return;
    }
    let name = "log-modified";
    let (finding, signature) = commands(name);
    let told = run(name, &format!("{finding}\n{signature}"));
    let report = program()
        .arg("logs")
        .arg(archive(name).join("archive"))
        .arg("--public-keys")
        .arg(archive(name).join("public-keys.json"))
        .args(["--format", "json"])
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    let found = &report["findings"][0];
    for field in ["expected", "actual"] {
        assert!(
            told.contains(found[field].as_str().unwrap()),
            "{field}: {told}"
        );
    }
    assert!(told.contains("Verified OK"), "{told}");
}

#[test]
fn a_modified_digest() {
    if !has_tools() {
        return;
    }
    let name = "digest-modified";
    let (finding, signature) = commands(name);
    let told = run(name, &format!("{finding}\n{signature}"));
    assert!(
        told.contains("erification failure") || told.contains("Verification Failure"),
        "{told}"
    );
    assert!(!told.contains("Verified OK"), "{told}");
}

#[test]
fn a_log_that_no_digest_names() {
    if !has_tools() {
        return;
    }
    let (finding, _) = commands("log-unreferenced");
    let search = finding.lines().last().unwrap();
    // Digests end without a newline; here each of its day is there twice.
    let named = "111122223333_CloudTrail_us-east-1_20240310T0120Z";
    let log = format!("LOG=$(basename \"$(find \"$ARCHIVE\" -name '{named}*')\")");
    let script = format!("{finding}\ncp -r digests again && mv again digests\n{log}\n{search}");
    let told = run("log-unreferenced", &script);
    let counts: Vec<_> = told.split_whitespace().collect();
    assert_eq!(counts, ["0", "2"], "{told}");
}

#[test]
fn a_missing_log_and_a_missing_digest() {
    if !has_tools() {
        return;
    }
    for name in ["log-missing", "digest-deleted"] {
        let (finding, signature) = commands(name);
        let told = run(name, &format!("{finding}\n{signature}"));
        assert!(told.contains("404"), "{name}: {told}");
        assert!(told.contains("Verified OK"), "{name}: {told}");
    }
}
