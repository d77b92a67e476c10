//! Snapshots of digests and logs.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;

use super::super::{Watchers, dry_run, look, run_info, tested, whole_seconds};
use super::common::{Kept, apart, beside, copy_the_rest, finish, open, tell, written};
use crate::cli::SnapshotArgs;
use crate::engine::{Stop, forecast, run};
use crate::plan::LogsPlan;
use crate::report::Outputs;
use crate::report::amounts::{bytes, counted};
use crate::source::snapshot::{Contents, Recording, RunFilters};
use crate::verify::conclusion::ExitStatus;

/// Room for what comes with each object: its metadata, its lines in index and manifest, and the end
/// of its last block.
const BESIDE: u64 = 4096;

pub(super) fn snapshot(args: &SnapshotArgs, stop: &Stop) -> Result<ExitStatus> {
    let logs = &args.logs;
    if logs.state.is_some() {
        bail!("--state is for `ct-verify logs`: a snapshot is of a whole range");
    }
    dry_run::check(logs)?;
    let started = whole_seconds(Timestamp::now());
    let plan = match LogsPlan::resolve(logs, started, stop) {
        Err(_) if stop.is_stopped() => return Ok(ExitStatus::Interrupted),
        plan => plan?,
    };
    if logs.dry_run {
        return dry_run::tell(logs, &plan, stop);
    }
    apart(&plan.place, &args.dir)?;
    beside(&args.dir, &plan.reports)?;
    let show = &logs.output.show;
    let mut info = run_info(&logs.source, &plan, started);
    info.selftest = tested(logs, stop)?;
    let store = open(args, kept(&plan), &info, stop)?;
    let source = plan.place.source();
    let recording = Recording::new(source, store);
    let total = room(args, &plan, &recording, stop)?;
    let mut outputs = Outputs::open(show.format, look(show), &plan.reports)?;
    let (watchers, mut observers) = Watchers::new(&logs.output);
    let give_up = stop.clone();
    outputs.stream(&info, &mut observers, move || give_up.stop())?;
    watchers
        .progress
        .by_bytes(total, recording.store().progress());
    let begun = recording.begin();
    begun.with_context(|| format!("cannot write a snapshot to {}", args.dir.display()))?;
    let conclusion = run(&plan.job, &recording, &observers, stop);
    if conclusion.is_ok() && !stop.is_stopped() {
        copy_the_rest(&recording, plan.job.limits.threads, stop);
    }
    watchers.finish()?;
    written(args, recording.store())?;
    let mut conclusion =
        conclusion.with_context(|| format!("cannot look at {}", logs.source.display()))?;
    let finished = if stop.is_stopped() {
        conclusion = conclusion.stopped();
        None
    } else {
        let now = whole_seconds(Timestamp::now());
        let verdict = conclusion.verdict();
        Some(finish(args, &recording, &*plan.job.keys, verdict, now)?)
    };
    info.finished = whole_seconds(Timestamp::now());
    info.keys = plan.key_sources();
    outputs.conclude(&conclusion, &info)?;
    tell(args, finished.as_ref())?;
    Ok(conclusion.exit_status())
}

fn kept(plan: &LogsPlan) -> Kept {
    let filters = &plan.job.filters;
    let list = |names: &BTreeSet<String>| names.iter().cloned().collect();
    Kept {
        source: plan.place.identity(),
        contents: Contents::Logs,
        filters: RunFilters {
            accounts: list(&filters.accounts),
            regions: list(&filters.regions),
            trails: list(&filters.trails),
            home_region: filters.home_region.clone(),
            management_account: filters.management_account.clone(),
            digests_only: plan.job.digests_only,
        },
        keeps_versions: plan.place.source().keeps_versions(),
        now: plan.job.weights.now,
        bounds: plan.job.weights.bounds,
    }
}

/// How many bytes are to be copied; an error where there is no room for them.
fn room(
    args: &SnapshotArgs,
    plan: &LogsPlan,
    recording: &Recording<'_>,
    stop: &Stop,
) -> Result<u64> {
    let forecast = forecast(&plan.job, recording, stop)
        .with_context(|| format!("cannot look at {}", args.logs.source.display()))?;
    let objects = forecast.digests.objects + forecast.logs.objects;
    let objects = objects.saturating_sub(recording.seen_held());
    let left = forecast.digests.bytes + forecast.logs.bytes;
    let needed = left + objects * BESIDE;
    if let Some(free) = recording.store().free_space().filter(|free| *free < needed) {
        bail!(
            "{} and their metadata need about {}, and {} has {} free",
            counted(objects, "object", "objects"),
            bytes(needed),
            args.dir.display(),
            bytes(free)
        );
    }
    Ok(left)
}
