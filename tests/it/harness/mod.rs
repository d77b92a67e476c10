//! Runs the real binary on an archive and compares the whole report with what a scenario states.

mod awscli;
mod case;
mod expect;
pub mod formats;
pub mod invariants;
mod memory;
mod query;

pub use awscli::aws_cli;
pub use case::{Case, Outcome, program, refused, text_of};
pub use expect::{Chain, Expect, Finding, code, log_modified};
pub use invariants::{SEVERITIES, check_bytes, severity_of};
pub use memory::peak_megabytes;
pub use query::{QueryCase, QueryOutcome};
