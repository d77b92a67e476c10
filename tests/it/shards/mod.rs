//! One verification as a plan, shards and a merge: the report is that of one run.

mod balance;
mod broken;
mod buckets;
mod bytes;
pub mod common;
mod costs;
mod cuts;
mod estimate;
mod inventory;
mod memory;
mod named;
pub mod parity;
mod repairs;
mod templates;
mod usage;
