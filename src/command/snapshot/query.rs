//! Snapshots of query results.

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;

use super::super::query::run_info;
use super::super::{Watchers, look, whole_seconds};
use super::common::{Kept, apart, beside, copy_the_rest, finish, open, tell, written};
use crate::cli::{LogsArgs, QueryArgs, SnapshotArgs};
use crate::engine::{Stop, verify_exports};
use crate::plan::QueryPlan;
use crate::report::Outputs;
use crate::report::query::{QueryReport, render};
use crate::source::snapshot::{Contents, ExportsPlace, Recording, RunFilters};
use crate::verify::conclusion::ExitStatus;
use crate::verify::time::Bounds;

pub(super) fn snapshot(args: &SnapshotArgs, stop: &Stop) -> Result<ExitStatus> {
    let query = of_queries(&args.logs)?;
    let started = whole_seconds(Timestamp::now());
    let plan = match QueryPlan::resolve(&query, stop) {
        Err(_) if stop.is_stopped() => return Ok(ExitStatus::Interrupted),
        plan => plan?,
    };
    apart(&plan.place, &args.dir)?;
    beside(&args.dir, &plan.reports)?;
    let show = &query.output.show;
    let info = run_info(&query, &plan, started);
    let store = open(args, kept(&plan, started), &info, stop)?;
    let recording = Recording::new(plan.place.source(), store);
    let outputs = Outputs::open(show.format, look(show), &plan.reports)?;
    let (watchers, observers) = Watchers::new(&query.output);
    let begun = recording.begin();
    begun.with_context(|| format!("cannot write a snapshot to {}", args.dir.display()))?;
    let conclusion = verify_exports(&plan.job, &recording, &observers, stop);
    if conclusion.is_ok() && !stop.is_stopped() {
        copy_the_rest(&recording, plan.job.threads, stop);
    }
    watchers.finish()?;
    written(args, recording.store())?;
    let mut conclusion =
        conclusion.with_context(|| format!("cannot look at {}", query.source.display()))?;
    let finished = if stop.is_stopped() {
        conclusion = conclusion.stopped();
        None
    } else {
        let now = whole_seconds(Timestamp::now());
        let verdict = conclusion.verdict();
        Some(finish(args, &recording, &*plan.job.keys, verdict, now)?)
    };
    let info = run_info(&query, &plan, started);
    let report = QueryReport::new(&conclusion, &info);
    outputs.write_with(|format, look, out| render(&report, format, look, out))?;
    tell(args, finished.as_ref())?;
    Ok(conclusion.exit_status())
}

/// What was typed, as `query-results` takes it. What is about logs makes no sense here.
fn of_queries(logs: &LogsArgs) -> Result<QueryArgs> {
    let range = &logs.range;
    let of_logs = [
        (range.start_time.is_some(), "--start-time"),
        (range.end_time.is_some(), "--end-time"),
        (!range.account.is_empty(), "--account"),
        (!range.region.is_empty(), "--region"),
        (!range.trail.is_empty(), "--trail"),
        (logs.digests_only, "--digests-only"),
        (logs.state.is_some(), "--state"),
        (logs.dry_run, "--dry-run"),
        (logs.prices.price_get.is_some(), "--price-get"),
        (logs.prices.price_list.is_some(), "--price-list"),
        (logs.prices.rate.is_some(), "--rate"),
    ];
    if let Some((_, option)) = of_logs.into_iter().find(|(used, _)| *used) {
        bail!("{option} is for logs: query results are taken whole");
    }
    Ok(QueryArgs {
        source: logs.source.clone(),
        public_keys: logs.public_keys.clone(),
        concurrency: logs.concurrency,
        max_memory: logs.max_memory,
        output: logs.output.clone(),
        aws: logs.aws.clone(),
    })
}

fn kept(plan: &QueryPlan, now: Timestamp) -> Kept {
    Kept {
        source: plan.identity(),
        contents: Contents::QueryResults(ExportsPlace {
            start: plan.job.start.clone(),
            before: plan.job.before.clone(),
        }),
        filters: RunFilters::default(),
        keeps_versions: false,
        now,
        bounds: Bounds::default(),
    }
}
