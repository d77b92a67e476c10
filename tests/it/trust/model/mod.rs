//! A second opinion: the verdict as the contract tells it, worked out slowly and plainly, object by object, with neither
//! engine nor walk nor inventory. It shares no code with the library. Where the two differ, one of them is wrong.
//!
//! It takes what the contract says, for a range that holds the whole archive:
//! a digest is proven by its own signature or by the one that a proven successor names; a proven digest's predecessor has to
//! be there, and be what it says; a proven digest's logs have to be there and intact; what nothing proven names is out of
//! chain in covered time, and else only not covered.

mod archive;
mod opinion;
mod reading;

pub use opinion::{Class, Opinion, opinion};
