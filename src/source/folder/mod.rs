//! Objects from a local folder: a copy of buckets, or of parts of them.
//!
//! Everything is opened below the folder's own handle, so no name and no link leads out of it.

mod file;
mod listing;
mod narrowing;
mod search;
mod source;

pub(super) use file::{
    body, explain, is_absent, is_apple_double, open_file, read_sidecar, read_small,
};
pub(super) use listing::{Listing, level};
pub use narrowing::Narrowing;
pub use source::FolderSource;
