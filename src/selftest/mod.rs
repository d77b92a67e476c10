//! Known-good and known-bad archives through the real pipeline: whether this program, on this
//! machine, says valid of what is, and of nothing else.

mod archive;
mod cases;

pub use archive::MemorySource;
pub use cases::{Outcome, run};
