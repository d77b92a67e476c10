use super::page::MAX_LEN;
use super::write;
use crate::report::escape::is_hidden;
use crate::report::json::Report;
use crate::report::samples;

fn page(report: &Report<'_>) -> String {
    let mut page = Vec::new();
    write(report, &mut page).unwrap();
    String::from_utf8(page).unwrap()
}

#[test]
fn it_is_never_too_long() {
    let mut vast = samples::many(3_000);
    for finding in &mut vast.findings {
        finding.message = "`|<".repeat(3_000).into();
        finding.key = Some("é".repeat(1_000).into());
        finding.chain = Some(format!("{}{}", "x".repeat(1_000), finding.message.len()).into());
    }
    vast.source = "\u{202e}".repeat(100_000).into();
    let reports = samples::all().into_iter().chain([("vast", vast)]);
    for (name, report) in reports {
        let page = page(&report);
        assert!(page.len() <= MAX_LEN, "{name}: {}", page.len());
        assert!(page.starts_with("## "), "{name}");
    }
}

#[test]
fn names_are_code_and_nothing_else() {
    let page = page(&samples::hostile());
    assert!(
        !page
            .chars()
            .any(|c| c != '\n' && c != '\u{fe0f}' && is_hidden(c))
    );
    // Outside of code there is nothing of a name.
    let mut outside = String::new();
    let mut rest = page.as_str();
    while let Some(open) = rest.find('`') {
        outside.push_str(&rest[..open]);
        rest = &rest[open..];
        let fence = rest.len() - rest.trim_start_matches('`').len();
        let body = &rest[fence..];
        let mut close = 0;
        loop {
            let at = close + body[close..].find('`').expect("the code ends");
            let run = body[at..].len() - body[at..].trim_start_matches('`').len();
            close = at + run;
            if run == fence {
                break;
            }
        }
        assert!(!body[..close].contains('\n'));
        rest = &body[close..];
    }
    outside.push_str(rest);
    for part in [
        "script",
        "alert",
        "javascript",
        "cmd(",
        "@team",
        "example.com",
        "CDATA",
    ] {
        assert!(!outside.contains(part), "{part} in {outside}");
    }
    // A table's row has its five cells, whatever a chain is called.
    let row = page
        .lines()
        .find(|line| line.contains("CDATA") && line.starts_with('|'));
    let bars = row.unwrap().replace("\\|", "").matches('|').count();
    assert_eq!(bars, 6);
}
