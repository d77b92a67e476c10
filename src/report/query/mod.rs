//! Reports on saved query results: the same formats over structs of their own.

mod claims;
mod json;
mod render;
mod text;

pub use json::QueryReport;
pub use render::{is_written, render};
