//! The report as one page, for an auditor's binder: on screen and on paper, with no script, and
//! with nothing that is loaded from anywhere.

mod axis;
mod by_hand;
mod coverage;
mod ending;
mod findings;
mod page;
mod strip;
#[cfg(test)]
mod tests;

pub use page::write;
pub(super) use page::write_page;
