//! What a digest says of the one before it, and what is there.

use super::*;

/// Digests of which it has another hash, another signature, and both.
fn others(first: &Made) -> [Made; 3] {
    let mut other_hash = first.clone();
    other_hash.digest = made((0, 2), None).digest;
    let mut other_signature = first.clone();
    other_signature.signature = Signature::from_hex("00").unwrap();
    let mut both = other_hash.clone();
    both.signature = Signature::from_hex("00").unwrap();
    [other_hash, other_signature, both]
}

#[test]
fn a_proven_digest_must_be_what_its_successor_names() {
    let first = made((0, 1), None);
    let [other_hash, other_signature, both] = others(&first);
    for (named, told) in [
        (&first, None),
        (&other_hash, Some("another hash")),
        (&other_signature, Some("another signature")),
        (&both, Some("another hash")),
    ] {
        let second = made((1, 2), Some(named));
        let seen = || vec![second.proven(), first.proven()];
        let walked = walk(seen());
        let Some(told) = told else {
            assert_eq!((walked.codes, walked.verdicts), (vec![], vec![Valid; 2]));
            continue;
        };
        assert_eq!(walked.codes, [Code::DigestLinkBroken], "{told}");
        assert_eq!(walked.verdicts, [Valid, Invalid], "{told}");
        assert!(walked.messages[0].contains(told), "{}", walked.messages[0]);
        // It is signed all the same, and vouches for its hour.
        assert_eq!(walked.summary.covered_anywhere().ranges(), [range(1, 2)]);
        let after = Bounds::new(Some(testing::at(90)), None).unwrap();
        assert_eq!(walk_from(new(after), seen()).codes, [], "{told}");
    }
}

#[test]
fn without_a_signature_of_its_own_it_must_be_what_its_successor_names() {
    let first = made((0, 1), None);
    let [other_hash, other_signature, both] = others(&first);
    for (named, code, told) in [
        // The signature that is named proves it, and it is another one all the same.
        (&other_hash, Code::DigestLinkBroken, "another hash"),
        (&other_signature, Code::DigestLinkBroken, "does not fit it"),
        (&both, Code::DigestModified, "its content is not the one"),
    ] {
        let second = made((1, 2), Some(named));
        let walked = walk(vec![second.proven(), first.doubted(Doubt::Unsigned)]);
        assert_eq!(
            (walked.codes, walked.verdicts),
            (vec![code], vec![Valid, Invalid])
        );
        assert!(walked.messages[0].contains(told), "{}", walked.messages[0]);
    }
}

#[test]
fn a_chain_that_begins_anew_among_digests_of_before_is_counted() {
    let oldest = made((0, 1), None);
    let old = made((1, 4), Some(&oldest));
    let anew = made((0, 2), None);
    let newest = made((2, 6), Some(&anew));
    let walked = walk([&newest, &old, &anew, &oldest].map(Made::proven).into());
    assert_eq!((walked.codes, walked.verdicts), (vec![], vec![Valid; 4]));
    assert_eq!(walked.summary.restarts_within, 1);
    // Where time is left out between, that is told.
    let later = made((3, 6), Some(&made((2, 3), None)));
    let walked = walk(
        [&later, &made((2, 3), None), &oldest]
            .map(Made::proven)
            .into(),
    );
    assert_eq!(walked.codes, [Code::CoverageGap]);
    assert_eq!(walked.summary.restarts_within, 0);
    let [fourth, third, second, first] = four();
    let walked = walk([&fourth, &third, &second, &first].map(Made::proven).into());
    assert_eq!(walked.summary.restarts_within, 0);
}

#[test]
fn what_lies_beside_a_digest_does_not_cut_the_chain() {
    let [fourth, _, second, first] = four();
    // Signed, of the same hour, and it begins a chain.
    let beside = made_in(1, BUCKET, (3, 4), None);
    let seen = [&fourth, &beside, &second, &first].map(Made::proven);
    let walked = walk(seen.into());
    assert_eq!(walked.codes, [Code::DigestMissing]);
    assert_eq!(walked.verdicts, [Valid, Valid, Valid, Missing, Valid]);
}

#[test]
fn a_digest_of_another_bucket_does_not_stand_in_for_the_one_that_is_named() {
    let [fourth, third, second, first] = four();
    let other = made_in(1, "other", (2, 3), Some(&second));
    for other in [other.proven(), other.doubted(Doubt::Unsigned)] {
        let seen = vec![fourth.proven(), other, second.proven(), first.proven()];
        let walked = walk(seen);
        assert_eq!(walked.codes, [Code::DigestMoved]);
        assert_eq!(walked.verdicts, [Valid, Invalid, Valid, Valid]);
        assert!(walked.messages[0].contains("belongs at s3://other/"));
        let gap = Gap {
            range: range(2, 3),
            cause: GapCause::DigestInvalid,
        };
        assert_eq!(walked.summary.gaps, [gap]);
    }
    // Beside the one that is named it stands in for nothing.
    let seen = [&fourth, &third, &other, &second, &first].map(Made::proven);
    let walked = walk(seen.into());
    assert_eq!((walked.codes, walked.verdicts), (vec![], vec![Valid; 5]));
}

#[test]
fn a_digest_under_another_name_does_not_stand_in_for_the_one_that_is_named() {
    let first = made((0, 1), None);
    let mut renamed = first.clone();
    renamed.location = ObjectLocation::new(BUCKET, path(1).replace("_t_", "_u_"));
    let second = made((1, 2), Some(&renamed));
    let walked = walk(vec![second.proven(), first.proven()]);
    assert_eq!(walked.codes, [Code::DigestMissing]);
    assert_eq!(walked.verdicts, [Valid, Valid, Missing]);
}

#[test]
fn what_an_earlier_run_verified_does_not_hide_what_is_missing_above_it() {
    let four = four();
    let seen = vec![four[0].proven(), four[2].proven(), four[3].proven()];
    let walked = back_to(&four[2], seen);
    assert_eq!(walked.codes, [Code::DigestMissing]);
    assert!(!walked.messages[0].contains("an earlier run verified it"));
}

#[test]
fn a_chain_that_passes_by_what_an_earlier_run_verified_has_a_gap_there() {
    let [_, third, second, first] = four();
    let fourth = made((3, 4), Some(&second));
    let seen = [&fourth, &second, &first].map(Made::proven);
    let walked = back_to(&third, seen.into());
    assert_eq!(walked.codes, [Code::DigestMissing]);
    let gap = Gap {
        range: range(2, 3),
        cause: GapCause::DigestMissing,
    };
    assert_eq!(walked.summary.gaps, [gap]);
}

#[test]
fn a_digest_must_lead_back() {
    let first = made((0, 1), None);
    let second = made((1, 2), Some(&first));
    let third = made((2, 3), Some(&second));
    for newer in [&second, &third] {
        let leads_on = made((1, 2), Some(newer));
        let mut walked = walk(vec![leads_on.proven(), first.proven()]);
        assert_eq!(walked.codes, [Code::DigestMalformed]);
        assert_eq!(walked.verdicts, [Invalid, Valid]);
        let message = walked.messages.remove(0);
        assert!(message.contains("not older than itself"), "{message}");
    }
}

#[test]
fn a_digest_that_is_passed_by_does_not_hide_what_its_successor_names() {
    let first = made((0, 1), None);
    let second = made((1, 2), Some(&first));
    let [other_hash, ..] = others(&first);
    let third = made((2, 3), Some(&other_hash));
    let seen = [&third, &second, &first].map(Made::proven);
    let walked = walk(seen.into());
    assert_eq!(walked.codes, [Code::DigestLinkBroken]);
    assert_eq!(walked.verdicts, [Valid, Valid, Invalid]);
}

/// A chain, and one that began anew before its last digest ended: the first, second and last of the
/// one, the first and newest of the other.
fn begun_anew() -> [Made; 5] {
    let first = made((0, 1), None);
    let second = made((1, 2), Some(&first));
    let last = made((2, 4), Some(&second));
    let began = made((2, 3), None);
    let newest = made((3, 5), Some(&began));
    [first, second, last, began, newest]
}

#[test]
fn digests_of_a_chain_that_began_anew_among_those_before_it() {
    let [first, second, last, began, newest] = begun_anew();
    let seen = |without: &[&Made]| {
        let all = [&newest, &last, &began, &second, &first].into_iter();
        let left = all.filter(|it| without.iter().all(|gone| gone.at != it.at));
        walk(left.map(Made::proven).collect())
    };
    let whole = seen(&[]);
    assert_eq!((whole.codes, whole.summary.gaps), (vec![], vec![]));
    for without in [vec![&began], vec![&second], vec![&began, &second]] {
        let walked = seen(&without);
        assert_eq!(walked.codes, vec![Code::DigestMissing; without.len()]);
    }
}

/// A trail that was made again may have a digest of the same time in another bucket.
#[test]
fn two_digests_of_one_time_are_demanded_in_two_places() {
    let first = made((0, 1), None);
    let second = made((1, 2), Some(&first));
    let last = made((2, 4), Some(&second));
    let began = made_in(1, "other", (1, 2), None);
    let newest = made_in(1, "other", (3, 5), Some(&began));
    for both in [[&began, &second], [&second, &began]] {
        let seen = [&newest, &last, both[0], both[1], &first].map(Made::proven);
        let walked = walk(seen.into());
        assert_eq!((walked.codes, walked.verdicts), (vec![], vec![Valid; 5]));
    }
    // What is found in place of the other one is not that one.
    for (there, shown) in [(&began, 1), (&began, 2), (&second, 1), (&second, 2)] {
        let mut seen = vec![newest.proven(), last.proven()];
        seen.extend((0..shown).map(|_| there.proven()));
        seen.push(first.proven());
        let walked = walk(seen);
        assert_eq!(walked.codes, [Code::DigestMissing], "{shown}");
    }
}

#[test]
fn a_copy_may_begin_behind_two_digests_that_are_demanded() {
    let [_, _, last, _, newest] = begun_anew();
    let walked = walk([&newest, &last].map(Made::proven).into());
    assert_eq!(walked.codes, []);
    let ends = walked.summary.open_ends.iter().map(|open| open.end);
    assert_eq!(ends.collect::<Vec<_>>(), [time(3), time(2)]);
}

/// Before the range nothing is missed, and what is shown on its edge is compared all the same.
#[test]
fn what_is_demanded_at_the_edges_of_the_range() {
    let [_, _, last, began, newest] = begun_anew();
    let from = Bounds::new(Some(time(2)), None).unwrap();
    let seen = [&newest, &last, &began].map(Made::proven);
    let walked = walk_from(new(from), seen.into());
    assert_eq!((walked.codes, walked.verdicts), (vec![], vec![Valid; 3]));

    let long = made((1, 4), None);
    let mut other = long.clone();
    other.digest = made((0, 2), None).digest;
    let after = made((4, 5), Some(&other));
    let until = Bounds::new(None, Some(time(2))).unwrap();
    let seen = [&after, &long].map(Made::proven);
    assert_eq!(
        walk_from(new(until), seen.into()).codes,
        [Code::DigestLinkBroken]
    );
}

/// Whatever else is planted, a digest is looked for when its time has come.
#[test]
fn what_claims_the_place_of_an_older_digest_does_not_take_its_turn() {
    let [first, second, last, began, newest] = begun_anew();
    let mut planted = second.clone();
    planted.at = last.at.clone();
    let mut seen = vec![newest.proven(), last.proven()];
    seen.push(planted.doubted(Doubt::Unsigned));
    seen.extend([&began, &second, &first].map(Made::proven));
    assert_eq!(walk(seen).codes, [Code::DigestUnsigned]);
}

/// Digests are read beyond the end of the range. What one of them names is not asked for by itself, but
/// what is gone with it may reach into the range.
#[test]
fn what_is_gone_from_the_range_and_beyond_its_end() {
    let first = made((0, 1), None);
    let second = made((1, 2), Some(&first));
    let third = made((2, 3), Some(&second));
    let fourth = made((3, 4), Some(&third));
    let until = |end| new(Bounds::new(Some(time(0)), Some(time(end))).unwrap());
    let all = [&fourth, &third, &second, &first];
    let seen = |gone: std::ops::Range<usize>| -> Vec<_> {
        let left = all.iter().enumerate().filter(|(at, _)| !gone.contains(at));
        left.map(|(_, made)| made.proven()).collect()
    };
    for (end, gone, codes) in [
        // The third digest ends after the range in each of these.
        (2, 1..3, vec![Code::DigestMissing]),
        (2, 1..4, vec![Code::DigestMissing]),
        (1, 1..4, vec![Code::DigestMissing]),
        (2, 1..2, vec![]),
        (1, 1..3, vec![]),
        (4, 1..2, vec![Code::DigestMissing]),
    ] {
        let walked = walk_from(until(end), seen(gone.clone()));
        assert_eq!(walked.codes, codes, "{end} {gone:?}");
    }
    // It is there, and proves nothing.
    for gone in [2..2, 2..3, 2..4] {
        let mut seen = seen(gone.clone());
        seen[1].1 = Sighting::Malformed("it was changed".into());
        let walked = walk_from(until(2), seen);
        let told = vec![Code::DigestMalformed; usize::from(!gone.is_empty())];
        assert_eq!(walked.codes, told, "{gone:?}");
    }
}

/// Of a backfill digest nothing is demanded, wherever the range ends.
#[test]
fn what_is_gone_of_a_backfill_chain_is_not_missed() {
    let [fourth, _, _, first] = four();
    let key = DigestKey::parse(&path(4).replace("Z.json", "Z_backfill.json")).unwrap();
    for end in [1, 2, 4] {
        let bounds = Bounds::new(Some(time(0)), Some(time(end))).unwrap();
        let walk = Walk::new(Arc::clone(key.chain()), bounds, Some(keys()));
        let walked = walk_from(walk, vec![fourth.proven(), first.proven()]);
        assert_eq!(walked.codes, [], "{end}");
    }
}
