//! A disk that is full: before the run, and in the middle of it. The tests need to mount a file system of a few kilobytes; where they
//! may not, they say so.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::common::{Place, SOURCE, compared, fits_its_manifest, lines, offline, output, served};
use crate::scenarios::common::audit;
use crate::server::{Operation, Options};

/// A small file system at a place's folder, unmounted in the end.
struct Small(PathBuf);

impl Small {
    fn mount(place: &Place, kilobytes: u32) -> Option<Self> {
        let dir = place.dir();
        fs::create_dir_all(&dir).expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={kilobytes}k"), "none"])
            .arg(&dir)
            .output();
        let is_mounted = mounted.is_ok_and(|output| output.status.success());
        if !is_mounted {
            eprintln!("skipped: no file system may be mounted here");
        }
        is_mounted.then_some(Self(dir))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn what_has_no_room_is_not_begun() {
    let place = Place::new();
    let Some(_small) = Small::mount(&place, 64) else {
        return;
    };
    let served = served(&audit());
    let output = output(served.snapshot(SOURCE, &place.dir()));
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(
        told.contains("need about") && told.contains("free"),
        "{told}"
    );
    assert_eq!(served.server.log().count(Operation::GetObject), 0);
}

#[test]
fn a_disk_that_fills_up_is_told_as_such_and_the_run_is_taken_up() {
    let place = Place::new();
    let Some(_small) = Small::mount(&place, 400) else {
        return;
    };
    let options = Options {
        latency: std::time::Duration::from_millis(200),
        ..Options::default()
    };
    let served = crate::s3::served::Served::with(&audit(), options)
        .args(super::common::DAY)
        .args(["--concurrency", "1"]);
    let child = served
        .snapshot(SOURCE, &place.dir())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    while served.server.log().count(Operation::GetObject) < 5 {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    // Somebody else fills the disk.
    let _ = fs::write(place.file("unfinished/ballast"), vec![0; 1024 * 1024]);
    let output = child.wait_with_output().expect("its output");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(output.stdout.is_empty(), "a verdict on nothing");
    assert!(
        told.contains("No space left") && told.contains("same command"),
        "{told}"
    );
    let journal = place.read("unfinished/objects.jsonl");
    let unread = |line: &serde_json::Value| line.get("unread").is_some();
    assert!(!lines(&journal).iter().any(unread), "{journal}");
    fs::remove_file(place.file("unfinished/ballast")).expect("there is room again");
    served.server.log().reset();
    let taken = super::common::report(served.snapshot(SOURCE, &place.dir()));
    assert_eq!(taken.0, 0, "{:#}", taken.1);
    let whole = lines(&journal);
    let whole = whole
        .iter()
        .filter_map(|line| line["object"]["path"].as_str());
    let whole: Vec<_> = whole.collect();
    assert!(!whole.is_empty(), "{journal}");
    let entries = served.server.log().entries();
    let twice = entries.iter().find(|entry| {
        entry.call.operation == Operation::GetObject && whole.contains(&entry.call.key.as_str())
    });
    assert!(twice.is_none(), "it was whole: {twice:?}");
    fits_its_manifest(&place);
    assert_eq!(compared(offline(&place)), compared(taken));
}
