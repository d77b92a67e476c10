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
#[path = "../benches/served/mod.rs"]
mod served;
#[path = "../tests/it/server/mod.rs"]
mod server;

use std::collections::HashMap;
use std::io::Read as _;
use std::time::Duration;

use server::{Operation, Server};

fn main() {
    let options = arguments();
    let number = |name: &str, default: u64| {
        options
            .get(name)
            .map_or(default, |text| text.parse().expect("a number"))
    };
    let small = |name, default| usize::try_from(number(name, default)).expect("a small number");
    let (trail, hours) = served::trail(small("--logs", 10_000), small("--events", 2));
    let latency = Duration::from_millis(number("--latency", 0));
    let port = u16::try_from(number("--port", 0)).expect("a port");
    let server = served::serve(served::deliver(&trail), &trail, latency, port);
    println!("{}", server.url());
    println!(
        "{} --start-time {} ({hours} hours)",
        served::ARN,
        served::START
    );
    // Ends with whoever started it.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    report(&server);
}

fn arguments() -> HashMap<String, String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let pairs = arguments.chunks_exact(2);
    pairs
        .map(|pair| (pair[0].clone(), pair[1].clone()))
        .collect()
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
