//! Where chains begin and end.

use super::super::super::chain::Remembered;
use super::super::super::hashing::Sha256Hash;
use super::super::super::keys::Fingerprint;
use super::super::super::location::ObjectLocation;
use super::super::super::signature::Signature;
use super::*;

#[test]
fn a_chain_must_reach_to_where_digests_are_due() {
    let id = hourly("us-east-1", "t");
    let reached = |end, newest| reach_in(tally(vec![chain(&id, 0, newest)]), None, Some(end));
    for (end, newest, early) in [
        (60, 60, false),
        (165, 60, false),
        (166, 60, true),
        (60, 90, false),
    ] {
        let expected: &[_] = if early {
            &[Code::CoverageEndsEarly]
        } else {
            &[]
        };
        assert_eq!(codes(&reached(end, newest)), expected, "{end} {newest}");
    }
    let gaps = |reached: &Conclusion| {
        let gaps = reached.chains[0].gaps.iter().map(|gap| gap.gap);
        gaps.collect::<Vec<_>>()
    };
    let gap = Gap {
        range: range(60, 100),
        cause: GapCause::EndsEarly,
    };
    assert_eq!(gaps(&reached(100, 60)), [gap]);
    assert_eq!(gaps(&reached(60, 60)), []);
    // Nothing is due yet that lies ahead of the run.
    let weights = Weights {
        bounds: Bounds::new(None, Some(at(600))).unwrap(),
        now: at(165),
        allow: BTreeSet::new(),
        deny: BTreeSet::new(),
    };
    let now = Conclusion::reach(tally(vec![chain(&id, 0, 60)]), &weights);
    assert_eq!(codes(&now), []);
    let backfill = Arc::clone(key("123456789012", "us-east-1", "t", "_backfill").chain());
    let reached = reach_in(tally(vec![chain(&backfill, 0, 60)]), Some(-600), Some(600));
    assert_eq!(codes(&reached), []);
    assert!(reached.chains[0].covered.ranges().is_empty());
}

#[test]
fn a_chain_must_begin_where_the_range_does() {
    let id = hourly("us-east-1", "t");
    let reached = |start, broken| {
        let mut one = chain(&id, 60, 120);
        one.summary.broken_at_bottom = broken;
        let reached = reach_in(tally(vec![one]), Some(start), None);
        let causes: Vec<_> = reached.chains[0]
            .gaps
            .iter()
            .map(|it| it.gap.cause)
            .collect();
        (codes(&reached), causes)
    };
    assert_eq!(reached(60, None), (vec![], vec![]));
    assert_eq!(reached(90, None), (vec![], vec![]));
    let late = (vec![Code::CoverageStartsLate], vec![GapCause::StartsLate]);
    assert_eq!(reached(59, None), late);
    // What broke it is told already.
    for cause in [GapCause::DigestMissing, GapCause::DigestInvalid] {
        assert_eq!(reached(0, Some(cause)), (vec![], vec![cause]));
    }
}

#[test]
fn without_a_start_chains_begin_within_an_hour() {
    let reached = |other, broken, open: Option<i64>| {
        let mut one = chain(&hourly("us-east-1", "a"), other, 300);
        one.summary.broken_at_bottom = broken;
        one.summary.open_ends.extend(open.map(|end| OpenEnd {
            finding: found(Code::DigestMissing, None),
            end: at(end),
        }));
        let reached = reach(tally(vec![one, chain(&hourly("us-east-1", "b"), 0, 300)]));
        let causes: Vec<_> = reached.chains[0]
            .gaps
            .iter()
            .map(|it| it.gap.cause)
            .collect();
        (codes(&reached), causes, reached.digests.missing)
    };
    let late = vec![GapCause::StartsLate];
    assert_eq!(reached(0, None, None), (vec![], vec![], 0));
    assert_eq!(reached(60, None, None), (vec![], late.clone(), 0));
    let told = vec![Code::CoverageStartsLate];
    assert_eq!(reached(61, None, None), (told.clone(), late.clone(), 0));
    // A predecessor that is not there is missing if another chain reaches an hour before it.
    let missing = Some(GapCause::DigestMissing);
    assert_eq!(reached(59, missing, Some(59)), (vec![], late.clone(), 0));
    let gap = vec![GapCause::DigestMissing];
    assert_eq!(
        reached(60, missing, Some(60)),
        (vec![Code::DigestMissing], gap, 1)
    );
    assert_eq!(reached(90, missing, Some(59)), (told, late, 0));
    let invalid = vec![GapCause::DigestInvalid];
    assert_eq!(
        reached(90, Some(GapCause::DigestInvalid), None),
        (vec![], invalid, 0)
    );
}

/// A starting digest covers nothing before its own end.
#[test]
fn a_range_that_ends_before_all_that_is_covered_has_no_digests() {
    let id = hourly("us-east-1", "t");
    let told = |chains, interrupted| {
        let mut tally = tally(chains);
        tally.interrupted = interrupted;
        codes(&reach_in(tally, Some(0), Some(60))).contains(&Code::NoDigests)
    };
    assert!(told(vec![chain(&id, 60, 120)], false));
    assert!(!told(vec![chain(&id, 60, 120)], true));
    assert!(!told(vec![chain(&id, 59, 120)], false));
    let other = hourly("eu-west-1", "t");
    assert!(!told(
        vec![chain(&id, 60, 120), chain(&other, 0, 60)],
        false
    ));
    // What backfills, and what lies beside the range, covers nothing of it.
    let backfill = Arc::clone(key("123456789012", "us-east-1", "t", "_backfill").chain());
    let chains = vec![chain(&id, 60, 120), chain(&backfill, 0, 60)];
    assert!(told(chains, false));
    let mut beside = chain(&other, 0, 60);
    beside.summary.digests = DigestCounts::default();
    assert!(told(vec![chain(&id, 60, 120), beside], false));
}

#[test]
fn a_chain_of_which_there_is_nothing_to_tell_is_not_told() {
    let id = hourly("us-east-1", "t");
    let is_told = |change: fn(&mut ChainTally)| {
        let mut one = ChainTally {
            summary: ChainSummary::new(Arc::clone(&id)),
            logs: LogCounts::default(),
        };
        change(&mut one);
        !reach_in(tally(vec![one]), Some(0), Some(60))
            .chains
            .is_empty()
    };
    assert!(!is_told(|_| {}));
    assert!(is_told(|one| one.summary.digests.missing = 1));
    assert!(is_told(|one| one.logs.missing = 1));
    assert!(is_told(|one| one.summary.gaps.push(Gap {
        range: range(0, 30),
        cause: GapCause::DigestMissing,
    })));
    assert!(is_told(|one| {
        let mut covered = Covered::default();
        covered.add(range(0, 30));
        one.summary.covered.insert(ROOT, covered);
    }));
    assert!(is_told(|one| {
        let fingerprint = Fingerprint::from_hex(&"0a".repeat(16)).unwrap();
        one.summary.fingerprints.insert(fingerprint);
    }));
    assert!(is_told(|one| {
        let path = key("123456789012", "us-east-1", "t", "").path();
        let signature = Signature::from_hex("0a").unwrap();
        let location = ObjectLocation::new("bucket", path);
        one.summary.newest = Remembered::new(location, Sha256Hash::of(b"it"), signature);
    }));
}
