//! Which events explain what: questions to ledgers that were filled for them.

use std::sync::Arc;

use jiff::Timestamp;

use super::super::location::{ChainId, DigestKey, ObjectLocation};
use super::super::testing::{at, event, range};
use super::*;

const ARN: &str = "arn:aws:cloudtrail:us-east-1:123456789012:trail/t";

/// The chain of the trail `t`, whose home is us-east-1.
fn chain(organization: &str, account: &str, region: &str) -> Arc<ChainId> {
    let path = format!(
        "AWSLogs/{organization}{account}/CloudTrail-Digest/{region}/2020/01/02/{account}_CloudTrail-Digest_{region}_t_us-east-1_20200102T000000Z.json.gz"
    );
    Arc::clone(DigestKey::parse(&path).unwrap().chain())
}

fn evidence(events: Vec<RecordedEvent>) -> Evidence {
    let mut ledger = Ledger::default();
    let log = ObjectLocation::new("bucket", "log");
    ledger.add(&"chain".into(), &log, events);
    Evidence::new(&ledger)
}

/// Which deeds explain it, and when they were done.
fn told(explained: &Explained) -> Vec<(Deed, Timestamp)> {
    let events = explained.events.iter();
    events.map(|it| (it.event.deed, it.event.at)).collect()
}

/// What explains that nothing covers the time from the 100th to the 300th minute.
fn gap(events: Vec<RecordedEvent>) -> Explained {
    let chain = chain("", "123456789012", "us-east-1");
    evidence(events).explain(Question::Gap(&chain, range(100, 300)))
}

#[test]
fn what_ends_a_chain_and_what_begins_one() {
    use Deed::{
        CreateTrail, DeleteTrail, PutEventSelectors, StartLogging, StopLogging, UpdateTrail,
    };
    let bucket = || Some("new".into());
    for deed in Deed::ALL {
        for (validation, bucket, updates) in [
            (None, None, (false, false)),
            (None, bucket(), (true, true)),
            (Some(true), None, (false, true)),
            (Some(true), bucket(), (false, true)),
            (Some(false), None, (true, false)),
            (Some(false), bucket(), (true, false)),
        ] {
            let done = |minute| RecordedEvent {
                validation,
                bucket: bucket.clone(),
                ..event(deed, minute)
            };
            let (ends, begins) = match deed {
                StopLogging | DeleteTrail | PutEventSelectors => (true, false),
                StartLogging | CreateTrail => (false, true),
                UpdateTrail => updates,
                Deed::DeleteObject
                | Deed::DeleteObjects
                | Deed::PutBucketLifecycle
                | Deed::PutObject => (false, false),
            };
            let expected = |is: bool, minute| Vec::from_iter(is.then(|| (deed, at(minute))));
            let case = format!("{deed:?} {validation:?} {bucket:?}");
            let at_start = gap(vec![done(90)]);
            assert_eq!(told(&at_start), expected(ends, 90), "{case}");
            // What may have ended it need not have.
            assert_eq!(at_start.perhaps, deed == PutEventSelectors, "{case}");
            let chain = chain("", "123456789012", "us-east-1");
            let at_end = evidence(vec![done(290)]);
            let late = at_end.explain(Question::StartsLate(&chain, range(100, 300)));
            assert_eq!(told(&late), expected(begins, 290), "{case}");
            let early = at_end.explain(Question::EndsEarly(&chain, range(280, 300)));
            assert_eq!(told(&early), expected(ends, 290), "{case}");
        }
    }
}

#[test]
fn the_first_that_ended_it_counts_and_the_nearest_that_began_it() {
    use Deed::{CreateTrail, DeleteTrail, PutEventSelectors, StartLogging, StopLogging};
    let all = gap(vec![
        event(PutEventSelectors, 45),
        event(StopLogging, 50),
        event(DeleteTrail, 60),
        event(CreateTrail, 250),
        event(StartLogging, 290),
        event(StartLogging, 312),
    ]);
    assert_eq!(told(&all), [(StopLogging, at(50)), (StartLogging, at(290))]);
    assert!(!all.perhaps);
    for (minute, ends, begins) in [
        (39, false, false),
        (40, true, false),
        (239, true, false),
        (240, true, true),
        (300, true, true),
        (301, false, true),
        (315, false, true),
        (316, false, false),
    ] {
        let is = |deed| !gap(vec![event(deed, minute)]).events.is_empty();
        assert_eq!(is(StopLogging), ends, "{minute}");
        assert_eq!(is(PutEventSelectors), ends, "{minute}");
        assert_eq!(is(StartLogging), begins, "{minute}");
    }
}

#[test]
fn a_trail_is_known_by_its_name_at_home_and_by_its_arn_anywhere() {
    let here = || chain("", "123456789012", "us-east-1");
    let other_region = || chain("", "123456789012", "eu-west-1");
    let other_account = || chain("", "210987654321", "us-east-1");
    let organization = || chain("o-abcdefghij/", "210987654321", "eu-west-1");
    let (home, region, account) = ("123456789012", "eu-west-1", "210987654321");
    let arn = |text: &str, by: &str| ARN.replace(text, by);
    for (trail, recorded, chain, is) in [
        (Some("t".into()), (home, "us-east-1"), here(), true),
        (Some("t".into()), (home, "us-east-1"), other_region(), true),
        (Some("t".into()), (home, region), here(), false),
        (Some("t".into()), (home, region), other_region(), false),
        (Some("t".into()), (account, "us-east-1"), here(), false),
        (
            Some("t".into()),
            (home, "us-east-1"),
            other_account(),
            false,
        ),
        (Some("t".into()), (home, "us-east-1"), organization(), true),
        (Some("t".into()), (home, region), organization(), false),
        (Some("other".into()), (home, "us-east-1"), here(), false),
        (None, (home, "us-east-1"), here(), false),
        (Some(ARN.into()), (home, "us-east-1"), here(), true),
        (Some(ARN.into()), (account, region), other_region(), true),
        (Some(ARN.into()), (home, region), organization(), true),
        (Some(ARN.into()), (home, region), other_account(), false),
        (
            Some(arn("us-east-1", region)),
            (home, region),
            here(),
            false,
        ),
        (Some(arn(home, account)), (home, region), here(), false),
        (
            Some(arn("trail/t", "trail/other")),
            (home, region),
            here(),
            false,
        ),
        (
            Some(arn("trail/t", "channel/t")),
            (home, region),
            here(),
            false,
        ),
        (Some(arn("cloudtrail", "s3")), (home, region), here(), false),
    ] {
        let case = format!("{trail:?} {recorded:?} {chain}");
        let stopped = RecordedEvent {
            trail: trail.map(String::into),
            account: recorded.0.into(),
            region: recorded.1.into(),
            ..event(Deed::StopLogging, 100)
        };
        let question = Question::EndsEarly(&chain, range(100, 300));
        let explained = evidence(vec![stopped]).explain(question);
        assert_eq!(!explained.events.is_empty(), is, "{case}");
    }
}

#[test]
fn the_last_deed_to_an_object_counts() {
    use Deed::{DeleteObject, DeleteObjects, PutBucketLifecycle, PutObject};
    let of = |deed, minute, bucket: Option<&str>, key: Option<&str>| RecordedEvent {
        bucket: bucket.map(Into::into),
        key: key.map(Into::into),
        ..event(deed, minute)
    };
    let (bucket, key) = (Some("bucket"), Some("key"));
    let evidence = evidence(vec![
        of(DeleteObject, 1, bucket, key),
        of(DeleteObject, 2, bucket, key),
        of(DeleteObject, 3, bucket, None),
        of(DeleteObject, 4, None, key),
        of(PutObject, 5, bucket, key),
        of(PutObject, 6, bucket, key),
        of(PutObject, 7, bucket, Some("other")),
        of(PutBucketLifecycle, 8, bucket, None),
        of(DeleteObjects, 9, bucket, None),
        of(PutBucketLifecycle, 10, Some("third"), None),
    ]);
    let object = ObjectLocation::new;
    let here = object("bucket", "key");
    let elsewhere = object("other", "key");
    for (question, expected, perhaps) in [
        (Question::Gone(&here), vec![(DeleteObject, at(2))], false),
        (Question::Written(&here), vec![(PutObject, at(6))], false),
        (
            Question::Gone(&object("bucket", "other")),
            vec![(DeleteObjects, at(9))],
            true,
        ),
        (
            Question::Written(&object("bucket", "other")),
            vec![(PutObject, at(7))],
            false,
        ),
        (
            Question::Gone(&object("third", "key")),
            vec![(PutBucketLifecycle, at(10))],
            true,
        ),
        (Question::Written(&elsewhere), vec![], false),
    ] {
        let explained = evidence.explain(question);
        assert_eq!(told(&explained), expected, "{question:?}");
        assert_eq!(explained.perhaps, perhaps, "{question:?}");
    }
    assert!(
        evidence
            .explain(Question::Gone(&elsewhere))
            .events
            .is_empty()
    );
    assert!(!evidence.has_overflowed());
}

#[test]
fn evidence_tells_whether_all_of_it_was_kept() {
    for (events, overflowed) in [(500, false), (501, true)] {
        let events: Vec<_> = (0..events).map(|at| event(Deed::PutObject, at)).collect();
        assert_eq!(evidence(events).has_overflowed(), overflowed);
    }
}
