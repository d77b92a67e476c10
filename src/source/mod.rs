//! Where objects come from.

mod api;
mod folder;

pub use api::{Body, ListedObject, Metadata, Problem, Root, Source, SourceError};
pub use folder::{FolderSource, Narrowing};
