//! What events add to findings.

use super::super::super::evidence::{Deed, Ledger, RecordedEvent};
use super::super::super::location::ObjectLocation;
use super::super::super::testing::event;
use super::*;

fn ledger(events: Vec<RecordedEvent>) -> Ledger {
    let mut ledger = Ledger::default();
    let log = ObjectLocation::new("logs", "log");
    ledger.add(&"chain".into(), &log, events);
    ledger
}

/// What is said of one finding in the light of these events.
fn said(finding: Finding, events: impl Into<Option<Ledger>>) -> String {
    let id = hourly("us-east-1", "t");
    let mut tally = tally(vec![chain(&id, 0, 60)]);
    tally.findings = vec![finding.in_chain(&id.to_string().into()).detail("It is so.")];
    tally.evidence = events.into();
    reach(tally).findings[0].finding.message().to_owned()
}

fn of_time(code: Code) -> Finding {
    Finding::new(code, Subject::Run).spanning(range(100, 300))
}

fn of_object(code: Code) -> Finding {
    Finding::new(code, Subject::Object(ObjectLocation::new("bucket", "key")))
}

/// What was done to the object at this minute.
fn done(deed: Deed, minute: i64) -> RecordedEvent {
    RecordedEvent {
        bucket: Some("bucket".into()),
        key: Some("key".into()),
        ..event(deed, minute)
    }
}

#[test]
fn what_explains_a_finding_is_told_with_who_did_it_and_which_log_tells() {
    let stopped = event(Deed::StopLogging, 90);
    let started = RecordedEvent {
        who: "".into(),
        address: "".into(),
        ..event(Deed::StartLogging, 290)
    };
    let stop = "StopLogging by eve from 192.0.2.1 at 2020-01-02T01:30:00Z explains it, as the verified log s3://logs/log tells";
    let start = "StartLogging by unknown from unknown at 2020-01-02T04:50:00Z explains it, as the verified log s3://logs/log tells";
    let both = format!("It is so; {stop}, and {start}");
    let events = || ledger(vec![stopped.clone(), started.clone()]);
    assert_eq!(said(of_time(Code::CoverageGap), events()), both);
    let late = said(of_time(Code::CoverageStartsLate), events());
    assert_eq!(late, format!("It is so; {start}"));
    let early = said(of_time(Code::CoverageEndsEarly), events());
    assert_eq!(early, format!("It is so; {stop}"));
    let selectors = ledger(vec![event(Deed::PutEventSelectors, 90)]);
    let perhaps = said(of_time(Code::CoverageGap), selectors);
    assert!(perhaps.contains("2020-01-02T01:30:00Z may explain it"));
}

#[test]
fn time_that_nothing_explains_is_told_as_such_and_other_findings_stay() {
    let none = "It is so; no verified event explains it";
    let gap = |events: Option<Ledger>| said(of_time(Code::CoverageGap), events);
    assert_eq!(gap(Some(ledger(vec![]))), none);
    assert_eq!(
        said(of_time(Code::CoverageStartsLate), ledger(vec![])),
        none
    );
    let many = ledger((0..501).map(|at| event(Deed::PutObject, at)).collect());
    let as_far = format!("{none}, as far as events were kept: there were very many");
    assert_eq!(gap(Some(many)), as_far);
    // Where no logs were read, nothing is said of events.
    assert_eq!(gap(None), "It is so.");
    assert_eq!(
        said(of_time(Code::CoverageEndsEarly), ledger(vec![])),
        "It is so."
    );
    assert_eq!(
        said(of_object(Code::LogMissing), ledger(vec![])),
        "It is so."
    );
}

#[test]
fn objects_are_explained_by_what_was_done_to_them() {
    let code = |code| {
        let events = ledger(vec![done(Deed::DeleteObject, 5), done(Deed::PutObject, 6)]);
        let said = said(of_object(code), events);
        ["DeleteObject by eve", "PutObject by eve"].map(|deed| said.contains(deed))
    };
    for gone in [Code::DigestMissing, Code::LogMissing] {
        assert_eq!(code(gone), [true, false], "{gone}");
    }
    for written in [
        Code::DigestModified,
        Code::DigestMalformed,
        Code::DigestOutOfChain,
        Code::LogModified,
        Code::LogMalformed,
        Code::LogUnreferenced,
    ] {
        assert_eq!(code(written), [false, true], "{written}");
    }
    assert_eq!(code(Code::DigestUnsigned), [false, false]);
}

#[test]
fn gaps_of_a_chain_have_the_events_that_explain_them() {
    let id = hourly("us-east-1", "t");
    for (cause, explained) in [
        (
            GapCause::StartingDigest,
            &[Deed::StopLogging, Deed::StartLogging][..],
        ),
        (
            GapCause::NotContiguous,
            &[Deed::StopLogging, Deed::StartLogging],
        ),
        (GapCause::DigestMissing, &[]),
        (GapCause::DigestInvalid, &[]),
        (GapCause::DigestUnverified, &[]),
    ] {
        let mut one = chain(&id, 0, 360);
        let range = range(100, 300);
        one.summary.gaps = vec![Gap { range, cause }];
        let mut tally = tally(vec![one]);
        let events = [(Deed::StopLogging, 90), (Deed::StartLogging, 290)];
        let events = events.map(|(deed, at)| event(deed, at));
        tally.evidence = Some(ledger(events.into()));
        let reached = reach(tally);
        let events = reached.chains[0].gaps[0].events.iter();
        let deeds: Vec<_> = events.map(|it| it.event.deed).collect();
        assert_eq!(deeds, explained, "{cause:?}");
    }
}
