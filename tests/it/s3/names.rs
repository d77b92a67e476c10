//! Names as S3 writes them: pages, encodings, and folders above `AWSLogs`.

use super::served::{DAY, Served, expect, messages};
use crate::forge::{Archive, Kind, Trail};
use crate::scenarios::common::{audit, trail};
use crate::server::{Operation, Options};

fn organization() -> Archive {
    Trail::new("audit", "2024-03-10T00:00:00Z", 6)
        .organization("o-abcde12345")
        .accounts(&["111122223333", "444455556666"])
        .regions(&["eu-west-1", "us-east-1"])
        .other(Kind::Insight, true)
        .archive()
}

#[test]
fn small_pages_and_empty_ones_change_nothing() {
    for archive in [audit(), organization()] {
        let whole = Served::new(&archive).args(DAY).run("s3://audit-logs");
        assert_eq!(whole["verdict"], "valid", "{whole:#}");
        for (page_size, empty_pages) in [(1, false), (2, true), (7, true)] {
            let options = Options {
                page_size,
                empty_pages,
                ..Options::default()
            };
            let mut paged = Served::with(&archive, options)
                .args(DAY)
                .run("s3://audit-logs");
            paged["run"] = whole["run"].clone();
            assert_eq!(paged, whole, "{page_size} {empty_pages}");
        }
    }
}

#[test]
fn a_planted_name_in_the_far_future_hides_nothing_on_small_pages() {
    let mut archive = audit();
    let (bucket, key) = archive.first().digests[3].at.clone();
    let future = key
        .replace("2024/03/10", "2999/01/01")
        .replace("20240310T", "29990101T");
    archive
        .store
        .copy(&(bucket.clone(), key), &(bucket, future), true);
    let options = Options {
        page_size: 1,
        ..Options::default()
    };
    let report = Served::with(&archive, options)
        .args(DAY)
        .run("s3://audit-logs");
    expect(&report, "valid", &[]);
    assert_eq!(report["totals"]["logs"]["valid"], 12);
}

#[test]
fn prefixes_that_a_url_has_to_encode() {
    for prefix in [
        "with space",
        "a+b",
        "100%",
        "per%20cent",
        "é/ü ß",
        "日本語",
        "a&b=c?d#e",
        "quo\"te's",
        "back\\slash",
        "a//b",
        ".",
        "tab\there",
        "bell\u{7}",
        "emoji-\u{1f600}",
    ] {
        let archive = trail(6).place("audit-logs", prefix).archive();
        let options = Options {
            page_size: 3,
            ..Options::default()
        };
        let served = Served::with(&archive, options).args(DAY);
        for source in [
            "s3://audit-logs".to_owned(),
            format!("s3://audit-logs/{prefix}"),
        ] {
            let report = served.run(&source);
            assert_eq!(report["verdict"], "valid", "{source}: {report:#}");
            assert_eq!(report["totals"]["logs"]["valid"], 12, "{source}");
        }
    }
}

/// An archive whose keys begin with a slash is another one than the one right in the bucket.
#[test]
fn an_archive_in_a_folder_without_a_name_is_told() {
    let mut archive = audit();
    let mut other = audit();
    other.store.delete(&other.log(3, 0));
    for ((bucket, key), object) in other.store.objects {
        let at = (bucket, format!("/{key}"));
        archive.store.objects.insert(at, object);
    }
    let served = Served::new(&archive).args(DAY);
    let report = served.run("s3://audit-logs");
    expect(&report, "unverified", &[("digest-unreadable", 1)]);
    assert!(messages(&report).contains("without a name"), "{report:#}");
    let refused = served.output("s3://audit-logs//AWSLogs");
    assert_eq!(refused.status.code(), Some(2));
    expect(&served.run("s3://audit-logs/AWSLogs"), "valid", &[]);
}

/// Signatures are checked by the server: what is signed is what is sent.
#[test]
fn encoded_names_are_signed_as_they_are_sent() {
    for prefix in ["a+b c", "100%", "é", "a//b", "tab\there"] {
        let archive = trail(6).place("audit-logs", prefix).archive();
        let options = Options {
            secret: Some("a secret".into()),
            ..Options::default()
        };
        let report = Served::with(&archive, options)
            .args(DAY)
            .run("s3://audit-logs");
        assert_eq!(report["verdict"], "valid", "{prefix}: {report:#}");
    }
}

#[test]
fn planted_names_are_told_escaped() {
    for evil in ["\u{1b}[31mred", "line\nbreak", "\u{202e}gnp", "+ %41"] {
        let mut archive = audit();
        let (bucket, key) = archive.first().digests[3].logs[0].clone();
        let planted = key.replace(".json.gz", &format!("{evil}.json.gz"));
        let at = (bucket.clone(), planted.clone());
        archive.store.copy(&(bucket, key), &at, false);
        let served = Served::new(&archive).args(DAY);
        let report = served.run("s3://audit-logs");
        expect(&report, "invalid", &[("log-unreferenced", 1)]);
        assert_eq!(report["findings"][0]["key"], planted);
        let text = served.command("s3://audit-logs").output().expect("a run");
        let told = [text.stdout, text.stderr].concat();
        let told = String::from_utf8(told).expect("text");
        assert!(
            !told.contains('\u{1b}') && !told.contains('\u{202e}'),
            "{told}"
        );
    }
}

#[test]
fn metadata_names_in_other_letters_are_read() {
    let options = Options {
        title_case: true,
        ..Options::default()
    };
    let report = Served::with(&audit(), options)
        .args(DAY)
        .run("s3://audit-logs");
    expect(&report, "valid", &[]);
}

#[test]
fn folders_of_logs_are_found_four_levels_down_and_no_deeper() {
    for (prefix, found) in [
        ("", true),
        ("a", true),
        ("a/b", true),
        ("a/b/c/d", true),
        ("a/b/c/d/e", false),
    ] {
        let archive = trail(6).place("audit-logs", prefix).archive();
        let served = Served::new(&archive).args(DAY);
        let report = served.run("s3://audit-logs");
        let codes: &[_] = if found { &[] } else { &[("no-digests", 1)] };
        expect(&report, if found { "valid" } else { "unverified" }, codes);
        // Told its prefix, it finds it at any depth.
        expect(
            &served.run(&format!("s3://audit-logs/{prefix}")),
            "valid",
            &[],
        );
    }
}

#[test]
fn an_empty_bucket_is_not_valid() {
    let mut archive = audit();
    let keys: Vec<_> = archive.store.keys().cloned().collect();
    for at in &keys {
        archive.store.delete(at);
    }
    let served = Served::new(&archive).args(DAY);
    let _ = served.server.store().bucket("audit-logs");
    let report = served.run("s3://audit-logs");
    expect(&report, "unverified", &[("no-digests", 1)]);
    assert_eq!(served.server.log().count(Operation::ListPublicKeys), 0);
}

#[test]
fn folder_markers_are_no_findings() {
    let archive = audit();
    let served = Served::new(&archive).args(DAY);
    {
        let mut store = served.server.store();
        let bucket = store.bucket("audit-logs");
        let keys: Vec<String> = bucket.keys.keys().cloned().collect();
        for key in keys {
            for (at, _) in key.match_indices('/') {
                let marker = key.get(..=at).expect("a folder");
                if bucket.get(marker).is_none() {
                    bucket.put(marker, crate::server::Object::new(Vec::new()));
                }
            }
        }
    }
    let report = served.run("s3://audit-logs");
    expect(&report, "valid", &[]);
    assert!(messages(&report).is_empty());
}
