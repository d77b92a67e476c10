//! The report for a CI job's summary.

mod coverage;
mod page;
#[cfg(test)]
mod tests;

pub use coverage::write;
pub(super) use page::{Page, write_page};
