//! The report for a CI job's summary.

mod page;
#[cfg(test)]
mod tests;

pub use page::write;
