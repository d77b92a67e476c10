//! What tallies come to.

mod chains;
mod explaining;
mod logs;
mod places;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::chain::{Binding, ChainSummary, DigestCounts, Gap, GapCause, OpenEnd};
use super::super::coverage::Covered;
use super::super::finding::{Code, Finding, Subject};
use super::super::inventory::Inventory;
use super::super::location::{AccountRegion, ChainId, DigestKey, LogKind, RootId};
use super::super::testing::{at, range};
use super::super::time::Bounds;
use super::*;

const ROOT: RootId = RootId(0);

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
            covered: BTreeMap::from([(ROOT, covered)]),
            digests: DigestCounts {
                valid: 1,
                ..DigestCounts::default()
            },
            newest_end: Some(at(end)),
            oldest_start: Some(at(start)),
            ..ChainSummary::new(Arc::clone(id))
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
    let other = hourly("us-east-1", "u");
    let elsewhere = hourly("eu-west-1", "t").place().to_string();
    for (finding, clean) in [
        (found(Code::LogPending, Some(&name)), true),
        (found(Code::LogUncovered, Some(&name)), false),
        (found(Code::LogModified, Some(&name)), false),
        (found(Code::LogUncovered, Some(&place)), false),
        (found(Code::LogUncovered, None), false),
        (found(Code::LogModified, Some(&other.to_string())), true),
        // Where no chain is, no later run would look again.
        (found(Code::LogUncovered, Some(&elsewhere)), false),
    ] {
        let mut tally = tally(vec![chain(&id, 0, 60), chain(&other, 0, 60)]);
        tally.findings.push(finding.clone());
        let reached = reach(tally);
        let is_clean = |it: &Conclusion| it.clean_chains().iter().any(|chain| chain.chain == id);
        assert_eq!(is_clean(&reached), clean, "{finding:?}");
        assert!(!is_clean(&reached.stopped()));
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
    assert!(told(0, 1, 0)[0].starts_with("1 object is intact"));
    assert!(told(1, 0, 0)[0].starts_with("1 object is intact"));
    assert!(told(0, 0, 1)[0].starts_with("1 digest has no signature"));
    let proven = |successors, copies| {
        let mut one = chain(&hourly("us-east-1", "t"), 0, 60);
        one.summary.from_successor = successors;
        one.summary.from_copy = copies;
        let told = reach(tally(vec![one])).findings.remove(0);
        told.finding.message().to_owned()
    };
    assert!(proven(2, 0).ends_with("proven by the next digest"));
    assert!(proven(0, 2).starts_with("2 digests") && proven(0, 2).ends_with("by another copy"));
    assert!(
        proven(3, 2).starts_with("5 digests") && proven(3, 2).contains("(2 of them) by another")
    );
}
