//! Reports: what a run came to, in each format, and what is told while it runs.
//!
//! Every format but the stream of `jsonl` renders a [`json::Report`], so that a saved report
//! looks the same as a live one. Renderers are pure: a report goes in, bytes come out, and a
//! writer that fails is an error of the caller's.

pub mod amounts;
pub mod claims;
pub mod escape;
pub mod explain;
pub mod forecast;
pub mod format;
pub mod groups;
pub mod head;
pub mod html;
pub mod json;
pub mod jsonl;
pub mod junit;
pub mod links;
pub mod look;
pub mod markdown;
pub mod named;
pub mod outputs;
pub mod progress;
pub mod query;
pub mod reach;
pub mod render;
pub mod run_info;
#[cfg(test)]
mod samples;
pub mod sarif;
pub mod saved;
pub mod schema;
pub mod selftest;
pub mod shares;
pub mod shown_json;
pub mod sink;
pub mod text;
pub mod timeline;
pub mod trouble;
pub mod verbose;
pub mod wrap;

pub use format::Format;
pub use json::Report;
pub use jsonl::JsonLines;
pub use look::{Look, Verbosity};
pub use outputs::{OutputError, Outputs};
pub use progress::{Progress, ProgressMode, ProgressObserver};
pub use render::render;
pub use run_info::{
    Filters, KeyOrigin, KeySource, PlanNote, RangeNote, RunInfo, SelftestNote, SnapshotNote,
    StateNote,
};
pub use verbose::Verbose;
