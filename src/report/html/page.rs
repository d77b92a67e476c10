//! The page as a whole, and its top.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::{by_hand, coverage, ending, findings};
use crate::report::amounts::{between, counted};
use crate::report::claims::{origin_in_words, range_in_words};
use crate::report::escape::markup;
use crate::report::head::Head;
use crate::report::json::{Keys, Report, Requested};
use crate::verify::conclusion::Verdict;
use crate::verify::finding::Code;

const STYLE: &str = include_str!("style.css");
/// How many sources of keys are named at the top.
const KEYS_SHOWN: usize = 4;

/// Writes the report as one page.
///
/// # Errors
/// Where `out` fails.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    write_page(&Head::new(report), |out| coverage::write(report, out), out)
}

/// Writes a report of any kind as one page; `middle` writes the section on what was verified.
///
/// # Errors
/// Where `out` fails.
pub(in crate::report) fn write_page(
    report: &Head<'_>,
    middle: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    out: &mut dyn Write,
) -> io::Result<()> {
    head(report, out)?;
    writeln!(out, "<body>")?;
    top(report, out)?;
    writeln!(out, "<main>")?;
    facts(report, out)?;
    middle(out)?;
    let needs_by_hand = findings::write(report, out)?;
    if needs_by_hand {
        by_hand::appendix(out)?;
    }
    ending::write(report, out)?;
    writeln!(out, "</main>")?;
    ending::footer(report, out)?;
    writeln!(out, "</body>\n</html>")
}

fn head(report: &Head<'_>, out: &mut dyn Write) -> io::Result<()> {
    // The one style is allowed by its hash, and nothing else at all: should a name ever get past
    // the escaping, it could load nothing and run nothing.
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    write!(
        out,
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/>
<meta name="referrer" content="no-referrer"/>
<title>{}: {}</title>
<style>{STYLE}</style>
</head>
"#,
        report.verdict.name().to_uppercase(),
        markup(report.source)
    )
}

fn top(report: &Head<'_>, out: &mut dyn Write) -> io::Result<()> {
    let told = report.headline.as_str();
    let (verdict, sentence) = told.split_once(": ").unwrap_or((told, ""));
    // A shape for each verdict, for eyes and paper that know no colours.
    let icon = match report.verdict {
        Verdict::Valid => {
            r#"<circle cx="12" cy="12" r="10"/><path d="M7.2 12.4l3.2 3.2 6.4-6.8"/>"#
        }
        Verdict::Invalid => {
            r#"<path d="M8 2h8l6 6v8l-6 6H8l-6-6V8z"/><path d="M8.5 8.5l7 7m0-7l-7 7"/>"#
        }
        Verdict::Unverified => r#"<path d="M12 2.5L22.5 21h-21z"/><path d="M12 9v5.5m0 2.6v.4"/>"#,
    };
    write!(
        out,
        r#"<header class="{}">
<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{icon}</svg>
<div>
<h1>{}</h1>
<p>{}</p>
<p class="by">Integrity of {}, as verified by ct-verify {} on {}</p>
</div>
</header>
"#,
        report.verdict.name(),
        markup(verdict),
        markup(&capital(sentence)),
        report.about,
        markup(&report.tool.version),
        time(report.run.started)
    )
}

fn range(requested: &Requested) -> String {
    match (requested.start, requested.end) {
        (Some(start), Some(end)) => {
            format!("{} to {} ({})", time(start), time(end), between(start, end))
        }
        (Some(start), None) => format!("from {} on; nothing tells its end", time(start)),
        (None, Some(end)) => format!("up to {}; nothing tells its start", time(end)),
        (None, None) => "not known: nothing was found that tells it".to_owned(),
    }
}

/// An instant, on one line.
fn time(at: jiff::Timestamp) -> String {
    format!(r#"<span class="time">{at}</span>"#)
}

/// A sentence begins with a capital.
fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

fn facts(report: &Head<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, r#"<dl class="facts">"#)?;
    let mut fact = |name: &str, told: &str| writeln!(out, "<dt>{name}</dt><dd>{told}</dd>");
    let code = |text: &str| format!("<code>{}</code>", markup(text));
    fact("Source", &code(report.source))?;
    if let Some(requested) = &report.requested {
        let known = requested.start.and(requested.end);
        let note = known.and_then(|_| range_in_words(report.run));
        let note = note.map(|note| format!("; {}", markup(note)));
        fact("Range", &(range(requested) + &note.unwrap_or_default()))?;
    }
    for (name, told) in &report.facts {
        fact(name, &markup(told))?;
    }
    let run = report.run;
    let who = run.user.as_deref().unwrap_or("an unknown user");
    let host = run.host.as_deref().unwrap_or("an unknown host");
    let took = between(run.started, run.finished);
    let interrupted = if run.interrupted {
        r#", and <strong class="open">stopped before its end</strong>"#
    } else {
        ""
    };
    fact(
        "Run",
        &format!(
            "by {} on {}, {} (took {took}){interrupted}",
            code(who),
            code(host),
            time(run.started)
        ),
    )?;
    let codes = |codes: &[Code]| {
        let names: Vec<_> = codes.iter().map(|it| code(it.name())).collect();
        names.join(", ")
    };
    if !run.allow.is_empty() {
        let told = format!("{} taken down to notices", codes(&run.allow));
        fact("Allowed", &told)?;
    }
    if !run.deny.is_empty() {
        fact(
            "Denied",
            &format!("{} taken up to invalid", codes(&run.deny)),
        )?;
    }
    fact("Public keys", &keys(&run.public_keys))?;
    writeln!(out, "</dl>")?;
    if let Some(warning) = report.keys_warning {
        writeln!(
            out,
            r#"<p class="warning"><strong>Warning:</strong> {}</p>"#,
            markup(warning)
        )?;
    }
    Ok(())
}

fn keys(sources: &[Keys<'_>]) -> String {
    if sources.is_empty() {
        return "none".to_owned();
    }
    let mut told: Vec<_> = sources
        .iter()
        .take(KEYS_SHOWN)
        .map(|source| {
            let number = source.fingerprints.len() as u64;
            format!(
                "{}, {} (<code>{}</code>)",
                counted(number, "key", "keys"),
                origin_in_words(source.origin),
                markup(&source.name)
            )
        })
        .collect();
    if sources.len() > KEYS_SHOWN {
        told.push(r##"and more: see <a href="#keys">below</a>"##.to_owned());
    }
    told.join("; ")
}
