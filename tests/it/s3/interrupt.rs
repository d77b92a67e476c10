//! Interrupts, while requests hang.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::memory::busy;
use super::served::{DAY, MARCH, Served};
use crate::scenarios::common::audit;
use crate::server::{Entry, Fault, Operation, Rule, Trail};

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
        assert!(begun.elapsed() < Duration::from_mins(5), "waited in vain");
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

/// Nothing was set up wrongly.
#[test]
fn it_ends_while_it_looks_at_the_bucket() {
    let served = Served::new(&audit()).args(DAY);
    let rule = Rule::new(Fault::Stall(FOR_EVER)).on(&[Operation::ListObjectsV2]);
    served.server.faults().add(rule);
    let folder = tempfile::tempdir().expect("a folder");
    let mut dry = served.command(SOURCE);
    dry.arg("--dry-run");
    let snapshot = served.snapshot(SOURCE, &folder.path().join("evidence"));
    for (number, mut command) in (1..).zip([dry, snapshot]) {
        let child = command.stdout(Stdio::piped()).spawn();
        let mut child = child.expect("the program starts");
        let log = served.server.log();
        until(|| (log.count(Operation::ListObjectsV2) >= number).then_some(()));
        interrupt(&child);
        let (status, told) = ended(&mut child);
        assert_eq!(status.code(), Some(130), "{told}");
    }
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

/// What was found before the interrupt is in the report, whatever the rest hangs on.
#[test]
fn what_was_found_until_then_is_told() {
    let mut archive = audit();
    let missing = archive.log(2, 0);
    archive.store.delete(&missing);
    let served = Served::new(&archive).args(DAY);
    let rule = Rule::new(Fault::StallBody(FOR_EVER)).on(&[Operation::GetObject]);
    served.server.faults().add(rule.key("*_20240310T0240Z_*"));
    let mut child = served
        .command(SOURCE)
        .args(["--format", "jsonl"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let mut lines = lines.map(|line| -> Value {
        let line = line.expect("a line");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    });
    let is_found = |line: &Value| line["type"] == "finding" && line["key"] == *missing.1;
    assert!(lines.any(|line| is_found(&line)), "it is found on the way");
    // The rest of the run hangs, and would for as long as nobody ends it.
    let hangs = |entry: &Entry| {
        entry.call.key.contains("_20240310T0240Z_") && entry.call.operation == Operation::GetObject
    };
    until(|| {
        let asked = served.server.log().entries();
        asked.iter().any(hangs).then_some(())
    });
    interrupt(&child);
    let summary = lines.last().expect("a last line");
    assert_eq!(summary["type"], "summary", "{summary:#}");
    assert_eq!(summary["verdict"], "invalid", "{summary:#}");
    assert_eq!(summary["interrupted"], true, "{summary:#}");
    assert_eq!(summary["totals"]["logs"]["missing"], 1, "{summary:#}");
    let status = until(|| child.try_wait().expect("a status"));
    assert_eq!(status.code(), Some(130));
}

/// Where the first one cannot end it: nobody reads what it has to tell.
#[test]
fn a_second_interrupt_ends_it_at_once() {
    let served = Served::new(&busy(2)).args(MARCH);
    let mut child = served
        .command(SOURCE)
        .args(["--format", "jsonl"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let out = child.stdout.take().expect("its output");
    // A pipe takes up to 64 KiB, and whoever writes more waits.
    let held = || rustix::io::ioctl_fionread(&out).expect("a pipe");
    until(|| {
        let before = held();
        std::thread::sleep(Duration::from_millis(500));
        (before > 32 * 1024 && held() == before).then_some(())
    });
    interrupt(&child);
    // One that has not come yet and another one are one.
    until(|| (!is_pending(&child)).then_some(()));
    std::thread::sleep(Duration::from_secs(1));
    let ended = child.try_wait().expect("a status");
    assert!(ended.is_none(), "one interrupt is enough: {ended:?}");
    interrupt(&child);
    let status = until(|| child.try_wait().expect("a status"));
    assert_eq!(status.code(), Some(130));
    drop(out);
}

/// Whether an interrupt was sent, and has not reached the program.
fn is_pending(child: &Child) -> bool {
    let about = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
    let about = about.expect("what the system tells of it");
    let pending = about.lines().find_map(|line| line.strip_prefix("ShdPnd:"));
    let pending = u64::from_str_radix(pending.expect("pending signals").trim(), 16);
    // SIGINT is the second of all signals.
    pending.expect("a set") & 0b10 != 0
}
