//! The end of the page: what is proven and what is not, the totals, the keys, and the run.

use std::io::{self, Write};

use crate::report::amounts::{between, bytes, count};
use crate::report::claims::origin_in_words;
use crate::report::escape::{markup, shell};
use crate::report::head::{Head, NO_KEYS};
use crate::report::json::SCHEMA_VERSION;

/// How many keys are listed.
const KEYS_SHOWN: usize = 400;

pub(super) fn write(report: &Head<'_>, out: &mut dyn Write) -> io::Result<()> {
    list("What this proves", &report.proves, out)?;
    list("What this does not prove", &report.limits, out)?;
    totals(report, out)?;
    keys(report, out)?;
    run(report, out)
}

fn list(title: &str, sentences: &[String], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section>\n<h2>{title}</h2>\n<ul class=\"lead\">")?;
    for sentence in sentences {
        writeln!(out, "<li>{}</li>", markup(sentence))?;
    }
    writeln!(out, "</ul>\n</section>")
}

fn totals(report: &Head<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        r#"<section>
<h2>Totals</h2>
<table class="totals"><thead><tr><th></th><th class="n">Valid</th><th class="n">Invalid</th><th class="n">Missing</th><th class="n">{}</th><th class="n">Unverified</th></tr></thead><tbody>"#,
        report.astray
    )?;
    for (name, cells) in &report.totals {
        write!(out, "<tr><th>{name}</th>")?;
        for (number, class) in cells.iter().zip(["", "bad", "bad", "bad", "open"]) {
            let is_some = number.is_some_and(|it| it > 0);
            let class = if is_some { class } else { "" };
            let told = number.map_or("-".to_owned(), count);
            write!(out, r#"<td class="n {class}">{told}</td>"#)?;
        }
        writeln!(out, "</tr>")?;
    }
    let amount = &report.bytes;
    writeln!(
        out,
        "</tbody></table>\n<p class=\"small muted\">{} read, {} of content hashed.</p>\n</section>",
        bytes(amount.read),
        bytes(amount.hashed)
    )
}

fn keys(report: &Head<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section id=\"keys\">\n<h2>Public keys</h2>")?;
    let all = || {
        let sources = report.run.public_keys.iter();
        sources.flat_map(|source| source.fingerprints.iter().map(move |key| (source, key)))
    };
    // Those that count come first.
    let is_used = |key: &str| report.used_keys.contains(key);
    let counting = all().filter(|(_, key)| is_used(key));
    let others = all().filter(|(_, key)| !is_used(key));
    writeln!(
        out,
        r#"<table class="stack"><thead><tr><th>Fingerprint</th><th>From</th><th>Use</th></tr></thead><tbody>"#
    )?;
    for (source, key) in counting.chain(others).take(KEYS_SHOWN) {
        let used = if is_used(key) {
            "signed what is verified here"
        } else {
            "not used"
        };
        writeln!(
            out,
            r#"<tr><td class="name">{}</td><td><span class="name">{}</span>, {}</td><td>{used}</td></tr>"#,
            markup(key),
            markup(&source.name),
            origin_in_words(source.origin)
        )?;
    }
    writeln!(out, "</tbody></table>")?;
    if report.run.public_keys.is_empty() {
        writeln!(out, "<p>{NO_KEYS}</p>")?;
    }
    let rest = all().count().saturating_sub(KEYS_SHOWN) as u64;
    if rest > 0 {
        writeln!(out, "<p>… and {} more.</p>", count(rest))?;
    }
    writeln!(
        out,
        "<p class=\"small muted\">Compare the fingerprints with those of <code>aws cloudtrail list-public-keys</code>: a signature is worth as much as \
         the way the key came here.</p>\n</section>"
    )
}

fn run(report: &Head<'_>, out: &mut dyn Write) -> io::Result<()> {
    let run = report.run;
    let words: Vec<_> = run.arguments.iter().map(|word| quoted(word)).collect();
    let name = |text: Option<&str>| markup(text.unwrap_or("unknown")).into_owned();
    let version = markup(&report.tool.version).into_owned();
    writeln!(out, "<section>\n<h2>The run</h2>\n<dl class=\"facts\">")?;
    for (title, told) in [
        (
            "Command",
            format!("<code>ct-verify {}</code>", markup_quoted(&words.join(" "))),
        ),
        ("Began", run.started.to_string()),
        (
            "Ended",
            format!("{} ({})", run.finished, between(run.started, run.finished)),
        ),
        ("User", name(run.user.as_deref())),
        ("Host", name(run.host.as_deref())),
        ("Program", format!("ct-verify {version}")),
        ("Report", format!("version {SCHEMA_VERSION}")),
    ] {
        writeln!(out, "<dt>{title}</dt><dd>{told}</dd>")?;
    }
    writeln!(out, "</dl>\n</section>")
}

/// A word of the command, in quotes where a shell would need them.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    shell(word)
}

fn markup_quoted(command: &str) -> String {
    super::by_hand::markup_lines(command)
}

pub(super) fn footer(report: &Head<'_>, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<footer>Written by ct-verify {}. This page has no scripts and loads nothing. It is not signed: keep it, with the archive and the public \
         keys, where nobody can change it.</footer>",
        markup(&report.tool.version)
    )
}
