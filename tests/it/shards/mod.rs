//! One verification as a plan, shards and a merge: the report is that of one run.

mod broken;
mod buckets;
pub mod common;
mod cuts;
mod estimate;
mod inventory;
pub mod parity;
mod usage;
