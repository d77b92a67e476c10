//! Objects from S3: live buckets, read many at a time.
//!
//! Requests run on a small runtime of their own; the engine's threads wait for them, and inflate
//! and hash what comes.

mod again;
mod answers;
mod aws;
mod backoff;
mod beginnings;
mod clients;
mod credentials;
mod direct;
mod download;
mod endpoints;
mod fault;
mod fetching;
mod folder;
mod gate;
mod headers;
mod keys;
mod lone;
mod object;
mod outage;
mod pace;
mod pages;
mod pieces;
mod place;
mod region;
mod request;
mod search;
mod seen;
mod settings;
mod silent;
mod source;
mod span;
mod store;
mod stretch;
mod tls;
mod trail;
mod upload;
mod versions;
mod wait;

pub use keys::CloudTrailKeys;
pub(super) use pages::{decode as decode_key, is_cold};
pub use place::S3Place;
pub use settings::{Patience, Settings};
pub use source::{Connection, S3Source};
pub use store::S3Store;
pub use trail::{Trail, TrailArn};
