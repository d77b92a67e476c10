//! Whether the verifier itself can be trusted: every mutation of every kind of archive is told, and clean ones are
//! valid however they are looked at.

mod judge;
mod matrix;
mod memory;
mod mutation;
mod properties;
mod trails;
