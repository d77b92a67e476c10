//! What `plan`, `merge` and `logs --plan` take.

use std::path::PathBuf;

use clap::Args;

use super::{AwsArgs, LogsArgs, OutputArgs, Size, hidden};

/// Which shard of a plan is read.
#[derive(Debug, Args)]
#[command(next_help_heading = "Shard of a plan")]
pub struct ShardArgs {
    /// Read one shard of this plan (a file, or `s3://BUCKET/KEY`), which `ct-verify plan` made, and write what it saw to --result
    ///
    /// The exit status is 0 as soon as the shard has a result, whatever was found: `ct-verify merge` comes to the verdict.
    #[arg(
        long,
        value_name = "FILE",
        requires = "result",
        conflicts_with_all = [
            "source", "start_time", "end_time", "account", "region", "trail", "public_keys", "digests_only", "state",
            "dry_run", "selftest", "allow", "deny", "report",
        ]
    )]
    pub plan: Option<PathBuf>,
    /// Which shard, from 0 on; without it, the index that Slurm, AWS Batch or Kubernetes gives an array's task
    #[arg(long, value_name = "I")]
    pub shard: Option<u32>,
    /// Added to the index of an array's task, where a plan has more shards than an array may have tasks
    #[arg(long, value_name = "N", conflicts_with = "shard")]
    pub shard_offset: Option<u32>,
    /// Where results are written: a folder, or `s3://BUCKET/PREFIX`; a shard whose result is there is not read again
    #[arg(long, value_name = "PLACE")]
    pub result: Option<PathBuf>,
}

impl ShardArgs {
    /// An option that was given and says nothing without a plan.
    ///
    /// The parser cannot ask for one: it takes no option for missing that goes with nothing else which
    /// was typed, and `--plan` does not go with a source.
    pub fn without_plan(&self) -> Option<&'static str> {
        let given = [
            (self.result.is_some(), "--result"),
            (self.shard.is_some(), "--shard"),
            (self.shard_offset.is_some(), "--shard-offset"),
        ];
        let given = given.into_iter().find(|(is_given, _)| *is_given);
        given.filter(|_| self.plan.is_none()).map(|(_, name)| name)
    }
}

/// Options of `plan`.
#[derive(Debug, Args)]
#[command(mut_args(|arg| hidden(arg, &["state", "selftest", "report"])))]
pub struct PlanArgs {
    /// What is verified, and how.
    #[command(flatten)]
    pub logs: LogsArgs,
    /// How many shards
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(crate::shard::SLICE_LIMIT)), help_heading = "Plan")]
    pub shards: u32,
    /// Take what there is from the manifest.json of an S3 Inventory (CSV or Parquet) instead of listing it: a file, or `s3://BUCKET/KEY`
    ///
    /// It only decides where shards are cut: each lists its part when it runs, so what came after the inventory is read all the same.
    #[arg(long, value_name = "MANIFEST", help_heading = "Plan")]
    pub inventory: Option<PathBuf>,
    /// The file that the plan is written to; where machines read it from a bucket, copy it there
    #[arg(
        short,
        long,
        value_name = "FILE",
        default_value = "plan.json",
        help_heading = "Plan"
    )]
    pub output: PathBuf,
}

/// Options of `merge`.
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// Where the results are: a folder, or `s3://BUCKET/PREFIX`
    pub place: PathBuf,
    /// The plan (a file, or `s3://BUCKET/KEY`), where the results are those of more than one
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// Results, and objects, read at a time: 200 unless this says otherwise, and of a folder four for each core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub concurrency: Option<u16>,
    /// Memory to use, roughly (such as 1G; 256M unless this says otherwise)
    #[arg(long, value_name = "SIZE", value_parser = Size::parse)]
    pub max_memory: Option<Size>,
    /// What is told
    #[command(flatten)]
    pub output: OutputArgs,
    /// How buckets are reached
    #[command(flatten)]
    pub aws: AwsArgs,
}

/// What a dry run, or a plan, reckons from the objects that it counts.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Estimate (--dry-run and plan)")]
pub struct PriceArgs {
    /// What 1,000 GET requests cost; then the cost is told
    #[arg(long, value_name = "PRICE", value_parser = price)]
    pub price_get: Option<f64>,
    /// What 1,000 LIST requests cost; then the cost is told
    #[arg(long, value_name = "PRICE", value_parser = price)]
    pub price_list: Option<f64>,
    /// How many objects one machine reads in a second; then the time is told
    #[arg(long, value_name = "N", value_parser = price)]
    pub rate: Option<f64>,
}

impl PriceArgs {
    /// Whether any of it is asked for.
    pub fn is_asked_for(&self) -> bool {
        self.price_get.is_some() || self.price_list.is_some() || self.rate.is_some()
    }
}

fn price(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    if number.is_finite() && number > 0.0 {
        return Ok(number);
    }
    Err("it is not more than nothing".to_owned())
}
