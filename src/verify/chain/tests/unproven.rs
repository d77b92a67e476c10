//! Digests that nothing proves, and what is made of them.

use super::*;
use DigestVerdict::Unverified;

fn unsigned(made: &Made) -> (ListedDigest, Sighting) {
    made.doubted(Doubt::Unsigned)
}

fn malformed(made: &Made) -> (ListedDigest, Sighting) {
    (made.at.clone(), Sighting::Malformed("no digest".into()))
}

#[test]
fn what_fails_at_the_head_is_told_and_breaks_the_chain_there() {
    let [fourth, third, second, first] = four();
    let at = || fourth.at.clone();
    let unreadable = Sighting::Unreadable("denied".into());
    let elsewhere = ObjectLocation::new("elsewhere", "key");
    for ((at, sighting), code, verdict, cause) in [
        (
            unsigned(&fourth),
            Code::DigestUnsigned,
            Unverified,
            GapCause::DigestUnverified,
        ),
        (
            (at(), unreadable),
            Code::DigestUnreadable,
            Unverified,
            GapCause::DigestUnverified,
        ),
        (
            (at(), Sighting::Absent),
            Code::DigestMissing,
            Missing,
            GapCause::DigestMissing,
        ),
        (
            malformed(&fourth),
            Code::DigestMalformed,
            Invalid,
            GapCause::DigestInvalid,
        ),
        (
            (at(), Sighting::Moved(elsewhere)),
            Code::DigestMoved,
            Invalid,
            GapCause::DigestInvalid,
        ),
        (
            fourth.key_unknown(),
            Code::DigestKeyUnknown,
            Invalid,
            GapCause::DigestInvalid,
        ),
        (
            fourth.doubted(Doubt::Modified("it does not fit")),
            Code::DigestModified,
            Invalid,
            GapCause::DigestInvalid,
        ),
    ] {
        let [third, second, first] = [&third, &second, &first].map(Made::proven);
        let walked = walk(vec![(at, sighting), third, second, first]);
        assert_eq!(walked.codes, [code]);
        assert_eq!(walked.verdicts, [verdict, Valid, Valid, Valid], "{code}");
        assert_eq!(walked.summary.broken_at_head, Some(cause), "{code}");
        assert_eq!(walked.summary.broken_at_bottom, None, "{code}");
        // What cannot be read may name logs of its hour, and a quarter of an hour around it.
        let in_doubt = testing::range(165, 255);
        let doubtful: &[_] = if verdict == Unverified {
            &[in_doubt]
        } else {
            &[]
        };
        assert_eq!(walked.summary.doubtful.ranges(), doubtful, "{code}");
    }
}

/// What is there and proves nothing may name the newest logs; what is gone names none.
#[test]
fn the_newest_that_fails_is_one_that_is_there_and_in_the_range() {
    let [fourth, third, second, first] = four();
    let below = || [&third, &second, &first].map(Made::proven);
    for (sighting, end, failed) in [
        (unsigned(&fourth).1, None, Some(time(4))),
        (Sighting::Malformed("no digest".into()), None, Some(time(4))),
        (Sighting::Absent, None, None),
        (unsigned(&fourth).1, Some(time(3)), None),
    ] {
        let mut seen = vec![(fourth.at.clone(), sighting)];
        seen.extend(below());
        let bounds = Bounds::new(None, end).unwrap();
        let walked = walk_from(new(bounds), seen);
        assert_eq!(walked.summary.newest_failed, failed, "{:?}", walked.codes);
    }
}

/// It would be told without its gap, and its gap without it.
#[test]
fn what_fails_before_the_range_breaks_no_chain() {
    let [fourth, third, second, _] = four();
    let bounds = Bounds::new(Some(time(3)), None).unwrap();
    let seen = vec![fourth.proven(), third.proven(), malformed(&second)];
    let walked = walk_from(new(bounds), seen);
    assert_eq!(walked.summary.broken_at_bottom, None);
    assert!(!walked.verdicts.contains(&Invalid), "{:?}", walked.codes);
}

#[test]
fn a_backfill_digest_that_cannot_be_read_leaves_all_time_in_doubt() {
    let key = DigestKey::parse(&path(4).replace("Z.json", "Z_backfill.json")).unwrap();
    let walk = Walk::new(Arc::clone(key.chain()), Bounds::default(), Some(keys()));
    let at = ListedDigest {
        root: RootId(0),
        key,
    };
    let walked = walk_from(walk, vec![(at, Sighting::Unreadable("denied".into()))]);
    assert_eq!(walked.codes, [Code::DigestUnreadable]);
    let always = TimeRange::new(Timestamp::MIN, Timestamp::MAX).unwrap();
    assert_eq!(walked.summary.doubtful.ranges(), [always]);
}

#[test]
fn what_the_chain_passes_by_is_out_of_chain() {
    let [_, _, second, _] = four();
    let planted = made((3, 4), None);
    for (old, code, verdict) in [
        (&second, Code::DigestOutOfChain, Invalid),
        // What ended before a chain began anew may be of the chain before it.
        (&made((1, 2), None), Code::DigestUnsigned, Unverified),
    ] {
        let newest = made((4, 5), Some(old));
        let seen = vec![newest.proven(), unsigned(&planted), old.proven()];
        let walked = walk(seen);
        assert_eq!(walked.codes[0], code);
        assert_eq!(walked.verdicts, [Valid, Valid, verdict]);
        assert_eq!(walked.codes.last(), Some(&Code::CoverageGap));
        let told = "the chain passes it by, and no key signed it: it has no signature";
        assert_eq!(walked.messages[0] == told, verdict == Invalid);
        let doubtful = walked.summary.doubtful.ranges().len();
        assert_eq!(doubtful, usize::from(verdict == Unverified));
    }
    // What is no digest stays that.
    let newest = made((4, 5), Some(&second));
    let seen = vec![newest.proven(), malformed(&planted), second.proven()];
    let walked = walk(seen);
    assert_eq!(walked.codes, [Code::DigestMalformed, Code::CoverageGap]);
    // Where another signed digest comes between, nobody knows what the chain passes by.
    let newest = made((6, 7), Some(&second));
    let between = made((4, 5), Some(&second));
    let planted = made((5, 6), None);
    let seen = vec![newest.proven(), unsigned(&planted), between.proven()];
    let walked = walk(seen);
    assert_eq!(walked.codes[0], Code::DigestUnsigned);
}

#[test]
fn what_an_unproven_digest_says_of_the_one_before_it_may_prove_that() {
    let all = four();
    let walked = walk(all.iter().map(unsigned).collect());
    assert_eq!(walked.codes, [Code::DigestUnsigned]);
    assert_eq!(walked.verdicts, [Unverified, Valid, Valid, Valid]);
    assert_eq!(walked.summary.from_successor, 3);
    // One that names what lies elsewhere says nothing of it.
    let [_, third, second, first] = &all;
    let mut elsewhere = third.clone();
    elsewhere.location = ObjectLocation::new("elsewhere", path(3));
    let fourth = made((3, 4), Some(&elsewhere));
    let seen = [&fourth, third, second, first].map(unsigned);
    let walked = walk(seen.into());
    assert_eq!(walked.codes, [Code::DigestUnsigned; 2]);
    assert_eq!(walked.verdicts, [Unverified, Unverified, Valid, Valid]);
}

#[test]
fn many_planted_digests_cost_no_more_than_what_few_of_them_say() {
    let [fourth, third, ..] = four();
    for (planted, proven) in [(15, true), (16, false)] {
        let mut seen = vec![unsigned(&fourth)];
        seen.extend((1..=planted).map(|root| {
            let mut other = third.clone();
            other.signature = Signature::from_hex("00").unwrap();
            unsigned(&made_in(root, BUCKET, (3, 4), Some(&other)))
        }));
        seen.push(unsigned(&third));
        let walked = walk(seen);
        assert_eq!(walked.verdicts.last() == Some(&Valid), proven, "{planted}");
    }
}

#[test]
fn what_is_remembered_proves_a_digest_that_lost_its_signature() {
    let four = four();
    let walked = back_to(&four[0], vec![unsigned(&four[0])]);
    assert_eq!((walked.codes, walked.verdicts), (vec![], vec![Valid]));
    let mut elsewhere = four[0].clone();
    elsewhere.location = ObjectLocation::new("elsewhere", path(4));
    for remembered in [&elsewhere, &four[1]] {
        let seen = four.iter().map(unsigned).collect();
        let walked = back_to(remembered, seen);
        assert_eq!(walked.codes, [Code::DigestUnsigned]);
        assert_eq!(walked.verdicts[0], Unverified);
    }
}

#[test]
fn what_was_verified_before_is_not_missed_without_its_key() {
    let third = made_by(B, 0, BUCKET, (2, 3), None);
    let fourth = made((3, 4), Some(&third));
    let seen = || vec![fourth.proven(), third.key_unknown()];
    let walked = back_to(&third, seen());
    assert_eq!((walked.codes, walked.verdicts), (vec![], vec![Valid; 2]));
    let walked = walk(seen());
    assert_eq!(walked.codes, [Code::DigestKeyUnknown]);
    assert_eq!(walked.verdicts, [Valid, Invalid]);
    assert!(walked.messages[0].contains(&public(B).fingerprint().to_string()));
}

#[test]
fn what_was_verified_before_demands_the_one_before_it_without_its_key() {
    let first = made((0, 1), None);
    let second = made((1, 2), Some(&first));
    let third = made_by(B, 0, BUCKET, (2, 3), Some(&second));
    let fourth = made((3, 4), Some(&third));
    let newest = || vec![fourth.proven(), third.key_unknown()];
    let from = |start, seen| {
        let bounds = Bounds::new(Some(time(start)), None).unwrap();
        walk_from(new(bounds).back_to(Some(third.remembered())), seen)
    };
    let walked = from(0, newest());
    assert_eq!(walked.codes, [Code::DigestMissing]);
    assert_eq!(walked.verdicts, [Valid, Valid, Missing]);
    let mut seen = newest();
    seen.push(first.proven());
    assert!(from(0, seen).codes.contains(&Code::DigestMissing));
    assert_eq!(from(2, newest()).codes, []);
    let mut whole = newest();
    whole.extend([second.proven(), first.proven()]);
    let walked = from(0, whole);
    assert_eq!(walked.verdicts, [Valid; 4]);
    // Nothing proves what it covers any more.
    assert_eq!(walked.codes, [Code::CoverageGap]);
    assert_eq!(walked.summary.doubtful.ranges().len(), 1);
}

#[test]
fn what_is_stopped_tells_what_it_has_seen_and_nothing_of_what_it_has_not() {
    let [_, _, second, _] = four();
    let newest = made((4, 5), Some(&second));
    let mut walk = new(Bounds::default().from_the_beginning());
    for (at, sighting) in [newest.proven(), unsigned(&made((3, 4), None))] {
        let _ = walk.observe(&at, sighting);
    }
    let (summary, events) = walk.interrupt();
    let counts = summary.digests;
    assert_eq!((counts.valid, counts.unverified, counts.missing), (1, 1, 0));
    let [
        WalkEvent::Judged(_, Unverified),
        WalkEvent::Finding(finding),
    ] = &*events
    else {
        panic!("{events:?}");
    };
    assert_eq!(finding.code, Code::DigestUnsigned);
}
