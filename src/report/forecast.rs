//! What a dry run tells.

use std::io::{self, Write};

use serde_json::json;

use super::escape;
use super::format::Format;
use super::shown_json;
use crate::engine::{Amount, Forecast};

/// Writes a forecast: as JSON where JSON was asked for, else as text.
///
/// # Errors
/// Where `out` fails.
pub fn write(forecast: &Forecast, format: Format, out: &mut impl Write) -> io::Result<()> {
    match format {
        Format::Json | Format::Jsonl => json(forecast, out),
        Format::Text | Format::Markdown | Format::Junit | Format::Sarif | Format::Html => {
            text(forecast, out)
        }
    }
}

fn reads(forecast: &Forecast) -> u64 {
    forecast.digests.objects + forecast.logs.objects - forecast.archived.objects
}

fn text(forecast: &Forecast, out: &mut impl Write) -> io::Result<()> {
    let mut line = |name: &str, amount: Amount, note: &str| {
        writeln!(
            out,
            "{name:<9}{:>12} objects {:>16} bytes{note}",
            amount.objects, amount.bytes
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
            "requests {:>12} GET, and {requests} for listings, as many as were made now",
            reads(forecast)
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

fn json(forecast: &Forecast, out: &mut impl Write) -> io::Result<()> {
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
    });
    shown_json::write_pretty(&told, out)
}
