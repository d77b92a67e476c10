//! Plans of buckets, and results in buckets.

use serde_json::Value;

use super::common::{Place, Sharded, compared, ran, said};
use crate::forge::{Archive, Trail};
use crate::s3::served::Served;
use crate::scenarios::common::audit;
use crate::server::{Class, Fault, Operation, Rule};
use crate::snapshot::common::{BUCKET, DAY, SOURCE, served};

fn two_regions() -> Archive {
    Trail::new("audit", "2024-03-10T00:00:00Z", 6)
        .regions(&["us-east-1", "eu-west-1"])
        .archive()
}

/// Without what no two runs have alike: what a source is called, and the numbers of requests.
fn without_source(mut told: Value) -> Value {
    told["report"]["source"] = Value::Null;
    let findings = told["report"]["findings"].as_array_mut();
    for finding in findings.into_iter().flatten() {
        let message = finding["message"].as_str().expect("a message").to_owned();
        if let Some((before, rest)) = message.split_once(" (request ") {
            let (_, after) = rest.split_once(')').expect("the end of a number");
            finding["message"] = format!("{before}{after}").into();
        }
    }
    told
}

fn single(served: &Served, source: &str) -> Value {
    let mut command = served.command(source);
    without_source(compared(&ran(command.args(["--format", "json"]))))
}

/// The report of one run, and that of some shards.
#[track_caller]
fn same(served: &Served, source: &str, shards: u32) -> Value {
    let place = Place::new();
    let ready = || served.program();
    let whole = single(served, source);
    let sharded = Sharded::plan(
        &ready,
        place.path(),
        source.as_ref(),
        served.arguments(),
        shards,
    );
    sharded.read_all();
    let merged = without_source(sharded.merged());
    assert_eq!(format!("{merged:#}"), format!("{whole:#}"));
    whole
}

/// A bucket's listing is cut by keys: pages, hours and days.
#[test]
fn any_number_of_shards() {
    let served = served(&two_regions());
    for shards in [1, 4, 13, 60] {
        assert_eq!(same(&served, SOURCE, shards)["exit"], 0);
    }
}

#[test]
fn objects_that_could_not_be_read() {
    for fault in [
        Fault::AccessDenied,
        Fault::Refused {
            status: 403,
            code: "InvalidObjectState".into(),
        },
        Fault::InternalError,
        Fault::ResetBody,
    ] {
        for key in [
            "*CloudTrail-Digest*T030000Z*",
            "*CloudTrail-Digest*T060000Z*",
            "*_CloudTrail_*T0220Z_*",
        ] {
            let served = served(&audit()).env("AWS_MAX_ATTEMPTS", "2");
            let rule = Rule::new(fault.clone()).on(&[Operation::GetObject]);
            served.server.faults().add(rule.key(key));
            assert_eq!(same(&served, SOURCE, 3)["exit"], 3, "{fault:?} {key}");
        }
    }
}

#[test]
fn objects_that_are_archived() {
    let archive = audit();
    for at in [archive.digest(3), archive.digest(6), archive.log(2, 0)] {
        let served = served(&archive);
        let object = served.server.store().bucket(BUCKET).get(&at.1).cloned();
        let object = object.expect("an object").with_class(Class::DeepArchive);
        served.server.store().put(BUCKET, &at.1, object);
        assert_eq!(same(&served, SOURCE, 3)["exit"], 3, "{at:?}");
    }
}

#[test]
fn folders_that_could_not_be_listed() {
    for prefix in [
        "AWSLogs/111122223333/",
        "AWSLogs/111122223333/CloudTrail-Digest/",
        "AWSLogs/111122223333/CloudTrail/",
        "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/*",
        "AWSLogs/111122223333/CloudTrail/eu-west-1/*",
    ] {
        let served = served(&two_regions()).env("AWS_MAX_ATTEMPTS", "2");
        let rule = Rule::new(Fault::AccessDenied).on(&[Operation::ListObjectsV2]);
        served.server.faults().add(rule.key(prefix));
        same(&served, SOURCE, 3);
    }
}

/// What is known of it is verified; what came into it since, or could not be listed for the plan, is not.
#[test]
fn a_merge_tells_what_it_could_not_list() {
    let archive = Trail::new("audit", "2024-03-10T00:00:00Z", 6)
        .organization("o-abcdefghij")
        .accounts(&["111122223333", "444455556666"])
        .archive();
    let served = served(&archive).env("AWS_MAX_ATTEMPTS", "2");
    let place = Place::new();
    let ready = || served.program();
    let deny = |prefix: &str| {
        let rule = Rule::new(Fault::AccessDenied).on(&[Operation::ListObjectsV2]);
        let faults = served.server.faults();
        faults.clear();
        faults.add(rule.key(prefix));
    };
    deny("AWSLogs/o-abcdefghij/444455556666/");
    let arguments = served.arguments();
    let sharded = Sharded::plan(&ready, place.path(), SOURCE.as_ref(), arguments, 3);
    sharded.read_all();
    deny("AWSLogs/o-abcdefghij/");
    let merged = sharded.merged();
    assert_eq!(merged["exit"], 3, "{merged:#}");
    let report = &merged["report"];
    assert_eq!(report["findings"][0]["code"], "digest-unreadable");
    assert_eq!(report["findings"].as_array().map(Vec::len), Some(1));
    assert_eq!(report["chains"].as_array().map(Vec::len), Some(1));
    // What may not be listed is not gone.
    deny("*");
    let merged = sharded.merge();
    assert_eq!(merged.status.code(), Some(2), "{}", said(&merged));
    assert!(said(&merged).contains("s3:ListBucket"), "{}", said(&merged));
    served.server.faults().clear();
    assert_eq!(without_source(sharded.merged()), single(&served, SOURCE));
}

/// One reading of a shard accuses nobody, as one reading of a run does not.
#[test]
fn what_changes_on_its_way_to_a_shard_is_no_tampering() {
    for (key, code) in [
        ("*_CloudTrail_*T0220Z_*", "log-unreadable"),
        ("*CloudTrail-Digest*T030000Z*", "digest-unreadable"),
    ] {
        let served = served(&audit());
        let rule = || Rule::new(Fault::Flip).on(&[Operation::GetObject]).key(key);
        served.server.faults().add(rule().attempts(0..1));
        let place = Place::new();
        let ready = || served.program();
        let arguments = served.arguments();
        let sharded = Sharded::plan(&ready, place.path(), SOURCE.as_ref(), arguments, 3);
        sharded.read_all();
        let merged = sharded.merged();
        assert_eq!(merged["exit"], 3, "{merged:#}");
        let is_told = format!("{merged}").contains(&format!("\"code\":\"{code}\""));
        assert!(is_told, "{merged:#}");
        // What is read so again and again lies there so.
        served.server.faults().clear();
        served.server.faults().add(rule());
        assert_eq!(same(&served, SOURCE, 3)["exit"], 1);
    }
}

#[test]
fn what_became_of_deleted_and_modified_objects() {
    let archive = audit();
    for versioned in [false, true] {
        let served = served(&archive);
        {
            let mut store = served.server.store();
            let bucket = store.bucket(BUCKET);
            bucket.versioned = versioned;
            let (digest, log, other) = (archive.digest(3), archive.log(2, 0), archive.log(4, 0));
            bucket.delete(&digest.1);
            bucket.delete(&log.1);
            let planted = bucket.get(&archive.log(4, 1).1).cloned().expect("a log");
            bucket.put(&other.1, planted);
        }
        assert_eq!(same(&served, SOURCE, 4)["exit"], 1);
    }
}

#[test]
fn a_trail_that_moved_between_buckets() {
    let trail = Trail::new("audit", "2024-03-10T00:00:00Z", 6).moves(3, "new-logs", "moved");
    let served = Served::new(&trail.archive()).args(DAY);
    assert_eq!(same(&served, "s3://new-logs", 3)["exit"], 0);
}

/// Results, and the plan, in a bucket: a result is one object, put once.
#[test]
fn results_in_a_bucket() {
    let served = served(&two_regions());
    served.server.store().bucket("results");
    let place = Place::new();
    let ready = || served.program();
    let mut sharded = Sharded::plan(&ready, place.path(), SOURCE.as_ref(), served.arguments(), 4);
    sharded.results = "s3://results/run 1/".into();
    for shard in [0, 1, 3] {
        sharded.read(shard);
    }
    let names = || {
        let store = served.server.store();
        let keys = store.buckets["results"].keys.keys().cloned();
        keys.collect::<Vec<_>>()
    };
    let name = |shard: u32| format!("run 1/shard-{shard:05}.result");
    assert!(names().contains(&name(3)), "{:?}", names());
    let merged = sharded.merge();
    assert_eq!(merged.status.code(), Some(3), "{}", said(&merged));
    assert!(
        said(&merged).contains("shard 2 of 4: there is no result"),
        "{}",
        said(&merged)
    );
    // As the command that is told reads it: with the plan that lies beside the results.
    let plan = names()
        .into_iter()
        .find(|name| name.contains("/plan-"))
        .expect("the plan");
    let mut command = served.program();
    command.args([
        "logs",
        "--plan",
        &format!("s3://results/{plan}"),
        "--shard",
        "2",
    ]);
    let output = ran(command.args(["--result", "s3://results/run 1/"]));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let whole = single(&served, SOURCE);
    assert_eq!(without_source(sharded.merged()), whole);
    let again = sharded.read(1);
    assert!(String::from_utf8_lossy(&again.stdout).contains("has a result already"));
    // One that was cut short is no result.
    {
        let mut store = served.server.store();
        let bucket = store.bucket("results");
        let mut object = bucket.get(&name(0)).cloned().expect("a result");
        object.body = object.body.slice(..object.body.len() - 9);
        bucket.put(&name(0), object);
    }
    let merged = sharded.merge();
    assert_eq!(merged.status.code(), Some(3), "{}", said(&merged));
    sharded.read(0);
    assert_eq!(without_source(sharded.merged()), whole);
}

/// Where nothing at all can be read there is no result, and the engine may try again.
#[test]
fn a_shard_that_could_read_nothing() {
    let served = served(&audit()).env("AWS_MAX_ATTEMPTS", "1");
    let place = Place::new();
    let ready = || served.program();
    let sharded = Sharded::plan(&ready, place.path(), SOURCE.as_ref(), served.arguments(), 2);
    let rule = Rule::new(Fault::InternalError).on(&[Operation::ListObjectsV2]);
    served
        .server
        .faults()
        .add(rule.key("AWSLogs/111122223333/*"));
    let output = ran(&mut sharded.shard(1));
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("has no result"), "{}", said(&output));
    assert!(!sharded.result(1).exists());
}

#[test]
fn places_that_may_not_be_written_to() {
    let served = served(&audit());
    served.server.store().bucket("results");
    let rule = Rule::new(Fault::AccessDenied).on(&[Operation::PutObject]);
    served.server.faults().add(rule);
    let place = Place::new();
    let ready = || served.program();
    let mut sharded = Sharded::plan(&ready, place.path(), SOURCE.as_ref(), served.arguments(), 2);
    for (results, words) in [
        ("s3://results/x", "s3:PutObject"),
        ("s3://no-such-bucket", "bucket"),
    ] {
        sharded.results = results.into();
        let output = ran(&mut sharded.shard(1));
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(words), "{}", said(&output));
    }
}

/// What was refused need not be asked again; what failed may not fail the next time, and engines try again by that.
#[test]
fn faults_that_may_pass_end_a_shard_as_such() {
    let served = served(&audit()).env("AWS_MAX_ATTEMPTS", "1");
    served.server.store().bucket("results");
    let place = Place::new();
    let ready = || served.program();
    let mut sharded = Sharded::plan(&ready, place.path(), SOURCE.as_ref(), served.arguments(), 2);
    sharded.results = "s3://results/x".into();
    let ends = |sharded: &Sharded, operation: Operation, key: &str| {
        for (fault, status) in [(Fault::InternalError, 3), (Fault::AccessDenied, 2)] {
            served.server.faults().clear();
            let rule = Rule::new(fault).on(&[operation]).key(key);
            served.server.faults().add(rule);
            let output = ran(&mut sharded.shard(1));
            let why = format!("{operation:?} {key}: {}", said(&output));
            assert_eq!(output.status.code(), Some(status), "{why}");
        }
    };
    for (operation, key) in [
        // A result that is there already, the plan beside it, and a result.
        (Operation::GetObject, "x/*"),
        (Operation::ListObjectsV2, "x/*"),
        (Operation::PutObject, "x/*.json"),
        (Operation::PutObject, "x/*.result"),
    ] {
        ends(&sharded, operation, key);
    }
    let in_bucket = std::mem::replace(&mut sharded.results, place.path().join("results"));
    ends(&sharded, Operation::ListObjectsV2, "*");
    sharded.results = in_bucket;
    served.server.faults().clear();
    let output = ran(&mut sharded.shard(1));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

/// No more than a shard does a merge say of what failed that it was set up wrongly.
#[test]
fn faults_that_may_pass_end_a_merge_as_such() {
    let served = served(&audit()).env("AWS_MAX_ATTEMPTS", "1");
    served.server.store().bucket("results");
    let place = Place::new();
    let ready = || served.program();
    let mut sharded = Sharded::plan(&ready, place.path(), SOURCE.as_ref(), served.arguments(), 2);
    sharded.results = "s3://results/x".into();
    sharded.read_all();
    for (operation, key) in [
        // The plan beside results, its bytes, and a result's.
        (Operation::ListObjectsV2, "x/*"),
        (Operation::GetObject, "x/*.json"),
        (Operation::GetObject, "x/shard-00001*"),
    ] {
        for (fault, status) in [(Fault::InternalError, 3), (Fault::AccessDenied, 2)] {
            served.server.faults().clear();
            let rule = Rule::new(fault).on(&[operation]).key(key);
            served.server.faults().add(rule);
            let output = sharded.merge();
            let why = format!("{operation:?} {key}: {}", said(&output));
            assert_eq!(output.status.code(), Some(status), "{why}");
            assert!(output.stdout.is_empty(), "{why}");
        }
    }
    served.server.faults().clear();
    assert_eq!(sharded.merge().status.code(), Some(0));
}

/// The plan is there all the same, and whoever waits for it is told why it is not all.
#[test]
fn a_plan_that_is_not_all_says_so() {
    let served = served(&audit()).env("AWS_MAX_ATTEMPTS", "2");
    let rule = Rule::new(Fault::AccessDenied).on(&[Operation::ListObjectsV2]);
    let prefix = "AWSLogs/111122223333/CloudTrail/us-east-1/*";
    served.server.faults().add(rule.key(prefix));
    let place = Place::new();
    let plan = place.path().join("plan.json");
    let mut command = served.program();
    command.arg("plan").arg(SOURCE).args(served.arguments());
    command.args(["--shards", "2", "-q", "-o"]).arg(&plan);
    let output = ran(&mut command);
    let told = said(&output);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(
        plan.exists() && told.contains("the plan is written"),
        "{told}"
    );
    assert!(told.contains("AWSLogs/111122223333"), "{told}");
}
