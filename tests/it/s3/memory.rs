//! What a run over a bucket holds in memory, whatever lies there.

use std::time::Duration;

use super::faults::swollen;
use super::served::{MARCH, Served};
use crate::forge::{
    Archive, Json, Logs, Sign, TestKey, Trail, chain::set_previous, gzip, names::Place,
    plant::PlantedDigest,
};
use crate::harness::peak_megabytes;
use crate::scenarios::common::{at, audit, trail};
use crate::server::{Fault, Object, Operation, Rule};

/// A digest each for `hours`, of which each names a thousand logs.
pub fn busy(hours: u32) -> Archive {
    let mut archive = Trail::new("audit", "2024-03-02T00:00:00Z", hours).archive();
    let digests = archive.first().digests.clone();
    for pair in digests.windows(2) {
        let previous = archive.as_previous(&pair[0].at);
        let name = pair[1].logs[0].1.clone();
        archive.edit_digest(&pair[1].at, Sign::With(TestKey::a()), |doc| {
            set_previous(doc, &previous);
            let log = doc.logs()[0].clone();
            let (end, _) = name.split_at(name.len() - 24);
            for index in 0..1000 {
                doc.logs().push(log.clone());
                let name = format!("{end}{index:016}.json.gz");
                doc.set_log(index + 2, "s3Object", Json::text(name));
            }
        });
    }
    archive
}

#[test]
fn digests_that_wait_for_a_slow_one() {
    let archive = busy(400);
    let served = Served::new(&archive).args(MARCH);
    let newest = archive.first().digests.last().expect("a digest");
    let rule = Rule::new(Fault::Stall(Duration::from_secs(5)))
        .on(&[Operation::GetObject])
        .key(&newest.at.1);
    served.server.faults().add(rule);
    let mut command = served.command("s3://audit-logs");
    command.args(["--digests-only"]);
    let (exit, megabytes) = peak_megabytes(command);
    assert_eq!(exit, 3, "the range ends long after the newest digest");
    assert!(megabytes < 120, "{megabytes} MB");
}

#[test]
fn planted_digests_that_are_large_when_they_are_inflated() {
    let mut archive = audit();
    let place = Place::new("audit-logs", "");
    let id = archive.first().id.clone();
    for hour in 0..64 {
        let end = at("10T06:00:01") + crate::forge::time::HOUR * hour;
        let planted = PlantedDigest::of(&id, &place, end).put(&mut archive.store);
        archive.store.edit_content(&planted, |content| {
            content.resize((8 << 20) - 100_000, b' ');
        });
    }
    let served = Served::new(&archive).args(MARCH);
    let mut command = served.command("s3://audit-logs");
    command.args(["--digests-only"]);
    let (exit, megabytes) = peak_megabytes(command);
    assert_ne!(exit, 0);
    assert!(megabytes < 256, "{megabytes} MB");
}

/// Earlier versions are read in search of an intact one.
#[test]
fn versions_that_are_large_when_they_are_inflated() {
    let mut archive = audit();
    let place = Place::new("audit-logs", "");
    let id = archive.first().id.clone();
    let planted = (0..8).map(|hour| {
        let end = at("10T06:00:01") + crate::forge::time::HOUR * hour;
        PlantedDigest::of(&id, &place, end).put(&mut archive.store)
    });
    let planted: Vec<_> = planted.collect();
    let served = Served::new(&archive).args(MARCH);
    {
        let mut store = served.server.store();
        let bucket = store.bucket("audit-logs");
        bucket.versioned = true;
        for (_, key) in &planted {
            bucket.erase(key);
            bucket.put(key, Object::new(gzip::bomb(b' ', 200 << 20)));
            bucket.put(key, Object::new(&b"x"[..]));
        }
    }
    let mut command = served.command("s3://audit-logs");
    command.args(["--digests-only"]);
    let (exit, megabytes) = peak_megabytes(command);
    assert_eq!(exit, 1);
    assert!(megabytes < 400, "{megabytes} MB");
}

/// Logs that all come at once, of which each is larger than all that bodies may take, or all of them are.
#[test]
fn logs_that_are_larger_than_all_that_may_be_held() {
    // What is larger than a piece is read as it comes; whatever is not comes as a whole, within the budget.
    for (hours, each, bytes, most) in [(2, 6, 24 << 20, 90), (4, 100, 250_000, 85)] {
        let mut archive = trail(hours).logs(Logs::Each(each)).archive();
        let digests = archive.first().digests.clone();
        for log in digests.iter().flat_map(|digest| &digest.logs) {
            let body = swollen(&archive.store.content(log), bytes);
            archive.store.replace_body(log, body);
        }
        let served = Served::new(&archive).args(MARCH);
        drop(archive);
        let half_way = Rule::new(Fault::StallBody(Duration::from_millis(500)));
        served.server.faults().add(half_way.key("*_CloudTrail_*"));
        let mut command = served.command("s3://audit-logs");
        command.args(["--max-memory", "16MiB", "--allow", "coverage-ends-early"]);
        let (exit, megabytes) = peak_megabytes(command);
        assert_eq!(exit, 0, "all of them are intact");
        assert!(megabytes < most, "{bytes} bytes: {megabytes} MB");
    }
}
