//! Serves a forged archive as S3 and CloudTrail would, until it is ended:
//!
//! `cargo run --release --example serve -- --logs 100000 --latency 20`
//!
//! The first line of its output is its address; the second, what there is to verify.
#![allow(missing_docs, unreachable_pub, dead_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::doc_markdown
)]
#![allow(clippy::print_stdout, reason = "its output is what it is for")]

#[path = "../tests/it/forge/mod.rs"]
mod forge;
#[path = "../tests/it/server/mod.rs"]
mod server;

use std::collections::HashMap;
use std::io::Read as _;
use std::time::Duration;

use forge::{At, KeyRow, Logs, Sink, StoredObject, TestKey, Trail};
use server::{Object, Operation, Options, PublicKey, Server, Store};

const START: &str = "2024-03-01T00:00:00Z";
const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];
const LOGS_AN_HOUR: usize = 100;

/// What is delivered goes to the server's store; a body is held once.
struct Delivery(Store);

impl Sink for Delivery {
    fn put(&mut self, (bucket, key): At, object: StoredObject) {
        let object = Object::new(object.body.into_boxed_slice()).with_metadata(object.metadata);
        self.0.put(&bucket, &key, object);
    }
}

fn main() {
    let options = arguments();
    let number = |name: &str, default: u64| {
        options
            .get(name)
            .map_or(default, |text| text.parse().expect("a number"))
    };
    let logs = usize::try_from(number("--logs", 10_000)).expect("a number of logs");
    let hours = logs.div_ceil(REGIONS.len() * LOGS_AN_HOUR);
    let mut trail = Trail::new(
        "bench",
        START,
        u32::try_from(hours).expect("a number of hours"),
    )
    .regions(&REGIONS)
    .logs(Logs::Each(LOGS_AN_HOUR));
    trail.events_per_log = usize::try_from(number("--events", 2)).expect("a number of events");
    let server = Server::start(
        deliver(&trail),
        Options {
            latency: Duration::from_millis(number("--latency", 0)),
            port: u16::try_from(number("--port", 0)).expect("a port"),
            log: false,
            ..Options::default()
        },
    );
    introduce(&server, &trail);
    println!("{}", server.url());
    println!(
        "arn:aws:cloudtrail:us-east-1:111122223333:trail/bench --start-time {START} ({hours} hours)"
    );
    // Ends with whoever started it.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    report(&server);
}

/// The chains have nothing to do with one another, so each is forged by itself.
fn deliver(trail: &Trail) -> Store {
    let parts: Vec<Store> = std::thread::scope(|scope| {
        let chains = trail.chains().into_iter().map(|id| {
            scope.spawn(move || {
                let mut delivery = Delivery(Store::default());
                trail.deliver_chain(&id, &mut delivery);
                delivery.0
            })
        });
        let chains: Vec<_> = chains.collect();
        let stores = chains
            .into_iter()
            .map(|chain| chain.join().expect("a chain"));
        stores.collect()
    });
    let mut whole = Store::default();
    for (name, part) in parts.into_iter().flat_map(|part| part.buckets) {
        whole.bucket(&name).keys.extend(part.keys);
    }
    whole
}

fn arguments() -> HashMap<String, String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let pairs = arguments.chunks_exact(2);
    pairs
        .map(|pair| (pair[0].clone(), pair[1].clone()))
        .collect()
}

fn introduce(server: &Server, trail: &Trail) {
    let mut cloudtrail = server.cloudtrail();
    for region in REGIONS {
        let row = KeyRow::of(TestKey::a());
        cloudtrail.add_key(
            region,
            PublicKey {
                value: row.value,
                fingerprint: row.fingerprint,
                valid_from: row.from.0,
                valid_until: row.to.0,
            },
        );
    }
    let (_, place) = &trail.places[0];
    cloudtrail.trails.push(server::Trail {
        name: trail.name.clone(),
        account: trail.accounts[0].clone(),
        home_region: trail.home_region.clone(),
        bucket: place.bucket.clone(),
        prefix: (!place.prefix.is_empty()).then(|| place.prefix.clone()),
        multi_region: true,
        organization: false,
    });
}

fn report(server: &Server) {
    let log = server.log();
    for operation in Operation::ALL {
        if log.count(operation) > 0 {
            println!("{operation:?}: {}", log.count(operation));
        }
    }
    println!(
        "requests: {}, at most {} at a time",
        log.requests(),
        log.high_water()
    );
}
