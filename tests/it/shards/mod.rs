//! One verification as a plan, shards and a merge: the report is that of one run.

pub mod common;
pub mod parity;
