//! Proves, or disproves, that an archive of AWS CloudTrail logs is what CloudTrail delivered.

pub mod cli;
pub mod command;
pub mod engine;
pub mod event;
pub mod plan;
pub mod report;
pub mod selftest;
pub mod shard;
pub mod source;
pub mod verify;
