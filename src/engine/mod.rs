//! Scheduling: what is read when, by which thread, and how much at a time.

mod digests;
mod group;
mod logs;
mod queue;
mod run;
mod survey;

pub use run::{Filters, Job, Limits, Stop, run};
