//! The `ct-verify` command: parse, run, exit status.
#![allow(clippy::print_stderr, clippy::exit)]

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser as _;
use ct_verify::cli::Cli;
use ct_verify::command;
use ct_verify::engine::Stop;
use ct_verify::report::escape::harmless;
use ct_verify::verify::conclusion::ExitStatus;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let stop = Stop::default();
    let interrupted = Arc::new(AtomicBool::new(false));
    let status = listen(&stop, &interrupted)
        .and_then(|()| command::execute(cli.command, &stop))
        .unwrap_or_else(|error| {
            // What came from an archive or a snapshot may be part of it.
            eprintln!("ct-verify: {}", harmless(&format!("{error:#}")));
            // What could not begin because of an interrupt was set up well. A run also stops by itself, where
            // it cannot write.
            if interrupted.load(Ordering::Relaxed) {
                ExitStatus::Interrupted
            } else {
                ExitStatus::Setup
            }
        });
    ExitCode::from(status.code())
}

/// The first interrupt ends the run and reports what was found; the second ends it at once.
fn listen(stop: &Stop, interrupted: &Arc<AtomicBool>) -> anyhow::Result<()> {
    let (stop, interrupted) = (stop.clone(), Arc::clone(interrupted));
    ctrlc::set_handler(move || {
        interrupted.store(true, Ordering::Relaxed);
        if stop.is_stopped() {
            std::process::exit(ExitStatus::Interrupted.code().into());
        }
        stop.stop();
    })?;
    Ok(())
}
