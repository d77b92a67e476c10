//! The report as SARIF 2.1.0, for code scanning and other tools that gather results.

mod log;
#[cfg(test)]
mod tests;

pub use log::write;
pub(super) use log::write_log;
