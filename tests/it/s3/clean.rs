//! Archives that nobody touched, read from buckets; and how many requests that takes.

use std::time::Duration;

use super::served::{DAY, Served, expect};
use crate::forge::{Logs, Trail};
use crate::scenarios::common::audit;
use crate::server::{Operation, Options};

#[test]
fn a_bucket_is_verified_with_one_request_for_each_object() {
    let archive = audit();
    let served = Served::new(&archive).args(DAY);
    let report = served.run("s3://audit-logs");
    assert_eq!(report["verdict"], "valid", "{report:#}");
    assert_eq!(report["totals"]["digests"]["valid"], 6);
    assert_eq!(report["totals"]["logs"]["valid"], 12);
    assert_eq!(report["findings"], serde_json::json!([]));
    let log = served.server.log();
    // The starting digest ends where the range starts: it may name logs of the range.
    assert_eq!(log.count(Operation::GetObject), 7 + 12);
    assert_eq!(log.count(Operation::HeadObject), 0);
    assert_eq!(log.count(Operation::GetBucketLocation), 0);
    assert_eq!(log.count(Operation::ListPublicKeys), 1);
    assert_eq!(
        report["run"]["public_keys"][0]["origin"], "cloudtrail",
        "{report:#}"
    );
}

#[test]
fn a_prefix_and_many_regions() {
    let archive = Trail::new("audit", "2024-03-10T00:00:00Z", 6)
        .accounts(&["111122223333", "444455556666"])
        .regions(&["eu-west-1", "us-east-1", "ap-southeast-2"])
        .place("audit-logs", "security team/cloud+trail (2024)")
        .archive();
    for source in ["s3://audit-logs", "s3://audit-logs/security team"] {
        let report = Served::new(&archive).args(DAY).run(source);
        assert_eq!(report["verdict"], "valid", "{report:#}");
        assert_eq!(report["chains"].as_array().unwrap().len(), 6);
    }
}

/// However few threads ask for them: many logs are on their way at once, and never more requests than
/// may be.
#[test]
fn many_logs_are_on_their_way_at_once() {
    let archive = Trail::new("audit", "2024-03-10T00:00:00Z", 6)
        .logs(Logs::Each(60))
        .archive();
    for (most, memory) in [("24", "256MiB"), ("24", "16MiB"), ("200", "256MiB")] {
        let options = Options {
            latency: Duration::from_millis(300),
            ..Options::default()
        };
        let limits = ["--concurrency", most, "--max-memory", memory];
        let served = Served::with(&archive, options).args(DAY).args(limits);
        let report = served.run("s3://audit-logs");
        assert_eq!(report["verdict"], "valid", "{report:#}");
        assert_eq!(report["totals"]["logs"]["valid"], 360);
        let (high, most) = (served.server.log().high_water(), most.parse().unwrap());
        assert!((20..=most).contains(&high), "{high} of {most}");
    }
}

/// Each of them is told for itself, whatever was asked for beside it.
#[test]
fn what_is_wrong_among_many_logs_is_told_of_each() {
    let mut archive = Trail::new("audit", "2024-03-10T00:00:00Z", 6)
        .logs(Logs::Each(60))
        .archive();
    for (hour, at) in (1..=6).flat_map(|hour| (0..60).map(move |at| (hour, at))) {
        let log = archive.log(hour, at);
        match at % 12 {
            0 => archive
                .store
                .edit_content(&log, |content| content.push(b' ')),
            1 => drop(archive.store.delete(&log)),
            2 => archive.store.truncate(&log, 9),
            _ => {}
        }
    }
    let report = Served::new(&archive).args(DAY).run("s3://audit-logs");
    let found = [
        ("log-modified", 30),
        ("log-missing", 30),
        ("log-malformed", 30),
    ];
    expect(&report, "invalid", &found);
    assert_eq!(report["totals"]["logs"]["valid"], 270);
}
