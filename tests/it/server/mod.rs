//! S3 and CloudTrail in one process: real HTTP on 127.0.0.1, an archive in memory,
//! a log of every request, and faults that come back the same for the same seed.
//!
//! ```ignore
//! let server = Server::start(store, Options::default());
//! server.faults().add(Rule::new(Fault::SlowDown).on(&[Operation::GetObject]).attempts(0..1));
//! run_against(&server.url());
//! assert_eq!(server.log().requests_for("bucket", "key").len(), 2);
//! ```
#![allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test tool: each user needs a part of it, and a broken one shall stop the test"
)]

mod backend;
mod call;
mod cloudtrail;
mod fault;
mod front;
mod log;
mod options;
mod page;
mod refusal;
mod secure;
mod socket;
mod start;
mod store;
#[cfg(test)]
mod tests;
mod wire;

pub(crate) use call::{Call, Operation};
pub(crate) use cloudtrail::{CloudTrail, KeyRequest, PublicKey, Trail};
pub(crate) use fault::{Fault, Rule, When};
pub(crate) use log::Entry;
pub(crate) use options::{ACCESS_KEY, Options, Truncation};
pub(crate) use secure::AUTHORITY;
pub(crate) use start::Server;
pub(crate) use store::{Bucket, Class, Metadata, Object, Restore, Store, Version, WrongRegion};
