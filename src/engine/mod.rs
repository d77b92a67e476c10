//! Scheduling: what is read when, by which thread, and how much at a time.

mod asked;
mod beside;
mod custody;
mod digests;
mod exports;
mod forecast;
mod group;
mod held;
mod history;
mod job;
mod log_reading;
mod logs;
mod nothing;
mod partition;
mod queue;
mod readers;
mod reading;
mod room;
mod run;
mod shard;
mod stop;
mod stored;
mod survey;
mod threads;
mod window;

pub use exports::{QueryJob, verify_exports};
pub use forecast::{Amount, Forecast, forecast};
pub use job::{Filters, Job, Limits, Remembrance};
pub use partition::{Cut, Inventoried, Partition, Portioned, partition, partition_inventory};
pub use run::run;
pub use shard::{Keeper, KeptObject, Outcome, ShardCounts, ShardError, Slice, read_shard};
pub use stop::Stop;
pub(crate) use threads::in_parallel;
