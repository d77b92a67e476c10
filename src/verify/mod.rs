//! The pure part: formats, chain, verdicts. No files, no network, no clock, and nothing of ours
//! from outside this module.

pub mod chain;
pub mod conclusion;
pub mod coverage;
pub mod digest;
pub mod evidence;
pub mod explanation;
pub mod finding;
pub mod hashing;
pub mod inventory;
pub mod keys;
pub mod location;
pub mod query;
pub mod signature;
pub mod text;
pub mod time;

#[cfg(test)]
mod testing;
