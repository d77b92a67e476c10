//! Whether the verifier itself can be trusted: every mutation of every kind of archive is told, clean ones are
//! valid however they are looked at, and a second opinion is the same on every object.

mod agreement;
mod damage;
mod judge;
mod matrix;
mod memory;
mod model;
mod mutation;
mod properties;
mod trails;
