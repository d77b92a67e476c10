//! Snapshots under attack: from whoever has the bucket, from whoever has the evidence, and from the machine itself.

mod altered;
mod beside;
pub mod common;
mod folders;
mod forged;
mod full;
mod killed;
mod names;
mod output;
mod queries;
mod ranges;
mod refusals;
mod replayed;
