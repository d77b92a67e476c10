//! Writes a large archive to verify, with its keys: `cargo run --release --example generate -- DIR LOGS EVENTS [AN_HOUR]`.
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
    let (dir, numbers) = match arguments.as_slice() {
        [dir, numbers @ ..] if matches!(numbers.len(), 2 | 3) => (dir, numbers),
        _ => panic!("usage: generate DIR LOGS EVENTS [LOGS OF A CHAIN AND HOUR]"),
    };
    let number = |at: usize| {
        let number = numbers
            .get(at)
            .map(|text: &String| text.parse().expect("a number"));
        number.unwrap_or(forge::generate::LOGS_AN_HOUR)
    };
    let written = forge::generate::generate(Path::new(dir), number(0), number(1), number(2));
    println!("{written} logs in {dir}/archive, their keys in {dir}/public-keys.json");
}
