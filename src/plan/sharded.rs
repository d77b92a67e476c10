//! A run that a plan tells: what was typed when the plan was made is typed once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::logs::{LogsPlan, codes};
use super::place::{Place, REQUESTS, folder_threads, memory, settings};
use crate::cli::{AwsArgs, LogsArgs, Payer, Size};
use crate::engine::{Filters, Job, Limits, Partition, Stop};
use crate::report::{Format, KeyOrigin, KeySource};
use crate::shard::{Plan, PlannedAws, PlannedFolder, PlannedKey, PlannedKeys, PlannedPlace};
use crate::source::{
    CloudTrailKeys, Connection, FolderSource, GivenKeys, KeyRing, Narrowing, S3Place, S3Source,
    TrailArn,
};
use crate::verify::conclusion::Weights;
use crate::verify::keys::{KeySet, PublicKey, listed_key};
use crate::verify::time::Bounds;

/// How many results are fetched at a time.
const RESULT_REQUESTS: usize = 32;

/// What a machine brings to a plan.
#[derive(Debug)]
pub struct Means<'a> {
    /// Objects read at a time.
    pub concurrency: Option<u16>,
    /// Memory to use.
    pub max_memory: Option<Size>,
    /// How buckets are reached, where that is not as planned.
    pub aws: &'a AwsArgs,
    /// Codes taken down to notices, beyond those of the plan.
    pub allow: &'a [String],
    /// Codes taken up to invalid, beyond those of the plan.
    pub deny: &'a [String],
    /// What is written.
    pub reports: Vec<(Format, PathBuf)>,
}

impl Means<'_> {
    /// Bytes that may be used.
    pub fn memory(&self) -> usize {
        memory(self.max_memory)
    }
}

/// The plan of a run that was resolved and cut.
///
/// # Errors
/// Where it is of something that cannot be spread over machines.
pub fn planned(
    args: &LogsArgs,
    run: &LogsPlan,
    partition: &Partition,
    shards: u32,
) -> Result<Plan> {
    let place = match &run.place {
        Place::Folder(folder) => {
            let text = |path: &Path| {
                let path = path.to_str().map(str::to_owned);
                path.context("the folder's path is no text, which a plan has to hold")
            };
            let path = text(folder.path())?;
            match folder.part().map(text).transpose()? {
                None => PlannedPlace::Folder(path),
                Some(part) => PlannedPlace::PartOfFolder { folder: path, part },
            }
        }
        Place::Snapshot(_) => bail!(
            "the source is a snapshot, which is held against its manifest as a whole: verify it with one `ct-verify logs`"
        ),
        Place::S3(s3) => PlannedPlace::S3 {
            bucket: s3.place().bucket.to_string(),
            prefix: s3.place().prefix.clone(),
            is_root: s3.place().is_root,
        },
    };
    let filters = &run.job.filters;
    let list = |names: &BTreeSet<String>| names.iter().cloned().collect();
    let names = |codes: &BTreeSet<crate::verify::finding::Code>| {
        codes.iter().map(ToString::to_string).collect()
    };
    let weights = &run.job.weights;
    let folder = |it: &crate::engine::Portioned| PlannedFolder {
        root: number_of(partition, it.root),
        path: it.path.clone(),
        cuts: it
            .cuts
            .iter()
            .map(|cut| (cut.shard, cut.from.clone()))
            .collect(),
    };
    Ok(Plan {
        plan_version: Plan::VERSION,
        tool: format!("ct-verify {}", env!("CARGO_PKG_VERSION")),
        made: weights.now,
        source: args.source.to_string_lossy().into_owned(),
        place,
        aws: aws(args),
        start: weights.bounds.start(),
        end: weights.bounds.end(),
        accounts: list(&filters.accounts),
        regions: list(&filters.regions),
        trails: list(&filters.trails),
        home_region: filters.home_region.clone(),
        management_account: filters.management_account.clone(),
        digests_only: run.job.digests_only,
        allow: names(&weights.allow),
        deny: names(&weights.deny),
        keys: keys(run)?,
        shards,
        roots: partition
            .roots
            .iter()
            .map(|root| root.name.clone())
            .collect(),
        folders: partition.folders.iter().map(folder).collect(),
    })
}

fn number_of(partition: &Partition, root: crate::verify::location::RootId) -> u32 {
    let at = partition.roots.iter().position(|its| its.id == root);
    at.and_then(|at| u32::try_from(at).ok()).unwrap_or(u32::MAX)
}

fn aws(args: &LogsArgs) -> PlannedAws {
    let arn = args.source.to_str().and_then(TrailArn::parse);
    PlannedAws {
        endpoint_url: args.aws.endpoint_url.clone(),
        no_sign_request: args.aws.no_sign_request,
        requester_pays: args.aws.request_payer.is_some(),
        region: arn.map(|arn| arn.region),
    }
}

/// The keys that were given; nothing where `CloudTrail` is asked for them.
fn keys(run: &LogsPlan) -> Result<Option<PlannedKeys>> {
    if run.given_keys.is_empty() {
        return Ok(None);
    }
    let mut keys = Vec::new();
    for holding in run.job.keys.holdings() {
        let held = holding.keys.map_err(anyhow::Error::msg)?;
        keys.extend(held.into_iter().map(|key| PlannedKey {
            value: STANDARD.encode(&key.value),
            fingerprint: key.fingerprint,
        }));
    }
    let told = run
        .given_keys
        .iter()
        .flat_map(|source| &source.fingerprints);
    if told.collect::<BTreeSet<_>>().len() != keys.len() {
        bail!(
            "a public key is in an encoding that a plan cannot hold: give it as list-public-keys JSON"
        );
    }
    let sources = run.given_keys.iter().map(|source| {
        let origin = source.origin.name().to_owned();
        (origin, source.name.clone(), source.fingerprints.clone())
    });
    Ok(Some(PlannedKeys {
        sources: sources.collect(),
        keys,
    }))
}

/// The options of the plan, and of whoever brings some of their own.
fn joined(plan: &PlannedAws, typed: &AwsArgs) -> AwsArgs {
    let pays = plan.requester_pays.then_some(Payer::Requester);
    AwsArgs {
        endpoint_url: typed
            .endpoint_url
            .clone()
            .or_else(|| plan.endpoint_url.clone()),
        profile: typed.profile.clone(),
        // A profile that was named is there to sign with.
        no_sign_request: typed.no_sign_request || (plan.no_sign_request && typed.profile.is_none()),
        request_payer: typed.request_payer.or(pays),
    }
}

impl LogsPlan {
    /// The run that `plan` tells.
    ///
    /// # Errors
    /// Where its source cannot be reached, or what was typed does not go with it.
    pub fn of_plan(plan: &Plan, means: Means<'_>, stop: &Stop) -> Result<Self> {
        let bounds = Bounds::new(plan.start, plan.end).context("the plan's range is empty")?;
        let (allow, deny) = (
            [&plan.allow[..], means.allow].concat(),
            [&plan.deny[..], means.deny].concat(),
        );
        let (allow, deny) = (codes("--allow", &allow)?, codes("--deny", &deny)?);
        if let Some(code) = allow.intersection(&deny).next() {
            bail!("{code} is both allowed and denied");
        }
        let (place, threads, cloudtrail) = reach(plan, &means, bounds, stop)?;
        let (keys, given_keys): (Arc<dyn KeyRing>, _) = match (&plan.keys, cloudtrail) {
            (Some(given), _) => {
                let (keys, sources) = given_keys(given)?;
                (Arc::new(GivenKeys::new(keys)), sources)
            }
            (None, Some(keys)) => (Arc::new(keys), Vec::new()),
            (None, None) => {
                bail!("the plan holds no public keys, and there is nobody to ask for them")
            }
        };
        let set = |names: &[String]| names.iter().cloned().collect();
        let job = Job {
            filters: Filters {
                accounts: set(&plan.accounts),
                regions: set(&plan.regions),
                trails: set(&plan.trails),
                home_region: plan.home_region.clone(),
                management_account: plan.management_account.clone(),
            },
            keys,
            weights: Weights {
                bounds,
                now: plan.made,
                allow,
                deny,
            },
            digests_only: plan.digests_only,
            remembered: None,
            unproven: BTreeMap::new(),
            limits: Limits::new(means.memory(), threads),
        };
        Ok(Self {
            job,
            place,
            given_keys,
            snapshot: None,
            state: None,
            reports: means.reports,
        })
    }
}

fn reach(
    plan: &Plan,
    means: &Means<'_>,
    bounds: Bounds,
    stop: &Stop,
) -> Result<(Place, usize, Option<CloudTrailKeys>)> {
    let threads = means.concurrency.map(usize::from);
    match &plan.place {
        PlannedPlace::Folder(path) => {
            let folder = planned_folder(path, None)?;
            Ok((folder, threads.unwrap_or_else(folder_threads), None))
        }
        PlannedPlace::PartOfFolder { folder, part } => {
            let folder = planned_folder(folder, Some(part))?;
            Ok((folder, threads.unwrap_or_else(folder_threads), None))
        }
        PlannedPlace::S3 {
            bucket,
            prefix,
            is_root,
        } => {
            let threads = threads.unwrap_or(REQUESTS);
            let aws = joined(&plan.aws, means.aws);
            let settings = settings(&aws, threads, means.memory(), plan.aws.region.clone())?;
            let connection = Connection::open(settings, |stopper| stop.on_stop(stopper))?;
            let keys = (!aws.no_sign_request).then(|| connection.keys(bounds));
            let place = S3Place {
                bucket: bucket.as_str().into(),
                prefix: prefix.clone(),
                is_root: *is_root,
                narrowing: Narrowing::default(),
            };
            let source = S3Source::new(connection, place);
            Ok((Place::S3(Box::new(source)), threads, keys))
        }
    }
}

fn planned_folder(path: &str, part: Option<&str>) -> Result<Place> {
    let folder = FolderSource::open_exactly(Path::new(path), part.map(Path::new));
    let cannot_open = || format!("cannot open the folder {path}, which the plan is of");
    Ok(Place::Folder(folder.with_context(cannot_open)?))
}

fn given_keys(planned: &PlannedKeys) -> Result<(KeySet, Vec<KeySource>)> {
    let key = |key: &PlannedKey| listed_key(&key.value, Some(&key.fingerprint));
    let keys: Result<Vec<PublicKey>, _> = planned.keys.iter().map(key).collect();
    let keys = KeySet::new(keys.context("the plan's public keys cannot be used")?)
        .context("the plan names public keys and holds none")?;
    let source = |(origin, name, fingerprints): &(String, String, Vec<String>)| {
        let origin = KeyOrigin::ALL.into_iter().find(|its| its.name() == *origin);
        Some(KeySource {
            origin: origin?,
            name: name.clone(),
            fingerprints: fingerprints.clone(),
        })
    };
    let sources: Option<Vec<_>> = planned.sources.iter().map(source).collect();
    Ok((
        keys,
        sources.context("the plan names an unknown origin of keys")?,
    ))
}

/// The bucket and prefix that results are in; nothing where they are in a folder.
///
/// # Errors
/// Where no bucket can be named so.
pub fn result_bucket(place: &Path) -> Result<Option<(&str, &str)>> {
    let Some(url) = place.to_str().filter(|text| text.starts_with("s3://")) else {
        return Ok(None);
    };
    let parts = S3Place::parts(url).map_err(anyhow::Error::msg);
    parts
        .map(Some)
        .with_context(|| format!("{url:?} is no place for results"))
}

/// Whether a plan tells more of how the bucket of its results is reached than was typed.
pub fn tells_more(plan: &PlannedAws, typed: &AwsArgs) -> bool {
    let endpoint = plan.endpoint_url.is_some() && typed.endpoint_url.is_none();
    endpoint || plan.region.is_some()
}

/// A connection to the bucket that results are in.
///
/// # Errors
/// Where the environment names what cannot be used.
pub fn connect(plan: &PlannedAws, typed: &AwsArgs, stop: &Stop) -> Result<Connection> {
    let aws = AwsArgs {
        // A public archive says nothing of who may write results.
        no_sign_request: typed.no_sign_request,
        request_payer: typed.request_payer,
        ..joined(plan, typed)
    };
    let settings = settings(&aws, RESULT_REQUESTS, memory(None), plan.region.clone())?;
    Connection::open(settings, |stopper| stop.on_stop(stopper))
}
