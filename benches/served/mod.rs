//! A forged archive of any size, served as S3 and CloudTrail would.

use std::time::Duration;

use crate::forge::{At, KeyRow, Logs, Sink, StoredObject, TestKey, Trail};
use crate::server::{self, Object, Options, PublicKey, Server, Store};

pub const START: &str = "2024-03-01T00:00:00Z";
pub const ARN: &str = "arn:aws:cloudtrail:us-east-1:111122223333:trail/bench";
pub const BUCKET: &str = "audit-logs";
const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];
pub const LOGS_AN_HOUR: usize = 100;

/// What is delivered goes to the server's store; a body is held once.
struct Delivery(Store);

impl Sink for Delivery {
    fn put(&mut self, (bucket, key): At, object: StoredObject) {
        let object = Object::new(object.body.into_boxed_slice()).with_metadata(object.metadata);
        self.0.put(&bucket, &key, object);
    }
}

/// A trail with at least `logs` logs of `events` events each; and how many hours it has.
pub fn trail(logs: usize, events: usize) -> (Trail, usize) {
    let hours = logs.div_ceil(REGIONS.len() * LOGS_AN_HOUR);
    let many = u32::try_from(hours).expect("a number of hours");
    let mut trail = Trail::new("bench", START, many)
        .regions(&REGIONS)
        .logs(Logs::Each(LOGS_AN_HOUR));
    trail.events_per_log = events;
    (trail, hours)
}

/// All that the trail delivers. Its chains have nothing to do with one another, so each is forged by itself.
pub fn deliver(trail: &Trail) -> Store {
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

/// A server that holds `store`, and knows the trail and its keys.
pub fn serve(store: Store, trail: &Trail, latency: Duration, port: u16) -> Server {
    let options = Options {
        latency,
        port,
        log: false,
        ..Options::default()
    };
    let server = Server::start(store, options);
    let mut cloudtrail = server.cloudtrail();
    for region in REGIONS {
        let row = KeyRow::of(TestKey::a());
        let key = PublicKey {
            value: row.value,
            fingerprint: row.fingerprint,
            valid_from: row.from.0,
            valid_until: row.to.0,
        };
        cloudtrail.add_key(region, key);
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
    drop(cloudtrail);
    server
}
