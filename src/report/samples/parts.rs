//! What samples are put together from.
#![allow(clippy::wildcard_enum_match_arm, reason = "samples, no judgement")]

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};

use crate::report::json::{
    Bytes, Chain, ChainGap, Digests, Finding, Keys, Logs, Report, Requested, Run, RunFilters,
    SCHEMA_VERSION, Span, TOOL, Tool, Totals,
};
use crate::report::run_info::KeyOrigin;
use crate::verify::chain::GapCause;
use crate::verify::conclusion::Verdict;
use crate::verify::finding::{Code, Severity};

pub(in crate::report) const ACCOUNT: &str = "123456789012";
const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const OTHER_HASH: &str = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752";
const FINGERPRINT: &str = "67b9fa73676d86966b449dd677850753";

/// Names that do harm where they are not escaped.
pub(in crate::report) const HOSTILE: [&str; 12] = [
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

pub(in crate::report) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(in crate::report) fn hours(start: Timestamp, count: i64) -> Timestamp {
    start + SignedDuration::from_hours(count)
}

/// A report over `chains`, with totals and verdict that fit its findings.
pub(in crate::report) fn report(
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
        plan: None,
        selftest: None,
        range_of_archive: None,
        state: None,
    }
}

/// A chain that covers all from `start` to `end` but its gaps.
pub(in crate::report) fn chain(
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
            events: vec![],
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
        restarts_within: 0,
        key_fingerprints: vec![FINGERPRINT.into()],
        has_namesake: false,
    }
}

/// A finding with all that its code usually tells.
pub(in crate::report) fn finding(
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
