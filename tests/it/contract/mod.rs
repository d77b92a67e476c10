//! The storage contract: what every source promises, whatever it is made of. Each clause is held against each keeper: a
//! folder, a bucket, a snapshot, and memory. A new source is added in `keepers`, and all clauses must hold of it as they are.

mod keepers;
mod listing;
mod reading;
