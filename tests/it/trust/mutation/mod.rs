//! Everything that can be done to one object of an archive, one thing at a time.

mod bytes;
mod case;
mod fields;
mod objects;
pub mod plain;
mod unsigned;

pub use case::{Came, Case, Expected, Kind, Target, outcome};
pub use plain::inflated;

use crate::forge::Archive;

/// All that is done to `target` on its own.
pub fn of_one(archive: &Archive, target: &Target) -> Vec<Case> {
    let mut cases = bytes::cases(archive, target);
    if target.kind == Kind::Digest {
        cases.extend(fields::cases(archive, target));
        cases.extend(unsigned::cases(archive, target));
    }
    cases.extend(objects::cases(archive, target));
    cases
}

/// All that can be done to any object of any archive on its own. Where nothing names a digest, its loss is another matter.
pub fn anywhere(archive: &Archive, target: &Target) -> Vec<Case> {
    let mut cases = of_one(archive, target);
    let is_named = target.kind == Kind::Log || target.has_successor;
    cases.retain(|case| (case.row != "deleted" || is_named) && case.row != objects::COPIED);
    cases
}

/// All that is done to several objects at once.
pub fn of_many(archive: &Archive) -> Vec<Case> {
    objects::of_many(archive)
}
