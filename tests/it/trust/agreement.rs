//! The engine and the second opinion agree on every object, whatever was done to the archive.

use std::collections::{BTreeMap, BTreeSet};

use ct_verify::verify::finding::Severity;
use proptest::prelude::*;

use super::{
    damage::damage,
    judge::{Judged, Run, judge},
    memory::As,
    model::{Class, Opinion, opinion},
    properties::runner,
    trails::{Shape, shapes, whole_range},
};
use crate::forge::{At, seed::Seed};

/// What the engine said, in the model's words.
fn said(judged: &Judged) -> Opinion {
    let mut objects: BTreeMap<At, BTreeSet<Class>> = BTreeMap::new();
    let mut ends_early = false;
    for found in judged.findings.iter().filter(|found| found.weighs()) {
        ends_early |= found.code == "coverage-ends-early";
        let (Some(bucket), Some(key)) = (&found.bucket, &found.key) else {
            continue;
        };
        let class = match (found.code, found.severity) {
            ("digest-missing" | "log-missing", _) => Class::Missing,
            (_, Severity::Invalid) => Class::Wrong,
            (_, Severity::Unverified | Severity::Notice) => Class::Unproven,
        };
        let at = (bucket.clone(), key.clone());
        objects.entry(at).or_default().insert(class);
    }
    Opinion {
        verdict: judged.verdict,
        objects,
        ends_early,
    }
}

#[test]
fn the_engine_and_the_model_agree() {
    let check = |(shape, number, times): (Shape, u64, u32)| {
        let mut archive = shape.archive();
        let range = whole_range(&archive);
        let mut seed = Seed::new(number);
        let done: Vec<_> = (0..times)
            .map(|_| damage(&mut archive, &mut seed))
            .collect();
        let how = Run {
            range: Some(range),
            seen_as: As::Bucket,
            ..Run::default()
        };
        let judged = judge(&archive.store, how);
        let engine = said(&judged);
        let model = opinion(&archive.store, range);
        prop_assert_eq!(&engine, &model, "{:#?}\n{:#?}", done, judged.findings);
        Ok(())
    };
    runner(200)
        .run(&(shapes(), any::<u64>(), 0..4_u32), check)
        .unwrap_or_else(|error| panic!("{error}"));
}
