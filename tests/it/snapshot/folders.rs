//! Snapshots of folders: what was not there when they were taken is told again.

use std::fs;
use std::path::Path;

use super::common::{Place, compared, logs, report};
use crate::forge::{Archive, At, FolderWriter, Metadata, Trail, keyfiles::trusted_keys};
use crate::harness::program;
use crate::scenarios::common::{audit, trail};

/// Writes what of an archive is taken, in a folder of its own.
fn write(archive: &Archive, folder: &Path, is_taken: impl Fn(&At) -> bool) {
    let mut store = archive.store.clone();
    store.objects.retain(|at, _| is_taken(at));
    fs::create_dir_all(folder).expect("a folder");
    let writer = FolderWriter::new(folder, Metadata::Sidecar);
    writer.bucket_in("audit-logs", ".").write(&store);
}

struct Folder(Place);

impl Folder {
    fn new() -> Self {
        let place = Place::new();
        fs::create_dir_all(place.beside("source")).expect("a folder");
        fs::write(place.beside("keys.json"), trusted_keys()).expect("keys");
        Self(place)
    }

    /// What a run over it tells.
    fn told(&self, range: &[&str]) -> (i32, serde_json::Value) {
        let mut command = program();
        command.arg("logs").arg(self.0.beside("source"));
        command.arg("--public-keys").arg(self.0.beside("keys.json"));
        command.args(range);
        report(command)
    }

    /// Copies a range of it.
    #[track_caller]
    fn add(&self, range: &[&str]) -> (i32, serde_json::Value) {
        let mut command = program();
        command.arg("snapshot").arg(self.0.beside("source"));
        command.arg(self.0.dir());
        command.arg("--public-keys").arg(self.0.beside("keys.json"));
        command.args(range);
        report(command)
    }

    fn replayed(&self, range: &[&str]) -> (i32, serde_json::Value) {
        let mut command = logs(&self.0);
        command.args(range);
        report(command)
    }

    #[track_caller]
    fn is_told_again(&self, range: &[&str]) -> i32 {
        let told = compared(self.told(range));
        let taken = self.add(range);
        let exit = taken.0;
        assert_eq!(
            compared(taken),
            told,
            "its taking (left), and a run (right)"
        );
        assert_eq!(compared(self.replayed(&[])), told, "replayed (left)");
        exit
    }
}

#[test]
fn what_is_missing_is_missed_again() {
    let archive = audit();
    let (digest, log) = (archive.digest(3), archive.log(2, 0));
    for gone in [&digest, &log] {
        for copies in [&["."][..], &["a", "b"], &["a/copy", "b/copy"]] {
            let folder = Folder::new();
            for copy in copies {
                let source = folder.0.beside("source").join(copy);
                write(&archive, &source, |at| at != gone);
            }
            assert_eq!(folder.is_told_again(&[]), 1, "{copies:?}");
        }
    }
    // A part of it is told again too.
    let folder = Folder::new();
    write(&archive, &folder.0.beside("source"), |at| *at != digest);
    folder.add(&[]);
    let range = ["--start-time", "2024-03-10T02:00:00Z"];
    let told = compared(folder.told(&range));
    assert!(told.contains("digest-missing"), "{told}");
    assert_eq!(compared(folder.replayed(&range)), told);
}

/// An account is copied in whole between two runs. The first one did not see it, and has missed nothing of it.
#[test]
fn what_came_whole_between_two_runs_is_not_missing() {
    let (first, second) = ("2024-03-10T00:00:00Z", "2024-03-10T12:00:00Z");
    let range = |start, end| ["--start-time", start, "--end-time", end];
    let one = trail(24).archive();
    let others = [
        trail(24).seed(5).accounts(&["444455556666"]).archive(),
        Trail::new("other", first, 24).seed(6).archive(),
    ];
    for other in others {
        let folder = Folder::new();
        write(&one, &folder.0.beside("source"), |_| true);
        assert_eq!(folder.add(&range(first, second)).0, 0);
        write(&other, &folder.0.beside("source"), |_| true);
        assert_eq!(folder.add(&range(second, "2024-03-11T00:00:00Z")).0, 0);
        let (exit, told) = folder.replayed(&[]);
        assert_eq!(exit, 3, "{told:#}");
        assert!(told.to_string().contains("asked for it"), "{told:#}");
        assert_eq!(folder.replayed(&range(second, "2024-03-11T00:00:00Z")).0, 0);
    }
}

/// The folder of a day of which nothing is there but what is no log.
#[test]
fn an_empty_day_shows_nothing() {
    let archive = Trail::new("audit", "2024-03-09T20:35:00Z", 8).archive();
    let range = ["--start-time", "2024-03-10T00:20:00Z"];
    let is_kept = |at: &At| !at.1.contains("/CloudTrail/us-east-1/2024/03/09/");
    let day = "AWSLogs/111122223333/CloudTrail/us-east-1/2024/03/09";
    for other in ["", "readme.txt", "folder/log.json.gz"] {
        let folder = Folder::new();
        let source = folder.0.beside("source");
        write(&archive, &source, is_kept);
        let file = source.join(day).join(other);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        if other.is_empty() {
            fs::create_dir_all(file).expect("a folder");
        } else {
            fs::write(file, "no log").expect("a file");
        }
        assert_eq!(folder.is_told_again(&range), 0, "{other}");
    }
}
