//! Copies of one bucket that lie beside each other in one folder, each with its own logs and, where the tool kept it, its own
//! metadata.

use std::fs;
use std::process::Command;

use super::common::{CHAIN, HOURS, NEWEST, REGION, at, audit, in_chain, trail};
use crate::{
    forge::{
        Archive, Doc, FolderWriter, Kind, Logs, Metadata, Place, Store, plant::PlantedLog,
        store::At,
    },
    harness::{Case, Expect, Finding, code},
};

/// The store `one` in `copies/a`, and the store `other` in `copies/b`; what they say of metadata is what is written.
fn side_by_side(one: Store, other: &Store) -> Case {
    let archive = Archive {
        store: one,
        chains: vec![],
    };
    Case::new(archive)
        .bucket_in("audit-logs", "copies/a")
        .written(|case| {
            FolderWriter::new(&case.source(), Metadata::Sidecar)
                .bucket_in("audit-logs", "copies/b")
                .write(other);
        })
}

fn bare(store: &Store) -> Store {
    let mut store = store.clone();
    store.clear_all_metadata();
    store
}

/// The archive's store without the digests that `is_kept` does not take, and without their logs.
fn part(archive: &Archive, is_kept: impl Fn(usize) -> bool) -> Store {
    let mut store = archive.store.clone();
    for (index, digest) in archive.first().digests.iter().enumerate() {
        if !is_kept(index) {
            store.delete(&digest.at);
            for log in &digest.logs {
                store.delete(log);
            }
        }
    }
    store
}

/// Two whole copies of [`audit`].
fn twice(archive: &Archive) -> Expect {
    Expect::clean(archive).chain(CHAIN, |chain| {
        chain.digests[0] *= 2;
        chain.logs[0] *= 2;
    })
}

fn by_successor(count: usize) -> Finding {
    code("signature-from-successor")
        .chain(CHAIN)
        .says(&format!("{count} digests"))
}

#[test]
fn the_second_of_two_copies_has_no_metadata() {
    let archive = audit();
    side_by_side(archive.store.clone(), &bare(&archive.store))
        .run()
        .is(&twice(&archive).finding(by_successor(NEWEST + 1)));
}

#[test]
fn neither_of_two_copies_has_metadata() {
    let archive = audit();
    let bare = bare(&archive.store);
    let report = side_by_side(bare.clone(), &bare).run().report();
    // As of one such copy: nothing proves the newest digest.
    assert_eq!(report["verdict"], "unverified", "{report:#}");
    let findings = report["findings"].as_array().unwrap();
    let count = |code: &str| findings.iter().filter(|it| it["code"] == code).count();
    assert_eq!((count("digest-unsigned"), count("log-uncovered")), (2, 4));
    assert_eq!(count("signature-from-successor"), 1);
    assert_eq!(findings.len(), 7, "{report:#}");
    let digests = &report["totals"]["digests"];
    assert_eq!(digests["valid"], 2 * HOURS, "{report:#}");
}

/// `aws s3 sync` keeps no metadata; the sidecars of the newest digests were fetched for each copy when it was made.
#[test]
fn two_copies_that_overlap_have_sidecars_for_their_newest_digests() {
    let archive = trail(8).archive();
    let newest_of = |mut store: Store, newest: std::ops::RangeInclusive<usize>| {
        for (index, digest) in archive.first().digests.iter().enumerate() {
            if !newest.contains(&index) && store.contains(&digest.at) {
                store.clear_metadata(&digest.at);
            }
        }
        store
    };
    let older = newest_of(part(&archive, |index| index <= 5), 4..=5);
    let newer = newest_of(part(&archive, |index| index >= 2), 7..=8);
    let expect = Expect::clean(&archive).chain(CHAIN, |chain| {
        chain.digests[0] += 4;
        chain.logs[0] += 8;
    });
    // Four and five of the older copy, without theirs, and four of the newer one that are there too, and its sixth.
    let expect = expect.finding(by_successor(9));
    for (one, other) in [(&older, &newer), (&newer, &older)] {
        side_by_side(one.clone(), other).run().is(&expect);
    }
}

/// What happens to a second copy's digest that has no metadata.
type Harm = fn(&mut Store, &At);

/// A second copy's digest is proven by the first one's signature only if it is that digest.
#[test]
fn a_second_copy_that_was_changed_is_no_copy() {
    let harms: [(&str, Harm); 3] = [
        ("its content", |store, at| {
            store.edit_text(at, "\"logFiles\":[", "\"logFiles\": [");
        }),
        ("what it says of its place", |store, at| {
            let place = |name: &str| format!("\"digestS3Bucket\":\"{name}\"");
            store.edit_text(at, &place("audit-logs"), &place("audit-logz"));
        }),
        ("which logs it names", |store, at| {
            let content = store.content(at);
            let mut doc = Doc(crate::forge::Json::parse(&content));
            doc.logs().clear();
            store.replace_body(at, doc.0.write(false));
        }),
    ];
    let archive = audit();
    for position in [2, 3, NEWEST] {
        for (what, harm) in &harms {
            let at = archive.digest(position);
            let mut other = bare(&archive.store);
            harm(&mut other, &at);
            let outcome = side_by_side(archive.store.clone(), &other).run();
            let report = outcome.report();
            assert_eq!(outcome.exit, 1, "{what} {position}: {report:#}");
            let findings = report["findings"].as_array().unwrap();
            let told: Vec<_> = findings
                .iter()
                .filter(|it| it["key"] == at.1.as_str())
                .map(|it| it["code"].as_str().unwrap())
                .collect();
            assert_eq!(told, ["digest-out-of-chain"], "{what} {position}");
        }
    }
}

/// A digest that was planted beside one that is verified, in the same chain, and that nothing signed.
#[test]
fn a_planted_digest_beside_a_copy_is_out_of_chain() {
    let archive = audit();
    for position in [2, 4] {
        let (at, older) = (archive.digest(position), archive.digest(position - 1));
        let mut other = bare(&archive.store);
        // The one of the hour before, under this one's name.
        other.copy(&older, &at, false);
        let report = side_by_side(archive.store.clone(), &other).run().report();
        assert_eq!(report["verdict"], "invalid", "{report:#}");
        let findings = report["findings"].as_array().unwrap();
        let told = findings
            .iter()
            .any(|it| it["key"] == at.1.as_str() && it["severity"] == "invalid");
        assert!(told, "{report:#}");
    }
}

/// A signature that is there and does not fit stays an accusation, though the content is proven.
#[test]
fn a_second_copy_with_a_wrong_signature_is_modified() {
    let archive = audit();
    let at = archive.digest(3);
    let mut other = bare(&archive.store);
    let signature = archive.as_previous(&archive.digest(2)).signature;
    other.set_metadata(&at, "signature", &signature);
    other.set_metadata(&at, "signature-algorithm", "SHA256withRSA");
    let expect = twice(&archive)
        .finding(by_successor(NEWEST))
        .finding(in_chain("digest-modified", &at))
        .chain(CHAIN, |chain| {
            chain.digests[0] -= 1;
            chain.digests[1] += 1;
        });
    side_by_side(archive.store.clone(), &other)
        .run()
        .is(&expect);
}

/// Moves all logs, or some copies of them, out of the folder of their digests.
fn apart(case: &Case, digests_too: bool) {
    let bucket = case.source().join("audit-logs");
    let account = "AWSLogs/111122223333";
    let logs = case.source().join("logs").join(account);
    fs::create_dir_all(&logs).unwrap();
    let from = |kind: &str| bucket.join(account).join(kind);
    if digests_too {
        let copied = Command::new("cp")
            .arg("-a")
            .arg(from("CloudTrail-Digest"))
            .arg(logs.join("CloudTrail-Digest"))
            .status();
        assert!(copied.unwrap().success());
    }
    fs::rename(from("CloudTrail"), logs.join("CloudTrail")).unwrap();
}

#[test]
fn digests_and_logs_copied_into_folders_of_their_own() {
    let archive = audit();
    let expect = Expect::clean(&archive);
    let case = Case::new(archive).written(|case| apart(case, false));
    case.run().is(&expect);
    // What was deleted is missing there too.
    let mut archive = audit();
    let log = archive.log(2, 0);
    archive.store.delete(&log);
    let case = Case::new(archive).written(|case| apart(case, false));
    let outcome = case.run();
    let report = outcome.report();
    assert_eq!(report["findings"][0]["code"], "log-missing", "{report:#}");
    assert_eq!(report["findings"].as_array().unwrap().len(), 1);
    // A copy that has digests too is one for itself: what is left of another one is not whole.
    let case = Case::new(audit()).written(|case| apart(case, true));
    let outcome = case.run();
    assert_eq!(outcome.exit, 1, "{:#}", outcome.report());
    assert_eq!(outcome.report()["totals"]["logs"]["missing"], 12);
}

/// A log at this time that no digest names, in the folder of the logs.
fn planted_apart(time: &str, region: &str) -> (Case, At) {
    let mut archive = trail(6)
        .regions(&["us-east-1", "eu-west-1"])
        .logs(Logs::By(
            |region, _| if region == "us-east-1" { 2 } else { 0 },
        ))
        .archive();
    let mut log = PlantedLog::of(&archive.first().id, &Place::new("audit-logs", ""), at(time));
    log.region = region.into();
    let planted = log.put(&mut archive.store);
    let case = Case::new(archive).args(["--allow", "log-uncovered"]);
    (case.written(|case| apart(case, false)), planted)
}

/// The digests speak for the folder whose logs they name, as for their own.
#[test]
fn a_log_planted_in_a_folder_of_logs_alone_is_out_of_chain() {
    for region in ["us-east-1", "eu-west-1"] {
        for (time, name) in [
            ("10T02:30:00", "log-unreferenced"),
            ("09T20:30:00", "log-uncovered"),
            ("10T06:20:00", "log-pending"),
        ] {
            let (case, planted) = planted_apart(time, region);
            let outcome = case.run();
            let report = outcome.report();
            let findings = report["findings"].as_array().unwrap();
            let [finding] = &findings[..] else {
                panic!("{region} {time}: {report:#}");
            };
            assert_eq!(
                (&finding["code"], &finding["key"]),
                (&name.into(), &planted.1.into())
            );
            let exit = i32::from(name == "log-unreferenced");
            assert_eq!(outcome.exit, exit, "{region} {time}: {report:#}");
        }
    }
}

/// Whatever the folders are called, what is wrong in one of them is told, though another one has it as it should be.
#[test]
fn a_copy_of_the_logs_hides_nothing_in_another_one() {
    let archive = audit();
    let log = archive.log(3, 0);
    let intact = days_of_logs(&archive.store);
    let mut modified = archive.clone();
    modified.store.edit_content(&log, |it| it.push(b' '));
    let mut planted = archive.clone();
    let more = PlantedLog::of(
        &archive.first().id,
        &Place::new("audit-logs", ""),
        at("10T02:30:00"),
    );
    let more = more.put(&mut planted.store);
    let mut one = Store::default();
    one.objects
        .insert(log.clone(), archive.store.get(&log).clone());
    for folder in ["first", "more"] {
        for (archive, beside, code, key) in [
            (&modified, &one, "log-modified", &log),
            (&modified, &intact, "log-modified", &log),
            (&planted, &intact, "log-unreferenced", &more),
        ] {
            let case = Case::new(archive.clone()).written(|case| {
                apart(case, false);
                FolderWriter::new(&case.source(), Metadata::Sidecar)
                    .bucket_in("audit-logs", folder)
                    .write(beside);
            });
            let report = case.run().report().clone();
            let findings = report["findings"].as_array().unwrap();
            let [finding] = &findings[..] else {
                panic!("{folder}: {report:#}");
            };
            assert_eq!(finding["code"], code, "{report:#}");
            assert_eq!(finding["key"], *key.1, "{report:#}");
        }
    }
}

/// All logs of a store.
fn days_of_logs(store: &Store) -> Store {
    let mut logs = store.clone();
    logs.objects.retain(|at, _| at.1.contains("/CloudTrail/"));
    logs
}

/// As `aws s3 sync` copies them whose filter takes all folders but that of the usual logs.
#[test]
fn logs_of_one_kind_copied_into_a_folder_of_their_own() {
    let archive = trail(4).other(Kind::Insight, true).archive();
    let expect = Expect::clean(&archive);
    let case = Case::new(archive).written(|case| apart(case, false));
    case.run().is(&expect);
}

/// What digests name lies in one folder; another one may hold copies of it, or logs that no digest of the run is about.
#[test]
fn further_folders_of_logs_alone_are_not_accused() {
    let archive = audit();
    let log = archive.log(3, 0);
    // As named by another trail, which has no digests here.
    let foreign = PlantedLog::of(&archive.first().id, &Place::new("b", ""), at("10T02:30:00"));
    let mut other = Store::default();
    let foreign = foreign.put(&mut other);
    // The log that is named is found in the folder that comes first.
    for (is_copy, folder) in [
        (true, "first"),
        (true, "more"),
        (false, "first"),
        (false, "more"),
    ] {
        let case = Case::new(archive.clone()).written(|case| {
            apart(case, false);
            let (from, to) = if is_copy {
                let mut part = Store::default();
                part.objects
                    .insert(log.clone(), archive.store.get(&log).clone());
                (part, "audit-logs")
            } else {
                (other.clone(), "b")
            };
            FolderWriter::new(&case.source(), Metadata::Sidecar)
                .bucket_in(to, folder)
                .write(&from);
        });
        let outcome = case.run();
        let expect = Expect::clean(&archive);
        if is_copy {
            // It is read there too.
            outcome.is(&expect.chain(CHAIN, |chain| chain.logs[0] += 1));
        } else {
            let uncovered = code("log-uncovered").at(&foreign).without_bucket();
            outcome.is(&expect.finding(uncovered.chain(REGION)));
        }
    }
}

/// Which of two copies comes first says nothing of them.
#[test]
fn the_first_of_two_copies_has_no_metadata() {
    let archive = audit();
    side_by_side(bare(&archive.store), &archive.store)
        .run()
        .is(&twice(&archive).finding(by_successor(NEWEST + 1)));
}
