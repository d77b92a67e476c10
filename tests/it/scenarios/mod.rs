//! Archives with and without faults, each run through the real binary and compared with the whole report.

mod backups;
mod by_hand;
mod chain;
mod clean;
mod cli;
pub mod common;
mod copies;
mod coverage;
mod digests;
mod evidence;
mod formats;
mod further;
mod hostile;
mod inventory;
mod keys;
mod logs;
mod matrix;
mod moves;
mod namesakes;
mod parts;
mod queries;
mod range;
mod reference;
mod remnants;
pub mod testdata;
mod usage;
mod written;
