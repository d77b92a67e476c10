//! Proves, or disproves, that an archive of AWS CloudTrail logs is what CloudTrail delivered.

pub mod event;
pub mod source;
pub mod verify;
