//! A folder inside of an archive that is named is verified alone, whatever lies beside it: in one run as in shards.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::common::{Place, Sharded, compared, ran};
use crate::forge::{Archive, FolderWriter, Metadata};
use crate::harness::program;
use crate::scenarios::common::audit;

/// A copy of the archive's bucket, in a folder of its own.
fn write(archive: &Archive, folder: &Path) {
    fs::create_dir_all(folder).expect("a folder");
    let writer = FolderWriter::new(folder, Metadata::Sidecar);
    writer.bucket_in("audit-logs", ".").write(&archive.store);
}

/// What one run tells of a folder, which is what any number of shards tells of it.
fn told(place: &Place, source: &PathBuf) -> Value {
    let mut command = program();
    command.arg("logs").arg(source).args(place.keys());
    let one = compared(&ran(command.args(["--format", "json"])));
    for shards in [1, 3] {
        let plan = Sharded::plan(
            &program,
            place.path(),
            source.as_os_str(),
            &place.keys(),
            shards,
        );
        plan.read_all();
        assert_eq!(plan.merged(), one, "{}", source.display());
        fs::remove_dir_all(&plan.results).expect("results");
    }
    one
}

fn without_a_log() -> Archive {
    let mut archive = audit();
    let log = archive.log(2, 0);
    archive.store.objects.remove(&log);
    archive
}

#[test]
fn what_lies_beside_a_part_that_is_named_is_of_no_account() {
    for (at, beside) in [
        ("case", "case/backup"),
        ("case", "other"),
        // A folder of somebody's own, inside of an account's.
        ("AWSLogs/111122223333/evidence", "other"),
        (
            "AWSLogs/111122223333/evidence",
            "AWSLogs/444455556666/other",
        ),
    ] {
        for (archive, other, exit) in [(without_a_log(), audit(), 1), (audit(), without_a_log(), 0)]
        {
            let place = Place::of(&audit());
            fs::remove_dir_all(place.source()).expect("what is not needed");
            write(&archive, &place.source().join(at));
            write(&other, &place.source().join(beside));
            let mut parts = vec!["AWSLogs", "AWSLogs/111122223333"];
            parts.push("AWSLogs/111122223333/CloudTrail/us-east-1");
            if at != "case" {
                parts.push(".");
            }
            for part in parts {
                let told = told(&place, &place.source().join(at).join(part));
                assert_eq!(told["exit"], exit, "{at}/{part}: {told:#}");
                let is_missing = told.to_string().contains("log-missing");
                assert_eq!(is_missing, exit == 1, "{at}/{part}: {told:#}");
            }
        }
    }
}

/// Below a folder that is named all is looked for, as in a bucket.
#[test]
fn what_lies_in_the_part_that_is_named_is_verified() {
    let place = Place::of(&audit());
    let logs = place.source().join("audit-logs/AWSLogs");
    write(&without_a_log(), &logs.join("more"));
    let told = told(&place, &logs);
    assert_eq!(told["exit"], 1, "{told:#}");
}
