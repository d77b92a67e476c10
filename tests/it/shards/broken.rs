//! Without the whole result of every shard there is no verdict.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

use super::common::{Place, Sharded, compared, ran, said};
use crate::harness::program;
use crate::scenarios::common::{audit, trail};

const SHARDS: u32 = 4;

fn ready(place: &Place) -> Sharded<'static> {
    let source = place.source();
    let sharded = Sharded::plan(
        &program,
        place.path(),
        source.as_os_str(),
        &place.keys(),
        SHARDS,
    );
    sharded.read_all();
    sharded
}

/// No verdict, exit 3, and these words; the command that is told repairs it.
#[track_caller]
fn refused_and_repaired(sharded: &Sharded<'_>, shard: u32, words: &str) {
    let merged = sharded.merge();
    let told = said(&merged);
    assert_eq!(merged.status.code(), Some(3), "{told}");
    assert!(merged.stdout.is_empty(), "there is no report");
    assert!(
        told.contains(&format!("shard {shard} of {SHARDS}: ")),
        "{told}"
    );
    assert!(told.contains(words), "{words}: {told}");
    assert!(told.contains("there is no verdict"), "{told}");
    let (_, command) = told.split_once("    ct-verify logs ").expect("a command");
    let command = command.lines().next().expect("a command");
    let repaired = ran(program().arg("logs").args(command.split_whitespace()));
    assert_eq!(
        repaired.status.code(),
        Some(0),
        "{command}: {}",
        said(&repaired)
    );
    assert_eq!(sharded.merge().status.code(), Some(0));
}

#[test]
fn a_missing_result() {
    let place = Place::of(&audit());
    let sharded = ready(&place);
    fs::remove_file(sharded.result(2)).expect("a result");
    refused_and_repaired(&sharded, 2, "there is no result");
}

#[test]
fn every_cut_and_every_changed_byte() {
    let place = Place::of(&trail(2).archive());
    let sharded = ready(&place);
    let whole = fs::read(sharded.result(1)).expect("a result");
    for at in (0..whole.len()).step_by(whole.len() / 40) {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        let cut = whole[..at].to_vec();
        let mut longer = whole.clone();
        longer.insert(at, 0);
        for bytes in [changed, cut, longer] {
            fs::write(sharded.result(1), bytes).expect("a result");
            let merged = sharded.merge();
            assert_eq!(merged.status.code(), Some(3), "{at}: {}", said(&merged));
            assert!(merged.stdout.is_empty());
        }
    }
    fs::write(sharded.result(1), &whole[..whole.len() / 2]).expect("a result");
    refused_and_repaired(&sharded, 1, "damaged");
}

#[test]
fn a_result_in_the_place_of_another() {
    let place = Place::of(&audit());
    let sharded = ready(&place);
    fs::copy(sharded.result(0), sharded.result(3)).expect("a copy");
    refused_and_repaired(&sharded, 3, "it is that of another shard");
}

/// A pipe in a result's place is not waited for.
#[test]
fn a_pipe_in_the_place_of_a_result() {
    let place = Place::of(&audit());
    let sharded = ready(&place);
    fs::remove_file(sharded.result(1)).expect("a result");
    let made = Command::new("mkfifo").arg(sharded.result(1)).status();
    assert!(made.expect("mkfifo").success());
    let merged = sharded.merge();
    assert_eq!(merged.status.code(), Some(3), "{}", said(&merged));
    assert!(said(&merged).contains("it is no file"), "{}", said(&merged));
    let again = ran(&mut sharded.shard(1));
    assert_eq!(again.status.code(), Some(2), "{}", said(&again));
}

/// A result of another plan is told, and not written over.
#[test]
fn a_foreign_result() {
    let (place, other) = (Place::of(&audit()), Place::of(&trail(3).archive()));
    let (sharded, foreign) = (ready(&place), ready(&other));
    let own = fs::read(sharded.result(1)).expect("a result");
    fs::copy(foreign.result(1), sharded.result(1)).expect("a copy");
    let merged = sharded.merge();
    assert_eq!(merged.status.code(), Some(3));
    assert!(
        said(&merged).contains("of another plan"),
        "{}",
        said(&merged)
    );
    let again = ran(&mut sharded.shard(1));
    assert_eq!(again.status.code(), Some(2));
    assert!(
        said(&again).contains("a place of its own"),
        "{}",
        said(&again)
    );
    fs::write(sharded.result(1), own).expect("a result");
    assert_eq!(sharded.merge().status.code(), Some(0));
}

/// The results of two plans in one place: the user says which.
#[test]
fn two_plans_in_one_place() {
    let (place, other) = (Place::of(&audit()), Place::of(&trail(3).archive()));
    let (sharded, mut foreign) = (ready(&place), ready(&other));
    foreign.results = place.path().join("elsewhere");
    foreign.read_all();
    for entry in fs::read_dir(&foreign.results).expect("results") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("a name");
        if name.starts_with("plan-") {
            fs::copy(entry.path(), sharded.results.join(name)).expect("a copy");
        }
    }
    let merged = sharded.merge();
    assert_eq!(merged.status.code(), Some(2));
    assert!(said(&merged).contains("--plan"), "{}", said(&merged));
    let mut command = program();
    command
        .arg("merge")
        .arg(&sharded.results)
        .arg("--plan")
        .arg(&sharded.plan);
    assert_eq!(ran(&mut command).status.code(), Some(0));
    let mut command = program();
    command
        .arg("merge")
        .arg(&sharded.results)
        .arg("--plan")
        .arg(&foreign.plan);
    assert_eq!(ran(&mut command).status.code(), Some(3));
}

/// A plan that leaves something out, reads it twice or was changed is none.
#[test]
fn a_plan_that_was_tampered_with() {
    let place = Place::of(&audit());
    let sharded = ready(&place);
    let plan = fs::read_to_string(&sharded.plan).expect("a plan");
    let kept = fs::read_dir(&sharded.results).expect("results");
    let kept = kept.map(|entry| entry.expect("an entry").path());
    let kept = kept
        .into_iter()
        .find(|path| path.extension().is_some_and(|it| it == "json"));
    let kept = kept.expect("the plan");
    for (from, to) in [
        ("\"shards\":4", "\"shards\":3"),
        ("[0,\"\"]", "[0,\"2024\"]"),
        ("\"digests_only\":false", "\"digests_only\":true"),
    ] {
        assert!(plan.contains(from), "{from}: {plan}");
        fs::write(&kept, plan.replacen(from, to, 1)).expect("a plan");
        let merged = sharded.merge();
        assert_eq!(merged.status.code(), Some(2), "{to}: {}", said(&merged));
        // Named by hand, it is not the one that the results are of.
        let mut command = program();
        command
            .arg("merge")
            .arg(&sharded.results)
            .arg("--plan")
            .arg(&kept);
        let merged = ran(&mut command);
        assert!(
            [Some(2), Some(3)].contains(&merged.status.code()),
            "{to}: {}",
            said(&merged)
        );
    }
}

/// A task that is killed leaves nothing that passes for a result.
#[test]
fn a_shard_that_is_killed() {
    let place = Place::of(&trail(60).archive());
    let source = place.source();
    let sharded = Sharded::plan(&program, place.path(), source.as_os_str(), &place.keys(), 2);
    sharded.read(0);
    let mut was_killed = false;
    for delay in [0, 1, 3, 6, 10, 15, 25] {
        let mut child = sharded
            .shard(1)
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("it starts");
        std::thread::sleep(std::time::Duration::from_millis(delay));
        child.kill().expect("a signal");
        let status = child.wait().expect("it ends");
        was_killed |= status.signal() == Some(9);
        if status.signal() == Some(9) && !sharded.result(1).exists() {
            assert_eq!(sharded.merge().status.code(), Some(3));
        }
    }
    assert!(was_killed);
    sharded.read(1);
    let mut command = program();
    command.arg("logs").arg(place.source()).args(place.keys());
    let whole = compared(&ran(command.args(["--format", "json"])));
    assert_eq!(sharded.merged(), whole);
}
