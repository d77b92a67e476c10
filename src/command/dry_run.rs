//! `--dry-run`: what a run would read, and what that comes to.

use std::io::{self, BufWriter, Write as _};

use anyhow::{Context as _, Result, bail, ensure};

use crate::cli::{LogsArgs, PriceArgs, ShowArgs};
use crate::engine::{Stop, forecast};
use crate::plan::LogsPlan;
use crate::report::forecast::{self, Prices};
use crate::verify::conclusion::ExitStatus;

/// Refuses what a dry run cannot do, and what nothing else can.
///
/// # Errors
/// Where something was typed that would be left undone without a word.
pub(super) fn check(args: &LogsArgs) -> Result<()> {
    if !args.dry_run {
        ensure!(
            !args.prices.is_asked_for(),
            "--price-get, --price-list and --rate are for --dry-run, and for `ct-verify plan`"
        );
        return Ok(());
    }
    let show = &args.output.show;
    ensure!(
        show.report.is_empty(),
        "--report is for a run that verifies: --dry-run tells what would be read on standard output alone, as text or with --format json"
    );
    ensure!(
        !args.selftest,
        "--selftest is for a run that verifies: --dry-run verifies nothing"
    );
    check_format("--dry-run", show)
}

/// Refuses the formats that are for verdicts: what would be read has none.
///
/// # Errors
/// Where `option` was asked for in such a format.
pub(super) fn check_format(option: &str, show: &ShowArgs) -> Result<()> {
    if !forecast::is_told_as(show.format) {
        bail!(
            "--format {} is for a verdict: {option} tells what would be read as text, or with --format json",
            show.format.name()
        );
    }
    Ok(())
}

/// Tells what a run would read.
pub(super) fn tell(args: &LogsArgs, plan: &LogsPlan, stop: &Stop) -> Result<ExitStatus> {
    let forecast = forecast(&plan.job, plan.place.source(), stop)
        .with_context(|| format!("cannot look at {}", args.source.display()))?;
    let mut out = BufWriter::new(io::stdout().lock());
    let prices = prices(&args.prices, 0);
    forecast::write(&forecast, &prices, args.output.show.format, &mut out)
        .and_then(|()| out.flush())
        .context("cannot write to standard output")?;
    Ok(if stop.is_stopped() {
        ExitStatus::Interrupted
    } else if forecast.problems.is_empty() {
        ExitStatus::Valid
    } else {
        ExitStatus::Unverified
    })
}

/// What was typed of prices.
pub(super) fn prices(args: &PriceArgs, more_listings: u64) -> Prices {
    Prices {
        get: args.price_get,
        list: args.price_list,
        rate: args.rate,
        more_listings,
    }
}
