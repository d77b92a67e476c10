//! What each command does: from what was typed to an exit status.

mod dry_run;
mod merge;
mod planning;
mod query;
mod repair;
mod shard;
mod snapshot;

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use clap::CommandFactory as _;
use jiff::Timestamp;

use crate::cli::{Cli, Command, LogsArgs, LogsCommand, OutputArgs, ReportArgs, ShowArgs, When};
use crate::engine::{Stop, run};
use crate::event::Observers;
use crate::plan::{LogsPlan, Named, keep_apart, report_files, reports};
use crate::report::saved::{self, Saved};
use crate::report::{
    Filters, Format, Look, Outputs, Progress, ProgressMode, RangeNote, RunInfo, SelftestNote,
    Verbose, Verbosity,
};
use crate::report::{explain, schema};
use crate::verify::conclusion::ExitStatus;
use crate::verify::finding::Code;
use crate::verify::time::Bounds;

/// Does what was asked for.
///
/// # Errors
/// Where it could not be set up, or its output could not be written.
pub fn execute(command: Command, stop: &Stop) -> Result<ExitStatus> {
    match command {
        Command::Logs(args) => match *args {
            LogsCommand {
                source: Some(source),
                options,
                shard,
            } if shard.plan.is_none() && shard.without_plan().is_none() => {
                logs(&LogsArgs { source, options }, stop)
            }
            LogsCommand { options, shard, .. } => shard::shard(&options, &shard, stop),
        },
        Command::Plan(args) => planning::plan(&args, stop),
        Command::Merge(args) => merge::merge(&args, stop),
        Command::Report(args) => report(&args),
        Command::Schema => {
            schema::write(&mut io::stdout().lock()).context("cannot write the schema")?;
            Ok(ExitStatus::Valid)
        }
        Command::QueryResults(args) => query::query_results(&args, stop),
        Command::Snapshot(args) => snapshot::snapshot(&args, stop),
        Command::Selftest => selftest(stop),
        Command::Explain { code } => explain(code.as_deref()),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "ct-verify", &mut script);
            io::stdout()
                .write_all(&script)
                .context("cannot write the completions")?;
            Ok(ExitStatus::Valid)
        }
    }
}

fn logs(args: &LogsArgs, stop: &Stop) -> Result<ExitStatus> {
    dry_run::check(args)?;
    let started = whole_seconds(Timestamp::now());
    let plan = match LogsPlan::resolve(args, started, stop) {
        Err(_) if stop.is_stopped() => return Ok(ExitStatus::Interrupted),
        plan => plan?,
    };
    if args.dry_run {
        return dry_run::tell(args, &plan, stop);
    }
    if let Some(state) = &plan.state {
        state.check_writable()?;
    }
    let show = &args.output.show;
    let mut outputs = Outputs::open(show.format, look(show), &plan.reports)?;
    let (watchers, mut observers) = Watchers::new(&args.output);
    let mut info = run_info(&args.source, &plan, started);
    info.selftest = tested(args, stop)?;
    let give_up = stop.clone();
    outputs.stream(&info, &mut observers, move || give_up.stop())?;
    let conclusion = run(&plan.job, plan.place.source(), &observers, stop);
    watchers.finish()?;
    let conclusion =
        conclusion.with_context(|| format!("cannot look at {}", args.source.display()))?;
    info.finished = whole_seconds(Timestamp::now());
    info.keys = plan.key_sources();
    info.state = plan.state.as_ref().map(|state| state.note(&conclusion));
    outputs.conclude(&conclusion, &info)?;
    if let Some(state) = plan.state.filter(|_| !conclusion.interrupted) {
        state.update(&plan.place.identity(), &conclusion, &plan.job)?;
    }
    Ok(conclusion.exit_status())
}

/// Shows a saved report. Nothing is verified anew: what it says of the archive it still says.
fn report(args: &ReportArgs) -> Result<ExitStatus> {
    let report = read_report(&args.saved).with_context(|| {
        if is_standard_input(&args.saved) {
            return "cannot use what came on standard input".to_owned();
        }
        format!("cannot use {}", args.saved.display())
    })?;
    let show = &args.show;
    let files = reports(show)?;
    apart(&files, ("REPORT.json", &args.saved), &[])?;
    let outputs = Outputs::open(show.format, look(show), &files)?;
    outputs.write_with(|format, look, out| report.render(format, look, out))?;
    Ok(report.exit_status())
}

/// What is written is not what is read.
fn apart(files: &[(Format, PathBuf)], read: Named<'_>, sources: &[&Path]) -> Result<()> {
    let written: Vec<Named<'_>> = report_files(files).collect();
    keep_apart(&written, &[read], sources)
}

fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

fn read_report(path: &Path) -> Result<Saved> {
    if is_standard_input(path) {
        return Ok(saved::read(io::stdin().lock())?);
    }
    Ok(saved::read(File::open(path)?)?)
}

/// Those who tell what happens while a run goes on.
struct Watchers {
    progress: Progress,
    verbose: Option<Verbose>,
}

impl Watchers {
    fn new(output: &OutputArgs) -> (Self, Observers) {
        let mut observers = Observers::default();
        let progress = Progress::start(progress_mode(output));
        observers.add(Box::new(progress.observer()));
        let verbose = output.show.verbose.then(|| {
            // Other formats than text have standard output to themselves.
            let out: Box<dyn Write + Send> = if output.show.format == Format::Text {
                Box::new(BufWriter::new(io::stdout()))
            } else {
                Box::new(BufWriter::new(io::stderr()))
            };
            Verbose::new(out, look(&output.show))
        });
        if let Some(verbose) = &verbose {
            observers.add(Box::new(verbose.clone()));
        }
        (Self { progress, verbose }, observers)
    }

    fn finish(self) -> Result<()> {
        self.progress.finish();
        self.verbose
            .map_or(Ok(()), |verbose| verbose.finish())
            .context("cannot write what happened")
    }
}

fn progress_mode(output: &OutputArgs) -> ProgressMode {
    match output.progress {
        When::Never => ProgressMode::Off,
        When::Auto if output.show.quiet || output.show.verbose => ProgressMode::Off,
        When::Auto | When::Always if io::stderr().is_terminal() => ProgressMode::Bar,
        When::Auto | When::Always => ProgressMode::Lines,
    }
}

fn selftest(stop: &Stop) -> Result<ExitStatus> {
    let outcomes = crate::selftest::run(stop).context("cannot test itself")?;
    if stop.is_stopped() {
        return Ok(ExitStatus::Interrupted);
    }
    let look = Look {
        width: width(),
        color: io::stdout().is_terminal() && !no_color(),
        verbosity: Verbosity::Normal,
    };
    let mut out = BufWriter::new(io::stdout().lock());
    crate::report::selftest::write(&outcomes, &look, &mut out)
        .and_then(|()| out.flush())
        .context("cannot write what came of it")?;
    let is_right = outcomes.iter().all(crate::selftest::Outcome::is_right);
    Ok(if is_right {
        ExitStatus::Valid
    } else {
        ExitStatus::Setup
    })
}

/// The selftest, where it is asked for before a run.
fn tested(args: &LogsArgs, stop: &Stop) -> Result<Option<SelftestNote>> {
    if !args.selftest || stop.is_stopped() {
        return Ok(None);
    }
    let outcomes = crate::selftest::run(stop).context("cannot test itself")?;
    let right = outcomes.iter().filter(|outcome| outcome.is_right()).count();
    ensure!(
        stop.is_stopped() || right == outcomes.len(),
        "the selftest failed: it said what it must of {right} of {} archives only; see `ct-verify selftest`",
        outcomes.len()
    );
    Ok((!stop.is_stopped()).then_some(SelftestNote {
        archives: outcomes.len() as u64,
        right: right as u64,
    }))
}

fn explain(code: Option<&str>) -> Result<ExitStatus> {
    let look = Look {
        width: width(),
        color: io::stdout().is_terminal() && !no_color(),
        verbosity: Verbosity::Normal,
    };
    let mut out = BufWriter::new(io::stdout().lock());
    match code {
        Some(name) => {
            let code = Code::from_name(name).with_context(|| {
                format!("{name:?} is no finding; `ct-verify explain` lists them")
            })?;
            explain::one(code, &look, &mut out)
        }
        None => explain::all(&look, &mut out),
    }
    .and_then(|()| out.flush())
    .context("cannot write the explanation")?;
    Ok(ExitStatus::Valid)
}

fn no_color() -> bool {
    let is_dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    is_dumb || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// That of the terminal that standard output goes to; where it goes elsewhere, that of a report file.
fn width() -> usize {
    terminal_size::terminal_size_of(std::io::stdout()).map_or(80, |(width, _)| usize::from(width.0))
}

/// What is known of a run when it begins: its end, and the keys that it will ask for, are not.
fn run_info(source: &Path, plan: &LogsPlan, started: Timestamp) -> RunInfo {
    let filters = &plan.job.filters;
    let list = |names: &std::collections::BTreeSet<String>| names.iter().cloned().collect();
    RunInfo {
        keys: plan.key_sources(),
        snapshot: plan.snapshot.clone(),
        range_of_archive: range_of_archive(plan.job.weights.bounds),
        digests_only: plan.job.digests_only,
        filters: Filters {
            accounts: list(&filters.accounts),
            regions: list(&filters.regions),
            trails: list(&filters.trails),
        },
        allow: plan.job.weights.allow.iter().copied().collect(),
        deny: plan.job.weights.deny.iter().copied().collect(),
        ..begun(source, started)
    }
}

/// Which ends of the range nothing tells but the archive.
fn range_of_archive(bounds: Bounds) -> Option<RangeNote> {
    let note = RangeNote {
        start: bounds.start().is_none(),
        end: bounds.end().is_none(),
    };
    (note.start || note.end).then_some(note)
}

/// What is known of any run when it begins.
fn begun(source: &Path, started: Timestamp) -> RunInfo {
    RunInfo {
        started,
        finished: started,
        arguments: std::env::args_os()
            .skip(1)
            .map(|argument| argument.to_string_lossy().into_owned())
            .collect(),
        host: host(),
        user: user(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        source: source.to_string_lossy().into_owned(),
        keys: Vec::new(),
        snapshot: None,
        plan: None,
        selftest: None,
        range_of_archive: None,
        state: None,
        digests_only: false,
        filters: Filters::default(),
        allow: Vec::new(),
        deny: Vec::new(),
    }
}

/// Reports tell time to the second.
fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

fn user() -> Option<String> {
    std::env::var("USER")
        .or_else(|_| std::env::var("LOGNAME"))
        .ok()
}

#[cfg(unix)]
fn host() -> Option<String> {
    let name = rustix::system::uname();
    name.nodename().to_str().ok().map(str::to_owned)
}

#[cfg(not(unix))]
fn host() -> Option<String> {
    std::env::var("COMPUTERNAME").ok()
}

fn look(show: &ShowArgs) -> Look {
    let color = match show.color {
        When::Always => true,
        When::Never => false,
        When::Auto => io::stdout().is_terminal() && !no_color(),
    };
    let verbosity = if show.quiet {
        Verbosity::Quiet
    } else if show.verbose {
        Verbosity::Verbose
    } else {
        Verbosity::Normal
    };
    Look {
        width: width(),
        color,
        verbosity,
    }
}
