use std::sync::LazyLock;

use super::write;
use crate::report::escape::is_hidden;
use crate::report::json::Report;
use crate::report::samples;

fn page(report: &Report<'_>) -> String {
    let mut page = Vec::new();
    write(report, &mut page).unwrap();
    String::from_utf8(page).unwrap()
}

/// Every sample's page, made once.
static PAGES: LazyLock<Vec<(&str, String)>> = LazyLock::new(|| {
    let samples = samples::all().into_iter();
    samples
        .map(|(name, report)| (name, page(&report)))
        .collect()
});

/// The elements of a page in order, each with its attributes, and what is outside of them.
fn taken_apart(page: &str) -> (Vec<String>, String) {
    let (mut elements, mut text) = (Vec::new(), String::new());
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        let end = at + rest[at..].find('>').expect("a tag ends");
        elements.push(rest[at..=end].to_owned());
        rest = &rest[end + 1..];
    }
    (elements, text + rest)
}

#[test]
fn nothing_is_loaded_and_nothing_runs() {
    for (name, page) in PAGES.iter() {
        let (elements, _) = taken_apart(page);
        for element in elements {
            // What stands in quotes is no markup; that nothing ends them early, the escaping sees to.
            let parts: Vec<_> = element.split('"').collect();
            let lower = parts
                .iter()
                .step_by(2)
                .copied()
                .collect::<String>()
                .to_lowercase();
            for wrong in [
                "<script",
                "<img",
                "<link",
                "<iframe",
                "<base",
                "<object",
                "src=",
                "style=",
                " on",
                "xlink",
                "javascript:",
            ] {
                assert!(!lower.contains(wrong), "{name}: {element}");
            }
            let mut names = parts.iter().step_by(2).zip(parts.iter().skip(1).step_by(2));
            let leads_away =
                |(name, value): (&&str, &&str)| name.ends_with("href=") && !value.starts_with('#');
            assert!(!names.any(leads_away), "{name}: {element}");
        }
        for wrong in ["url(http", "@import", "url(\"", "url('"] {
            assert!(!page.contains(wrong), "{name}: {wrong}");
        }
    }
}

#[test]
fn every_element_ends() {
    for (name, page) in PAGES.iter() {
        let mut open = Vec::new();
        for element in taken_apart(page).0 {
            let tag = element.trim_matches(['<', '>', '/']);
            let tag = tag.split_whitespace().next().unwrap_or_default();
            if element.starts_with("</") {
                assert_eq!(open.pop().as_deref(), Some(tag), "{name}");
            } else if !element.ends_with("/>") && !matches!(tag, "meta" | "!DOCTYPE") {
                open.push(tag.to_owned());
            }
        }
        assert!(open.is_empty(), "{name}: {open:?}");
    }
}

#[test]
fn names_are_text_and_nothing_else() {
    let page = page(&samples::hostile());
    assert!(!page.chars().any(|c| c != '\n' && is_hidden(c)));
    let plain = page.replace(char::is_whitespace, " ");
    for part in [
        "<script>alert",
        "onerror=alert(1)>",
        "]]>",
        "<b>",
        "\"quoted\"",
    ] {
        assert!(!plain.contains(part), "{part}");
    }
    assert!(plain.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
}

#[test]
fn a_year_of_fifty_chains_and_many_findings_stay_small() {
    let mut vast = samples::many(600);
    for finding in &mut vast.findings {
        finding.message = "<>&".repeat(10_000).into();
    }
    let mut wide = samples::year(50);
    let template = wide.chains.clone();
    for number in 0..1_000 {
        let mut chain = template[number % 50].clone();
        chain.trail = format!("trail-{number}").into();
        wide.chains.push(chain);
    }
    for (report, most) in [
        (samples::year(50), 1 << 20),
        (samples::many(8_000), 5_000_000),
        (vast, 5_000_000),
        (wide, 5_000_000),
    ] {
        let length = page(&report).len();
        assert!(length < most, "{length}");
    }
}

#[test]
fn it_tells_what_an_auditor_looks_for() {
    let page = page(&samples::tampered());
    for part in [
        "INVALID",
        "auditor",
        "forensics-1",
        "keys.json",
        "2024-03-05T16:00:00Z",
        "123456789012/us-east-1/audit",
        "sha256sum",
        "openssl dgst",
        "What this proves",
        "What this does not prove",
        "digests are missing",
    ] {
        assert!(page.contains(part), "{part}");
    }
}
