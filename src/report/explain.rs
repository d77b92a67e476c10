//! What `explain` prints: what a finding means, what can cause it, and what to do next.

use std::io::{self, Write};

use super::look::Look;
use super::wrap::hanging;
use crate::verify::finding::{Code, Severity};

/// Explains one code.
///
/// # Errors
/// Where `out` fails.
pub fn one(code: Code, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let explanation = code.explanation();
    let severity = code.severity();
    writeln!(
        out,
        "{}  {}",
        look.heading(code.name()),
        look.severity(severity, severity.name())
    )?;
    write!(out, "{}", hanging("  ", code.meaning(), look.width))?;
    let heading = |out: &mut dyn Write, text| writeln!(out, "\n{}", look.heading(text));
    heading(out, "What it means")?;
    write!(out, "{}", hanging("  ", explanation.means, look.width))?;
    heading(out, "Weight")?;
    write!(out, "{}", hanging("  ", &weight(code), look.width))?;
    for (title, causes) in [
        ("Innocent causes", explanation.innocent),
        ("Hostile causes", explanation.hostile),
    ] {
        if !causes.is_empty() {
            heading(out, title)?;
        }
        for cause in causes {
            write!(out, "{}", hanging("  - ", cause, look.width))?;
        }
    }
    heading(out, "What to do")?;
    for (index, step) in explanation.next.iter().enumerate() {
        let number = format!("  {}. ", index + 1);
        write!(out, "{}", hanging(&number, step.what, look.width))?;
        if let Some(command) = step.command {
            // A command is never broken: it is there to be copied.
            writeln!(out, "     $ {command}")?;
        }
    }
    out.flush()
}

/// What the code does to the verdict, and how a user changes that.
fn weight(code: Code) -> String {
    match code.severity() {
        Severity::Invalid => format!(
            "Invalid: the verdict is `invalid`, exit status 1. Taken down to a notice by --allow {code}"
        ),
        Severity::Unverified => format!(
            "Unverified: the verdict is at best `unverified`, exit status 3. Taken down to a notice by --allow {code}, or up to invalid by --deny {code}"
        ),
        Severity::Notice => {
            format!("Notice: it does not change the verdict. Taken up to invalid by --deny {code}")
        }
    }
}

/// Lists all codes, the heaviest first.
///
/// # Errors
/// Where `out` fails.
pub fn all(look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let longest = Code::ALL.iter().map(|code| code.name().len()).max();
    for (severity, effect) in [
        (
            Severity::Invalid,
            "something is proven wrong (exit status 1)",
        ),
        (
            Severity::Unverified,
            "something asked for could not be verified (exit status 3)",
        ),
        (Severity::Notice, "worth knowing; the verdict stands"),
    ] {
        writeln!(
            out,
            "{}: {effect}",
            look.severity(severity, severity.name())
        )?;
        let of_severity = Code::ALL.iter().filter(|code| code.severity() == severity);
        for code in of_severity {
            let name = format!("{:1$}", code.name(), longest.unwrap_or_default());
            let block = hanging(&format!("  {name}  "), code.meaning(), look.width);
            write!(out, "{}", block.replacen(&name, &look.heading(&name), 1))?;
        }
        writeln!(out)?;
    }
    writeln!(
        out,
        "ct-verify explain CODE tells what can cause a finding, and what to do next."
    )?;
    out.flush()
}
