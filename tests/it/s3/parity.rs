//! Every scenario of a folder is run on a bucket too, and must give the same report.

use std::process::Command;

use serde_json::{Value, json};

use super::served::{Served, store};
use crate::harness::{Outcome, program};

/// A bucket that was verified as the folder with the same objects was.
pub struct InBucket {
    served: Served,
    source: String,
    arguments: Vec<String>,
    told: (i32, Value),
}

/// Compares the folder's report with that of a bucket that holds the same objects, where there is one.
#[track_caller]
pub fn check(outcome: &Outcome) -> Option<InBucket> {
    let case = &outcome.case;
    if let Some(why) = case.why_only_in_a_folder().or_else(|| why_not(outcome)) {
        eprintln!("not on a bucket: {why}");
        return None;
    }
    let mut arguments = case.arguments();
    let report = outcome.report();
    let ranged = range(&mut arguments, &report["requested"]);
    arguments.push("--public-keys".into());
    arguments.push(
        case.beside("keys.json")
            .to_str()
            .expect("a plain path")
            .into(),
    );
    let folder = if ranged {
        let mut again = program();
        again
            .args(["logs".as_ref(), case.source().as_os_str()])
            .args(&arguments);
        whole(again, "the folder")
    } else {
        (outcome.exit, report)
    };
    let mut archive = case.archive.clone();
    if case.lost_metadata() {
        archive.store.clear_all_metadata();
    }
    let served = Served::serving(store(&archive.store)).args(arguments.clone());
    let (bucket, _) = archive.store.keys().next().expect("an object");
    let source = format!("s3://{bucket}");
    let told = whole(served.command(&source), "the bucket");
    let (mut from_bucket, mut folder) = (compared(told.clone()), compared(folder));
    without_folders(&mut folder);
    without_depths(&mut from_bucket);
    without_histories(&mut from_bucket, &folder);
    without_places(&mut from_bucket, &folder);
    assert_eq!(
        format!("{from_bucket:#}"),
        format!("{folder:#}"),
        "a bucket (left) tells otherwise than a folder (right)"
    );
    Some(InBucket {
        served,
        source,
        arguments,
        told,
    })
}

/// Why what came of a run on a folder says nothing of a bucket.
fn why_not(outcome: &Outcome) -> Option<&'static str> {
    if outcome.exit == 2 {
        return Some("the run was refused: s3::setup has what is refused of buckets");
    }
    let arguments = outcome.case.arguments();
    if arguments.iter().any(|it| it.starts_with("--state")) {
        return Some("a state is one of its source: state::attacks has those of buckets");
    }
    let is_span =
        |it: &String| it.ends_with(['h', 'd']) && it.starts_with(|c: char| c.is_ascii_digit());
    if arguments.iter().any(is_span) {
        return Some("a span back from now is another one when it is asked for again");
    }
    let requested = &outcome.report()["requested"];
    let is_moment = requested["start"].is_string() && requested["start"] == requested["end"];
    is_moment.then_some("the archive is a starting digest alone, and no range is so short")
}

/// A snapshot of the bucket, and the bucket in shards, tell the same.
#[track_caller]
pub fn check_copies(outcome: &Outcome, bucket: &InBucket) {
    let case = &outcome.case;
    let InBucket {
        served,
        source,
        arguments,
        told,
    } = bucket;
    let from_bucket = compared(told.clone());
    let dir = case.beside("snapshot");
    let taken = whole(served.snapshot(source, &dir), "the taking of a snapshot");
    assert_eq!(
        compared(taken),
        from_bucket,
        "taking a snapshot (left) tells otherwise than the bucket (right)"
    );
    let mut offline = program();
    offline.arg("logs").arg(&dir).args(weights(arguments));
    assert_eq!(
        compared(whole(offline, "the snapshot")),
        from_bucket,
        "the snapshot (left) tells otherwise than the bucket (right)"
    );
    // A part of them, since it takes as long as all of the above.
    if outcome.stdout.len().is_multiple_of(4) {
        let in_shards = crate::shards::parity::of_bucket(served, source, &case.beside("shards"));
        assert_eq!(
            format!("{in_shards:#}"),
            format!("{from_bucket:#}"),
            "the bucket in shards (left) tells otherwise than in one run (right)"
        );
    }
}

/// What a bucket says of an object that it keeps no other version of.
const FOR_GOOD: &str = "; no intact version of it is left: it is gone from this bucket";

/// Of several copies in a folder it is told which one an object is of.
fn without_folders(folder: &mut Value) {
    let findings = folder["report"]["findings"].as_array_mut();
    for finding in findings.into_iter().flatten() {
        let told = finding["message"].as_str().unwrap_or_default();
        if let Some((before, after)) = told.split_once("; in the source's folder ") {
            let (_, after) = after.split_once("; ").unwrap_or_default();
            let parts = [before, after].into_iter().filter(|it| !it.is_empty());
            finding["message"] = parts.collect::<Vec<_>>().join("; ").into();
        }
    }
}

/// A folder is searched however deep it is.
fn without_depths(bucket: &mut Value) {
    let findings = bucket["report"]["findings"].as_array_mut();
    for finding in findings.into_iter().flatten() {
        if let Some(told) = finding["message"].as_str() {
            let told = told.replacen("found up to 4 folders deep below", "found below", 1);
            finding["message"] = told.into();
        }
    }
}

/// What became of an object only a bucket knows: it is told after what a folder tells, and before what explains it.
fn without_histories(bucket: &mut Value, folder: &Value) {
    let Some(findings) = bucket["report"]["findings"].as_array_mut() else {
        return;
    };
    let theirs = folder["report"]["findings"].as_array();
    for (ours, theirs) in findings.iter_mut().zip(theirs.into_iter().flatten()) {
        let told = |finding: &Value| finding["message"].as_str().unwrap_or_default().to_owned();
        let (ours_told, theirs_told) = (told(ours), told(theirs));
        let begins = theirs_told.strip_suffix('.').unwrap_or(&theirs_told);
        let more = ours_told.strip_prefix(begins);
        let without = ours_told.replacen(FOR_GOOD, "", 1);
        if more.is_some_and(|more| more.starts_with("; ")) || without == theirs_told {
            ours["message"] = theirs["message"].clone();
        }
    }
}

/// Where nothing is verified, only a bucket knows which one it is: it is told there, and null in a folder.
#[track_caller]
fn without_places(bucket: &mut Value, folder: &Value) {
    let ours = bucket["report"]["findings"].as_array_mut();
    let theirs = folder["report"]["findings"].as_array();
    for (ours, theirs) in ours.into_iter().flatten().zip(theirs.into_iter().flatten()) {
        let (Some(key), Some(path)) = (ours["key"].as_str(), theirs["key"].as_str()) else {
            continue;
        };
        if theirs["bucket"].is_null() {
            assert!(
                ours["bucket"].is_string(),
                "a bucket knows its name: {ours:#}"
            );
            assert!(
                key == path || key.ends_with(&format!("/{path}")),
                "{ours:#} {theirs:#}"
            );
            ours["bucket"] = Value::Null;
            ours["key"] = theirs["key"].clone();
        }
    }
}

/// What a snapshot does not decide of itself: how findings are weighed, and whether logs are read.
fn weights(arguments: &[String]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let has_value = ["--allow", "--deny"].contains(&argument.as_str());
        if has_value || argument == "--digests-only" {
            kept.push(argument.clone());
        }
        if has_value {
            kept.extend(arguments.next().cloned());
        }
    }
    kept
}

/// A bucket needs a range: it gets the one that the folder told, where it had none of its own.
fn range(arguments: &mut Vec<String>, requested: &Value) -> bool {
    let mut changed = false;
    for (option, side, without) in [
        ("--start-time", "start", "2024-03-01T00:00:00Z"),
        ("--end-time", "end", "2024-04-01T00:00:00Z"),
    ] {
        let is_given =
            |given: &String| *given == option || given.starts_with(&format!("{option}="));
        if !arguments.iter().any(is_given) {
            arguments.push(option.into());
            arguments.push(requested[side].as_str().unwrap_or(without).into());
            changed = true;
        }
    }
    changed
}

#[track_caller]
fn whole(mut command: Command, what: &str) -> (i32, Value) {
    let output = command
        .args(["--format", "json"])
        .output()
        .expect("the program runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("no report of {what} ({error}): {stderr}"));
    (output.status.code().expect("an exit status"), report)
}

/// What must be the same.
fn compared((exit, mut report): (i32, Value)) -> Value {
    report["run"] = Value::Null;
    report["source"] = Value::Null;
    json!({"exit": exit, "report": report})
}
