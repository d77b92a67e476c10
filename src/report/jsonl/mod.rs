//! The report as a stream: a JSON object a line, written as it happens, ended by the summary.

mod lines;
mod stream;

pub use lines::write;
pub(super) use lines::{FindingCounts, Numbered, start};
pub use stream::JsonLines;
