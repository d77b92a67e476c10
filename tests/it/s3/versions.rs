//! What a bucket's versions tell of what is missing or changed.

use std::fs;

use super::served::{DAY, Served, expect, messages};
use crate::forge::{Archive, At};
use crate::scenarios::common::audit;
use crate::server::{Fault, Object, Operation, Rule};

const BUCKET: &str = "audit-logs";

/// A bucket that keeps versions, and one of its logs.
fn versioned(archive: &Archive) -> (Served, At) {
    let served = Served::new(archive).args(DAY);
    {
        let mut store = served.server.store();
        let bucket = store.bucket(BUCKET);
        bucket.versioned = true;
        // What was put before versions were kept has none of its own: put it anew.
        let keys: Vec<String> = bucket.keys.keys().cloned().collect();
        for key in keys {
            let object = bucket.get(&key).expect("an object").clone();
            bucket.erase(&key);
            bucket.put(&key, object);
        }
    }
    (served, archive.first().digests[3].logs[0].clone())
}

#[test]
fn a_log_under_a_delete_marker_can_be_brought_back() {
    let archive = audit();
    let (served, (_, key)) = versioned(&archive);
    let id = {
        let mut store = served.server.store();
        let bucket = store.bucket(BUCKET);
        bucket.delete(&key);
        bucket.latest(&key).expect("a marker").name()
    };
    let report = served.run("s3://audit-logs");
    expect(&report, "invalid", &[("log-missing", 1)]);
    let told = messages(&report);
    assert!(told.contains("hidden by a delete marker at 20"), "{told}");
    let command =
        format!("aws s3api delete-object --bucket audit-logs --key {key} --version-id {id}");
    assert!(told.contains(&command), "{told}");
    // Whether the bucket has it is not to be asked again.
    let text = served.command("s3://audit-logs").output().expect("a run");
    let text = String::from_utf8_lossy(&text.stdout);
    assert!(text.contains("Next: Note who deleted or hid it"), "{text}");
    // Taking the marker away is what the command does.
    {
        let mut store = served.server.store();
        let versions = store.bucket(BUCKET).keys.get_mut(&key).expect("versions");
        versions.retain(|version| version.name() != id);
    }
    expect(&served.run("s3://audit-logs"), "valid", &[]);
}

/// With another server, AWS would be asked for an object that it does not have, or has too.
#[test]
fn the_command_reaches_what_the_run_reached() {
    let archive = audit();
    let (served, (_, key)) = versioned(&archive);
    let id = {
        let mut store = served.server.store();
        let bucket = store.bucket(BUCKET);
        bucket.delete(&key);
        bucket.latest(&key).expect("a marker").name()
    };
    let config = tempfile::NamedTempFile::new().expect("a file");
    fs::write(config.path(), "[profile audit]\n").expect("a config");
    let served = served.env("AWS_CONFIG_FILE", config.path().to_str().expect("text"));
    let url = served.server.url();
    let served = served.args(["--endpoint-url", &url, "--profile", "audit"]);
    let served = served.args(["--request-payer", "requester"]);
    let told = messages(&served.run("s3://audit-logs"));
    let options = format!("--endpoint-url {url} --profile audit --request-payer requester");
    let command = format!("--key {key} --version-id {id} {options}");
    assert!(told.contains(&command), "{told}");
}

#[test]
fn an_overwritten_log_can_be_brought_back() {
    let archive = audit();
    let (served, (_, key)) = versioned(&archive);
    let intact = {
        let mut store = served.server.store();
        let bucket = store.bucket(BUCKET);
        let intact = bucket.latest(&key).expect("the log").name();
        bucket.put(&key, Object::new(&b"{}"[..]));
        intact
    };
    let report = served.run("s3://audit-logs");
    expect(&report, "invalid", &[("log-modified", 1)]);
    let told = messages(&report);
    assert!(
        told.contains(&format!("{intact}, overwritten at 20")),
        "{told}"
    );
    assert!(told.contains(&format!("?versionId={intact}")), "{told}");
}

#[test]
fn a_digest_under_a_delete_marker_is_known_by_its_own_signature() {
    let archive = audit();
    let (served, _) = versioned(&archive);
    let (_, newest) = archive.first().digests[3].at.clone();
    served.server.store().bucket(BUCKET).delete(&newest);
    let report = served.run("s3://audit-logs");
    let told = messages(&report);
    assert!(
        told.contains("an intact version of it is still there"),
        "{told}"
    );
}

#[test]
fn what_is_gone_for_good_is_told() {
    let archive = audit();
    let (served, (_, key)) = versioned(&archive);
    served.server.store().bucket(BUCKET).erase(&key);
    let report = served.run("s3://audit-logs");
    expect(&report, "invalid", &[("log-missing", 1)]);
    assert!(
        messages(&report).contains("gone from this bucket"),
        "{report:#}"
    );
}

/// Nothing of it is lost.
#[test]
fn a_digest_that_its_successor_proves_is_not_called_gone() {
    let mut archive = audit();
    let digest = archive.first().digests[3].at.clone();
    archive
        .store
        .set_metadata(&digest, "signature", &"0".repeat(512));
    let (served, _) = versioned(&archive);
    let report = served.run("s3://audit-logs");
    expect(&report, "invalid", &[("digest-modified", 1)]);
    let told = messages(&report);
    assert!(told.contains("proven by the next digest"), "{told}");
    assert!(!told.contains("gone from this bucket"), "{told}");
}

#[test]
fn an_older_version_that_was_planted_too_is_not_called_intact() {
    let archive = audit();
    let (served, (_, key)) = versioned(&archive);
    {
        let mut store = served.server.store();
        let bucket = store.bucket(BUCKET);
        bucket.erase(&key);
        bucket.put(&key, Object::new(&b"{}"[..]));
        bucket.put(&key, Object::new(&b"[]"[..]));
    }
    let report = served.run("s3://audit-logs");
    expect(&report, "invalid", &[("log-modified", 1)]);
    assert!(
        messages(&report).contains("gone from this bucket"),
        "{report:#}"
    );
}

#[test]
fn where_versions_may_not_be_listed_nothing_is_claimed() {
    let archive = audit();
    let (served, (_, key)) = versioned(&archive);
    served.server.store().bucket(BUCKET).delete(&key);
    let rule = Rule::new(Fault::AccessDenied).on(&[Operation::ListObjectVersions]);
    served.server.faults().add(rule);
    let report = served.run("s3://audit-logs");
    expect(&report, "invalid", &[("log-missing", 1)]);
    let told = messages(&report);
    assert!(told.contains("is not known"), "{told}");
    assert!(told.contains("s3:ListBucketVersions"), "{told}");
    assert!(told.contains("it is not there; whether"), "{told}");
    assert!(!told.contains("for good"), "{told}");
}

#[test]
fn an_older_version_that_cannot_be_read_is_not_called_gone() {
    let archive = audit();
    let (served, (_, key)) = versioned(&archive);
    served.server.store().bucket(BUCKET).delete(&key);
    // The first request tells that it is deleted; the older version is cut off on its way, again and again.
    let rule = Rule::new(Fault::CutBody).on(&[Operation::GetObject]);
    served.server.faults().add(rule.key(&key).nth(1..u64::MAX));
    let served = served.env("AWS_MAX_ATTEMPTS", "2");
    let report = served.run("s3://audit-logs");
    let told = messages(&report);
    assert!(told.contains("could not be read"), "{told}");
    assert!(!told.contains("for good"), "{told}");
}

#[test]
fn a_server_that_knows_no_versions_is_asked_for_them_once() {
    let archive = audit();
    let (served, (_, key)) = versioned(&archive);
    served.server.store().bucket(BUCKET).delete(&key);
    let fault = Fault::Refused {
        status: 501,
        code: "NotImplemented".into(),
    };
    let rule = Rule::new(fault).on(&[Operation::ListObjectVersions]);
    served.server.faults().add(rule);
    let report = served.run("s3://audit-logs");
    expect(&report, "invalid", &[("log-missing", 1)]);
    assert!(messages(&report).contains("is not known"), "{report:#}");
    let asked = served.server.log().count(Operation::ListObjectVersions);
    assert_eq!(asked, 1);
}

#[test]
fn a_list_of_versions_that_breaks_off_tells_nothing() {
    let archive = audit();
    let (served, (_, key)) = versioned(&archive);
    served.server.store().bucket(BUCKET).delete(&key);
    let breaks = Rule::new(Fault::ShortBody).on(&[Operation::ListObjectVersions]);
    served.server.faults().add(breaks);
    let report = served.env("AWS_MAX_ATTEMPTS", "1").run("s3://audit-logs");
    expect(&report, "invalid", &[("log-missing", 1)]);
    let told = messages(&report);
    assert!(!told.contains("gone from this bucket"), "{told}");
    assert!(told.contains("is not known"), "{told}");
}
