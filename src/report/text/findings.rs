//! Findings as a person deals with them: what weighs most first, one code at a time.

use std::io::{self, Write};

use super::page::heading;
use crate::report::amounts::{count, counted};
use crate::report::claims::none_found;
use crate::report::escape::visible;
use crate::report::groups::{Group, Part, object_name};
use crate::report::json::{Finding, Run};
use crate::report::look::{Look, Verbosity};
use crate::report::wrap::hanging;
use crate::verify::finding::{Code, Severity};

/// How many chains of a code are shown, unless all is asked for.
const PARTS_SHOWN: usize = 6;
/// How many objects of a code in a chain are shown, where these are all.
const ALL_SHOWN: usize = 3;
/// Of more objects than that, one is shown as an example for each of so many messages.
const EXAMPLES_SHOWN: usize = 2;

/// Writes all findings.
pub(in crate::report) fn write(
    findings: &[Finding<'_>],
    run: &Run<'_>,
    groups: &[Group<'_>],
    look: &Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    if groups.is_empty() {
        heading(look, "Findings", out)?;
        return writeln!(out, "  {}", none_found(run));
    }
    let total = count(findings.len() as u64);
    heading(look, &format!("Findings ({total})"), out)?;
    for (index, group) in groups.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        Findings { look }.group(group, out)?;
    }
    Ok(())
}

struct Findings<'a> {
    look: &'a Look,
}

impl Findings<'_> {
    fn is_verbose(&self) -> bool {
        self.look.verbosity == Verbosity::Verbose
    }

    fn limit(&self, brief: usize) -> usize {
        if self.is_verbose() { usize::MAX } else { brief }
    }

    fn group(&self, group: &Group<'_>, out: &mut dyn Write) -> io::Result<()> {
        let severity = group.severity.name().to_uppercase();
        let weighed = match (group.severity, group.code.severity()) {
            (now, usual) if now == usual => "",
            (Severity::Notice, _) => ", allowed",
            (_, _) => ", denied",
        };
        writeln!(
            out,
            "  {} {} ({}{weighed})",
            self.look.severity(group.severity, &severity),
            self.look.heading(group.code.name()),
            count(group.count),
        )?;
        self.prose("  ", group.code.meaning(), out)?;
        let limit = self.limit(PARTS_SHOWN);
        for part in group.parts.iter().take(limit) {
            self.part(group.code, part, out)?;
        }
        let rest = group.parts.get(limit..).unwrap_or_default();
        if !rest.is_empty() {
            let findings: usize = rest.iter().map(|part| part.findings.len()).sum();
            writeln!(
                out,
                "    ... and {} in {} more (-v lists all)",
                counted(findings as u64, "finding", "findings"),
                counted(rest.len() as u64, "chain", "chains"),
            )?;
        }
        if group.severity > Severity::Notice {
            self.advice(group, out)?;
        }
        Ok(())
    }

    fn advice(&self, group: &Group<'_>, out: &mut dyn Write) -> io::Result<()> {
        let code = group.code;
        if code == Code::LogUnreferenced {
            self.prose(
                "  Mind: ",
                "a second trail without log file validation that delivers into the same bucket \
                 looks the same. If you know that one does, take this down to a notice with \
                 --allow log-unreferenced; a planted log is then allowed just as well.",
                out,
            )?;
        }
        self.prose("  Next: ", &format!("{}.", group.first_step()), out)?;
        writeln!(out, "  More: ct-verify explain {code}")
    }

    fn part(&self, code: Code, part: &Part<'_>, out: &mut dyn Write) -> io::Result<()> {
        let number = part.findings.len() as u64;
        let span = part.span().filter(|(first, last)| first != last);
        let span = span.map(|(first, last)| format!("{first} to {last}"));
        let tally = (number > 1).then(|| part.told(code));
        let facts: Vec<_> = [tally, span].into_iter().flatten().collect();
        match (part.chain.map(visible), facts.join(", ")) {
            (None, facts) if facts.is_empty() => {}
            (None, facts) => self.prose("    ", &facts, out)?,
            (Some(chain), facts) if facts.is_empty() => self.prose("    ", &chain, out)?,
            (Some(chain), facts) => self.prose("    ", &format!("{chain}: {facts}"), out)?,
        }
        let messages = part.by_message();
        let in_full = self.is_verbose() || part.findings.len() <= ALL_SHOWN;
        let (limit, objects) = if in_full {
            (usize::MAX, usize::MAX)
        } else {
            (EXAMPLES_SHOWN, 1)
        };
        let mut shown = 0;
        for (message, findings) in messages.iter().take(limit) {
            shown += findings.len().min(objects);
            if *message != code.meaning() {
                self.prose("      ", &visible(beyond(code, message)), out)?;
            }
            for finding in findings.iter().take(objects) {
                self.object(code, finding, out)?;
            }
        }
        self.and_more(part.findings.len() - shown, out)
    }

    fn object(&self, code: Code, finding: &Finding<'_>, out: &mut dyn Write) -> io::Result<()> {
        // A name is never broken: it is there to be copied.
        if let Some(object) = object_name(finding) {
            writeln!(out, "      {}", visible(&object))?;
        }
        self.details(code, finding, out)
    }

    fn and_more(&self, findings: usize, out: &mut dyn Write) -> io::Result<()> {
        if findings == 0 {
            return Ok(());
        }
        let more = self.look.dim("(-v lists all)");
        writeln!(out, "      ... and {} more {more}", count(findings as u64))
    }

    fn details(&self, code: Code, finding: &Finding<'_>, out: &mut dyn Write) -> io::Result<()> {
        let is_telling = match code {
            // The messages of these tell it, or there is nothing to compare.
            Code::DigestMissing
            | Code::DigestKeyUnknown
            | Code::LogMissing
            | Code::CoverageEndsEarly
            | Code::CoverageGap
            | Code::CoverageStartsLate
            | Code::SignFileMissing
            | Code::ResultMissing
            | Code::NoResults => false,
            Code::DigestModified
            | Code::DigestMalformed
            | Code::DigestMoved
            | Code::DigestLinkBroken
            | Code::DigestOutOfChain
            | Code::DigestUnsigned
            | Code::DigestUnreadable
            | Code::LogModified
            | Code::LogMalformed
            | Code::LogUnreferenced
            | Code::LogUncovered
            | Code::LogUnreadable
            | Code::SnapshotAltered
            | Code::NoDigests
            | Code::RegionSilent
            | Code::KindUndigested
            | Code::LogPending
            | Code::StoredUncompressed
            | Code::SignatureFromSuccessor
            | Code::SignFileModified
            | Code::SignFileMalformed
            | Code::ResultKeyUnknown
            | Code::ResultModified
            | Code::ResultUnreferenced
            | Code::ResultUnreadable => true,
        };
        let mut line = |name: &str, value: &Option<std::borrow::Cow<'_, str>>| {
            let Some(value) = value else { return Ok(()) };
            let name = self.look.dim(&format!("{name:<8}"));
            writeln!(out, "        {name} {}", visible(value))
        };
        if is_telling || self.is_verbose() {
            line("expected", &finding.expected)?;
            line("found", &finding.actual)?;
        }
        if self.is_verbose() {
            line("digest", &finding.digest)?;
        }
        Ok(())
    }

    fn prose(&self, first: &str, text: &str, out: &mut dyn Write) -> io::Result<()> {
        let block = hanging(first, text, self.look.width);
        out.write_all(block.as_bytes())
    }
}

/// What a message tells beyond the meaning of its code, which stands above it.
fn beyond(code: Code, message: &str) -> &str {
    let meaning = code.meaning();
    let meaning = meaning.strip_suffix('.').unwrap_or(meaning);
    let more = message.strip_prefix(meaning);
    more.and_then(|more| more.strip_prefix("; "))
        .unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_above_is_not_said_again() {
        let code = Code::LogMalformed;
        let meaning = code.meaning().trim_end_matches('.');
        let message = format!("{meaning}; its file was changed");
        assert_eq!(beyond(code, &message), "its file was changed");
        for message in ["bytes follow", "", code.meaning()] {
            assert_eq!(beyond(code, message), message);
        }
    }
}
