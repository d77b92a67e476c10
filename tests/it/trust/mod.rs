//! Whether the verifier itself can be trusted: every mutation of every kind of archive is told, clean ones are
//! valid however they are looked at, and a second opinion is the same on every object; what
//! the fuzzers found stays found; and what is written of all this is so.

mod action;
mod agreement;
mod corpus;
mod damage;
pub mod judge;
mod matrix;
pub mod memory;
mod model;
mod mutation;
mod properties;
mod threats;
mod trails;
