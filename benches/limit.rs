//! The program beside what bounds it: the same logs only read, inflated and hashed, by as many threads, and nothing else done.
//!
//! `cargo bench --bench limit -- small medium large digests`
#![allow(clippy::print_stdout, reason = "it tells what it measured")]
#![allow(missing_docs, unreachable_pub, dead_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_precision_loss,
    clippy::doc_markdown
)]

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use flate2::bufread::GzDecoder;
use sha2::{Digest as _, Sha256};

#[path = "../tests/it/forge/mod.rs"]
mod forge;
#[path = "bucket/measured.rs"]
mod measured;

use measured::{Measured, measured};

/// The middle one of so many runs is told.
const RUNS: usize = 5;
const CHUNK: usize = 128 * 1024;

/// An archive to measure on.
struct Archive {
    name: &'static str,
    logs: usize,
    events: usize,
    an_hour: usize,
}

const ARCHIVES: [Archive; 4] = [
    Archive::new("small", 30_000, 45, 100),
    Archive::new("medium", 1_600, 2_400, 100),
    Archive::new("large", 8, 240_000, 2),
    // Four chains of a year: nothing but digests to speak of.
    Archive::new("digests", 35_040, 1, 1),
];

impl Archive {
    const fn new(name: &'static str, logs: usize, events: usize, an_hour: usize) -> Self {
        Self {
            name,
            logs,
            events,
            an_hour,
        }
    }
}

fn main() {
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    println!(
        "archive   what        threads   objects  seconds  objects/s    MB/s  CPU seconds  peak MiB  of the limit"
    );
    for archive in &ARCHIVES {
        if asked.is_empty() || asked.iter().any(|name| name == archive.name) {
            compare(archive, threads);
        }
    }
}

fn compare(archive: &Archive, cores: usize) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    forge::generate::generate(dir.path(), archive.logs, archive.events, archive.an_hour);
    let is_digests = archive.name == "digests";
    let paths = objects(&dir.path().join("archive"), is_digests);
    let mut threads: Vec<usize> = vec![1, cores];
    threads.dedup();
    for threads in threads {
        let bare: Vec<(f64, u64)> = (0..RUNS).map(|_| bare(&paths, threads)).collect();
        let (seconds, bytes) = middle(bare, |(seconds, _)| *seconds);
        let limit = paths.len() as f64 / seconds;
        println!(
            "{:9} {:11} {threads:>7} {:>9} {seconds:>8.2} {limit:>10.0} {:>7.0}",
            archive.name,
            "bare",
            paths.len(),
            bytes as f64 / 1e6 / seconds
        );
        let runs = (0..RUNS).map(|_| program(dir.path(), threads, is_digests));
        let run = middle(runs.collect(), |run| run.time.as_secs_f64());
        let seconds = run.time.as_secs_f64();
        let rate = paths.len() as f64 / seconds;
        println!(
            "{:9} {:11} {threads:>7} {:>9} {seconds:>8.2} {rate:>10.0} {:>7.0} {:>12.2} {:>9.0} {:>13.2}",
            archive.name,
            "ct-verify",
            paths.len(),
            bytes as f64 / 1e6 / seconds,
            run.processor.unwrap_or(f64::NAN),
            run.memory.map_or(f64::NAN, |kib| kib as f64 / 1024.0),
            rate / limit,
        );
    }
}

fn middle<T>(mut runs: Vec<T>, by: impl Fn(&T) -> f64) -> T {
    runs.sort_by(|a, b| by(a).total_cmp(&by(b)));
    runs.swap_remove(runs.len() / 2)
}

/// A whole run of the program, with what it does by itself.
fn program(dir: &Path, threads: usize, is_digests: bool) -> Measured {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ct-verify"));
    command
        .arg("logs")
        .arg(dir.join("archive"))
        .arg("--public-keys")
        .arg(dir.join("public-keys.json"))
        .args(["--quiet", "--concurrency", &threads.to_string()]);
    if is_digests {
        command.arg("--digests-only");
    }
    let run = measured(command);
    assert!(run.success || is_digests, "{}", run.output);
    run
}

/// Reads, inflates and hashes every object; gives the seconds, and the bytes inflated.
fn bare(paths: &[PathBuf], threads: usize) -> (f64, u64) {
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    let bytes = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| work(paths, &next)))
            .collect();
        let done = workers.into_iter().map(|worker| worker.join().unwrap());
        done.sum()
    });
    (begun.elapsed().as_secs_f64(), bytes)
}

fn work(paths: &[PathBuf], next: &AtomicUsize) -> u64 {
    let mut decoder = GzDecoder::new(std::io::BufReader::with_capacity(
        CHUNK,
        fs::File::open("/dev/null").unwrap(),
    ));
    let mut chunk = vec![0; CHUNK];
    let mut bytes = 0;
    while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
        let file = fs::File::open(path).expect("an object");
        decoder.reset(std::io::BufReader::with_capacity(CHUNK, file));
        let mut hasher = Sha256::new();
        loop {
            let inflated = decoder.read(&mut chunk).expect("a gzip stream");
            if inflated == 0 {
                break;
            }
            hasher.update(&chunk[..inflated]);
            bytes += inflated as u64;
        }
        std::hint::black_box(hasher.finalize());
    }
    bytes
}

/// All logs, or all digests, below a folder.
fn objects(folder: &Path, is_digests: bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let entry = entry.expect("an entry");
            let path = entry.path();
            if entry.file_type().expect("its type").is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "gz")
                && path.to_string_lossy().contains("/CloudTrail-Digest/") == is_digests
            {
                found.push(path);
            }
        }
    }
    found
}
