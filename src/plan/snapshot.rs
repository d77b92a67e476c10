//! A snapshot as SOURCE: its own range, filters and keys are those of the run.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;

use super::keys::{KEYS_FOLDER, take_keys};
use crate::cli::LogsArgs;
use crate::engine::{Filters, Stop, in_parallel};
use crate::report::{KeyOrigin, KeySource, SnapshotNote};
use crate::source::snapshot::{Head, HeldRange, SnapshotKeys, SnapshotSource};
use crate::verify::keys::PublicKey;
use crate::verify::time::Bounds;

/// A file of keys is never larger.
const MAX_KEY_FILE_LEN: u64 = 64 * 1024 * 1024;

/// What a snapshot's head decides of a run, unless the user does.
pub(super) struct OfSnapshot {
    pub(super) bounds: Bounds,
    pub(super) now: Timestamp,
    pub(super) filters: Filters,
}

/// The range and the filters of a run over a snapshot.
///
/// # Errors
/// Where more is asked for than the snapshot holds: what was never copied is not missing.
pub(super) fn of_snapshot(head: &Head, args: &LogsArgs, asked: Bounds) -> Result<OfSnapshot> {
    if head.filters.digests_only && !args.digests_only {
        bail!("the snapshot holds digests and no logs: say --digests-only");
    }
    let ranges = head.ranges();
    let told = || {
        let side = |at: Option<Timestamp>| at.map_or_else(|| "…".to_owned(), |at| at.to_string());
        let range = |held: &HeldRange| {
            let HeldRange { bounds, reach, .. } = held;
            format!("{} to {}", side(bounds.start()), side(Some(*reach)))
        };
        ranges.iter().map(range).collect::<Vec<_>>().join(", ")
    };
    let holds = |HeldRange { bounds, reach, .. }: &HeldRange| {
        let starts = |own: Timestamp| asked.start().is_none_or(|start| start >= own);
        // Nobody looked at what was yet to come.
        let ends = asked
            .end()
            .is_none_or(|end| end <= *reach || Some(end) == bounds.end());
        let meets = asked.start().zip(bounds.end()).is_none_or(|(a, b)| a < b)
            && asked.end().zip(bounds.start()).is_none_or(|(a, b)| a > b);
        bounds.start().is_none_or(starts) && ends && meets
    };
    let mut fitting = ranges.iter().filter(|held| holds(held));
    let HeldRange {
        bounds,
        reach,
        began,
    } = fitting
        .next_back()
        .with_context(|| format!("the snapshot does not hold that range, but {}", told()))?;
    let start = asked.start().or(bounds.start());
    let end = asked.end().or(bounds.end()).map(|end| end.min(*reach));
    let own = &head.filters;
    let set = |names: &[String]| names.iter().cloned().collect();
    Ok(OfSnapshot {
        bounds: Bounds::new(start, end).context("the range is empty")?,
        now: *began,
        filters: Filters {
            accounts: set(&own.accounts),
            regions: set(&own.regions),
            trails: set(&own.trails),
            home_region: own.home_region.clone(),
            management_account: own.management_account.clone(),
        },
    })
}

/// Filters that were typed narrow the snapshot's own.
///
/// # Errors
/// Where they ask for what the snapshot was narrowed not to hold.
pub(super) fn narrowed(own: Filters, typed: Filters) -> Result<Filters> {
    let within = |option: &str, typed: BTreeSet<String>, own: BTreeSet<String>| {
        let beyond = typed.difference(&own).next();
        match beyond.filter(|_| !own.is_empty()) {
            Some(name) => {
                bail!("the snapshot does not hold {option} {name}: it was narrowed to others")
            }
            None if typed.is_empty() => Ok(own),
            None => Ok(typed),
        }
    };
    Ok(Filters {
        accounts: within("--account", typed.accounts, own.accounts)?,
        regions: within("--region", typed.regions, own.regions)?,
        trails: within("--trail", typed.trails, own.trails)?,
        home_region: own.home_region,
        management_account: own.management_account,
    })
}

/// The keys that came with the snapshot.
pub(super) fn keys(
    source: &SnapshotSource,
    bounds: &Bounds,
) -> Result<(SnapshotKeys, Vec<KeySource>)> {
    let mut keys = SnapshotKeys::default();
    let mut sources = Vec::new();
    for recorded in &source.head().keys {
        let failed = recorded.failed.iter();
        let bearing: Vec<_> = failed
            .filter(|failed| source.head().bears_on(failed.run, bounds))
            .collect();
        if recorded.is_of_others(&bearing) {
            continue;
        }
        let held: Result<Vec<PublicKey>, Box<str>> = match (&recorded.file, &recorded.why) {
            (Some(file), _) if !file.starts_with(&format!("{KEYS_FOLDER}/")) => {
                bail!("the snapshot names {file:?} for keys, and keys lie in {KEYS_FOLDER}")
            }
            (Some(file), _) => {
                let content = source
                    .small_file(file, MAX_KEY_FILE_LEN)
                    .with_context(|| format!("cannot read the snapshot's {file}"))?;
                let mut parsed = Vec::new();
                let name = file.clone();
                let origin = KeyOrigin::Evidence;
                take_keys(&mut parsed, &mut sources, origin, name, &content)?;
                // Those of another range do not stand in for what could not be had.
                let failed = bearing.iter().find(|failed| failed.day.is_none());
                failed.map_or(Ok(parsed), |failed| Err(failed.why.as_str().into()))
            }
            (None, Some(why)) => Err(why.as_str().into()),
            (None, None) => Err("the snapshot holds none".into()),
        };
        keys.add(recorded.region.clone(), held);
        for failed in bearing {
            if let Some((region, day)) = recorded.region.as_deref().zip(failed.day) {
                keys.fail_around(region, day, &failed.why);
            }
        }
    }
    Ok((keys, sources))
}

/// Compares the snapshot with its manifest, before anything else is made of it.
pub(super) fn check(
    source: &mut SnapshotSource,
    threads: usize,
    stop: &Stop,
) -> Result<SnapshotNote> {
    let checked = source.check(&|files, compare| {
        in_parallel(threads, files, |file| {
            if stop.is_stopped() {
                None
            } else {
                compare(file)
            }
        })
    })?;
    let head = source.head();
    let last = head.runs.last().context("its head names no run")?;
    let note = SnapshotNote {
        of: head.source.clone(),
        taken: last.finished.unwrap_or(last.started),
        user: last.user.clone(),
        host: last.host.clone(),
        files: checked.files,
        altered: checked.altered.len() as u64,
        manifest: checked.manifest,
    };
    source.take_altered(checked.altered);
    source.pass_over(checked.of_a_mac);
    Ok(note)
}
