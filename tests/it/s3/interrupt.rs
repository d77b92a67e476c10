//! Interrupts, while requests hang.

use std::io::Read as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::served::{DAY, Served};
use crate::scenarios::common::audit;
use crate::server::{Fault, Operation, Rule, Trail};

const SOURCE: &str = "s3://audit-logs";
const ARN: &str = "arn:aws:cloudtrail:us-east-1:111122223333:trail/audit";
/// Longer than the test waits, and longer than any patience of the program's.
const FOR_EVER: Duration = Duration::from_hours(1);

/// A run on a server where such requests hang; begun, and waited for until `count` of them do.
fn hanging(
    source: &str,
    fault: Fault,
    operation: Operation,
    key: &str,
    count: u64,
) -> (Served, Child) {
    let trail = Trail {
        name: "audit".into(),
        account: "111122223333".into(),
        home_region: "us-east-1".into(),
        bucket: "audit-logs".into(),
        ..Trail::default()
    };
    let served = Served::new(&audit()).args(DAY).trail(trail);
    let hangs = !matches!(fault, Fault::Reset);
    let rule = Rule::new(fault).on(&[operation]).key(key);
    served.server.faults().add(rule);
    let child = served
        .command(source)
        .args(["--format", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    until(|| {
        let log = served.server.log();
        (log.count(operation) >= count && (!hangs || log.in_flight() > 0)).then_some(())
    });
    (served, child)
}

fn until<T>(mut found: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "waited in vain");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn interrupt(child: &Child) {
    let id = child.id().to_string();
    let status = Command::new("kill").args(["-INT", &id]).status();
    assert!(status.expect("kill").success());
}

fn ended(child: &mut Child) -> (ExitStatus, String) {
    let status = until(|| child.try_wait().expect("a status"));
    let mut told = String::new();
    let out = child.stdout.as_mut().expect("its output");
    out.read_to_string(&mut told).expect("text");
    (status, told)
}

#[test]
fn it_ends_while_requests_hang_and_tells_what_it_found() {
    for (fault, operation, key) in [
        (
            Fault::Stall(FOR_EVER),
            Operation::GetObject,
            "*_CloudTrail_*T0240Z_*",
        ),
        (
            Fault::StallBody(FOR_EVER),
            Operation::GetObject,
            "*_CloudTrail_*T0240Z_*",
        ),
        (
            Fault::StallBody(FOR_EVER),
            Operation::GetObject,
            "*CloudTrail-Digest*T030000Z*",
        ),
        (Fault::Stall(FOR_EVER), Operation::ListObjectsV2, "*"),
        (Fault::Stall(FOR_EVER), Operation::ListPublicKeys, "*"),
    ] {
        let what = format!("{fault:?} {operation:?}");
        let (_served, mut child) = hanging(SOURCE, fault, operation, key, 1);
        interrupt(&child);
        let (status, told) = ended(&mut child);
        assert_eq!(status.code(), Some(130), "{what}: {told}");
        let report: Value = serde_json::from_str(&told).expect("a report");
        assert_ne!(report["verdict"], "valid", "{what}");
        assert_eq!(report["run"]["interrupted"], true, "{what}");
        let findings = report["findings"].as_array().expect("findings").iter();
        for finding in findings {
            let code = finding["code"].as_str().expect("a code");
            assert!(
                !code.ends_with("-unreadable") && finding["severity"] != "invalid",
                "{what}: what was not read because the run ends is told: {finding:#}"
            );
        }
    }
}

#[test]
fn it_ends_before_the_run_has_begun() {
    let (_served, mut child) = hanging(
        ARN,
        Fault::Stall(FOR_EVER),
        Operation::DescribeTrails,
        "*",
        1,
    );
    interrupt(&child);
    let (status, _) = ended(&mut child);
    assert_eq!(status.code(), Some(130));
}

#[test]
fn it_ends_while_it_waits_to_try_again() {
    let (_served, mut child) = hanging(
        SOURCE,
        Fault::Reset,
        Operation::GetObject,
        "*_CloudTrail_*",
        30,
    );
    interrupt(&child);
    let (status, told) = ended(&mut child);
    assert_eq!(status.code(), Some(130), "{told}");
}

#[test]
fn a_second_interrupt_ends_it_at_once() {
    let (_served, mut child) =
        hanging(SOURCE, Fault::Stall(FOR_EVER), Operation::GetObject, "*", 2);
    interrupt(&child);
    // It may have ended already.
    let id = child.id().to_string();
    let _ = Command::new("kill")
        .args(["-INT", &id])
        .stderr(Stdio::null())
        .status();
    let (status, _) = ended(&mut child);
    assert_eq!(status.code(), Some(130));
}
