//! `logs --plan`: read one shard.

use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::progress_mode;
use crate::cli::{AwsArgs, LogsOptions, ShardArgs};
use crate::engine::{ShardCounts, ShardError, Slice, Stop, read_shard};
use crate::plan::{LogsPlan, Means, connect, result_bucket, tells_more};
use crate::report::Progress;
use crate::report::amounts::{bytes, counted};
use crate::report::escape::visible;
use crate::shard::{Plan, PlannedAws, ResultPlace, ResultWriter, result_name};
use crate::source::{Connection, Limited, S3Store, Source, SourceError};
use crate::verify::conclusion::ExitStatus;
use crate::verify::location::RootId;

/// Where engines tell a task of an array its index: Slurm, AWS Batch, Kubernetes.
const INDICES: [&str; 3] = [
    "SLURM_ARRAY_TASK_ID",
    "AWS_BATCH_JOB_ARRAY_INDEX",
    "JOB_COMPLETION_INDEX",
];

/// Engines take a task that ends with a fault of setup for one that need not be tried again.
pub(super) fn shard(options: &LogsOptions, args: &ShardArgs, stop: &Stop) -> Result<ExitStatus> {
    match read_and_keep(options, args, stop) {
        Err(_) if stop.is_stopped() => Ok(ExitStatus::Interrupted),
        ended => or_try_again(ended),
    }
}

/// What was asked of a service may have failed, and not been refused: the next time it may not.
pub(super) fn or_try_again(ended: Result<ExitStatus>) -> Result<ExitStatus> {
    let may_pass = |error: &anyhow::Error| {
        error.chain().any(|cause| {
            let cause = cause.downcast_ref::<SourceError>();
            matches!(cause, Some(SourceError::Unavailable(_)))
        })
    };
    match ended {
        Err(error) if may_pass(&error) => {
            let told = visible(&format!("{error:#}")).to_string();
            writeln!(io::stderr(), "ct-verify: {told}")
                .context("cannot write to standard error")?;
            Ok(ExitStatus::Unverified)
        }
        ended => ended,
    }
}

fn read_and_keep(options: &LogsOptions, args: &ShardArgs, stop: &Stop) -> Result<ExitStatus> {
    if let Some(option) = args.without_plan() {
        bail!(
            "{option} is for one shard of a plan: it goes with --plan FILE, and not with a SOURCE"
        );
    }
    let (Some(file), Some(place)) = (&args.plan, &args.result) else {
        bail!("--plan, --result and a shard go together");
    };
    let read = read_plan(file, &options.aws, stop)?;
    let (plan, identity) = (&read.plan, read.identity.as_str());
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
    let results = open_place(place, (&plan.aws, &options.aws), read.connection, stop)?;
    let done = results.is_done((plan, identity), shard);
    if done.with_context(|| in_place(place))? {
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
    let run = LogsPlan::of_plan(plan, means, stop)?;
    let source = run.place.source();
    let roots = roots(plan, source)?;
    let cannot_write = || format!("cannot write to {}", place.display());
    results
        .keep_plan(&read.bytes, identity)
        .with_context(cannot_write)?;
    let writer = ResultWriter::begin(plan, identity, shard, results.workshop());
    let mut writer = writer.with_context(cannot_write)?;
    let slices: Vec<Slice<'_>> = plan.slices(shard, &roots);
    let bounds = run.job.weights.bounds;
    let threads = run.job.limits.threads;
    let progress = Progress::start(progress_mode(&options.output));
    let (observer, from) = (progress.observer(), (source, &bounds));
    let read = read_shard(&slices, from, threads, (stop, &observer), &mut writer);
    progress.finish();
    let counts = match read {
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
    results.put(written, &name).with_context(cannot_write)?;
    told.finish(&counts, size, place, &name)?;
    Ok(ExitStatus::Valid)
}

fn in_place(place: &Path) -> String {
    format!("cannot use the results in {}", place.display())
}

/// The place of results that the user names. The connection that brought the plan serves for them
/// too, where the plan says nothing else: credentials are asked for once.
pub(super) fn open_place(
    place: &Path,
    (planned, aws): (&PlannedAws, &AwsArgs),
    brought: Option<Connection>,
    stop: &Stop,
) -> Result<ResultPlace> {
    let Some((bucket, prefix)) = result_bucket(place)? else {
        return Ok(ResultPlace::folder(place));
    };
    let connection = match brought.filter(|_| !tells_more(planned, aws)) {
        Some(connection) => connection,
        None => connect(planned, aws, stop)?,
    };
    ResultPlace::bucket(S3Store::new(connection, bucket, prefix))
}

/// A plan, its identity, its bytes, and what brought it from a bucket.
pub(super) struct Read {
    pub(super) plan: Plan,
    pub(super) identity: String,
    pub(super) bytes: Vec<u8>,
    pub(super) connection: Option<Connection>,
}

/// The plan in a file, or in an object of a bucket.
pub(super) fn read_plan(path: &Path, aws: &AwsArgs, stop: &Stop) -> Result<Read> {
    let cannot_use = || format!("cannot use the plan {}", path.display());
    let (bytes, connection) = match result_bucket(path).with_context(cannot_use)? {
        None => (read_bounded(path).with_context(cannot_use)?, None),
        Some((bucket, key)) => {
            let connection = connect(&PlannedAws::default(), aws, stop)?;
            let (prefix, name) = key.rsplit_once('/').unwrap_or(("", key));
            let store = S3Store::new(connection.clone(), bucket, prefix);
            let mut bytes = Limited::new(Vec::new(), Plan::MAX_LEN, "it is larger than any plan");
            let copied = store.get(name, &mut bytes).with_context(cannot_use)?;
            copied.with_context(cannot_use)?;
            (bytes.into_inner(), Some(connection))
        }
    };
    let (plan, identity) = Plan::read(&bytes).with_context(cannot_use)?;
    Ok(Read {
        plan,
        identity,
        bytes,
        connection,
    })
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    file.take(Plan::MAX_LEN + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The shard that was named, or the one of an array's task.
fn which(args: &ShardArgs) -> Result<u32> {
    if let Some(shard) = args.shard {
        return Ok(shard);
    }
    let told = INDICES
        .iter()
        .filter_map(|name| Some((*name, std::env::var(name).ok()?)));
    let mut indices = Vec::new();
    for (name, index) in told {
        let number: u32 = index
            .parse()
            .with_context(|| format!("{name}={index:?} is no index"))?;
        indices.push((name, number));
    }
    let Some(&(name, index)) = indices.first() else {
        bail!(
            "which shard? say --shard I, or run as a task of an array ({})",
            INDICES.join(", ")
        );
    };
    // An engine may run inside of another's task. Whose array is meant, nobody can tell.
    if let Some((other, its)) = indices.iter().find(|(_, its)| *its != index) {
        bail!("which shard? {name} is {index}, and {other} is {its}: say --shard I");
    }
    let shard = index.checked_add(args.shard_offset.unwrap_or(0));
    shard.context("--shard-offset leads beyond any shard")
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
            Some(problem) => Err(problem.error.clone())
                .with_context(|| format!("cannot look for {name}: {}", problem.path)),
            None => bail!("{name}, which the plan was made of, is not there: make a new plan"),
        }
    };
    plan.roots.iter().map(number).collect()
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
            let file = format!("{}/{name}", place.to_string_lossy().trim_end_matches('/'));
            self.complain(&format!(
                "could not read {}, which the verdict will call unreadable; to try again, remove {} and run it anew",
                counted(counts.failed, "object or part of a folder", "objects or parts of folders"),
                file
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
