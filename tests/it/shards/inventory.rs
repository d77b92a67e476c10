//! Plans of an inventory in Parquet, written by another implementation (testdata/inventory).

use std::path::Path;
use std::process::Output;

use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use super::common::{Place, ran, said};
use crate::forge::{At, Further, Kind, gzip};
use crate::s3::served::Served;
use crate::scenarios::common::trail;
use crate::scenarios::testdata;
use crate::server::Object;
use crate::snapshot::common::{BUCKET, SOURCE, served};

const SCHEMA: &str = "message s3.inventory { required binary bucket (UTF8); required binary key (UTF8); \
    optional binary version_id (UTF8); optional boolean is_latest; optional boolean is_delete_marker; \
    optional int64 size; optional int64 last_modified_date (TIMESTAMP_MILLIS); \
    optional binary storage_class (UTF8); }";
const CSV: &str =
    "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, StorageClass";

fn committed(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/inventory");
    std::fs::read(folder.join(name)).expect("a committed file")
}

/// The manifest of files, each with its name.
fn manifest(files: &[(&str, &[u8])]) -> Value {
    let is_csv = files[0].0.ends_with(".csv.gz");
    let (format, schema) = if is_csv {
        ("CSV", CSV)
    } else {
        ("Parquet", SCHEMA)
    };
    let file = |(name, content): &(&str, &[u8])| {
        json!({
            "key": format!("all/audit-logs/daily/data/{name}"),
            "size": content.len(),
            "MD5checksum": hex::encode(Md5::digest(content)),
        })
    };
    json!({
        "sourceBucket": BUCKET,
        "destinationBucket": "arn:aws:s3:::inventories",
        "version": "2016-11-30",
        "creationTimestamp": "1710072000000",
        "fileFormat": format,
        "fileSchema": schema,
        "files": files.iter().map(file).collect::<Vec<_>>(),
    })
}

fn plan(served: &Served, place: &Place, inventory: &str) -> Output {
    let mut command = served.program();
    command.args(["plan", SOURCE]).args(served.arguments());
    command.args(["--shards", "4", "--format", "json"]);
    command.args(["--inventory", inventory]);
    ran(command.arg("-o").arg(place.path().join("plan.json")))
}

/// What a plan of these files tells, and the plan itself but for its time.
fn planned(served: &Served, files: &[(&str, &[u8])]) -> (Value, Value) {
    let place = Place::new();
    let path = place.inventory(&manifest(files).to_string(), files);
    let output = plan(served, &place, path.to_str().expect("a path"));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(
        said(&output).contains("is of 2024-03-10T12:00:00Z"),
        "its age: {}",
        said(&output)
    );
    let told = serde_json::from_slice(&output.stdout).expect("a forecast");
    let plan = std::fs::read(place.path().join("plan.json")).expect("a plan");
    let mut plan: Value = serde_json::from_slice(&plan).expect("JSON");
    plan["made"] = Value::Null;
    (told, plan)
}

#[test]
fn parquet_cuts_as_csv_does() {
    let served = served(&testdata::clean());
    let csv = committed("rows.csv.gz");
    let (told, plan) = planned(&served, &[("0001.csv.gz", &csv)]);
    let count = |of: &str| told[of]["objects"].as_u64().expect("a count");
    assert_eq!(
        (count("logs"), count("digests"), count("archived")),
        (16, 10, 2)
    );
    for name in ["snappy.parquet", "gzip.parquet"] {
        let content = committed(name);
        let (again, cut) = planned(&served, &[(name, &content)]);
        assert_eq!(again, told, "{name}");
        assert_eq!(cut, plan, "{name}");
    }
    // Without what tells the class and old versions; and more than one file.
    let few = committed("plain.parquet");
    let (again, _) = planned(&served, &[("plain.parquet", &few)]);
    assert_eq!(again["logs"], told["logs"]);
    assert_eq!(again["archived"]["objects"], 0, "{again:#}");
    let (again, _) = planned(&served, &[("0.parquet", &few), ("1.parquet", &few)]);
    assert_eq!(again["logs"]["objects"], 32, "{again:#}");
}

/// Logs in a further folder before the region's are cut and counted as any others.
#[test]
fn further_folders_are_cut_too() {
    let mut trail = trail(3).other(Kind::Insight, true);
    trail.organization = Some("o-abcde12345".into());
    trail.others[0].further = Some(Further::Before("ApiCallRateInsight"));
    let archive = trail.archive();
    let row = |(bucket, key): &At| {
        let size = archive.store.objects[&(bucket.clone(), key.clone())]
            .body
            .len();
        let key = key.replace('/', "%2F");
        format!(
            "\"{bucket}\",\"{key}\",\"\",\"true\",\"false\",\"{size}\",\"2024-03-10T06:00:00.000Z\",\"STANDARD\"\n"
        )
    };
    let rows: String = archive.store.keys().map(row).collect();
    let rows = gzip::gzip(rows.as_bytes());
    let served = served(&archive);
    let (told, plan) = planned(&served, &[("0001.csv.gz", &rows)]);
    assert_eq!(told["logs"]["objects"], 9, "{told:#}");
    let folders = plan["folders"].as_array().expect("folders").iter();
    let paths: Vec<_> = folders.filter_map(|it| it["path"].as_str()).collect();
    let further =
        "AWSLogs/o-abcde12345/111122223333/CloudTrail-Insight/ApiCallRateInsight/us-east-1";
    assert!(paths.contains(&further), "{paths:?}");
}

#[test]
fn parquet_in_its_bucket() {
    let served = served(&testdata::clean());
    let content = committed("snappy.parquet");
    let key = "all/audit-logs/daily/2024-03-10T12-00Z/manifest.json";
    let text = manifest(&[("0001.parquet", &content)]);
    let put = |key: &str, content: Vec<u8>| {
        let mut store = served.server.store();
        store.put("inventories", key, Object::new(content));
    };
    put(key, text.to_string().into_bytes());
    put(
        "all/audit-logs/daily/data/0001.parquet",
        committed("snappy.parquet"),
    );
    let place = Place::new();
    let url = format!("s3://inventories/{key}");
    let output = plan(&served, &place, &url);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let told: Value = serde_json::from_slice(&output.stdout).expect("a forecast");
    assert_eq!(told["logs"]["objects"], 16, "{told:#}");
    // More than the manifest says is not even stored.
    let longer = [content, vec![0; 100]].concat();
    put("all/audit-logs/daily/data/0001.parquet", longer);
    let output = plan(&served, &place, &url);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("longer"), "{}", said(&output));
}

/// What is wrong with a file is told in one sentence, and no plan is written.
#[test]
fn parquet_that_is_not_sound_is_refused() {
    let served = served(&testdata::clean());
    let sound = committed("snappy.parquet");
    let cut = &sound[..sound.len() / 2];
    let mut hollow = sound.clone();
    hollow[4..200].fill(0xff);
    let keyless = committed("keyless.parquet");
    let mistyped = committed("mistyped.parquet");
    let zstd = committed("zstd.parquet");
    let csv = committed("rows.csv.gz");
    let files: [(&str, &[u8]); 7] = [
        ("it is no Parquet file, or was cut", cut),
        ("it is no Parquet file, or was cut", &csv),
        ("it is no Parquet file, or was cut", b"PAR1"),
        ("its Parquet is damaged", &hollow),
        ("it has no column key", &keyless),
        ("its column size is of another type", &mistyped),
        ("compressed with ZSTD", &zstd),
    ];
    for (words, content) in files {
        let files = [("0001.parquet", content)];
        let said = refused(&served, &manifest(&files), &files);
        assert!(said.contains(words), "{words}: {said}");
        assert_eq!(said.trim().lines().count(), 1, "{said}");
    }
    let files: [(&str, &[u8]); 1] = [("0001.parquet", &sound)];
    let mut other = manifest(&files);
    other["files"][0]["MD5checksum"] = "d41d8cd98f00b204e9800998ecf8427e".into();
    assert!(refused(&served, &other, &files).contains("MD5"));
    let mut other = manifest(&files);
    other["files"][0]["size"] = 7.into();
    assert!(refused(&served, &other, &files).contains("the manifest says 7"));
    let files: [(&str, &[u8]); 1] = [("0001.csv.gz", &csv)];
    let mut other = manifest(&files);
    other["files"][0]["MD5checksum"] = "d41d8cd98f00b204e9800998ecf8427e".into();
    assert!(refused(&served, &other, &files).contains("MD5"));
}

fn refused(served: &Served, manifest: &Value, files: &[(&str, &[u8])]) -> String {
    let place = Place::new();
    let path = place.inventory(&manifest.to_string(), files);
    let output = plan(served, &place, path.to_str().expect("a path"));
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(!place.path().join("plan.json").exists());
    said(&output)
}
