//! Listings of servers that do not list as S3 does. What they do not show must not pass for what is not there.

use super::served::{DAY, MARCH, Served, codes, expect, messages};
use crate::forge::{Archive, Place, plant::PlantedLog};
use crate::scenarios::common::{at, audit, trail};
use crate::server::{Object, Operation, Options, Rule, Truncation};

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

/// More names than fit into a page, which lie among the logs of the range's first hour, and are none.
fn crowded(archive: &Archive, options: Options) -> Served {
    let served = Served::with(archive, options).args(DAY);
    let (_, log) = archive.first().digests[1].logs[0].clone();
    let (folder, _) = log.rsplit_once('/').expect("a folder");
    for number in 0..5000 {
        let name = format!("111122223333_CloudTrail_us-east-1_20240310T0030Z_{number:016}.txt");
        let object = Object::new(Vec::new());
        let mut store = served.server.store();
        store.put("audit-logs", &format!("{folder}/{name}"), object);
    }
    served
}

/// Some servers do not know where a listing is to begin, and all pieces of one begin alike there.
#[test]
fn a_listing_that_begins_anew_each_time_ends() {
    for (page_size, from_the_first, most) in [(1000, false, 40), (1000, true, 24), (400, true, 31)]
    {
        let options = || Options {
            page_size,
            from_the_first,
            ..Options::default()
        };
        let served = crowded(&audit(), options());
        expect(&served.run(SOURCE), "valid", &[]);
        let lists = served.server.log().count(Operation::ListObjectsV2);
        assert!(lists <= most, "{page_size} {from_the_first}: {lists}");
        let planted = crowded(&planted(audit()), options());
        expect(&planted.run(SOURCE), "invalid", &[("log-unreferenced", 1)]);
    }
}

/// A server that knows of no beginnings may show nothing of what lies beyond one, though there is more.
#[test]
fn a_listing_that_shows_nothing_from_where_it_is_to_begin_is_read_from_its_beginning() {
    let options = || Options {
        nothing_after_keys: true,
        ..Options::default()
    };
    expect(&crowded(&audit(), options()).run(SOURCE), "valid", &[]);
    let planted = crowded(&planted(audit()), options());
    expect(&planted.run(SOURCE), "invalid", &[("log-unreferenced", 1)]);
}

/// Whoever writes to the bucket may make up any number of folders: they are not taken for those of kinds
/// that CloudTrail may have, each with years of its own.
#[test]
fn many_folders_that_are_no_years_take_few_requests() {
    let served = Served::new(&planted(audit())).args(DAY);
    let kind = "AWSLogs/111122223333/CloudTrail/us-east-1";
    for (outer, inner) in (0..50).flat_map(|outer| (0..50).map(move |inner| (outer, inner))) {
        let key = format!("{kind}/a{outer:02}/b{inner:02}/x");
        let mut store = served.server.store();
        store.put("audit-logs", &key, Object::new(Vec::new()));
    }
    expect(&served.run(SOURCE), "invalid", &[("log-unreferenced", 1)]);
    let lists = served.server.log().count(Operation::ListObjectsV2);
    assert!(lists < 400, "{lists}");
}

/// What lists nothing holds nothing, and nobody would miss what it held: an account, or a region.
#[test]
fn a_folder_that_is_shown_and_shows_nothing_is_not_empty() {
    let archive = trail(6)
        .accounts(&["111122223333", "444455556666"])
        .archive();
    let one = "AWSLogs/444455556666/";
    for (folder, code) in [
        ("AWSLogs/".to_owned(), "digest-unreadable"),
        (one.to_owned(), "digest-unreadable"),
        (format!("{one}CloudTrail-Digest/"), "digest-unreadable"),
        (
            format!("{one}CloudTrail-Digest/us-east-1/*"),
            "digest-unreadable",
        ),
        (format!("{one}CloudTrail/"), "log-unreadable"),
        (format!("{one}*"), "digest-unreadable"),
        (format!("{one}*/us-east-1*"), "digest-unreadable"),
    ] {
        let served = Served::new(&archive).args(DAY);
        served.server.faults().add(Rule::empty_listing(&folder));
        let report = served.run(SOURCE);
        assert_eq!(report["verdict"], "unverified", "{folder}: {report:#}");
        assert!(codes(&report).contains_key(code), "{folder}: {report:#}");
        assert!(
            messages(&report).contains("in doubt"),
            "{folder}: {report:#}"
        );
    }
    // It passes where it is listed again.
    let served = Served::new(&archive).args(DAY);
    let rule = Rule::empty_listing(one).attempts(0..1);
    served.server.faults().add(rule);
    expect(&served.run(SOURCE), "valid", &[]);
}
