//! Reports to try the formats on.
#![allow(clippy::wildcard_enum_match_arm, reason = "samples, no judgement")]

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};

use super::json::{
    Bytes, Chain, ChainGap, Digests, Finding, Keys, Logs, Report, Requested, Run, RunFilters,
    SCHEMA_VERSION, Span, TOOL, Tool, Totals,
};
use super::run_info::KeyOrigin;
use crate::verify::chain::GapCause;
use crate::verify::conclusion::Verdict;
use crate::verify::finding::{Code, Severity};

pub(super) const ACCOUNT: &str = "123456789012";
const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const OTHER_HASH: &str = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752";
const FINGERPRINT: &str = "67b9fa73676d86966b449dd677850753";

/// Names that do harm where they are not escaped.
pub(super) const HOSTILE: [&str; 12] = [
    "\u{1b}[2J\u{1b}]0;owned\u{7}",
    "\u{9b}31mC1",
    "log\u{202e}zg.nosj\u{2066}x\u{200b}y\u{feff}",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "]]><![CDATA[x",
    "a|b||`c``d```|",
    "line one\nline two\r\n\n# heading\n::error::x",
    "\"quoted\" 'single' \\back\\slash",
    "=cmd('x')+A1",
    "$(id) ${HOME} `id` '; rm -rf / #",
    "[link](javascript:alert(1)) ![i](http://x/) @team #1 www.example.com https://example.com",
    "&lt;b&gt; &#60; %0a%1b \u{0}\u{85}\u{2028}\u{fffe}",
];

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn hours(start: Timestamp, count: i64) -> Timestamp {
    start + SignedDuration::from_hours(count)
}

/// A report over `chains`, with totals and verdict that fit its findings.
pub(super) fn report(
    start: Timestamp,
    end: Timestamp,
    chains: Vec<Chain<'static>>,
    findings: Vec<Finding<'static>>,
) -> Report<'static> {
    let worst = findings.iter().map(|finding| finding.severity).max();
    let digests: u64 = chains.iter().map(|chain| chain.digests.valid).sum();
    let logs: u64 = chains.iter().map(|chain| chain.logs.valid).sum();
    let number = |code| findings.iter().filter(|f| f.code == code).count() as u64;
    let totals = Totals {
        digests: Digests {
            valid: digests,
            invalid: number(Code::DigestModified),
            missing: number(Code::DigestMissing),
            unverified: number(Code::DigestUnsigned),
        },
        logs: Logs {
            valid: logs,
            invalid: number(Code::LogModified),
            missing: number(Code::LogMissing),
            unreferenced: number(Code::LogUnreferenced),
            unverified: number(Code::LogUnreadable),
        },
        bytes: Bytes {
            read: logs * 5_123,
            hashed: logs * 48_321,
        },
    };
    Report {
        schema_version: SCHEMA_VERSION,
        tool: Tool {
            name: TOOL.into(),
            version: "0.1.0".into(),
        },
        run: run(end),
        source: "/evidence/acme-logs".into(),
        requested: Requested {
            start: Some(start),
            end: Some(end),
        },
        verdict: match worst {
            Some(Severity::Invalid) => Verdict::Invalid,
            Some(Severity::Unverified) => Verdict::Unverified,
            _ if digests == 0 => Verdict::Unverified,
            _ => Verdict::Valid,
        },
        totals,
        chains,
        findings,
    }
}

fn run(end: Timestamp) -> Run<'static> {
    Run {
        started: hours(end, 48),
        finished: hours(end, 48) + SignedDuration::from_secs(83),
        arguments: ["logs", "/evidence/acme-logs", "--public-keys", "keys.json"]
            .map(Cow::Borrowed)
            .to_vec(),
        host: Some("forensics-1".into()),
        user: Some("auditor".into()),
        interrupted: false,
        digests_only: false,
        filters: RunFilters {
            accounts: Vec::new(),
            regions: Vec::new(),
            trails: Vec::new(),
        },
        allow: Vec::new(),
        deny: Vec::new(),
        public_keys: vec![Keys {
            origin: KeyOrigin::File,
            name: "keys.json".into(),
            fingerprints: vec![FINGERPRINT.into(), "0".repeat(32).into()],
        }],
        snapshot: None,
    }
}

/// A chain that covers all from `start` to `end` but its gaps.
pub(super) fn chain(
    account: &str,
    region: &str,
    (start, end): (Timestamp, Timestamp),
    gaps: &[(i64, i64, GapCause)],
) -> Chain<'static> {
    let gaps: Vec<_> = gaps
        .iter()
        .map(|(from, to, cause)| ChainGap {
            start: hours(start, *from),
            end: hours(start, *to),
            cause: *cause,
        })
        .collect();
    let mut covered = Vec::new();
    let mut from = start;
    for gap in &gaps {
        if from < gap.start {
            covered.push(Span {
                start: from,
                end: gap.start,
            });
        }
        from = gap.end;
    }
    if from < end {
        covered.push(Span { start: from, end });
    }
    let valid = covered
        .iter()
        .map(|span| {
            span.end
                .duration_since(span.start)
                .as_hours()
                .unsigned_abs()
        })
        .sum();
    Chain {
        organization: None,
        account: account.to_owned().into(),
        region: region.to_owned().into(),
        trail: "audit".into(),
        home_region: "us-east-1".into(),
        backfill: false,
        covered,
        gaps,
        digests: Digests {
            valid,
            invalid: 0,
            missing: 0,
            unverified: 0,
        },
        logs: Logs {
            valid: valid * 12,
            invalid: 0,
            missing: 0,
            unreferenced: 0,
            unverified: 0,
        },
        key_fingerprints: vec![FINGERPRINT.into()],
    }
}

/// A finding with all that its code usually tells.
pub(super) fn finding(
    code: Code,
    account: &str,
    region: &str,
    at: Timestamp,
    number: usize,
) -> Finding<'static> {
    let day = at.strftime("%Y/%m/%d");
    let hour = at.strftime("%Y/%m/%d").to_string();
    let digest = format!(
        "AWSLogs/{account}/CloudTrail-Digest/{region}/{hour}/{account}_CloudTrail-Digest_{region}_audit_us-east-1_{}.json.gz",
        at.strftime("%Y%m%dT%H%M%SZ")
    );
    let log = format!(
        "AWSLogs/{account}/CloudTrail/{region}/{day}/{account}_CloudTrail_{region}_{}_{number:016}.json.gz",
        at.strftime("%Y%m%dT%H%MZ")
    );
    let name = code.name();
    let (is_digest, is_log) = (name.starts_with("digest-"), name.starts_with("log-"));
    let (expected, actual) = match code {
        Code::LogModified => (Some(HASH.into()), Some(OTHER_HASH.into())),
        Code::LogMissing | Code::DigestMissing => (Some(HASH.into()), Some("absent".into())),
        _ => (None, None),
    };
    let in_place = code == Code::LogUnreferenced || code == Code::LogUncovered;
    let trail = if in_place { "" } else { "/audit" };
    Finding {
        code,
        severity: code.severity(),
        bucket: (is_digest || is_log).then(|| "acme-logs".into()),
        key: match (is_digest, is_log) {
            (true, _) => Some(digest.clone().into()),
            (_, true) => Some(log.into()),
            (_, _) => None,
        },
        chain: Some(format!("{account}/{region}{trail}").into()),
        digest: (is_log && !in_place).then(|| digest.into()),
        expected,
        actual,
        message: code.meaning().into(),
    }
}

/// A clean day of one chain.
pub(super) fn clean() -> Report<'static> {
    let (start, end) = (at("2024-03-10T00:00:00Z"), at("2024-03-11T00:00:00Z"));
    report(
        start,
        end,
        vec![chain(ACCOUNT, "us-east-1", (start, end), &[])],
        Vec::new(),
    )
}

/// A month of two chains, where three things were tampered with.
pub(super) fn tampered() -> Report<'static> {
    let (start, end) = (at("2024-03-01T00:00:00Z"), at("2024-04-01T00:00:00Z"));
    let mut first = chain(
        ACCOUNT,
        "us-east-1",
        (start, end),
        &[
            (100, 112, GapCause::DigestMissing),
            (300, 303, GapCause::StartingDigest),
        ],
    );
    first.digests.missing = 1;
    first.logs.invalid = 1;
    first.logs.missing = 1;
    let second = chain(
        ACCOUNT,
        "eu-west-1",
        (start, end),
        &[(743, 744, GapCause::EndsEarly)],
    );
    let mut missing = finding(
        Code::DigestMissing,
        ACCOUNT,
        "us-east-1",
        hours(start, 112),
        0,
    );
    missing.message = format!(
        "the next digest names it, and it is not there; no digest is left from {} to {}",
        hours(start, 100),
        hours(start, 112)
    )
    .into();
    let mut gap = finding(
        Code::CoverageGap,
        ACCOUNT,
        "us-east-1",
        hours(start, 303),
        0,
    );
    gap.message = format!(
        "the chain ended at {}, and another began at {}; no digest covers the time between",
        hours(start, 300),
        hours(start, 303)
    )
    .into();
    let findings = vec![
        gap,
        missing,
        finding(Code::LogMissing, ACCOUNT, "us-east-1", hours(start, 401), 1),
        finding(
            Code::LogModified,
            ACCOUNT,
            "us-east-1",
            hours(start, 400),
            2,
        ),
    ];
    report(start, end, vec![second, first], findings)
}

/// `count` findings of many codes in three chains.
pub(super) fn many(count: usize) -> Report<'static> {
    let (start, end) = (at("2024-01-01T00:00:00Z"), at("2024-03-01T00:00:00Z"));
    let regions = ["eu-west-1", "us-east-1", "us-west-2"];
    let chains = regions.map(|region| chain(ACCOUNT, region, (start, end), &[]));
    let codes = [
        Code::LogMissing,
        Code::LogModified,
        Code::LogUnreferenced,
        Code::LogUncovered,
        Code::LogUnreadable,
        Code::DigestModified,
    ];
    let findings = (0..count).map(|number| {
        let region = regions[number * 7 / 5 % 3];
        let code = codes[number * number / 11 % codes.len()];
        let hour = i64::try_from(number * 31 % 1430).unwrap();
        let mut finding = finding(code, ACCOUNT, region, hours(start, hour), number);
        if code == Code::LogUnreadable {
            finding.message = format!("access was denied: request {number:08X}").into();
        }
        finding
    });
    report(start, end, chains.to_vec(), findings.collect())
}

/// `count` chains over a year, some with faults.
pub(super) fn year(count: usize) -> Report<'static> {
    let (start, end) = (at("2023-01-01T00:00:00Z"), at("2024-01-01T00:00:00Z"));
    let regions = [
        "eu-west-1",
        "us-east-1",
        "us-west-2",
        "ap-northeast-3",
        "eu-central-1",
    ];
    let causes = [
        GapCause::StartingDigest,
        GapCause::DigestMissing,
        GapCause::DigestUnverified,
        GapCause::NotContiguous,
    ];
    let mut chains = Vec::new();
    let mut findings = Vec::new();
    for number in 0..count {
        let account = format!(
            "{:012}",
            111_111_111_111_u64 + number as u64 / 5 * 1_000_003
        );
        let region = regions[number % 5];
        let from = i64::try_from(number * 131 % 8000).unwrap();
        let gaps = match number % 4 {
            0 => vec![(from, from + 30, causes[number / 4 % 4])],
            1 => vec![
                (0, 2000, GapCause::StartsLate),
                (8000, 8760, GapCause::EndsEarly),
            ],
            _ => Vec::new(),
        };
        chains.push(chain(&account, region, (start, end), &gaps));
        for hour in 0..i64::try_from(number % 3 * 5).unwrap() {
            let at = hours(start, hour * 37 + from);
            findings.push(finding(Code::LogModified, &account, region, at, number));
        }
    }
    findings.sort_by(|a, b| (&a.chain, &a.key).cmp(&(&b.chain, &b.key)));
    report(start, end, chains, findings)
}

/// A report in which every text is hostile.
pub(super) fn hostile() -> Report<'static> {
    let mut report = tampered();
    let names: Vec<Cow<'static, str>> = HOSTILE.map(Cow::Borrowed).to_vec();
    report.source = HOSTILE.concat().into();
    report.run.arguments.clone_from(&names);
    report.run.host = Some(HOSTILE[0].into());
    report.run.user = Some(HOSTILE[3].into());
    report.run.filters.trails.clone_from(&names);
    report.run.public_keys[0].name = HOSTILE.concat().into();
    report.run.public_keys[0].origin = KeyOrigin::Evidence;
    report.run.public_keys[0].fingerprints.clone_from(&names);
    report.chains[0].trail = HOSTILE.concat().into();
    report.chains[0].key_fingerprints.clone_from(&names);
    for (index, name) in HOSTILE.iter().enumerate() {
        let code = Code::ALL[index * 2 % Code::ALL.len()];
        let severity = [Severity::Invalid, Severity::Unverified, Severity::Notice][index % 3];
        let text = || Some(Cow::Borrowed(*name));
        report.findings.push(Finding {
            code,
            severity,
            bucket: text(),
            key: Some(
                format!("{name}/AWSLogs/{ACCOUNT}/CloudTrail/us-east-1/{name}.json.gz").into(),
            ),
            chain: text(),
            digest: text(),
            expected: text(),
            actual: text(),
            message: (*name).into(),
        });
    }
    report
}

/// Every sample, by name.
pub(super) fn all() -> Vec<(&'static str, Report<'static>)> {
    let mut empty = report(
        at("2024-03-10T00:00:00Z"),
        at("2024-03-11T00:00:00Z"),
        vec![],
        vec![],
    );
    empty.requested = Requested {
        start: None,
        end: None,
    };
    empty.findings = vec![Finding {
        chain: None,
        ..finding(
            Code::NoDigests,
            ACCOUNT,
            "us-east-1",
            at("2024-03-10T00:00:00Z"),
            0,
        )
    }];
    vec![
        ("empty", empty),
        ("clean", clean()),
        ("tampered", tampered()),
        ("many", many(30_000)),
        ("year", year(50)),
        ("hostile", hostile()),
    ]
}

/// Writes every sample in every format to the folder that `SAMPLES` names, to be looked at.
#[test]
#[ignore = "for people to look at"]
fn write_samples() {
    use super::{Format, Look, Verbosity, render};

    let folder = std::path::PathBuf::from(std::env::var_os("SAMPLES").unwrap());
    for (name, report) in all() {
        for format in Format::ALL {
            let file = std::fs::File::create(folder.join(format!("{name}.{}", format.ending())));
            if !matches!(format, Format::Html) {
                render(
                    &report,
                    format,
                    &Look::default(),
                    &mut std::io::BufWriter::new(file.unwrap()),
                )
                .unwrap();
            }
        }
        for (suffix, width, color, verbosity) in [
            ("200.txt", 200, false, Verbosity::Normal),
            ("color.txt", 80, true, Verbosity::Normal),
            ("v.txt", 80, false, Verbosity::Verbose),
        ] {
            let look = Look {
                width,
                color,
                verbosity,
            };
            let file = std::fs::File::create(folder.join(format!("{name}.{suffix}")));
            render(
                &report,
                Format::Text,
                &look,
                &mut std::io::BufWriter::new(file.unwrap()),
            )
            .unwrap();
        }
    }
}
