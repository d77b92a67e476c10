//! The report as `JUnit`'s XML.

mod chains;
mod xml;

pub use chains::write;
pub(super) use xml::{Case, Outcome, Suite, cases_of_run, write_suites};
