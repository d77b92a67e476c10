//! The coverage of each chain, as a table.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::page::{Page, write_page};
use crate::report::amounts::{count, counted, percent};
use crate::report::claims::nothing_covered;
use crate::report::head::Head;
use crate::report::json::{Chain, Report};
use crate::report::reach::reach;
use crate::report::timeline::{cause_in_words, covered_time, state_of};

/// Writes the report as Markdown.
///
/// # Errors
/// Where `out` fails.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    write_page(&Head::new(report), |page| section(report, page), out)
}

fn section(report: &Report<'_>, page: &Page<'_>) -> String {
    let mut section = "### Coverage\n\n".to_owned();
    let chains = &report.chains;
    if chains.is_empty() {
        section.push_str(nothing_covered(&report.run));
        section.push('\n');
        return section;
    }
    section.push_str("| Chain | Covered | Valid digests | Valid logs | Not covered |\n");
    section.push_str("|---|--:|--:|--:|---|\n");
    // Where not all can be shown, those with something to tell come first.
    let has_trouble = |chain: &&Chain<'_>| !chain.gaps.is_empty();
    let troubled = chains.iter().filter(has_trouble);
    let clean = chains.iter().filter(|chain| !has_trouble(chain));
    let in_order: Vec<_> = if chains.len() > page.rows() {
        troubled.chain(clean).take(page.rows()).collect()
    } else {
        chains.iter().collect()
    };
    let whole = reach(report).map_or(0, |(start, end)| {
        end.duration_since(start).as_secs().unsigned_abs()
    });
    for chain in &in_order {
        row(whole, chain, page, &mut section);
    }
    let rest = (chains.len() - in_order.len()) as u64;
    if rest > 0 {
        let more = counted(rest, "more chain", "more chains");
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(section, "\n… and {more}.");
    }
    section
}

/// The row of a chain, in a range of so many seconds.
fn row(whole: u64, chain: &Chain<'_>, page: &Page<'_>, section: &mut String) {
    let covered = if chain.backfill {
        "backfill".to_owned()
    } else {
        percent(covered_time(chain).as_secs().unsigned_abs(), whole)
    };
    let worst = chain
        .gaps
        .iter()
        .max_by_key(|gap| (state_of(gap.cause), gap.end.duration_since(gap.start)));
    let mut gaps = worst.map_or(String::new(), |gap| {
        let why = cause_in_words(gap.cause);
        format!("{} to {}: {why}", gap.start, gap.end)
    });
    if chain.gaps.len() > 1 {
        let rest = counted(chain.gaps.len() as u64 - 1, "more gap", "more gaps");
        let _ = write!(gaps, ", and {rest}");
    }
    let _ = writeln!(
        section,
        "| {} | {covered} | {} | {} | {gaps} |",
        page.cell(&chain.name()),
        count(chain.digests.valid),
        count(chain.logs.valid),
    );
}
