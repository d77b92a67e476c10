//! Findings, by what is to be done about them: what is proven wrong, what could not be verified,
//! and what is worth knowing.

use std::io::{self, Write};

use super::by_hand::{by_hand, markup_lines};
use crate::report::amounts::{count, counted};
use crate::report::claims::none_found;
use crate::report::escape::markup;
use crate::report::groups::{Group, Part, object_name};
use crate::report::head::Head;
use crate::report::json::Finding;
use crate::verify::finding::{Code, Severity};

/// How many chains of a code are shown.
const PARTS_SHOWN: usize = 40;
/// How many findings of a code in a chain are shown in full, and in the whole page.
const FULL_IN_PART: usize = 3;
const FULL_IN_PAGE: usize = 300;
/// How many more are listed by name, in a chain and in the whole page.
const LISTED_IN_PART: usize = 50;
const LISTED_IN_PAGE: usize = 5_000;
/// How many bytes are written of findings, however long their names are.
const BYTES_SHOWN: usize = 3_000_000;
/// No text of one finding is shown longer: a key has 1024 bytes at most.
const TEXT_SHOWN: usize = 2_000;

/// Writes all findings. It tells whether any is to be checked by a digest's signature.
pub(super) fn write(report: &Head<'_>, out: &mut dyn Write) -> io::Result<bool> {
    let groups = &report.groups;
    writeln!(out, "<section>\n<h2>Findings</h2>")?;
    if groups.is_empty() {
        writeln!(
            out,
            "<p>{}</p>",
            if report.run.interrupted {
                none_found(report.run)
            } else {
                "None: nothing is wrong, and nothing was left open."
            }
        )?;
    }
    let mut page = Page {
        full: FULL_IN_PAGE,
        listed: LISTED_IN_PAGE,
        bytes: BYTES_SHOWN,
        needs_signature: false,
    };
    let mut before = None;
    for group in groups {
        if before != Some(group.severity) {
            heading(group.severity, out)?;
        }
        before = Some(group.severity);
        page.group(group, out)?;
    }
    if report.findings.len() > FULL_IN_PAGE {
        writeln!(
            out,
            r#"<p class="small muted">The JSON report holds every finding in full.</p>"#
        )?;
    }
    writeln!(out, "</section>")?;
    Ok(page.needs_signature)
}

fn heading(severity: Severity, out: &mut dyn Write) -> io::Result<()> {
    let (title, told) = match severity {
        Severity::Invalid => (
            "Proven wrong: preserve the evidence, and find out how it came about",
            "Each of these alone makes the verdict invalid. None of them is a failure to read.",
        ),
        Severity::Unverified => (
            "Not verified: make it readable or provable, and verify again",
            "Nothing here is proven wrong, and nothing is proven right.",
        ),
        Severity::Notice => (
            "Worth knowing: nothing has to be done, unless it surprises you",
            "Notices do not change the verdict: an honest archive can hold them.",
        ),
    };
    writeln!(out, "<h3>{title}</h3>\n<p class=\"small muted\">{told}</p>")
}

/// What of the page is left for findings.
struct Page {
    full: usize,
    listed: usize,
    bytes: usize,
    needs_signature: bool,
}

impl Page {
    fn group(&mut self, group: &Group<'_>, out: &mut dyn Write) -> io::Result<()> {
        let severity = group.severity.name();
        let weighed = match (group.severity, group.code.severity()) {
            (now, usual) if now == usual => "",
            (Severity::Notice, _) => ", allowed by the user",
            (_, _) => ", denied by the user",
        };
        writeln!(
            out,
            r#"<article class="group {severity}">
<h4><code>{}</code> <span class="badge">{severity}</span> <span class="muted small">{}{weighed}</span></h4>
<p class="lead">{}</p>"#,
            group.code,
            group.told(),
            markup(group.code.explanation().means),
        )?;
        advice(group, out)?;
        for part in group.parts.iter().take(PARTS_SHOWN) {
            self.part(group.code, part, out)?;
        }
        let rest = group.parts.get(PARTS_SHOWN..).unwrap_or_default();
        if !rest.is_empty() {
            writeln!(
                out,
                r#"<p class="where">… and {} in {}</p>"#,
                group.told_of(rest),
                counted(rest.len() as u64, "more chain", "more chains")
            )?;
        }
        writeln!(out, "</article>")
    }

    fn part(&mut self, code: Code, part: &Part<'_>, out: &mut dyn Write) -> io::Result<()> {
        let number = part.findings.len();
        let place = part.chain.map_or("The run as a whole".into(), markup);
        let span = part.span().filter(|(first, last)| first != last);
        let span = span.map_or(String::new(), |(first, last)| {
            format!(", {first} to {last}")
        });
        let tally = if number > 1 {
            format!(": {}{span}", part.told(code))
        } else {
            String::new()
        };
        writeln!(
            out,
            r#"<p class="where"><span class="name">{place}</span>{tally}</p>"#
        )?;
        let mut told = 0;
        for finding in part.findings.iter().take(FULL_IN_PART.min(self.full)) {
            let mut card = Vec::new();
            self.finding(code, finding, &mut card)?;
            if !self.has_room(card.len()) {
                break;
            }
            out.write_all(&card)?;
            self.full -= 1;
            told += 1;
        }
        let rest = part.findings.get(told..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(());
        }
        writeln!(out, r#"<ul class="list">"#)?;
        let mut listed = 0;
        for finding in rest.iter().take(LISTED_IN_PART.min(self.listed)) {
            let object = object_name(finding).map(|object| name(&object));
            let message = (finding.message != code.meaning()).then(|| text(&finding.message));
            let line: Vec<_> = [object, message].into_iter().flatten().collect();
            let line = line.join(": ");
            if !self.has_room(line.len()) {
                break;
            }
            writeln!(out, "<li>{line}</li>")?;
            self.listed -= 1;
            listed += 1;
        }
        let more = (rest.len() - listed) as u64;
        if more > 0 {
            writeln!(out, "<li>… and {} more</li>", count(more))?;
        }
        writeln!(out, "</ul>")
    }

    fn has_room(&mut self, length: usize) -> bool {
        let left = self.bytes.checked_sub(length);
        self.bytes = left.unwrap_or(self.bytes);
        left.is_some()
    }

    fn finding(
        &mut self,
        code: Code,
        finding: &Finding<'_>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        writeln!(out, r#"<div class="finding">"#)?;
        if let Some(object) = object_name(finding) {
            writeln!(out, "<p>{}</p>", name(&object))?;
        }
        if finding.message != code.meaning() || finding.key.is_none() {
            writeln!(out, "<p>{}</p>", text(&capital(&finding.message)))?;
        }
        let facts = [
            ("Expected", &finding.expected),
            ("Found", &finding.actual),
            ("Digest that vouches", &finding.digest),
        ];
        if facts.iter().any(|(_, value)| value.is_some()) {
            writeln!(out, "<dl>")?;
            for (title, value) in facts {
                if let Some(value) = value {
                    writeln!(out, "<dt>{title}</dt><dd>{}</dd>", name(value))?;
                }
            }
            writeln!(out, "</dl>")?;
        }
        if let Some(check) = by_hand(finding) {
            self.needs_signature |= check.needs_signature;
            let then = if check.needs_signature {
                r##" Then <a href="#by-hand">check the digest's signature</a>."##
            } else {
                ""
            };
            writeln!(
                out,
                "<h5>Check by hand</h5>\n<pre>{}</pre>\n<p class=\"small muted\">{}{then}</p>",
                markup_lines(&check.commands),
                check.shows
            )?;
        }
        writeln!(out, "</div>")
    }
}

/// What can cause it, and what to do.
fn advice(group: &Group<'_>, out: &mut dyn Write) -> io::Result<()> {
    let explanation = group.code.explanation();
    writeln!(out, r#"<div class="causes">"#)?;
    for (title, causes) in [
        ("Innocent causes", explanation.innocent),
        ("Hostile causes", explanation.hostile),
    ] {
        if !causes.is_empty() {
            writeln!(out, "<div><h5>{title}</h5><ul class=\"small\">")?;
            for cause in causes {
                writeln!(out, "<li>{}</li>", markup(cause))?;
            }
            writeln!(out, "</ul></div>")?;
        }
    }
    writeln!(out, "</div>\n<h5>What to do</h5><ol class=\"small\">")?;
    for step in explanation.next {
        write!(out, "<li>{}.", markup(step.what))?;
        if let Some(command) = step.command {
            write!(out, "<pre>{}</pre>", markup_lines(command))?;
        }
        writeln!(out, "</li>")?;
    }
    writeln!(out, "</ol>")
}

fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

fn name(value: &str) -> String {
    format!(r#"<span class="name">{}</span>"#, text(value))
}

/// A stranger's text, made safe, and not longer than anything of CloudTrail's.
fn text(value: &str) -> String {
    match value.char_indices().nth(TEXT_SHOWN) {
        Some((at, _)) => format!("{}…", markup(&value[..at])),
        None => markup(value).into_owned(),
    }
}
