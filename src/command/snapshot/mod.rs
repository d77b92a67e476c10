//! `snapshot`: verify, and keep what was read.

mod common;
mod logs;
mod query;

pub(super) use common::snapshot;
