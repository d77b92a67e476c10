//! What was typed, resolved against the environment and validated: the run.

mod endpoint;
mod keys;
mod local;
mod logs;
mod place;
mod query;
mod reports;
mod sharded;
mod snapshot;
mod state;
mod time;
mod written;

pub use keys::KEYS_FOLDER;
pub use logs::LogsPlan;
pub use place::Place;
pub use query::QueryPlan;
pub use reports::reports;
pub use sharded::{Means, connect, planned, result_bucket, tells_more};
pub use state::check_state;
pub use time::instant;
pub use written::{Named, check_replaceable, keep_apart, named, replace, report_files};
