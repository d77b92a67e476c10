//! Logs in a further folder between that of their kind and the region's.

use std::collections::BTreeMap;

use super::common::{CHAIN, at, in_chain, in_region, trail};
use crate::{
    forge::{Archive, At, Further, Kind, Place, StoredObject, plant::PlantedLog},
    harness::{Case, Expect, code, program},
    s3::served::{DAY, Served, expect},
};

const FURTHER: Further<'static> = Further::Before("ApiCallRateInsight");
/// Two of these are what log kinds are called, and what digests are; one is a number like an account's.
const FOLDERS: [&str; 5] = [
    "x",
    "CloudTrail",
    "CloudTrail-Digest",
    "111122223333",
    "2024",
];

/// Three hours, with a log of another kind each half hour in the further folder.
fn archive(kind: Kind, named: bool) -> Archive {
    let mut trail = trail(3).other(kind, named);
    trail.others[0].further = Some(FURTHER);
    trail.archive()
}

fn planted(archive: &Archive, kind: Kind, further: Further<'static>, time: &str) -> PlantedLog {
    let place = Place::new("audit-logs", "");
    let mut log = PlantedLog::of(&archive.first().id, &place, at(time));
    log.kind = kind;
    log.further = Some(further);
    log
}

/// What a digest of the archive names in the further folder.
fn named(archive: &Archive, digest: usize) -> At {
    let mut logs = archive.first().digests[digest].logs.iter();
    let log = logs.find(|at| at.1.contains("ApiCallRateInsight"));
    log.expect("a log").clone()
}

#[test]
fn what_digests_name_there_is_verified() {
    for kind in [Kind::Insight, Kind::CloudTrail] {
        let archive = archive(kind, true);
        let expect = Expect::clean(&archive);
        Case::new(archive).run().is(&expect);
    }
}

#[test]
fn what_was_done_to_it_is_told() {
    let mut changed = archive(Kind::Insight, true);
    let (missing, modified) = (named(&changed, 1), named(&changed, 2));
    let outcome = {
        changed.store.delete(&missing);
        changed
            .store
            .edit_content(&modified, |it| it.extend_from_slice(b" "));
        Case::new(changed).run()
    };
    assert_eq!(outcome.codes(), ["log-missing", "log-modified"]);
    let mut gone = archive(Kind::Insight, true);
    let expect = Expect::clean(&gone)
        .finding(in_chain("log-missing", &missing).digest(&gone.digest(1)))
        .chain(CHAIN, |chain| chain.logs = [8, 0, 1, 0]);
    gone.store.delete(&missing);
    Case::new(gone).run().is(&expect);
}

/// Whatever the folder is called, and whether digests name logs in it or not.
#[test]
fn a_log_planted_there_is_out_of_chain() {
    let plain = trail(3).archive();
    for further in FOLDERS {
        let mut archive = plain.clone();
        let log = planted(
            &archive,
            Kind::CloudTrail,
            Further::Before(further),
            "10T01:40:00",
        );
        let log = log.put(&mut archive.store);
        let expect = Expect::clean(&archive).finding(in_region("log-unreferenced", &log));
        Case::new(archive).run().is(&expect);
    }
    for kind in [Kind::Insight, Kind::CloudTrail] {
        let mut archive = archive(kind, true);
        let log = planted(&archive, kind, FURTHER, "10T01:40:00").put(&mut archive.store);
        let expect = Expect::clean(&archive).finding(in_region("log-unreferenced", &log));
        Case::new(archive).run().is(&expect);
    }
}

/// It is none of the log that has its name where CloudTrail delivers to.
#[test]
fn a_copy_of_a_true_log_is_out_of_chain_there() {
    let mut archive = trail(3).archive();
    let log = archive.log(2, 0);
    let copy = log.1.replacen("/us-east-1/", "/x/us-east-1/", 1);
    let copy = (log.0.clone(), copy);
    archive.store.copy(&log, &copy, true);
    let expect = Expect::clean(&archive).finding(in_region("log-unreferenced", &copy));
    Case::new(archive).run().is(&expect);
}

/// As everywhere, what its name says of its time counts.
#[test]
fn a_planted_log_is_weighed_by_its_time_there() {
    let (start, end) = ("2024-03-10T01:00:00Z", "2024-03-10T03:00:00Z");
    for (time, told) in [
        ("10T00:40:00", None),
        ("10T01:40:00", Some("log-unreferenced")),
        ("10T03:10:00", None),
        ("09T12:00:00", None),
    ] {
        let mut archive = archive(Kind::Insight, true);
        let log = planted(&archive, Kind::Insight, FURTHER, time).put(&mut archive.store);
        let outcome = Case::new(archive).range(start, end).run();
        let told: Vec<_> = told.into_iter().map(str::to_owned).collect();
        assert_eq!(outcome.codes(), told, "{log:?} {:#}", outcome.report());
    }
}

#[test]
fn a_kind_that_no_digest_names_is_told_there() {
    let archive = archive(Kind::Insight, false);
    let told = code("kind-undigested").says("CloudTrail-Insight").says("3");
    let expect = Expect::clean(&archive).finding(told);
    Case::new(archive).run().is(&expect);
}

/// Of digests, nothing is known to have such a level.
#[test]
fn digests_have_no_further_folder() {
    let mut archive = trail(3).archive();
    let digest = archive.digest(2);
    let copy = digest.1.replacen("/us-east-1/", "/x/us-east-1/", 1);
    archive.store.copy(&digest, &(digest.0.clone(), copy), true);
    let expect = Expect::clean(&archive);
    Case::new(archive).run().is(&expect);
}

#[test]
fn of_too_many_made_up_folders_the_rest_is_told() {
    let put = |archive: &mut Archive, number: usize| {
        let key = format!("AWSLogs/111122223333/CloudTrail/x{number:03}/notes.txt");
        let nothing = StoredObject {
            body: vec![],
            metadata: BTreeMap::new(),
        };
        let at = ("audit-logs".to_owned(), key);
        archive.store.objects.insert(at, nothing);
    };
    let mut archive = trail(3).archive();
    (0..100).for_each(|number| put(&mut archive, number));
    let expect = Expect::clean(&archive);
    Case::new(archive.clone()).run().is(&expect);
    put(&mut archive, 100);
    let log = planted(
        &archive,
        Kind::CloudTrail,
        Further::Before("x099"),
        "10T01:40:00",
    );
    let log = log.put(&mut archive.store);
    let told = code("log-unreadable").says("CloudTrail/x100").says("100");
    let expect = Expect::clean(&archive)
        .finding(told)
        .finding(in_region("log-unreferenced", &log));
    Case::new(archive).run().is(&expect);
}

/// Where only some regions are asked for, the others are not looked at there either.
#[test]
fn of_other_regions_nothing_is_told() {
    let mut archive = trail(3).archive();
    let mut log = planted(&archive, Kind::CloudTrail, FURTHER, "10T01:40:00");
    log.region = "eu-west-1".into();
    log.put(&mut archive.store);
    let asked = Case::new(archive).args(["--region", "us-east-1"]);
    let outcome = asked.run();
    assert_eq!(outcome.codes(), [""; 0], "{:#}", outcome.report());
}

/// In a bucket a folder may have no name at all.
#[test]
fn a_log_planted_in_a_folder_without_a_name_is_out_of_chain() {
    let mut archive = trail(6).archive();
    let log = planted(
        &archive,
        Kind::CloudTrail,
        Further::Before(""),
        "10T01:40:00",
    );
    let log = log.put(&mut archive.store);
    assert!(log.1.contains("/CloudTrail//us-east-1/"), "{}", log.1);
    let served = Served::new(&archive).args(DAY);
    let told = [("log-unreferenced", 1)];
    expect(&served.run("s3://audit-logs"), "invalid", &told);
    let dir = tempfile::tempdir().expect("a temporary folder");
    let dir = dir.path().join("evidence");
    let taken = served.snapshot("s3://audit-logs", &dir).output();
    assert_eq!(taken.expect("it runs").status.code(), Some(1));
    let mut offline = program();
    let replayed = offline.arg("logs").arg(&dir).args(["--format", "json"]);
    let replayed = replayed.output().expect("it runs");
    let replayed = serde_json::from_slice(&replayed.stdout).expect("a report");
    expect(&replayed, "invalid", &told);
}

/// A chain that leads to another bucket is followed there, and so are its logs.
#[test]
fn what_was_planted_in_a_bucket_that_a_chain_leads_to_is_told() {
    let mut trail = trail(6).other(Kind::Insight, true).moves(3, "new-logs", "");
    trail.others[0].further = Some(FURTHER);
    let mut archive = trail.archive();
    let run = |archive: &Archive| Served::new(archive).args(DAY).run("s3://new-logs");
    expect(&run(&archive), "valid", &[]);
    let log = planted(&archive, Kind::Insight, FURTHER, "10T01:40:00").put(&mut archive.store);
    assert_eq!(log.0, "audit-logs");
    expect(&run(&archive), "invalid", &[("log-unreferenced", 1)]);
}
