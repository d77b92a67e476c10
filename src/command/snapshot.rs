//! `snapshot`: verify, and keep what was read.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;

use super::{Watchers, dry_run, look, run_info, whole_seconds};
use crate::cli::SnapshotArgs;
use crate::engine::{Stop, forecast, in_parallel, run};
use crate::plan::{LogsPlan, Place};
use crate::report::amounts::{bytes, counted};
use crate::report::{Format, Outputs, RunInfo};
use crate::source::snapshot::{Brakes, Finished, Head, RecordedRun, Recording, RunFilters, Store};
use crate::verify::conclusion::ExitStatus;

/// Room for what comes with each object: its metadata, its lines in index and manifest, and the end
/// of its last block.
const BESIDE: u64 = 4096;

pub(super) fn snapshot(args: &SnapshotArgs, stop: &Stop) -> Result<ExitStatus> {
    let logs = &args.logs;
    if logs.state.is_some() {
        bail!("--state is for `ct-verify logs`: a snapshot is of a whole range");
    }
    let started = whole_seconds(Timestamp::now());
    let plan = match LogsPlan::resolve(logs, started, stop) {
        Err(_) if stop.is_stopped() => return Ok(ExitStatus::Interrupted),
        plan => plan?,
    };
    if logs.dry_run {
        return dry_run(logs, &plan, stop);
    }
    apart(&plan.place, &args.dir)?;
    let show = &logs.output.show;
    let mut info = run_info(logs, &plan, started);
    let store = open(args, &plan, &info, stop)?;
    let recording = Recording::new(
        plan.place.source(),
        Arc::clone(&store),
        plan.job.weights.bounds,
    );
    let total = room(args, &plan, &recording, stop)?;
    let mut outputs = Outputs::open(show.format, look(show), &plan.reports)?;
    let (watchers, mut observers) = Watchers::new(&logs.output);
    let give_up = stop.clone();
    outputs.stream(&info, &mut observers, move || give_up.stop())?;
    watchers.progress.by_bytes(total, store.progress());
    let begun = recording.begin();
    begun.with_context(|| format!("cannot write a snapshot to {}", args.dir.display()))?;
    let conclusion = run(&plan.job, &recording, &observers, stop);
    if conclusion.is_ok() && !stop.is_stopped() {
        let left = recording.left_unread();
        in_parallel(plan.job.limits.threads, &left, |object| {
            if !stop.is_stopped() {
                recording.copy(object);
            }
        });
    }
    watchers.finish()?;
    if let Some(failure) = store.take_failure() {
        return Err(failure).with_context(|| {
            format!("cannot write the snapshot {}; once there is room, the same command goes on where it ended", args.dir.display())
        });
    }
    let mut conclusion =
        conclusion.with_context(|| format!("cannot look at {}", logs.source.display()))?;
    let finished = if stop.is_stopped() {
        conclusion = conclusion.stopped();
        None
    } else {
        let now = whole_seconds(Timestamp::now());
        let holdings = plan.job.keys.holdings();
        let ended = recording.finish(&holdings, conclusion.verdict().name(), now);
        Some(ended.with_context(|| format!("cannot finish the snapshot {}", args.dir.display()))?)
    };
    info.finished = whole_seconds(Timestamp::now());
    info.keys = plan.key_sources();
    outputs.conclude(&conclusion, &info)?;
    tell(args, finished.as_ref())?;
    Ok(conclusion.exit_status())
}

/// A snapshot of a folder into itself would copy itself.
fn apart(place: &Place, dir: &Path) -> Result<()> {
    let folder = match place {
        Place::Folder(folder) => folder,
        Place::Snapshot(_) => bail!(
            "the source is a snapshot already: copy its folder as it is, and the manifest vouches for the copy too"
        ),
        Place::S3(_) => return Ok(()),
    };
    let mut above = std::path::absolute(dir)?;
    while !above.exists() {
        if !above.pop() {
            return Ok(());
        }
    }
    let above = above.canonicalize()?;
    if above.starts_with(folder.path()) {
        bail!(
            "{} lies in the source: name a folder outside of it",
            dir.display()
        );
    }
    Ok(())
}

fn open(args: &SnapshotArgs, plan: &LogsPlan, info: &RunInfo, stop: &Stop) -> Result<Arc<Store>> {
    let filters = &plan.job.filters;
    let list = |names: &std::collections::BTreeSet<String>| names.iter().cloned().collect();
    let bounds = plan.job.weights.bounds;
    let head = Head::new(
        format!("ct-verify {}", info.version),
        plan.place.identity(),
        RunFilters {
            accounts: list(&filters.accounts),
            regions: list(&filters.regions),
            trails: list(&filters.trails),
            home_region: filters.home_region.clone(),
            digests_only: plan.job.digests_only,
        },
        plan.place.source().keeps_versions(),
        RecordedRun {
            started: plan.job.weights.now,
            finished: None,
            arguments: info.arguments.clone(),
            host: info.host.clone(),
            user: info.user.clone(),
            start: bounds.start(),
            end: bounds.end(),
            verdict: None,
        },
    );
    let (halt, is_halted) = (stop.clone(), stop.clone());
    let brakes = Brakes {
        halt: Box::new(move || halt.stop()),
        is_halted: Box::new(move || is_halted.is_stopped()),
    };
    let store = Store::open(&args.dir, &head, brakes);
    let store =
        store.with_context(|| format!("cannot write a snapshot to {}", args.dir.display()))?;
    Ok(Arc::new(store))
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

/// Says what is there now, where a person reads it.
fn tell(args: &SnapshotArgs, finished: Option<&Finished>) -> Result<()> {
    let output = &args.logs.output.show;
    if output.quiet {
        return Ok(());
    }
    let dir = crate::report::escape::visible(&args.dir.to_string_lossy()).into_owned();
    let told = match finished {
        None => format!(
            "The snapshot in {dir} is not finished: run the same command again, and it goes on where it ended.\n"
        ),
        Some(finished) => {
            let unread = match finished.unread {
                0 => String::new(),
                unread => format!(
                    ", and the reasons why {} could not be read",
                    counted(unread, "object", "objects")
                ),
            };
            format!(
                "Snapshot\n  {} ({}) in {dir}{unread}\n  MANIFEST.sha256 names {} and has SHA-256\n  {}\n  Write that down, or sign snapshot.json, which holds it. Verify with: ct-verify logs {dir}\n",
                counted(finished.objects, "object", "objects"),
                bytes(finished.bytes),
                counted(finished.files, "file", "files"),
                finished.manifest,
            )
        }
    };
    let to_stdout = output.format == Format::Text && finished.is_some();
    if to_stdout {
        write!(io::stdout(), "\n{told}")
    } else {
        write!(io::stderr(), "{told}")
    }
    .context("cannot tell what the snapshot came to")
}
