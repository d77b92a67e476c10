//! The program on live buckets: a server in this process that speaks S3 and CloudTrail.

mod absent;
mod alone;
mod awscli;
mod clean;
mod credentials;
mod denied;
mod direct;
mod endpoint;
mod expiry;
mod faults;
mod interrupt;
mod keys;
mod listings;
mod memory;
mod names;
pub mod parity;
mod places;
mod policy;
mod queries;
mod reference;
pub mod served;
mod setup;
mod versions;
mod ways;
