//! Keys that are no names for files, and keys that lead elsewhere.

use std::collections::BTreeSet;
use std::fs;

use sha2::{Digest as _, Sha256};

use super::common::{BUCKET, DAY, Place, contents, fits_its_manifest, same_again, served};
use crate::forge::{
    Archive, Trail, names::Place as Bucket, plant::PlantedLog, store::StoredObject,
};
use crate::s3::served::Served;
use crate::scenarios::common::{at, audit, trail};

const FOLDER: &str = "AWSLogs/111122223333/CloudTrail/us-east-1/2024/03/10";

/// Planted logs, under names that a bucket can have.
fn planted() -> (Archive, Vec<String>) {
    let mut archive = audit();
    let place = Bucket::new(BUCKET, "");
    let planted = PlantedLog::of(&archive.first().id.clone(), &place, at("10T02:10:00"));
    let at = planted.put(&mut archive.store);
    let name = at.1.rsplit('/').next().expect("a name").to_owned();
    let long = "x".repeat(210);
    let mut keys = vec![at.1.clone()];
    for key in [
        // Alike but for their case.
        format!("{FOLDER}/{}", name.replace("Planted", "pLANTED")),
        format!("{FOLDER}/{}", name.replace("Planted", "PLANTED")),
        // Out of the folder.
        format!("{FOLDER}/../../../../../../../../../../{name}"),
        format!("{FOLDER}/../10/{name}"),
        format!("{FOLDER}//etc/{name}"),
        format!("{FOLDER}/./{name}"),
        format!("{FOLDER}/..json.gz"),
        // A file where a folder must be, and the other way round.
        format!("{FOLDER}/{name}/{name}"),
        format!("{FOLDER}/{name}.metadata.json.gz"),
        format!("{FOLDER}/{name}.metadata.json/{name}"),
        // No names everywhere.
        format!("{FOLDER}/CON/{name}"),
        format!("{FOLDER}/con.json.gz"),
        format!("{FOLDER}/ends./{name}"),
        format!("{FOLDER}/ends /{name}"),
        format!("{FOLDER}/ü\u{202e}/{name}"),
        format!("{FOLDER}/a\\b:c*?\"<>|/{name}"),
        format!("{FOLDER}/tab\tline\n/{name}"),
        format!("{FOLDER}/{long}{long}/{name}"),
        format!("{FOLDER}/{long}{long}.json.gz"),
    ] {
        archive.store.copy(&at, &(at.0.clone(), key.clone()), false);
        keys.push(key);
    }
    // As macOS writes them beside other files.
    let beside = format!("{FOLDER}/._{name}");
    archive
        .store
        .copy(&at, &(at.0.clone(), beside.clone()), false);
    let body = *b"\x00\x05\x16\x07planted";
    archive
        .store
        .replace_body(&(at.0.clone(), beside.clone()), body);
    keys.push(beside);
    (archive, keys)
}

#[test]
fn they_are_kept_and_found_again_and_none_leads_out() {
    let (archive, keys) = planted();
    let served = served(&archive);
    let told_live = served.run("s3://audit-logs");
    let (place, (exit, taken)) = same_again(&served);
    assert_eq!(exit, 1);
    assert_eq!(taken["findings"], told_live["findings"]);
    let found = taken["findings"].as_array().expect("findings").len();
    assert!(found > 10, "they are planted logs: {taken:#}");
    fits_its_manifest(&place);
    let index = place.index();
    let mut files = BTreeSet::new();
    for key in &keys {
        let line = index
            .iter()
            .find(|line| line["object"]["path"] == key.as_str());
        let object = &line.unwrap_or_else(|| panic!("{key:?} was not kept"))["object"];
        let plain = format!("objects/{BUCKET}/{key}");
        let file = object["file"].as_str().unwrap_or(&plain);
        let content = fs::read(place.file(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let stored = archive.store.get(&(BUCKET.into(), key.clone()));
        assert_eq!(content, stored.body, "{key:?}");
        let hash = hex::encode(Sha256::digest(&content));
        assert_eq!(object["sha256"], hash.as_str());
        assert!(
            file.is_ascii() && file.split('/').all(|part| part != ".."),
            "{key:?} lies in {file:?}"
        );
        assert!(
            files.insert(file.to_ascii_lowercase()),
            "two lie in {file:?}"
        );
    }
    // Nothing lies beside the snapshot, nor above.
    let whole = place.beside("");
    let beside = contents(&whole);
    assert!(
        beside.keys().all(|name| name.starts_with("evidence/")),
        "{beside:?}"
    );
}

#[test]
fn a_prefix_that_is_no_path() {
    for prefix in [
        "a//b",
        "../up",
        "/abs",
        "dots../x",
        "ünicode",
        "con/x",
        "line\nfeed",
        " lead",
    ] {
        let mut trail = trail(6);
        trail = trail.place(BUCKET, prefix);
        let served = Served::new(&trail.archive()).args(DAY);
        let place = Place::new();
        let source = format!("s3://{BUCKET}/{prefix}");
        let taken = super::common::report(served.snapshot(&source, &place.dir()));
        assert_eq!(taken.0, 0, "{prefix:?}: {:#}", taken.1);
        let again = super::common::offline(&place);
        assert_eq!(
            super::common::compared(again),
            super::common::compared(taken),
            "{prefix:?}"
        );
        let beside = contents(&place.beside(""));
        assert!(
            beside.keys().all(|name| name.starts_with("evidence/")),
            "{beside:?}"
        );
    }
}

/// Whoever may put one empty object would otherwise have every snapshot tell of losses, for ever.
#[test]
fn the_name_of_an_empty_object_leads_to_no_other_archive() {
    for key in [
        "./AWSLogs/",
        "//AWSLogs/",
        "../../../AWSLogs/",
        "../audit-logs/AWSLogs/",
        "./AWSLogs/111122223333/CloudTrail/us-east-1/2024/03/10/",
    ] {
        let mut archive = audit();
        let at = (BUCKET.to_owned(), key.to_owned());
        archive.store.objects.insert(at, StoredObject::default());
        let (_place, (exit, taken)) = same_again(&served(&archive));
        assert_eq!(exit, 0, "{key}: {taken:#}");
    }
}

#[test]
fn prefixes_that_a_file_system_takes_for_the_same() {
    for (one, other) in [("logs", "logs/"), ("logs", "./logs"), ("logs", "x/../logs")] {
        let mut archive = trail(6).place(BUCKET, one).archive();
        let beside = Trail::new("other", "2024-03-10T00:00:00Z", 6).seed(7);
        let beside = beside.place(BUCKET, other).archive();
        archive.store.merge(beside.store);
        let (_place, (exit, taken)) = same_again(&served(&archive));
        assert_eq!(exit, 0, "{one} and {other}: {taken:#}");
        assert_eq!(taken["totals"]["logs"]["valid"], 24, "{one} and {other}");
    }
}

/// A digest that a chain leads to is as well kept under a name of its own.
#[test]
fn a_tampered_digest_under_an_encoded_name_stays_tampered() {
    let trail = trail(6).place(BUCKET, "ünicode");
    let mut archive = trail.archive();
    let log = archive.log(2, 0);
    let other = archive.store.get(&archive.log(2, 1)).body.clone();
    archive.store.replace_body(&log, other);
    let served = Served::new(&archive).args(DAY);
    let (_place, (exit, taken)) = same_again(&served);
    assert_eq!(exit, 1);
    assert_eq!(taken["findings"][0]["code"], "log-modified", "{taken:#}");
}

/// Its name dates it far outside of the range, the folder that it lies in does not.
#[test]
fn a_log_whose_name_lies_is_kept() {
    let mut archive = audit();
    let place = Bucket::new(BUCKET, "");
    let planted = PlantedLog::of(&archive.first().id.clone(), &place, at("10T02:10:00"));
    let at = planted.put(&mut archive.store);
    let name = at.1.rsplit('/').next().expect("a name");
    let lies = name.replace("20240310T0210Z", "20990101T0000Z");
    let keys = [
        format!("{FOLDER}/{lies}"),
        format!("AWSLogs/111122223333/CloudTrail/us-east-1/{lies}"),
    ];
    for key in &keys {
        assert_ne!(*key, at.1);
        archive.store.copy(&at, &(at.0.clone(), key.clone()), false);
    }
    archive.store.delete(&at);
    let served = served(&archive);
    let (place, _) = same_again(&served);
    for key in &keys {
        let file = place.file(&format!("objects/{BUCKET}/{key}"));
        assert!(file.exists(), "{key} was not kept");
    }
    fits_its_manifest(&place);
}
