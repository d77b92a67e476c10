//! `logs --plan`: read one shard.

use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use tempfile::NamedTempFile;

use super::planning::readable;
use crate::cli::{LogsOptions, ShardArgs};
use crate::engine::{ShardCounts, ShardError, Slice, Stop, read_shard};
use crate::plan::{LogsPlan, Means};
use crate::report::amounts::{bytes, counted};
use crate::report::escape::visible;
use crate::shard::{Plan, ResultError, ResultFile, ResultWriter, plan_name, result_name};
use crate::source::Source;
use crate::verify::conclusion::ExitStatus;
use crate::verify::location::RootId;

/// Where engines tell a task of an array its index: Slurm, AWS Batch, Kubernetes.
const INDICES: [&str; 3] = [
    "SLURM_ARRAY_TASK_ID",
    "AWS_BATCH_JOB_ARRAY_INDEX",
    "JOB_COMPLETION_INDEX",
];

pub(super) fn shard(options: &LogsOptions, args: &ShardArgs, stop: &Stop) -> Result<ExitStatus> {
    let (Some(file), Some(place)) = (&args.plan, &args.result) else {
        bail!("--plan, --result and a shard go together");
    };
    let (plan, identity) = read_plan(file)?;
    let shard = which(args)?;
    if shard >= plan.shards {
        bail!(
            "there is no shard {shard}: the plan has {}, and the first is 0",
            counted(plan.shards.into(), "shard", "shards")
        );
    }
    let mut told = Told {
        quiet: options.output.show.quiet,
        what: format!("shard {shard} of {}", plan.shards),
    };
    if is_done(place, (&plan, &identity), shard)? {
        told.say("has a result already")?;
        return Ok(ExitStatus::Valid);
    }
    let means = Means {
        concurrency: options.concurrency,
        max_memory: options.max_memory,
        aws: &options.aws,
        allow: &[],
        deny: &[],
        reports: Vec::new(),
    };
    let run = match LogsPlan::of_plan(&plan, means, stop) {
        Err(_) if stop.is_stopped() => return Ok(ExitStatus::Interrupted),
        run => run?,
    };
    let source = run.place.source();
    let roots = match roots(&plan, source) {
        Err(_) if stop.is_stopped() => return Ok(ExitStatus::Interrupted),
        roots => roots?,
    };
    keep_plan(place, file, &identity)?;
    let cannot_write = || format!("cannot write a result to {}", place.display());
    let writer = ResultWriter::begin(&plan, &identity, shard, place);
    let mut writer = writer.with_context(cannot_write)?;
    let slices: Vec<Slice<'_>> = plan.slices(shard, &roots);
    let bounds = run.job.weights.bounds;
    let threads = run.job.limits.threads;
    let counts = match read_shard(&slices, (source, &bounds), threads, stop, &mut writer) {
        Ok(counts) => counts,
        Err(ShardError::Interrupted) => return Ok(ExitStatus::Interrupted),
        Err(error @ ShardError::NothingWorked(_)) => {
            told.complain(&format!("has no result: {error}"))?;
            return Ok(ExitStatus::Unverified);
        }
        Err(ShardError::NotKept(error)) => return Err(error).with_context(cannot_write),
    };
    let written = writer.finish().with_context(cannot_write)?;
    let size = written.bytes;
    let name = result_name(shard);
    written
        .persist(&place.join(&name))
        .with_context(cannot_write)?;
    told.finish(&counts, size, place, &name)?;
    Ok(ExitStatus::Valid)
}

/// The plan in a file.
pub(super) fn read_plan(path: &Path) -> Result<(Plan, String)> {
    let read = || Plan::read(BufReader::new(File::open(path)?));
    read().with_context(|| format!("cannot use the plan {}", path.display()))
}

/// The shard that was named, or the one of an array's task.
fn which(args: &ShardArgs) -> Result<u32> {
    if let Some(shard) = args.shard {
        return Ok(shard);
    }
    let told = INDICES
        .iter()
        .find_map(|name| Some((name, std::env::var(name).ok()?)));
    let Some((name, index)) = told else {
        bail!(
            "which shard? say --shard I, or run as a task of an array ({})",
            INDICES.join(", ")
        );
    };
    let index: u32 = index
        .parse()
        .with_context(|| format!("{name}={index:?} is no index"))?;
    let shard = index.checked_add(args.shard_offset);
    shard.context("--shard-offset leads beyond any shard")
}

/// Whether a shard has a result that is whole and of this plan. One of another plan is not ours to
/// replace.
fn is_done(place: &Path, (plan, identity): (&Plan, &str), shard: u32) -> Result<bool> {
    let path = place.join(result_name(shard));
    match ResultFile::open(&path, plan, identity, shard) {
        Ok(_) => Ok(true),
        Err(ResultError::Missing | ResultError::Damaged(_)) => Ok(false),
        Err(error @ (ResultError::Foreign(_) | ResultError::Version(_))) => bail!(
            "shard {shard}: {error} ({}); give each plan a place of its own",
            path.display()
        ),
        Err(error @ ResultError::Unreadable(_)) => {
            Err(error).with_context(|| format!("shard {shard}, {}", path.display()))
        }
    }
}

/// What the source calls the plan's roots.
fn roots(plan: &Plan, source: &dyn Source) -> Result<Vec<RootId>> {
    let (roots, problems) = source
        .roots()
        .with_context(|| format!("cannot look at {}", plan.source))?;
    let number = |name: &String| {
        if let Some(root) = roots.iter().find(|root| root.name == *name) {
            return Ok(root.id);
        }
        match problems.first() {
            Some(problem) => bail!(
                "cannot look for {name}: {}: {}",
                problem.path,
                problem.error
            ),
            None => bail!("{name}, which the plan was made of, is not there: make a new plan"),
        }
    };
    plan.roots.iter().map(number).collect()
}

/// Whoever joins the results finds the plan beside them.
fn keep_plan(place: &Path, file: &Path, identity: &str) -> Result<()> {
    let keep = || -> Result<()> {
        fs::create_dir_all(place)?;
        let path = place.join(plan_name(identity));
        if path.exists() {
            return Ok(());
        }
        let bytes = fs::read(file)?;
        let (_, its) = Plan::read(&bytes[..])?;
        if its != identity {
            bail!("the plan {} is being changed", file.display());
        }
        let mut aside = NamedTempFile::new_in(place)?;
        aside.write_all(&bytes)?;
        readable(&aside)?;
        aside.as_file().sync_all()?;
        // Others write the same.
        aside.persist(path)?;
        Ok(())
    };
    keep().with_context(|| format!("cannot keep the plan in {}", place.display()))
}

/// What is told of a shard.
struct Told {
    quiet: bool,
    what: String,
}

impl Told {
    fn say(&mut self, text: &str) -> Result<()> {
        if self.quiet {
            return Ok(());
        }
        writeln!(io::stdout(), "{} {text}", self.what).context("cannot write to standard output")
    }

    fn complain(&mut self, text: &str) -> Result<()> {
        writeln!(io::stderr(), "ct-verify: {} {}", self.what, visible(text))
            .context("cannot write to standard error")
    }

    fn finish(&mut self, counts: &ShardCounts, size: u64, place: &Path, name: &str) -> Result<()> {
        if counts.failed > 0 {
            let file = place.join(name);
            self.complain(&format!(
                "could not read {}, which the verdict will call unreadable; to try again, remove {} and run it anew",
                counted(counts.failed, "object or part of a folder", "objects or parts of folders"),
                file.display()
            ))?;
        }
        self.say(&format!(
            "read {} and {} ({}); its result has {}",
            counted(counts.digests, "digest", "digests"),
            counted(counts.logs, "log", "logs"),
            bytes(counts.bytes),
            bytes(size)
        ))
    }
}
