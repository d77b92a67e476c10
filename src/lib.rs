//! Proves, or disproves, that an archive of AWS CloudTrail logs is what CloudTrail delivered.

pub mod verify;
