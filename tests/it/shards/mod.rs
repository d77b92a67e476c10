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
pub mod parity;
mod parts;
mod repairs;
mod templates;
mod usage;
