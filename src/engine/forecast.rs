//! What a run would read, told from listings alone.

use std::collections::BTreeMap;

use super::job::Job;
use super::shard::may_be_read;
use super::stop::Stop;
use super::survey::{Holdings, Survey, survey};
use super::threads::in_parallel;
use crate::source::{ListedObject, Problem, Source, SourceError};
use crate::verify::location::{AccountRegion, DIGEST_FOLDER, DigestKey, LogFolder, RootId};
use crate::verify::time::Bounds;

/// How many objects, and how large they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Objects.
    pub objects: u64,
    /// Bytes, as far as listings tell sizes.
    pub bytes: u64,
}

/// What a run would read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forecast {
    /// Digests in or near the range.
    pub digests: Amount,
    /// Logs in the range, and those just before it that a digest of the range may name.
    pub logs: Amount,
    /// Of both, those that would have to be restored before they can be read.
    pub archived: Amount,
    /// Requests made for the listings, where listing takes requests.
    pub requests: Option<u64>,
    /// What could not be listed.
    pub problems: Vec<Problem>,
}

impl Amount {
    fn add(&mut self, bytes: u64) {
        self.objects += 1;
        self.bytes += bytes;
    }

    fn add_all(&mut self, other: Self) {
        self.objects += other.objects;
        self.bytes += other.bytes;
    }
}

/// One folder that a run would list.
struct Folder<'a> {
    place: &'a AccountRegion,
    root: RootId,
    /// Where it is one of logs, rather than of digests.
    logs: Option<LogFolder>,
}

/// Lists what a run would read, and reads nothing.
///
/// # Errors
/// Where the source itself cannot be looked at.
pub fn forecast(job: &Job, source: &dyn Source, stop: &Stop) -> Result<Forecast, SourceError> {
    let Survey {
        places, problems, ..
    } = survey(source, &job.filters, job.limits.threads, stop)?;
    let folders = folders(&places, job.digests_only);
    let looked = in_parallel(job.limits.threads, &folders, |folder| {
        look(job, source, folder)
    });
    let mut whole = Forecast {
        problems,
        ..Forecast::default()
    };
    for part in looked {
        whole.add(part);
    }
    whole.requests = source.requests();
    Ok(whole)
}

fn folders(
    places: &BTreeMap<AccountRegion, BTreeMap<RootId, Holdings>>,
    digests_only: bool,
) -> Vec<Folder<'_>> {
    let mut folders = Vec::new();
    for (place, roots) in places {
        for (root, holdings) in roots {
            folders.extend(holdings.folders(digests_only).map(|logs| Folder {
                place,
                root: *root,
                logs,
            }));
        }
    }
    folders
}

fn look(job: &Job, source: &dyn Source, folder: &Folder<'_>) -> Forecast {
    let mut part = Forecast::default();
    let bounds = &job.weights.bounds;
    let name = folder.logs.as_ref().map_or(DIGEST_FOLDER, LogFolder::path);
    let path = folder.place.folder(name);
    let mut visit = |object: ListedObject<'_>| {
        let whole = format!("{path}/{}", object.rest);
        part.count(bounds, &whole, &object);
    };
    part.problems = source.list(folder.root, &path, bounds, &mut visit);
    part
}

impl Forecast {
    /// Counts an object that a listing shows at `path`; tells whether it may be read.
    pub(super) fn count(&mut self, bounds: &Bounds, path: &str, object: &ListedObject<'_>) -> bool {
        if !path.ends_with(".json.gz") || !may_be_read(bounds, path) {
            return false;
        }
        let bytes = (object.size)().unwrap_or(0);
        if DigestKey::parse(path).is_some() {
            self.digests.add(bytes);
        } else {
            self.logs.add(bytes);
        }
        if object.archived {
            self.archived.add(bytes);
        }
        true
    }

    pub(super) fn add(&mut self, part: Self) {
        self.digests.add_all(part.digests);
        self.logs.add_all(part.logs);
        self.archived.add_all(part.archived);
        self.problems.extend(part.problems);
    }
}
