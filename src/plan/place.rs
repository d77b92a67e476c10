//! The SOURCE: a local folder, a bucket, or a trail that tells its bucket.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;

use super::snapshot::{self, OfSnapshot, of_snapshot};
use super::{endpoint, local};
use crate::cli::{AwsArgs, LogsArgs, Size};
use crate::engine::{Limits, Stop};
use crate::report::SnapshotNote;
use crate::source::snapshot::SnapshotSource;
use crate::source::{
    CloudTrailKeys, Connection, FolderSource, Narrowing, S3Place, S3Source, Settings, Source,
    TrailArn,
};
use crate::verify::time::Bounds;

/// How many requests may be in flight, unless the user says otherwise: at 20 ms each that is more
/// than two cores can inflate and hash.
pub(super) const REQUESTS: usize = 200;
/// So much memory may be used, roughly, unless the user says otherwise.
const MEMORY: usize = 256 * 1024 * 1024;

/// Where objects come from.
#[derive(Debug)]
pub enum Place {
    /// A local folder.
    Folder(FolderSource),
    /// A snapshot.
    Snapshot(Box<SnapshotSource>),
    /// Live buckets.
    S3(Box<S3Source>),
}

impl Place {
    /// What it is, in one way only, whatever way it was written.
    pub fn identity(&self) -> String {
        match self {
            Self::Folder(folder) => folder.path().display().to_string(),
            Self::Snapshot(snapshot) => snapshot.head().source.clone(),
            Self::S3(s3) => s3.name(),
        }
    }

    /// The source that it is.
    pub fn source(&self) -> &dyn Source {
        match self {
            Self::Folder(folder) => folder,
            Self::Snapshot(snapshot) => &**snapshot,
            Self::S3(s3) => &**s3,
        }
    }
}

/// The trail that an ARN names.
pub(super) struct NamedTrail {
    pub(super) trail: String,
    pub(super) home_region: String,
    /// Whose it is, where it records the accounts of an organization.
    pub(super) management_account: Option<String>,
}

/// A SOURCE, and all that follows from it.
pub(super) struct Resolved {
    pub(super) place: Place,
    pub(super) narrowing: Narrowing,
    /// The trail that was named.
    pub(super) trail: Option<NamedTrail>,
    pub(super) bounds: Bounds,
    pub(super) limits: Limits,
    /// Where keys are asked for, if they can be.
    pub(super) cloudtrail: Option<CloudTrailKeys>,
    /// What a snapshot's head decides.
    pub(super) of_snapshot: Option<OfSnapshot>,
    /// What a snapshot is told to be.
    pub(super) note: Option<SnapshotNote>,
}

pub(super) fn resolve(
    args: &LogsArgs,
    bounds: Bounds,
    now: Timestamp,
    stop: &Stop,
) -> Result<Resolved> {
    match args.source.to_str() {
        Some(url) if url.starts_with("s3://") => {
            let place = S3Place::parse(url)
                .map_err(anyhow::Error::msg)
                .with_context(|| format!("{url:?} is no source"))?;
            s3(args, bounds, now, stop, Target::Bucket(place))
        }
        Some(arn) if arn.starts_with("arn:") && !arn.starts_with("arn:aws:s3:::") => {
            let arn = TrailArn::parse(arn).with_context(|| {
                format!("{arn:?} is not the ARN of a trail (arn:aws:cloudtrail:REGION:ACCOUNT:trail/NAME)")
            })?;
            s3(args, bounds, now, stop, Target::Trail(arn))
        }
        Some(_) | None => folder(args, &args.source, bounds, stop),
    }
}

fn folder(args: &LogsArgs, path: &Path, bounds: Bounds, stop: &Stop) -> Result<Resolved> {
    if let Some(option) = args.aws.first_used() {
        bail!("{option} is for buckets (s3://…) and trails (arn:…); the source is a folder");
    }
    local::check(path)?;
    let threads = args.concurrency.map_or_else(folder_threads, usize::from);
    let cannot_use = || format!("cannot use the snapshot {}", path.display());
    let cannot_open = || format!("cannot open the folder {}", path.display());
    let is_part = FolderSource::is_part_of_an_archive(path).with_context(cannot_open)?;
    // What lies in a part of an archive is part of it, whatever it says of itself.
    let snapshot = if is_part {
        None
    } else {
        SnapshotSource::open(path).with_context(cannot_use)?
    };
    if let Some(mut source) = snapshot {
        if !source.head().contents.is_logs() {
            bail!(
                "{} is a snapshot of query results: verify it with `ct-verify query-results`",
                path.display()
            );
        }
        let of_snapshot = of_snapshot(source.head(), args, bounds)?;
        source.ask(of_snapshot.bounds);
        let note = snapshot::check(&mut source, threads, stop).with_context(cannot_use)?;
        return Ok(Resolved {
            place: Place::Snapshot(Box::new(source)),
            narrowing: Narrowing::default(),
            trail: None,
            bounds: of_snapshot.bounds,
            limits: Limits::new(memory(args.max_memory), threads),
            cloudtrail: None,
            of_snapshot: Some(of_snapshot),
            note: Some(note),
        });
    }
    let (source, narrowing) = FolderSource::open(path).with_context(cannot_open)?;
    Ok(Resolved {
        place: Place::Folder(source),
        narrowing,
        trail: None,
        bounds,
        limits: Limits::new(memory(args.max_memory), threads),
        cloudtrail: None,
        of_snapshot: None,
        note: None,
    })
}

enum Target {
    Bucket(S3Place),
    Trail(TrailArn),
}

fn s3(
    args: &LogsArgs,
    bounds: Bounds,
    now: Timestamp,
    stop: &Stop,
    target: Target,
) -> Result<Resolved> {
    let Some(start) = bounds.start() else {
        bail!("--start-time is required for a bucket or a trail: its history may be long");
    };
    let end = bounds.end().unwrap_or(now);
    let bounds = Bounds::new(Some(start), Some(end))
        .context("--start-time does not lie before --end-time, which is now")?;
    let threads = args.concurrency.map_or(REQUESTS, usize::from);
    let region = match &target {
        Target::Bucket(_) => None,
        Target::Trail(arn) => Some(arn.region.clone()),
    };
    let settings = settings(&args.aws, threads, memory(args.max_memory), region)?;
    let connection = Connection::open(settings, |stopper| stop.on_stop(stopper))?;
    let (place, narrowing, trail) = match target {
        Target::Bucket(place) => {
            let narrowing = place.narrowing.clone();
            (place, narrowing, None)
        }
        Target::Trail(arn) => of_trail(&connection, &arn, args)?,
    };
    let cloudtrail = (!args.aws.no_sign_request).then(|| connection.keys(bounds));
    Ok(Resolved {
        place: Place::S3(Box::new(S3Source::new(connection, place))),
        narrowing,
        trail,
        bounds,
        limits: Limits::new(memory(args.max_memory), threads),
        cloudtrail,
        of_snapshot: None,
        note: None,
    })
}

type OfTrail = (S3Place, Narrowing, Option<NamedTrail>);

fn of_trail(connection: &Connection, arn: &TrailArn, args: &LogsArgs) -> Result<OfTrail> {
    let trail = connection
        .describe_trail(arn)
        .map_err(anyhow::Error::from)
        .with_context(|| format!("cannot look up {}", arn.arn))?;
    if args.range.trail.iter().any(|name| *name != trail.name) {
        bail!(
            "the source is the trail {}, and --trail names another",
            trail.name
        );
    }
    // Where it delivers to is known: nothing has to be searched for, and a prefix that has an
    // `AWSLogs` of its own is that of another folder of this name below it.
    let place = S3Place {
        bucket: trail.bucket.as_str().into(),
        prefix: trail.prefix,
        is_root: true,
        narrowing: Narrowing::default(),
    };
    let narrowing = Narrowing {
        // The chains of an organization's trail are those of all its accounts.
        account: (!trail.is_organization).then(|| arn.account.clone()),
        region: None,
    };
    let named = NamedTrail {
        trail: trail.name,
        home_region: trail.home_region,
        management_account: trail.is_organization.then(|| arn.account.clone()),
    };
    Ok((place, narrowing, Some(named)))
}

pub(super) fn settings(
    args: &AwsArgs,
    requests: usize,
    memory: usize,
    region: Option<String>,
) -> Result<Settings> {
    endpoint::check(args)?;
    let AwsArgs {
        endpoint_url,
        profile,
        no_sign_request,
        request_payer,
    } = args;
    Ok(Settings {
        endpoint_url: endpoint_url.clone(),
        profile: profile.clone(),
        no_sign_request: *no_sign_request,
        requester_pays: request_payer.is_some(),
        region,
        concurrency: requests,
        body_memory: memory / 4,
        ..Settings::default()
    })
}

pub(super) fn memory(asked: Option<Size>) -> usize {
    asked.map_or(MEMORY, |size| size.0)
}

/// How many threads read a folder, unless the user says otherwise: four a core, since a cold disk
/// is read faster so, and a warm one no slower.
pub(super) fn folder_threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get) * 4
}
