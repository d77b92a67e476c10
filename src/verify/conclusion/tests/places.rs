//! Regions, buckets and prefixes.

use super::*;

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

/// Of all regions but its own only what lies beside the range is left.
#[test]
fn a_trail_that_had_other_regions_is_silent_there() {
    let reached = |beside: Option<Arc<ChainId>>| {
        let mut tally = tally(vec![chain(&hourly("us-east-1", "t"), 0, 60)]);
        for region in ["us-east-1", "eu-west-1", "eu-west-2"] {
            let place = AccountRegion::new(None, "123456789012", region);
            tally.places.extend(place);
        }
        tally.beside.extend(beside);
        let reached = reach(tally);
        let silent = reached.findings.iter().map(|it| &it.finding);
        let silent = silent.filter(|it| it.code == Code::RegionSilent);
        silent.count()
    };
    assert_eq!(reached(None), 0);
    assert_eq!(reached(Some(hourly("eu-west-1", "t"))), 2);
    // Another trail's, the region of its own, and backfill speak for none.
    assert_eq!(reached(Some(hourly("eu-west-1", "other"))), 0);
    assert_eq!(reached(Some(hourly("us-east-1", "t"))), 0);
    let backfill = key("123456789012", "eu-west-1", "t", "_backfill");
    assert_eq!(reached(Some(Arc::clone(backfill.chain()))), 0);
}

/// An organization has many thousands of accounts, each with its regions. To compare all with all would take this
/// test minutes.
#[test]
fn a_large_organization_is_concluded_upon() {
    const ACCOUNTS: u64 = 10_000;
    let mut chains = Vec::new();
    let mut held = Vec::new();
    let mut places = BTreeSet::new();
    for number in 0..ACCOUNTS {
        let account = format!("{number:012}");
        for region in ["us-east-1", "eu-west-1"] {
            let newest = key(&account, region, "t", "");
            let id = newest.chain();
            places.insert(id.place().clone());
            let mut one = chain(id, 0, 600);
            // The trail was moved to another bucket, and back again.
            let moved = [("a", 400, 600), ("b", 200, 400), ("a", 0, 200)];
            let binding = |(bucket, start, end): (&str, i64, i64)| Binding {
                root: ROOT,
                bucket: bucket.into(),
                prefix: "".into(),
                range: range(start, end),
                digests: number,
                newest: newest.clone(),
            };
            one.summary.bindings = moved.map(binding).to_vec();
            chains.push(one);
            held.push(BeforeFirstDay {
                begins: Begins::with(at(0)),
                finding: found(Code::LogMissing, Some(&id.to_string())),
            });
        }
    }
    let silent = AccountRegion::new(None, "000000000007", "eu-west-2").unwrap();
    places.insert(silent.clone());
    let mut tally = tally(chains);
    tally.places = places;
    tally.begins = Some(Begins::with(at(-1440)));
    tally.before_first_day = held;
    let reached = reach(tally);
    let told = |code| {
        reached
            .findings
            .iter()
            .filter(move |it| it.finding.code == code)
    };
    assert_eq!(told(Code::DigestMoved).count(), 0);
    assert_eq!(told(Code::LogMissing).count() as u64, 2 * ACCOUNTS);
    assert!(reached.chains.iter().all(|it| it.logs.missing == 1));
    let silent = format!("{silent}/t");
    let told: Vec<_> = told(Code::RegionSilent)
        .map(|it| it.finding.chain.as_deref())
        .collect();
    assert_eq!(told, [Some(&*silent)]);
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
        one.summary.bindings = vec![binding(0, "bucket", "", (0, 60), 9)];
        let mut two = chain(&hourly("us-east-1", "u"), 0, 60);
        two.summary.bindings = vec![other];
        let reached = reach(tally(vec![one, two]));
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
fn of_times_within_others_the_longest_counts() {
    let newest = key("123456789012", "us-east-1", "t", "");
    let binding = |bucket: &str, (start, end), digests| Binding {
        root: ROOT,
        bucket: bucket.into(),
        prefix: "".into(),
        range: range(start, end),
        digests,
        newest: newest.clone(),
    };
    // What most digests state comes first.
    for (long, short) in [(8, 9), (9, 8)] {
        for (other, is_told) in [((300, 360), true), ((600, 660), false)] {
            let bindings = [
                binding("bucket", (0, 600), long),
                binding("bucket", (60, 120), short),
                binding("other", other, 1),
            ];
            let chains = bindings.map(|stated| {
                let mut one = chain(&hourly("us-east-1", "t"), 0, 60);
                one.summary.bindings = vec![stated];
                one
            });
            let told = !reach(tally(chains.into())).findings.is_empty();
            assert_eq!(told, is_told, "{long} {short} {other:?}");
        }
    }
}

#[test]
fn a_change_of_bucket_falls_into_the_hours_of_some_chains() {
    let binding = |suffix, bucket: &str, (start, end), digests| Binding {
        root: RootId(0),
        bucket: bucket.into(),
        prefix: "".into(),
        range: range(start, end),
        digests,
        newest: key("123456789012", "us-east-1", "t", suffix),
    };
    // One chain changed from the one bucket to the other in the 600th minute.
    let reached = |other: Binding| {
        let mut one = chain(&hourly("us-east-1", "t"), 0, 60);
        one.summary.bindings = vec![
            binding("", "new", (600, 1200), 10),
            binding("", "old", (0, 600), 10),
        ];
        let mut two = chain(&hourly("us-east-1", "u"), 0, 60);
        two.summary.bindings = vec![other];
        let moved = reach(tally(vec![one, two])).findings;
        let codes: Vec<_> = moved.iter().map(|it| it.finding.code).collect();
        assert!(codes.iter().all(|it| *it == Code::DigestMoved), "{codes:?}");
        !codes.is_empty()
    };
    for (suffix, bucket, times, is_told) in [
        ("", "old", (500, 705), false),
        ("", "old", (500, 706), true),
        ("", "new", (495, 700), false),
        ("", "new", (494, 700), true),
        ("", "old", (700, 760), true),
        ("", "new", (300, 360), true),
        ("", "other", (595, 605), true),
        ("", "other", (1199, 1260), true),
        ("", "other", (1200, 1260), false),
        // Made after the change, of an hour before it; never the other way round.
        ("_backfill", "new", (60, 120), false),
        ("_backfill", "old", (800, 860), true),
        ("_backfill", "other", (60, 120), true),
    ] {
        let told = reached(binding(suffix, bucket, times, 1));
        assert_eq!(told, is_told, "{suffix} {bucket} {times:?}");
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
