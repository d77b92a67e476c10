use std::collections::BTreeSet;

use serde_json::Value;

use super::log::write;
use crate::report::escape::is_hidden;
use crate::report::json::Report;
use crate::report::samples;
use crate::verify::finding::Code;

fn log(report: &Report<'_>) -> Value {
    let mut json = Vec::new();
    write(report, &mut json).unwrap();
    serde_json::from_slice(&json).unwrap()
}

fn fingerprints(report: &Report<'_>) -> Vec<String> {
    let log = log(report);
    let results = log["runs"][0]["results"].as_array().unwrap().iter();
    results
        .map(|it| it["partialFingerprints"].to_string())
        .collect()
}

#[test]
fn a_finding_keeps_its_fingerprint() {
    let report = samples::many(300);
    let all = fingerprints(&report);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    // In the next run others are gone, and what is known of it is told in other words.
    let mut later = report.clone();
    later.findings.drain(..100);
    for finding in &mut later.findings {
        finding.message = "in other words".into();
        finding.actual = None;
    }
    assert_eq!(fingerprints(&later), all[100..]);
    // What is found again of the same object is told apart.
    later.findings = vec![later.findings[0].clone(), later.findings[0].clone()];
    let twice = fingerprints(&later);
    assert_ne!(twice[0], twice[1]);
}

#[test]
fn names_are_neither_links_nor_placeholders() {
    let log = log(&samples::hostile());
    for result in log["runs"][0]["results"].as_array().unwrap() {
        let text = result["message"]["text"].as_str().unwrap();
        assert!(!text.chars().any(is_hidden), "{text}");
        for (at, _) in text.match_indices(['[', ']']) {
            let before = text[..at].len() - text[..at].trim_end_matches('\\').len();
            assert_eq!(before % 2, 1, "{text}");
        }
        for brace in ['{', '}'] {
            assert!(
                !text
                    .replace([brace; 2].iter().collect::<String>().as_str(), "")
                    .contains(brace),
                "{text}"
            );
        }
        let uri = &result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        let uri = uri.as_str().unwrap();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~=/:%".contains(c);
        assert!(!uri.is_empty() && uri.chars().all(is_plain), "{uri}");
    }
}

/// Code scanning refuses a whole file for one place with another scheme than its checkout's.
#[test]
fn places_have_no_scheme_but_that_of_files() {
    for mut report in [samples::tampered(), samples::hostile()] {
        for source in ["s3://audit-logs/security team", "/evidence", "evidence"] {
            report.source = source.into();
            for result in log(&report)["runs"][0]["results"].as_array().unwrap() {
                let place = &result["locations"][0]["physicalLocation"]["artifactLocation"];
                let uri = place["uri"].as_str().unwrap();
                let scheme = uri.split(['/', '?', '#']).next().unwrap();
                assert!(
                    !scheme.contains(':') || uri.starts_with("file:///"),
                    "{uri}"
                );
            }
        }
    }
    let log = log(&samples::tampered());
    let results = log["runs"][0]["results"].as_array().unwrap();
    let of_bucket = results
        .iter()
        .find(|it| !it["properties"]["object"].is_null());
    let of_bucket = of_bucket.unwrap();
    let object = of_bucket["properties"]["object"].as_str().unwrap();
    let uri = &of_bucket["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(object, format!("s3://{}", uri.as_str().unwrap()));
}

#[test]
fn every_rule_has_its_help() {
    let log = log(&samples::tampered());
    let rules = log["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .unwrap();
    assert_eq!(rules.len(), Code::ALL.len());
    for rule in rules {
        let help = rule["help"]["markdown"].as_str().unwrap();
        assert!(help.contains("What to do"), "{help}");
    }
}
