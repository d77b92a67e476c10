//! The results of all shards, gathered from the folder that they were written to.

use std::path::Path;

use super::file::{ResultError, ResultFile};
use super::paper::Plan;
use crate::engine::{Stop, in_parallel};

/// A shard that has no result that could be used.
#[derive(Debug)]
pub struct Gap {
    /// Its number.
    pub shard: u32,
    /// Why.
    pub why: ResultError,
}

/// What there is of a plan's results.
#[derive(Debug)]
pub enum Gathered {
    /// All of them, in the order of their shards.
    All(Vec<ResultFile>),
    /// Some are not there, or are of no use.
    Gaps(Vec<Gap>),
}

/// The name of a shard's result.
pub fn result_name(shard: u32) -> String {
    format!("shard-{shard:05}.result")
}

/// The name of a plan beside its results. It tells the plan, so that two never share it.
pub fn plan_name(identity: &str) -> String {
    let short = identity.get(..16).unwrap_or(identity);
    format!("plan-{short}.json")
}

/// Opens the results of all shards of a plan, and looks at every byte of them.
pub fn gather(
    folder: &Path,
    (plan, identity): (&Plan, &str),
    threads: usize,
    stop: &Stop,
) -> Gathered {
    let shards: Vec<u32> = (0..plan.shards).collect();
    let opened = in_parallel(threads, &shards, |shard| {
        if stop.is_stopped() {
            return Err(ResultError::Missing);
        }
        let path = folder.join(result_name(*shard));
        ResultFile::open(&path, plan, identity, *shard)
    });
    let mut results = Vec::new();
    let mut gaps = Vec::new();
    for (shard, opened) in shards.into_iter().zip(opened) {
        match opened {
            Ok(result) => results.push(result),
            Err(why) => gaps.push(Gap { shard, why }),
        }
    }
    if gaps.is_empty() {
        Gathered::All(results)
    } else {
        Gathered::Gaps(gaps)
    }
}
