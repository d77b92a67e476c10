//! Whatever a bucket told when the snapshot was taken, the snapshot tells again.

use std::fs;

use super::common::{
    BUCKET, DAY, Place, SOURCE, compared, offline, report, same_again, served, take,
};
use crate::forge::{Archive, Trail};
use crate::s3::served::Served;
use crate::scenarios::{common::audit, lifecycle::expired};
use crate::server::{Class, Fault, Operation, Rule};

fn two_regions() -> Archive {
    Trail::new("audit", "2024-03-10T00:00:00Z", 6)
        .regions(&["us-east-1", "eu-west-1"])
        .archive()
}

const DIGEST: &str = "*CloudTrail-Digest*T030000Z*";
const NEWEST: &str = "*CloudTrail-Digest*T060000Z*";
const LOG: &str = "*_CloudTrail_*T0220Z_*";

#[test]
fn objects_that_could_not_be_read() {
    for fault in [
        Fault::AccessDenied,
        Fault::Refused {
            status: 403,
            code: "InvalidObjectState".into(),
        },
        Fault::Refused {
            status: 400,
            code: "KMS.DisabledException".into(),
        },
        Fault::InternalError,
        Fault::ResetBody,
    ] {
        for key in [DIGEST, NEWEST, LOG] {
            let served = served(&audit()).env("AWS_MAX_ATTEMPTS", "2");
            let rule = Rule::new(fault.clone()).on(&[Operation::GetObject]);
            served.server.faults().add(rule.key(key));
            let (place, (exit, taken)) = same_again(&served);
            assert_eq!(exit, 3, "{fault:?} {key}: {taken:#}");
            let told = place.read("objects.jsonl");
            assert!(told.contains("{\"unread\":"), "{fault:?} {key}: {told}");
        }
    }
}

#[test]
fn what_a_lifecycle_rule_has_left() {
    for minutes in ["20", "52"] {
        let (_, (exit, taken)) = same_again(&served(&expired(minutes)));
        assert_eq!(
            (exit, &taken["findings"]),
            (0, &serde_json::json!([])),
            "{taken:#}"
        );
    }
}

/// One reading accuses nobody, and what it gave is not kept.
#[test]
fn what_changes_on_its_way_is_not_kept() {
    for (key, code) in [(LOG, "log-unreadable"), (DIGEST, "digest-unreadable")] {
        let served = served(&audit());
        let rule = Rule::new(Fault::Flip).on(&[Operation::GetObject]);
        served.server.faults().add(rule.key(key).attempts(0..1));
        let (place, (exit, taken)) = same_again(&served);
        assert_eq!(exit, 3, "{key}: {taken:#}");
        assert!(taken["findings"].to_string().contains(code), "{taken:#}");
        // It is whole once it is taken again.
        assert_eq!(take(&served, &place).0, 0, "{key}");
        assert_eq!(offline(&place).0, 0, "{key}");
    }
}

/// What a run found tampered with is evidence, whatever lies in its place afterwards.
#[test]
fn what_was_kept_of_a_tampered_object_stays() {
    let archive = audit();
    for (at, other) in [
        (archive.log(2, 0), archive.log(2, 1)),
        (archive.digest(3), archive.digest(2)),
    ] {
        let served = served(&archive);
        let objects = || {
            let mut store = served.server.store();
            let bucket = store.bucket(BUCKET);
            let get = |key: &str| bucket.get(key).cloned().expect("an object");
            (get(&at.1), get(&other.1))
        };
        let (own, other) = objects();
        served.server.store().put(BUCKET, &at.1, other);
        let place = Place::new();
        assert_eq!(take(&served, &place).0, 1, "{at:?}");
        served.server.store().put(BUCKET, &at.1, own);
        assert_eq!(take(&served, &place).0, 1, "{at:?}");
        assert_eq!(offline(&place).0, 1, "{at:?}");
    }
}

#[test]
fn objects_that_are_archived() {
    let archive = audit();
    for at in [archive.digest(3), archive.digest(6), archive.log(2, 0)] {
        let served = served(&archive);
        let class = Class::DeepArchive;
        let object = served.server.store().bucket(BUCKET).get(&at.1).cloned();
        let object = object.expect("an object").with_class(class);
        served.server.store().put(BUCKET, &at.1, object);
        let (_, (exit, taken)) = same_again(&served);
        assert_eq!(exit, 3, "{at:?}: {taken:#}");
        assert!(
            taken["findings"].to_string().contains("restored"),
            "{taken:#}"
        );
    }
}

#[test]
fn folders_that_could_not_be_listed() {
    let mut unverified = 0;
    for prefix in [
        "AWSLogs/",
        "AWSLogs/111122223333/",
        "AWSLogs/111122223333/CloudTrail-Digest/",
        "AWSLogs/111122223333/CloudTrail/",
        "AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/*",
        "AWSLogs/111122223333/CloudTrail/eu-west-1/*",
    ] {
        let served = served(&two_regions()).env("AWS_MAX_ATTEMPTS", "2");
        let rule = Rule::new(Fault::AccessDenied).on(&[Operation::ListObjectsV2]);
        served.server.faults().add(rule.key(prefix));
        let (_, (exit, taken)) = same_again(&served);
        assert_ne!(exit, 0, "{prefix}: {taken:#}");
        unverified += u32::from(exit == 3);
    }
    assert!(unverified > 3);
}

#[test]
fn a_bucket_that_may_not_be_listed() {
    let served = served(&audit());
    served.server.store().bucket(BUCKET).deny_list = true;
    let place = super::common::Place::new();
    let output = super::common::output(served.snapshot(SOURCE, &place.dir()));
    assert_ne!(output.status.code(), Some(0));
}

#[test]
fn keys_that_could_not_be_had_for_a_region() {
    let served = served(&two_regions());
    let rule = Rule::new(Fault::AccessDenied).on(&[Operation::ListPublicKeys]);
    served.server.faults().add(rule.region("eu-west-1"));
    let (place, (exit, taken)) = same_again(&served);
    assert_eq!(exit, 3, "{taken:#}");
    assert!(!place.file("public-keys/eu-west-1.json").exists());
    let head = place.head();
    let keys = head["keys"].as_array().expect("keys");
    assert!(keys.iter().any(|its| its["why"].is_string()), "{keys:#?}");
    assert!(
        keys.iter()
            .any(|its| its["calls"][0]["at"].is_string() && its["file"].is_string()),
        "{keys:#?}"
    );
    assert!(place.file("public-keys/us-east-1.json").exists());
}

/// The verdict on what is missing or modified names what versions are left, with and without them.
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
        let (_, (exit, _)) = same_again(&served);
        assert_eq!(exit, 1);
    }
}

#[test]
fn a_trail_that_moved_and_a_bucket_that_may_not_be_read() {
    for denied in [false, true] {
        let trail = Trail::new("audit", "2024-03-10T00:00:00Z", 6).moves(3, "new-logs", "moved");
        let served = Served::new(&trail.archive()).args(DAY);
        if denied {
            served
                .server
                .faults()
                .add(Rule::new(Fault::AccessDenied).bucket(BUCKET));
        }
        let place = super::common::Place::new();
        let taken = report(served.snapshot("s3://new-logs", &place.dir()));
        assert_eq!(taken.0, if denied { 3 } else { 0 }, "{:#}", taken.1);
        assert_eq!(compared(super::common::offline(&place)), compared(taken));
    }
}

/// Whether metadata files are there or not, what they hold is what the bucket told.
#[test]
fn metadata_is_what_head_object_tells() {
    let archive = audit();
    let (place, _) = same_again(&served(&archive));
    let (bucket, key) = archive.digest(3);
    let sidecar = place.read(&format!("objects/{bucket}/{key}.metadata.json"));
    let sidecar: serde_json::Value = serde_json::from_str(&sidecar).expect("JSON");
    let stored = archive.store.get(&(bucket.clone(), key.clone()));
    for (name, value) in &stored.metadata {
        assert_eq!(sidecar["Metadata"][name], value.as_str());
    }
    assert_eq!(sidecar["ContentLength"], stored.body.len());
    assert!(sidecar["ETag"].is_string() && sidecar["LastModified"].is_string());
    let kept = fs::read(place.file(&format!("objects/{bucket}/{key}"))).expect("a digest");
    assert_eq!(kept, stored.body);
}
