//! `plan`: cut one verification into shards.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use jiff::Timestamp;

use super::dry_run::{self, prices};
use super::whole_seconds;
use crate::cli::PlanArgs;
use crate::engine::{Inventoried, Partition, Stop, partition, partition_inventory};
use crate::plan::{
    LogsPlan, Named, Place, check_replaceable, connect, keep_apart, named, planned, replace,
};
use crate::report::amounts::counted;
use crate::report::{Format, escape, forecast};
use crate::shard::PlannedAws;
use crate::source::Inventory;
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
    dry_run::check_format("a plan", &logs.output.show)?;
    let keys = named("--public-keys", &logs.public_keys);
    let inventory = named("--inventory", &args.inventory);
    let read: Vec<Named<'_>> = keys.chain(inventory).collect();
    keep_apart(&[("-o", &args.output)], &read, &[&logs.source])?;
    let started = whole_seconds(Timestamp::now());
    let run = match LogsPlan::resolve(logs, started, stop) {
        Err(_) if stop.is_stopped() => return Ok(ExitStatus::Interrupted),
        run => run?,
    };
    if logs.dry_run {
        return dry_run::tell(logs, &run, stop);
    }
    let cannot_write = || format!("cannot write the plan {}", args.output.display());
    check_replaceable(&args.output).with_context(cannot_write)?;
    let cut = match &args.inventory {
        None => partition(&run.job, run.place.source(), args.shards, stop)
            .with_context(|| format!("cannot look at {}", logs.source.display())),
        Some(manifest) => inventoried(args, &run, manifest, stop),
    };
    if stop.is_stopped() {
        return Ok(ExitStatus::Interrupted);
    }
    let cut = cut?;
    let plan = planned(logs, &run, &cut, args.shards)?;
    let (bytes, identity) = plan.bytes().context("cannot write the plan")?;
    replace(&args.output, &bytes, true).with_context(cannot_write)?;
    tell(args, &cut, &identity).context("cannot write to standard output")?;
    let Some(first) = cut.forecast.problems.first() else {
        return Ok(ExitStatus::Valid);
    };
    let parts = cut.forecast.problems.len() as u64;
    let told = format!(
        "the plan is written, and {} could not be looked at, which the merge tries again: {}: {}",
        counted(parts, "part of the source", "parts of the source"),
        first.path,
        first.error
    );
    writeln!(io::stderr(), "ct-verify: {}", escape::visible(&told))
        .context("cannot write to standard error")?;
    Ok(ExitStatus::Unverified)
}

/// Cuts what an inventory tells, and says how old that is.
fn inventoried(args: &PlanArgs, run: &LogsPlan, manifest: &Path, stop: &Stop) -> Result<Partition> {
    let Place::S3(source) = &run.place else {
        bail!("--inventory is for buckets (s3://…) and trails (arn:…)");
    };
    let cannot_use = || format!("cannot use the inventory {}", manifest.display());
    let connect = || connect(&PlannedAws::default(), &args.logs.aws, stop);
    let inventory = Inventory::open(manifest, connect).with_context(cannot_use)?;
    if inventory.bucket() != &*source.place().bucket {
        let its = inventory.bucket();
        return Err(anyhow!("it is of the bucket {its}")).with_context(cannot_use);
    }
    let source = (run.place.source(), inventory.bucket());
    let cut = partition_inventory(&run.job, source, args.shards, stop, |visit| {
        inventory.each(&|| stop.is_stopped(), &mut |entry| {
            visit(Inventoried {
                key: &entry.key,
                size: entry.size,
                archived: entry.archived,
            });
        })
    });
    let cut = cut.with_context(cannot_use)?;
    if !args.logs.output.show.quiet {
        let age = run
            .job
            .weights
            .now
            .duration_since(inventory.made())
            .as_hours();
        writeln!(
            io::stderr(),
            "ct-verify: the inventory is of {}, {} ago; shards list what there is when they run",
            inventory.made(),
            counted(u64::try_from(age).unwrap_or(0), "hour", "hours")
        )
        .context("cannot write to standard error")?;
    }
    Ok(cut)
}

fn tell(args: &PlanArgs, cut: &Partition, identity: &str) -> io::Result<()> {
    let show = &args.logs.output.show;
    if show.quiet {
        return Ok(());
    }
    let mut out = BufWriter::new(io::stdout().lock());
    // A shard lists the levels of its part too: a request for each, and one for the part.
    let prices = prices(&args.logs.prices, cut.parts() * 6);
    forecast::write(&cut.forecast, &prices, show.format, &mut out)?;
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
