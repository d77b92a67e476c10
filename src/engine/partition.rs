//! How a run is cut into shards: every folder of digests or logs into ranges of keys, so that each
//! shard has the same to read, and whatever lies in a folder is in one shard.

mod assign;
mod units;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use assign::assign;
use units::{Folder, Gathered, MOST_OF_A_FOLDER, REQUEST, Units, coarsen, unit};

use super::forecast::Forecast;
use super::job::Job;
use super::stop::Stop;
use super::survey::{Holdings, Survey, survey};
use super::threads::in_parallel;
use crate::source::{ListedObject, Root, Source, SourceError};
use crate::verify::location::{AccountRegion, RootId};

/// Where a shard begins in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The shard.
    pub shard: u32,
    /// Its first key, from the folder on; the first cut of a folder is at its beginning.
    pub from: String,
}

/// A folder, cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portioned {
    /// The root that it lies in.
    pub root: RootId,
    /// Its path.
    pub path: String,
    /// Its cuts, in the order of keys.
    pub cuts: Vec<Cut>,
}

/// A run, cut into shards.
#[derive(Clone, Debug)]
pub struct Partition {
    /// The places with an `AWSLogs` folder.
    pub roots: Vec<Root>,
    /// Every folder of digests or logs.
    pub folders: Vec<Portioned>,
    /// What all shards together read.
    pub forecast: Forecast,
    /// What each shard costs, in bytes and in bytes for requests.
    pub costs: Vec<u64>,
}

/// An object as a list of all objects of a bucket tells it.
#[derive(Clone, Copy, Debug)]
pub struct Inventoried<'a> {
    /// Its key.
    pub key: &'a str,
    /// Its size in bytes.
    pub size: u64,
    /// Whether it would have to be restored before it can be read.
    pub archived: bool,
}

/// Lists what `job` asks for of `source`, and cuts it into `shards` of even cost.
///
/// # Errors
/// Where the source itself cannot be looked at.
pub fn partition(
    job: &Job,
    source: &dyn Source,
    shards: u32,
    stop: &Stop,
) -> Result<Partition, SourceError> {
    let survey = survey(source, &job.filters, job.limits.threads, stop)?;
    let folders = folders(&survey.places, job.digests_only);
    let gathered = Mutex::new(Gathered::new(shards));
    let parts = in_parallel(job.limits.threads, &folders, |folder| {
        let mut units = Units::new();
        let part = look(job, source, folder, &mut units);
        let mut gathered = gathered.lock().unwrap_or_else(PoisonError::into_inner);
        gathered.add(folder.clone(), units);
        part
    });
    let mut forecast = Forecast::default();
    for part in parts {
        forecast.add(part);
    }
    let gathered = gathered.into_inner();
    let gathered = gathered.unwrap_or_else(PoisonError::into_inner);
    Ok(Partition::new(survey, &gathered, forecast, shards, source))
}

/// The same, where what lies in the folders is told by `each`, which shows every object of
/// `bucket`, rather than by listings.
///
/// # Errors
/// Where the source itself cannot be looked at, or `each` fails.
pub fn partition_inventory(
    job: &Job,
    (source, bucket): (&dyn Source, &str),
    shards: u32,
    stop: &Stop,
    each: impl FnOnce(&mut dyn FnMut(Inventoried<'_>)) -> anyhow::Result<()>,
) -> anyhow::Result<Partition> {
    let survey = survey(source, &job.filters, job.limits.threads, stop)?;
    let folders = folders(&survey.places, job.digests_only);
    let mut gathered = Gathered::new(shards);
    let mut numbers = HashMap::new();
    for (number, folder) in folders.into_iter().enumerate() {
        numbers.insert((folder.root, folder.path()), number);
        gathered.add(folder, Units::new());
    }
    let stated = survey.roots.iter().filter_map(|root| {
        let (its, prefix) = source.stated(root.id)?;
        let above = if prefix.is_empty() {
            String::new()
        } else {
            format!("{prefix}/")
        };
        (*its == *bucket).then_some((root.id, above))
    });
    let stated: Vec<_> = stated.collect();
    let mut forecast = Forecast::default();
    each(&mut |object| {
        for (root, above) in &stated {
            let Some(path) = object.key.strip_prefix(above.as_str()) else {
                continue;
            };
            let mut ends = path.match_indices('/').map(|(end, _)| end).skip(3).take(3);
            let number = ends.find_map(|end| {
                let number = numbers.get(&(*root, path[..end].to_owned()))?;
                Some((*number, &path[end + 1..]))
            });
            let Some((number, rest)) = number else {
                continue;
            };
            let listed = ListedObject {
                rest,
                archived: object.archived,
                size: &|| Some(object.size),
            };
            if forecast.count(&job.weights.bounds, path, &listed) {
                gathered.count_in(number, rest, object.size + REQUEST);
            }
        }
    })?;
    Ok(Partition::new(survey, &gathered, forecast, shards, source))
}

fn folders(
    places: &BTreeMap<AccountRegion, BTreeMap<RootId, Holdings>>,
    digests_only: bool,
) -> Vec<Folder> {
    let mut folders = Vec::new();
    for (place, roots) in places {
        for (root, holdings) in roots {
            folders.extend(holdings.folders(digests_only).map(|logs| Folder {
                place: place.clone(),
                root: *root,
                logs,
            }));
        }
    }
    folders.sort();
    folders
}

/// Lists a folder, and takes note of what its objects cost.
fn look(job: &Job, source: &dyn Source, folder: &Folder, units: &mut Units) -> Forecast {
    let mut part = Forecast::default();
    let bounds = &job.weights.bounds;
    let path = folder.path();
    let mut visit = |object: ListedObject<'_>| {
        let whole = format!("{path}/{}", object.rest);
        if !part.count(bounds, &whole, &object) {
            return;
        }
        let cost = (object.size)().unwrap_or(0) + REQUEST;
        let unit = unit(folder, object.rest);
        if let Some(known) = units.get_mut(unit) {
            *known += cost;
        } else {
            units.insert(unit.into(), cost);
        }
        if units.len() > MOST_OF_A_FOLDER {
            let grain = 2 * units.values().sum::<u64>() / MOST_OF_A_FOLDER as u64;
            coarsen(units, grain.max(1));
        }
    };
    part.problems = source.list(folder.root, &path, bounds, &mut visit);
    part
}

impl Partition {
    fn new(
        survey: Survey,
        gathered: &Gathered,
        mut forecast: Forecast,
        shards: u32,
        source: &dyn Source,
    ) -> Self {
        let Survey {
            problems, roots, ..
        } = survey;
        forecast.problems.splice(0..0, problems);
        forecast.requests = source.requests();
        let (folders, costs) = assign(&gathered.folders, shards.max(1));
        Self {
            roots,
            folders,
            forecast,
            costs,
        }
    }

    /// How many parts of folders all shards list.
    pub fn parts(&self) -> u64 {
        self.folders
            .iter()
            .map(|folder| folder.cuts.len() as u64)
            .sum()
    }

    /// What the most costly shard costs, over what shards cost on average.
    pub fn balance(&self) -> Option<f64> {
        let most = self.costs.iter().max()?;
        let total: u64 = self.costs.iter().sum();
        #[allow(clippy::cast_precision_loss, reason = "it is shown with two digits")]
        (total > 0).then(|| *most as f64 * self.costs.len() as f64 / total as f64)
    }
}
