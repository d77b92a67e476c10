//! What `selftest` prints.

use std::io::{self, Write};

use super::look::Look;
use crate::selftest::Outcome;
use crate::verify::finding::Code;

/// Tells what was said of each archive, and whether that was right.
///
/// # Errors
/// Where `out` fails.
pub fn write(outcomes: &[Outcome], look: &Look, out: &mut dyn Write) -> io::Result<()> {
    for outcome in outcomes {
        let mark = if outcome.is_right() { "ok   " } else { "WRONG" };
        let codes = |codes: &mut dyn Iterator<Item = Code>| {
            let names: Vec<_> = codes.map(Code::name).collect();
            if names.is_empty() {
                String::new()
            } else {
                format!(" ({})", names.join(", "))
            }
        };
        let told = codes(&mut outcome.told.iter().copied());
        write!(
            out,
            "{mark} {}: {}{told}",
            outcome.about,
            look.verdict(outcome.verdict, outcome.verdict.name()),
        )?;
        if !outcome.is_right() {
            let expected = codes(&mut outcome.code.into_iter());
            write!(out, "; it must be {}{expected}", outcome.expected.name())?;
        }
        writeln!(out)?;
    }
    let right = outcomes.iter().filter(|outcome| outcome.is_right()).count();
    let version = env!("CARGO_PKG_VERSION");
    writeln!(
        out,
        "ct-verify {version} said what it must of {right} of {} archives",
        outcomes.len()
    )
}
