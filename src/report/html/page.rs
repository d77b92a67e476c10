//! The page as a whole, and its top.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::{by_hand, coverage, ending, findings};
use crate::report::amounts::between;
use crate::report::claims::{
    filters_in_words, headline, keys_warning, origin_in_words, snapshot_in_words,
};
use crate::report::escape::markup;
use crate::report::groups::{Group, groups};
use crate::report::json::{Keys, Report};
use crate::verify::conclusion::Verdict;
use crate::verify::finding::Code;

const STYLE: &str = include_str!("style.css");
/// So many sources of keys are named at the top.
const KEYS_SHOWN: usize = 4;

/// Writes the report as one page.
///
/// # Errors
/// Where `out` fails.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let groups = groups(report);
    head(report, out)?;
    writeln!(out, "<body>")?;
    top(report, &groups, out)?;
    writeln!(out, "<main>")?;
    facts(report, out)?;
    coverage::write(report, out)?;
    let needs_by_hand = findings::write(report, &groups, out)?;
    if needs_by_hand {
        by_hand::appendix(out)?;
    }
    ending::write(report, out)?;
    writeln!(out, "</main>")?;
    ending::footer(report, out)?;
    writeln!(out, "</body>\n</html>")
}

fn head(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
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
        markup(&report.source)
    )
}

fn top(report: &Report<'_>, groups: &[Group<'_>], out: &mut dyn Write) -> io::Result<()> {
    let told = headline(report, groups);
    let (verdict, sentence) = told.split_once(": ").unwrap_or((&told, ""));
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
<p class="by">Integrity of AWS CloudTrail logs, as verified by ct-verify {} on {}</p>
</div>
</header>
"#,
        report.verdict.name(),
        markup(verdict),
        markup(&capital(sentence)),
        markup(&report.tool.version),
        time(report.run.started)
    )
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

fn facts(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, r#"<dl class="facts">"#)?;
    let mut fact = |name: &str, told: &str| writeln!(out, "<dt>{name}</dt><dd>{told}</dd>");
    let code = |text: &str| format!("<code>{}</code>", markup(text));
    fact("Source", &code(&report.source))?;
    let (start, end) = (report.requested.start, report.requested.end);
    match (start, end) {
        (Some(start), Some(end)) => fact(
            "Range",
            &format!("{} to {} ({})", time(start), time(end), between(start, end)),
        )?,
        (Some(start), None) => {
            let told = format!("from {} on; nothing tells its end", time(start));
            fact("Range", &told)?;
        }
        (None, Some(end)) => {
            let told = format!("up to {}; nothing tells its start", time(end));
            fact("Range", &told)?;
        }
        (None, None) => fact("Range", "not known: nothing was found that tells it")?,
    }
    if let Some(filters) = filters_in_words(report) {
        fact("Only", &markup(&filters))?;
    }
    let run = &report.run;
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
    if let Some(told) = snapshot_in_words(report) {
        fact("Snapshot", &markup(&told.join("; ")))?;
    }
    if run.digests_only {
        fact("Logs", "were not read (--digests-only)")?;
    }
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
    if let Some(warning) = keys_warning(report) {
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
                crate::report::amounts::counted(number, "key", "keys"),
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
