//! Scheduling: what is read when, by which thread, and how much at a time.

mod digests;
mod group;
mod held;
mod logs;
mod queue;
mod readers;
mod run;
mod stop;
mod survey;
mod threads;

pub use run::{Filters, Job, Limits, run};
pub use stop::Stop;
