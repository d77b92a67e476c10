//! The walk along one chain, from its newest digest to its oldest.
//!
//! A state machine: it is fed the digests that are there, newest first, and tells which digest it
//! demands to see before it can go on. What a verified digest says of its predecessor is
//! demanded of it; what an unverified one says is at most a candidate.

use std::sync::Arc;

use jiff::Timestamp;

use super::super::digest::{Predecessor, UnverifiedDigest, VerifiedDigest};
use super::super::finding::{Code, Finding, Subject};
use super::super::keys::KeySet;
use super::super::location::{ChainId, DigestKey, ObjectLocation};
use super::super::signature::Signature;
use super::super::time::Bounds;
use super::copies::Unsigned;
use super::demands::Demand;
use super::remembered::{Remembered, Wanted};
use super::sighting::{DigestVerdict, Doubt, ListedDigest, Sighting, WalkEvent};
use super::summary::{ChainSummary, GapCause};
use super::telling::moved;

/// Digests that nothing proves may be planted by the thousand; what so many say of others is kept.
const MAX_CANDIDATES: usize = 16;

/// The verified digest that the walk passed last.
#[derive(Debug)]
pub(super) struct Passed {
    pub(super) end: Timestamp,
    pub(super) covers_from: Timestamp,
    pub(super) is_starting: bool,
    /// Whether its window overlaps the range.
    pub(super) in_range: bool,
    /// What proves a further copy of it, and of those that were passed with it: the place that each
    /// is for, and its signature.
    pub(super) signed: Vec<(ObjectLocation, Signature)>,
}

/// A digest that failed, and that a verified digest may have skipped.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) finding: Finding,
    pub(super) verdict: DigestVerdict,
    /// Whether it is out of chain, should the chain turn out to pass it by.
    pub(super) may_be_skipped: bool,
    pub(super) in_range: bool,
    pub(super) end: Timestamp,
}

/// The walk along one chain.
#[derive(Debug)]
pub struct Walk {
    pub(super) name: Arc<str>,
    pub(super) bounds: Bounds,
    /// Nothing where no keys could be had for the chain's region: then nothing is proven.
    pub(super) keys: Option<Arc<KeySet>>,
    pub(super) demand: Option<Demand>,
    /// What digests demand that the walk has passed, and whose turn is after `demand`: a chain
    /// that began anew may have digests among those of the chain before it.
    pub(super) owed: Vec<Demand>,
    /// What an earlier run verified last, until the walk has come to it.
    pub(super) remembered: Option<Remembered>,
    /// What digests that nothing proves say of the digests before them, newest last.
    pub(super) candidates: Vec<Predecessor>,
    pub(super) skipped: Vec<Failed>,
    /// Digests of the time that was shown last, which a copy of theirs may yet prove.
    pub(super) unsigned: Vec<Unsigned>,
    /// Those that failed after the range since the last verified digest, which named the first.
    pub(super) beside: Vec<Failed>,
    pub(super) missing: Vec<Demand>,
    pub(super) passed: Option<Passed>,
    /// The worst that happened since the last verified digest.
    pub(super) broken_by: Option<GapCause>,
    pub(super) summary: ChainSummary,
    pub(super) events: Vec<WalkEvent>,
}

/// A verified digest that names a digest as the one before it.
struct Successor {
    path: Arc<str>,
    /// The hash that it names.
    names: String,
    /// Whether that is the hash of what is there.
    fits: bool,
}

impl Walk {
    /// The walk along `chain`, as far as `bounds` ask.
    pub fn new(chain: Arc<ChainId>, bounds: Bounds, keys: Option<Arc<KeySet>>) -> Self {
        Self {
            name: chain.to_string().into(),
            bounds,
            keys,
            demand: None,
            owed: Vec::new(),
            remembered: None,
            candidates: Vec::new(),
            skipped: Vec::new(),
            unsigned: Vec::new(),
            beside: Vec::new(),
            missing: Vec::new(),
            passed: None,
            broken_by: None,
            summary: ChainSummary::new(chain),
            events: Vec::new(),
        }
    }

    /// The same walk, where findings call its chain by this name.
    #[must_use]
    pub fn called(mut self, name: &Arc<str>) -> Self {
        self.name = Arc::clone(name);
        self.summary.name = Arc::clone(name);
        self
    }

    /// Takes note that further keys are at hand.
    pub fn use_keys(&mut self, keys: Option<Arc<KeySet>>) {
        self.keys = keys;
    }

    /// The digest that must be looked for before `next` is shown, because the listing does not
    /// have it.
    pub fn demands_before(&self, next: Option<&ListedDigest>) -> Option<&ObjectLocation> {
        let (end, wanted) = self.wanted()?;
        let (location, key) = match wanted {
            Wanted::Predecessor => {
                let demand = self.demand.as_ref()?;
                (demand.predecessor.location(), demand.key.as_ref())
            }
            Wanted::Remembered => {
                let remembered = self.remembered.as_ref()?;
                (remembered.location(), Some(remembered.key()))
            }
        };
        // One that ends at the same time under another name does not stand in for it.
        let comes_first = |next: &ListedDigest| {
            next.key.end() > end || (next.key.end() == end && key == Some(&next.key))
        };
        if next.is_some_and(comes_first) {
            return None;
        }
        Some(location)
    }

    /// Takes note that the digest demanded is not there.
    pub fn demanded_is_absent(&mut self) -> Vec<WalkEvent> {
        self.end_waiting();
        if matches!(self.wanted(), Some((_, Wanted::Remembered))) {
            self.remembered_is_absent();
            return std::mem::take(&mut self.events);
        }
        let key = self.demand.as_ref().and_then(|demand| demand.key.clone());
        if key.is_some_and(|key| self.is_remembered(&key)) {
            self.remembered = None;
        }
        self.miss_demanded();
        std::mem::take(&mut self.events)
    }

    fn miss_demanded(&mut self) {
        self.broken_by = self.broken_by.max(Some(GapCause::DigestMissing));
        self.settle_skipped(false);
        let demand = self.take_demand();
        self.missing.extend(demand);
    }

    /// Takes note of what was seen at `at`, the next digest in order or the one demanded.
    pub fn observe(&mut self, at: &ListedDigest, sighting: Sighting) -> Vec<WalkEvent> {
        let path: Arc<str> = at.key.path().into();
        let subject = Subject::Listed {
            root: at.root,
            path,
            time: Some(at.key.end()),
        };
        if self.unsigned.first().is_some_and(|it| !it.is_of(&at.key)) {
            self.end_waiting();
        }
        if self
            .demand
            .as_ref()
            .is_some_and(|demand| demand.end() > at.key.end())
        {
            // It was not required, and it is not there.
            self.demand = None;
            self.settle_skipped(false);
        }
        let claimed = claimed_by(&sighting);
        self.turn_to(at, claimed.as_ref());
        let named = self.demand.as_ref();
        let named = named.filter(|demand| demand.key.as_ref() == Some(&at.key));
        let named = named.map(|demand| demand.predecessor.location());
        let demanded = named.is_some();
        if let (Some(claimed), Some(named)) = (&claimed, named)
            && claimed != named
        {
            if self.is_beside(at) {
                // It was passed already: two chains led to the same time in two places.
                self.miss_demanded();
                return std::mem::take(&mut self.events);
            }
            let finding = moved(subject, claimed);
            self.fail(at, finding, DigestVerdict::Invalid, true);
            return std::mem::take(&mut self.events);
        }
        match sighting {
            Sighting::Proven(digest) => self.accept(at, subject, *digest, demanded, None),
            Sighting::Unproven(digest, doubt) => {
                self.try_others(at, subject, *digest, demanded, &doubt);
            }
            Sighting::Absent => {
                let finding = Finding::new(Code::DigestMissing, subject)
                    .compared(&"present", &"absent")
                    .detail("it was listed, and was gone when it was to be read");
                self.fail(at, finding, DigestVerdict::Missing, demanded);
            }
            Sighting::Unreadable(why) => {
                let finding = Finding::new(Code::DigestUnreadable, subject).detail(why);
                self.fail(at, finding, DigestVerdict::Unverified, demanded);
            }
            Sighting::Malformed(why) => {
                let finding = Finding::new(Code::DigestMalformed, subject).detail(why);
                self.fail(at, finding, DigestVerdict::Invalid, demanded);
            }
            Sighting::Moved(claimed) => {
                let finding = moved(subject, &claimed);
                self.fail(at, finding, DigestVerdict::Invalid, demanded);
            }
        }
        std::mem::take(&mut self.events)
    }

    /// Ends the walk: nothing older is there.
    pub fn finish(mut self) -> (ChainSummary, Vec<WalkEvent>) {
        self.end_waiting();
        self.settle_skipped(false);
        self.summary.broken_at_bottom = self.broken_by;
        self.tell_beside(self.bounds.start().unwrap_or(Timestamp::MIN));
        if let Some(start) = self.bounds.start() {
            self.tell_all_missing(start);
        }
        for demand in std::mem::take(&mut self.missing) {
            // What an earlier run verified was there, wherever the copy begins now.
            if demand.more.is_some() {
                self.tell_missing(&demand, None);
            } else {
                let open = self.open_end(&demand);
                self.summary.open_ends.push(open);
            }
        }
        (self.summary, self.events)
    }

    /// Ends the walk before its end: what it has not come to is not told.
    pub fn interrupt(mut self) -> (ChainSummary, Vec<WalkEvent>) {
        self.end_waiting();
        self.settle_skipped(false);
        (self.summary, self.events)
    }

    /// A digest that its own metadata does not prove may be proven by what names it.
    fn try_others(
        &mut self,
        at: &ListedDigest,
        subject: Subject,
        digest: UnverifiedDigest,
        demanded: bool,
        doubt: &Doubt,
    ) {
        let named_by = if demanded { self.demand.as_ref() } else { None };
        let named = named_by.map(|demand| &demand.predecessor);
        let successor = named_by.map(|demand| Successor {
            path: Arc::clone(&demand.by),
            names: demand.predecessor.hash().to_string(),
            fits: demand.predecessor.hash() == digest.hash(),
        });
        let signatures = self.signatures_for(at, &digest, named);
        match self.prove(digest, signatures) {
            Ok(digest) => self.accept(at, subject, digest, demanded, Some(doubt)),
            Err(digest)
                if matches!(doubt, Doubt::KeyUnknown(_))
                    && self.is_unchanged(&at.key, &subject, &digest) =>
            {
                // What was verified says still which digest came before it.
                let (by, until) = (digest.location(), digest.claimed_window().start());
                let before = digest.claimed_predecessor();
                let before = before.map(|before| self.demand_of(before, by, until));
                if demanded {
                    self.take_demand();
                }
                if demanded || self.demand.is_none() {
                    self.owe(before);
                }
            }
            Err(digest) => {
                let finding = self.doubtful(subject, &digest, doubt, successor);
                let verdict = match doubt {
                    Doubt::Unsigned if finding.code == Code::DigestUnsigned => {
                        DigestVerdict::Unverified
                    }
                    Doubt::Unsigned | Doubt::KeyUnknown(_) | Doubt::Modified(_) => {
                        DigestVerdict::Invalid
                    }
                };
                if self.candidates.len() == MAX_CANDIDATES {
                    self.candidates.remove(0);
                }
                self.candidates
                    .extend(digest.claimed_predecessor().cloned());
                // What an earlier run verified has a proof of its own, or none.
                let may_be_copied = verdict == DigestVerdict::Unverified
                    && !demanded
                    && !self.is_remembered(&at.key);
                if may_be_copied {
                    self.wait_for_copy(at, finding, &digest);
                } else {
                    self.fail(at, finding, verdict, demanded);
                }
            }
        }
    }

    /// The signatures of a digest that lie elsewhere than in its own metadata: a signature that fits proves, whoever
    /// keeps it, and one that does not fit says nothing.
    fn signatures_for(
        &self,
        at: &ListedDigest,
        digest: &UnverifiedDigest,
        named: Option<&Predecessor>,
    ) -> Vec<Signature> {
        let location = digest.location();
        let claimed = self.candidates.iter().rev();
        let claimed = claimed.filter(|it| named.is_none() && it.location() == location);
        let by_successors = named.into_iter().chain(claimed);
        let remembered = self.remembered.as_ref();
        let by_earlier_run =
            remembered.filter(|it| it.key() == &at.key && it.location() == location);
        // Another copy of it may have kept what this one has lost.
        let passed = self.passed.iter().filter(|_| self.is_beside(at));
        let copies = passed.flat_map(|passed| &passed.signed);
        let by_copies = copies.filter(|(place, _)| place == location);
        by_successors
            .filter_map(Predecessor::signature)
            .chain(by_earlier_run.map(|it| it.signature().clone()))
            .chain(by_copies.map(|(_, signature)| signature.clone()))
            .collect()
    }

    /// Proves a digest by the first of these signatures that fits, or gives it back.
    fn prove(
        &self,
        digest: UnverifiedDigest,
        signatures: Vec<Signature>,
    ) -> Result<VerifiedDigest, Box<UnverifiedDigest>> {
        let mut digest = Box::new(digest);
        let Some(keys) = self.keys.as_deref() else {
            return Err(digest);
        };
        for signature in signatures {
            match digest.verify(&signature, keys) {
                Ok(proven) => return Ok(proven),
                Err((unproven, _)) => digest = unproven,
            }
        }
        Err(digest)
    }

    fn doubtful(
        &self,
        subject: Subject,
        digest: &UnverifiedDigest,
        doubt: &Doubt,
        successor: Option<Successor>,
    ) -> Finding {
        match (doubt, successor) {
            (Doubt::KeyUnknown(fingerprint), _) => {
                let known = self
                    .keys
                    .as_ref()
                    .map_or(0, |keys| keys.fingerprints().count());
                Finding::new(Code::DigestKeyUnknown, subject)
                    .compared(&format!("one of {known} keys at hand"), fingerprint)
                    .detail(format!(
                        "it names the key {fingerprint}, which is not among the keys at hand"
                    ))
            }
            (Doubt::Modified(why), successor) => {
                let finding = Finding::new(Code::DigestModified, subject).detail(*why);
                match successor {
                    Some(by) => finding
                        .by_digest(&by.path)
                        .compared(&by.names, digest.hash()),
                    None => finding,
                }
            }
            (Doubt::Unsigned, None) => Finding::new(Code::DigestUnsigned, subject),
            (Doubt::Unsigned, Some(by)) if by.fits => Finding::new(Code::DigestLinkBroken, subject)
                .by_digest(&by.path)
                .detail("the signature that the next digest names for it does not fit it"),
            (Doubt::Unsigned, Some(by)) => Finding::new(Code::DigestModified, subject)
                .by_digest(&by.path)
                .compared(&by.names, digest.hash())
                .detail("its content is not the one that the next digest names"),
        }
    }
}

/// The digest key that a location has from its `AWSLogs` folder on.
pub fn key_of(location: &ObjectLocation) -> Option<DigestKey> {
    let (_, path) = location.split()?;
    DigestKey::parse(path)
}

/// The place that a digest claims, where it could be read.
fn claimed_by(sighting: &Sighting) -> Option<ObjectLocation> {
    match sighting {
        Sighting::Proven(digest) => Some(digest.location().clone()),
        Sighting::Unproven(digest, _) => Some(digest.location().clone()),
        Sighting::Absent
        | Sighting::Unreadable(_)
        | Sighting::Malformed(_)
        | Sighting::Moved(_) => None,
    }
}
