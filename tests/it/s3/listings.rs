//! Listings of servers that do not list as S3 does. What they do not show must not pass for what is not there.

use super::served::{DAY, MARCH, Served, codes, expect, messages};
use crate::forge::{Archive, Place, plant::PlantedLog};
use crate::scenarios::common::{at, audit, trail};
use crate::server::{Options, Truncation};

const SOURCE: &str = "s3://audit-logs";

/// With a log that no digest names.
fn planted(mut archive: Archive) -> Archive {
    let id = archive.first().id.clone();
    let place = Place::new("audit-logs", "");
    PlantedLog::of(&id, &place, at("10T02:00:00")).put(&mut archive.store);
    archive
}

/// A listing ends at the first name beyond the range: without an order of names, that is no end.
#[test]
fn names_that_are_in_no_order_are_no_listing() {
    let options = Options {
        page_size: 5,
        backwards: Some("/CloudTrail/"),
        ..Options::default()
    };
    let archive = planted(trail(72).archive());
    let report = Served::with(&archive, options).args(DAY).run(SOURCE);
    assert_eq!(report["verdict"], "unverified", "{report:#}");
    assert!(codes(&report).contains_key("log-unreadable"), "{report:#}");
    assert!(messages(&report).contains("in order"), "{report:#}");
}

#[test]
fn a_listing_that_tells_where_it_goes_on_goes_on() {
    for truncation in [Truncation::Untold, Truncation::Denied] {
        let options = Options {
            page_size: 5,
            truncation,
            ..Options::default()
        };
        let clean = Served::with(&audit(), options.clone()).args(DAY);
        expect(&clean.run(SOURCE), "valid", &[]);
        let served = Served::with(&planted(audit()), options).args(DAY);
        expect(&served.run(SOURCE), "invalid", &[("log-unreferenced", 1)]);
    }
}

/// Names that sort between the days of the range and those around them, and lie in none.
#[test]
fn what_lies_between_two_days_is_told() {
    for (day, range) in [
        ("2024/03/10x/", DAY),
        ("2024/03/10-", DAY),
        ("2024/03/1/", DAY),
        ("2024/03x/", DAY),
        ("2024x/", MARCH),
        ("2024/03/31x/", MARCH),
        ("x/", DAY),
    ] {
        let mut archive = audit();
        let id = archive.first().id.clone();
        let place = Place::new("audit-logs", "");
        let log = PlantedLog::of(&id, &place, at("10T02:00:00")).put(&mut archive.store);
        let digest = archive.first().digests[1].at.clone();
        for key in [&log, &digest] {
            let odd = (key.0.clone(), key.1.replace("2024/03/10/", day));
            archive.store.copy(key, &odd, true);
        }
        archive.store.objects.remove(&log);
        for page_size in [1, 1000] {
            let options = Options {
                page_size,
                ..Options::default()
            };
            let report = Served::with(&archive, options).args(range).run(SOURCE);
            let codes = codes(&report);
            // A name that is no log's tells no time.
            let log = if day.ends_with('/') {
                "log-unreferenced"
            } else {
                "log-uncovered"
            };
            for code in [log, "digest-malformed"] {
                assert_eq!(codes.get(code), Some(&1), "{day} {page_size} {report:#}");
            }
        }
    }
}
