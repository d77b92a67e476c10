//! `query-results`.

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use super::{Watchers, begun, look, whole_seconds};
use crate::cli::QueryArgs;
use crate::engine::{Stop, verify_exports};
use crate::plan::QueryPlan;
use crate::report::query::{QueryReport, render};
use crate::report::{Outputs, RunInfo};
use crate::verify::conclusion::ExitStatus;

/// Verifies saved query results, and reports.
///
/// # Errors
/// Where it could not be set up, or its output could not be written.
pub(super) fn query_results(args: &QueryArgs, stop: &Stop) -> Result<ExitStatus> {
    let started = whole_seconds(Timestamp::now());
    let plan = match QueryPlan::resolve(args, stop) {
        Err(_) if stop.is_stopped() => return Ok(ExitStatus::Interrupted),
        plan => plan?,
    };
    let show = &args.output.show;
    let outputs = Outputs::open(show.format, look(show), &plan.reports)?;
    let (watchers, observers) = Watchers::new(&args.output);
    let conclusion = verify_exports(&plan.job, plan.place.source(), &observers, stop);
    watchers.finish()?;
    let conclusion =
        conclusion.with_context(|| format!("cannot look at {}", args.source.display()))?;
    let info = run_info(args, &plan, started);
    let report = QueryReport::new(&conclusion, &info);
    outputs.write_with(|format, look, out| render(&report, format, look, out))?;
    Ok(conclusion.exit_status())
}

/// Who ran what, when, with which keys.
pub(super) fn run_info(args: &QueryArgs, plan: &QueryPlan, started: Timestamp) -> RunInfo {
    RunInfo {
        finished: whole_seconds(Timestamp::now()),
        keys: plan.key_sources(),
        snapshot: plan.snapshot.clone(),
        allow: plan.job.weights.allow.iter().copied().collect(),
        deny: plan.job.weights.deny.iter().copied().collect(),
        ..begun(&args.source, started)
    }
}
