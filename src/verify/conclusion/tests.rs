//! What tallies come to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::super::chain::{Binding, ChainSummary, DigestCounts, Gap, GapCause, OpenEnd};
use super::super::coverage::Covered;
use super::super::finding::{Code, Finding, Subject};
use super::super::inventory::Inventory;
use super::super::location::{AccountRegion, ChainId, DigestKey, LogKind, RootId};
use super::super::time::{Bounds, TimeRange};
use super::*;

const ROOT: RootId = RootId(0);

/// Minutes after a midnight.
fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_577_923_200 + minute * 60).unwrap()
}

fn range(start: i64, end: i64) -> TimeRange {
    TimeRange::new(at(start), at(end)).unwrap()
}

fn key(account: &str, region: &str, trail: &str, backfill: &str) -> DigestKey {
    let path = format!(
        "AWSLogs/{account}/CloudTrail-Digest/{region}/2020/01/02/{account}_CloudTrail-Digest_{region}_{trail}_us-east-1_20200102T000000Z{backfill}.json.gz"
    );
    DigestKey::parse(&path).unwrap()
}

fn hourly(region: &str, trail: &str) -> Arc<ChainId> {
    Arc::clone(key("123456789012", region, trail, "").chain())
}

/// A chain of valid digests that covers this.
fn chain(id: &Arc<ChainId>, start: i64, end: i64) -> ChainTally {
    let mut covered = Covered::default();
    covered.add(range(start, end));
    ChainTally {
        summary: ChainSummary {
            chain: Arc::clone(id),
            covered: BTreeMap::from([(ROOT, covered)]),
            doubtful: Covered::default(),
            gaps: Vec::new(),
            digests: DigestCounts {
                valid: 1,
                ..DigestCounts::default()
            },
            fingerprints: BTreeSet::new(),
            newest: None,
            newest_end: Some(at(end)),
            oldest_start: Some(at(start)),
            stored_plain: 0,
            from_successor: 0,
            bindings: Vec::new(),
            open_end: None,
            broken_at_head: None,
            broken_at_bottom: None,
        },
        logs: LogCounts::default(),
    }
}

fn tally(chains: Vec<ChainTally>) -> Tally {
    Tally {
        digests_seen: chains.len() as u64,
        chains,
        ..Tally::default()
    }
}

/// Weighed between two minutes, long after them.
fn reach_in(tally: Tally, start: Option<i64>, end: Option<i64>) -> Conclusion {
    let weights = Weights {
        bounds: Bounds::new(start.map(at), end.map(at)).unwrap(),
        now: at(1_000_000),
        allow: BTreeSet::new(),
        deny: BTreeSet::new(),
    };
    Conclusion::reach(tally, &weights)
}

fn reach(tally: Tally) -> Conclusion {
    reach_in(tally, None, None)
}

fn codes(reached: &Conclusion) -> Vec<Code> {
    reached.findings.iter().map(|it| it.finding.code).collect()
}

fn found(code: Code, chain: Option<&str>) -> Finding {
    let finding = Finding::new(code, Subject::Run);
    match chain {
        Some(chain) => finding.in_chain(&chain.into()),
        None => finding,
    }
}

#[test]
fn nothing_verified_is_no_success() {
    let id = hourly("us-east-1", "t");
    let valid = reach(tally(vec![chain(&id, 0, 60)]));
    assert_eq!((valid.verdict(), codes(&valid)), (Verdict::Valid, vec![]));
    let nothing = reach(Tally::default());
    assert_eq!(nothing.verdict(), Verdict::Unverified);
    assert_eq!(codes(&nothing), [Code::NoDigests]);
    let mut unproven = tally(vec![chain(&id, 0, 60)]);
    unproven.chains[0].summary.digests.valid = 0;
    let unproven = reach(unproven);
    assert_eq!(
        (unproven.verdict(), codes(&unproven)),
        (Verdict::Unverified, vec![])
    );
}

#[test]
fn the_worst_finding_decides() {
    let id = hourly("us-east-1", "t");
    for (found_codes, verdict) in [
        (&[Code::LogPending][..], Verdict::Valid),
        (&[Code::LogPending, Code::LogUncovered], Verdict::Unverified),
        (&[Code::LogModified, Code::LogUncovered], Verdict::Invalid),
    ] {
        let mut tally = tally(vec![chain(&id, 0, 60)]);
        tally.findings = found_codes.iter().map(|code| found(*code, None)).collect();
        assert_eq!(reach(tally).verdict(), verdict, "{found_codes:?}");
    }
}

#[test]
fn what_was_interrupted_is_never_valid() {
    let id = hourly("us-east-1", "t");
    let whole = reach(tally(vec![chain(&id, 0, 60)]));
    assert_eq!(whole.exit_status(), ExitStatus::Valid);
    let stopped = whole.stopped();
    assert_eq!(stopped.verdict(), Verdict::Unverified);
    assert_eq!(stopped.exit_status(), ExitStatus::Interrupted);
    let mut interrupted = tally(vec![chain(&id, 0, 60)]);
    interrupted.interrupted = true;
    assert_eq!(reach(interrupted).verdict(), Verdict::Unverified);
    // What it has not come to is not missing either.
    let mut nothing = Tally {
        interrupted: true,
        ..Tally::default()
    };
    assert_eq!(codes(&reach(nothing)), []);
    nothing = tally(vec![chain(&id, 0, 60)]);
    nothing.interrupted = true;
    assert_eq!(codes(&reach_in(nothing, Some(-600), Some(600))), []);
    let mut wrong = tally(vec![chain(&id, 0, 60)]);
    wrong.findings.push(found(Code::LogModified, None));
    let stopped = reach(wrong).stopped();
    assert_eq!(stopped.verdict(), Verdict::Invalid);
}

#[test]
fn statuses_are_those_that_users_rely_on() {
    let told = [Verdict::Valid, Verdict::Invalid, Verdict::Unverified];
    let status = |verdict| ExitStatus::of(verdict, false).code();
    assert_eq!(told.map(status), [0, 1, 3]);
    assert_eq!(told.map(Verdict::name), ["valid", "invalid", "unverified"]);
    assert!(
        told.into_iter()
            .all(|it| ExitStatus::of(it, true).code() == 130)
    );
    assert_eq!(ExitStatus::Setup.code(), 2);
}

#[test]
fn a_chain_is_clean_where_nothing_that_weighs_bears_on_it() {
    let id = hourly("us-east-1", "t");
    let name = id.to_string();
    let place = id.place().to_string();
    for (finding, clean) in [
        (found(Code::LogPending, Some(&name)), true),
        (found(Code::LogUncovered, Some(&name)), false),
        (found(Code::LogModified, Some(&name)), false),
        (found(Code::LogUncovered, Some(&place)), false),
        (found(Code::LogUncovered, None), false),
        (found(Code::LogModified, Some("another")), true),
    ] {
        let mut tally = tally(vec![chain(&id, 0, 60)]);
        tally.findings.push(finding.clone());
        let reached = reach(tally);
        assert_eq!(reached.is_clean(&id), clean, "{finding:?}");
        assert!(!reached.stopped().is_clean(&id));
    }
}

#[test]
fn counts_add_up() {
    let mut chains = Vec::new();
    for (trail, times) in [("a", 1), ("b", 2)] {
        let mut one = chain(&hourly("us-east-1", trail), 0, 60);
        one.summary.digests = DigestCounts {
            valid: 2 * times,
            invalid: 3 * times,
            missing: 5 * times,
            unverified: 7 * times,
        };
        one.logs = LogCounts {
            valid: 11 * times,
            invalid: 13 * times,
            missing: 17 * times,
            unreferenced: 19 * times,
            unverified: 23 * times,
            stored_plain: 29 * times,
        };
        chains.push(one);
    }
    let reached = reach(tally(chains));
    let digests = DigestCounts {
        valid: 6,
        invalid: 9,
        missing: 15,
        unverified: 21,
    };
    let logs = LogCounts {
        valid: 33,
        invalid: 39,
        missing: 51,
        unreferenced: 57,
        unverified: 69,
        stored_plain: 87,
    };
    assert_eq!((reached.digests, reached.logs), (digests, logs));
    assert_eq!(reached.chains.len(), 2);
}

#[test]
fn notices_count_what_they_are_about() {
    let told = |digests, logs, successors| {
        let mut one = chain(&hourly("us-east-1", "t"), 0, 60);
        one.summary.stored_plain = digests;
        one.logs.stored_plain = logs;
        one.summary.from_successor = successors;
        let reached = reach(tally(vec![one]));
        assert_eq!(reached.verdict(), Verdict::Valid);
        let messages = reached
            .findings
            .iter()
            .map(|it| it.finding.message().to_owned());
        messages.collect::<Vec<_>>()
    };
    assert_eq!(told(0, 0, 0), [""; 0]);
    let plain = "3 objects are intact, but stored as plain JSON";
    assert_eq!(told(2, 1, 0), [plain]);
    assert!(told(0, 1, 0)[0].starts_with("1 objects"));
    assert!(told(1, 0, 0)[0].starts_with("1 objects"));
    assert!(told(0, 0, 1)[0].starts_with("1 digests have no signature"));
}

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
        one.summary.open_end = open.map(|end| OpenEnd {
            finding: found(Code::DigestMissing, None),
            end: at(end),
        });
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

#[test]
fn a_trail_of_many_regions_is_silent_in_none() {
    let place = |account: &str, region: &str| AccountRegion::new(None, account, region).unwrap();
    let organization =
        AccountRegion::new(Some("o-abcde12345"), "123456789012", "eu-west-3").unwrap();
    let reached = |regions: &[&str], end| {
        let chains = regions
            .iter()
            .map(|region| chain(&hourly(region, "t"), 0, 60));
        let mut tally = tally(chains.collect());
        tally.places = BTreeSet::from([
            place("123456789012", "us-east-1"),
            place("123456789012", "eu-west-2"),
            place("123456789013", "eu-west-1"),
            organization.clone(),
        ]);
        for region in regions {
            tally.places.insert(place("123456789012", region));
        }
        let reached = reach_in(tally, None, end);
        let silent = reached.findings.into_iter().map(|it| it.finding);
        let silent = silent.filter(|it| it.code == Code::RegionSilent);
        silent
            .map(|it| it.chain.unwrap().to_string())
            .collect::<Vec<_>>()
    };
    let silent = "123456789012/eu-west-2/t";
    assert_eq!(reached(&["us-east-1", "eu-west-1"], None), [silent]);
    assert_eq!(
        reached(&["us-east-1", "eu-west-1", "eu-west-2"], None),
        [""; 0]
    );
    // Of the trail's own region only, and of time that none of it covers.
    assert_eq!(reached(&["us-east-1"], None), [""; 0]);
    assert_eq!(reached(&["us-east-1", "eu-west-1"], Some(-10)), [""; 0]);
    let other = [silent, "123456789012/us-east-1/t"];
    assert_eq!(reached(&["eu-west-1"], None), other);
}

#[test]
fn digests_of_one_root_and_time_state_one_bucket() {
    let newest = key("123456789012", "us-east-1", "t", "");
    let binding = |root, bucket: &str, prefix: &str, (start, end), digests| Binding {
        root: RootId(root),
        bucket: bucket.into(),
        prefix: prefix.into(),
        range: range(start, end),
        digests,
        newest: newest.clone(),
    };
    let reached = |other: Binding| {
        let mut one = chain(&hourly("us-east-1", "t"), 0, 60);
        one.summary.bindings = vec![other, binding(0, "bucket", "", (0, 60), 9)];
        let reached = reach(tally(vec![one]));
        let moved = reached.findings.into_iter();
        moved
            .map(|it| (it.finding.code, it.bucket))
            .collect::<Vec<_>>()
    };
    let moved = |bucket: &str| vec![(Code::DigestMoved, Some(bucket.into()))];
    assert_eq!(
        reached(binding(0, "other", "", (59, 90), 1)),
        moved("other")
    );
    assert_eq!(
        reached(binding(0, "other", "", (-60, 1), 1)),
        moved("other")
    );
    assert_eq!(
        reached(binding(0, "bucket", "p", (10, 20), 1)),
        moved("bucket")
    );
    assert_eq!(
        reached(binding(0, "more", "", (10, 20), 10)),
        moved("bucket")
    );
    for beside in [
        binding(0, "other", "", (60, 90), 1),
        binding(0, "other", "", (-60, 0), 1),
        binding(1, "other", "", (0, 60), 1),
        binding(0, "bucket", "", (10, 20), 1),
    ] {
        assert_eq!(reached(beside.clone()), [], "{beside:?}");
    }
}

#[test]
fn a_listed_object_lies_in_the_bucket_of_its_time() {
    let newest = key("123456789012", "us-east-1", "t", "");
    let binding = |root, bucket: &str, prefix: &str, (start, end)| Binding {
        root: RootId(root),
        bucket: bucket.into(),
        prefix: prefix.into(),
        range: range(start, end),
        digests: 1,
        newest: newest.clone(),
    };
    let place = |root, time: Option<i64>| {
        let mut one = chain(&hourly("us-east-1", "t"), 0, 60);
        one.summary.bindings = vec![
            binding(0, "early", "", (0, 60)),
            binding(0, "late", "p/q", (120, 180)),
            binding(1, "beside", "", (0, 180)),
        ];
        let mut tally = tally(vec![one]);
        tally
            .stated
            .insert(RootId(2), ("stated".into(), "r".into()));
        tally.findings.push(Finding::new(
            Code::LogModified,
            Subject::Listed {
                root: RootId(root),
                path: "x".into(),
                time: time.map(at),
            },
        ));
        let told = reach(tally).findings.remove(0);
        (
            told.bucket.map(|it| it.to_string()),
            told.key.unwrap().to_string(),
        )
    };
    let told = |bucket: &str, key: &str| (Some(bucket.to_owned()), key.to_owned());
    for time in [-10, 0, 60, 80] {
        assert_eq!(place(0, Some(time)), told("early", "x"), "{time}");
    }
    for time in [100, 120, 180, 900] {
        assert_eq!(place(0, Some(time)), told("late", "p/q/x"), "{time}");
    }
    assert_eq!(place(0, None), told("early", "x"));
    assert_eq!(place(1, Some(150)), told("beside", "x"));
    assert_eq!(place(2, Some(150)), told("stated", "r/x"));
    assert_eq!(place(3, Some(150)), (None, "x".to_owned()));
}

#[test]
fn logs_before_the_first_day_are_missing_where_the_copy_reaches_there() {
    let id = hourly("us-east-1", "t");
    let reached = |first, reaches| {
        let mut tally = tally(vec![
            chain(&id, 0, 60),
            chain(&hourly("us-east-1", "u"), 0, 60),
        ]);
        tally.first_day = Some(at(first));
        tally.reaches_before_first_day = reaches;
        tally.before_first_day.push(BeforeFirstDay {
            day: at(0),
            finding: found(Code::LogMissing, Some(&id.to_string())),
        });
        let reached = reach(tally);
        let missing: Vec<_> = reached.chains.iter().map(|it| it.logs.missing).collect();
        (codes(&reached), missing)
    };
    assert_eq!(reached(0, false), (vec![], vec![0, 0]));
    let missing = (vec![Code::LogMissing], vec![1, 0]);
    assert_eq!(reached(0, true), missing);
    assert_eq!(reached(-1440, false), missing);
    assert_eq!(reached(1440, false), (vec![], vec![0, 0]));
}

/// A log at a minute of the day, of this kind.
fn leftover(inventory: &mut Inventory, kind: LogKind, minute: i64) {
    let (hours, minutes) = (minute / 60, minute % 60);
    let rest = format!(
        "2020/01/02/123456789012_{}_us-east-1_20200102T{hours:02}{minutes:02}Z_{minute:016}.json.gz",
        kind.folder()
    );
    inventory.add(kind, &rest, false);
}

fn leftovers(logs: &[(LogKind, i64)]) -> Leftovers {
    let place = AccountRegion::new(None, "123456789012", "us-east-1").unwrap();
    let mut inventory = Inventory::new(place.clone());
    for (kind, minute) in logs {
        leftover(&mut inventory, *kind, *minute);
    }
    inventory.seal();
    Leftovers {
        place,
        root: ROOT,
        was_followed: false,
        logs: inventory.into_leftovers(),
    }
}

#[test]
fn logs_that_nothing_names_stand_by_their_time() {
    let id = hourly("us-east-1", "t");
    let logs = [
        (LogKind::CloudTrail, 60),
        (LogKind::CloudTrail, 300),
        (LogKind::CloudTrail, 200),
    ];
    let base = || {
        let mut tally = tally(vec![chain(&id, 0, 120)]);
        tally.leftovers.push(leftovers(&logs));
        tally
    };
    let told = |tally| {
        let reached = reach_in(tally, None, Some(200));
        (
            codes(&reached),
            reached.logs.unreferenced,
            reached.logs.unverified,
        )
    };
    // The third lies at the end of the range, and the second beyond it.
    assert_eq!(told(base()), (vec![Code::LogUnreferenced], 1, 0));
    let reached = reach_in(base(), Some(0), Some(900));
    assert_eq!((reached.logs.unreferenced, reached.logs.unverified), (1, 2));
    let open = reach(base());
    let expected = [
        Code::LogUnreferenced,
        Code::LogUncovered,
        Code::LogUncovered,
    ];
    assert_eq!(codes(&open), expected);
    let mut near = tally(vec![chain(&id, 0, 120)]);
    near.leftovers
        .push(leftovers(&[(LogKind::CloudTrail, 130)]));
    assert_eq!(codes(&reach(near)), [Code::LogPending]);
    let mut followed = base();
    followed.leftovers[0].was_followed = true;
    let reached = reach_in(followed, Some(0), Some(900));
    assert_eq!((reached.logs.unreferenced, reached.logs.unverified), (1, 0));
    let mut afar = base();
    let named = afar.leftovers[0].logs[0].path(&afar.leftovers[0].place);
    afar.named_from_afar.insert(named.into());
    assert_eq!(told(afar), (vec![], 0, 0));
    // Nothing is sure where digests could not be listed, or verified.
    let mut unlisted = base();
    unlisted.unlisted_digests.insert(id.place().clone());
    assert_eq!(told(unlisted), (vec![Code::LogUncovered], 0, 1));
    let mut doubted = base();
    let mut time = Covered::default();
    time.add(range(50, 70));
    let place = id.place().clone();
    doubted.doubts.push(Doubt {
        place,
        time: time.clone(),
    });
    assert_eq!(told(doubted), (vec![Code::LogUncovered], 0, 1));
    let mut doubtful = base();
    doubtful.chains[0].summary.doubtful = time;
    assert_eq!(told(doubtful), (vec![Code::LogUncovered], 0, 1));
}

#[test]
fn a_backfill_covers_nothing() {
    let backfill = Arc::clone(key("123456789012", "us-east-1", "t", "_backfill").chain());
    let mut tally = tally(vec![chain(&backfill, 0, 120)]);
    tally
        .leftovers
        .push(leftovers(&[(LogKind::CloudTrail, 60)]));
    let reached = reach_in(tally, Some(0), Some(120));
    assert_eq!(reached.logs.unreferenced, 0);
    assert_eq!(codes(&reached), [Code::LogUncovered]);
}

#[test]
fn kinds_that_no_digest_names_are_told_in_one() {
    let id = hourly("us-east-1", "t");
    let logs = [
        (LogKind::Insight, 60),
        (LogKind::Insight, 61),
        (LogKind::Aggregated, 62),
    ];
    let reached = |named: &[LogKind]| {
        let mut tally = tally(vec![chain(&id, 0, 120)]);
        tally.leftovers.push(leftovers(&logs));
        tally.kinds_named.extend(named);
        reach(tally)
    };
    let none = reached(&[]);
    let kinds = [Code::KindUndigested, Code::KindUndigested];
    assert_eq!((codes(&none), none.logs.unreferenced), (kinds.to_vec(), 0));
    let messages: Vec<_> = none
        .findings
        .iter()
        .map(|it| it.finding.message())
        .collect();
    assert!(
        messages
            .iter()
            .any(|it| it.starts_with("2 logs of kind CloudTrail-Insight"))
    );
    let insight = reached(&[LogKind::Insight]);
    assert_eq!(insight.logs.unreferenced, 2);
    let codes = codes(&insight);
    assert_eq!(
        codes
            .iter()
            .filter(|code| **code == Code::LogUnreferenced)
            .count(),
        2
    );
}
