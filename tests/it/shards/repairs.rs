//! Where a shard has no result of use, the commands that `merge` tells repair it as they stand, in a shell.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use miniz_oxide::{deflate::compress_to_vec_zlib, inflate::decompress_to_vec_zlib};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::common::{Place, Sharded, compared, pasted, ran, said};
use crate::forge::Archive;
use crate::harness::{aws_cli, program};
use crate::s3::served::Served;
use crate::scenarios::common::{audit, trail};
use crate::snapshot::common::{DAY, SOURCE, served};

const SHARDS: u32 = 4;
const RESULTS: &str = "s3://results/it's \"run\" 1/";
/// A name that a shell would take apart.
const AWKWARD: &str = "it's a \"place\" of $HOME & `id` 50% #";

fn planned(place: &Place, results: &str, shards: u32) -> Sharded<'static> {
    let source = place.source();
    let mut sharded = Sharded::plan(
        &program,
        place.path(),
        source.as_os_str(),
        &place.keys(),
        shards,
    );
    sharded.results = place.path().join(results);
    sharded
}

fn single(place: &Place) -> Value {
    let mut command = program();
    command.arg("logs").arg(place.source()).args(place.keys());
    compared(&ran(command.args(["--format", "json"])))
}

/// The commands that are told, each a line of its own.
fn commands(told: &str) -> Vec<&str> {
    let indented = told.lines().filter_map(|line| line.strip_prefix("    "));
    indented.collect()
}

/// No verdict, but the number of the shard, these words, and one command, after which the report is
/// that of one run.
#[track_caller]
fn told_and_repaired(place: &Place, sharded: &Sharded<'_>, shard: u32, words: &str) {
    let merged = sharded.merge();
    let told = said(&merged);
    assert_eq!(merged.status.code(), Some(3), "{told}");
    assert!(merged.stdout.is_empty(), "there is no report");
    let begins = format!("ct-verify: shard {shard} of {}: ", sharded.shards);
    assert!(told.starts_with(&begins), "{told}");
    assert!(told.contains(words), "{words}: {told}");
    assert!(told.contains("there is no verdict: 1 shard has"), "{told}");
    let [command] = commands(&told)[..] else {
        panic!("one command: {told}");
    };
    assert!(command.contains(&format!("--shard {shard} ")), "{command}");
    let output = pasted(command, place.path(), None, &(sharded.program)());
    assert_eq!(
        output.status.code(),
        Some(0),
        "{command}: {}",
        said(&output)
    );
    assert_eq!(sharded.merged(), single(place), "{command}");
}

/// Does something to the head of a result, and to the lines of its blocks; then makes it whole again.
fn rewrite(path: &Path, change: impl Fn(&mut Value, &mut String)) {
    let number = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().expect("eight bytes"));
    let size = |number: u64| usize::try_from(number).expect("a size");
    let whole = fs::read(path).expect("a result");
    let trailer = &whole[whole.len() - 56..];
    let at = size(number(&trailer[..8]));
    let packed = &whole[at..whole.len() - 56];
    let head = decompress_to_vec_zlib(packed).expect("a head");
    let mut head: Value = serde_json::from_slice(&head).expect("a head");
    let mut made = Vec::new();
    let mut sections = head["sections"].take();
    for section in sections.as_array_mut().expect("sections") {
        for block in section["blocks"].as_array_mut().expect("blocks") {
            let of = |name: &str| size(block[name].as_u64().expect("a number"));
            let (at, packed, blobs) = (of("at"), of("packed"), of("blobs"));
            let lines = decompress_to_vec_zlib(&whole[at..at + packed]).expect("lines");
            let mut lines = String::from_utf8(lines).expect("lines");
            change(&mut head, &mut lines);
            let again = compress_to_vec_zlib(lines.as_bytes(), 1);
            block["at"] = made.len().into();
            block["lines"] = lines.len().into();
            block["packed"] = again.len().into();
            made.extend(again);
            made.extend(&whole[at + packed..at + packed + blobs]);
        }
    }
    head["sections"] = sections;
    let at = made.len() as u64;
    let head = compress_to_vec_zlib(head.to_string().as_bytes(), 1);
    made.extend(&head);
    made.extend(at.to_be_bytes());
    made.extend((head.len() as u64).to_be_bytes());
    let hash = Sha256::digest(&made);
    made.extend(hash);
    made.extend(&trailer[48..]);
    fs::write(path, made).expect("a result");
}

/// What was moved aside, and the bytes that it has.
fn aside(sharded: &Sharded<'_>, shard: u32) -> Vec<u8> {
    let begins = format!("shard-{shard:05}.result.aside-");
    let entries = fs::read_dir(&sharded.results).expect("results");
    let mut paths = entries.map(|entry| entry.expect("an entry").path());
    let is_aside = |path: &std::path::PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy();
        name.starts_with(&begins)
    };
    fs::read(paths.find(is_aside).expect("what was moved")).expect("a file")
}

/// Each in a place whose name a shell would take apart.
#[test]
fn a_result_that_is_replaced() {
    let place = Place::of(&audit());
    let sharded = planned(&place, AWKWARD, SHARDS);
    sharded.read_all();
    let result = |shard: u32| sharded.result(shard);
    fs::remove_file(result(2)).expect("a result");
    told_and_repaired(&place, &sharded, 2, "there is no result");
    let whole = fs::read(result(1)).expect("a result");
    fs::write(result(1), &whole[..whole.len() / 2]).expect("a result");
    told_and_repaired(&place, &sharded, 1, "damaged");
    fs::copy(result(0), result(3)).expect("a copy");
    told_and_repaired(&place, &sharded, 3, "it is that of another shard");
    rewrite(&result(0), |head, _| {
        head["tool"] = "ct-verify 0.0.1".into();
    });
    told_and_repaired(&place, &sharded, 0, "written by ct-verify 0.0.1");
}

/// What a shard does not replace is moved aside first, and not lost.
#[test]
fn what_is_in_the_way_of_a_result() {
    let (place, other) = (Place::of(&audit()), Place::of(&trail(3).archive()));
    let sharded = planned(&place, AWKWARD, SHARDS);
    let foreign = planned(&other, "results", SHARDS);
    sharded.read_all();
    foreign.read(1);
    fs::copy(foreign.result(1), sharded.result(1)).expect("a copy");
    told_and_repaired(&place, &sharded, 1, "of another plan");
    let its = fs::read(foreign.result(1)).expect("a result");
    assert_eq!(aside(&sharded, 1), its);
    rewrite(&sharded.result(2), |head, _| {
        head["result_version"] = 2.into();
    });
    let newer = fs::read(sharded.result(2)).expect("a result");
    told_and_repaired(&place, &sharded, 2, "has version 2");
    assert_eq!(aside(&sharded, 2), newer);
    fs::remove_file(sharded.result(3)).expect("a result");
    fs::create_dir(sharded.result(3)).expect("a folder");
    told_and_repaired(&place, &sharded, 3, "it is no file");
    fs::remove_file(sharded.result(0)).expect("a result");
    let made = Command::new("mkfifo").arg(sharded.result(0)).status();
    assert!(made.expect("mkfifo").success());
    told_and_repaired(&place, &sharded, 0, "it is no file");
}

/// A result that is whole, and tells what cannot be, is not taken for done by whoever reads it anew.
#[test]
fn a_result_that_tells_what_cannot_be() {
    let place = Place::of(&audit());
    let sharded = planned(&place, "results", SHARDS);
    sharded.read_all();
    let spoils = |shard: &u32| {
        let is_spoilt = Cell::new(false);
        rewrite(&sharded.result(*shard), |_, lines| {
            let spoilt = lines.replace("{\"l\":{\"s\":", "{\"l\":{\"s\":-");
            is_spoilt.set(is_spoilt.get() || spoilt != *lines);
            *lines = spoilt;
        });
        is_spoilt.get()
    };
    let shard = (0..SHARDS).find(spoils).expect("a shard of logs");
    let merged = sharded.merge();
    let told = said(&merged);
    assert!(
        told.contains(&format!("shard {shard}: its result has changed")),
        "{told}"
    );
    let [command] = commands(&told)[..] else {
        panic!("one command: {told}");
    };
    let output = pasted(command, place.path(), None, &program());
    assert_eq!(
        output.status.code(),
        Some(0),
        "{command}: {}",
        said(&output)
    );
    assert_eq!(sharded.merged(), single(&place));
}

/// Beyond some, shards are told together; a place that looks like an option is none.
#[test]
fn many_shards_are_repaired_by_few_commands() {
    let (place, other) = (Place::of(&audit()), Place::of(&trail(3).archive()));
    let sharded = planned(&place, "-results", 28);
    let foreign = planned(&other, "results", 28);
    foreign.read(22);
    for shard in [22, 23, 25] {
        fs::create_dir_all(&sharded.results).expect("a folder");
        fs::copy(foreign.result(22), sharded.result(shard)).expect("a copy");
    }
    sharded.read(26);
    let mut command = program();
    command
        .current_dir(place.path())
        .args(["merge", "--plan", "plan-28.json", "--", "-results"]);
    let merged = ran(&mut command);
    let told = said(&merged);
    assert_eq!(merged.status.code(), Some(3), "{told}");
    for words in [
        "shard 19 of 28: there is no result",
        "shards 20-21,24,27 of 28: there is no result",
        "shards 22-23,25 of 28: what lies in the place",
        "27 shards have no result that can be used (0-25,27)",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let commands = commands(&told);
    assert_eq!(commands.len(), 22, "{told}");
    // Pasted again, they move nothing: what was aside stays there.
    let mut aside = Vec::new();
    for _ in 0..2 {
        for command in &commands {
            let output = pasted(command, place.path(), None, &program());
            assert_eq!(
                output.status.code(),
                Some(0),
                "{command}: {}",
                said(&output)
            );
        }
        aside.push(moved_aside(&sharded.results));
    }
    assert!(!aside[0].is_empty() && aside[0] == aside[1]);
    assert_eq!(sharded.merged(), single(&place));
}

/// What was moved aside, and what it holds.
fn moved_aside(results: &Path) -> BTreeMap<OsString, Vec<u8>> {
    let entries = fs::read_dir(results).expect("a folder");
    let entries = entries.map(|entry| entry.expect("an entry"));
    let aside = entries.filter(|entry| entry.file_name().to_string_lossy().contains(".aside-"));
    let aside = aside.filter(|entry| entry.path().is_file());
    aside
        .map(|entry| (entry.file_name(), fs::read(entry.path()).expect("a file")))
        .collect()
}

/// An archive and results in buckets, where the result of shard 1 is that of another plan.
fn with_a_foreign_object(archive: &Archive) -> (Served, Place) {
    let served = served(archive);
    served.server.store().bucket("results");
    let place = Place::new();
    let ready = || served.program();
    for (end, results) in [
        ("2024-03-10T05:00:00Z", "s3://results/other"),
        (DAY[3], RESULTS),
    ] {
        let arguments = [DAY[0], DAY[1], DAY[2], end];
        let mut sharded = Sharded::plan(&ready, place.path(), SOURCE.as_ref(), &arguments, 3);
        sharded.results = results.into();
        sharded.read_all();
    }
    {
        let mut store = served.server.store();
        let bucket = store.bucket("results");
        let foreign = bucket.get("other/shard-00001.result").cloned();
        bucket.put(
            "it's \"run\" 1/shard-00001.result",
            foreign.expect("a result"),
        );
    }
    (served, place)
}

/// The command that is told of it.
fn told_of_object(sharded: &Sharded<'_>) -> String {
    let merged = sharded.merge();
    let told = said(&merged);
    assert_eq!(merged.status.code(), Some(3), "{told}");
    assert!(
        told.contains("shard 1 of 3: its result is of another plan"),
        "{told}"
    );
    let [command] = commands(&told)[..] else {
        panic!("one command: {told}");
    };
    command.to_owned()
}

fn single_of(served: &Served) -> Value {
    compared(&ran(served.command(SOURCE).args(["--format", "json"])))
}

fn over<'a>(program: &'a dyn Fn() -> Command, place: &Place) -> Sharded<'a> {
    Sharded {
        program,
        plan: place.path().join("plan-3.json"),
        results: RESULTS.into(),
        shards: 3,
    }
}

/// What the AWS CLI is asked for, by a stand-in for it that moves the object.
#[test]
fn a_foreign_object() {
    let (served, place) = with_a_foreign_object(&audit());
    let ready = || served.program();
    let sharded = over(&ready, &place);
    let command = told_of_object(&sharded);
    let asked = place.path().join("asked");
    let aws = place.path().join("aws");
    // A look that fails does not say that nothing was moved aside before.
    let failing = format!("#!/bin/sh\necho \"$2\" >>'{}'\nexit 255\n", asked.display());
    fs::write(&aws, failing).expect("a script");
    let made = Command::new("chmod").arg("+x").arg(&aws).status();
    assert!(made.expect("chmod").success());
    let output = pasted(&command, place.path(), Some(place.path()), &ready());
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert_eq!(fs::read_to_string(&asked).expect("what was asked"), "ls\n");
    let script = format!(
        "#!/bin/sh\n[ \"$2\" = mv ] || exit 1\nprintf '%s\\n' \"$@\" >'{}'\n",
        asked.display()
    );
    fs::write(&aws, script).expect("a script");
    // Before the object has moved, the shard is not read.
    let output = pasted(&command, place.path(), Some(place.path()), &ready());
    assert_eq!(
        output.status.code(),
        Some(2),
        "{command}: {}",
        said(&output)
    );
    assert!(
        said(&output).contains("of another plan"),
        "{}",
        said(&output)
    );
    let asked = fs::read_to_string(asked).expect("what was asked for");
    let [s3, mv, from, to] = asked.lines().collect::<Vec<_>>()[..] else {
        panic!("{asked}");
    };
    assert_eq!((s3, mv), ("s3", "mv"));
    assert_eq!(from, "s3://results/it's \"run\" 1/shard-00001.result");
    {
        let key = |url: &str| url.strip_prefix("s3://results/").expect("a key").to_owned();
        let mut store = served.server.store();
        let bucket = store.bucket("results");
        let object = bucket.get(&key(from)).cloned().expect("a result");
        bucket.put(&key(to), object);
        bucket.delete(&key(from));
    }
    let output = pasted(&command, place.path(), Some(place.path()), &ready());
    assert_eq!(
        output.status.code(),
        Some(0),
        "{command}: {}",
        said(&output)
    );
    assert_eq!(sharded.merged(), single_of(&served));
}

#[test]
#[ignore = "installs the AWS CLI"]
fn the_aws_cli_moves_a_foreign_object() {
    let Some(aws) = aws_cli() else {
        return;
    };
    let (served, place) = with_a_foreign_object(&audit());
    let ready = || served.program();
    let sharded = over(&ready, &place);
    let command = told_of_object(&sharded);
    let folder = Path::new(aws.get_program()).parent();
    let output = pasted(&command, place.path(), folder, &ready());
    assert_eq!(
        output.status.code(),
        Some(0),
        "{command}: {}",
        said(&output)
    );
    assert_eq!(sharded.merged(), single_of(&served));
    // How buckets are reached is part of the commands where it was typed.
    served
        .server
        .store()
        .bucket("results")
        .delete("it's \"run\" 1/shard-00002.result");
    let url = served.server.url();
    let mut merge = ready();
    merge
        .arg("merge")
        .arg(&sharded.results)
        .args(["--endpoint-url", &url]);
    let told = said(&ran(&mut merge));
    let [command] = commands(&told)[..] else {
        panic!("one command: {told}");
    };
    assert!(
        command.ends_with(&format!(" --endpoint-url '{url}'")),
        "{command}"
    );
}
