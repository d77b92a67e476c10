//! Gaps and losses that verified events explain, and those that none does.

use serde_json::{Value, json};

use super::common::{CHAIN, trail};
use crate::{
    forge::{Act, Archive, At, Sign, TestKey, Trail},
    harness::{Case, Expect, Outcome, code},
};

const EVE: &str = "arn:aws:iam::111122223333:user/eve";
const ARN: &str = r#"{"name":"arn:aws:cloudtrail:us-east-1:111122223333:trail/audit"}"#;
const NAME: &str = r#"{"name":"audit"}"#;

fn stop(parameters: &str) -> Act {
    Act::new(
        "cloudtrail",
        "StopLogging",
        "2024-03-10T02:55:00Z",
        parameters,
    )
}

fn start() -> Act {
    Act::new("cloudtrail", "StartLogging", "2024-03-10T06:59:30Z", NAME)
}

/// Three hours, four hours without, three hours more; the first log of the third hour records `acts`.
fn with_gap(acts: &[Act]) -> Trail {
    let start = trail(3).restart(240, 3);
    acts.iter().fold(start, |trail, act| trail.act(2, act))
}

/// The first log of an hour of the first chain. Digests name logs backwards.
fn first_log(archive: &Archive, digest: usize) -> At {
    archive.first().digests[digest].logs.last().unwrap().clone()
}

fn events(outcome: &Outcome, chain: usize) -> Vec<Value> {
    let report = outcome.report();
    let gaps = report["chains"][chain]["gaps"].as_array().unwrap().clone();
    gaps.iter()
        .flat_map(|gap| gap["events"].as_array().unwrap().clone())
        .collect()
}

fn message(outcome: &Outcome, name: &str) -> String {
    let report = outcome.report();
    let findings = report["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["code"] == name);
    found.unwrap_or_else(|| panic!("{report:#}"))["message"]
        .as_str()
        .unwrap()
        .into()
}

#[test]
fn a_gap_is_explained_by_who_stopped_and_who_started() {
    for parameters in [ARN, NAME] {
        let archive = with_gap(&[stop(parameters)]).act(3, &start()).archive();
        let (stopped, started) = (first_log(&archive, 3), first_log(&archive, 5));
        let finding = code("coverage-gap")
            .chain(CHAIN)
            .says("StopLogging by arn:aws:iam::111122223333:user/eve from 203.0.113.66 at 2024-03-10T02:55:00Z explains it")
            .says(&stopped.1)
            .says("StartLogging by");
        let expect = Expect::clean(&archive).finding(finding);
        let outcome = Case::new(archive).run();
        outcome.is(&expect);
        let event = |name: &str, time: &str, log: &At| {
            json!({"name": name, "time": time, "by": EVE, "address": "203.0.113.66",
                   "bucket": log.0, "key": log.1})
        };
        assert_eq!(
            events(&outcome, 0),
            [
                event("StopLogging", "2024-03-10T02:55:00Z", &stopped),
                event("StartLogging", "2024-03-10T06:59:30Z", &started),
            ]
        );
    }
}

#[test]
fn a_gap_that_nothing_explains_says_so() {
    let other_trail = stop(r#"{"name":"another"}"#);
    let other_region = stop(r#"{"name":"arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit"}"#);
    let other_account = stop(r#"{"name":"arn:aws:cloudtrail:us-east-1:444455556666:trail/audit"}"#);
    let mut elsewhere = stop(NAME);
    elsewhere.region = "eu-west-1".into();
    let mut failed = stop(NAME);
    failed.more = "\"errorCode\":\"AccessDenied\",".into();
    let mut long_before = stop(NAME);
    long_before.at = long_before.at - 3600;
    let of_another_service = Act {
        service: "evil".into(),
        ..stop(NAME)
    };
    // What stands in the parameters of another event, or in its text, was not done.
    let quoted = stop(NAME).record().replace('"', "\\\"");
    let mut talks = Act::new(
        "ssm",
        "SendCommand",
        "2024-03-10T02:55:00Z",
        &format!("{{\"text\":\"{quoted}\"}}"),
    );
    talks.more = format!("\"additionalEventData\":{},", stop(NAME).record());
    let nested = Act::new(
        "ssm",
        "PutItem",
        "2024-03-10T02:55:00Z",
        &stop(NAME).record(),
    );
    for act in [
        other_trail,
        other_region,
        other_account,
        elsewhere,
        failed,
        long_before,
        of_another_service,
        talks,
        nested,
    ] {
        let archive = with_gap(std::slice::from_ref(&act)).archive();
        let finding = code("coverage-gap")
            .chain(CHAIN)
            .says("no digest covers the time from")
            .says("; no verified event explains it");
        let expect = Expect::clean(&archive).finding(finding);
        let outcome = Case::new(archive).run();
        outcome.is(&expect);
        assert_eq!(events(&outcome, 0), Vec::<Value>::new(), "{}", act.record());
    }
}

#[test]
fn an_event_in_a_log_that_is_not_intact_is_no_evidence() {
    // The log held something else, and somebody wrote the excuse into it.
    let before = Act::new("cloudtrail", "StopLoggins", "2024-03-10T02:55:00Z", NAME);
    let mut archive = with_gap(&[before]).archive();
    let log = first_log(&archive, 3);
    archive.store.edit_text(&log, "StopLoggins", "StopLogging");
    let outcome = Case::new(archive).run();
    let told = message(&outcome, "coverage-gap");
    assert!(told.ends_with("no verified event explains it"), "{told}");
    message(&outcome, "log-modified");

    // A log that no digest names holds it.
    let mut archive = with_gap(&[stop(NAME)]).archive();
    let digest = archive.digest(3);
    archive.edit_digest(&digest, Sign::With(TestKey::a()), |doc| {
        // Digests name logs backwards: this is the first one.
        doc.logs().pop();
    });
    let outcome = Case::new(archive).run();
    let told = message(&outcome, "coverage-gap");
    assert!(told.ends_with("no verified event explains it"), "{told}");
}

#[test]
fn every_region_of_a_trail_has_the_same_explanation() {
    let archive = with_gap(&[stop(ARN)])
        .regions(&["us-east-1", "eu-west-1"])
        .archive();
    let outcome = Case::new(archive).run();
    let (one, other) = (events(&outcome, 0), events(&outcome, 1));
    assert_eq!(one.len(), 1);
    assert_eq!(one, other);
}

#[test]
fn updates_count_where_they_change_what_is_delivered() {
    let update = |parameters: &str| Act {
        name: "UpdateTrail".into(),
        ..stop(&format!(r#"{{"name":"audit"{parameters}}}"#))
    };
    for (parameters, counts) in [
        (r#","enableLogFileValidation":false"#, true),
        (r#","s3BucketName":"other""#, true),
        (r#","enableLogFileValidation":true"#, false),
        (r#","includeGlobalServiceEvents":true"#, false),
        ("", false),
    ] {
        let outcome = Case::new(with_gap(&[update(parameters)]).archive()).run();
        let count = usize::from(counts);
        assert_eq!(events(&outcome, 0).len(), count, "{parameters}");
    }
}

#[test]
fn late_starts_and_early_ends() {
    let create = Act::new("cloudtrail", "CreateTrail", "2024-03-09T23:58:00Z", NAME);
    let delete = Act::new("cloudtrail", "DeleteTrail", "2024-03-10T05:40:00Z", NAME);
    let archive = trail(6).act(0, &create).act(5, &delete).archive();
    let outcome = Case::new(archive).range("2024-03-09", "2024-03-11").run();
    let told = message(&outcome, "coverage-starts-late");
    assert!(told.contains("CreateTrail by arn:"), "{told}");
    let told = message(&outcome, "coverage-ends-early");
    assert!(told.contains("DeleteTrail by arn:"), "{told}");
    let outcome = Case::new(trail(6).archive())
        .range("2024-03-09", "2024-03-11")
        .run();
    let told = message(&outcome, "coverage-starts-late");
    assert!(told.ends_with("; no verified event explains it"), "{told}");
}

#[test]
fn a_log_that_was_deleted_names_who_did_it() {
    let clean = trail(6).archive();
    let gone = clean.log(2, 0);
    let key = |key: &str| format!(r#"{{"bucketName":"audit-logs","key":"{key}"}}"#);
    let act =
        |name: &str, parameters: &str| Act::new("s3", name, "2024-03-10T04:10:00Z", parameters);
    let bucket = r#"{"bucketName":"audit-logs"}"#;
    for (act, says) in [
        (
            act("DeleteObject", &key(&gone.1)),
            "DeleteObject by arn:aws:iam::111122223333:user/eve from 203.0.113.66 at 2024-03-10T04:10:00Z explains it",
        ),
        (
            act("DeleteObjects", bucket),
            "DeleteObjects by arn:aws:iam::111122223333:user/eve from 203.0.113.66 at 2024-03-10T04:10:00Z may explain it",
        ),
        (act("PutBucketLifecycle", bucket), "PutBucketLifecycle by"),
        (
            act("PutBucketLifecycleConfiguration", bucket),
            "PutBucketLifecycle by",
        ),
    ] {
        let mut archive = trail(6).act(4, &act).archive();
        assert_eq!(archive.log(2, 0), gone);
        archive.store.delete(&gone);
        let outcome = Case::new(archive).run();
        let told = message(&outcome, "log-missing");
        assert!(told.contains(says), "{told}");
    }
    for act in [
        act("DeleteObject", &key(&clean.log(2, 1).1)),
        act("DeleteObjects", r#"{"bucketName":"pictures"}"#),
    ] {
        let mut archive = trail(6).act(4, &act).archive();
        archive.store.delete(&gone);
        let told = message(&Case::new(archive).run(), "log-missing");
        assert!(!told.contains("explain"), "{told}");
    }
}

#[test]
fn a_digest_that_was_deleted_and_a_log_that_was_written() {
    let clean = trail(6).archive();
    let (digest, log) = (clean.digest(2), clean.log(4, 0));
    let key = |at: &At| format!(r#"{{"bucketName":"{}","key":"{}"}}"#, at.0, at.1);
    let deleted = Act::new("s3", "DeleteObject", "2024-03-10T05:10:00Z", &key(&digest));
    let written = Act::new("s3", "PutObject", "2024-03-10T05:11:00Z", &key(&log));
    let mut archive = trail(6).act(5, &deleted).act(5, &written).archive();
    archive.store.delete(&digest);
    archive
        .store
        .edit_text(&log, "eventVersion", "eventversion");
    let outcome = Case::new(archive).run();
    for (name, act) in [
        ("digest-missing", "DeleteObject by"),
        ("log-modified", "PutObject by"),
    ] {
        let told = message(&outcome, name);
        assert!(told.contains(act) && told.contains("explains it"), "{told}");
    }
}

#[test]
fn evidence_is_the_same_whatever_the_concurrency() {
    let mut made = trail(6).restart(600, 6).restart(600, 6);
    for hour in [0, 3, 5, 6, 11, 12, 17] {
        for minute in 0..9 {
            let time = format!("2024-03-10T05:{minute}5:00Z");
            let mut act = Act::new("cloudtrail", "StopLogging", &time, NAME);
            act.who = format!("arn:aws:iam::111122223333:user/u{hour}-{minute}");
            made = made.act(hour, &act);
        }
    }
    let archive = made.archive();
    let reports: Vec<_> = ["1", "3", "32"]
        .iter()
        .map(|number| {
            let case = Case::new(archive.clone()).args(["--concurrency", number]);
            let mut report = case.run().report();
            report["run"] = Value::Null;
            report["source"] = Value::Null;
            format!("{report:#}")
        })
        .collect();
    assert!(reports[0].contains("explains it"), "{}", reports[0]);
    assert_eq!(reports[0], reports[1]);
    assert_eq!(reports[0], reports[2]);
}

#[test]
fn without_logs_nothing_is_said_of_events() {
    let archive = with_gap(&[stop(NAME)]).archive();
    let outcome = Case::new(archive).args(["--digests-only"]).run();
    let told = message(&outcome, "coverage-gap");
    assert!(!told.contains("event"), "{told}");
}

#[test]
fn a_hostile_name_is_shown_as_it_is() {
    let mut act = stop(NAME);
    act.who = "arn:\\u001b[2J\\u202e".into();
    let (exit, stdout, _) = Case::new(with_gap(&[act]).archive()).run_text();
    assert_eq!(exit, 0);
    crate::harness::check_bytes(stdout.as_bytes());
    assert!(stdout.contains("StopLogging by"), "{stdout}");
}
