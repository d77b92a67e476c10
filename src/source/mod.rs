//! Where objects come from.

mod api;
mod folder;
mod inventory;
mod keyring;
mod limited;
mod s3;
pub mod snapshot;

pub use api::{
    Body, Facts, Fetch, HashedLog, KeyRange, Level, ListedObject, Metadata, Next, ObjectVersion,
    Problem, ReadDigest, ReadFailure, Root, Source, SourceError,
};
pub use folder::{FolderSource, Narrowing};
pub use inventory::{Inventory, InventoryEntry};
pub use keyring::{GivenKeys, HeldKey, Holding, KeyCall, KeyRing};
pub use limited::Limited;
pub use s3::{
    CloudTrailKeys, Connection, Patience, S3Place, S3Source, S3Store, Settings, Trail, TrailArn,
};
