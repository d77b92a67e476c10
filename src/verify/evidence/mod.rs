//! Evidence: recorded events, in logs that are proven intact, which explain why a chain has a gap
//! or an object is gone.

mod event;
mod explain;
mod ledger;
mod record;
mod scan;
mod stream;

pub use event::{Deed, RecordedEvent};
pub use explain::{Evidence, Explained, Question};
pub use ledger::{Kept, Ledger};
pub use record::read_events;
pub use scan::{Hint, Scanner};
pub use stream::HashedContent;

#[cfg(test)]
mod tests;
