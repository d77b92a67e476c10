//! What a merge holds in memory, whatever results hold.

use super::common::{Place, Sharded};
use crate::forge::{gzip, names::Place as Bucket, plant::PlantedDigest, time::HOUR};
use crate::harness::{peak_megabytes, program};
use crate::scenarios::common::{at, audit};

/// They take no more bytes in a result than in the bucket, and a merge that is done by many threads
/// inflates them all.
#[test]
fn planted_digests_that_are_large_when_they_are_inflated() {
    let mut archive = audit();
    let id = archive.first().id.clone();
    for hour in 0..8 {
        let end = at("10T06:00:01") + HOUR * hour;
        let planted = PlantedDigest::of(&id, &Bucket::new("audit-logs", ""), end);
        let planted = planted.put(&mut archive.store);
        archive
            .store
            .replace_body(&planted, gzip::bomb(b' ', 32 << 20));
    }
    let place = Place::of(&archive);
    let mut arguments = place.keys();
    arguments.push("--digests-only".into());
    let sharded = Sharded::plan(
        &program,
        place.path(),
        place.source().as_os_str(),
        &arguments,
        2,
    );
    sharded.read_all();
    let mut merge = program();
    merge.arg("merge").arg(&sharded.results);
    let (exit, megabytes) = peak_megabytes(merge);
    assert_eq!(exit, 1);
    assert!(megabytes < 180, "{megabytes} MB");
}
