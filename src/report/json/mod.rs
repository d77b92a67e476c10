//! The JSON report: its structs, and how they are made from what a run came to.

mod made;
mod shape;

pub use shape::{
    Bytes, Chain, ChainGap, Digests, Finding, GapEvent, Keys, Logs, Report, Requested, Run,
    RunFilters, SCHEMA_VERSION, Span, TOOL, Tool, Totals,
};
