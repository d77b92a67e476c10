//! What verified digests demand of the digests before them.

use std::ops::Not as _;
use std::sync::Arc;

use jiff::Timestamp;

use super::super::digest::{Predecessor, VerifiedDigest};
use super::super::location::{DigestKey, ObjectLocation};
use super::super::time::hour_before;
use super::sighting::ListedDigest;
use super::walk::{Walk, key_of};

/// What a verified digest demands of its predecessor.
#[derive(Debug)]
pub(super) struct Demand {
    pub(super) predecessor: Predecessor,
    /// The key that names it, where it has the form of one.
    pub(super) key: Option<DigestKey>,
    /// The digest that demands it.
    pub(super) by: Arc<str>,
    /// When that digest's window starts.
    pub(super) until: Timestamp,
    /// Whether its absence is a finding.
    pub(super) required: bool,
    /// Whether it ends after the range. Its absence is a finding where what is gone with it
    /// reaches into the range.
    pub(super) beyond: bool,
    /// What else there is to say of its absence.
    pub(super) more: Option<Arc<str>>,
}

impl Demand {
    pub(super) fn end(&self) -> Timestamp {
        self.key.as_ref().map_or(self.until, DigestKey::end)
    }

    /// Whether it is to be looked for.
    pub(super) fn is_wanted(&self) -> bool {
        self.required || self.beyond
    }

    fn is_of(&self, other: &Self) -> bool {
        self.predecessor.location() == other.predecessor.location()
    }
}

impl Walk {
    /// What the digest at `by`, whose window starts at `until`, demands of its predecessor.
    pub(super) fn demand_of(
        &self,
        predecessor: &Predecessor,
        by: &ObjectLocation,
        until: Timestamp,
    ) -> Demand {
        let key = key_of(predecessor.location());
        let end = key.as_ref().map_or(until, DigestKey::end);
        let required = self.summary.chain.is_backfill().not()
            && hour_before(end).is_some_and(|hour| self.bounds.overlaps(hour));
        let is_remembered = key.as_ref().is_some_and(|key| self.is_remembered(key));
        let ends_after = self.bounds.end().is_some_and(|limit| end > limit);
        Demand {
            beyond: ends_after && !self.summary.chain.is_backfill(),
            required: required || is_remembered,
            more: self.was_remembered(key.as_ref()),
            predecessor: predecessor.clone(),
            key,
            by: Arc::clone(by.key()),
            until,
        }
    }

    /// Whether what a digest names as its predecessor is older than itself. Otherwise the walk
    /// would never end. Of a backfill digest nothing is demanded.
    pub(super) fn leads_back(&self, at: &ListedDigest, digest: &VerifiedDigest) -> bool {
        let before = digest.predecessor();
        let before = before.and_then(|before| key_of(before.location()));
        self.summary.chain.is_backfill() || before.is_none_or(|key| key.end() < at.key.end())
    }

    /// Goes on to what a digest demands that was passed. What another one demanded that was passed
    /// before, and the walk has not come to, stays demanded.
    pub(super) fn owe(&mut self, next: Option<Demand>) {
        let outstanding = self.demand.take().filter(Demand::is_wanted);
        self.owed.extend(outstanding);
        match next {
            Some(next) if self.owed.is_empty() => self.demand = Some(next),
            Some(next) if next.is_wanted() => {
                let is_known = |owed: &Demand| owed.predecessor == next.predecessor;
                if !self.owed.iter().any(is_known) {
                    self.owed.push(next);
                }
                self.demand = self.next_owed();
            }
            Some(_) | None => self.demand = self.next_owed(),
        }
    }

    /// Where two digests of the same time are demanded in two places, it is the turn of the one that
    /// `claimed` says was found.
    pub(super) fn turn_to(&mut self, at: &ListedDigest, claimed: Option<&ObjectLocation>) {
        let Some((demand, claimed)) = self.demand.as_mut().zip(claimed) else {
            return;
        };
        if demand.key.as_ref() != Some(&at.key) || demand.predecessor.location() == claimed {
            return;
        }
        let is_found = |owed: &&mut Demand| owed.predecessor.location() == claimed;
        if let Some(owed) = self.owed.iter_mut().find(is_found) {
            std::mem::swap(demand, owed);
        }
    }

    /// Takes the demand, which is decided on, and goes on to the next one.
    pub(super) fn take_demand(&mut self) -> Option<Demand> {
        let demand = self.demand.take()?;
        self.owed.retain(|owed| !owed.is_of(&demand));
        self.demand = self.next_owed();
        Some(demand)
    }

    /// What is demanded of the digest that the demand names, by whichever digest.
    pub(super) fn demanded_of_it(&self) -> impl Iterator<Item = &Demand> {
        let of_it = |owed: &&Demand| self.demand.as_ref().is_some_and(|it| it.is_of(owed));
        let owed = self.owed.iter().filter(of_it);
        self.demand.iter().chain(owed)
    }

    fn next_owed(&mut self) -> Option<Demand> {
        let places = self.owed.iter().enumerate();
        let (place, _) = places.max_by_key(|(_, owed)| owed.end())?;
        Some(self.owed.swap_remove(place))
    }
}
