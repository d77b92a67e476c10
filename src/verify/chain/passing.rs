//! What the walk does with a digest that is proven.

use std::ops::Not as _;
use std::sync::Arc;

use jiff::Timestamp;

use super::super::digest::{Predecessor, VerifiedDigest};
use super::super::finding::{Code, Finding, Subject};
use super::super::location::{DigestKey, ObjectLocation};
use super::super::time::hour_before;
use super::binding::bind;
use super::remembered::Remembered;
use super::sighting::{DigestVerdict, Doubt, ListedDigest, WalkEvent};
use super::walk::{Demand, Passed, Walk, key_of};

impl Walk {
    pub(super) fn accept(
        &mut self,
        at: &ListedDigest,
        subject: Subject,
        digest: VerifiedDigest,
        demanded: bool,
        doubt: Option<&Doubt>,
    ) {
        let in_range = self.bounds.overlaps(digest.window());
        let is_remembered = self.is_remembered(&at.key);
        let is_told = in_range || is_remembered;
        let mut verdict = DigestVerdict::Valid;
        match doubt {
            // Without the key nothing proves it, so that doubt never comes to pass here.
            None | Some(Doubt::KeyUnknown(_)) => {}
            Some(Doubt::Unsigned) => self.summary.from_successor += u64::from(in_range),
            Some(Doubt::Modified(why)) => {
                verdict = DigestVerdict::Invalid;
                let finding = Finding::new(Code::DigestModified, subject.clone()).detail(format!(
                    "{why}; its content is proven by the next digest all the same"
                ));
                self.find(finding, is_told);
            }
        }
        if demanded && !self.compare_with_demand(&subject, &digest, is_told) {
            verdict = DigestVerdict::Invalid;
        }
        if is_remembered && !self.compare_with_remembered(&subject, &digest) {
            verdict = DigestVerdict::Invalid;
        }
        self.judge(subject, verdict, is_told);
        if self.is_beside(at) && !demanded {
            // Another copy of what was passed already: it vouches for the logs beside it.
            self.vouch(at, digest, in_range);
            return;
        }
        self.pass(at, digest, in_range, demanded);
    }

    /// Whether the walk has already passed a verified digest of this very time.
    pub(super) fn is_beside(&self, at: &ListedDigest) -> bool {
        self.passed
            .as_ref()
            .is_some_and(|passed| passed.end == at.key.end())
    }

    /// Whether a proven digest is what its successor names.
    fn compare_with_demand(
        &mut self,
        subject: &Subject,
        digest: &VerifiedDigest,
        in_range: bool,
    ) -> bool {
        let Some(demand) = &self.demand else {
            return true;
        };
        let named = &demand.predecessor;
        let same_signature = named.is_signed_with(digest.signature());
        let same_hash = named.hash() == digest.hash();
        if same_signature && same_hash {
            return true;
        }
        let finding = Finding::new(Code::DigestLinkBroken, subject.clone())
            .by_digest(&demand.by)
            .compared(named.hash(), digest.hash())
            .detail(if same_hash {
                "it is signed, but the next digest names another signature for it"
            } else {
                "it is signed, but the next digest names another hash for it"
            });
        self.find(finding, in_range);
        false
    }

    /// Goes on to the predecessor of a verified digest.
    fn pass(&mut self, at: &ListedDigest, digest: VerifiedDigest, in_range: bool, demanded: bool) {
        let covers = digest.covers();
        let is_starting = digest.predecessor().is_none();
        self.settle_skipped(demanded && !is_starting);
        if let Some(demand) = self.missing.take() {
            self.tell_missing(&demand, Some(digest.window().end()));
        }
        self.tell_gap(digest.window().end(), &at.key);
        if self.passed.is_none() {
            self.summary.broken_at_head = self.broken_by;
        }
        self.broken_by = None;
        self.passed = Some(Passed {
            end: at.key.end(),
            covers_from: covers.start(),
            is_starting,
        });
        let demand = digest.predecessor().map(|predecessor| {
            self.demand_of(predecessor, digest.location(), digest.window().start())
        });
        self.demand = demand;
        self.candidates.clear();
        self.vouch(at, digest, in_range);
    }

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
        Demand {
            required: required || is_remembered,
            more: self.was_remembered(key.as_ref()),
            predecessor: predecessor.clone(),
            key,
            by: Arc::clone(by.key()),
            until,
        }
    }

    fn vouch(&mut self, at: &ListedDigest, digest: VerifiedDigest, in_range: bool) {
        let summary = &mut self.summary;
        let covers = digest.covers();
        summary.covered.entry(at.root).or_default().add(covers);
        let ends_in_range = self.bounds.end().is_none_or(|end| at.key.end() <= end);
        if ends_in_range && summary.newest.is_none() {
            summary.newest = Remembered::of(&digest);
        }
        summary.newest_end = summary.newest_end.max(Some(at.key.end()));
        let oldest = summary.oldest_start.unwrap_or(covers.start());
        summary.oldest_start = Some(oldest.min(covers.start()));
        if in_range {
            summary.stored_plain += u64::from(digest.is_stored_plain());
            summary.fingerprints.insert(digest.fingerprint());
        }
        bind(&mut summary.bindings, at, &digest);
        self.events.push(WalkEvent::Vouches {
            digest: Box::new(digest),
            root: at.root,
            in_range,
        });
    }
}
