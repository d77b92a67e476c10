//! Reports on saved query results: the same formats over structs of their own.

mod claims;
mod exports;
mod head;
mod html;
mod json;
mod jsonl;
mod junit;
mod markdown;
mod render;
mod text;

pub use json::QueryReport;
pub use render::render;
