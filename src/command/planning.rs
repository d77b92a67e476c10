//! `plan`: cut one verification into shards.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use tempfile::NamedTempFile;

use super::{dry_run, whole_seconds};
use crate::cli::PlanArgs;
use crate::engine::{Partition, Stop, partition};
use crate::plan::{LogsPlan, planned};
use crate::report::amounts::counted;
use crate::report::{Format, escape, forecast};
use crate::shard::readable;
use crate::verify::conclusion::ExitStatus;

pub(super) fn plan(args: &PlanArgs, stop: &Stop) -> Result<ExitStatus> {
    let logs = &args.logs;
    if logs.state.is_some() {
        bail!("--state is for `ct-verify logs`: a plan is of a whole range");
    }
    if logs.selftest {
        bail!("--selftest is for `ct-verify logs`: a plan verifies nothing");
    }
    if !logs.output.show.report.is_empty() {
        bail!("--report is for `ct-verify merge`, which comes to the verdict");
    }
    let started = whole_seconds(Timestamp::now());
    let run = match LogsPlan::resolve(logs, started, stop) {
        Err(_) if stop.is_stopped() => return Ok(ExitStatus::Interrupted),
        run => run?,
    };
    if logs.dry_run {
        return dry_run(logs, &run, stop);
    }
    let cut = partition(&run.job, run.place.source(), args.shards, stop);
    if stop.is_stopped() {
        return Ok(ExitStatus::Interrupted);
    }
    let cut = cut.with_context(|| format!("cannot look at {}", logs.source.display()))?;
    let plan = planned(logs, &run, &cut, args.shards)?;
    let (bytes, identity) = plan.bytes().context("cannot write the plan")?;
    write(&args.output, &bytes)
        .with_context(|| format!("cannot write the plan {}", args.output.display()))?;
    tell(args, &cut, &identity).context("cannot write to standard output")?;
    Ok(if cut.forecast.problems.is_empty() {
        ExitStatus::Valid
    } else {
        ExitStatus::Unverified
    })
}

/// Replaces the file in one step.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    let mut aside = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))?;
    aside.write_all(bytes)?;
    readable(&aside)?;
    aside.as_file().sync_all()?;
    aside.persist(path)?;
    Ok(())
}

fn tell(args: &PlanArgs, cut: &Partition, identity: &str) -> io::Result<()> {
    let show = &args.logs.output.show;
    if show.quiet {
        return Ok(());
    }
    let mut out = BufWriter::new(io::stdout().lock());
    forecast::write(&cut.forecast, show.format, &mut out)?;
    if show.format == Format::Text {
        let even = cut.balance().map_or_else(String::new, |balance| {
            format!("; the largest has {balance:.2} times the mean")
        });
        let file = args.output.to_string_lossy();
        writeln!(
            out,
            "plan     {} in {}{even} (identity {})",
            counted(args.shards.into(), "shard", "shards"),
            escape::visible(&file),
            identity.get(..16).unwrap_or(identity)
        )?;
    }
    out.flush()
}
