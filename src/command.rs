//! What each command does: from what was typed to an exit status.

use anyhow::Result;
use jiff::Timestamp;

use crate::cli::{Command, LogsArgs};
use crate::engine::{Stop, run};
use crate::event::Observers;
use crate::plan::LogsPlan;
use crate::report;
use crate::verify::conclusion::ExitStatus;

/// Does what was asked for.
///
/// # Errors
/// Where it could not be set up, or its output could not be written.
pub fn execute(command: Command, stop: &Stop) -> Result<ExitStatus> {
    match command {
        Command::Logs(args) => logs(&args, stop),
        Command::Explain { .. } => Ok(ExitStatus::Valid),
        Command::Completions { .. } => Ok(ExitStatus::Valid),
    }
}

fn logs(args: &LogsArgs, stop: &Stop) -> Result<ExitStatus> {
    let plan = LogsPlan::resolve(args, Timestamp::now())?;
    let observers = Observers::default();
    let conclusion = run(&plan.job, &plan.source, &observers, stop)?;
    report::write(
        &conclusion,
        &plan.source.path().display().to_string(),
        &mut std::io::stdout().lock(),
    )?;
    Ok(conclusion.exit_status())
}
