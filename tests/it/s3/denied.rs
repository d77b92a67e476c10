//! What may not be read, and what would have to be restored first: neither is missing, and neither is modified.

use std::time::{Duration, SystemTime};

use super::served::{DAY, Served, codes, expect, messages};
use crate::forge::{Archive, Trail};
use crate::scenarios::common::audit;
use crate::server::{Class, Fault, Operation, Restore, Rule};

const BUCKET: &str = "audit-logs";

fn served(archive: &Archive) -> Served {
    Served::new(archive).args(DAY)
}

#[test]
fn a_listed_log_that_may_not_be_read_is_unreadable() {
    let served = served(&audit());
    let rule = Rule::new(Fault::AccessDenied).on(&[Operation::GetObject]);
    served
        .server
        .faults()
        .add(rule.key("*_CloudTrail_*T0220Z_*"));
    let report = served.run("s3://audit-logs");
    expect(&report, "unverified", &[("log-unreadable", 1)]);
    assert_eq!(report["totals"]["logs"]["valid"], 11);
    let told = messages(&report);
    assert!(told.contains("access was denied"), "{told}");
    assert!(
        told.contains("s3:GetObject") && told.contains("kms:Decrypt"),
        "{told}"
    );
    assert!(told.contains("(request 0"), "no request id: {told}");
}

#[test]
fn a_digest_that_may_not_be_read_is_unreadable() {
    let served = served(&audit());
    let rule = Rule::new(Fault::AccessDenied).on(&[Operation::GetObject]);
    served
        .server
        .faults()
        .add(rule.key("*CloudTrail-Digest*T030000Z*"));
    let report = served.run("s3://audit-logs");
    expect(
        &report,
        "unverified",
        &[("digest-unreadable", 1), ("log-uncovered", 2)],
    );
}

#[test]
fn a_key_that_may_not_be_used_is_a_denial() {
    let served = served(&audit());
    let refused = Fault::Refused {
        status: 400,
        code: "KMS.DisabledException".into(),
    };
    let rule = Rule::new(refused).on(&[Operation::GetObject]);
    served
        .server
        .faults()
        .add(rule.key("*_CloudTrail_*T0220Z_*"));
    expect(
        &served.run("s3://audit-logs"),
        "unverified",
        &[("log-unreadable", 1)],
    );
}

#[test]
fn a_bucket_that_may_not_be_listed_is_told() {
    let served = served(&audit());
    served.server.store().bucket(BUCKET).deny_list = true;
    let report = served.run("s3://audit-logs");
    assert_eq!(report["verdict"], "unverified", "{report:#}");
    let told = messages(&report);
    assert!(told.contains("s3:ListBucket"), "{told}");
    assert!(
        told.contains("cannot be told from one that is denied"),
        "{told}"
    );
}

#[test]
fn logs_that_may_not_be_listed_are_read_by_name() {
    let served = served(&audit());
    let rule = Rule::new(Fault::AccessDenied).on(&[Operation::ListObjectsV2]);
    let folder = "AWSLogs/111122223333/CloudTrail/us-east-1/*";
    served.server.faults().add(rule.key(folder));
    let report = served.run("s3://audit-logs");
    assert_eq!(report["verdict"], "unverified", "{report:#}");
    assert_eq!(report["totals"]["logs"]["valid"], 12);
    assert!(
        codes(&report).keys().all(|code| code == "log-unreadable"),
        "{report:#}"
    );
}

/// The class and the restore of the log of 02:20.
fn with_class(class: Class, restore: Restore) -> Served {
    let archive = audit();
    let served = served(&archive);
    let (_, key) = &archive.first().digests[3].logs[1];
    {
        let mut store = served.server.store();
        let object = store.bucket(BUCKET).get_mut(key).expect("the log");
        object.class = class;
        object.restore = restore;
    }
    served
}

#[test]
fn archived_logs_are_told_without_being_asked_for() {
    for class in [Class::Glacier, Class::DeepArchive] {
        for restore in [Restore::Never, Restore::InProgress] {
            let served = with_class(class, restore);
            let report = served.run("s3://audit-logs");
            expect(&report, "unverified", &[("log-unreadable", 1)]);
            let told = messages(&report);
            assert!(told.contains("archived"), "{told}");
            assert!(told.contains("restore-object"), "{told}");
            assert_eq!(served.server.log().count(Operation::GetObject), 7 + 11);
        }
    }
}

#[test]
fn what_can_be_read_at_once_is_read() {
    let restored = Restore::Until(SystemTime::now() + Duration::from_hours(24));
    for (class, restore) in [
        (Class::Glacier, restored),
        (Class::DeepArchive, restored),
        (Class::StandardIa, Restore::Never),
        (Class::IntelligentTiering, Restore::Never),
        (Class::GlacierInstant, Restore::Never),
    ] {
        let report = with_class(class, restore).run("s3://audit-logs");
        expect(&report, "valid", &[]);
    }
}

#[test]
fn the_archive_tiers_of_intelligent_tiering_show_when_read() {
    let served = with_class(Class::IntelligentTiering, Restore::Never);
    let archived = Fault::Refused {
        status: 403,
        code: "InvalidObjectState".into(),
    };
    let rule = Rule::new(archived).key("*_CloudTrail_*T0220Z_*");
    served.server.faults().add(rule);
    let report = served.run("s3://audit-logs");
    expect(&report, "unverified", &[("log-unreadable", 1)]);
    assert!(messages(&report).contains("archived"), "{report:#}");
}

#[test]
fn an_archived_digest_is_unreadable() {
    let archive = audit();
    let served = served(&archive);
    let (_, key) = &archive.first().digests[3].at;
    served
        .server
        .store()
        .bucket(BUCKET)
        .get_mut(key)
        .expect("the digest")
        .class = Class::DeepArchive;
    let report = served.run("s3://audit-logs");
    expect(
        &report,
        "unverified",
        &[("digest-unreadable", 1), ("log-uncovered", 2)],
    );
    assert!(messages(&report).contains("archived"), "{report:#}");
}

/// Requests cost money: what could not be proven anyway is not asked for.
#[test]
fn digests_are_not_read_where_their_keys_could_not_be_had() {
    let archive = Trail::new("audit", "2024-03-10T00:00:00Z", 6)
        .regions(&["eu-west-1", "us-east-1"])
        .archive();
    let served = Served::new(&archive).args(DAY);
    let denied = Rule::new(Fault::AccessDenied).on(&[Operation::ListPublicKeys]);
    served.server.faults().add(denied.region("eu-west-1"));
    let report = served.run("s3://audit-logs");
    assert_eq!(report["verdict"], "unverified", "{report:#}");
    let read = |region: &str| {
        let entries = served.server.log().entries().into_iter();
        let digests = entries.filter(|entry| {
            entry.call.operation == Operation::GetObject
                && entry
                    .call
                    .key
                    .contains(&format!("_CloudTrail-Digest_{region}_"))
        });
        digests.count()
    };
    assert_eq!(read("eu-west-1"), 0);
    assert_eq!(read("us-east-1"), 7);
}
