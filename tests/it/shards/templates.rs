//! The templates of docs/engines: their files are what they say, and their commands are commands of this program,
//! which read a shard when they are run as a task of such an engine is.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use clap::Parser as _;
use ct_verify::cli::{Cli, Command as Parsed};
use serde_json::Value;
use yaml_rust2::{Yaml, YamlLoader};

use super::common::{Place, Sharded, pasted, ran, said};
use crate::harness::program;
use crate::scenarios::common::audit;

const NOT_RUN: &str = "A template that was not run here";

fn docs() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/docs"))
}

fn template(name: &str) -> String {
    fs::read_to_string(docs().join("engines").join(name)).expect("a template")
}

/// A command of a template is one that the program takes; and as a task of an engine, which tells the index so, it
/// reads that shard.
#[track_caller]
fn reads_a_shard(arguments: &[&str], index: Option<&str>) {
    let whole = ["ct-verify"].iter().chain(arguments);
    let parsed =
        Cli::try_parse_from(whole).unwrap_or_else(|error| panic!("{arguments:?}: {error}"));
    let Parsed::Logs(logs) = parsed.command else {
        panic!("it is no `logs`: {arguments:?}");
    };
    assert!(logs.source.is_none() && logs.shard.plan.is_some() && logs.shard.result.is_some());
    let place = Place::of(&audit());
    let sharded = planned(&place);
    let mut arguments: Vec<_> = arguments.iter().map(Path::new).collect();
    for (option, path) in [("--plan", &sharded.plan), ("--result", &sharded.results)] {
        let at = arguments
            .iter()
            .position(|it| *it == Path::new(option))
            .expect("an option");
        arguments[at + 1] = path;
    }
    let mut command = program();
    if let Some(name) = index {
        command.env(name, "1");
    }
    let output = ran(command.args(arguments));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(sharded.result(1).exists(), "{index:?}");
}

fn planned(place: &Place) -> Sharded<'static> {
    let source = place.source();
    Sharded::plan(&program, place.path(), source.as_os_str(), &place.keys(), 3)
}

/// What is quoted in an argument of a script.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> &'a str {
    let (_, rest) = text
        .split_once(begin)
        .unwrap_or_else(|| panic!("{begin} in {text}"));
    rest.split_once(end)
        .unwrap_or_else(|| panic!("{end} in {rest}"))
        .0
}

fn texts(list: &Value) -> Vec<&str> {
    let list = list.as_array().expect("a list").iter();
    list.map(|it| it.as_str().expect("text")).collect()
}

#[track_caller]
fn is_a_script(name: &str) {
    let checked = Command::new("sh")
        .arg("-n")
        .arg(docs().join("engines").join(name))
        .output();
    let checked = checked.expect("sh");
    assert!(checked.status.success(), "{name}: {}", said(&checked));
}

/// The script itself, where the program is found, and the places are others.
#[test]
fn slurm() {
    is_a_script("slurm.sh");
    let script = template("slurm.sh");
    let command = between(&script, "exec ct-verify ", "\n");
    let command = command.strip_suffix(" \"$@\"").expect("its arguments");
    let arguments: Vec<&str> = command.split(' ').collect();
    reads_a_shard(&arguments, Some("SLURM_ARRAY_TASK_ID"));
    let place = Place::of(&audit());
    let sharded = planned(&place);
    let results = sharded.results.to_str().expect("a path");
    let script = script
        .replace("/shared/plan.json", sharded.plan.to_str().expect("a path"))
        .replace("/shared/results", results);
    let job = place.path().join("job");
    fs::write(&job, script).expect("a script");
    let mut task = program();
    for (job, index, shard) in [("sh job", "2", 2), ("sh job --shard-offset 1", "0", 1)] {
        task.env("SLURM_ARRAY_TASK_ID", index);
        let output = pasted(job, place.path(), None, &task);
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert!(sharded.result(shard).exists(), "{job}");
    }
}

#[test]
fn aws_batch() {
    is_a_script("aws-batch.sh");
    let script = template("aws-batch.sh");
    assert!(script.contains(NOT_RUN) && script.contains("AWS_BATCH_JOB_ARRAY_INDEX"));
    let properties = between(&script, "--container-properties '", "'");
    let properties: Value = serde_json::from_str(properties).expect("JSON");
    reads_a_shard(
        &texts(&properties["command"]),
        Some("AWS_BATCH_JOB_ARRAY_INDEX"),
    );
    // Trying again what ends with 2 is of no use.
    let retry = between(&script, "--retry-strategy '", "'");
    let retry: Value = serde_json::from_str(retry).expect("JSON");
    let first = &retry["evaluateOnExit"][0];
    assert_eq!(
        (&first["onExitCode"], &first["action"]),
        (&"2".into(), &"EXIT".into())
    );
    assert!(
        between(&script, "--array-properties size=", "\n")
            .parse::<u32>()
            .is_ok()
    );
}

#[test]
fn kubernetes() {
    let text = template("kubernetes.yaml");
    assert!(text.starts_with(&format!("# {NOT_RUN}")) && text.contains("JOB_COMPLETION_INDEX"));
    let documents = YamlLoader::load_from_str(&text).expect("YAML");
    let [job] = &documents[..] else {
        panic!("one document");
    };
    let spec = &job["spec"];
    assert_eq!(
        (job["apiVersion"].as_str(), job["kind"].as_str()),
        (Some("batch/v1"), Some("Job"))
    );
    assert_eq!(spec["completionMode"].as_str(), Some("Indexed"));
    assert!(spec["completions"].as_i64().is_some_and(|count| count > 1));
    assert!(
        spec["backoffLimitPerIndex"]
            .as_i64()
            .is_some_and(|limit| limit > 0)
    );
    // Without it the first index that fails fails the job.
    assert_eq!(spec["maxFailedIndexes"], spec["completions"]);
    // A policy for failures goes with no other restart policy.
    let pod = &spec["template"]["spec"];
    assert_eq!(pod["restartPolicy"].as_str(), Some("Never"));
    let container = &pod["containers"][0];
    let rules = spec["podFailurePolicy"]["rules"].as_vec().expect("rules");
    let rule = rules
        .iter()
        .find(|rule| rule["action"].as_str() == Some("FailIndex"));
    let codes = &rule.expect("a rule that fails an index")["onExitCodes"];
    assert_eq!(codes["containerName"], container["name"]);
    assert_eq!(codes["operator"].as_str(), Some("In"));
    assert_eq!(codes["values"].as_vec(), Some(&vec![Yaml::Integer(2)]));
    let arguments = container["args"].as_vec().expect("arguments").iter();
    let arguments: Vec<&str> = arguments.map(|it| it.as_str().expect("text")).collect();
    reads_a_shard(&arguments, Some("JOB_COMPLETION_INDEX"));
}

#[test]
fn step_functions() {
    let machine: Value = serde_json::from_str(&template("step-functions.json")).expect("JSON");
    assert!(
        machine["Comment"]
            .as_str()
            .expect("a comment")
            .contains(NOT_RUN)
    );
    let map = &machine["States"][machine["StartAt"].as_str().expect("a state")];
    assert_eq!(map["Type"], "Map");
    let processor = &map["ItemProcessor"];
    assert_eq!(processor["ProcessorConfig"]["Mode"], "DISTRIBUTED");
    let task = &processor["States"][processor["StartAt"].as_str().expect("a state")];
    let container = &task["Parameters"]["Overrides"]["ContainerOverrides"][0];
    let command = container["Command.$"].as_str().expect("a command");
    // The item, which is a number, as text.
    let command = command.replace("States.Format('{}', $)", "'1'");
    let list = between(&command, "States.Array(", ")");
    let arguments: Vec<&str> = list.split(", ").map(|it| it.trim_matches('\'')).collect();
    reads_a_shard(&arguments, None);
}

/// No template is left out of the page, and none is said to have run that did not.
#[test]
fn the_page_tells_of_every_template() {
    let page = fs::read_to_string(docs().join("shards.md")).expect("a page");
    let entries = fs::read_dir(docs().join("engines")).expect("templates");
    let names = entries.map(|it| {
        it.expect("an entry")
            .file_name()
            .into_string()
            .expect("a name")
    });
    let names: BTreeSet<String> = names.collect();
    assert_eq!(names.len(), 4, "{names:?}: each has a test here");
    for name in names {
        let row = page
            .lines()
            .find(|line| line.starts_with("| ") && line.contains(&format!("(engines/{name})")));
        let row = row.unwrap_or_else(|| panic!("{name} is not in the table"));
        let was_run = !template(&name).contains(NOT_RUN);
        assert_eq!(
            row.ends_with("| by [.ci/engines](../.ci/engines) |"),
            was_run,
            "{row}"
        );
        assert_eq!(row.ends_with("| no: a template |"), !was_run, "{row}");
    }
    let command = between(&page, "--joblog jobs.log ct-verify ", "`");
    let arguments: Vec<&str> = command.split(' ').chain(["1"]).collect();
    reads_a_shard(&arguments, None);
}
