//! The program on live buckets: a server in this process that speaks S3 and CloudTrail.

mod clean;
pub mod parity;
mod served;
