//! What a dry run tells.

use std::io::{self, Write};

use serde_json::json;

use super::amounts::count;
use super::escape;
use super::format::Format;
use super::shown_json;
use crate::engine::{Amount, Forecast};

/// What is reckoned from a forecast.
#[derive(Clone, Copy, Debug, Default)]
pub struct Prices {
    /// What 1,000 GET requests cost.
    pub get: Option<f64>,
    /// What 1,000 LIST requests cost.
    pub list: Option<f64>,
    /// How many objects one machine reads in a second.
    pub rate: Option<f64>,
    /// How many LIST requests are made besides, if the run is cut into shards.
    pub more_listings: u64,
}

/// What a forecast comes to.
struct Estimate {
    cost: Option<f64>,
    /// What the cost leaves out, since no price of it was told.
    left_out: &'static str,
    /// Prices were told, and nothing is asked for that has one.
    is_free: bool,
    seconds: Option<f64>,
}

impl Prices {
    #[allow(clippy::cast_precision_loss, reason = "an estimate")]
    fn estimate(&self, forecast: &Forecast) -> Estimate {
        let objects = reads(forecast) as f64;
        let listings = forecast
            .requests
            .map(|made| (made + self.more_listings) as f64);
        let is_priced = self.get.is_some() || self.list.is_some();
        let cost = listings.filter(|_| is_priced).map(|listings| {
            (objects * self.get.unwrap_or(0.0) + listings * self.list.unwrap_or(0.0)) / 1000.0
        });
        let left_out = match (self.get, self.list) {
            (Some(_), None) => "; without LISTs, which --price-list tells the price of",
            (None, Some(_)) => "; without GETs, which --price-get tells the price of",
            (None, None) | (Some(_), Some(_)) => "",
        };
        Estimate {
            cost,
            left_out,
            is_free: is_priced && forecast.requests.is_none(),
            seconds: self.rate.map(|rate| objects / rate),
        }
    }
}

/// Whether a forecast can be told so.
pub fn is_told_as(format: Format) -> bool {
    match format {
        Format::Text | Format::Json => true,
        Format::Jsonl | Format::Markdown | Format::Junit | Format::Sarif | Format::Html => false,
    }
}

/// Writes a forecast: as JSON where JSON was asked for, else as text.
///
/// # Errors
/// Where `out` fails.
pub fn write(
    forecast: &Forecast,
    prices: &Prices,
    format: Format,
    out: &mut impl Write,
) -> io::Result<()> {
    let estimate = prices.estimate(forecast);
    match format {
        Format::Json | Format::Jsonl => json(forecast, &estimate, out),
        Format::Text | Format::Markdown | Format::Junit | Format::Sarif | Format::Html => {
            text(forecast, out)?;
            told(&estimate, out)
        }
    }
}

/// What it comes to, as text.
fn told(estimate: &Estimate, out: &mut impl Write) -> io::Result<()> {
    if estimate.is_free {
        writeln!(
            out,
            "cost             none: a folder is read without requests, which are what prices are for"
        )?;
    }
    if let Some(cost) = estimate.cost {
        writeln!(
            out,
            "cost     {cost:>12.4} for requests, in the currency of the prices{}",
            estimate.left_out
        )?;
    }
    if let Some(seconds) = estimate.seconds {
        writeln!(
            out,
            "time     {seconds:>12.0} {} of one machine ({:.2} hours)",
            if (0.5..1.5).contains(&seconds) {
                "second"
            } else {
                "seconds"
            },
            seconds / 3600.0
        )?;
    }
    Ok(())
}

/// A millionth of a currency is more than an estimate knows.
fn rounded(cost: f64) -> f64 {
    (cost * 1e6).round() / 1e6
}

fn reads(forecast: &Forecast) -> u64 {
    forecast.digests.objects + forecast.logs.objects - forecast.archived.objects
}

fn text(forecast: &Forecast, out: &mut impl Write) -> io::Result<()> {
    let mut line = |name: &str, amount: Amount, note: &str| {
        writeln!(
            out,
            "{name:<9}{:>12} {:<7} {:>16} bytes{note}",
            count(amount.objects),
            if amount.objects == 1 {
                "object"
            } else {
                "objects"
            },
            count(amount.bytes)
        )
    };
    line("digests", forecast.digests, "")?;
    line("logs", forecast.logs, "")?;
    if forecast.archived.objects > 0 {
        line(
            "archived",
            forecast.archived,
            " (of these: not read, told as unreadable)",
        )?;
    }
    if let Some(requests) = forecast.requests {
        writeln!(
            out,
            "requests {:>12} GET, and {} for listings, as many as were made now",
            count(reads(forecast)),
            count(requests)
        )?;
    }
    for problem in &forecast.problems {
        writeln!(
            out,
            "what lies in {} could not be listed: {}",
            escape::visible(&problem.path),
            escape::visible(&problem.error.to_string())
        )?;
    }
    Ok(())
}

fn json(forecast: &Forecast, estimate: &Estimate, out: &mut impl Write) -> io::Result<()> {
    let amount = |amount: Amount| json!({"objects": amount.objects, "bytes": amount.bytes});
    let requests = forecast
        .requests
        .map(|listings| json!({"get": reads(forecast), "listings": listings}));
    let problems = forecast
        .problems
        .iter()
        .map(|problem| json!({"path": problem.path, "error": problem.error.to_string()}));
    let told = json!({
        "digests": amount(forecast.digests),
        "logs": amount(forecast.logs),
        "archived": amount(forecast.archived),
        "requests": requests,
        "problems": problems.collect::<Vec<_>>(),
        "cost": estimate.cost.map(rounded),
        "seconds": estimate.seconds,
    });
    shown_json::write_pretty(&told, out)
}
