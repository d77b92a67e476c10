//! What the walk does with a digest that is proven.

use std::sync::Arc;

use super::super::digest::VerifiedDigest;
use super::super::finding::{Code, Finding, Subject};
use super::binding::bind;
use super::remembered::Remembered;
use super::sighting::{DigestVerdict, Doubt, ListedDigest, WalkEvent};
use super::walk::{Passed, Walk};

/// What is said of a digest whose own signature does not fit, before what proves it.
pub const PROVEN_BY: &str = "its content is proven by";

impl Walk {
    pub(super) fn accept(
        &mut self,
        at: &ListedDigest,
        subject: Subject,
        digest: VerifiedDigest,
        demanded: bool,
        doubt: Option<&Doubt>,
    ) {
        if !self.leads_back(at, &digest) {
            let finding = Finding::new(Code::DigestMalformed, subject).detail(
                "it is signed, but the digest that it names as the one before it is not older than itself",
            );
            self.fail(at, finding, DigestVerdict::Invalid, demanded);
            return;
        }
        let copies = self.take_copies(&digest);
        // Of what was passed already: it vouches for the logs beside it.
        let is_copy = self.is_beside(at) && !demanded;
        let in_range = self.bounds.overlaps(digest.window());
        let is_remembered = self.is_remembered(&at.key);
        let is_told = in_range || is_remembered;
        let mut verdict = DigestVerdict::Valid;
        match doubt {
            // Without the key nothing proves it, so that doubt never comes to pass here.
            None | Some(Doubt::KeyUnknown(_)) => {}
            Some(Doubt::Unsigned) if is_copy => self.summary.from_copy += u64::from(in_range),
            Some(Doubt::Unsigned) => self.summary.from_successor += u64::from(in_range),
            Some(Doubt::Modified(why)) => {
                verdict = DigestVerdict::Invalid;
                let by = if is_copy {
                    "another copy of it"
                } else {
                    "the next digest"
                };
                let finding = Finding::new(Code::DigestModified, subject.clone())
                    .detail(format!("{why}; {PROVEN_BY} {by} all the same"));
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
        if !is_copy {
            self.pass(at, &digest, demanded);
        }
        let is_stored_plain = digest.is_stored_plain();
        let digest = Arc::new(digest);
        self.vouch(at, Arc::clone(&digest), is_stored_plain);
        self.vouch_copies(copies, &digest, in_range);
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
        let mut findings = Vec::new();
        for demand in self.demanded_of_it() {
            let named = &demand.predecessor;
            let same_signature = named.is_signed_with(digest.signature());
            let same_hash = named.hash() == digest.hash();
            if same_signature && same_hash {
                continue;
            }
            let finding = Finding::new(Code::DigestLinkBroken, subject.clone())
                .by_digest(&demand.by)
                .compared(named.hash(), digest.hash())
                .detail(if same_hash {
                    "it is signed, but the next digest names another signature for it"
                } else {
                    "it is signed, but the next digest names another hash for it"
                });
            findings.push(finding);
        }
        let agrees = findings.is_empty();
        for finding in findings {
            self.find(finding, in_range);
        }
        agrees
    }

    /// Goes on to the predecessor of a verified digest.
    fn pass(&mut self, at: &ListedDigest, digest: &VerifiedDigest, demanded: bool) {
        let covers = digest.covers();
        let is_starting = digest.predecessor().is_none();
        self.settle_skipped(demanded && !is_starting && self.owed.is_empty());
        self.tell_all_missing(digest.window().end());
        self.tell_beside(digest.window().end());
        self.tell_gap(digest.window().end(), &at.key);
        self.count_restart(digest.window());
        if self.passed.is_none() {
            self.summary.broken_at_head = self.broken_by;
        }
        self.broken_by = None;
        let before = self.passed.take();
        let covered_from = before.as_ref().map(|passed| passed.covers_from);
        let of_this_time = before.filter(|passed| passed.end == at.key.end());
        self.passed = Some(Passed {
            end: at.key.end(),
            signed: of_this_time.map_or_else(Vec::new, |passed| passed.signed),
            // A digest passed before may reach further back.
            covers_from: covered_from.map_or(covers.start(), |from| from.min(covers.start())),
            is_starting,
            in_range: self.bounds.overlaps(digest.window()),
        });
        let demand = digest.predecessor().map(|predecessor| {
            self.demand_of(predecessor, digest.location(), digest.window().start())
        });
        if demanded {
            self.take_demand();
        }
        self.owe(demand);
        self.candidates.clear();
    }

    pub(super) fn vouch(
        &mut self,
        at: &ListedDigest,
        digest: Arc<VerifiedDigest>,
        is_stored_plain: bool,
    ) {
        let in_range = self.bounds.overlaps(digest.window());
        if let Some(passed) = &mut self.passed {
            passed.keep_signature(&digest);
        }
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
            summary.stored_plain += u64::from(is_stored_plain);
            summary.fingerprints.insert(digest.fingerprint());
        }
        bind(&mut summary.bindings, at, &digest);
        self.events.push(WalkEvent::Vouches {
            digest,
            root: at.root,
            in_range,
        });
    }
}
