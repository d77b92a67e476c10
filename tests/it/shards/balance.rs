//! Shards have the same to read, however uneven the archive is.
#![allow(
    clippy::cast_precision_loss,
    reason = "shares are compared with two digits"
)]

use std::collections::BTreeMap;

use serde_json::Value;

use super::common::{Place, Sharded, ran};
use crate::forge::{Archive, At, Logs, Trail};
use crate::harness::program;
use crate::scenarios::common::trail;

/// What a request costs, in bytes that are read in the same time.
const REQUEST: u64 = 32 * 1024;
const SHARDS: u32 = 8;
const HOURS: usize = 24;

/// One region has nearly all logs, and most of them in three hours; another account has few, which are large.
fn uneven() -> Archive {
    let busy = |region: &str, hour: u32| match (region, hour) {
        ("us-east-1", 9..12) => 60,
        ("us-east-1", _) => 3,
        _ => 1,
    };
    let regions = ["us-east-1", "eu-west-1", "ap-south-1"];
    let mut archive = trail(24).regions(&regions).logs(Logs::By(busy)).archive();
    let mut large = Trail::new("large", "2024-03-10T00:00:00Z", 24).accounts(&["444455556666"]);
    large.events_per_log = 120;
    large.level = 0;
    let hours = |_: &str, hour: u32| usize::from(hour.is_multiple_of(2));
    let large = large.logs(Logs::By(hours)).archive();
    archive.store.merge(large.store);
    archive.chains.extend(large.chains);
    archive
}

/// The largest over the mean.
fn balance(costs: impl IntoIterator<Item = u64>) -> f64 {
    let costs: Vec<u64> = costs.into_iter().collect();
    let most = costs.iter().max().copied().unwrap_or(0);
    most as f64 * costs.len() as f64 / costs.iter().sum::<u64>() as f64
}

/// The shard that the plan gives an object to.
fn shard_of(plan: &Value, key: &str) -> Option<u32> {
    let folders = plan["folders"].as_array().expect("folders").iter();
    let mut shards = folders.filter_map(|folder| {
        let path = folder["path"].as_str().expect("a path");
        let rest = key.strip_prefix(path)?.strip_prefix('/')?;
        let cuts = folder["cuts"].as_array().expect("cuts").iter();
        let before = cuts.take_while(|cut| cut[1].as_str().expect("a key") <= rest);
        let shard = before.last().expect("a first cut")[0].as_u64();
        shard.and_then(|shard| u32::try_from(shard).ok())
    });
    let shard = shards.next();
    assert!(shards.next().is_none(), "{key} lies in two folders");
    shard
}

/// What is read for all objects of each group.
fn grouped<G: Ord>(archive: &Archive, group: impl Fn(&At) -> G) -> BTreeMap<G, u64> {
    let mut costs = BTreeMap::new();
    for (at, object) in &archive.store.objects {
        *costs.entry(group(at)).or_default() += object.body.len() as u64 + REQUEST;
    }
    costs
}

#[test]
fn shards_of_an_uneven_archive_are_even() {
    let archive = uneven();
    let place = Place::of(&archive);
    let source = place.source();
    let (path, keys) = (place.path(), place.keys());
    let sharded = Sharded::plan(&program, path, source.as_os_str(), &keys, SHARDS);
    let plan = std::fs::read(&sharded.plan).expect("a plan");
    let plan: Value = serde_json::from_slice(&plan).expect("a plan");
    let shards = grouped(&archive, |(_, key)| shard_of(&plan, key).expect("a shard"));
    assert_eq!(shards.len(), SHARDS as usize, "every shard has something");
    let planned = balance(shards.into_values());
    assert!(planned < 1.1, "the largest has {planned:.2} times the mean");

    // The same archive cut by chains alone, by times alone, or by numbers of objects is far from even.
    let by_chain = grouped(&archive, |(_, key)| {
        let parts: Vec<&str> = key.split('/').collect();
        (parts[1].to_owned(), parts[3].to_owned())
    });
    let whole: u64 = by_chain.values().sum();
    let most = by_chain.values().max().expect("chains");
    let by_chain = *most as f64 / (whole as f64 / f64::from(SHARDS));
    assert!(by_chain > 3.0, "by chain: {by_chain:.2}");
    let by_time = grouped(&archive, |(_, key)| {
        let (_, time) = key
            .rsplit_once("20240310T")
            .or(key.rsplit_once("20240311T"))
            .expect("a time");
        let hour: usize = time[..2].parse().expect("an hour");
        hour % HOURS * SHARDS as usize / HOURS
    });
    let by_time = balance(by_time.into_values());
    assert!(by_time > 2.0, "by time: {by_time:.2}");
    let count = archive.store.objects.len();
    let places: BTreeMap<&At, usize> = archive.store.keys().zip(0..).collect();
    let by_number = grouped(&archive, |at| places[at] * SHARDS as usize / count);
    let by_number = balance(by_number.into_values());
    assert!(by_number > 1.3, "by number: {by_number:.2}");
}

/// What `plan` says of it is what it is.
#[test]
fn a_plan_tells_how_even_it_is() {
    let archive = uneven();
    let place = Place::of(&archive);
    let file = place.path().join("plan.json");
    let mut command = program();
    command.arg("plan").arg(place.source()).args(place.keys());
    let told = ran(command.args(["--shards", "5", "-o"]).arg(&file)).stdout;
    let told = String::from_utf8(told).expect("text");
    let plan = std::fs::read(file).expect("a plan");
    let plan: Value = serde_json::from_slice(&plan).expect("a plan");
    let shards = grouped(&archive, |(_, key)| shard_of(&plan, key).expect("a shard"));
    let planned = balance(shards.into_values());
    let words = format!("the largest has {planned:.2} times the mean");
    assert!(told.contains(&words), "{words}: {told}");
}
