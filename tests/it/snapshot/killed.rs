//! A run that is ended by force, anywhere, and taken up again.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::common::{
    BUCKET, Place, SOURCE, comparable, compared, contents, fits_its_manifest, lines, offline,
    served, take,
};
use crate::forge::{Archive, Trail};
use crate::s3::served::Served;
use crate::scenarios::common::{audit, trail};
use crate::server::{Fault, Operation, Options, Rule};

/// Numbers that look like chance, and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % limit.max(1)
    }
}

/// With planted objects, so that the end of a run has something to copy as well.
fn archive() -> Archive {
    let mut archive = trail(6).archive();
    let log = archive.log(2, 0);
    for name in ["PlantedByForger0", "PlantedByForger1", "PlantedByForger2"] {
        let key = log
            .1
            .replace(&log.1[log.1.len() - 24..log.1.len() - 8], name);
        archive.store.copy(&log, &(log.0.clone(), key), false);
    }
    archive
}

fn slow(archive: &Archive) -> Served {
    let options = Options {
        latency: Duration::from_millis(2),
        ..Options::default()
    };
    Served::with(archive, options).args(super::common::DAY)
}

fn start(served: &Served, place: &Place) -> Child {
    served
        .snapshot(SOURCE, &place.dir())
        .args(["--concurrency", "3", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts")
}

fn wait_until(mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_mins(2), "waited in vain");
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// The keys that the journal calls whole.
fn whole(place: &Place) -> BTreeSet<String> {
    let mut whole = BTreeSet::new();
    for name in ["objects.jsonl", "unfinished/objects.jsonl"] {
        let text = fs::read_to_string(place.file(name)).unwrap_or_default();
        for line in lines(&text) {
            if let Some(path) = line["object"]["path"].as_str() {
                whole.insert(path.to_owned());
            }
        }
    }
    whole
}

fn fetched(served: &Served) -> Vec<String> {
    let entries = served.server.log().entries().into_iter();
    let gets = entries.filter(|entry| entry.call.operation == Operation::GetObject);
    gets.map(|entry| entry.call.key).collect()
}

/// Spoils what the killed run left, and tells which object has to be read again for it.
fn spoil(place: &Place, dice: &mut Dice) -> Option<String> {
    let journal = place.file("unfinished/objects.jsonl");
    match dice.below(4) {
        0 => {
            let mut text = fs::read(&journal).ok()?;
            let line = lines(&String::from_utf8_lossy(&text)).pop()?;
            text.truncate(text.len().saturating_sub(7));
            fs::write(&journal, text).ok()?;
            Some(line["object"]["path"].as_str()?.to_owned())
        }
        choice @ (1 | 2) => {
            let text = fs::read_to_string(&journal).ok()?;
            let objects = lines(&text);
            let objects: Vec<_> = objects
                .iter()
                .filter(|it| it.get("object").is_some())
                .collect();
            let line = objects.get(usize::try_from(dice.below(objects.len() as u64)).ok()?)?;
            let path = line["object"]["path"].as_str()?;
            let has_metadata = line["object"].get("sidecar").is_some();
            let suffix = if has_metadata && dice.below(2) == 0 {
                ".metadata.json"
            } else {
                ""
            };
            let file = place.file(&format!("objects/{BUCKET}/{path}{suffix}"));
            let mut content = fs::read(&file).expect("what has a line has a file");
            if choice == 1 {
                // Cut off.
                content.truncate(content.len() / 2);
            } else {
                // As long as before, and not the same.
                let middle = content.len() / 2;
                content[middle..].fill(0);
            }
            fs::write(&file, content).ok()?;
            Some(path.to_owned())
        }
        _ => None,
    }
}

#[test]
fn whenever_it_is_killed_the_same_command_ends_with_the_same_bytes() {
    let archive = archive();
    let undisturbed = Place::new();
    let served = slow(&archive);
    let taken = take(&served, &undisturbed);
    assert_eq!(taken.0, 1, "the planted logs are told");
    let expected = comparable(&undisturbed.dir());
    let requests = served.server.log().requests();
    for seed in 0..24_u64 {
        let mut dice = Dice(seed + 1);
        let place = Place::new();
        let mut spoiled = BTreeSet::new();
        for _ in 0..=dice.below(4) {
            served.server.log().reset();
            let mut before = whole(&place);
            // What was spoiled has to be read again.
            before.retain(|key| !spoiled.contains(key));
            let mut child = start(&served, &place);
            // A third of the kills land in the end, when everything has been asked for.
            let at = (dice.below(requests * 3 / 2)).min(requests);
            let ended = |child: &mut Child| child.try_wait().expect("a status").is_some();
            wait_until(|| served.server.log().requests() >= at || ended(&mut child));
            std::thread::sleep(Duration::from_micros(dice.below(6000)));
            child.kill().expect("it is killed");
            child.wait().expect("it is dead");
            let again = fetched(&served);
            let twice = again.iter().find(|key| before.contains(*key));
            assert_eq!(twice, None, "seed {seed}: it was whole, and is read again");
            let is_finished = place.file("snapshot.json").exists()
                && place.head()["finished"] == Value::Bool(true);
            if is_finished {
                break;
            }
            spoiled.extend(spoil(&place, &mut dice));
        }
        served.server.log().reset();
        let last = take(&served, &place);
        assert_eq!(compared(last), compared(taken.clone()), "seed {seed}");
        assert!(!place.file("unfinished").exists());
        assert_eq!(comparable(&place.dir()), expected, "seed {seed}");
        fits_its_manifest(&place);
        assert_eq!(compared(offline(&place)), compared(taken.clone()));
    }
}

/// All is written but the head: what a kill in the last moment leaves.
#[test]
fn a_kill_before_the_head_is_written_costs_no_request_for_an_object() {
    let served = served(&archive());
    let place = Place::new();
    let taken = take(&served, &place);
    let expected = comparable(&place.dir());
    let mut head = place.head();
    head["finished"] = false.into();
    head["manifest"] = Value::Null;
    head["runs"][0]["finished"] = Value::Null;
    place.set_head(&head);
    served.server.log().reset();
    assert_eq!(compared(take(&served, &place)), compared(taken));
    assert_eq!(served.server.log().count(Operation::GetObject), 0);
    assert_eq!(comparable(&place.dir()), expected);
    assert_eq!(place.head()["runs"].as_array().map(Vec::len), Some(1));
}

/// What was moved to its name, but has no line, is none of the snapshot's; all the less where the object is gone when
/// the run is taken up.
#[test]
fn a_file_without_a_line_does_not_outlive_its_object() {
    for denied in [false, true] {
        let archive = archive();
        let served = served(&archive);
        let place = Place::new();
        take(&served, &place);
        // As it was before the end, but for the line of one digest.
        let digest = archive.digest(3);
        let index = place.read("objects.jsonl");
        let name = digest.1.rsplit('/').next().expect("a name");
        let kept = index.lines().filter(|line| !line.contains(name));
        let kept = kept.collect::<Vec<_>>().join("\n") + "\n";
        place.write("unfinished/objects.jsonl", kept);
        place.remove("objects.jsonl");
        place.remove("MANIFEST.sha256");
        let mut head = place.head();
        head["finished"] = false.into();
        head["manifest"] = Value::Null;
        head["runs"][0]["finished"] = Value::Null;
        place.set_head(&head);
        if denied {
            let rule = Rule::new(Fault::AccessDenied).on(&[Operation::GetObject]);
            served.server.faults().add(rule.key(&format!("*{name}")));
        } else {
            served.server.store().bucket(BUCKET).erase(&digest.1);
        }
        let taken = take(&served, &place);
        let code = if denied {
            "digest-unreadable"
        } else {
            "digest-missing"
        };
        assert!(taken.1.to_string().contains(code), "{:#}", taken.1);
        assert_eq!(compared(offline(&place)), compared(taken));
        fits_its_manifest(&place);
    }
}

#[test]
fn an_interrupt_is_told_and_taken_up() {
    let served = slow(&audit());
    let hangs = Rule::new(Fault::StallBody(Duration::from_hours(1)));
    served.server.faults().add(
        hangs
            .on(&[Operation::GetObject])
            .key("*_CloudTrail_*T0240Z_*"),
    );
    let place = Place::new();
    let child = start(&served, &place);
    wait_until(|| served.server.log().in_flight() > 0 && whole(&place).len() > 8);
    let status = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(status.expect("kill").success());
    let output = child.wait_with_output().expect("its output");
    assert_eq!(output.status.code(), Some(130));
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert_ne!(report["verdict"], "valid");
    assert_eq!(report["run"]["interrupted"], true);
    assert!(!report.to_string().contains("-unreadable"), "{report:#}");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("not finished"), "{told}");
    let before = whole(&place);
    served.server.faults().clear();
    served.server.log().reset();
    let taken = take(&served, &place);
    assert_eq!(taken.0, 0, "{:#}", taken.1);
    assert!(fetched(&served).iter().all(|key| !before.contains(key)));
    assert_eq!(compared(offline(&place)), compared(taken));
    assert!(
        !contents(&place.dir())
            .keys()
            .any(|name| name.starts_with("unfinished"))
    );
}

/// What ends it has another range, in which no chain leads there.
#[test]
fn what_only_an_interrupted_run_came_to_belongs_to_the_snapshot() {
    const OLD: &str = "audit-logs-old";
    let archive = Trail::new("audit", "2024-03-10T00:00:00Z", 12)
        .place(OLD, "")
        .moves(6, "audit-logs", "")
        .archive();
    let served = Served::new(&archive);
    let hangs = Rule::new(Fault::StallBody(Duration::from_hours(1)));
    let hangs = hangs.on(&[Operation::GetObject]);
    served
        .server
        .faults()
        .add(hangs.key("*_CloudTrail_*T0020Z_*"));
    let place = Place::new();
    let range = |start: &str| {
        let mut command = served.snapshot(SOURCE, &place.dir());
        command.args(["--start-time", start, "--end-time", "2024-03-10T12:00:00Z"]);
        command
    };
    let mut command = range("2024-03-10T00:00:00Z");
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut child = child.expect("the program starts");
    let in_old = || place.file("objects").join(OLD).exists();
    wait_until(|| in_old() && served.server.log().in_flight() > 0);
    let status = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(status.expect("kill").success());
    assert_eq!(child.wait().expect("its end").code(), Some(130));
    served.server.faults().clear();
    let output = range("2024-03-10T07:00:00Z").output().expect("a run");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(in_old(), "it was copied");
    let (exit, told) = offline(&place);
    assert_eq!(exit, 0, "{told:#}");
    fits_its_manifest(&place);
}

/// The run is over, its verdict reached, and only what nothing names is still to be copied.
#[test]
fn an_interrupt_of_the_last_copies_is_an_interrupt() {
    let archive = archive();
    let served = served(&archive).args(["--allow", "log-unreferenced"]);
    let hangs = Rule::new(Fault::Stall(Duration::from_hours(1)));
    served
        .server
        .faults()
        .add(hangs.on(&[Operation::GetObject]).key("*_PlantedByForger1*"));
    let place = Place::new();
    let child = start(&served, &place);
    wait_until(|| fetched(&served).iter().any(|key| key.contains("Forger1")));
    let status = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(status.expect("kill").success());
    let output = child.wait_with_output().expect("its output");
    assert_eq!(output.status.code(), Some(130));
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!(report["verdict"], "unverified", "{report:#}");
    assert_eq!(place.head()["finished"], false);
}
