//! One verification on many machines: a plan cuts it into shards, each shard reads its part and
//! keeps what it saw, and one run over all results comes to the verdict.
//!
//! A shard judges nothing. Whoever joins the results runs the same engine as any other run, over a
//! source that tells what the shards saw; so its report is the one of a single run.

mod cache;
mod file;
mod frame;
mod packing;
mod paper;
mod record;
mod results;
mod source;
mod writing;

pub use file::{ResultError, ResultFile};
pub use paper::{
    PaperError, Plan, PlannedAws, PlannedFolder, PlannedKey, PlannedKeys, PlannedPlace, SLICE_LIMIT,
};
pub use results::{Gap, Gathered, ResultPlace, result_name};
pub use source::Joined;
pub use writing::{ResultWriter, Written, readable};
