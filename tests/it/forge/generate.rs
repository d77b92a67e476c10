//! Large archives for benchmarks, written straight to a folder: memory does not grow with their size.

use std::{fs, path::Path, thread};

use super::{
    folder::{FolderWriter, Metadata},
    keyfiles::trusted_keys,
    trail::{Logs, Trail},
};

const ACCOUNTS: [&str; 2] = ["111122223333", "444455556666"];
const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];
/// How many logs a chain and hour, unless told otherwise.
pub const LOGS_AN_HOUR: usize = 100;

/// Writes at least `logs` logs of `events` events each (one is about 900 bytes), `an_hour` a chain, and their digests to
/// `dir/archive`, and the keys to `dir/public-keys.json`. Returns how many logs were written.
pub fn generate(dir: &Path, logs: usize, events: usize, an_hour: usize) -> usize {
    let chains = ACCOUNTS.len() * REGIONS.len();
    let hours = logs.div_ceil(chains * an_hour);
    let mut trail = Trail::new(
        "bench",
        "2024-03-01T00:00:00Z",
        u32::try_from(hours).expect("hours of a benchmark"),
    )
    .accounts(&ACCOUNTS)
    .regions(&REGIONS)
    .logs(Logs::Each(an_hour));
    trail.events_per_log = events;
    fs::create_dir_all(dir).expect("a folder for the benchmark");
    fs::write(dir.join("public-keys.json"), trusted_keys()).expect("a key file");
    let archive = dir.join("archive");
    thread::scope(|scope| {
        for id in trail.chains() {
            let (trail, archive) = (&trail, &archive);
            scope.spawn(move || {
                trail.deliver_chain(&id, &mut FolderWriter::new(archive, Metadata::Sidecar));
            });
        }
    });
    hours * chains * an_hour
}
