//! The report of a merge is that of one run, byte for byte outside `run`: for archives of every kind, in folders and
//! in buckets. (Every scenario of a folder is compared so too, in `parity`.)

use std::process::{Command, Output};

use super::common::{Place, Sharded, ran, said, without_run};
use crate::forge::{Archive, Kind, TestKey, Trail};
use crate::harness::program;
use crate::s3::served::{MARCH, Served};

const START: &str = "2024-03-10T21:00:00Z";

/// Exit status and bytes.
#[track_caller]
fn told(output: &Output) -> (Option<i32>, String) {
    assert!(!output.stdout.is_empty(), "no report: {}", said(output));
    (output.status.code(), without_run(&output.stdout))
}

#[track_caller]
fn in_a_folder(archive: &Archive, exit: i32) {
    let place = Place::of(archive);
    let mut command = program();
    command.arg("logs").arg(place.source()).args(place.keys());
    let whole = told(&ran(command.args(["--format", "json"])));
    assert_eq!(whole.0, Some(exit), "{}", whole.1);
    let source = place.source();
    for shards in [3, 11] {
        let (path, keys) = (place.path(), place.keys());
        let sharded = Sharded::plan(&program, path, source.as_os_str(), &keys, shards);
        sharded.read_all();
        assert_eq!(told(&sharded.merge()), whole, "{shards} shards");
    }
}

/// The archive is in a bucket, and the results are in another.
#[track_caller]
fn in_a_bucket(archive: &Archive, source: &str, exit: i32) {
    let served = Served::new(archive).args(MARCH);
    let whole = told(&ran(served.command(source).args(["--format", "json"])));
    assert_eq!(whole.0, Some(exit), "{}", whole.1);
    served.server.store().bucket("results");
    let place = Place::new();
    let ready = || -> Command { served.program() };
    let arguments = served.arguments();
    let mut sharded = Sharded::plan(&ready, place.path(), source.as_ref(), arguments, 4);
    sharded.results = "s3://results".into();
    sharded.read_all();
    assert_eq!(told(&sharded.merge()), whole);
}

fn clean() -> Trail {
    Trail::new("audit", START, 7).regions(&["us-east-1", "eu-west-1"])
}

/// A log and a digest modified, others gone, one planted; and who did it.
fn tampered() -> Archive {
    let mut archive = clean().special(5, "DeleteTrail").archive();
    let (modified, planted) = (archive.log(1, 0), archive.log(2, 1));
    let (missing, digest) = (archive.log(4, 1), archive.digest(3));
    let at = planted.1.rfind('_').expect("a name") + 1;
    let mut key = planted.1.clone();
    key.replace_range(at..at + 16, "PlantedByForger0");
    archive
        .store
        .copy(&planted, &(planted.0.clone(), key), false);
    archive.store.get_mut(&modified).body = b"{\"Records\":[]}".to_vec();
    archive.store.objects.remove(&missing);
    archive.store.objects.remove(&digest);
    let digest = archive.chains[1].digests[5].at.clone();
    archive.store.get_mut(&digest).body[30] ^= 1;
    archive
}

fn organization() -> Archive {
    clean()
        .organization("o-abcdefghij")
        .accounts(&["111122223333", "444455556666", "777788889999"])
        .other(Kind::Insight, false)
        .archive()
}

fn backfill() -> Archive {
    let mut trail = clean().backfill(&[1, 2, 5]).rotate(4, TestKey::b());
    trail.backfills_linked = true;
    trail.archive()
}

/// A break that the archive's own events explain, and an hour without logs.
fn interrupted() -> Archive {
    let trail = clean().empty(&[3]).special(6, "StopLogging");
    trail.restart(150, 4).archive()
}

#[test]
fn a_clean_archive() {
    in_a_folder(&clean().archive(), 0);
    in_a_bucket(&clean().archive(), "s3://audit-logs", 3);
}

#[test]
fn an_archive_that_was_tampered_with() {
    in_a_folder(&tampered(), 1);
    in_a_bucket(&tampered(), "s3://audit-logs", 1);
}

#[test]
fn an_organization_of_many_accounts() {
    in_a_folder(&organization(), 0);
    in_a_bucket(&organization(), "s3://audit-logs", 3);
}

#[test]
fn backfill_digests_and_a_new_key() {
    in_a_folder(&backfill(), 0);
    in_a_bucket(&backfill(), "s3://audit-logs", 3);
}

#[test]
fn logging_that_was_stopped_for_a_time() {
    in_a_folder(&interrupted(), 0);
    in_a_bucket(&interrupted(), "s3://audit-logs", 3);
}

#[test]
fn a_trail_that_moved() {
    let archive = clean().moves(3, "new-logs", "moved").archive();
    in_a_bucket(&archive, "s3://new-logs", 3);
}
