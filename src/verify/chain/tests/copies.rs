//! Copies of one digest in several roots.

use super::*;

#[test]
fn a_copy_in_another_root_vouches_beside_the_first_one() {
    let [fourth, third, second, first] = four();
    for copied in [&fourth, &third] {
        let mut seen = vec![&fourth, &third, &second, &first];
        let mut copy = copied.clone();
        copy.at.root = RootId(1);
        let after = seen.iter().position(|it| it.at == copied.at).unwrap();
        seen.insert(after + 1, &copy);
        let walked = walk(seen.into_iter().map(Made::proven).collect());
        assert_eq!((walked.codes, walked.verdicts), (vec![], vec![Valid; 5]));
        let covered = &walked.summary.covered;
        assert_eq!(covered[&RootId(0)].ranges(), [range(1, 4)]);
        assert_eq!(covered[&RootId(1)].ranges().len(), 1);
        assert_eq!(walked.summary.gaps, []);
    }
}

/// A copy without metadata is proven by the signature that another one has kept, if it is one.
#[test]
fn a_copy_without_metadata_is_proven_by_the_one_beside_it() {
    let [fourth, third, second, first] = four();
    let walked = |copied: &Made, copy: &Made, doubt: &Doubt| {
        let all = [&fourth, &third, &second, &first];
        let mut seen: Vec<_> = all.into_iter().map(Made::proven).collect();
        let after = all.iter().position(|it| it.at == copied.at).unwrap();
        seen.insert(after + 1, copy.doubted(doubt.clone()));
        let walked = walk(seen);
        (walked.codes, walked.summary)
    };
    let in_another_root = |made: &Made| {
        let mut copy = made.clone();
        copy.at.root = RootId(1);
        copy
    };
    for copied in [&fourth, &third, &second, &first] {
        let copy = in_another_root(copied);
        let (codes, summary) = walked(copied, &copy, &Doubt::Unsigned);
        assert_eq!((codes, summary.digests.valid), (vec![], 5));
        assert_eq!((summary.from_copy, summary.from_successor), (1, 0));
        assert!(summary.covered.contains_key(&RootId(1)));
        // A signature that does not fit accuses, though the content is proven.
        let (codes, summary) = walked(copied, &copy, &Doubt::Modified("it does not fit"));
        assert_eq!(codes, [Code::DigestModified]);
        assert_eq!((summary.from_copy, summary.digests.invalid), (0, 1));
    }
    // Another digest of that time is no copy, nor is one of another bucket.
    let changed = made_in(1, BUCKET, (2, 3), None);
    let elsewhere = made_in(1, "other", (2, 3), Some(&second));
    for copy in [changed, elsewhere] {
        let (codes, summary) = walked(&third, &copy, &Doubt::Unsigned);
        assert_eq!(codes, [Code::DigestOutOfChain]);
        assert!(!summary.covered.contains_key(&RootId(1)));
    }
}

#[test]
fn a_copy_without_metadata_may_come_before_the_one_that_proves_it() {
    let [fourth, third, second, first] = four();
    let mut copy = fourth.clone();
    copy.at.root = RootId(1);
    let rest = || [&third, &second, &first].map(Made::proven);
    let from = |head: Vec<_>| walk(head.into_iter().chain(rest()).collect());
    let mut one_more = copy.clone();
    one_more.at.root = RootId(2);
    let unsigned = |made: &Made| made.doubted(Doubt::Unsigned);
    let walked = from(vec![unsigned(&fourth), unsigned(&copy), one_more.proven()]);
    assert_eq!((walked.codes, walked.verdicts), (vec![], vec![Valid; 6]));
    assert_eq!(walked.summary.from_copy, 2);
    assert_eq!(
        (walked.summary.covered.len(), walked.summary.gaps),
        (3, vec![])
    );
    assert_eq!(walked.summary.broken_at_head, None);
    // None is proven, or what is proven is another one.
    let walked = from(vec![unsigned(&fourth), unsigned(&copy)]);
    assert_eq!(walked.codes, [Code::DigestUnsigned; 2]);
    assert_eq!(walked.summary.covered.len(), 1);
    let changed = made((3, 4), None);
    let elsewhere = made_in(0, "other", (3, 4), Some(&third));
    for other in [changed, elsewhere] {
        let walked = from(vec![unsigned(&other), copy.proven()]);
        assert_eq!(walked.codes, [Code::DigestUnsigned]);
        assert_eq!(walked.verdicts[1..], [Valid; 4]);
        assert_eq!(walked.summary.covered[&RootId(1)].ranges(), [range(3, 4)]);
        assert_eq!(walked.summary.covered[&RootId(0)].ranges(), [range(1, 3)]);
    }
    // Nothing comes after it.
    assert_eq!(walk(vec![unsigned(&fourth)]).codes, [Code::DigestUnsigned]);
}

/// What waits for a copy is decided on before anything older is looked at: it leaves a gap, and stands in no chain.
#[test]
fn what_waits_for_a_copy_waits_no_longer_than_its_time() {
    let [_, third, second, first] = four();
    let planted = |hours| made(hours, None).doubted(Doubt::Unsigned);
    // At the head, and where the one before it is missing, or was verified by an earlier run.
    let seen = vec![
        planted((4, 5)),
        third.proven(),
        second.proven(),
        first.proven(),
    ];
    let walked = walk(seen);
    assert_eq!(walked.codes, [Code::DigestUnsigned]);
    assert_eq!(
        walked.summary.broken_at_head,
        Some(GapCause::DigestUnverified)
    );
    let walked = back_to(&third, vec![planted((4, 5))]);
    assert_eq!(walked.codes, [Code::DigestUnsigned, Code::DigestMissing]);
    let mut elsewhere = third.clone();
    elsewhere.location = ObjectLocation::new("elsewhere", path(3));
    let unsigned = third.doubted(Doubt::Unsigned);
    let walked = back_to(&elsewhere, vec![unsigned, second.proven(), first.proven()]);
    assert_eq!(walked.codes, [Code::DigestUnsigned]);
    assert_eq!(walked.verdicts, [DigestVerdict::Unverified, Valid, Valid]);
    // What an earlier run verified is not asked for again when it has been seen.
    let mut one = new(Bounds::default()).back_to(Some(elsewhere.remembered()));
    let (at, sighting) = third.doubted(Doubt::Unsigned);
    assert_eq!(one.observe(&at, sighting).len(), 2);
    assert_eq!(one.demands_before(None), None);
    // However many come that nothing proves, only those of one time wait.
    let mut many = new(Bounds::default());
    for (hour, told) in [(9, 0), (8, 2), (7, 2)] {
        let (at, sighting) = planted((hour - 1, hour));
        assert_eq!(many.observe(&at, sighting).len(), told, "{hour}");
    }
}

/// Digests of one time that lie in two buckets are copied each for itself.
#[test]
fn copies_of_two_digests_of_one_time_are_each_proven() {
    let first = made((0, 1), None);
    let second = made((1, 2), Some(&first));
    let last = made((2, 4), Some(&second));
    let began = made_in(1, "other", (1, 2), None);
    let newest = made_in(1, "other", (3, 5), Some(&began));
    for both in [[&began, &second], [&second, &began]] {
        let mut seen = vec![newest.proven(), last.proven()];
        seen.extend(both.map(Made::proven));
        seen.extend(both.map(|made| {
            let mut copy = made.clone();
            copy.at.root = RootId(2);
            copy.doubted(Doubt::Unsigned)
        }));
        seen.push(first.proven());
        let walked = walk(seen);
        assert_eq!((walked.codes, walked.verdicts), (vec![], vec![Valid; 7]));
    }
}
