//! S3's operations on the store, as s3s asks for them.

mod listing;
mod reading;
mod service;

pub(crate) use service::Backend;
