//! The samples: whole reports to try the formats on.

use std::borrow::Cow;

use super::parts::{ACCOUNT, HOSTILE, at, chain, finding, hours, report};
use crate::report::json::{Finding, Report, Requested};
use crate::report::run_info::KeyOrigin;
use crate::verify::chain::GapCause;
use crate::verify::finding::Code;

/// A clean day of one chain.
pub(in crate::report) fn clean() -> Report<'static> {
    let (start, end) = (at("2024-03-10T00:00:00Z"), at("2024-03-11T00:00:00Z"));
    report(
        start,
        end,
        vec![chain(ACCOUNT, "us-east-1", (start, end), &[])],
        Vec::new(),
    )
}

/// A month of two chains, where three things were tampered with.
pub(in crate::report) fn tampered() -> Report<'static> {
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
pub(in crate::report) fn many(count: usize) -> Report<'static> {
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
pub(in crate::report) fn year(count: usize) -> Report<'static> {
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
pub(in crate::report) fn hostile() -> Report<'static> {
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
        let text = || Some(Cow::Borrowed(*name));
        report.findings.push(Finding {
            code,
            severity: code.severity(),
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
pub(in crate::report) fn all() -> Vec<(&'static str, Report<'static>)> {
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
        ("many", many(1_000)),
        ("year", year(50)),
        ("hostile", hostile()),
    ]
}

/// Writes every sample in every format to the folder that `SAMPLES` names, to be looked at.
#[test]
#[ignore = "for people to look at"]
fn write_samples() {
    use crate::report::{Format, Look, Verbosity, render};

    let folder = std::path::PathBuf::from(std::env::var_os("SAMPLES").unwrap());
    let vast = [("vast", many(30_000))];
    for (name, report) in all().into_iter().chain(vast) {
        for format in Format::ALL {
            let file = std::fs::File::create(folder.join(format!("{name}.{}", format.ending())));
            render(
                &report,
                format,
                &Look::default(),
                &mut std::io::BufWriter::new(file.unwrap()),
            )
            .unwrap();
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
