//! What holds of every archive: clean, it is valid, however it is looked at; touched, it is told.
//!
//! `PROPTEST_CASES=1000 PROPTEST_RNG_SEED=7 cargo test --test it properties` looks further than `cargo test` does.

use ct_verify::{source::FolderSource, verify::conclusion::Verdict};
use proptest::{
    prelude::*,
    test_runner::{RngSeed, TestRunner},
};

use super::{
    damage::damage,
    judge::{Found, Judged, Run, judge, judge_source},
    memory::As,
    mutation::{self, Came, Kind, Target, outcome},
    trails::{Shape, shapes, whole_range},
};
use crate::forge::{
    Archive, At, FolderWriter, Metadata, Place, plant::PlantedLog, seed::Seed, time::MINUTE,
};

/// The same cases in every run, unless the environment asks for others.
pub fn runner(cases: u32) -> TestRunner {
    let asked = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    TestRunner::new(ProptestConfig {
        cases: asked("PROPTEST_CASES").map_or(cases, |cases| u32::try_from(cases).expect("cases")),
        rng_seed: RngSeed::Fixed(asked("PROPTEST_RNG_SEED").unwrap_or(1)),
        failure_persistence: None,
        max_shrink_iters: 200,
        ..ProptestConfig::default()
    })
}

/// What every way to look must agree on. A folder does not always tell the bucket and the prefix, so they are left out.
fn gist(judged: &Judged) -> (Verdict, Vec<Found>) {
    let inside = |key: &String| {
        let from = key.find("AWSLogs/").unwrap_or(0);
        key[from..].to_owned()
    };
    let unplaced = |found: &Found| Found {
        bucket: None,
        key: found.key.as_ref().map(inside),
        ..found.clone()
    };
    let mut findings: Vec<_> = judged.findings.iter().map(unplaced).collect();
    findings.sort();
    (judged.verdict, findings)
}

/// Judged in one way, and then in others, which must come to the same.
fn agreed(archive: &Archive, how: Run) -> Result<Judged, TestCaseError> {
    let judged = judge(&archive.store, how);
    for (threads, shuffle) in [(4, None), (1, Some(1)), (3, Some(2))] {
        let other = judge(
            &archive.store,
            Run {
                threads,
                shuffle,
                ..how
            },
        );
        prop_assert_eq!(
            &judged.all,
            &other.all,
            "{} threads, {:?}",
            threads,
            shuffle
        );
    }
    let bucket = judge(
        &archive.store,
        Run {
            seen_as: As::Bucket,
            ..how
        },
    );
    prop_assert_eq!(gist(&judged), gist(&bucket), "a bucket");
    let folder = tempfile::tempdir().expect("a temporary folder");
    FolderWriter::new(folder.path(), Metadata::Sidecar).write(&archive.store);
    let (source, _) = FolderSource::open(folder.path()).expect("a folder");
    prop_assert_eq!(gist(&judged), gist(&judge_source(&source, how)), "a folder");
    Ok(judged)
}

#[test]
fn a_clean_archive_is_valid_however_it_is_looked_at() {
    let check = |shape: Shape| {
        let archive = shape.archive();
        for range in [None, Some(whole_range(&archive))] {
            let judged = agreed(
                &archive,
                Run {
                    range,
                    ..Run::default()
                },
            )?;
            let weighs: Vec<_> = judged
                .findings
                .iter()
                .filter(|found| found.weighs())
                .collect();
            prop_assert!(weighs.is_empty(), "{:?}: {:#?}", range, weighs);
            prop_assert_eq!(judged.verdict, Verdict::Valid);
        }
        Ok(())
    };
    runner(24)
        .run(&shapes(), check)
        .unwrap_or_else(|error| panic!("{error}"));
}

/// What damage does to an archive is told alike by every way to look at it.
#[test]
fn a_damaged_archive_is_judged_alike_however_it_is_looked_at() {
    let check = |(shape, number, times): (Shape, u64, u32)| {
        let mut archive = shape.archive();
        let range = Some(whole_range(&archive));
        let mut seed = Seed::new(number);
        for _ in 0..times {
            damage(&mut archive, &mut seed);
        }
        for range in [None, range] {
            let how = Run {
                range,
                ..Run::default()
            };
            agreed(&archive, how)?;
        }
        Ok(())
    };
    runner(48)
        .run(&(shapes(), any::<u64>(), 1..4_u32), check)
        .unwrap_or_else(|error| panic!("{error}"));
}

/// Any object of an archive, as something to tamper with.
fn target(archive: &Archive, seed: &mut Seed) -> Target {
    let objects: Vec<&At> = archive.store.keys().collect();
    let at = objects[seed.below(objects.len())].clone();
    for chain in &archive.chains {
        let Some(index) = chain.digests.iter().position(|digest| digest.at == at) else {
            continue;
        };
        let next = chain.digests.get(index + 1);
        let is_linked = !chain.id.backfill
            || crate::forge::Doc(crate::forge::Json::parse(&archive.store.content(&at)))
                .get("previousDigestSignature")
                != &crate::forge::Json::Null;
        let has_successor = next.is_some_and(|next| !next.starting) && is_linked;
        return Target {
            kind: Kind::Digest,
            name: "any",
            missed_at: vec![at.clone()],
            at,
            has_successor,
        };
    }
    Target {
        kind: Kind::Log,
        name: "any",
        missed_at: vec![at.clone()],
        at,
        has_successor: false,
    }
}

#[test]
fn any_single_mutation_is_told_at_the_right_object() {
    let check = |(shape, number): (Shape, u64)| {
        let archive = shape.archive();
        let how = Run {
            range: Some(whole_range(&archive)),
            ..Run::default()
        };
        let mut seed = Seed::new(number);
        let target = target(&archive, &mut seed);
        let cases = mutation::anywhere(&archive, &target);
        for _ in 0..12 {
            let case = &cases[seed.below(cases.len())];
            if let Came::Wrong(why) = outcome(&archive, case, how) {
                return Err(TestCaseError::fail(format!("{target:?}: {why}")));
            }
        }
        Ok(())
    };
    runner(60)
        .run(&(shapes(), any::<u64>()), check)
        .unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_log_planted_in_covered_time_is_told() {
    let check = |(shape, number): (Shape, u64)| {
        let mut archive = shape.archive();
        let mut seed = Seed::new(number);
        let hourly = archive.chains.iter().filter(|chain| !chain.id.backfill);
        let hours: Vec<_> = hourly
            .flat_map(|chain| chain.digests.iter().map(move |digest| (&chain.id, digest)))
            .filter(|(_, digest)| !digest.starting)
            .collect();
        let (id, hour) = hours[seed.below(hours.len())];
        let prefix = hour.at.1.split("AWSLogs/").next().expect("a key");
        let prefix = if hour.at.1.starts_with("AWSLogs/nested/") {
            "AWSLogs/nested"
        } else {
            prefix.trim_end_matches('/')
        };
        let minutes = 16 + i64::try_from(seed.below(28)).expect("few");
        let log = PlantedLog::of(
            id,
            &Place::new(&hour.at.0, prefix),
            hour.start + minutes * MINUTE,
        );
        let planted = log.put(&mut archive.store);
        let judged = agreed(&archive, Run::default())?;
        let mut findings = judged.findings.iter();
        let told =
            findings.any(|found| found.code == "log-unreferenced" && found.is_about(&planted));
        prop_assert!(
            told && judged.verdict == Verdict::Invalid,
            "{:?}: {:#?}",
            planted,
            judged.findings
        );
        Ok(())
    };
    runner(24)
        .run(&(shapes(), any::<u64>()), check)
        .unwrap_or_else(|error| panic!("{error}"));
}
