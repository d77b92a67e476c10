//! What there is to tell of a chain's coverage, beyond how much of the range it covers.

use jiff::Timestamp;

use super::amounts::counted;
use super::json::{Chain, ChainGap};
use super::timeline::{AllMarks, cause_in_words};
use crate::verify::chain::GapCause;
use crate::verify::time::{OVERDUE, plus};

/// Objects of a chain, and beside it, that are proven wrong, or could not be verified, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What is proven wrong.
    pub wrong: String,
    /// What could not be verified.
    pub open: String,
}

impl Trouble {
    /// What is the matter with `chain`; both texts are empty where nothing is.
    pub fn of(chain: &Chain<'_>, marks: &AllMarks<'_>) -> Self {
        let (astray, uncovered) = marks.beside(chain);
        let (digests, logs) = (&chain.digests, &chain.logs);
        let wrong = [
            (digests.invalid, "digest invalid", "digests invalid"),
            (digests.missing, "digest missing", "digests missing"),
            (logs.invalid, "log invalid", "logs invalid"),
            (logs.missing, "log missing", "logs missing"),
            (astray, "log out of chain", "logs out of chain"),
        ];
        let open = [
            (
                digests.unverified,
                "digest not verified",
                "digests not verified",
            ),
            (logs.unverified, "log not verified", "logs not verified"),
            (uncovered, "log not covered", "logs not covered"),
        ];
        Self {
            wrong: told(&wrong),
            open: told(&open),
        }
    }

    /// Whether nothing is the matter.
    pub fn is_none(&self) -> bool {
        self.wrong.is_empty() && self.open.is_empty()
    }
}

fn told(counts: &[(u64, &str, &str)]) -> String {
    let some = counts.iter().filter(|(number, _, _)| *number > 0);
    let told: Vec<_> = some
        .map(|(number, one, many)| counted(*number, one, many))
        .collect();
    told.join(", ")
}

/// Whether a gap is only time whose digest was not yet due when the run began, at `now`.
pub fn is_pending(gap: &ChainGap, now: Timestamp) -> bool {
    let is_short = gap.end.duration_since(gap.start) <= OVERDUE;
    gap.cause == GapCause::EndsEarly && is_short && plus(gap.start, OVERDUE) > now
}

/// Why a gap is one, in words, to a run that began at `now`.
pub fn why(gap: &ChainGap, now: Timestamp) -> &'static str {
    if is_pending(gap, now) {
        "the next digest is not yet due"
    } else {
        cause_in_words(gap.cause)
    }
}
