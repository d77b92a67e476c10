//! Saved query results of CloudTrail Lake: which exports there are, their sign files, and the
//! result files that these name.

mod discovery;
mod naming;
mod results;
mod run;
mod sign_files;

pub use run::{QueryJob, verify_exports};
