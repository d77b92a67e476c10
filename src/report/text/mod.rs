//! The report for a person at a terminal, who must act on it: the verdict first, then what was
//! covered, what was found and what to do about it, the totals, the keys, and what it all does
//! not prove.

mod coverage;
mod findings;
mod page;
mod totals;

pub(in crate::report) use findings::write as findings;
pub use page::write;
pub(in crate::report) use page::{codes, heading, keys, snapshot, verdict};
pub(in crate::report) use totals::write as totals;
