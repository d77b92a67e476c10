//! Reports to try the formats on.

mod parts;
mod reports;

pub(super) use parts::at;
pub(super) use reports::{all, clean, hostile, many, tampered, year};
