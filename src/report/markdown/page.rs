//! The report for a CI job's summary. It stays below a size that every such system takes, by
//! showing less where there is more.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::report::amounts::{between, count, counted, percent};
use crate::report::claims::{
    filters_in_words, headline, keys_warning, limits, origin_in_words, snapshot_in_words,
};
use crate::report::escape::visible;
use crate::report::groups::{Group, Part, groups, object_name, told};
use crate::report::json::{Chain, Finding, Report};
use crate::report::timeline::{cause_in_words, covered_time, state_of};
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

/// Writes the report as Markdown.
///
/// # Errors
/// Where `out` fails.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let groups = groups(report);
    let mut page = String::new();
    for scale in SCALES {
        page = Page { report, scale }.page(&groups);
        if page.len() <= MAX_LEN {
            break;
        }
    }
    out.write_all(page.as_bytes())
}

struct Page<'r> {
    report: &'r Report<'r>,
    scale: Scale,
}

impl Page<'_> {
    fn page(&self, groups: &[Group<'_>]) -> String {
        let parts = [
            self.top(groups),
            self.coverage(),
            self.findings(groups),
            self.totals(),
            self.keys(),
            self.not_proven(),
        ];
        parts.join("\n")
    }

    fn top(&self, groups: &[Group<'_>]) -> String {
        let report = self.report;
        let mark = match report.verdict {
            Verdict::Valid => "✅",
            Verdict::Invalid => "❌",
            Verdict::Unverified => "⚠️",
        };
        let mut top = format!(
            "## {mark} ct-verify\n\n**{}**\n\n",
            headline(report, groups)
        );
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(top, "- Source: {}", self.code(&report.source));
        if let (Some(start), Some(end)) = (report.requested.start, report.requested.end) {
            let _ = writeln!(top, "- Range: {start} to {end} ({})", between(start, end));
        }
        if let Some(told) = snapshot_in_words(report) {
            let _ = writeln!(top, "- Snapshot: {}", self.code(&told.join("; ")));
        }
        if let Some(filters) = filters_in_words(report) {
            let _ = writeln!(top, "- Only: {}", self.code(&filters));
        }
        for (name, codes) in [("Allowed", &report.run.allow), ("Denied", &report.run.deny)] {
            if !codes.is_empty() {
                let names: Vec<_> = codes.iter().map(|code| code.name()).collect();
                let _ = writeln!(top, "- {name}: {}", names.join(", "));
            }
        }
        top
    }

    fn coverage(&self) -> String {
        let mut section = "### Coverage\n\n".to_owned();
        let chains = &self.report.chains;
        if chains.is_empty() {
            section.push_str("No digest was found, so nothing is covered.\n");
            return section;
        }
        section.push_str("| Chain | Covered | Valid digests | Valid logs | Not covered |\n");
        section.push_str("|---|--:|--:|--:|---|\n");
        // Where not all can be shown, those with something to tell come first.
        let has_trouble = |chain: &&Chain<'_>| !chain.gaps.is_empty();
        let troubled = chains.iter().filter(has_trouble);
        let clean = chains.iter().filter(|chain| !has_trouble(chain));
        let in_order: Vec<_> = if chains.len() > self.scale.chains {
            troubled.chain(clean).take(self.scale.chains).collect()
        } else {
            chains.iter().collect()
        };
        for chain in &in_order {
            self.chain(chain, &mut section);
        }
        let rest = (chains.len() - in_order.len()) as u64;
        if rest > 0 {
            let _ = writeln!(
                section,
                "\n… and {}.",
                counted(rest, "more chain", "more chains")
            );
        }
        section
    }

    fn chain(&self, chain: &Chain<'_>, section: &mut String) {
        let requested = &self.report.requested;
        let whole = match (requested.start, requested.end) {
            (Some(start), Some(end)) => end.duration_since(start).as_secs().unsigned_abs(),
            (_, _) => 0,
        };
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
            format!(
                "{} to {}: {}",
                gap.start,
                gap.end,
                cause_in_words(gap.cause)
            )
        });
        if chain.gaps.len() > 1 {
            let rest = counted(chain.gaps.len() as u64 - 1, "more gap", "more gaps");
            let _ = write!(gaps, ", and {rest}");
        }
        let _ = writeln!(
            section,
            "| {} | {covered} | {} | {} | {gaps} |",
            self.cell(&chain.name()),
            count(chain.digests.valid),
            count(chain.logs.valid),
        );
    }

    fn findings(&self, groups: &[Group<'_>]) -> String {
        let mut section = "### Findings\n\n".to_owned();
        if groups.is_empty() {
            section.push_str("None.\n");
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
            let findings: usize = rest.iter().map(|part| part.findings.len()).sum();
            let _ = writeln!(
                section,
                "- … and {} in {}",
                told(group.code, findings as u64),
                counted(rest.len() as u64, "more chain", "more chains")
            );
        }
        if group.severity > Severity::Notice {
            let step = group.code.explanation().next.first();
            let next = step.map_or("", |step| step.what);
            let _ = writeln!(
                section,
                "\nNext: {next}. `ct-verify explain {}` tells more.",
                group.code
            );
        }
        section.push('\n');
    }

    fn part(&self, group: &Group<'_>, part: &Part<'_>, section: &mut String) {
        let chain = part
            .chain
            .map_or("the run".to_owned(), |chain| self.code(chain));
        let mut line = format!(
            "- {chain}: {}",
            told(group.code, part.findings.len() as u64)
        );
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
        let totals = &self.report.totals;
        let (digests, logs) = (&totals.digests, &totals.logs);
        format!(
            "### Totals\n\n| | Valid | Invalid | Missing | Out of chain | Unverified |\n|---|--:|--:|--:|--:|--:|\n\
             | Digests | {} | {} | {} | - | {} |\n| Logs | {} | {} | {} | {} | {} |\n",
            count(digests.valid),
            count(digests.invalid),
            count(digests.missing),
            count(digests.unverified),
            count(logs.valid),
            count(logs.invalid),
            count(logs.missing),
            count(logs.unreferenced),
            count(logs.unverified),
        )
    }

    fn keys(&self) -> String {
        let mut section = "### Public keys\n\n".to_owned();
        let keys = &self.report.run.public_keys;
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
        if let Some(warning) = keys_warning(self.report) {
            let _ = writeln!(section, "\n**Warning:** {warning}");
        }
        section
    }

    fn not_proven(&self) -> String {
        let mut section = "### What this does not prove\n\n".to_owned();
        for limit in limits(self.report) {
            let _ = writeln!(section, "- {}", self.prose(&limit));
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
    fn code(&self, text: &str) -> String {
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
    fn cell(&self, text: &str) -> String {
        self.code(text).replace('|', "\\|")
    }
}
