//! A SARIF log of one run: its rules are the codes, its results the findings.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::report::escape::visible;
use crate::report::groups::object_name;
use crate::report::head::Head;
use crate::report::json::{Finding, Report};
use crate::report::shown_json::write_pretty;
use crate::verify::finding::{Code, Severity};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// What stands for itself in the path of a URI.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'=');

#[derive(Serialize)]
struct Log<'a, T> {
    #[serde(rename = "$schema")]
    schema: &'a str,
    version: &'a str,
    runs: [Run<'a, T>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a, T> {
    tool: Tool<'a>,
    invocations: [Invocation; 1],
    column_kind: &'a str,
    results: Vec<SarifResult<'a>>,
    properties: RunProperties<'a, T>,
}

#[derive(Serialize)]
struct Tool<'a> {
    driver: Driver<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver<'a> {
    name: &'a str,
    semantic_version: &'a str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    name: String,
    short_description: Message,
    full_description: Message,
    help: Help,
    default_configuration: Configuration,
    properties: RuleProperties,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

#[derive(Serialize)]
struct Help {
    text: String,
    markdown: String,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct RuleProperties {
    tags: [&'static str; 2],
    #[serde(rename = "security-severity", skip_serializing_if = "Option::is_none")]
    security_severity: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    exit_code: i32,
    start_time_utc: String,
    end_time_utc: String,
    arguments: Vec<String>,
}

#[derive(Serialize)]
struct RunProperties<'a, T> {
    verdict: &'a str,
    source: String,
    totals: &'a T,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult<'a> {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Message,
    locations: [Location; 1],
    partial_fingerprints: BTreeMap<&'static str, String>,
    properties: ResultProperties<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<LogicalLocation>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
}

#[derive(Serialize)]
struct ArtifactLocation {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation {
    fully_qualified_name: String,
    kind: &'static str,
}

#[derive(Serialize)]
struct ResultProperties<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actual: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<&'a str>,
}

/// Writes the report as SARIF.
///
/// # Errors
/// Where `out` fails.
pub fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    write_log(&Head::new(report), &report.totals, out)
}

/// Writes any kind of report as SARIF.
pub(in crate::report) fn write_log<T: Serialize>(
    report: &Head<'_>,
    totals: &T,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut seen = BTreeMap::new();
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: &report.tool.name,
                    semantic_version: &report.tool.version,
                    rules: Code::ALL.iter().map(|code| rule(*code)).collect(),
                },
            },
            invocations: [invocation(report)],
            column_kind: "utf16CodeUnits",
            results: report
                .findings
                .iter()
                .map(|finding| result(report, finding, &mut seen))
                .collect(),
            properties: RunProperties {
                verdict: report.verdict.name(),
                source: visible(report.source).into_owned(),
                totals,
            },
        }],
    };
    write_pretty(&log, out)
}

fn invocation(report: &Head<'_>) -> Invocation {
    let time = |at: jiff::Timestamp| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let arguments = report.run.arguments.iter();
    Invocation {
        execution_successful: !report.run.interrupted,
        exit_code: report.exit_status().code().into(),
        start_time_utc: time(report.run.started),
        end_time_utc: time(report.run.finished),
        arguments: arguments.map(|text| visible(text).into_owned()).collect(),
    }
}

/// A text as a message: what would be a link or a placeholder in one is text too.
fn message(text: &str) -> String {
    let mut message = String::with_capacity(text.len());
    for character in visible(text).chars() {
        match character {
            '\\' | '[' | ']' => message.extend(['\\', character]),
            '{' | '}' => message.extend([character; 2]),
            plain => message.push(plain),
        }
    }
    message
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Invalid => "error",
        Severity::Unverified => "warning",
        Severity::Notice => "note",
    }
}

fn rule(code: Code) -> Rule {
    let explanation = code.explanation();
    let mut text = explanation.means.to_owned();
    let mut markdown = format!("{}\n", explanation.means);
    // Writing to a string cannot fail.
    for (title, causes) in [
        ("Innocent causes", explanation.innocent),
        ("Hostile causes", explanation.hostile),
    ] {
        if causes.is_empty() {
            continue;
        }
        let _ = write!(text, "\n\n{title}:");
        let _ = write!(markdown, "\n**{title}**\n\n");
        for cause in causes {
            let _ = write!(text, "\n- {cause}.");
            let _ = writeln!(markdown, "- {cause}.");
        }
    }
    text.push_str("\n\nWhat to do:");
    markdown.push_str("\n**What to do**\n\n");
    for (index, step) in explanation.next.iter().enumerate() {
        let number = index + 1;
        let _ = write!(text, "\n{number}. {}.", step.what);
        let _ = writeln!(markdown, "{number}. {}.", step.what);
        if let Some(command) = step.command {
            let _ = write!(text, "\n   {command}");
            let _ = writeln!(markdown, "\n   ```sh\n   {command}\n   ```");
        }
    }
    Rule {
        id: code.name(),
        name: camel(code.name()),
        short_description: Message {
            text: code.meaning().to_owned(),
        },
        full_description: Message {
            text: explanation.means.to_owned(),
        },
        help: Help { text, markdown },
        default_configuration: Configuration {
            level: level(code.severity()),
        },
        properties: RuleProperties {
            tags: ["security", "cloudtrail"],
            security_severity: match code.severity() {
                Severity::Invalid => Some("8.0"),
                Severity::Unverified => Some("5.0"),
                Severity::Notice => None,
            },
        },
    }
}

/// `LogMissing` for `log-missing`.
fn camel(name: &str) -> String {
    let words = name.split('-');
    words
        .map(|word| {
            let (first, rest) = word.split_at(word.len().min(1));
            first.to_ascii_uppercase() + rest
        })
        .collect()
}

fn result<'a>(
    report: &Head<'_>,
    finding: &'a Finding<'_>,
    seen: &mut BTreeMap<String, u64>,
) -> SarifResult<'a> {
    let index = Code::ALL.iter().position(|code| *code == finding.code);
    let chain = finding.chain.iter().map(|chain| LogicalLocation {
        fully_qualified_name: visible(chain).into_owned(),
        kind: "chain",
    });
    let fingerprint = fingerprint(finding);
    // The same thing found twice, as two gaps of one chain are, is told apart by its number.
    let number = seen.entry(fingerprint.clone()).or_default();
    *number += 1;
    SarifResult {
        rule_id: finding.code.name(),
        rule_index: index.unwrap_or_default(),
        level: level(finding.severity),
        message: Message {
            text: message(&finding.message),
        },
        locations: [Location {
            physical_location: PhysicalLocation {
                artifact_location: ArtifactLocation {
                    uri: uri(report, finding),
                },
            },
            logical_locations: chain.collect(),
        }],
        partial_fingerprints: BTreeMap::from([(
            "ctVerifyFinding/v1",
            format!("{fingerprint}:{number}"),
        )]),
        properties: ResultProperties {
            object: object_name(finding).map(|name| visible(&name).into_owned()),
            expected: finding.expected.as_deref(),
            actual: finding.actual.as_deref(),
            digest: finding.digest.as_deref(),
        },
    }
}

/// What makes a finding the same one in the next run: its code, its chain and its object.
fn fingerprint(finding: &Finding<'_>) -> String {
    let mut hash = Sha256::new();
    let parts = [&finding.chain, &finding.bucket, &finding.key];
    hash.update(finding.code.name());
    for part in parts {
        // What stands before each part keeps parts from running into one another.
        match part {
            None => hash.update([0]),
            Some(part) => {
                hash.update([1]);
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part.as_bytes());
            }
        }
    }
    hex::encode(&hash.finalize()[..16])
}

/// Where a finding's object lies. In a bucket that is told without a scheme: code scanning takes no file in which one
/// place has another scheme than the checkout.
fn uri(report: &Head<'_>, finding: &Finding<'_>) -> String {
    let encode = |text: &str| utf8_percent_encode(text, IN_PATH).to_string();
    match (&finding.bucket, &finding.key) {
        (Some(bucket), Some(key)) => format!("{}/{}", encode(bucket), encode(key)),
        (None, Some(key)) => encode(key),
        (_, None) => match report.source.strip_prefix("s3://") {
            Some(rest) => encode(rest),
            None if report.source.starts_with('/') => format!("file://{}", encode(report.source)),
            None => encode(report.source),
        },
    }
}
