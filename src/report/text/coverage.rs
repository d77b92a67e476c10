//! Coverage, chain by chain: a strip of the range, how much of it is covered, and what is not.

use std::io::{self, Write};

use jiff::{SignedDuration, Timestamp};

use super::page::heading;
use crate::report::amounts::{between, counted, percent};
use crate::report::claims::nothing_covered;
use crate::report::escape::visible;
use crate::report::json::{Chain, ChainGap, Report};
use crate::report::look::{Look, Verbosity};
use crate::report::reach::{NO_RANGE, reach};
use crate::report::timeline::{AllMarks, Cell, State, covered_time, even_edges, state_of};
use crate::report::trouble::{Trouble, Waiting};
use crate::report::wrap::hanging;
use crate::verify::finding::Severity;

/// With more chains than this, those with nothing to tell are only counted.
const CHAINS_IN_FULL: usize = 12;
/// How many chains are shown at most, unless all is asked for.
const CHAINS_SHOWN: usize = 40;
/// How many gaps of a chain are shown, unless all are asked for.
const GAPS_SHOWN: usize = 4;

/// Writes the coverage of every chain.
pub(super) fn write(report: &Report<'_>, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    heading(look, "Coverage", out)?;
    if report.chains.is_empty() {
        let told = nothing_covered(&report.run);
        return write!(out, "{}", hanging("  ", told, look.width));
    }
    match reach(report) {
        Some((start, end)) => Coverage::new(report, look, start, end).write(out),
        None => write!(out, "{}", hanging("  ", NO_RANGE, look.width)),
    }
}

struct Coverage<'r> {
    report: &'r Report<'r>,
    look: &'r Look,
    marks: AllMarks<'r>,
    edges: Vec<Timestamp>,
    range: SignedDuration,
    waiting: Waiting<'r>,
    names: usize,
}

impl<'r> Coverage<'r> {
    fn new(report: &'r Report<'_>, look: &'r Look, start: Timestamp, end: Timestamp) -> Self {
        let longest = report
            .chains
            .iter()
            .map(|chain| chain.name().chars().count());
        let longest = longest.max().unwrap_or_default();
        // In a wide window each chain takes one line, else two.
        let on_one_line = longest + 4 + 40 + 36 <= look.width;
        let names = if on_one_line { longest } else { 0 };
        let taken = if on_one_line { longest + 4 } else { 4 };
        let strip = look.width.saturating_sub(taken + 36).clamp(24, 96);
        Self {
            report,
            look,
            marks: AllMarks::new(report),
            edges: even_edges(start, end, u32::try_from(strip).unwrap_or(24)),
            range: end.duration_since(start),
            waiting: Waiting::of(report),
            names,
        }
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "  {}", self.legend())?;
        let is_verbose = self.look.verbosity == Verbosity::Verbose;
        let chains = &self.report.chains;
        let in_full = is_verbose || chains.len() <= CHAINS_IN_FULL;
        let (mut shown, mut clean, mut cut) = (0, 0_u64, 0_u64);
        for chain in chains {
            let cells = self.marks.cells(chain, &self.edges);
            if !in_full && self.is_clean(chain, &cells) {
                clean += 1;
            } else if !is_verbose && shown == CHAINS_SHOWN {
                cut += 1;
            } else {
                shown += 1;
                self.chain(chain, &cells, out)?;
            }
        }
        if cut > 0 {
            let more = counted(cut, "chain", "chains");
            writeln!(
                out,
                "  ... and {more} more with something to tell (-v lists all)"
            )?;
        }
        if clean > 0 {
            let other = if shown > 0 { "other " } else { "" };
            let (one, many) = (format!("{other}chain is"), format!("{other}chains are"));
            let told = counted(clean, &one, &many);
            writeln!(out, "  {told} covered from end to end, with nothing wrong.")?;
        }
        Ok(())
    }

    fn legend(&self) -> String {
        let entry = |state| format!("{} {}", self.symbol(state), State::legend(state));
        self.marks
            .states()
            .map(entry)
            .collect::<Vec<_>>()
            .join("   ")
    }

    fn symbol(&self, state: State) -> String {
        self.paint(state, symbol(state))
    }

    fn paint(&self, state: State, text: &str) -> String {
        match state {
            State::Verified => self.look.good(text),
            State::NotCovered | State::NotRead => text.to_owned(),
            State::Unverified => self.look.severity(Severity::Unverified, text),
            State::Invalid => self.look.severity(Severity::Invalid, text),
        }
    }

    fn is_clean(&self, chain: &Chain<'_>, cells: &[Cell]) -> bool {
        let is_whole = chain.backfill || self.worst_gap(chain).is_none();
        let nothing_found = cells
            .iter()
            .all(|cell| (cell.invalid, cell.unverified) == (0, 0) && cell.state != State::NotRead);
        is_whole && nothing_found && chain.digests.valid > 0
    }

    /// The worst of the gaps that matter: time whose digest is not yet due is none.
    fn worst_gap(&self, chain: &Chain<'_>) -> Option<State> {
        let gaps = chain.gaps.iter();
        let gaps = gaps.filter(|gap| !self.waiting.is_for(chain, gap));
        gaps.map(|gap| state_of(gap.cause)).max()
    }

    fn chain(&self, chain: &Chain<'_>, cells: &[Cell], out: &mut dyn Write) -> io::Result<()> {
        let name = chain.name();
        let name = visible(&name);
        let digests = counted(chain.digests.valid, "digest", "digests");
        let logs = counted(chain.logs.valid, "log", "logs");
        if chain.backfill {
            return writeln!(out, "  {name}: {digests} and {logs} verified");
        }
        if self.names > 0 {
            write!(out, "  {name:<width$}  ", width = self.names)?;
        } else {
            write!(out, "  {name}\n    ")?;
        }
        let covered = percent(
            covered_time(chain).as_secs().unsigned_abs(),
            self.range.as_secs().unsigned_abs(),
        );
        writeln!(
            out,
            "{}  {covered:>7}  {digests}, {logs}",
            self.strip(cells)
        )?;
        self.trouble(chain, out)?;
        let is_verbose = self.look.verbosity == Verbosity::Verbose;
        let limit = if is_verbose { usize::MAX } else { GAPS_SHOWN };
        for gap in chain.gaps.iter().take(limit) {
            self.gap(chain, gap, out)?;
        }
        let rest = chain.gaps.len().saturating_sub(limit) as u64;
        if rest > 0 {
            writeln!(out, "      ... and {} more", counted(rest, "gap", "gaps"))?;
        }
        Ok(())
    }

    /// What makes marks in the strip, besides gaps.
    fn trouble(&self, chain: &Chain<'_>, out: &mut dyn Write) -> io::Result<()> {
        let trouble = Trouble::of(chain, &self.marks);
        let mut line = |state, text: &str| {
            if text.is_empty() {
                return Ok(());
            }
            let block = hanging(&format!("    {} ", symbol(state)), text, self.look.width);
            out.write_all(block.as_bytes())
        };
        line(State::Invalid, &trouble.wrong)?;
        line(State::Unverified, &trouble.open)
    }

    fn gap(&self, chain: &Chain<'_>, gap: &ChainGap, out: &mut dyn Write) -> io::Result<()> {
        let why = self.waiting.why(chain, gap);
        let state = state_of(gap.cause);
        let mut text = format!(
            "{} to {} ({}): {why}",
            gap.start,
            gap.end,
            between(gap.start, gap.end)
        );
        let events = gap.events.iter();
        let events = events.map(|event| format!("{} at {}", visible(&event.name), event.time));
        let events: Vec<_> = events.collect();
        if !events.is_empty() {
            text.push_str("; ");
            text.push_str(&events.join(", "));
        }
        let block = hanging(&format!("    {} ", symbol(state)), &text, self.look.width);
        out.write_all(block.as_bytes())
    }

    fn strip(&self, cells: &[Cell]) -> String {
        let mut strip = String::new();
        for run in cells.chunk_by(|a, b| a.state == b.state) {
            if let Some(cell) = run.first() {
                strip.push_str(&self.paint(cell.state, &symbol(cell.state).repeat(run.len())));
            }
        }
        strip
    }
}

fn symbol(state: State) -> &'static str {
    match state {
        State::Verified => "=",
        State::NotCovered => ".",
        State::NotRead => "-",
        State::Unverified => "?",
        State::Invalid => "x",
    }
}
