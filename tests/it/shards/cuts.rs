//! Wherever a plan cuts, nothing is left out, and nothing is read twice.

use serde_json::Value;

use super::common::{Place, Sharded, compared, ran};
use crate::forge::{Archive, Trail};
use crate::harness::{formats::check_json, program};
use crate::scenarios::common::{audit, trail};

fn single(place: &Place) -> Value {
    let mut command = program();
    command.arg("logs").arg(place.source());
    compared(&ran(command.args(place.keys()).args(["--format", "json"])))
}

fn sharded(place: &Place, shards: u32) -> Value {
    let sharded = Sharded::plan(
        &program,
        place.path(),
        place.source().as_os_str(),
        &place.keys(),
        shards,
    );
    sharded.read_all();
    sharded.merged()
}

fn two_of_each() -> Archive {
    Trail::new("audit", "2024-03-10T20:00:00Z", 8)
        .regions(&["us-east-1", "eu-west-1"])
        .archive()
}

/// From one shard to more than there are objects.
#[test]
fn any_number_of_shards() {
    let archive = two_of_each();
    let place = Place::of(&archive);
    let whole = single(&place);
    assert_eq!(whole["exit"], 0, "{whole:#}");
    for shards in [1, 2, 5, 16, 40, 97] {
        assert_eq!(sharded(&place, shards), whole, "{shards} shards");
    }
}

/// A fault in each digest and each log, so that every one of them stands at a border of shards once.
#[test]
fn faults_at_every_border() {
    let archive = audit();
    for index in 1..=6 {
        let mut missing = archive.clone();
        missing.store.objects.remove(&archive.digest(index));
        let mut modified = archive.clone();
        modified.store.get_mut(&archive.log(index, 0)).body = b"{\"Records\":[]}".to_vec();
        let mut planted = archive.clone();
        let log = archive.log(index, 1);
        let key = log.1.replace(
            &log.1[log.1.len() - 24..log.1.len() - 8],
            "PlantedByForger0",
        );
        planted.store.copy(&log, &(log.0.clone(), key), false);
        for (what, archive) in [
            ("missing", missing),
            ("modified", modified),
            ("planted", planted),
        ] {
            let place = Place::of(&archive);
            let whole = single(&place);
            // Without a range, what is newest is not missed.
            let exit = i32::from(what != "missing" || index < 6);
            assert_eq!(whole["exit"], exit, "{what} {index}: {whole:#}");
            assert_eq!(sharded(&place, 9), whole, "{what} {index}");
        }
    }
}

/// A shard is read by as many machines at once as there are: in any order, and twice.
#[test]
fn the_order_of_shards_is_of_no_account() {
    let place = Place::of(&two_of_each());
    let source = place.source();
    let sharded = Sharded::plan(&program, place.path(), source.as_os_str(), &place.keys(), 5);
    for shard in [4, 0, 3, 1, 2] {
        sharded.read(shard);
    }
    let before = std::fs::read(sharded.result(3)).expect("a result");
    let again = sharded.read(3);
    let told = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(told.contains("has a result already"), "{told}");
    assert_eq!(sharded.merged(), single(&place));
    std::fs::remove_file(sharded.result(3)).expect("a result");
    sharded.read(3);
    let after = std::fs::read(sharded.result(3)).expect("a result");
    assert_eq!(before, after, "a result is the same whoever makes it");
}

/// What came after the plan is read by the merge itself, and told.
#[test]
fn what_no_shard_was_to_read_is_read_by_the_merge() {
    let archive = two_of_each();
    let mut part = archive.clone();
    part.store
        .objects
        .retain(|(_, key), _| !key.contains("/eu-west-1/"));
    let place = Place::of(&part);
    let source = place.source();
    let sharded = Sharded::plan(&program, place.path(), source.as_os_str(), &place.keys(), 3);
    place.write(&archive);
    sharded.read_all();
    let merged = sharded.merge();
    let told = String::from_utf8_lossy(&merged.stderr).into_owned();
    assert!(told.contains("for what no shard had seen"), "{told}");
    assert_eq!(compared(&merged), single(&place));
    // And of whole shards nothing is asked again.
    let place = Place::of(&archive);
    let source = place.source();
    let sharded = Sharded::plan(&program, place.path(), source.as_os_str(), &place.keys(), 3);
    sharded.read_all();
    assert_eq!(sharded.merge().stderr, b"");
}

/// The clock of the plan counts, and its filters and weights.
#[test]
fn a_plan_tells_range_filters_and_weights() {
    let mut archive = two_of_each();
    let log = archive.log(2, 0);
    archive.store.objects.remove(&log);
    let place = Place::of(&archive);
    let mut arguments = place.keys();
    for argument in [
        "--region",
        "us-east-1",
        "--start-time",
        "2024-03-10T21:00:00Z",
        "--end-time",
        "2024-03-11T02:00:00Z",
        "--allow",
        "log-missing",
    ] {
        arguments.push(argument.into());
    }
    let mut command = program();
    command.arg("logs").arg(place.source()).args(&arguments);
    let whole = compared(&ran(command.args(["--format", "json"])));
    assert_eq!(whole["exit"], 0, "{whole:#}");
    let source = place.source();
    let sharded = Sharded::plan(&program, place.path(), source.as_os_str(), &arguments, 4);
    sharded.read_all();
    assert_eq!(sharded.merged(), whole);
    // What is denied now outweighs nothing that the plan allows.
    let mut command = program();
    command
        .arg("merge")
        .arg(&sharded.results)
        .args(["--deny", "log-missing"]);
    assert_eq!(ran(&mut command).status.code(), Some(2));
}

#[test]
fn a_long_history_of_one_chain_is_spread() {
    let place = Place::of(&trail(80).archive());
    let source = place.source();
    let sharded = Sharded::plan(&program, place.path(), source.as_os_str(), &place.keys(), 8);
    sharded.read_all();
    for shard in 0..8 {
        let size = std::fs::metadata(sharded.result(shard))
            .expect("a result")
            .len();
        assert!(size > 1500, "shard {shard} has {size} bytes");
    }
    assert_eq!(sharded.merged(), single(&place));
}

/// Results may be older than they look: whoever reads the report sees when they were made.
#[test]
fn a_merge_tells_when_the_archive_was_read() {
    let place = Place::of(&audit());
    let sharded = Sharded::plan(
        &program,
        place.path(),
        place.source().as_os_str(),
        &place.keys(),
        2,
    );
    sharded.read_all();
    let report: Value = serde_json::from_slice(&sharded.merge().stdout).expect("a report");
    let plan: Value =
        serde_json::from_slice(&std::fs::read(&sharded.plan).expect("a plan")).expect("a plan");
    check_json(&report);
    let told = &report["run"]["plan"];
    assert_eq!(told["made"], plan["made"], "{told}");
    assert_eq!(told["shards"], 2);
    assert_eq!(told["sha256"].as_str().expect("a hash").len(), 64);
    let text = ran(program().arg("merge").arg(&sharded.results));
    let text = String::from_utf8(text.stdout).expect("text");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let made = plan["made"].as_str().expect("a time");
    assert!(
        text.contains(&format!("read by 2 shards after {made}")),
        "{text}"
    );
    assert!(
        text.contains("what counts is what was there then"),
        "{text}"
    );
}
