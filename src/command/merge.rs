//! `merge`: join the results of all shards.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use super::repair::{Repair, ranges};
use super::shard::{Read, open_place, or_try_again, read_plan};
use super::{Watchers, apart, look, run_info, whole_seconds};
use crate::cli::{MergeArgs, OutputArgs};
use crate::engine::{Stop, run};
use crate::plan::{LogsPlan, Means, reports};
use crate::report::amounts::counted;
use crate::report::escape::visible;
use crate::report::{Outputs, PlanNote};
use crate::shard::{Gap, Gathered, Joined, Plan, ResultPlace};
use crate::verify::conclusion::ExitStatus;

/// How many shards are told one by one.
const MOST_TOLD: usize = 20;

pub(super) fn merge(args: &MergeArgs, stop: &Stop) -> Result<ExitStatus> {
    or_try_again(join(args, stop))
}

fn join(args: &MergeArgs, stop: &Stop) -> Result<ExitStatus> {
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
    apart(&means.reports, ("--plan", &file), &[place])?;
    let memory = means.memory();
    let planned = match LogsPlan::of_plan(&plan, means, stop) {
        Err(_) if stop.is_stopped() => return Ok(ExitStatus::Interrupted),
        planned => planned?,
    };
    let threads = planned.job.limits.threads;
    let repair = Repair {
        plan: (&file, &plan),
        place: &args.place,
        aws: &args.aws,
        looked: started,
    };
    let gathered = results.gather((&plan, &identity), threads, stop);
    if stop.is_stopped() {
        return Ok(ExitStatus::Interrupted);
    }
    let files = match gathered.with_context(|| format!("cannot use {}", args.place.display()))? {
        Gathered::All(files) => files,
        Gathered::Gaps(gaps) => {
            tell_gaps(&repair, &gaps)?;
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
    info.plan = Some(PlanNote {
        sha256: identity.clone(),
        made: plan.made,
        shards: plan.shards,
    });
    let give_up = stop.clone();
    outputs.stream(&info, &mut observers, move || give_up.stop())?;
    let conclusion = run(&planned.job, &joined, &observers, stop);
    watchers.finish()?;
    if let Some((shard, why)) = joined.broken() {
        let is_gone = !results.holds(shard);
        let does = if is_gone {
            "this reads the shard anew"
        } else {
            "this moves it aside, and reads the shard anew"
        };
        let told =
            format!("shard {shard}: its result has changed since it was checked: {why}; {does}");
        complain_with(&told, &repair.of(shard, is_gone))?;
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
fn open(args: &MergeArgs, stop: &Stop) -> Result<Option<(ResultPlace, PathBuf, Plan, String)>> {
    let cannot_use = || format!("cannot use {}", args.place.display());
    let read = |file: &PathBuf| read_plan(file, &args.aws, stop);
    let mut given = match args.plan.as_ref().map(read).transpose() {
        Err(_) if stop.is_stopped() => return Ok(None),
        given => given?,
    };
    let brought = given.as_mut().and_then(|read| read.connection.take());
    let planned = given.as_ref().map(|read| read.plan.aws.clone());
    let planned = planned.unwrap_or_default();
    let results = open_place(&args.place, (&planned, &args.aws), brought, stop)?;
    if let (Some(Read { plan, identity, .. }), Some(file)) = (given, &args.plan) {
        return Ok(Some((results, file.clone(), plan, identity)));
    }
    match results.plan() {
        Err(_) if stop.is_stopped() => Ok(None),
        told => {
            let (name, plan, identity) = told.with_context(cannot_use)?;
            Ok(Some((results, args.place.join(name), plan, identity)))
        }
    }
}

/// Without all results there is no verdict.
fn tell_gaps(repair: &Repair<'_>, gaps: &[Gap]) -> Result<()> {
    let shards = repair.plan.1.shards;
    let (first, others) = gaps.split_at(gaps.len().min(MOST_TOLD));
    for Gap { shard, why } in first {
        let command = repair.of(*shard, why.is_replaced());
        let does = if why.is_replaced() {
            "this reads it"
        } else {
            "this moves that aside, and reads it"
        };
        let told = format!("shard {shard} of {shards}: {why}; {does}");
        complain_with(&told, &command)?;
    }
    for (is_replaced, what) in [
        (
            true,
            "there is no result of them, or none of use; this reads them",
        ),
        (
            false,
            "what lies in the place of their results is not theirs, or cannot be read; this moves that aside, and reads them",
        ),
    ] {
        let alike = others.iter();
        let alike = alike.filter(|gap| gap.why.is_replaced() == is_replaced);
        let alike: Vec<u32> = alike.map(|gap| gap.shard).collect();
        if !alike.is_empty() {
            let command = repair.of_each(&alike, is_replaced);
            let told = format!("shards {} of {shards}: {what}", ranges(&alike));
            complain_with(&told, &command)?;
        }
    }
    let without = counted(gaps.len() as u64, "shard has", "shards have");
    complain(&format!(
        "there is no verdict: {without} no result that can be used ({})",
        ranges(&gaps.iter().map(|gap| gap.shard).collect::<Vec<_>>())
    ))
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

/// The same with a command, in a line of its own: it can be taken as it stands.
fn complain_with(text: &str, command: &str) -> Result<()> {
    complain(&format!("{text}:"))?;
    writeln!(io::stderr(), "    {command}").context("cannot write to standard error")
}
