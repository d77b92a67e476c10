//! Snapshots: copies of what a range needs, that are verified offline for ever.
//!
//! `recording` stands before any source and keeps what is read from it; `replay` is a source again.

mod beside;
mod check;
mod copying;
mod error;
mod finishing;
mod head;
mod index;
mod keys;
mod layout;
mod levels;
mod opening;
mod reading;
mod recording;
mod replay;
mod store;
mod wanted;
mod writing;

pub(crate) use check::by_object;
pub use check::{Alteration, Altered, Checked, Named, Parallel};
pub use error::SnapshotError;
pub use finishing::Finished;
pub use head::{
    Contents, ExportsPlace, Head, HeldRange, KeyFailure, RecordedKeys, RecordedRun, RunFilters,
};
pub use keys::SnapshotKeys;
pub(crate) use layout::MANIFEST;
pub(crate) use layout::is_of_a_snapshot;
pub use recording::Recording;
pub use replay::SnapshotSource;
pub use store::{Brakes, Store};
