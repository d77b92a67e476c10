//! Whole runs over a local folder: listing, digests, signatures, chain, logs, conclusion.
#![allow(missing_docs, unreachable_pub, dead_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::doc_markdown
)]

use std::{collections::BTreeSet, fmt, fs, path::Path, sync::Arc};

use ct_verify::{
    engine::{Filters, Job, Limits, Stop, run},
    event::Observers,
    source::FolderSource,
    verify::{
        conclusion::{Conclusion, Verdict, Weights},
        keys::{KeySet, parse_keys},
        time::Bounds,
    },
};
use divan::{
    Bencher,
    counter::{BytesCount, ItemsCount},
};
use jiff::Timestamp;

#[path = "../tests/it/forge/mod.rs"]
mod forge;

fn main() {
    divan::main();
}

/// Logs of one size.
#[derive(Clone, Copy)]
struct Size {
    name: &'static str,
    logs: usize,
    events: usize,
}

const SIZES: [Size; 2] = [
    Size {
        name: "small",
        logs: 20_000,
        events: 45,
    },
    Size {
        name: "medium",
        logs: 1_200,
        events: 2_400,
    },
];

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// `items` are logs and digests; bytes are those of their content, uncompressed.
#[divan::bench(args = SIZES, sample_count = 10, sample_size = 1)]
fn whole_run(bencher: Bencher<'_, '_>, size: Size) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let written = forge::generate::generate(dir.path(), size.logs, size.events);
    let job = job(dir.path());
    let archive = dir.path().join("archive");
    let once = verify(&archive, &job);
    assert_eq!(once.logs.valid, written as u64);
    let objects = once.logs.valid + once.digests.valid;
    eprintln!(
        "{size}: {written} logs, {} digests, {} bytes stored and {} bytes of content an object",
        once.digests.valid,
        once.bytes_read / objects,
        once.bytes_hashed / objects,
    );
    bencher
        .counter(ItemsCount::new(objects))
        .counter(BytesCount::new(once.bytes_hashed))
        .bench(|| verify(&archive, &job));
}

fn verify(archive: &Path, job: &Job) -> Conclusion {
    let (source, _) = FolderSource::open(archive).expect("the archive");
    let stop = Stop::default();
    let conclusion = run(job, &source, &Observers::default(), &stop).expect("a run");
    // A run that fails early would be fast.
    assert_eq!(conclusion.verdict, Verdict::Valid);
    conclusion
}

fn job(dir: &Path) -> Job {
    let keys = fs::read(dir.join("public-keys.json")).expect("the keys");
    let keys = parse_keys(&keys).expect("keys");
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) * 4;
    Job {
        filters: Filters::default(),
        keys: Arc::new(KeySet::new(keys).expect("a key")),
        weights: Weights {
            bounds: Bounds::default(),
            now: Timestamp::now(),
            allow: BTreeSet::new(),
            deny: BTreeSet::new(),
        },
        digests_only: false,
        limits: Limits {
            threads,
            read_ahead: threads * 8,
            groups: threads,
        },
    }
}
