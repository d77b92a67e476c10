//! `merge`: join the results of all shards.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use super::shard::{Read, open_place, read_plan};
use super::{Watchers, apart, look, run_info, whole_seconds};
use crate::cli::{MergeArgs, OutputArgs};
use crate::engine::{Stop, run};
use crate::plan::{LogsPlan, Means, reports};
use crate::report::Outputs;
use crate::report::amounts::counted;
use crate::report::escape::visible;
use crate::shard::{Gap, Gathered, Joined, Plan, PlannedAws, ResultPlace};
use crate::verify::conclusion::ExitStatus;

/// So many shards are told one by one.
const MOST_TOLD: usize = 20;

pub(super) fn merge(args: &MergeArgs, stop: &Stop) -> Result<ExitStatus> {
    let started = whole_seconds(Timestamp::now());
    let Some((results, file, plan, identity)) = open(args, stop)? else {
        return Ok(ExitStatus::Interrupted);
    };
    let show = &args.output.show;
    let means = Means {
        concurrency: args.concurrency,
        max_memory: args.max_memory,
        aws: &args.aws,
        allow: &args.output.allow,
        deny: &args.output.deny,
        reports: reports(show)?,
    };
    let place = Path::new(&plan.source);
    apart(&means.reports, ("--plan", Path::new(&file)), &[place])?;
    let memory = means.memory();
    let planned = match LogsPlan::of_plan(&plan, means, stop) {
        Err(_) if stop.is_stopped() => return Ok(ExitStatus::Interrupted),
        planned => planned?,
    };
    let threads = planned.job.limits.threads;
    let gathered = results.gather((&plan, &identity), threads, stop);
    if stop.is_stopped() {
        return Ok(ExitStatus::Interrupted);
    }
    let files = match gathered.with_context(|| format!("cannot use {}", args.place.display()))? {
        Gathered::All(files) => files,
        Gathered::Gaps(gaps) => {
            tell_gaps(args, &file, &plan, &gaps)?;
            return Ok(ExitStatus::Unverified);
        }
    };
    let bounds = planned.job.weights.bounds;
    let source = planned.place.source();
    // A quarter of the memory; digests and bodies have theirs.
    let joined = Joined::new(source, (&plan, bounds), &files, memory / 4, stop);
    let mut outputs = Outputs::open(show.format, look(show), &planned.reports)?;
    let (watchers, mut observers) = Watchers::new(&args.output);
    let mut info = run_info(Path::new(&plan.source), &planned, started);
    let give_up = stop.clone();
    outputs.stream(&info, &mut observers, move || give_up.stop())?;
    let conclusion = run(&planned.job, &joined, &observers, stop);
    watchers.finish()?;
    if let Some((shard, why)) = joined.broken() {
        let broken = format!("shard {shard}: its result has changed since it was checked: {why}");
        complain(&broken)?;
        return Ok(ExitStatus::Unverified);
    }
    let conclusion = conclusion.with_context(|| format!("cannot look at {}", plan.source))?;
    info.finished = whole_seconds(Timestamp::now());
    info.keys = planned.key_sources();
    outputs.conclude(&conclusion, &info)?;
    tell_asked(&args.output, &plan, joined.asked())?;
    Ok(conclusion.exit_status())
}

/// The results, and their plan: its file as the user would name it, what it holds, its identity.
/// Nothing where the run was stopped.
fn open(args: &MergeArgs, stop: &Stop) -> Result<Option<(ResultPlace, String, Plan, String)>> {
    let cannot_use = || format!("cannot use {}", args.place.display());
    let read = |file: &PathBuf| read_plan(file, &args.aws, stop);
    let given = match args.plan.as_ref().map(read).transpose() {
        Err(_) if stop.is_stopped() => return Ok(None),
        given => given?,
    };
    let aws = given.as_ref().map(|read| &read.plan.aws);
    let results = open_place(
        &args.place,
        aws.unwrap_or(&PlannedAws::default()),
        &args.aws,
        stop,
    )?;
    if let (Some(Read { plan, identity, .. }), Some(file)) = (given, &args.plan) {
        return Ok(Some((
            results,
            file.to_string_lossy().into_owned(),
            plan,
            identity,
        )));
    }
    match results.plan() {
        Err(_) if stop.is_stopped() => Ok(None),
        told => {
            let (name, plan, identity) = told.with_context(cannot_use)?;
            let place = args.place.to_string_lossy();
            let file = format!("{}/{name}", place.trim_end_matches('/'));
            Ok(Some((results, file, plan, identity)))
        }
    }
}

/// Without all results there is no verdict.
fn tell_gaps(args: &MergeArgs, file: &str, plan: &Plan, gaps: &[Gap]) -> Result<()> {
    let place = args.place.to_string_lossy();
    for gap in gaps.iter().take(MOST_TOLD) {
        let shard = gap.shard;
        complain(&format!(
            "shard {shard} of {}: {}; this reads it: ct-verify logs --plan {} --shard {shard} --result {}",
            plan.shards,
            gap.why,
            quoted(file),
            quoted(&place)
        ))?;
    }
    if gaps.len() > MOST_TOLD {
        let shards: Vec<_> = gaps.iter().map(|gap| gap.shard).collect();
        complain(&format!("shards without a result: {}", ranges(&shards)))?;
    }
    let without = counted(gaps.len() as u64, "shard has", "shards have");
    complain(&format!(
        "there is no verdict: {without} no result that can be used"
    ))
}

/// Numbers in rising order, as arrays of tasks are given: 1-3,7.
fn ranges(numbers: &[u32]) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            Some(_) | None => runs.push((*number, *number)),
        }
    }
    let told = runs.into_iter().map(|(first, last)| {
        if first == last {
            first.to_string()
        } else {
            format!("{first}-{last}")
        }
    });
    told.collect::<Vec<_>>().join(",")
}

/// What was not the shards' own is told: it was read now, and here.
fn tell_asked(output: &OutputArgs, plan: &Plan, asked: u64) -> Result<()> {
    if asked == 0 || output.show.quiet {
        return Ok(());
    }
    let times = counted(asked, "time", "times");
    complain(&format!(
        "{} was asked {times} for what no shard had seen, or to be sure: objects that are missing or not what CloudTrail delivered, or lie beside the range or in another place",
        plan.source
    ))
}

fn complain(text: &str) -> Result<()> {
    writeln!(io::stderr(), "ct-verify: {}", visible(text)).context("cannot write to standard error")
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/=:@%+,".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_as_arrays_take_them() {
        assert_eq!(ranges(&[0, 1, 2, 5, 7, 8]), "0-2,5,7-8");
        assert_eq!(ranges(&[3]), "3");
    }
}
