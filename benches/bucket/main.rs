//! Whole runs of the program over a bucket, as far away as one likes; and of the AWS CLI beside it, where it is installed.
//!
//! `cargo bench --bench bucket -- --logs 10000 --latency 20 --aws-hours 5`
#![allow(clippy::print_stdout, reason = "its output is what it is for")]
#![allow(missing_docs, unreachable_pub, dead_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::doc_markdown
)]

use std::time::Duration;

#[path = "../../tests/it/forge/mod.rs"]
mod forge;
mod measured;
mod runs;
#[path = "../served/mod.rs"]
mod served;
#[path = "../../tests/it/server/mod.rs"]
mod server;

/// What the command line asks for.
struct Asked {
    logs: usize,
    events: usize,
    latencies: Vec<u64>,
    /// How many hours are given to the AWS CLI, which takes far longer for each.
    aws_hours: usize,
}

fn main() {
    let asked = asked();
    let (trail, hours) = served::trail(asked.logs, asked.events);
    let store = served::deliver(&trail);
    println!("{}", runs::HEADINGS);
    for latency in &asked.latencies {
        let wait = Duration::from_millis(*latency);
        let server = served::serve(store.clone(), &trail, wait, 0);
        let own = runs::ours(&server, hours);
        println!("{}", own.line(*latency));
        if let Some(reference) = runs::reference(&server, asked.aws_hours.min(hours)) {
            println!("{}", reference.line(*latency));
            println!("{:.0} times the AWS CLI", own.rate() / reference.rate());
        }
    }
}

/// Pairs of a name and a number; `cargo bench` adds a word of its own.
fn asked() -> Asked {
    let mut asked = Asked {
        logs: 10_000,
        events: 2,
        latencies: vec![],
        aws_hours: 5,
    };
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(name) = words.next() {
        let number: u64 = words
            .next()
            .and_then(|text| text.parse().ok())
            .unwrap_or_else(|| panic!("{name} takes a number"));
        let small = usize::try_from(number).expect("a small number");
        match name.as_str() {
            "--logs" => asked.logs = small,
            "--events" => asked.events = small,
            "--latency" => asked.latencies.push(number),
            "--aws-hours" => asked.aws_hours = small,
            _ => panic!("there are --logs, --events, --latency and --aws-hours, and not {name}"),
        }
    }
    if asked.latencies.is_empty() {
        asked.latencies = vec![0, 20];
    }
    asked
}
