//! The `ct-verify` command: parse, run, exit status.
#![allow(clippy::print_stderr, clippy::exit)]

use std::process::ExitCode;

use clap::Parser as _;
use ct_verify::cli::Cli;
use ct_verify::command;
use ct_verify::engine::Stop;
use ct_verify::report::escape::harmless;
use ct_verify::verify::conclusion::ExitStatus;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let stop = Stop::default();
    let status = listen(&stop)
        .and_then(|()| command::execute(cli.command, &stop))
        .unwrap_or_else(|error| {
            // What came from an archive or a snapshot may be part of it.
            eprintln!("ct-verify: {}", harmless(&format!("{error:#}")));
            // What could not begin because it was stopped was set up well.
            if stop.is_stopped() {
                ExitStatus::Interrupted
            } else {
                ExitStatus::Setup
            }
        });
    ExitCode::from(status.code())
}

/// The first interrupt ends the run and reports what was found; the second ends it at once.
fn listen(stop: &Stop) -> anyhow::Result<()> {
    let stop = stop.clone();
    ctrlc::set_handler(move || {
        if stop.is_stopped() {
            std::process::exit(ExitStatus::Interrupted.code().into());
        }
        stop.stop();
    })?;
    Ok(())
}
