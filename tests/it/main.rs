//! The one integration binary: scenarios on the real program.
#![allow(missing_docs, unreachable_pub, dead_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::doc_markdown
)]

mod contract;
mod forge;
mod harness;
mod man;
mod readme;
mod s3;
mod scenarios;
mod selftest;
mod server;
mod shards;
mod snapshot;
mod state;
mod trust;
