//! What was typed, resolved against the environment and validated: the run.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use jiff::Timestamp;

use super::keys;
use super::place::{self, Place, Resolved};
use super::reports::reports;
use super::snapshot::{self, narrowed};
use super::state::State;
use super::time::instant;
use super::written::{Named, keep_apart, named, report_files};
use crate::cli::{LogsArgs, OutputArgs, RangeArgs};
use crate::engine::{Filters, Job, Stop};
use crate::report::{Format, KeyOrigin, KeySource, SnapshotNote};
use crate::source::{GivenKeys, KeyRing, Narrowing};
use crate::verify::conclusion::Weights;
use crate::verify::finding::Code;
use crate::verify::location::{is_account, is_region, is_trail};
use crate::verify::time::Bounds;

/// A run of `logs`, ready to go.
#[derive(Debug)]
pub struct LogsPlan {
    /// What is verified, and against what.
    pub job: Job,
    /// Where it comes from.
    pub place: Place,
    /// Where keys came from that were given before the run.
    pub(super) given_keys: Vec<KeySource>,
    /// What the source is told to be, where it is a snapshot.
    pub snapshot: Option<SnapshotNote>,
    /// What earlier runs verified, and what this one does, if that is asked for.
    pub state: Option<State>,
    /// What is written.
    pub reports: Vec<(Format, PathBuf)>,
}

impl LogsPlan {
    /// Resolves what was typed.
    ///
    /// # Errors
    /// Where it makes no sense, or a file or a service that it names cannot be used.
    pub fn resolve(args: &LogsArgs, now: Timestamp, stop: &Stop) -> Result<Self> {
        let reports = reports(&args.output.show)?;
        apart(args, &reports)?;
        let mut bounds = bounds(&args.range, now)?;
        let state = args.state.as_deref().map(State::load).transpose()?;
        if let Some(start) = state.as_ref().and_then(State::start) {
            // A start that was typed is that of the first run.
            bounds = Bounds::new(Some(start), bounds.end()).with_context(|| {
                format!("the state begins at {start}, and --end-time lies before")
            })?;
        }
        let (allow, deny) = weighed(&args.output)?;
        let given = keys::from_files(&args.public_keys)?;
        let Resolved {
            place,
            narrowing,
            trail,
            bounds,
            limits,
            cloudtrail,
            of_snapshot,
            note,
        } = place::resolve(args, bounds, now, stop)?;
        let remembered = match &state {
            Some(state) => state.remembered(&place.identity())?,
            None => None,
        };
        let unproven = state.as_ref().map(|state| state.unproven(bounds.end()));
        let unproven = unproven.unwrap_or_default();
        let mut filters = filters(&args.range, narrowing)?;
        if let Some(named) = trail {
            filters.trails = BTreeSet::from([named.trail]);
            filters.home_region = Some(named.home_region);
            filters.management_account = named.management_account;
        }
        let mut now = now;
        if let Some(own) = of_snapshot {
            filters = narrowed(own.filters, filters)?;
            now = own.now;
        }
        let (keys, given_keys): (Arc<dyn KeyRing>, _) = match (given, cloudtrail, &place) {
            (Some((keys, sources)), _, _) => (Arc::new(GivenKeys::new(keys)), sources),
            (None, Some(keys), _) => (Arc::new(keys), Vec::new()),
            (None, None, Place::Folder(folder)) => {
                let (keys, sources) = keys::from_folder(folder)?;
                (Arc::new(GivenKeys::new(keys)), sources)
            }
            (None, None, Place::Snapshot(snapshot)) => {
                let (keys, sources) = snapshot::keys(snapshot, &bounds)?;
                (Arc::new(keys), sources)
            }
            (None, None, Place::S3(_)) => bail!(
                "no public keys: unsigned requests cannot ask CloudTrail for them, so name a file with --public-keys (the output of `aws cloudtrail list-public-keys`)"
            ),
        };
        let job = Job {
            filters,
            keys,
            weights: Weights {
                bounds,
                now,
                allow,
                deny,
            },
            digests_only: args.digests_only,
            remembered,
            unproven,
            limits,
        };
        Ok(Self {
            job,
            place,
            given_keys,
            reports,
            state,
            snapshot: note,
        })
    }

    /// Where the keys came from, once the run has ended.
    pub fn key_sources(&self) -> Vec<KeySource> {
        let asked = self
            .job
            .keys
            .had()
            .into_iter()
            .map(|(region, keys)| KeySource {
                origin: KeyOrigin::CloudTrail,
                name: region,
                fingerprints: keys.iter().map(ToString::to_string).collect(),
            });
        self.given_keys.iter().cloned().chain(asked).collect()
    }
}

/// What is written is not what is read.
fn apart(args: &LogsArgs, reports: &[(Format, PathBuf)]) -> Result<()> {
    let state = named("--state", &args.state);
    let written: Vec<Named<'_>> = state.chain(report_files(reports)).collect();
    let read: Vec<Named<'_>> = named("--public-keys", &args.public_keys).collect();
    keep_apart(&written, &read, &[&args.source])
}

fn bounds(range: &RangeArgs, now: Timestamp) -> Result<Bounds> {
    let resolve = |option: &str, text: &Option<String>| {
        let text = text.as_deref();
        text.map(|text| instant(text, now).map_err(|why| anyhow!("{option} {text:?} {why}")))
            .transpose()
    };
    let start = resolve("--start-time", &range.start_time)?;
    let end = resolve("--end-time", &range.end_time)?;
    if let Some(start) = start.filter(|start| *start > now) {
        bail!("--start-time {start} lies in the future");
    }
    let Some(bounds) = Bounds::new(start, end) else {
        bail!("--start-time does not lie before --end-time");
    };
    Ok(bounds)
}

/// The codes that are allowed, and those that are denied.
pub(super) fn weighed(output: &OutputArgs) -> Result<(BTreeSet<Code>, BTreeSet<Code>)> {
    let allow = codes("--allow", &output.allow)?;
    let deny = codes("--deny", &output.deny)?;
    if let Some(code) = allow.intersection(&deny).next() {
        bail!("{code} is both allowed and denied");
    }
    Ok((allow, deny))
}

pub(super) fn codes(option: &str, names: &[String]) -> Result<BTreeSet<Code>> {
    let code = |name: &String| {
        Code::from_name(name).with_context(|| {
            format!("{option} {name:?} is no finding; `ct-verify explain` lists them")
        })
    };
    names.iter().map(code).collect()
}

fn filters(range: &RangeArgs, narrowing: Narrowing) -> Result<Filters> {
    for (option, names, fits) in [
        ("--account", &range.account, is_account as fn(&str) -> bool),
        ("--region", &range.region, is_region),
        ("--trail", &range.trail, is_trail),
    ] {
        if let Some(name) = names.iter().find(|name| !fits(name)) {
            let hint = match name.split_once(":trail/") {
                Some((_, name)) if option == "--trail" && is_trail(name) => {
                    format!("; of an ARN, the name alone is asked for: --trail {name}")
                }
                Some(_) | None => String::new(),
            };
            bail!("{option} {name:?} cannot be the name of one{hint}");
        }
    }
    let set = |names: &[String]| names.iter().cloned().collect::<BTreeSet<_>>();
    let narrowed = |names: &[String], named: Option<String>| match named {
        None => set(names),
        Some(named) => BTreeSet::from([named]),
    };
    if let Some(named) = &narrowing.account
        && !range.account.is_empty()
        && !range.account.contains(named)
    {
        bail!("the source is that of account {named}, and --account names another");
    }
    if let Some(named) = &narrowing.region
        && !range.region.is_empty()
        && !range.region.contains(named)
    {
        bail!("the source is that of region {named}, and --region names another");
    }
    Ok(Filters {
        accounts: narrowed(&range.account, narrowing.account),
        regions: narrowed(&range.region, narrowing.region),
        trails: set(&range.trail),
        home_region: None,
        management_account: None,
    })
}
