//! The walk along one chain, from its newest digest to its oldest.
//!
//! A state machine: it is fed the digests that are there, newest first, and tells which digest it
//! demands to see before it can go on. What a verified digest says of its predecessor is
//! demanded of it; what an unverified one says is at most a candidate.

use std::collections::BTreeSet;
use std::ops::Not as _;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::coverage::Covered;
use super::digest::{Predecessor, UnverifiedDigest, VerifiedDigest};
use super::finding::{Code, Finding, Subject};
use super::keys::{Fingerprint, KeySet};
use super::location::{ChainId, DigestKey, ObjectLocation, RootId};
use super::time::{Bounds, NAME_SLACK, TimeRange, minus, plus};

/// A digest object that a listing shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedDigest {
    /// Where it lies.
    pub root: RootId,
    /// Its key.
    pub key: DigestKey,
}

/// Why a digest that was read is not proven by its own metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Its metadata holds no signature.
    Unsigned,
    /// No key at hand has its fingerprint.
    KeyUnknown(Fingerprint),
    /// What its metadata holds does not fit, or is no signature.
    Modified(&'static str),
}

/// What was seen where a digest should be.
#[derive(Debug)]
pub enum Sighting {
    /// Nothing is there.
    Absent,
    /// It could not be read, and why.
    Unreadable(Box<str>),
    /// It is no digest, and why.
    Malformed(Box<str>),
    /// Its content says that it belongs elsewhere.
    Moved(ObjectLocation),
    /// A digest, not proven by its own metadata.
    Unproven(Box<UnverifiedDigest>, Doubt),
    /// A digest, proven by its own metadata.
    Proven(Box<VerifiedDigest>),
}

/// The verdict on one digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestVerdict {
    /// Proven, in its place and in its chain.
    Valid,
    /// Proven wrong.
    Invalid,
    /// Not there.
    Missing,
    /// Not proven either way.
    Unverified,
}

/// What the walk has to tell.
#[derive(Debug)]
pub enum WalkEvent {
    /// A digest of the range was judged.
    Judged(Subject, DigestVerdict),
    /// Something was found.
    Finding(Finding),
    /// A digest that vouches for its logs.
    Vouches {
        /// The digest.
        digest: Box<VerifiedDigest>,
        /// Where it lies.
        root: RootId,
        /// Whether its window overlaps the range.
        in_range: bool,
    },
}

/// Why no digest of a chain covers a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GapCause {
    /// The chain ended, and began anew with a starting digest.
    StartingDigest,
    /// Digests are missing.
    DigestMissing,
    /// Digests are there, and are not what CloudTrail delivered.
    DigestInvalid,
    /// Digests are there, and could not be verified.
    DigestUnverified,
    /// Two digests that follow one another leave time between them.
    NotContiguous,
    /// The chain begins after the start of the range.
    StartsLate,
    /// The chain ends before the end of the range.
    EndsEarly,
}

/// A stretch of time that a chain does not cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gap {
    /// From when to when.
    pub range: TimeRange,
    /// Why.
    pub cause: GapCause,
}

/// The bucket and prefix that a root stands for in a stretch of time, as verified digests state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Binding {
    /// The root.
    pub root: RootId,
    /// The bucket.
    pub bucket: Arc<str>,
    /// The prefix, without a closing slash.
    pub prefix: Arc<str>,
    /// From the first such digest's start to the last one's end.
    pub range: TimeRange,
    /// How many digests state it.
    pub digests: u64,
    /// The newest digest that states it.
    pub newest: DigestKey,
}

/// How many digests got which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DigestCounts {
    /// Valid ones.
    pub valid: u64,
    /// Invalid ones.
    pub invalid: u64,
    /// Missing ones, as far as their names are known.
    pub missing: u64,
    /// Those not proven either way.
    pub unverified: u64,
}

impl DigestCounts {
    /// Counts one verdict.
    pub fn count(&mut self, verdict: DigestVerdict) {
        let counter = match verdict {
            DigestVerdict::Valid => &mut self.valid,
            DigestVerdict::Invalid => &mut self.invalid,
            DigestVerdict::Missing => &mut self.missing,
            DigestVerdict::Unverified => &mut self.unverified,
        };
        *counter += 1;
    }
}

/// The oldest digest of a chain names a predecessor that is not there, and the range has no start
/// of its own: whether it should be there is decided when all chains are known.
#[derive(Clone, Debug)]
pub struct OpenEnd {
    /// The finding, should it be one.
    pub finding: Finding,
    /// When the digest that is not there ends.
    pub end: Timestamp,
}

/// What the walk found out about its chain.
#[derive(Debug)]
pub struct ChainSummary {
    /// Which chain.
    pub chain: Arc<ChainId>,
    /// What its verified digests cover.
    pub covered: Covered,
    /// The time whose logs may be named by digests that could not be verified: that nothing
    /// verified names such a log proves nothing.
    pub doubtful: Covered,
    /// What lies between its verified digests and is not covered, newest first.
    pub gaps: Vec<Gap>,
    /// Its digests in the range.
    pub digests: DigestCounts,
    /// The keys that signed its verified digests.
    pub fingerprints: BTreeSet<Fingerprint>,
    /// When the newest verified digest ends.
    pub newest_end: Option<Timestamp>,
    /// When what the oldest verified digest covers begins.
    pub oldest_start: Option<Timestamp>,
    /// Verified digests stored as plain JSON.
    pub stored_plain: u64,
    /// Digests proven by their successors only.
    pub from_successor: u64,
    /// Which bucket each root stands for.
    pub bindings: Vec<Binding>,
    /// What is undecided at its old end.
    pub open_end: Option<OpenEnd>,
    /// What went wrong above the newest verified digest.
    pub broken_at_head: Option<GapCause>,
    /// What went wrong below the oldest verified digest.
    pub broken_at_bottom: Option<GapCause>,
}

/// What a verified digest demands of its predecessor.
#[derive(Debug)]
struct Demand {
    predecessor: Predecessor,
    /// The key that names it, where it has the form of one.
    key: Option<DigestKey>,
    /// The digest that demands it.
    by: Arc<str>,
    /// When that digest's window starts.
    until: Timestamp,
    /// Whether its absence is a finding.
    required: bool,
}

impl Demand {
    fn end(&self) -> Timestamp {
        self.key.as_ref().map_or(self.until, DigestKey::end)
    }
}

/// The verified digest that the walk passed last.
#[derive(Debug)]
struct Passed {
    end: Timestamp,
    covers_from: Timestamp,
    is_starting: bool,
}

/// A digest that failed, and that a verified digest may have skipped.
#[derive(Debug)]
struct Failed {
    finding: Finding,
    verdict: DigestVerdict,
    /// Whether it is out of chain, should the chain turn out to pass it by.
    may_be_skipped: bool,
    in_range: bool,
    end: Timestamp,
}

/// The walk along one chain.
#[derive(Debug)]
pub struct Walk {
    name: Arc<str>,
    bounds: Bounds,
    keys: Arc<KeySet>,
    demand: Option<Demand>,
    candidate: Option<Predecessor>,
    skipped: Vec<Failed>,
    missing: Option<Demand>,
    passed: Option<Passed>,
    /// The worst that happened since the last verified digest.
    broken_by: Option<GapCause>,
    summary: ChainSummary,
    events: Vec<WalkEvent>,
}

impl Walk {
    /// The walk along `chain`, as far as `bounds` ask.
    pub fn new(chain: Arc<ChainId>, bounds: Bounds, keys: Arc<KeySet>) -> Self {
        Self {
            name: chain.to_string().into(),
            bounds,
            keys,
            demand: None,
            candidate: None,
            skipped: Vec::new(),
            missing: None,
            passed: None,
            broken_by: None,
            summary: ChainSummary {
                chain,
                covered: Covered::default(),
                doubtful: Covered::default(),
                gaps: Vec::new(),
                digests: DigestCounts::default(),
                fingerprints: BTreeSet::new(),
                newest_end: None,
                oldest_start: None,
                stored_plain: 0,
                from_successor: 0,
                bindings: Vec::new(),
                open_end: None,
                broken_at_head: None,
                broken_at_bottom: None,
            },
            events: Vec::new(),
        }
    }

    /// The digest that must be looked for before `next` is shown, because the listing does not
    /// have it.
    pub fn demands_before(&self, next: Option<&ListedDigest>) -> Option<&ObjectLocation> {
        let demand = self.demand.as_ref()?;
        let listed = next.is_some_and(|next| match &demand.key {
            Some(key) => next.key.end() >= key.end(),
            None => next.key.end() >= demand.until,
        });
        (!listed && demand.required).then(|| demand.predecessor.location())
    }

    /// Takes note that the digest demanded is not there.
    pub fn demanded_is_absent(&mut self) -> Vec<WalkEvent> {
        self.broken_by = self.broken_by.max(Some(GapCause::DigestMissing));
        self.settle_skipped(false);
        self.missing = self.demand.take();
        std::mem::take(&mut self.events)
    }

    /// Takes note of what was seen at `at`, the next digest in order or the one demanded.
    pub fn observe(&mut self, at: &ListedDigest, sighting: Sighting) -> Vec<WalkEvent> {
        let path: Arc<str> = at.key.path().into();
        let subject = Subject::Listed {
            root: at.root,
            path,
            time: Some(at.key.end()),
        };
        if self
            .demand
            .as_ref()
            .is_some_and(|demand| demand.end() > at.key.end())
        {
            // It was not required, and it is not there.
            self.demand = None;
            self.settle_skipped(false);
        }
        let at_demanded_place = self
            .demand
            .as_ref()
            .is_some_and(|demand| demand.key.as_ref() == Some(&at.key));
        if let Some(claimed) = self.claims_another_bucket(at, &sighting) {
            let finding = moved(subject, &claimed);
            self.fail(at, finding, DigestVerdict::Invalid, at_demanded_place);
            return std::mem::take(&mut self.events);
        }
        let demanded = at_demanded_place && !self.is_beside(at);
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
        self.settle_skipped(false);
        self.summary.broken_at_bottom = self.broken_by;
        if let Some(demand) = self.missing.take() {
            match self.bounds.start() {
                Some(start) => self.tell_missing(&demand, start),
                None => self.summary.open_end = Some(self.open_end(&demand)),
            }
        }
        (self.summary, self.events)
    }

    /// Ends the walk before its end: what it has not come to is not told.
    pub fn interrupt(mut self) -> (ChainSummary, Vec<WalkEvent>) {
        self.settle_skipped(false);
        (self.summary, self.events)
    }

    /// The place that a digest claims, where it lies at the path that its successor names but
    /// claims another bucket or prefix.
    fn claims_another_bucket(
        &self,
        at: &ListedDigest,
        sighting: &Sighting,
    ) -> Option<ObjectLocation> {
        let demand = self.demand.as_ref()?;
        let claimed = match sighting {
            Sighting::Proven(digest) => digest.location(),
            Sighting::Unproven(digest, _) => digest.location(),
            Sighting::Absent
            | Sighting::Unreadable(_)
            | Sighting::Malformed(_)
            | Sighting::Moved(_) => return None,
        };
        let at_its_place = demand.key.as_ref() == Some(&at.key) && !self.is_beside(at);
        (at_its_place && claimed != demand.predecessor.location()).then(|| claimed.clone())
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
        let named = named_by.map(|demand| &demand.predecessor).or_else(|| {
            let candidate = self.candidate.as_ref();
            candidate.filter(|candidate| candidate.location() == digest.location())
        });
        let by_successor = named_by.map(|demand| Arc::clone(&demand.by));
        let hash_fits = named.is_none_or(|named| named.hash() == digest.hash());
        let expected = named.map(|named| named.hash().to_string());
        let digest = match named.and_then(Predecessor::signature) {
            None => Err(Box::new(digest)),
            Some(signature) => digest
                .verify(&signature, &self.keys)
                .map_err(|(digest, _)| digest),
        };
        match digest {
            Ok(digest) => self.accept(at, subject, digest, demanded, Some(doubt)),
            Err(digest) => {
                let finding = self.doubtful(
                    subject,
                    &digest,
                    doubt,
                    by_successor.map(|by| (by, hash_fits, expected)),
                );
                let verdict = match doubt {
                    Doubt::Unsigned if finding.code == Code::DigestUnsigned => {
                        DigestVerdict::Unverified
                    }
                    Doubt::Unsigned | Doubt::KeyUnknown(_) | Doubt::Modified(_) => {
                        DigestVerdict::Invalid
                    }
                };
                self.candidate = digest.claimed_predecessor().cloned();
                self.fail(at, finding, verdict, demanded);
            }
        }
    }

    fn doubtful(
        &self,
        subject: Subject,
        digest: &UnverifiedDigest,
        doubt: &Doubt,
        successor: Option<(Arc<str>, bool, Option<String>)>,
    ) -> Finding {
        match (doubt, successor) {
            (Doubt::KeyUnknown(fingerprint), _) => {
                let known = self.keys.fingerprints().count();
                Finding::new(Code::DigestKeyUnknown, subject)
                    .compared(&format!("one of {known} keys at hand"), fingerprint)
                    .detail(format!(
                        "it names the key {fingerprint}, which is not among the keys at hand"
                    ))
            }
            (Doubt::Modified(why), successor) => {
                let finding = Finding::new(Code::DigestModified, subject).detail(*why);
                match successor {
                    Some((by, _, Some(expected))) => {
                        finding.by_digest(&by).compared(&expected, digest.hash())
                    }
                    Some(_) | None => finding,
                }
            }
            (Doubt::Unsigned, None) => Finding::new(Code::DigestUnsigned, subject),
            (Doubt::Unsigned, Some((by, false, expected))) => {
                Finding::new(Code::DigestModified, subject)
                    .by_digest(&by)
                    .compared(&expected.unwrap_or_default(), digest.hash())
                    .detail("its content is not the one that the next digest names")
            }
            (Doubt::Unsigned, Some((by, true, _))) => Finding::new(Code::DigestLinkBroken, subject)
                .by_digest(&by)
                .detail("the signature that the next digest names for it does not fit it"),
        }
    }

    fn accept(
        &mut self,
        at: &ListedDigest,
        subject: Subject,
        digest: VerifiedDigest,
        demanded: bool,
        doubt: Option<&Doubt>,
    ) {
        let in_range = self.bounds.overlaps(digest.window());
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
                self.find(finding, in_range);
            }
        }
        if demanded && !self.compare_with_demand(&subject, &digest, in_range) {
            verdict = DigestVerdict::Invalid;
        }
        self.judge(subject, verdict, in_range);
        if self.is_beside(at) && !demanded {
            // Another copy of what was passed already: it vouches for the logs beside it.
            self.vouch(at, digest, in_range);
            return;
        }
        self.pass(at, digest, in_range, demanded);
    }

    /// Whether the walk has already passed a verified digest of this very time.
    fn is_beside(&self, at: &ListedDigest) -> bool {
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
        let same_signature = named.signature().as_ref() == Some(digest.signature());
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
            self.tell_missing(&demand, digest.window().end());
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
        let by = Arc::clone(digest.location().key());
        self.demand = digest.predecessor().map(|predecessor| {
            let key = key_of(predecessor.location());
            let until = digest.window().start();
            let end = key.as_ref().map_or(until, DigestKey::end);
            let required = self.summary.chain.is_backfill().not()
                && hour_before(end).is_some_and(|hour| self.bounds.overlaps(hour));
            Demand {
                required,
                predecessor: predecessor.clone(),
                key,
                by,
                until,
            }
        });
        self.candidate = None;
        self.vouch(at, digest, in_range);
    }

    fn vouch(&mut self, at: &ListedDigest, digest: VerifiedDigest, in_range: bool) {
        let summary = &mut self.summary;
        let covers = digest.covers();
        summary.covered.add(covers);
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

    fn fail(
        &mut self,
        at: &ListedDigest,
        finding: Finding,
        verdict: DigestVerdict,
        demanded: bool,
    ) {
        // What an unverified digest says of its window is not believed: its key's hour is taken.
        let in_range = hour_before(at.key.end()).is_some_and(|hour| self.bounds.overlaps(hour));
        let may_be_skipped = matches!(
            finding.code,
            Code::DigestModified | Code::DigestKeyUnknown | Code::DigestUnsigned
        );
        let failed = Failed {
            finding: finding.in_chain(&self.name),
            verdict,
            may_be_skipped,
            in_range,
            end: at.key.end(),
        };
        if demanded {
            self.demand = None;
        }
        if self.demand.is_some() && !demanded {
            self.skipped.push(failed);
            return;
        }
        let cause = match verdict {
            DigestVerdict::Unverified => GapCause::DigestUnverified,
            DigestVerdict::Missing => GapCause::DigestMissing,
            DigestVerdict::Valid | DigestVerdict::Invalid => GapCause::DigestInvalid,
        };
        self.broken_by = self.broken_by.max(Some(cause));
        self.tell_failed(failed);
        if demanded {
            self.settle_skipped(false);
        }
    }

    /// Takes note that the digest which ends at `end` may name logs, and cannot tell them. A
    /// backfill digest may name logs of any time.
    fn doubt(&mut self, end: Timestamp) {
        let range = if self.summary.chain.is_backfill() {
            TimeRange::new(Timestamp::MIN, Timestamp::MAX)
        } else {
            let hour = minus(end, SignedDuration::from_hours(1));
            TimeRange::new(minus(hour, NAME_SLACK), plus(end, NAME_SLACK))
        };
        if let Some(range) = range {
            self.summary.doubtful.add(range);
        }
    }

    /// Decides on the digests between a verified digest and what it names.
    fn settle_skipped(&mut self, chain_passes_by: bool) {
        for mut failed in std::mem::take(&mut self.skipped) {
            if chain_passes_by && failed.may_be_skipped {
                let was = failed.finding.message().to_owned();
                failed.finding.code = Code::DigestOutOfChain;
                failed.finding.detail =
                    Some(format!("the chain passes it by, and no key signed it: {was}").into());
                failed.verdict = DigestVerdict::Invalid;
            }
            self.tell_failed(failed);
        }
    }

    fn tell_failed(&mut self, failed: Failed) {
        if failed.verdict == DigestVerdict::Unverified {
            self.doubt(failed.end);
        }
        self.judge(
            failed.finding.subject.clone(),
            failed.verdict,
            failed.in_range,
        );
        self.find(failed.finding, failed.in_range);
    }

    fn tell_missing(&mut self, demand: &Demand, since: Timestamp) {
        let finding = self.missing_finding(demand, Some(since));
        self.judge(finding.subject.clone(), DigestVerdict::Missing, true);
        self.find(finding, true);
    }

    fn missing_finding(&self, demand: &Demand, since: Option<Timestamp>) -> Finding {
        let subject = Subject::Object(demand.predecessor.location().clone());
        let detail = match since {
            Some(since) => format!(
                "the next digest names it, and it is not there; no digest is left from {since} to {}",
                demand.until
            ),
            None => format!(
                "the next digest names it, and it is not there, though other chains reach further back; \
                 no digest is left before {}. If the copy was made to begin here, say so with --start-time",
                demand.until
            ),
        };
        Finding::new(Code::DigestMissing, subject)
            .in_chain(&self.name)
            .by_digest(&demand.by)
            .compared(demand.predecessor.hash(), &"absent")
            .detail(detail)
    }

    fn open_end(&self, demand: &Demand) -> OpenEnd {
        OpenEnd {
            finding: self.missing_finding(demand, None),
            end: demand.end(),
        }
    }

    /// Tells what lies between the digest passed last and the verified one before it.
    fn tell_gap(&mut self, older_end: Timestamp, older: &DigestKey) {
        let Some(passed) = &self.passed else {
            return;
        };
        let Some(range) = TimeRange::new(older_end, passed.covers_from)
            .filter(|range| !range.is_empty())
            .and_then(|range| self.clip(range))
        else {
            return;
        };
        let cause = match (self.broken_by, passed.is_starting) {
            (Some(cause), _) => cause,
            (None, true) => GapCause::StartingDigest,
            (None, false) => GapCause::NotContiguous,
        };
        let told = match cause {
            GapCause::StartingDigest => Some(format!(
                "no digest covers the time from {} to {}: the chain ended, and began anew with a starting digest",
                range.start(),
                range.end()
            )),
            GapCause::NotContiguous => Some(format!(
                "no digest covers the time from {} to {}, though the digests on both sides follow one another",
                range.start(),
                range.end()
            )),
            GapCause::DigestMissing
            | GapCause::DigestInvalid
            | GapCause::DigestUnverified
            | GapCause::StartsLate
            | GapCause::EndsEarly => None,
        };
        let backfill = self.summary.chain.is_backfill();
        if let Some(detail) = told.filter(|_| !backfill) {
            let subject = Subject::Run;
            let older: Arc<str> = older.path().into();
            let finding = Finding::new(Code::CoverageGap, subject)
                .by_digest(&older)
                .detail(detail);
            self.find(finding, true);
        }
        if !backfill {
            self.summary.gaps.push(Gap { range, cause });
        }
    }

    fn clip(&self, range: TimeRange) -> Option<TimeRange> {
        let start = self
            .bounds
            .start()
            .map_or(range.start(), |start| start.max(range.start()));
        let end = self
            .bounds
            .end()
            .map_or(range.end(), |end| end.min(range.end()));
        TimeRange::new(start, end).filter(|range| !range.is_empty())
    }

    fn judge(&mut self, subject: Subject, verdict: DigestVerdict, in_range: bool) {
        if in_range {
            self.summary.digests.count(verdict);
            self.events.push(WalkEvent::Judged(subject, verdict));
        }
    }

    fn find(&mut self, finding: Finding, in_range: bool) {
        if in_range {
            let finding = finding.in_chain(&self.name);
            self.events.push(WalkEvent::Finding(finding));
        }
    }
}

/// The hour that ends at `end`, which is a digest's window but for a few seconds.
fn hour_before(end: Timestamp) -> Option<TimeRange> {
    TimeRange::new(minus(end, SignedDuration::from_hours(1)), end)
}

/// The digest key that a location has from its `AWSLogs` folder on.
pub fn key_of(location: &ObjectLocation) -> Option<DigestKey> {
    let (_, path) = location.split()?;
    DigestKey::parse(path)
}

fn moved(subject: Subject, claimed: &ObjectLocation) -> Finding {
    Finding::new(Code::DigestMoved, subject)
        .compared(&"its own place", claimed)
        .detail(format!("its content says that it belongs at {claimed}"))
}

/// Takes note of the bucket and prefix that a verified digest states for its root.
fn bind(bindings: &mut Vec<Binding>, at: &ListedDigest, digest: &VerifiedDigest) {
    let path = at.key.path();
    let Some(prefix) = digest.location().prefix_before(&path) else {
        return;
    };
    let window = digest.window();
    let bucket = digest.location().bucket();
    let known = bindings.iter_mut().rev().find(|binding| {
        binding.root == at.root && binding.bucket == *bucket && *binding.prefix == *prefix
    });
    if let Some(known) = known {
        known.digests += 1;
        let start = known.range.start().min(window.start());
        let end = known.range.end().max(window.end());
        known.range = TimeRange::new(start, end).unwrap_or(known.range);
        return;
    }
    bindings.push(Binding {
        root: at.root,
        bucket: Arc::clone(bucket),
        prefix: prefix.into(),
        range: window,
        digests: 1,
        newest: at.key.clone(),
    });
}
