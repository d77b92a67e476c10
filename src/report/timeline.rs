//! A chain's range cut into cells, each with the worst that is known of it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::groups::time_of;
use super::json::{Chain, ChainGap, Report, Span};
use crate::verify::chain::GapCause;
use crate::verify::finding::Severity;
use crate::verify::time::minus;

/// What is known of a stretch of a chain, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Verified digests cover all of it, and nothing is wrong with what they name.
    Verified,
    /// No digest covers all of it.
    NotCovered,
    /// The run was interrupted before all of it was read.
    NotRead,
    /// Something in it could not be verified.
    Unverified,
    /// Something in it is proven wrong.
    Invalid,
}

impl State {
    /// All of them, from best to worst.
    pub const ALL: [Self; 5] = [
        Self::Verified,
        Self::NotCovered,
        Self::NotRead,
        Self::Unverified,
        Self::Invalid,
    ];

    /// What it means, in a legend.
    pub fn legend(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::NotCovered => "not covered",
            Self::NotRead => "not read",
            Self::Unverified => "not verified",
            Self::Invalid => "proven wrong",
        }
    }
}

/// A stretch of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// From when.
    pub start: Timestamp,
    /// To when.
    pub end: Timestamp,
    /// The worst that is known of it.
    pub state: State,
    /// How much of it verified digests cover.
    pub covered: SignedDuration,
    /// Findings in it that are proven wrong.
    pub invalid: u64,
    /// Findings in it that could not be verified.
    pub unverified: u64,
}

/// The times and weights of a chain's findings, in order.
type Marks = Vec<(Timestamp, Severity)>;

/// When which chain has findings that weigh on the verdict.
#[derive(Debug)]
pub struct AllMarks<'r> {
    marks: BTreeMap<&'r str, Marks>,
    /// An interrupted run tells no gap where it has not come to.
    interrupted: bool,
}

impl<'r> AllMarks<'r> {
    /// The marks of all chains, and of all accounts' regions.
    pub fn new(report: &'r Report<'_>) -> Self {
        let mut marks: BTreeMap<&str, Marks> = BTreeMap::new();
        for finding in &report.findings {
            let (Some(chain), Some(at)) = (&finding.chain, time_of(finding)) else {
                continue;
            };
            // What was allowed is wrong all the same.
            let weight = finding.severity.max(finding.code.severity());
            if weight == Severity::Notice {
                continue;
            }
            // A digest's time is its window's end, and what it is about lies before that.
            let at = minus(at, SignedDuration::from_secs(1));
            marks.entry(chain.as_ref()).or_default().push((at, weight));
        }
        for marks in marks.values_mut() {
            marks.sort_unstable();
        }
        Self {
            marks,
            interrupted: report.run.interrupted,
        }
    }

    /// The states that a strip can show, from best to worst.
    pub fn states(&self) -> impl Iterator<Item = State> {
        let may_be = |state: &State| self.interrupted || *state != State::NotRead;
        State::ALL.into_iter().filter(may_be)
    }

    /// Whether the run ended before it had read all of a chain.
    pub fn has_unread(&self, chain: &Chain<'_>, edges: &[Timestamp]) -> bool {
        let is_unread = |cell: &Cell| cell.state == State::NotRead;
        self.interrupted && !chain.backfill && self.cells(chain, edges).iter().any(is_unread)
    }

    fn of(&self, name: &str) -> &[(Timestamp, Severity)] {
        self.marks.get(name).map_or(&[], Vec::as_slice)
    }

    /// How many logs beside a chain, in its account and region, are proven wrong, and how many
    /// could not be verified: no digest names them.
    pub fn beside(&self, chain: &Chain<'_>) -> (u64, u64) {
        let marks = self.of(&chain.place());
        let number = |severity| marks.iter().filter(|(_, mark)| *mark == severity).count() as u64;
        (number(Severity::Invalid), number(Severity::Unverified))
    }

    /// The cells of a chain between each two of `edges`, which are in order.
    pub fn cells(&self, chain: &Chain<'_>, edges: &[Timestamp]) -> Vec<Cell> {
        let (name, place) = (chain.name(), chain.place());
        let sources = [self.of(&name), self.of(&place)];
        let mut covered = Cursor(&chain.covered, |span: &Span| (span.start, span.end));
        let mut gaps = Cursor(&chain.gaps, |gap: &ChainGap| (gap.start, gap.end));
        let cell = |edge: &[Timestamp]| {
            let &[start, end] = edge else {
                return None;
            };
            let mut cell = Cell {
                start,
                end,
                state: State::Verified,
                covered: SignedDuration::ZERO,
                invalid: 0,
                unverified: 0,
            };
            covered.visit(start, end, |span| {
                let part = span.end.min(end).duration_since(span.start.max(start));
                cell.covered = cell.covered.saturating_add(part);
            });
            let mut known = cell.covered;
            gaps.visit(start, end, |gap| {
                let part = gap.end.min(end).duration_since(gap.start.max(start));
                known = known.saturating_add(part);
            });
            let length = end.duration_since(start);
            if self.interrupted && known < length {
                cell.state = State::NotRead;
            } else if cell.covered < length {
                cell.state = State::NotCovered;
            }
            gaps.visit(start, end, |gap| {
                cell.state = cell.state.max(state_of(gap.cause));
            });
            for marks in sources {
                count(marks, &mut cell);
            }
            Some(cell)
        };
        edges.windows(2).filter_map(cell).collect()
    }
}

fn count(marks: &[(Timestamp, Severity)], cell: &mut Cell) {
    let from = marks.partition_point(|(at, _)| *at < cell.start);
    let within = marks[from..].iter().take_while(|(at, _)| *at < cell.end);
    for (_, severity) in within {
        match severity {
            Severity::Invalid => {
                cell.invalid += 1;
                cell.state = State::Invalid;
            }
            Severity::Unverified => {
                cell.unverified += 1;
                cell.state = cell.state.max(State::Unverified);
            }
            Severity::Notice => {}
        }
    }
}

/// What a gap says of the time that it lies in.
pub fn state_of(cause: GapCause) -> State {
    match cause {
        GapCause::DigestMissing | GapCause::DigestInvalid => State::Invalid,
        GapCause::DigestUnverified => State::Unverified,
        GapCause::StartingDigest
        | GapCause::NotContiguous
        | GapCause::StartsLate
        | GapCause::EndsEarly => State::NotCovered,
    }
}

/// Why a gap is one, in words.
pub fn cause_in_words(cause: GapCause) -> &'static str {
    match cause {
        GapCause::StartingDigest => "the chain ended, and began anew",
        GapCause::DigestMissing => "digests are missing",
        GapCause::DigestInvalid => "digests are invalid",
        GapCause::DigestUnverified => "digests could not be verified",
        GapCause::NotContiguous => "the digests around it leave it out",
        GapCause::StartsLate => "before the chain's first digest",
        GapCause::EndsEarly => "after the chain's newest verified digest",
    }
}

/// Goes along stretches of time that are in order, as cells do.
struct Cursor<'r, T, F>(&'r [T], F);

impl<T, F: Fn(&T) -> (Timestamp, Timestamp)> Cursor<'_, T, F> {
    /// Shows each stretch that overlaps the cell from `start` to `end`.
    fn visit(&mut self, start: Timestamp, end: Timestamp, mut visit: impl FnMut(&T)) {
        let past = self
            .0
            .partition_point(|stretch| (self.1)(stretch).1 <= start);
        self.0 = &self.0[past..];
        for stretch in self
            .0
            .iter()
            .take_while(|stretch| (self.1)(stretch).0 < end)
        {
            visit(stretch);
        }
    }
}

/// `count` cells of the same length from `start` to `end`, told by their edges.
pub fn even_edges(start: Timestamp, end: Timestamp, count: u32) -> Vec<Timestamp> {
    let whole = i128::from(end.as_second()) - i128::from(start.as_second());
    let at = |index: u32| {
        let offset = whole * i128::from(index) / i128::from(count.max(1));
        let second = i64::try_from(i128::from(start.as_second()) + offset).ok()?;
        Timestamp::from_second(second).ok()
    };
    let mut edges: Vec<_> = (0..=count).filter_map(at).collect();
    // Cells of no length would look as if they were covered.
    edges.dedup();
    edges
}

/// How much of the range a chain covers.
pub fn covered_time(chain: &Chain<'_>) -> SignedDuration {
    let parts = chain.covered.iter();
    parts.fold(SignedDuration::ZERO, |sum, span| {
        sum.saturating_add(span.end.duration_since(span.start))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples::{self, at};

    #[test]
    fn what_an_interrupted_run_has_not_come_to_is_not_called_uncovered() {
        let mut report = samples::clean();
        let (start, end) = (at("2024-03-10T00:00:00Z"), at("2024-03-11T00:00:00Z"));
        let edges = even_edges(start, end, 4);
        report.chains[0].covered = vec![Span {
            start: at("2024-03-10T12:00:00Z"),
            end,
        }];
        report.chains[0].gaps = vec![ChainGap {
            start: at("2024-03-10T06:00:00Z"),
            end: at("2024-03-10T12:00:00Z"),
            cause: GapCause::StartingDigest,
            events: Vec::new(),
        }];
        for (interrupted, first) in [(false, State::NotCovered), (true, State::NotRead)] {
            report.run.interrupted = interrupted;
            let marks = AllMarks::new(&report);
            let cells = marks.cells(&report.chains[0], &edges);
            let states: Vec<_> = cells.iter().map(|cell| cell.state).collect();
            let verified = State::Verified;
            assert_eq!(states, [first, State::NotCovered, verified, verified]);
            assert_eq!(marks.has_unread(&report.chains[0], &edges), interrupted);
            assert_eq!(marks.states().count(), if interrupted { 5 } else { 4 });
        }
    }
}
