//! The totals as a table.

use std::io::{self, Write};

use super::page::heading;
use crate::report::amounts::{between, bytes, count};
use crate::report::json::{Bytes, Run};
use crate::report::look::Look;

/// How wide the columns of numbers are.
const WIDTHS: [usize; 5] = [10, 12, 12, 14, 12];

/// Writes two rows of counts: valid, invalid, missing, `astray` and unverified; and how much was
/// read in which time.
pub(in crate::report) fn write(
    rows: [(&str, [Option<u64>; 5]); 2],
    astray: &str,
    read: Bytes,
    run: &Run<'_>,
    look: &Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    heading(look, "Totals", out)?;
    let names = ["valid", "invalid", "missing", astray, "unverified"].into_iter();
    let header = names
        .zip(WIDTHS)
        .map(|(name, width)| format!("{name:>width$}"));
    let header = format!("  {:<11}{}", "", header.collect::<String>());
    writeln!(out, "{}", look.dim(&header))?;
    for (name, cells) in rows {
        write!(out, "  {name:<11}")?;
        for (index, (cell, width)) in cells.into_iter().zip(WIDTHS).enumerate() {
            let text = cell.map_or("-".to_owned(), count);
            let padded = format!("{text:>width$}");
            // What is not nothing, and not good, is what the eye should find.
            let stands_out = index > 0 && cell.is_some_and(|number| number > 0);
            let shown = if stands_out {
                look.warning(&padded)
            } else {
                padded
            };
            write!(out, "{shown}")?;
        }
        writeln!(out)?;
    }
    let (read, hashed) = (bytes(read.read), bytes(read.hashed));
    // Times are whole seconds: of a run shorter than two they tell nothing.
    if run.finished.duration_since(run.started).as_secs() < 2 {
        return writeln!(out, "  {read} read, {hashed} hashed");
    }
    let took = between(run.started, run.finished);
    writeln!(out, "  {read} read, {hashed} hashed, in {took}")
}
