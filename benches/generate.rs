//! Writes a large archive to verify, with its keys: `cargo run --release --example generate -- DIR LOGS EVENTS`.
#![allow(missing_docs, unreachable_pub, dead_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::doc_markdown
)]

use std::path::Path;

#[path = "../tests/it/forge/mod.rs"]
mod forge;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dir, logs, events] = arguments.as_slice() else {
        panic!("usage: generate DIR LOGS EVENTS");
    };
    let (logs, events) = (
        logs.parse().expect("a number of logs"),
        events.parse().expect("a number of events"),
    );
    let written = forge::generate::generate(Path::new(dir), logs, events);
    println!("{written} logs in {dir}/archive, their keys in {dir}/public-keys.json");
}
