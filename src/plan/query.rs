//! A run of `query-results`, resolved and validated.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};

use super::logs::weighed;
use super::place::{Place, REQUESTS, folder_threads, memory, settings};
use super::reports::reports;
use super::snapshot;
use super::written::{Named, keep_apart, named, report_files};
use super::{keys, local};
use crate::cli::QueryArgs;
use crate::engine::{QueryJob, Stop};
use crate::report::{Format, KeyOrigin, KeySource, SnapshotNote};
use crate::source::snapshot::{Contents, ExportsPlace, SnapshotSource};
use crate::source::{
    CloudTrailKeys, Connection, FolderSource, GivenKeys, KeyRing, S3Place, S3Source,
};
use crate::verify::location::RootId;
use crate::verify::query::QueryWeights;
use crate::verify::time::Bounds;

/// A run of `query-results`, ready to go.
#[derive(Debug)]
pub struct QueryPlan {
    /// What is verified, and against what.
    pub job: QueryJob,
    /// Where it comes from.
    pub place: Place,
    /// Where keys came from that were given before the run.
    given_keys: Vec<KeySource>,
    /// What the source is told to be, where it is a snapshot.
    pub snapshot: Option<SnapshotNote>,
    /// What is written.
    pub reports: Vec<(Format, PathBuf)>,
}

/// A SOURCE, and all that follows from it.
struct Resolved {
    place: Place,
    start: String,
    before: String,
    threads: usize,
    cloudtrail: Option<CloudTrailKeys>,
    note: Option<SnapshotNote>,
}

impl QueryPlan {
    /// Resolves what was typed.
    ///
    /// # Errors
    /// Where it makes no sense, or a file or a service that it names cannot be used.
    pub fn resolve(args: &QueryArgs, stop: &Stop) -> Result<Self> {
        let reports = reports(&args.output.show)?;
        let written: Vec<Named<'_>> = report_files(&reports).collect();
        let read: Vec<Named<'_>> = named("--public-keys", &args.public_keys).collect();
        keep_apart(&written, &read, &[&args.source])?;
        let (allow, deny) = weighed(&args.output)?;
        let given = keys::from_files(&args.public_keys)?;
        let Resolved {
            place,
            start,
            before,
            threads,
            cloudtrail,
            note,
        } = match args.source.to_str() {
            Some(url) if url.starts_with("s3://") => s3(args, url, stop)?,
            Some(arn) if arn.starts_with("arn:") => {
                bail!("query results are not a trail's: name their bucket (s3://…) or a folder")
            }
            Some(_) | None => folder(args, &args.source, stop)?,
        };
        let (keys, given_keys): (Arc<dyn KeyRing>, _) = match (given, cloudtrail, &place) {
            (Some((keys, sources)), _, _) => (Arc::new(GivenKeys::new(keys)), sources),
            (None, Some(keys), _) => (Arc::new(keys), Vec::new()),
            (None, None, Place::Folder(folder)) => {
                let (keys, sources) = keys::from_folder(folder)?;
                (Arc::new(GivenKeys::new(keys)), sources)
            }
            (None, None, Place::Snapshot(snapshot)) => {
                let (keys, sources) = snapshot::keys(snapshot, &Bounds::default())?;
                (Arc::new(keys), sources)
            }
            (None, None, Place::S3(_)) => bail!(
                "no public keys: unsigned requests cannot ask CloudTrail for them, so name a file with --public-keys (the output of `aws cloudtrail list-public-keys`)"
            ),
        };
        let job = QueryJob {
            root: RootId(0),
            start,
            before,
            keys,
            weights: QueryWeights { allow, deny },
            threads,
        };
        Ok(Self {
            job,
            place,
            given_keys,
            snapshot: note,
            reports,
        })
    }

    /// What is verified, in one way only, whatever way it was written.
    pub fn identity(&self) -> String {
        let place = self.place.identity();
        match self.place {
            Place::S3(_) => format!("{place}{}", self.job.start),
            Place::Folder(_) | Place::Snapshot(_) => place,
        }
    }

    /// Where the keys came from, once the run has ended.
    pub fn key_sources(&self) -> Vec<KeySource> {
        let asked = self.job.keys.had().into_iter();
        let asked = asked.map(|(region, keys)| KeySource {
            origin: KeyOrigin::CloudTrail,
            name: region,
            fingerprints: keys.iter().map(ToString::to_string).collect(),
        });
        self.given_keys.iter().cloned().chain(asked).collect()
    }
}

fn folder(args: &QueryArgs, path: &Path, stop: &Stop) -> Result<Resolved> {
    if let Some(option) = args.aws.first_used() {
        bail!("{option} is for buckets (s3://…); the source is a folder");
    }
    local::check(path)?;
    let threads = args.concurrency.map_or_else(folder_threads, usize::from);
    let cannot_use = || format!("cannot use the snapshot {}", path.display());
    if let Some(mut source) = SnapshotSource::open(path).with_context(cannot_use)? {
        let ExportsPlace { start, before } = match &source.head().contents {
            Contents::QueryResults(place) => place.clone(),
            Contents::Logs => bail!(
                "{} is a snapshot of logs: verify it with `ct-verify logs`",
                path.display()
            ),
        };
        let note = snapshot::check(&mut source, threads, stop).with_context(cannot_use)?;
        return Ok(Resolved {
            place: Place::Snapshot(Box::new(source)),
            start,
            before,
            threads,
            cloudtrail: None,
            note: Some(note),
        });
    }
    let (source, before) = FolderSource::open_whole(path)
        .with_context(|| format!("cannot open the folder {}", path.display()))?;
    Ok(Resolved {
        place: Place::Folder(source),
        start: String::new(),
        before,
        threads,
        cloudtrail: None,
        note: None,
    })
}

fn s3(args: &QueryArgs, url: &str, stop: &Stop) -> Result<Resolved> {
    let (bucket, prefix) = S3Place::parts(url)
        .map_err(anyhow::Error::msg)
        .with_context(|| format!("{url:?} is no source"))?;
    let threads = args.concurrency.map_or(REQUESTS, usize::from);
    let settings = settings(&args.aws, threads, memory(args.max_memory), None)?;
    let connection = Connection::open(settings, |stopper| stop.on_stop(stopper))?;
    // Keys are asked for by the time of each query.
    let cloudtrail = (!args.aws.no_sign_request).then(|| connection.keys(Bounds::default()));
    Ok(Resolved {
        place: Place::S3(Box::new(S3Source::whole(connection, bucket))),
        start: prefix.strip_suffix('/').unwrap_or(prefix).to_owned(),
        before: String::new(),
        threads,
        cloudtrail,
        note: None,
    })
}
