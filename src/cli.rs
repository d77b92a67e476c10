//! What was typed, and nothing else.

mod shards;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::report::Format;

pub use shards::{MergeArgs, PlanArgs, PriceArgs, ShardArgs};

/// Proves, or disproves, that an archive of AWS CloudTrail logs is what CloudTrail delivered
///
/// It checks CloudTrail's signed hourly digests, the chain that they form, and every log file that they name. It also looks for
/// what should not be there: logs that no digest names, digests that no chain reaches, time that no digest covers.
#[derive(Debug, Parser)]
#[command(name = "ct-verify", version, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Verify digests, chain and log files
    ///
    /// Everything below SOURCE is verified in one run: every organization, account, region and trail found there. The verdict is
    /// told by the exit status: 0 valid, 1 invalid, 3 unverified (nothing is proven wrong, but not everything could be verified), 2
    /// where the run could not be set up.
    Logs(Box<LogsCommand>),
    /// Show a saved JSON report in another format
    ///
    /// The exit status is the one that the saved verdict stands for: 0 valid, 1 invalid, 3 unverified, 130 of a run that was
    /// interrupted; 2 where the file is no report, or contradicts itself. Nothing is verified anew.
    Report(ReportArgs),
    /// Write the JSON Schema of the JSON report to standard output
    Schema,
    /// Verify saved query results of CloudTrail Lake
    ///
    /// Every export below SOURCE is verified in one run: its sign file (`result_sign.json`), and the result files that it names,
    /// hashed as they are stored. The exit status is that of `logs`. What is not signed, such as names, region, time and query id,
    /// is told as claimed.
    QueryResults(Box<QueryArgs>),
    /// Copy digests, logs, their metadata and the public keys into a folder that is verified offline, for ever
    ///
    /// It verifies while it copies, with one read for each object, and reports like `logs`. What is tampered is kept too. If it is
    /// interrupted, the same command goes on where it ended. `ct-verify logs DIR` needs no network and no options then. With
    /// `--query-results` it does the same for saved query results, and `ct-verify query-results DIR` verifies them.
    Snapshot(Box<SnapshotArgs>),
    /// Cut one verification into shards that many machines can read side by side
    ///
    /// It lists what is to be verified, and writes a plan: which shard reads what, over which range, with which keys and filters.
    /// `ct-verify logs --plan FILE --shard I --result PLACE` reads one shard, and `ct-verify merge PLACE` comes to the verdict, with
    /// the report that one run would have given.
    Plan(Box<PlanArgs>),
    /// Join the results of all shards of a plan to one verdict
    ///
    /// The report and the exit status are those of one `ct-verify logs` over the whole. Where the result of a shard is missing,
    /// damaged or of another plan, there is no verdict: the shards are told by number, with the command that reads each of them
    /// anew, and the exit status is 3.
    Merge(Box<MergeArgs>),
    /// Verify known-good and known-bad archives, which come with the program
    ///
    /// They run through the same pipeline as any other. The exit status is 0 where each got the verdict and the finding that it
    /// must get, and 2 where one did not: then nothing that this program says here is to be relied on.
    Selftest,
    /// Tell what a finding means, what can cause it, and what to do next
    ///
    /// Without a code, all findings are listed with their severity.
    Explain {
        /// A finding's code, such as log-missing; without it, the list of all
        code: Option<String>,
    },
    /// Write shell completions to standard output
    Completions {
        /// The shell that is to complete commands
        shell: clap_complete::Shell,
    },
}

/// What `logs` takes: a source, or one shard of a plan.
#[derive(Debug, Args)]
pub struct LogsCommand {
    /// `s3://BUCKET[/PREFIX]`, a trail's ARN, or a local folder: a copy of a bucket, or of a part of one
    #[arg(required_unless_present_any = ["plan", "result", "shard", "shard_offset"])]
    pub source: Option<PathBuf>,
    /// How it is verified.
    #[command(flatten)]
    pub options: LogsOptions,
    /// Which shard.
    #[command(flatten)]
    pub shard: ShardArgs,
}

/// A source, and how it is verified.
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// `s3://BUCKET[/PREFIX]`, a trail's ARN, or a local folder: a copy of a bucket, or of a part of one
    pub source: PathBuf,
    /// How it is verified.
    #[command(flatten)]
    pub options: LogsOptions,
}

impl std::ops::Deref for LogsArgs {
    type Target = LogsOptions;

    fn deref(&self) -> &LogsOptions {
        &self.options
    }
}

/// Options of `logs`.
#[derive(Debug, Args)]
pub struct LogsOptions {
    /// Public keys from a file (repeatable): list-public-keys JSON, or PEM or DER of PKCS#1, SPKI or X.509
    #[arg(long = "public-keys", value_name = "FILE")]
    pub public_keys: Vec<PathBuf>,
    /// Check the chain and the signatures, and read no logs
    #[arg(long)]
    pub digests_only: bool,
    /// Verify what is newer than an earlier run, which this file remembers, and that the chains lead back to it
    ///
    /// The file is written by the first run, which needs a start time for a bucket; in later runs the file tells where to begin. It
    /// is replaced in one step, and of each chain only by a run that found it valid.
    #[arg(long, value_name = "FILE", conflicts_with = "digests_only")]
    pub state: Option<PathBuf>,
    /// First verify the archives of `selftest`, and verify SOURCE only where each of them got what it must get
    ///
    /// The report tells that it was done (`run.selftest`). Where one is judged wrongly, nothing that the program says here is to be
    /// relied on: it ends with the exit status 2.
    #[arg(long)]
    pub selftest: bool,
    /// Objects read at a time: 200 unless this says otherwise, and of a folder four for each core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub concurrency: Option<u16>,
    /// Tell what would be read (objects, bytes, requests), and read nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Memory to use, roughly (such as 1G; 256M unless this says otherwise)
    #[arg(long, value_name = "SIZE", value_parser = Size::parse)]
    pub max_memory: Option<Size>,
    /// What of a dry run is reckoned.
    #[command(flatten)]
    pub prices: PriceArgs,
    // A heading holds for all options after it, so those without one stand before.
    /// What of it
    #[command(flatten)]
    pub range: RangeArgs,
    /// What is told
    #[command(flatten)]
    pub output: OutputArgs,
    /// How buckets are reached
    #[command(flatten)]
    pub aws: AwsArgs,
}

/// Options of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// A JSON report, as --report FILE.json writes it; - for standard input
    #[arg(value_name = "REPORT.json")]
    pub saved: PathBuf,
    /// Where it goes
    #[command(flatten)]
    pub show: ShowArgs,
}

/// Options of `query-results`.
#[derive(Debug, Args)]
pub struct QueryArgs {
    /// `s3://BUCKET[/PREFIX]`, or a local folder: one export, or any that holds some at any depth
    pub source: PathBuf,
    /// Public keys from a file (repeatable): list-public-keys JSON, or PEM or DER of PKCS#1, SPKI or X.509
    #[arg(long = "public-keys", value_name = "FILE")]
    pub public_keys: Vec<PathBuf>,
    /// Objects read at a time: 200 unless this says otherwise, and of a folder four for each core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub concurrency: Option<u16>,
    /// Memory to use for what comes from S3, roughly (such as 1G; 256M unless this says otherwise)
    #[arg(long, value_name = "SIZE", value_parser = Size::parse)]
    pub max_memory: Option<Size>,
    /// What is told
    #[command(flatten)]
    pub output: OutputArgs,
    /// How buckets are reached
    #[command(flatten)]
    pub aws: AwsArgs,
}

/// Hides options that belong to what is flattened into a command, and that it refuses.
fn hidden(arg: clap::Arg, refused: &[&str]) -> clap::Arg {
    let is_refused = refused.contains(&arg.get_id().as_str());
    arg.hide(is_refused)
}

/// Options of `snapshot`.
#[derive(Debug, Args)]
#[command(mut_args(|arg| hidden(arg, &["state"])))]
pub struct SnapshotArgs {
    /// What is verified, and how.
    #[command(flatten)]
    pub logs: LogsArgs,
    /// Copy saved query results of CloudTrail Lake instead of logs
    #[arg(long, help_heading = None)]
    pub query_results: bool,
    /// The folder that is written: empty, not there yet, or a snapshot of the same source
    #[arg(value_name = "DIR", help_heading = None)]
    pub dir: PathBuf,
}

/// How S3 and CloudTrail are reached.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "AWS")]
pub struct AwsArgs {
    /// Ask this URL instead of AWS's own endpoints
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// A profile of the AWS config files
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Do not sign requests: for public buckets
    #[arg(long, conflicts_with = "profile")]
    pub no_sign_request: bool,
    /// Pay for requests to a requester-pays bucket
    #[arg(long, value_name = "WHO", num_args = 0..=1, default_missing_value = "requester")]
    pub request_payer: Option<Payer>,
}

impl AwsArgs {
    /// The first of these options that was given.
    pub fn first_used(&self) -> Option<&'static str> {
        [
            (self.endpoint_url.is_some(), "--endpoint-url"),
            (self.profile.is_some(), "--profile"),
            (self.no_sign_request, "--no-sign-request"),
            (self.request_payer.is_some(), "--request-payer"),
        ]
        .into_iter()
        .find_map(|(used, option)| used.then_some(option))
    }
}

/// Who pays for requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Payer {
    /// Whoever makes them
    Requester,
}

/// A size in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub usize);

impl Size {
    /// Less than this is of no use.
    const LEAST: usize = 16 * 1024 * 1024;

    /// A number with K, M or G after it, as most tools take it: KiB, MiB, GiB.
    fn parse(text: &str) -> Result<Self, String> {
        let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
        let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
            "" => 1,
            "k" | "kib" => 1 << 10,
            "m" | "mib" => 1 << 20,
            "g" | "gib" => 1 << 30,
            unit => return Err(format!("{unit:?} is no unit; write K, M or G")),
        };
        let number: usize = digits.parse().map_err(|_| "it is no number".to_owned())?;
        let bytes = number.checked_mul(unit).ok_or("it is too large")?;
        if bytes < Self::LEAST {
            return Err("less than 16M is not enough to work with".to_owned());
        }
        Ok(Self(bytes))
    }
}

/// What of the source is verified.
#[derive(Debug, Args)]
#[command(next_help_heading = "Range")]
pub struct RangeArgs {
    /// Verify from here on: RFC 3339, a date (UTC), 20160129T190000Z, or a span back from now (36h, 90d)
    // A span with a sign is refused with a word on how it is written.
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    pub start_time: Option<String>,
    /// Verify up to here, in the same forms
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    pub end_time: Option<String>,
    /// Only this account (repeatable)
    #[arg(long, value_name = "ID")]
    pub account: Vec<String>,
    /// Only this region (repeatable)
    #[arg(long, value_name = "NAME")]
    pub region: Vec<String>,
    /// Only this trail (repeatable)
    #[arg(long, value_name = "NAME")]
    pub trail: Vec<String>,
}

/// Where reports go, and how they look: for every command that makes one.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct ShowArgs {
    /// What standard output gets
    #[arg(long, value_name = "F", default_value = "text")]
    pub format: Format,
    /// Also write a report, its format told by its ending: .txt .json .jsonl .md .xml .sarif .html (repeatable)
    #[arg(long, value_name = "FILE")]
    pub report: Vec<PathBuf>,
    /// Tell all there is: every object and finding
    #[arg(short, long, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Tell the verdict alone, where standard output gets text
    #[arg(short, long)]
    pub quiet: bool,
    /// Colours on standard output
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: When,
}

/// What is told of a run, where and how.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Where reports go
    #[command(flatten)]
    pub show: ShowArgs,
    /// Take a finding down to a notice (repeatable)
    #[arg(long, value_name = "CODE")]
    pub allow: Vec<String>,
    /// Take a finding up to invalid (repeatable)
    #[arg(long, value_name = "CODE")]
    pub deny: Vec<String>,
    /// Progress on standard error
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub progress: When,
}

/// When to do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// Where a terminal shows it
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}
