//! A forge of CloudTrail archives: trails delivered, digested and signed with test keys, then tampered with.
//!
//! It shares no code with the library, so that one misreading of the format cannot hide in both. It knows neither the
//! wall clock nor chance: the same trail gives the same bytes on every machine.
#![allow(unused_imports)]

pub mod chain;
pub mod deliver;
pub mod der;
pub mod digest;
pub mod events;
pub mod folder;
pub mod generate;
pub mod gzip;
pub mod json;
pub mod keyfiles;
pub mod keys;
pub mod lake;
pub mod mutate;
pub mod names;
pub mod plant;
pub mod seed;
pub mod store;
pub mod time;
pub mod trail;

#[cfg(test)]
mod proof;

pub use chain::{Archive, Chain, ChainId, Delivered};
pub use digest::{Doc, Sign};
pub use events::Act;
pub use folder::{FolderWriter, Metadata};
pub use json::Json;
pub use keyfiles::{KeyJson, KeyRow};
pub use keys::TestKey;
pub use names::{Further, Kind, Place};
pub use store::{At, Sink, Store, StoredObject};
pub use time::Time;
pub use trail::{KeyUse, Logs, Trail};
