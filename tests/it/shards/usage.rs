//! How shards are asked for.

use super::common::{Place, Sharded, ran, said};
use crate::harness::program;
use crate::scenarios::common::audit;

fn planned(place: &Place) -> Sharded<'static> {
    let source = place.source();
    Sharded::plan(&program, place.path(), source.as_os_str(), &place.keys(), 6)
}

/// Engines tell a task its index.
#[test]
fn the_index_of_an_arrays_task() {
    let place = Place::of(&audit());
    let sharded = planned(&place);
    for (number, name) in [
        (0, "SLURM_ARRAY_TASK_ID"),
        (1, "AWS_BATCH_JOB_ARRAY_INDEX"),
        (2, "JOB_COMPLETION_INDEX"),
    ] {
        for (offset, shard) in [("0", number), ("3", number + 3)] {
            let mut command = program();
            command
                .env(name, number.to_string())
                .arg("logs")
                .arg("--plan")
                .arg(&sharded.plan);
            command
                .arg("--result")
                .arg(&sharded.results)
                .args(["--shard-offset", offset]);
            let output = ran(&mut command);
            assert_eq!(output.status.code(), Some(0), "{}", said(&output));
            assert!(sharded.result(shard).exists(), "{name} {offset}");
        }
    }
    assert_eq!(sharded.merge().status.code(), Some(0));
}

/// An engine inside of another's task: whose index is meant, nobody can tell but the user.
#[test]
fn two_engines_that_tell_two_indices() {
    let place = Place::of(&audit());
    let sharded = planned(&place);
    let run = |indices: [&str; 2], shard: &[&str]| {
        let mut command = program();
        command
            .env("SLURM_ARRAY_TASK_ID", indices[0])
            .env("JOB_COMPLETION_INDEX", indices[1])
            .arg("logs")
            .arg("--plan")
            .arg(&sharded.plan);
        ran(command.arg("--result").arg(&sharded.results).args(shard))
    };
    let output = run(["1", "2"], &[]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    for words in [
        "SLURM_ARRAY_TASK_ID is 1",
        "JOB_COMPLETION_INDEX is 2",
        "--shard I",
    ] {
        assert!(said(&output).contains(words), "{}", said(&output));
    }
    assert!(!sharded.result(1).exists() && !sharded.result(2).exists());
    let output = run(["1", "2"], &["--shard", "3"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(sharded.result(3).exists());
    let output = run(["4", "4"], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(sharded.result(4).exists());
}

#[test]
fn what_makes_no_sense_is_refused() {
    let place = Place::of(&audit());
    let sharded = planned(&place);
    let plan = sharded.plan.to_str().expect("a path");
    let results = sharded.results.to_str().expect("a path");
    let source = place.source();
    let source = source.to_str().expect("a path");
    for (arguments, words) in [
        (&["logs"][..], "SOURCE"),
        (&["logs", "--plan", plan], "--result"),
        (&["logs", "--result", results], "--plan"),
        (&["logs", source, "--shard", "1"], "--plan"),
        (
            &["logs", source, "--plan", plan, "--result", results],
            "cannot be used with",
        ),
        (
            &["logs", "--plan", plan, "--result", results],
            "which shard?",
        ),
        (
            &["logs", "--plan", plan, "--result", results, "--shard", "6"],
            "there is no shard 6",
        ),
        (
            &[
                "logs",
                "--plan",
                plan,
                "--result",
                results,
                "--shard",
                "1",
                "--digests-only",
            ],
            "cannot be used with",
        ),
        (
            &[
                "logs",
                "--plan",
                "no-such-plan.json",
                "--result",
                results,
                "--shard",
                "1",
            ],
            "no-such-plan.json",
        ),
        (
            &[
                "logs",
                "--plan",
                "/dev/null",
                "--result",
                results,
                "--shard",
                "1",
            ],
            "no plan",
        ),
        (&["plan", source], "--shards"),
        (&["plan", source, "--shards", "0"], "0 is not in"),
        (
            &["plan", source, "--shards", "2", "--state", "s"],
            "--state",
        ),
        (
            &["plan", "no-such-folder", "--shards", "2"],
            "no-such-folder",
        ),
        (&["merge", results], "cannot use"),
        (&["merge", source], "no plan"),
    ] {
        let output = ran(program().args(arguments));
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?}: {}",
            said(&output)
        );
        assert!(
            said(&output).contains(words),
            "{arguments:?}: {}",
            said(&output)
        );
    }
}

/// A result that was asked for, and that nobody would write.
#[test]
fn what_is_of_a_shard_says_nothing_without_its_plan() {
    let place = Place::of(&audit());
    for (options, option) in [
        (&["--result", "results"][..], "--result"),
        (&["--result", "results", "--shard", "1"], "--result"),
        (&["--shard", "1"], "--shard"),
        (&["--shard-offset", "0"], "--shard-offset"),
    ] {
        for sources in [vec![place.source()], Vec::new()] {
            let mut command = program();
            command.arg("logs").args(sources).args(options);
            let output = ran(command.args(place.keys()));
            assert_eq!(output.status.code(), Some(2), "{}", said(&output));
            let words = format!("{option} is for one shard of a plan: it goes with --plan FILE");
            assert!(said(&output).contains(&words), "{}", said(&output));
        }
    }
}

/// Where nothing can be read there is no result, and the engine may try again.
#[test]
fn a_source_that_is_gone() {
    let place = Place::of(&audit());
    let sharded = planned(&place);
    std::fs::rename(place.source(), place.path().join("moved")).expect("a folder");
    let output = ran(&mut sharded.shard(1));
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    std::fs::create_dir(place.source()).expect("a folder");
    let output = ran(&mut sharded.shard(1));
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(
        said(&output).contains("make a new plan"),
        "{}",
        said(&output)
    );
    assert!(!sharded.result(1).exists());
}

/// Every format of `logs` is one of `merge`.
#[test]
fn a_merge_reports_like_any_run() {
    let place = Place::of(&audit());
    let sharded = planned(&place);
    sharded.read_all();
    for format in [
        "text", "json", "jsonl", "markdown", "junit", "sarif", "html",
    ] {
        let file = place.path().join("report.html");
        let mut command = program();
        command
            .arg("merge")
            .arg(&sharded.results)
            .args(["--format", format]);
        let output = ran(command.arg("--report").arg(&file));
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert!(!output.stdout.is_empty());
        assert!(file.exists());
    }
}
