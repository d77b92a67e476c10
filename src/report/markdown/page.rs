//! The report for a CI job's summary. It stays below a size that every such system takes, by
//! showing less where there is more.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::report::amounts::{between, count, counted};
use crate::report::claims::{is_allowed, none_found, origin_in_words, range_in_words};
use crate::report::escape::visible;
use crate::report::groups::{Group, Part, object_name};
use crate::report::head::{Head, NO_KEYS};
use crate::report::json::{Finding, Requested};
use crate::verify::conclusion::Verdict;
use crate::verify::finding::Severity;

/// The report is never longer, in bytes.
pub(super) const MAX_LEN: usize = 60_000;

/// How much is shown of what there may be much of.
#[derive(Clone, Copy)]
struct Scale {
    chains: usize,
    parts: usize,
    objects: usize,
    /// The characters of one name or message.
    text: usize,
}

const SCALES: [Scale; 4] = [
    Scale {
        chains: 100,
        parts: 20,
        objects: 20,
        text: 1_200,
    },
    Scale {
        chains: 40,
        parts: 8,
        objects: 5,
        text: 600,
    },
    Scale {
        chains: 20,
        parts: 4,
        objects: 1,
        text: 250,
    },
    Scale {
        chains: 5,
        parts: 1,
        objects: 1,
        text: 80,
    },
];

/// Writes a report of any kind as Markdown; `middle` makes the section on what was verified.
///
/// # Errors
/// Where `out` fails.
pub(in crate::report) fn write_page(
    head: &Head<'_>,
    middle: impl Fn(&Page<'_>) -> String,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut made = String::new();
    for scale in SCALES {
        let page = Page { head, scale };
        made = page.page(&middle(&page));
        if made.len() <= MAX_LEN {
            break;
        }
    }
    out.write_all(made.as_bytes())
}

/// A page at some scale.
pub(in crate::report) struct Page<'r> {
    head: &'r Head<'r>,
    scale: Scale,
}

impl Page<'_> {
    fn page(&self, middle: &str) -> String {
        let parts = [
            self.top(),
            middle.to_owned(),
            self.findings(),
            self.totals(),
            self.keys(),
            self.not_proven(),
        ];
        parts.join("\n")
    }

    /// How many rows the table of what was verified may have.
    pub(in crate::report) fn rows(&self) -> usize {
        self.scale.chains
    }

    fn top(&self) -> String {
        let report = self.head;
        let mark = match report.verdict {
            Verdict::Valid if report.groups.iter().any(is_allowed) => "⚠️",
            Verdict::Valid => "✅",
            Verdict::Invalid => "❌",
            Verdict::Unverified => "⚠️",
        };
        let mut top = format!("## {mark} ct-verify\n\n**{}**\n\n", report.headline);
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(top, "- Source: {}", self.code(report.source));
        if let Some(Requested {
            start: Some(start),
            end: Some(end),
        }) = report.requested
        {
            let _ = write!(top, "- Range: {start} to {end} ({})", between(start, end));
            let note = range_in_words(report.run).map(|note| format!("; {note}"));
            let _ = writeln!(top, "{}", note.unwrap_or_default());
        }
        for (name, told) in &report.facts {
            let _ = writeln!(top, "- {name}: {}", self.code(told));
        }
        for (name, codes) in [("Allowed", &report.run.allow), ("Denied", &report.run.deny)] {
            if !codes.is_empty() {
                let names: Vec<_> = codes.iter().map(|code| code.name()).collect();
                let _ = writeln!(top, "- {name}: {}", names.join(", "));
            }
        }
        top
    }

    fn findings(&self) -> String {
        let groups = &self.head.groups;
        let mut section = "### Findings\n\n".to_owned();
        if groups.is_empty() {
            section.push_str(none_found(self.head.run));
            section.push('\n');
        }
        for group in groups {
            self.group(group, &mut section);
        }
        section
    }

    fn group(&self, group: &Group<'_>, section: &mut String) {
        let _ = writeln!(
            section,
            "#### {} {} ({})\n\n{}\n",
            group.severity.name(),
            group.code,
            count(group.count),
            group.code.meaning()
        );
        for part in group.parts.iter().take(self.scale.parts) {
            self.part(group, part, section);
        }
        let rest = group.parts.get(self.scale.parts..).unwrap_or_default();
        if !rest.is_empty() {
            let _ = writeln!(
                section,
                "- … and {} in {}",
                group.told_of(rest),
                counted(rest.len() as u64, "more chain", "more chains")
            );
        }
        if group.severity > Severity::Notice {
            let _ = writeln!(
                section,
                "\nNext: {}. `ct-verify explain {}` tells more.",
                group.first_step(),
                group.code
            );
        }
        section.push('\n');
    }

    fn part(&self, group: &Group<'_>, part: &Part<'_>, section: &mut String) {
        let chain = part
            .chain
            .map_or("the run".to_owned(), |chain| self.code(chain));
        let mut line = format!("- {chain}: {}", part.told(group.code));
        if let Some((first, last)) = part.span().filter(|(first, last)| first != last) {
            let _ = write!(line, ", {first} to {last}");
        }
        let _ = writeln!(section, "{line}");
        for finding in part.findings.iter().take(self.scale.objects) {
            self.finding(group, finding, section);
        }
        let rest = part.findings.len().saturating_sub(self.scale.objects);
        if rest > 0 {
            let _ = writeln!(section, "  - … and {} more", count(rest as u64));
        }
    }

    fn finding(&self, group: &Group<'_>, finding: &Finding<'_>, section: &mut String) {
        let mut told = Vec::new();
        told.extend(object_name(finding).map(|object| self.code(&object)));
        if finding.message != group.code.meaning() {
            told.push(self.prose(&finding.message));
        }
        if let (Some(expected), Some(actual)) = (&finding.expected, &finding.actual) {
            let (expected, actual) = (self.code(expected), self.code(actual));
            told.push(format!("expected {expected}, found {actual}"));
        }
        if !told.is_empty() {
            let _ = writeln!(section, "  - {}", told.join("; "));
        }
    }

    fn totals(&self) -> String {
        let mut section = format!(
            "### Totals\n\n| | Valid | Invalid | Missing | {} | Unverified |\n|---|--:|--:|--:|--:|--:|\n",
            self.head.astray
        );
        for (name, cells) in &self.head.totals {
            let cells = cells.map(|cell| cell.map_or("-".to_owned(), count));
            let _ = writeln!(section, "| {name} | {} |", cells.join(" | "));
        }
        section
    }

    fn keys(&self) -> String {
        let mut section = "### Public keys\n\n".to_owned();
        let keys = &self.head.run.public_keys;
        if keys.is_empty() {
            let _ = writeln!(section, "{NO_KEYS}");
        }
        for source in keys.iter().take(self.scale.parts) {
            let _ = writeln!(
                section,
                "- {}: {}, {}",
                self.code(&source.name),
                counted(source.fingerprints.len() as u64, "key", "keys"),
                origin_in_words(source.origin)
            );
        }
        let rest = keys.len().saturating_sub(self.scale.parts) as u64;
        if rest > 0 {
            let _ = writeln!(
                section,
                "- … and {}",
                counted(rest, "more source", "more sources")
            );
        }
        if let Some(warning) = self.head.keys_warning {
            let _ = writeln!(section, "\n**Warning:** {warning}");
        }
        section
    }

    fn not_proven(&self) -> String {
        let mut section = "### What this does not prove\n\n".to_owned();
        for limit in &self.head.limits {
            let _ = writeln!(section, "- {}", self.prose(limit));
        }
        section
    }

    /// Prose as it is where nothing in it can mean anything to Markdown or to those who render
    /// it (links, mentions, markup), else as code.
    fn prose(&self, text: &str) -> String {
        let is_plain = text.starts_with(|first: char| first.is_ascii_alphabetic())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || " .,:;()'/-".contains(c))
            && !["://", "www.", "::"]
                .iter()
                .any(|special| text.contains(special));
        if is_plain && text.len() <= self.scale.text {
            return text.to_owned();
        }
        self.code(text)
    }

    /// A span of code, whatever is in it.
    pub(in crate::report) fn code(&self, text: &str) -> String {
        let shown = visible(text);
        let mut shown = match shown.char_indices().nth(self.scale.text) {
            Some((at, _)) => format!("{}…", &shown[..at]),
            None => shown.into_owned(),
        };
        let longest = shown.split(|c| c != '`').map(str::len).max();
        let fence = "`".repeat(longest.unwrap_or_default() + 1);
        if shown.is_empty() || shown.starts_with(['`', ' ']) || shown.ends_with(['`', ' ']) {
            shown = format!(" {shown} ");
        }
        format!("{fence}{shown}{fence}")
    }

    /// The same in a table, where a bar would end the cell.
    pub(in crate::report) fn cell(&self, text: &str) -> String {
        self.code(text).replace('|', "\\|")
    }
}
