//! Coverage: for each chain its timeline, and beside it the same in numbers.

use std::io::{self, Write};

use jiff::SignedDuration;

use super::axis::Axis;
use super::strip::{self, DEFINITIONS};
use crate::report::amounts::{between, count, counted, percent};
use crate::report::claims::nothing_covered;
use crate::report::escape::markup;
use crate::report::json::{Chain, ChainGap, Report};
use crate::report::reach::{NO_RANGE, reach};
use crate::report::timeline::{AllMarks, State, covered_time, state_of};
use crate::report::trouble::{Trouble, Waiting};

/// With more chains than this, those with nothing to tell are only counted.
const CHAINS_IN_FULL: usize = 120;
/// How many chains with something to tell are shown.
const CHAINS_SHOWN: usize = 600;
/// How many timelines are drawn, and how many cells in all of them.
const CELLS_DRAWN: usize = 24_000;
/// How many stretches of time that are not covered are listed.
const GAPS_SHOWN: usize = 500;

/// How many events are told beside a gap; its finding tells where they are recorded.
const EVENTS_SHOWN: usize = 3;

pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section>\n<h2>Coverage</h2>")?;
    match reach(report) {
        Some((start, end)) if !report.chains.is_empty() => {
            Coverage {
                report,
                marks: AllMarks::new(report),
                axis: Axis::new(start, end),
                range: end.duration_since(start),
                waiting: Waiting::of(report),
            }
            .write(out)?;
        }
        None if !report.chains.is_empty() => writeln!(out, "<p>{NO_RANGE}</p>")?,
        Some(_) | None => writeln!(out, "<p>{}</p>", nothing_covered(&report.run))?,
    }
    writeln!(out, "</section>")
}

struct Coverage<'r> {
    report: &'r Report<'r>,
    marks: AllMarks<'r>,
    axis: Axis,
    range: SignedDuration,
    waiting: Waiting<'r>,
}

impl Coverage<'_> {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{DEFINITIONS}")?;
        strip::legend(self.marks.states(), self.axis.unit, out)?;
        let all = &self.report.chains;
        let in_full = all.len() <= CHAINS_IN_FULL;
        let told = all
            .iter()
            .filter(|chain| in_full || self.has_to_tell(chain));
        let told: Vec<_> = told.collect();
        writeln!(
            out,
            r#"<table class="chains"><thead><tr><th class="chain">Chain</th><th class="axis line">"#
        )?;
        strip::ticks(&self.axis, out)?;
        writeln!(
            out,
            r#"</th><th class="n covered">Covered</th><th class="n count">Digests</th><th class="n count">Logs</th></tr></thead><tbody>"#
        )?;
        let mut cells = CELLS_DRAWN;
        for chain in told.iter().take(CHAINS_SHOWN) {
            self.chain(chain, &mut cells, out)?;
        }
        writeln!(out, "</tbody></table>")?;
        let cut = told.len().saturating_sub(CHAINS_SHOWN) as u64;
        if cut > 0 {
            let more = counted(cut, "more chain", "more chains");
            writeln!(out, "<p>… and {more} with something to tell.</p>")?;
        }
        let clean = (all.len() - told.len()) as u64;
        if clean > 0 {
            let told = counted(clean, "other chain is", "other chains are");
            let told = told + " covered from end to end, with nothing wrong.";
            writeln!(out, "<p>{told} The JSON report lists them.</p>")?;
        }
        self.gaps(out)
    }

    fn has_to_tell(&self, chain: &Chain<'_>) -> bool {
        let has_gap = chain
            .gaps
            .iter()
            .any(|gap| !self.waiting.is_for(chain, gap));
        (has_gap && !chain.backfill)
            || self.marks.has_unread(chain, &self.axis.edges)
            || chain.digests.valid == 0
            || !Trouble::of(chain, &self.marks).is_none()
    }

    fn chain(
        &self,
        chain: &Chain<'_>,
        drawable: &mut usize,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let name = chain.name();
        let name = markup(&name);
        write!(
            out,
            r#"<tr><th class="chain"><span class="name">{name}</span>"#
        )?;
        let trouble = Trouble::of(chain, &self.marks);
        for (class, text) in [("bad", &trouble.wrong), ("open", &trouble.open)] {
            if !text.is_empty() {
                write!(out, r#"<span class="what {class}">{text}</span>"#)?;
            }
        }
        write!(out, r#"</th><td class="line">"#)?;
        let covered = if chain.backfill {
            write!(
                out,
                r#"<span class="muted small">Backfill digests cover no time of their own.</span>"#
            )?;
            "-".to_owned()
        } else {
            let seconds = |time: SignedDuration| time.as_secs().unsigned_abs();
            let covered = percent(seconds(covered_time(chain)), seconds(self.range));
            let cells = self.marks.cells(chain, &self.axis.edges);
            // A picture for each of very many chains would make a page that nothing can show.
            if let Some(left) = drawable.checked_sub(cells.len()) {
                *drawable = left;
                let label = format!("Timeline of {name}: {covered} covered");
                strip::strip(&self.axis, &cells, &label, out)?;
            } else {
                write!(
                    out,
                    r#"<span class="muted small">Not drawn: too many chains.</span>"#
                )?;
            }
            covered
        };
        writeln!(
            out,
            r#"</td><td class="n covered" data-of="covered">{covered}</td><td class="n count" data-of="digests">{}</td><td class="n count" data-of="logs">{}</td></tr>"#,
            count(chain.digests.valid),
            count(chain.logs.valid)
        )
    }

    /// All stretches that are not covered, the worst first in each chain's place.
    fn gaps(&self, out: &mut dyn Write) -> io::Result<()> {
        let of_chain = |chain| -> &[ChainGap] {
            let chain: &Chain<'_> = chain;
            if chain.backfill { &[] } else { &chain.gaps }
        };
        let chains = || self.report.chains.iter();
        let number: usize = chains().map(|chain| of_chain(chain).len()).sum();
        if number == 0 {
            return Ok(());
        }
        let all = || chains().flat_map(|chain| of_chain(chain).iter().map(move |gap| (chain, gap)));
        writeln!(
            out,
            "<h3>Time that no verified digest covers</h3>\n<p class=\"lead small muted\">Nothing is known of these times: neither that logs \
             were delivered then, nor that none were.</p>\n<table class=\"stack\"><thead><tr><th>Chain</th><th>From</th><th>To</th>\
             <th>How long</th><th>Why</th></tr></thead><tbody>"
        )?;
        // Where not all can be listed, the worst are.
        let mut listed: Vec<_> = all().collect();
        if number > GAPS_SHOWN {
            listed.sort_by_key(|(_, gap)| std::cmp::Reverse(state_of(gap.cause)));
        }
        for (chain, gap) in listed.into_iter().take(GAPS_SHOWN) {
            let class = match state_of(gap.cause) {
                State::Invalid => " class=\"bad\"",
                State::Unverified => " class=\"open\"",
                State::Verified | State::NotCovered | State::NotRead => "",
            };
            writeln!(
                out,
                r#"<tr><th class="name">{}</th><td class="time" data-of="from">{}</td><td class="time" data-of="to">{}</td><td class="time" data-of="for">{}</td><td><span{class}>{}</span>{}</td></tr>"#,
                markup(&chain.name()),
                gap.start,
                gap.end,
                between(gap.start, gap.end),
                self.waiting.why(chain, gap),
                events(gap)
            )?;
        }
        writeln!(out, "</tbody></table>")?;
        let rest = number.saturating_sub(GAPS_SHOWN) as u64;
        if rest > 0 {
            let more = counted(rest, "more", "more");
            writeln!(out, "<p>… and {more}. The JSON report lists all.</p>")?;
        }
        Ok(())
    }
}

/// The verified events that explain a gap, a line each.
fn events(gap: &ChainGap) -> String {
    let events = gap.events.iter().take(EVENTS_SHOWN).map(|event| {
        format!(
            r#"<br/><span class="small">{} at {} by <span class="name">{}</span> from {}</span>"#,
            markup(&event.name),
            event.time,
            markup(&event.by),
            markup(&event.address)
        )
    });
    events.collect()
}
