//! `query-results`.

use anyhow::{Context as _, Result};
use jiff::Timestamp;

use super::{Watchers, host, look, user, whole_seconds};
use crate::cli::QueryArgs;
use crate::engine::{Stop, verify_exports};
use crate::plan::QueryPlan;
use crate::report::query::{QueryReport, render};
use crate::report::{Filters, Outputs, RunInfo};
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

fn run_info(args: &QueryArgs, plan: &QueryPlan, started: Timestamp) -> RunInfo {
    RunInfo {
        started,
        finished: whole_seconds(Timestamp::now()),
        arguments: std::env::args_os()
            .skip(1)
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect(),
        host: host(),
        user: user(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        source: args.source.to_string_lossy().into_owned(),
        keys: plan.key_sources(),
        snapshot: None,
        digests_only: false,
        filters: Filters::default(),
        allow: plan.job.weights.allow.iter().copied().collect(),
        deny: plan.job.weights.deny.iter().copied().collect(),
    }
}
