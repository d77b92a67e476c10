//! A chain's timeline as a picture. What is known of a stretch is told by colour and by shape:
//! a bar, a thin line, a dotted one, a hatched bar, and a taller bar.

use std::io::{self, Write};

use super::axis::{Axis, stretch};
use crate::report::amounts::{counted, percent};
use crate::report::timeline::{Cell, State};

/// What the pictures share: the hatching.
pub(super) const DEFINITIONS: &str = r#"<svg class="defs" aria-hidden="true"><defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-bg" width="5" height="5"/><line class="hatch-fg" x1="0" y1="0" x2="0" y2="5"/></pattern></defs></svg>"#;

/// The class, the top and the height of what stands for a state.
fn shape(state: State) -> (&'static str, u8, u8) {
    match state {
        State::Verified => ("v", 5, 12),
        State::NotCovered => ("n0", 14, 3),
        State::NotRead => ("nr", 14, 3),
        State::Unverified => ("u", 5, 12),
        State::Invalid => ("x", 1, 20),
    }
}

/// Explains the shapes.
pub(super) fn legend(
    states: impl Iterator<Item = State>,
    unit: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, r#"<ul class="legend">"#)?;
    for state in states {
        let (class, y, height) = shape(state);
        writeln!(
            out,
            r#"<li><svg viewBox="0 0 24 22" aria-hidden="true"><rect class="{class}" x="2" y="{y}" width="20" height="{height}"/></svg>{}</li>"#,
            state.legend()
        )?;
    }
    writeln!(
        out,
        r#"<li class="muted">A cell is {unit}; point at one for its numbers. Times are UTC.</li></ul>"#
    )
}

/// The marks of the axis.
pub(super) fn ticks(axis: &Axis, out: &mut dyn Write) -> io::Result<()> {
    write!(out, r#"<svg class="ticks" aria-hidden="true">"#)?;
    for (at, label) in &axis.marks {
        let x = axis.x(*at);
        write!(
            out,
            r#"<line x1="{x}" x2="{x}" y1="13" y2="18"/><text x="{x}" y="10" text-anchor="middle">{label}</text>"#
        )?;
    }
    write!(out, "</svg>")
}

/// The timeline of one chain.
pub(super) fn strip(
    axis: &Axis,
    cells: &[Cell],
    label: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    write!(
        out,
        r#"<svg class="strip" role="img" aria-label="{label}">"#
    )?;
    for (at, _) in &axis.marks {
        let x = axis.x(*at);
        write!(out, r#"<line class="t" x1="{x}" x2="{x}" y1="0" y2="22"/>"#)?;
    }
    // What is worse is drawn later, so that nothing covers it.
    for state in State::ALL {
        for run in cells.chunk_by(is_alike) {
            let (Some(first), Some(last)) = (run.first(), run.last()) else {
                continue;
            };
            if first.state == state {
                let (class, y, height) = shape(state);
                write!(
                    out,
                    r#"<rect class="{class}" x="{}" y="{y}" width="{}" height="{height}"><title>{}</title></rect>"#,
                    axis.x(first.start),
                    axis.width(first.start, last.end),
                    numbers(first, last)
                )?;
            }
        }
    }
    write!(out, "</svg>")
}

/// Cells of which there is the same to tell are one.
fn is_alike(a: &Cell, b: &Cell) -> bool {
    let nothing = |cell: &Cell| (cell.invalid, cell.unverified) == (0, 0);
    let whole = |cell: &Cell| cell.covered >= cell.end.duration_since(cell.start);
    a.state == b.state
        && nothing(a)
        && nothing(b)
        && ((whole(a) && whole(b)) || (a.covered.is_zero() && b.covered.is_zero()))
}

fn numbers(first: &Cell, last: &Cell) -> String {
    let mut told = format!(
        "{}: {}",
        stretch(first.start, last.end),
        first.state.legend()
    );
    if first.invalid > 0 {
        told.push_str(", ");
        told.push_str(&counted(first.invalid, "object wrong", "objects wrong"));
    }
    if first.unverified > 0 {
        let number = counted(first.unverified, "object unverified", "objects unverified");
        told.push_str(", ");
        told.push_str(&number);
    }
    let seconds = |time: jiff::SignedDuration| time.as_secs().unsigned_abs();
    let whole = seconds(first.end.duration_since(first.start));
    let covered = percent(seconds(first.covered), whole);
    told.push_str(", ");
    told.push_str(&covered);
    told.push_str(" covered");
    told
}
