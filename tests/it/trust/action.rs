//! The GitHub Action: every input is handed on, and its shell does what it says.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use clap::CommandFactory as _;
use ct_verify::cli::Cli;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn action() -> String {
    fs::read_to_string(root().join("action.yml")).expect("action.yml")
}

/// The names in a section, two spaces deep.
fn names(section: &str) -> BTreeSet<String> {
    let text = action();
    let start = text.find(&format!("\n{section}:\n")).expect("a section");
    let lines = text[start + 1..].lines().skip(1);
    let inside = lines.take_while(|line| line.is_empty() || line.starts_with(' '));
    let is_name = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    let name = |line: &str| line.trim().trim_end_matches(':').to_owned();
    inside.filter(is_name).map(name).collect()
}

#[test]
fn every_input_is_handed_on_and_is_an_option() {
    let script = fs::read_to_string(root().join("packaging/action.sh")).expect("its shell");
    let cli = Cli::command();
    let logs = cli.find_subcommand("logs").expect("a command");
    let options: BTreeSet<_> = logs
        .get_arguments()
        .filter_map(clap::Arg::get_long)
        .collect();
    for input in names("inputs") {
        let variable = format!("CT_{}", input.to_uppercase().replace('-', "_"));
        let handed = format!("{variable}: ${{{{ inputs.{input} }}}}");
        assert!(action().contains(&handed), "{input}");
        assert!(script.contains(&variable), "{variable}");
        let of_the_action = ["source", "fail-on", "reports"].contains(&input.as_str());
        assert!(of_the_action || options.contains(input.as_str()), "{input}");
    }
    for output in names("outputs") {
        assert!(script.contains(&format!("'{output}=%s")), "{output}");
    }
}

struct Ran {
    status: i32,
    outputs: String,
    summary: String,
    folder: tempfile::TempDir,
}

fn run(archive: &str, inputs: &[(&str, &str)]) -> Ran {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let testdata = root().join("testdata").join(archive);
    let status = Command::new("bash")
        .arg(root().join("packaging/action.sh"))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("CT_VERIFY", env!("CARGO_BIN_EXE_ct-verify"))
        .env("CT_SOURCE", testdata.join("archive"))
        .env("CT_PUBLIC_KEYS", testdata.join("public-keys.json"))
        .env("CT_REPORTS", at("reports"))
        .env("GITHUB_OUTPUT", at("outputs"))
        .env("GITHUB_STEP_SUMMARY", at("summary"))
        .envs(inputs.iter().copied())
        .output()
        .expect("bash")
        .status
        .code();
    let text = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    Ran {
        status: status.expect("an exit status"),
        outputs: text(&at("outputs")),
        summary: text(&at("summary")),
        folder,
    }
}

#[test]
fn its_shell_gates_and_reports() {
    let valid = run("clean", &[("CT_SELFTEST", "true")]);
    assert_eq!(valid.status, 0, "{}", valid.outputs);
    assert!(valid.outputs.contains("verdict=valid\nexit-status=0\n"));
    assert!(valid.summary.contains("valid"), "{}", valid.summary);
    let report = fs::read(valid.folder.path().join("reports/ct-verify.json")).expect("a report");
    let report: serde_json::Value = serde_json::from_slice(&report).expect("JSON");
    assert_eq!(report["run"]["selftest"]["right"], 15);

    let invalid = run("log-modified", &[]);
    assert_eq!(invalid.status, 1);
    assert!(invalid.outputs.contains("verdict=invalid\nexit-status=1\n"));
    for ending in ["json", "md", "xml", "sarif"] {
        let report = format!("reports/ct-verify.{ending}");
        assert!(invalid.folder.path().join(report).is_file(), "{ending}");
    }
    let told_only = run("log-modified", &[("CT_FAIL_ON", "unverified")]);
    assert_eq!(told_only.status, 0);
    assert!(told_only.outputs.contains("verdict=invalid\n"));
    let allowed = run("log-modified", &[("CT_ALLOW", "log-modified\nlog-missing")]);
    assert_eq!(allowed.status, 0, "{}", allowed.outputs);
}

/// Lists are separated by line breaks or spaces, and what fails the job is one.
#[test]
fn what_fails_the_job_is_a_list() {
    for list in [
        "unverified\ninvalid\n",
        "invalid",
        " invalid\tunverified",
        " \n",
    ] {
        let ran = run("log-modified", &[("CT_FAIL_ON", list)]);
        assert_eq!(ran.status, 1, "{list:?}");
    }
    for list in ["invalid,unverified", "Invalid", "valid", "*"] {
        let refused = run("log-modified", &[("CT_FAIL_ON", list)]);
        assert_eq!(refused.status, 2, "{list:?}");
        assert_eq!(refused.outputs, "verdict=none\nexit-status=2\n");
    }
}

/// No input makes outputs of its own.
#[test]
fn outputs_are_a_line_each() {
    for line in ["x\nverdict=valid", "x\rverdict=valid"] {
        let refused = run("log-modified", &[("CT_REPORTS", line)]);
        assert_eq!(refused.status, 2);
        assert_eq!(refused.outputs, "verdict=none\nexit-status=2\n");
    }
}

#[test]
fn what_cannot_run_never_passes() {
    let hostile = [("CT_ACCOUNT", "$(touch ran) `touch ran` ;touch ran *")];
    let refused = run("clean", &hostile);
    assert_ne!(refused.status, 0);
    assert!(!refused.folder.path().join("ran").exists());
    for inputs in [
        [("CT_START_TIME", "yesterday"), ("CT_FAIL_ON", "")],
        [("CT_SOURCE", "/nowhere"), ("CT_FAIL_ON", "invalid")],
        [("CT_SELFTEST", "perhaps"), ("CT_FAIL_ON", "invalid")],
    ] {
        assert_eq!(run("clean", &inputs).status, 2, "{inputs:?}");
    }
}
