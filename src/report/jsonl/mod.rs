//! The report as a stream: a JSON object a line, written as it happens, ended by the summary.

mod lines;
mod stream;

pub use lines::write;
pub use stream::JsonLines;
