//! One account's region: its digests and logs are listed, its chains walked one after the other,
//! and what nothing named is left over.
//!
//! Digests are read ahead in parallel; the walk takes them in order, so that what it decides does
//! not depend on which was read first.

mod claiming;
mod increments;
mod life;
mod line;
mod listing;
mod seams;
mod walking;

pub(super) use claiming::Voucher;
pub(super) use life::Group;
pub(super) use line::Waiting;
pub(super) use seams::{Place, place_of};
