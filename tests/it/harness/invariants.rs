//! What holds of every report, whatever the archive.

use std::path::Path;

use serde_json::Value;

use super::formats;

/// The severity of each code, from the contract.
pub const SEVERITIES: [(&str, &str); 34] = [
    ("digest-missing", "invalid"),
    ("digest-modified", "invalid"),
    ("digest-malformed", "invalid"),
    ("digest-moved", "invalid"),
    ("digest-key-unknown", "invalid"),
    ("digest-link-broken", "invalid"),
    ("digest-out-of-chain", "invalid"),
    ("digest-unsigned", "unverified"),
    ("digest-unreadable", "unverified"),
    ("log-missing", "invalid"),
    ("log-modified", "invalid"),
    ("log-malformed", "invalid"),
    ("log-unreferenced", "invalid"),
    ("log-uncovered", "unverified"),
    ("log-unreadable", "unverified"),
    ("coverage-ends-early", "unverified"),
    ("no-digests", "unverified"),
    ("coverage-gap", "notice"),
    ("coverage-starts-late", "notice"),
    ("region-silent", "notice"),
    ("kind-undigested", "notice"),
    ("log-pending", "notice"),
    ("stored-uncompressed", "notice"),
    ("signature-from-successor", "notice"),
    ("sign-file-missing", "invalid"),
    ("sign-file-modified", "invalid"),
    ("sign-file-malformed", "invalid"),
    ("result-key-unknown", "invalid"),
    ("result-missing", "invalid"),
    ("result-modified", "invalid"),
    ("result-unreferenced", "invalid"),
    ("result-unreadable", "unverified"),
    ("no-results", "unverified"),
    ("snapshot-altered", "invalid"),
];

pub fn severity_of(code: &str) -> &'static str {
    SEVERITIES
        .iter()
        .find(|(known, _)| *known == code)
        .unwrap_or_else(|| panic!("{code} is no code"))
        .1
}

const CAUSES: [&str; 7] = [
    "starting-digest",
    "digest-missing",
    "digest-invalid",
    "digest-unverified",
    "starts-late",
    "ends-early",
    "not-contiguous",
];
const FINDING_FIELDS: [&str; 9] = [
    "code", "severity", "bucket", "key", "chain", "digest", "expected", "actual", "message",
];
const CHAIN_FIELDS: [&str; 11] = [
    "organization",
    "account",
    "region",
    "trail",
    "home_region",
    "backfill",
    "covered",
    "gaps",
    "digests",
    "logs",
    "key_fingerprints",
];

pub fn check(report: &Value, bytes: &[u8], exit: i32, source: &Path) {
    assert_eq!(report["schema_version"], 1);
    assert_eq!(report["tool"]["name"], "ct-verify");
    assert_eq!(report["source"], source.to_str().expect("a plain source"));
    let fields: Vec<_> = report
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    let known = [
        "chains",
        "findings",
        "requested",
        "run",
        "schema_version",
        "source",
        "tool",
        "totals",
        "verdict",
    ];
    assert_eq!(fields, known, "the report's fields");
    check_run(report);
    check_verdict(report, exit);
    check_findings(report);
    check_chains(report);
    check_totals(report);
    check_times(report);
    check_bytes(bytes);
    formats::check_json(report);
    formats::check_all(bytes);
}

fn check_run(report: &Value) {
    let run = &report["run"];
    let (started, finished) = (
        run["started"].as_str().expect("a start"),
        run["finished"].as_str().expect("an end"),
    );
    assert!(started <= finished && finished.ends_with('Z'), "{run:#}");
    assert_eq!(run["arguments"][0], "logs");
    for field in ["host", "user"] {
        assert!(
            run[field].is_null() || run[field].is_string(),
            "{field} of {run:#}"
        );
    }
}

fn check_verdict(report: &Value, exit: i32) {
    let weigh = |severity: &str| {
        report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["severity"] == severity)
    };
    let (verdict, status) = match (weigh("invalid"), weigh("unverified")) {
        (true, _) => ("invalid", 1),
        (false, true) => ("unverified", 3),
        (false, false) => ("valid", 0),
    };
    assert_eq!(
        (report["verdict"].as_str(), exit),
        (Some(verdict), status),
        "the verdict follows from the findings: {report:#}"
    );
    if verdict == "valid" {
        assert_ne!(
            report["totals"]["digests"]["valid"], 0,
            "valid with nothing verified: {report:#}"
        );
    }
}

fn check_findings(report: &Value) {
    let findings = report["findings"].as_array().expect("findings");
    let place =
        |it: &Value| ["chain", "key", "code"].map(|field| it[field].as_str().map(str::to_owned));
    let places: Vec<_> = findings.iter().map(place).collect();
    assert!(
        places.is_sorted(),
        "findings are sorted by chain, key and code: {places:#?}"
    );
    let arguments: Vec<_> = report["run"]["arguments"]
        .as_array()
        .expect("arguments")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    for finding in findings {
        let fields: Vec<_> = finding
            .as_object()
            .expect("an object")
            .keys()
            .map(String::as_str)
            .collect();
        for field in FINDING_FIELDS {
            assert!(
                fields.contains(&field),
                "{field} is absent from {finding:#}"
            );
        }
        let code = finding["code"].as_str().expect("a code");
        let severity = finding["severity"].as_str().expect("a severity");
        if !arguments.iter().any(|argument| argument.ends_with(code)) {
            assert_eq!(severity, severity_of(code), "{code}");
        }
        assert!(
            finding["message"]
                .as_str()
                .is_some_and(|message| !message.trim().is_empty()),
            "a message: {finding:#}"
        );
        for field in ["bucket", "key", "chain", "digest", "expected", "actual"] {
            assert!(
                finding[field].is_null() || finding[field].is_string(),
                "{field} of {finding:#}"
            );
        }
    }
}

fn check_chains(report: &Value) {
    let chains = report["chains"].as_array().expect("chains");
    let identity = |it: &Value| {
        let text = |field: &str| it[field].as_str().map(str::to_owned);
        let order = ["organization", "account", "region", "trail", "home_region"].map(text);
        (
            order,
            it["backfill"].as_bool().expect("backfill is a boolean"),
        )
    };
    let identities: Vec<_> = chains.iter().map(identity).collect();
    assert!(
        identities.is_sorted_by(|one, other| one < other),
        "chains are sorted, none twice: {identities:#?}"
    );
    for chain in chains {
        for field in CHAIN_FIELDS {
            assert!(
                !chain[field].is_null() || field == "organization",
                "{field} is absent from {chain:#}"
            );
        }
        for gap in chain["gaps"].as_array().expect("gaps") {
            assert!(
                CAUSES.contains(&gap["cause"].as_str().expect("a cause")),
                "{gap}"
            );
        }
        for spans in ["covered", "gaps"] {
            let spans: Vec<_> = chain[spans]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| (it["start"].to_string(), it["end"].to_string()))
                .collect();
            assert!(
                spans.iter().all(|(start, end)| start < end),
                "spans run forward: {spans:?}"
            );
            assert!(
                spans.windows(2).all(|pair| pair[0].1 <= pair[1].0),
                "spans lie apart, in order: {spans:?}"
            );
        }
        let prints: Vec<_> = chain["key_fingerprints"]
            .as_array()
            .unwrap()
            .iter()
            .map(Value::to_string)
            .collect();
        assert!(
            prints.is_sorted_by(|one, other| one < other),
            "fingerprints are sorted, none twice: {prints:?}"
        );
    }
}

fn count(report: &Value, code: &str) -> u64 {
    report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["code"] == code)
        .count() as u64
}

fn check_totals(report: &Value) {
    let sum = |of: &str, field: &str| -> u64 {
        report["chains"]
            .as_array()
            .unwrap()
            .iter()
            .map(|chain| chain[of][field].as_u64().expect("a count"))
            .sum()
    };
    let total = |of: &str, field: &str| report["totals"][of][field].as_u64().expect("a total");
    for field in ["valid", "invalid", "missing", "unverified"] {
        assert_eq!(
            total("digests", field),
            sum("digests", field),
            "digests, {field}: {report:#}"
        );
    }
    for field in ["valid", "invalid", "missing"] {
        assert_eq!(
            total("logs", field),
            sum("logs", field),
            "logs, {field}: {report:#}"
        );
    }
    assert_eq!(
        total("logs", "unreferenced"),
        count(report, "log-unreferenced"),
        "{report:#}"
    );
    assert_eq!(
        total("logs", "unverified"),
        sum("logs", "unverified") + count(report, "log-uncovered"),
        "unverified logs: {report:#}"
    );
    assert_eq!(
        total("digests", "missing") > 0,
        count(report, "digest-missing") > 0,
        "{report:#}"
    );
    assert!(
        total("bytes", "read") > 0 || total("digests", "valid") == 0,
        "{report:#}"
    );
}

fn check_times(report: &Value) {
    let time = |value: &Value| {
        let text = value.as_str().unwrap_or_else(|| panic!("a time: {value}"));
        assert!(
            text.len() == 20 && text.ends_with('Z'),
            "times are whole seconds of UTC: {text}"
        );
        crate::forge::Time::parse(text)
    };
    // What was asked for may lie between seconds: a span back from now.
    let asked = |end: &str| {
        report["requested"][end]
            .as_str()
            .map(|it| it.split(['.', 'Z']).next().unwrap())
    };
    if let (Some(start), Some(end)) = (asked("start"), asked("end")) {
        assert!(start <= end, "{start} to {end}");
    }
    for chain in report["chains"].as_array().unwrap() {
        for spans in ["covered", "gaps"] {
            for span in chain[spans].as_array().unwrap() {
                assert!(time(&span["start"]) < time(&span["end"]), "{span}");
            }
        }
    }
}

/// Nothing on stdout may move a cursor or turn the direction of text.
pub fn check_bytes(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).expect("output in UTF-8");
    let harmful = |letter: &char| {
        (letter.is_control() && *letter != '\n')
            || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert_eq!(
        text.chars().find(harmful),
        None,
        "raw control or bidi characters in the output"
    );
}
