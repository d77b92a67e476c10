//! Walks along chains that were signed for the purpose.

mod copies;
mod links;
mod unproven;

use std::sync::Arc;

use jiff::Timestamp;

use super::super::digest::UnverifiedDigest;
use super::super::finding::Code;
use super::super::hashing::{Content, Encoding, Sha256Hash};
use super::super::keys::KeySet;
use super::super::location::{DigestKey, ObjectLocation, RootId};
use super::super::signature::{Signature, signed_text};
use super::super::testing::{self, A, B, at, public, sign};
use super::super::time::{Bounds, TimeRange};
use super::*;

const BUCKET: &str = "bucket";

fn keys() -> Arc<KeySet> {
    Arc::new(KeySet::new([public(A)]).unwrap())
}

fn time(hour: i64) -> Timestamp {
    at(hour * 60)
}

fn range(start: i64, end: i64) -> TimeRange {
    testing::range(start * 60, end * 60)
}

fn path(end: i64) -> String {
    format!(
        "AWSLogs/123456789012/CloudTrail-Digest/us-east-1/2020/01/02/123456789012_CloudTrail-Digest_us-east-1_t_us-east-1_20200102T{end:02}0000Z.json.gz"
    )
}

/// A digest that CloudTrail could have made, and where it lies.
#[derive(Clone)]
struct Made {
    at: ListedDigest,
    location: ObjectLocation,
    digest: UnverifiedDigest,
    signature: Signature,
}

impl Made {
    fn proven(&self) -> (ListedDigest, Sighting) {
        let proven = self.digest.clone().verify(&self.signature, &keys());
        let sighting = Sighting::Proven(Box::new(proven.unwrap()));
        (self.at.clone(), sighting)
    }

    fn doubted(&self, doubt: Doubt) -> (ListedDigest, Sighting) {
        let sighting = Sighting::Unproven(Box::new(self.digest.clone()), doubt);
        (self.at.clone(), sighting)
    }

    fn key_unknown(&self) -> (ListedDigest, Sighting) {
        self.doubted(Doubt::KeyUnknown(self.digest.fingerprint()))
    }

    fn remembered(&self) -> Remembered {
        let (location, hash) = (self.location.clone(), *self.digest.hash());
        Remembered::new(location, hash, self.signature.clone()).unwrap()
    }
}

/// The digest of these hours, in a root and bucket, after another one.
fn made_in(root: u32, bucket: &str, hours: (i64, i64), before: Option<&Made>) -> Made {
    made_by(A, root, bucket, hours, before)
}

/// The same, signed with this key.
fn made_by(
    pem: &[u8],
    root: u32,
    bucket: &str,
    (start, end): (i64, i64),
    before: Option<&Made>,
) -> Made {
    let place = ObjectLocation::new(bucket, path(end));
    let text = |value: &str| format!("\"{value}\"");
    let null = || "null".to_owned();
    let [in_bucket, key, hash_before, algorithm, signature] = before.map_or_else(
        || [null(), null(), null(), null(), null()],
        |it| {
            [
                text(it.location.bucket()),
                text(it.location.key()),
                text(&it.digest.hash().to_string()),
                text("SHA-256"),
                text(&it.signature.to_hex()),
            ]
        },
    );
    let fingerprint = public(pem).fingerprint();
    let (from, to) = (time(start), time(end));
    let json = format!(
        r#"{{"awsAccountId": "123456789012", "digestStartTime": "{from}", "digestEndTime": "{to}",
        "digestS3Bucket": "{bucket}", "digestS3Object": "{}", "digestPublicKeyFingerprint": "{fingerprint}",
        "digestSignatureAlgorithm": "SHA256withRSA", "newestEventTime": null, "oldestEventTime": null,
        "previousDigestS3Bucket": {in_bucket}, "previousDigestS3Object": {key},
        "previousDigestHashValue": {hash_before}, "previousDigestHashAlgorithm": {algorithm},
        "previousDigestSignature": {signature}, "logFiles": []}}"#,
        path(end)
    );
    let hash = Sha256Hash::of(json.as_bytes());
    let content = Content {
        hash,
        encoding: Encoding::Plain,
        stored: 1,
        length: 1,
    };
    let previous = before.map(|it| it.signature.to_hex());
    let signed = signed_text(
        &to.to_string(),
        bucket,
        &path(end),
        &hash,
        previous.as_deref(),
    );
    Made {
        at: ListedDigest {
            root: RootId(root),
            key: DigestKey::parse(&path(end)).unwrap(),
        },
        location: place,
        digest: UnverifiedDigest::parse(json.as_bytes(), content).unwrap(),
        signature: sign(pem, &signed),
    }
}

fn made(hours: (i64, i64), before: Option<&Made>) -> Made {
    made_in(0, BUCKET, hours, before)
}

/// Four digests, the newest first: of hours 1 to 4, the first of which began the chain.
fn four() -> [Made; 4] {
    let first = made((0, 1), None);
    let second = made((1, 2), Some(&first));
    let third = made((2, 3), Some(&second));
    let fourth = made((3, 4), Some(&third));
    [fourth, third, second, first]
}

struct Walked {
    codes: Vec<Code>,
    messages: Vec<String>,
    verdicts: Vec<DigestVerdict>,
    summary: ChainSummary,
}

fn walk_from(mut walk: Walk, seen: Vec<(ListedDigest, Sighting)>) -> Walked {
    let mut events = Vec::new();
    for (at, sighting) in seen {
        while walk.demands_before(Some(&at)).is_some() {
            events.extend(walk.demanded_is_absent());
        }
        events.extend(walk.observe(&at, sighting));
    }
    while walk.demands_before(None).is_some() {
        events.extend(walk.demanded_is_absent());
    }
    let (summary, last) = walk.finish();
    events.extend(last);
    let mut walked = Walked {
        codes: Vec::new(),
        messages: Vec::new(),
        verdicts: Vec::new(),
        summary,
    };
    for event in events {
        match event {
            WalkEvent::Judged(_, verdict) => walked.verdicts.push(verdict),
            WalkEvent::Finding(finding) => {
                walked.codes.push(finding.code);
                walked.messages.push(finding.message().to_owned());
            }
            WalkEvent::Vouches { .. } => {}
        }
    }
    walked
}

fn new(bounds: Bounds) -> Walk {
    let chain = DigestKey::parse(&path(1)).unwrap();
    Walk::new(Arc::clone(chain.chain()), bounds, Some(keys()))
}

fn walk(seen: Vec<(ListedDigest, Sighting)>) -> Walked {
    walk_from(new(Bounds::default()), seen)
}

fn back_to(remembered: &Made, seen: Vec<(ListedDigest, Sighting)>) -> Walked {
    let walk = new(Bounds::default()).back_to(Some(remembered.remembered()));
    walk_from(walk, seen)
}

use DigestVerdict::{Invalid, Missing, Valid};

#[test]
fn counts_tell_whether_there_is_any() {
    let mut counts = DigestCounts::default();
    assert!(!counts.any());
    counts.count(Missing);
    assert!(counts.any());
}

#[test]
fn an_intact_chain_is_valid() {
    let four = four();
    let walked = walk(four.iter().map(Made::proven).collect());
    assert_eq!((walked.codes, walked.verdicts), (vec![], vec![Valid; 4]));
    let summary = walked.summary;
    assert_eq!(summary.digests.valid, 4);
    assert_eq!(summary.covered_anywhere().ranges(), [range(1, 4)]);
    assert_eq!(summary.newest, Some(four[0].remembered()));
    assert_eq!(
        (summary.newest_end, summary.oldest_start),
        (Some(time(4)), Some(time(1)))
    );
    assert_eq!((summary.gaps, summary.stored_plain), (vec![], 4));
    assert_eq!(summary.fingerprints.len(), 1);
    let [binding] = &*summary.bindings else {
        panic!("{:?}", summary.bindings);
    };
    assert_eq!(
        (&*binding.bucket, &*binding.prefix, binding.digests),
        (BUCKET, "", 4)
    );
    assert_eq!(
        (binding.range, &binding.newest),
        (range(1, 4), &four[0].at.key)
    );
}

#[test]
fn each_root_and_bucket_is_bound_by_itself() {
    let first = made((0, 1), None);
    let second = made_in(0, "other", (1, 2), Some(&first));
    let third = made_in(1, "other", (2, 3), Some(&second));
    let fourth = made_in(1, "other", (3, 4), Some(&third));
    let seen = [&fourth, &third, &second, &first].map(Made::proven);
    let summary = walk(seen.into()).summary;
    let bound = summary.bindings.iter();
    let bound: Vec<_> = bound
        .map(|it| (it.root.0, &*it.bucket, it.digests, it.range))
        .collect();
    let expected = [
        (1, "other", 2, range(2, 4)),
        (0, "other", 1, range(1, 2)),
        (0, BUCKET, 1, range(1, 1)),
    ];
    assert_eq!(bound, expected);
    assert_eq!(summary.covered.len(), 2);
}

#[test]
fn a_digest_that_is_not_there_is_missing_where_the_range_asks_for_it() {
    let four = four();
    let seen = || vec![four[0].proven(), four[2].proven(), four[3].proven()];
    let walked = walk(seen());
    assert_eq!(walked.codes, [Code::DigestMissing]);
    assert_eq!(walked.verdicts, [Valid, Valid, Missing, Valid]);
    let gap = Gap {
        range: range(2, 3),
        cause: GapCause::DigestMissing,
    };
    assert_eq!(walked.summary.gaps, [gap]);
    assert_eq!(walked.summary.digests.missing, 1);
    // At the old end it is missing where the range has a start.
    let newest = || vec![four[0].proven()];
    for (start, codes) in [(3, vec![]), (2, vec![Code::DigestMissing])] {
        let bounds = Bounds::new(Some(time(start)), None).unwrap();
        assert_eq!(walk_from(new(bounds), newest()).codes, codes, "{start}");
    }
    let bounds = Bounds::new(Some(time(-9)), None).unwrap();
    for (bounds, told) in [
        (bounds, "no digest is left from"),
        (
            Bounds::default().from_the_beginning(),
            "followed to its beginning",
        ),
    ] {
        let walked = walk_from(new(bounds), newest());
        assert_eq!(walked.codes, [Code::DigestMissing]);
        assert!(walked.messages[0].contains(told), "{}", walked.messages[0]);
    }
    let open = walk(newest()).summary;
    let [end] = &open.open_ends[..] else {
        panic!("{:?}", open.open_ends);
    };
    assert_eq!(end.end, time(3));
    let told = end.finding.message();
    assert!(told.contains("though other chains reach further back"));
    assert_eq!(open.broken_at_bottom, Some(GapCause::DigestMissing));
}

#[test]
fn gaps_are_told_by_their_cause() {
    let first = made((0, 1), None);
    let second = made((1, 2), Some(&first));
    let anew = made((5, 6), None);
    let last = made((6, 7), Some(&anew));
    let seen = || [&last, &anew, &second, &first].map(Made::proven).into();
    let walked = walk(seen());
    assert_eq!(walked.codes, [Code::CoverageGap]);
    assert!(walked.messages[0].contains("began anew"));
    let gap = |start, end, cause| Gap {
        range: range(start, end),
        cause,
    };
    assert_eq!(walked.summary.gaps, [gap(2, 6, GapCause::StartingDigest)]);
    // Only as much of it as the range asks for.
    for (start, end, expected) in [
        (Some(3), Some(5), vec![gap(3, 5, GapCause::StartingDigest)]),
        (Some(3), None, vec![gap(3, 6, GapCause::StartingDigest)]),
        (None, Some(5), vec![gap(2, 5, GapCause::StartingDigest)]),
        (Some(6), None, vec![]),
    ] {
        let bounds = Bounds::new(start.map(time), end.map(time)).unwrap();
        let walked = walk_from(new(bounds), seen());
        assert_eq!(walked.summary.gaps, expected, "{start:?} {end:?}");
        assert_eq!(walked.codes.len(), expected.len());
    }
    let late = made((3, 4), Some(&second));
    let walked = walk([&late, &second, &first].map(Made::proven).into());
    assert_eq!(walked.codes, [Code::CoverageGap]);
    assert!(walked.messages[0].contains("follow one another"));
    assert_eq!(walked.summary.gaps, [gap(2, 3, GapCause::NotContiguous)]);
}

#[test]
fn a_successor_proves_what_its_metadata_does_not() {
    let four = four();
    let unsigned = |at: usize| four[at].doubted(Doubt::Unsigned);
    let walked = walk(vec![
        four[0].proven(),
        unsigned(1),
        unsigned(2),
        unsigned(3),
    ]);
    assert_eq!((walked.codes, walked.verdicts), (vec![], vec![Valid; 4]));
    assert_eq!(walked.summary.from_successor, 3);
    let wrong = four[1].doubted(Doubt::Modified("its signature does not fit"));
    let walked = walk(vec![
        four[0].proven(),
        wrong,
        four[2].proven(),
        four[3].proven(),
    ]);
    assert_eq!(walked.codes, [Code::DigestModified]);
    assert_eq!(walked.verdicts, [Valid, Invalid, Valid, Valid]);
}

#[test]
fn a_chain_leads_back_to_what_was_verified_before() {
    let four = four();
    let proven = |at: usize| four[at].proven();
    for remembered in 0..4 {
        let walked = back_to(&four[remembered], four.iter().map(Made::proven).collect());
        assert_eq!((walked.codes, walked.verdicts), (vec![], vec![Valid; 4]));
    }
    // The newest ones that an earlier run had seen are gone, or the old ones, or it alone.
    for (gone, seen) in [
        (0, vec![proven(1), proven(2), proven(3)]),
        (1, vec![proven(0), proven(2), proven(3)]),
        (2, vec![proven(0), proven(1)]),
    ] {
        let walked = back_to(&four[gone], seen);
        assert_eq!(walked.codes, [Code::DigestMissing], "{gone}");
        assert!(
            walked.messages[0].contains("an earlier run verified it"),
            "{gone}"
        );
        assert!(!walked.messages[0].contains("other chains"), "{gone}");
        assert_eq!(walked.summary.digests.missing, 1, "{gone}");
    }
    let walked = back_to(&four[0], vec![proven(1)]);
    assert!(walked.messages[0].contains("not there any more"));
    let bounds = Bounds::new(Some(time(3)), None).unwrap();
    let old = new(bounds).back_to(Some(four[2].remembered()));
    let walked = walk_from(old, vec![proven(0), proven(1)]);
    assert_eq!(walked.codes, [Code::DigestMissing]);
    // It ended before the range: no time of that is without a digest.
    let told = "it is not there; an earlier run verified it";
    assert!(walked.messages[0].contains(told), "{}", walked.messages[0]);
    let old = new(bounds).back_to(Some(four[2].remembered()));
    assert_eq!(
        walk_from(old, vec![proven(0), proven(1), proven(2)]).codes,
        []
    );
}

#[test]
fn another_digest_in_the_place_of_a_verified_one_is_told() {
    let four = four();
    let mut other_hash = four[0].clone();
    other_hash.digest = made((2, 4), Some(&four[1])).digest;
    let mut other_signature = four[0].clone();
    other_signature.signature = Signature::from_hex("00").unwrap();
    let mut both = other_hash.clone();
    both.signature = Signature::from_hex("00").unwrap();
    for (remembered, told) in [
        (&other_hash, "another digest"),
        (&both, "another digest"),
        (&other_signature, "another signature"),
    ] {
        let walked = back_to(remembered, four.iter().map(Made::proven).collect());
        assert_eq!(walked.codes, [Code::DigestLinkBroken]);
        assert_eq!(walked.verdicts, [Invalid, Valid, Valid, Valid]);
        assert!(walked.messages[0].contains(told), "{}", walked.messages[0]);
    }
}

#[test]
fn what_was_verified_before_stays_so_without_its_key() {
    let four = four();
    let without_keys = |remembered: Option<&Made>| {
        let chain = Arc::clone(four[0].at.key.chain());
        let walk = Walk::new(chain, Bounds::default(), None);
        let walk = walk.back_to(remembered.map(Made::remembered));
        walk_from(walk, vec![four[0].key_unknown()])
    };
    let walked = without_keys(Some(&four[0]));
    assert_eq!((walked.codes, walked.verdicts), (vec![], vec![Valid]));
    assert_eq!(walked.summary.newest, Some(four[0].remembered()));
    assert_eq!(walked.summary.newest_end, Some(time(4)));
    assert_eq!(walked.summary.covered_anywhere().ranges(), []);
    let mut other = four[0].clone();
    other.digest = made((2, 4), Some(&four[1])).digest;
    let mut elsewhere = four[0].clone();
    elsewhere.location = ObjectLocation::new("elsewhere", path(4));
    for remembered in [&other, &elsewhere] {
        let walked = without_keys(Some(remembered));
        assert_eq!(walked.codes, [Code::DigestKeyUnknown]);
        assert_eq!(walked.verdicts, [Invalid]);
    }
    let walked = without_keys(None);
    assert_eq!(walked.codes, [Code::DigestKeyUnknown]);
}

#[test]
fn the_newest_is_one_that_ends_in_the_range() {
    let four = four();
    for (end, newest) in [(4, 0), (3, 1), (2, 2)] {
        let bounds = Bounds::new(None, Some(time(end))).unwrap();
        let walked = walk_from(new(bounds), four.iter().map(Made::proven).collect());
        assert_eq!(
            walked.summary.newest,
            Some(four[newest].remembered()),
            "{end}"
        );
        assert_eq!(walked.summary.digests.valid, u64::try_from(end).unwrap());
    }
}

#[test]
fn keys_that_come_later_are_used() {
    let four = four();
    let chain = Arc::clone(four[0].at.key.chain());
    let mut walk = Walk::new(chain, Bounds::default(), None);
    walk.use_keys(Some(keys()));
    let seen = vec![four[0].proven(), four[1].doubted(Doubt::Unsigned)];
    assert_eq!(walk_from(walk, seen).codes, []);
}
