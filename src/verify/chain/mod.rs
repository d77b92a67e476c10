//! One chain of digests: what is seen of it, and the walk from its newest digest to its oldest.

mod binding;
mod copies;
mod demands;
mod passing;
mod remembered;
mod sighting;
mod summary;
mod telling;
mod walk;

pub use binding::Binding;
pub use passing::PROVEN_BY;
pub use remembered::Remembered;
pub use sighting::{DigestVerdict, Doubt, ListedDigest, Sighting, WalkEvent};
pub use summary::{ChainSummary, DigestCounts, Gap, GapCause, OpenEnd};
pub use walk::{Walk, key_of};

#[cfg(test)]
mod tests;
