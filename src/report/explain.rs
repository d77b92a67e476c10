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
    let commands = explanation.next.iter().filter_map(|step| step.command);
    let commands: Vec<&str> = commands.collect();
    let is_used = |name: &str| commands.iter().any(|command| command.contains(name));
    let used = NAMES.iter().filter(|(name, _)| is_used(name));
    let used: Vec<_> = used
        .map(|(name, meaning)| format!("{name} is {meaning}"))
        .collect();
    if !used.is_empty() {
        writeln!(out)?;
        let told = format!("In the commands, {}.", used.join(", "));
        write!(out, "{}", hanging("  ", &told, look.width))?;
    }
    out.flush()
}

/// What the names in commands stand for.
const NAMES: [(&str, &str); 12] = [
    ("$BUCKET", "the bucket that the finding names"),
    ("$KEY", "the key that it names"),
    (
        "$PREFIX",
        "the prefix that the trail or the query delivers to",
    ),
    ("$FILE", "the file that is the object's copy"),
    (
        "$DIGEST_FOLDER",
        "the folder of the chain's digests (PREFIX/AWSLogs/ACCOUNT/CloudTrail-Digest/REGION/)",
    ),
    ("ACCESS-LOGS/", "a copy of the bucket's server access logs"),
    ("$TRAIL", "the trail's name"),
    ("$REGION", "the region that the finding names"),
    ("$HOME_REGION", "the trail's home region"),
    ("$START", "when the time that it is about begins"),
    ("$END", "when it ends"),
    ("$QUERY_ID", "the query's id, which its sign file claims"),
];

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_in_a_command_is_explained() {
        for code in Code::ALL {
            let mut out = Vec::new();
            let wide = Look {
                width: 10_000,
                ..Look::default()
            };
            one(*code, &wide, &mut out).unwrap();
            let out = String::from_utf8(out).unwrap();
            let steps = code.explanation().next.iter();
            for command in steps.filter_map(|step| step.command) {
                for part in command.split('$').skip(1) {
                    let ends = |c: char| !(c.is_ascii_uppercase() || c == '_');
                    let name = part.split(ends).next().unwrap_or_default();
                    if name.is_empty() {
                        continue;
                    }
                    let told = format!("${name} is ");
                    assert!(out.contains(&told), "{code}: {name} in {command}");
                }
            }
        }
    }
}
