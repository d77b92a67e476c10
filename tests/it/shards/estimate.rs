//! What a plan costs, and plans of an inventory.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::common::{Place, Sharded, compared, ran, said};
use crate::forge::{Archive, Trail, gzip::gzip};
use crate::harness::program;
use crate::s3::served::Served;
use crate::server::Object;
use crate::snapshot::common::{BUCKET, SOURCE, served};

fn two_regions() -> Archive {
    Trail::new("audit", "2024-03-10T00:00:00Z", 6)
        .regions(&["us-east-1", "eu-west-1"])
        .archive()
}

/// The lines of an inventory of what `takes` lets through.
fn lines(archive: &Archive, takes: impl Fn(&str) -> bool) -> Vec<u8> {
    let objects = archive.store.objects.iter();
    let objects = objects.filter(|((_, key), _)| takes(key));
    let line = |((bucket, key), object): (&(String, String), &crate::forge::StoredObject)| {
        let key = key.replace('/', "%2F");
        format!(
            "\"{bucket}\",\"{key}\",\"{}\",\"STANDARD\"\n",
            object.body.len()
        )
    };
    gzip(objects.map(line).collect::<String>().as_bytes())
}

fn manifest(change: impl FnOnce(&mut Value)) -> String {
    let mut manifest = json!({
        "sourceBucket": BUCKET,
        "destinationBucket": "arn:aws:s3:::inventories",
        "version": "2016-11-30",
        "creationTimestamp": "1710072000000",
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, Size, StorageClass",
        "files": [{"key": "all/audit-logs/daily/data/0001.csv.gz"}],
    });
    change(&mut manifest);
    manifest.to_string()
}

/// An inventory as it lies in a copy of its bucket.
fn inventory(place: &Place, archive: &Archive, takes: impl Fn(&str) -> bool) -> PathBuf {
    let lines = lines(archive, takes);
    place.inventory(&manifest(|_| ()), &[("0001.csv.gz", &lines)])
}

fn single(served: &Served) -> Value {
    let mut whole = compared(&ran(served.command(SOURCE).args(["--format", "json"])));
    whole["report"]["source"] = Value::Null;
    whole
}

fn merged(sharded: &Sharded<'_>) -> Value {
    let mut merged = sharded.merged();
    merged["report"]["source"] = Value::Null;
    merged
}

fn plan(served: &Served, place: &Path, inventory: &str) -> std::process::Output {
    let mut command = served.program();
    command.args(["plan", SOURCE]).args(served.arguments());
    command.args([
        "--shards",
        "4",
        "--inventory",
        inventory,
        "--format",
        "json",
    ]);
    ran(command.arg("-o").arg(place.join("plan.json")))
}

/// Whatever the inventory lacks, the shards find.
#[test]
fn an_inventory_cuts_and_decides_nothing() {
    let archive = two_regions();
    let served = served(&archive);
    let whole = single(&served);
    let takes = [
        ("all", "", "", 24),
        ("half", "/us-east-1/", "", 12),
        ("no digests", "", "Digest", 24),
        ("nothing", "nothing", "", 0),
    ];
    for (what, with, without, logs) in takes {
        let takes =
            |key: &str| key.contains(with) && (without.is_empty() || !key.contains(without));
        let place = Place::new();
        let inventory = inventory(&place, &archive, takes);
        let ready = || served.program();
        let output = plan(&served, place.path(), inventory.to_str().expect("a path"));
        assert_eq!(output.status.code(), Some(0), "{what}: {}", said(&output));
        assert!(
            said(&output).contains("is of 2024-03-10T12:00:00Z"),
            "{}",
            said(&output)
        );
        let told: Value = serde_json::from_slice(&output.stdout).expect("a forecast");
        assert_eq!(told["logs"]["objects"], logs, "{what}: {told:#}");
        let sharded = Sharded {
            program: &ready,
            plan: place.path().join("plan.json"),
            results: place.path().join("results"),
            shards: 4,
        };
        sharded.read_all();
        assert_eq!(merged(&sharded), whole, "{what}");
    }
}

#[test]
fn an_inventory_in_its_bucket() {
    let archive = two_regions();
    let served = served(&archive);
    let key = "all/audit-logs/daily/2024-03-10T12-00Z/manifest.json";
    let object = Object::new(manifest(|_| ()).into_bytes());
    served.server.store().put("inventories", key, object);
    let data = Object::new(lines(&archive, |_| true));
    let name = "all/audit-logs/daily/data/0001.csv.gz";
    served.server.store().put("inventories", name, data);
    let place = Place::new();
    let output = plan(&served, place.path(), &format!("s3://inventories/{key}"));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let told: Value = serde_json::from_slice(&output.stdout).expect("a forecast");
    assert_eq!(told["logs"]["objects"], 24, "{told:#}");
}

#[test]
fn what_is_no_inventory_is_refused() {
    let archive = two_regions();
    let served = served(&archive);
    let place = Place::new();
    let path = inventory(&place, &archive, |_| true);
    let path = path.to_str().expect("a path");
    let changes = [
        ("ORC", "/fileFormat", "ORC"),
        ("of the bucket", "/sourceBucket", "another"),
        ("no column Key", "/fileSchema", "Bucket, Size"),
        ("not beside", "/files/0/key", "gone.csv.gz"),
        ("leads elsewhere", "/files/0/key", "../0001.csv.gz"),
    ];
    for (words, at, value) in changes {
        let change = |manifest: &mut Value| {
            *manifest.pointer_mut(at).expect("a field") = value.into();
        };
        std::fs::write(path, manifest(change)).expect("a manifest");
        let output = plan(&served, place.path(), path);
        assert_eq!(output.status.code(), Some(2), "{words}: {}", said(&output));
        assert!(said(&output).contains(words), "{words}: {}", said(&output));
        assert!(!place.path().join("plan.json").exists());
    }
    std::fs::write(path, "{}").expect("a manifest");
    assert!(said(&plan(&served, place.path(), path)).contains("no manifest"));
}

/// A dry run and a plan tell what it costs, where prices are told.
#[test]
fn requests_cost_what_they_cost() {
    let served = served(&two_regions());
    let prices = ["--price-get", "0.4", "--price-list", "5", "--rate", "10"];
    let mut command = served.command(SOURCE);
    let output = ran(command.args(["--dry-run", "--format", "json"]).args(prices));
    let told: Value = serde_json::from_slice(&output.stdout).expect("a forecast");
    let number = |of: &str| told["requests"][of].as_f64().expect("a number");
    let cost = (number("get") * 0.4 + number("listings") * 5.0) / 1000.0;
    assert!(
        (told["cost"].as_f64().expect("a cost") - cost).abs() < 1e-6,
        "{told:#}"
    );
    assert!((told["seconds"].as_f64().expect("a time") - number("get") / 10.0).abs() < 1e-9);
    let mut command = served.command(SOURCE);
    let output = ran(command.arg("--dry-run").args(prices));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("cost ") && text.contains("time "), "{text}");
    assert!(!text.contains("without LISTs"), "{text}");
    let mut command = served.command(SOURCE);
    let output = ran(command.args(["--dry-run", "--price-get", "0.4"]));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("; without LISTs"), "{text}");
    let output = ran(served.command(SOURCE).args(prices));
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let output = ran(program().args(["logs", ".", "--dry-run", "--rate", "0"]));
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}
