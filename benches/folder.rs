//! Whole runs over a local folder: listing, digests, signatures, chain, logs, conclusion.
#![allow(clippy::print_stderr, reason = "it tells what it made")]
#![allow(missing_docs, unreachable_pub, dead_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::doc_markdown
)]

use std::{fmt, path::Path};

use clap::Parser as _;
use ct_verify::{
    cli::{Cli, Command, LogsArgs, LogsCommand},
    engine::{Stop, run},
    event::Observers,
    plan::LogsPlan,
    verify::conclusion::{Conclusion, Verdict},
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
    let written = forge::generate::generate(
        dir.path(),
        size.logs,
        size.events,
        forge::generate::LOGS_AN_HOUR,
    );
    let once = verify(dir.path());
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
        .bench(|| verify(dir.path()));
}

/// What `ct-verify logs` does, with its own defaults, but for the reports.
fn verify(dir: &Path) -> Conclusion {
    let (archive, keys) = (dir.join("archive"), dir.join("public-keys.json"));
    let words = ["ct-verify".as_ref(), "logs".as_ref(), archive.as_os_str()];
    let words = words
        .into_iter()
        .chain(["--public-keys".as_ref(), keys.as_os_str()]);
    let Command::Logs(args) = Cli::parse_from(words).command else {
        panic!("another command");
    };
    let LogsCommand {
        source, options, ..
    } = *args;
    let args = LogsArgs {
        source: source.expect("a source"),
        options,
    };
    let stop = Stop::default();
    let plan = LogsPlan::resolve(&args, Timestamp::now(), &stop).expect("a plan");
    let conclusion =
        run(&plan.job, plan.place.source(), &Observers::default(), &stop).expect("a run");
    // A run that fails early would be fast.
    assert_eq!(conclusion.verdict(), Verdict::Valid);
    conclusion
}
