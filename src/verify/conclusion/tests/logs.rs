//! Logs that nothing named, or that are not there.

use std::collections::HashSet;

use super::super::super::inventory::LeftoverTime;
use super::super::leftovers::why_uncovered;
use super::*;

#[test]
fn logs_before_the_first_day_are_missing_where_the_copy_reaches_there() {
    let id = hourly("us-east-1", "t");
    let settled_with = |is_left, oldest, first, reaches, is_cut: bool| {
        let mut tally = tally(vec![
            chain(&id, 0, 60),
            chain(&hourly("us-east-1", "u"), 0, 60),
        ]);
        let open = OpenEnd {
            finding: found(Code::DigestMissing, Some(&id.to_string())),
            end: at(-60),
        };
        tally.chains[0].summary.open_ends = is_cut.then_some(open).into_iter().collect();
        tally.begins = Some(Begins::with(at(first)));
        tally.reaches_before_first_day = reaches;
        tally.is_left_before_first_day = is_left;
        tally.before_first_day.push(BeforeFirstDay {
            begins: Begins::with(at(oldest)),
            finding: found(Code::LogMissing, Some(&id.to_string())),
        });
        let reached = reach(tally);
        let missing: Vec<_> = reached.chains.iter().map(|it| it.logs.missing).collect();
        (codes(&reached), missing)
    };
    let settled =
        |oldest, first, reaches, is_cut| settled_with(false, oldest, first, reaches, is_cut);
    let reached = |first, reaches| settled(0, first, reaches, false);
    assert_eq!(reached(0, false), (vec![], vec![0, 0]));
    let missing = (vec![Code::LogMissing], vec![1, 0]);
    assert_eq!(reached(0, true), missing);
    assert_eq!(reached(-1440, false), missing);
    assert_eq!(reached(1440, false), (vec![], vec![0, 0]));
    // The oldest digest may have come after midnight, unless nothing came before it.
    let late = |first, reaches, is_cut| settled(-20, first, reaches, is_cut);
    assert_eq!(late(-20, false, true), (vec![], vec![0, 0]));
    assert_eq!(late(30, false, true), (vec![], vec![0, 0]));
    assert_eq!(settled(30, -20, false, false), (vec![], vec![0, 0]));
    assert_eq!(late(-20, true, true), missing);
    assert_eq!(late(-50, false, true), missing);
    assert_eq!(late(-20, false, false), missing);
    // So may a log.
    let beside_one = |is_cut| settled_with(true, 0, 0, false, is_cut);
    assert_eq!(beside_one(true), (vec![], vec![0, 0]));
    assert_eq!(beside_one(false), missing);
}

#[test]
fn logs_beside_the_range_are_missing_where_others_of_their_day_are_there() {
    let id = hourly("us-east-1", "t");
    let folder = |(root, path): (u32, &str)| (RootId(root), path.into());
    let reached = |there: Option<(u32, &str)>| {
        let mut tally = tally(vec![chain(&id, 0, 60)]);
        tally.reached_beside = there.into_iter().map(folder).collect();
        tally.beside_range.push(BesideTheRange {
            folder: folder((0, "2020/01/01")),
            finding: found(Code::LogMissing, Some(&id.to_string())),
        });
        let reached = reach(tally);
        (codes(&reached), reached.chains[0].logs.missing)
    };
    assert_eq!(reached(None), (vec![], 0));
    assert_eq!(reached(Some((0, "2020/01/02"))), (vec![], 0));
    assert_eq!(reached(Some((1, "2020/01/01"))), (vec![], 0));
    let missing = (vec![Code::LogMissing], 1);
    assert_eq!(reached(Some((0, "2020/01/01"))), missing);
    let looked = |came: Result<bool, &str>| {
        let mut tally = tally(vec![chain(&id, 0, 60)]);
        let came = came.map_err(Into::into);
        let looked = [(folder((0, "2020/01/01")), came)];
        tally.looked_beside = looked.into_iter().collect();
        tally.beside_range.push(BesideTheRange {
            folder: folder((0, "2020/01/01")),
            finding: found(Code::LogMissing, Some(&id.to_string())),
        });
        let reached = reach(tally);
        let logs = reached.chains[0].logs;
        (codes(&reached), logs.missing, logs.unverified)
    };
    assert_eq!(looked(Ok(true)), (vec![Code::LogMissing], 1, 0));
    assert_eq!(looked(Ok(false)), (vec![], 0, 0));
    assert_eq!(looked(Err("no")), (vec![Code::LogUnreadable], 0, 1));
}

/// A log at a minute of the day, of this kind.
fn leftover(inventory: &mut Inventory, kind: LogKind, minute: i64) {
    let (hours, minutes) = (minute / 60, minute % 60);
    let rest = format!(
        "2020/01/02/123456789012_{}_us-east-1_20200102T{hours:02}{minutes:02}Z_{minute:016}.json.gz",
        kind.folder()
    );
    inventory.add(&kind.into(), &rest, false);
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
        is_apart: false,
        is_copy: false,
        next_parts: BTreeMap::new(),
        logs: inventory.leftovers(),
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
    // In a folder of logs alone those digests speak for them that name logs there.
    let other = RootId(ROOT.0 + 1);
    let logs_by = |logs, digests| Some(CopiedApart { logs, digests });
    for (pair, is_apart, code) in [
        (logs_by(other, ROOT), true, Code::LogUnreferenced),
        (logs_by(other, ROOT), false, Code::LogUncovered),
        (logs_by(ROOT, other), true, Code::LogUncovered),
        (None, true, Code::LogUncovered),
    ] {
        let mut apart = base();
        apart.leftovers[0].root = other;
        apart.leftovers[0].is_apart = is_apart;
        apart.copied_apart.extend(pair);
        let (codes, ..) = told(apart);
        assert_eq!(codes, [code], "{pair:?} {is_apart}");
    }
    let mut afar = base();
    let named = afar.leftovers[0].logs[0].path(&afar.leftovers[0].place);
    let root = afar.leftovers[0].root;
    let of_root = |root| BTreeMap::from([(root, HashSet::from([Box::from(&*named)]))]);
    afar.named_from_afar = of_root(root);
    assert_eq!(told(afar), (vec![], 0, 0));
    // In another root it is not named.
    let mut other = base();
    other.named_from_afar = of_root(RootId(root.0 + 1));
    assert_eq!(told(other), told(base()));
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
    // That verified digests cover its time is not denied.
    let reached = reach_in(doubtful, None, Some(200));
    assert_eq!(codes(&reached), [Code::LogUncovered]);
    let message = reached.findings[0].finding.message();
    assert!(message.contains("verified digests cover its time"));
}

#[test]
fn what_tells_no_time_says_why_it_is_uncovered() {
    let id = hourly("us-east-1", "t");
    // A log whose name tells its time, one whose folders tell its day, and one that tells nothing.
    let told = |covered: i64| -> Vec<_> {
        let mut leftovers = leftovers(&[]);
        let mut inventory = Inventory::new(leftovers.place.clone());
        leftover(&mut inventory, LogKind::CloudTrail, 300);
        for name in ["2020/01/02/odd.json.gz", "odd.json.gz"] {
            inventory.add(&LogKind::CloudTrail.into(), name, false);
        }
        inventory.seal();
        leftovers.logs = inventory.leftovers();
        let mut tally = tally(vec![chain(&id, -600, covered)]);
        tally.leftovers.push(leftovers);
        let findings = reach(tally).findings.into_iter().map(|it| it.finding);
        let mut told: Vec<_> = findings
            .map(|it| (it.code, it.detail.map_or(0, |detail| detail.len())))
            .collect();
        told.sort();
        told
    };
    let why = |time| why_uncovered(time).unwrap().len();
    let (day, unknown) = (
        why(LeftoverTime::Day(range(0, 1))),
        why(LeftoverTime::Unknown),
    );
    assert!(0 < unknown && unknown < day);
    let [first, second, third] = [0, unknown, day].map(|it| (Code::LogUncovered, it));
    assert_eq!(told(120), [first, second, third]);
    let unreferenced = (Code::LogUnreferenced, 0);
    assert_eq!(told(2000), [unreferenced, unreferenced, second]);
}

/// Each trail has an hour of its own: the newest logs of one lie in time that another covers.
#[test]
fn what_a_trails_next_digest_may_name_is_pending() {
    let backfill = Arc::clone(key("123456789012", "us-east-1", "b", "_backfill").chain());
    let other = hourly("us-east-1", "u");
    let elsewhere = hourly("eu-west-1", "u");
    let told_with = |covers, more: Vec<ChainTally>, silent: Option<NewestEnd>| {
        let mut chains = vec![chain(&hourly("us-east-1", "t"), 0, covers)];
        chains.extend(more);
        let mut tally = tally(chains);
        tally.silent_ends.extend(silent);
        tally
            .leftovers
            .push(leftovers(&[(LogKind::CloudTrail, 560)]));
        codes(&reach_in(tally, Some(0), Some(620)))
            .into_iter()
            .find(|code| matches!(code, Code::LogPending | Code::LogUnreferenced))
    };
    let silent_end = |id: &Arc<ChainId>, failed| NewestEnd {
        place: id.place().clone(),
        proven: at(550),
        failed,
    };
    let told_beside = |covers, more, silent: Option<&Arc<ChainId>>| {
        told_with(covers, more, silent.map(|id| silent_end(id, None)))
    };
    let told = |more, silent| told_beside(600, more, silent);
    let (pending, unreferenced) = (Some(Code::LogPending), Some(Code::LogUnreferenced));
    assert_eq!(told(vec![], None), unreferenced);
    assert_eq!(told(vec![chain(&other, 0, 550)], None), pending);
    assert_eq!(told(vec![], Some(&other)), pending);
    // What its next digest would name is not waited for, where that is there and worth nothing.
    let failed = Some(silent_end(&other, Some(at(610))));
    assert_eq!(told_with(600, vec![], failed), unreferenced);
    // Another trail's digests are there from long after it was due.
    assert_eq!(told_beside(655, vec![chain(&other, 0, 550)], None), pending);
    assert_eq!(
        told_beside(656, vec![chain(&other, 0, 550)], None),
        unreferenced
    );
    assert_eq!(told_beside(656, vec![], Some(&other)), unreferenced);
    // Its next digest was due long ago; another region's digests, and backfills, come when they may.
    assert_eq!(told(vec![chain(&other, 0, 500)], None), unreferenced);
    assert_eq!(told(vec![chain(&elsewhere, 0, 550)], None), unreferenced);
    assert_eq!(told(vec![chain(&backfill, 0, 550)], None), unreferenced);
}

/// What was delivered after the newest digest is not due, unless there is a further digest of its bucket.
#[test]
fn what_a_further_digest_could_have_named_is_not_pending() {
    let id = hourly("us-east-1", "t");
    let told = |failed: Option<i64>, further: Option<&str>, is_copy| {
        let mut one = chain(&id, 0, 120);
        one.summary.newest_failed = failed.map(at);
        let binding = |root, suffix, end| Binding {
            root: RootId(root),
            bucket: "bucket".into(),
            prefix: "".into(),
            range: range(0, end),
            digests: 2,
            newest: key("123456789012", "us-east-1", "t", suffix),
        };
        one.summary.bindings = vec![binding(ROOT.0, "", 120)];
        let mut chains = vec![];
        if further == Some("") {
            one.summary.newest_end = Some(at(180));
            one.summary.bindings.push(binding(ROOT.0 + 1, "", 180));
        } else if let Some(suffix) = further {
            let other = key("123456789012", "us-east-1", "t", suffix);
            let mut two = chain(other.chain(), 0, 180);
            two.summary.bindings = vec![binding(ROOT.0 + 1, suffix, 180)];
            chains.push(two);
        }
        chains.push(one);
        let mut tally = tally(chains);
        let mut left = leftovers(&[(LogKind::CloudTrail, 130)]);
        left.is_copy = is_copy;
        tally.leftovers.push(left);
        codes(&reach(tally))
    };
    assert_eq!(told(None, None, false), [Code::LogPending]);
    assert_eq!(told(Some(180), None, false), [Code::LogUncovered]);
    assert_eq!(told(None, Some(""), false), [Code::LogUncovered]);
    // A backfill digest names no logs of its own time.
    assert_eq!(told(None, Some("_backfill"), false), [Code::LogPending]);
    // Nor is one waited for that has named it, in another place.
    assert_eq!(told(None, None, true), [Code::LogUncovered]);
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
