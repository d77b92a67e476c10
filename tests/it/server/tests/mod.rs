//! The servers themselves, seen with the real SDK.

mod client;
mod cloudtrail;
mod faults;
mod listing;
mod reading;
mod regions;
