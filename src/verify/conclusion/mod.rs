//! From the whole tally to the verdict and the exit status.

mod bindings;
mod explaining;
mod leftovers;
mod reckoning;
mod result;
mod tally;
mod verdict;
mod weighing;

pub use result::{ChainResult, Conclusion, ExplainedGap};
pub use tally::{
    BeforeFirstDay, Begins, BesideTheRange, ChainTally, CopiedApart, Doubt, Leftovers, LogCounts,
    NewestEnd, Tally, Weights,
};
pub use verdict::{ExitStatus, Verdict};
pub(super) use weighing::order;
pub use weighing::{Weighed, severity_in};

#[cfg(test)]
mod tests;
