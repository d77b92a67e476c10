//! How a run is cut into shards: every folder of digests or logs into ranges of keys, so that each
//! shard has the same to read, and whatever lies in a folder is in one shard.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Mutex, PoisonError};

use super::forecast::Forecast;
use super::run::Job;
use super::stop::Stop;
use super::survey::{Holdings, Survey, survey};
use super::threads::in_parallel;
use crate::source::{ListedObject, Root, Source, SourceError};
use crate::verify::location::{AccountRegion, DIGEST_FOLDER, LogKind, RootId};

/// What a request costs, in bytes that are read in the same time.
const REQUEST: u64 = 32 * 1024;
/// While a folder is listed, so many places to cut it are kept.
const MOST_OF_A_FOLDER: usize = 64 * 1024;
/// In all, at least so many places to cut are kept; with many shards so many for each.
const MOST: usize = 200_000;
const MOST_PER_SHARD: usize = 32;
/// The first coarseness, once there are more than that.
const FIRST_GRAIN: u64 = 256 * 1024;

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

/// A folder that is cut, in the order of the plan: digests stand before the logs that they name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Folder {
    place: AccountRegion,
    root: RootId,
    kind: Option<LogKind>,
}

/// What lies from one key to the next, and what it costs.
type Units = BTreeMap<Box<str>, u64>;

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
            let mut ends = path.match_indices('/').map(|(end, _)| end).skip(3).take(2);
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
            let digests = holdings.digests.then_some(None);
            let logs = holdings.kinds.iter().filter(|_| !digests_only);
            let kinds = digests.into_iter().chain(logs.map(|kind| Some(*kind)));
            folders.extend(kinds.map(|kind| Folder {
                place: place.clone(),
                root: *root,
                kind,
            }));
        }
    }
    folders.sort();
    folders
}

impl Folder {
    fn path(&self) -> String {
        let name = self.kind.map_or(DIGEST_FOLDER, LogKind::folder);
        self.place.folder(name)
    }
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
        let unit = unit(folder.kind, object.rest);
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

/// Logs of one minute stay together; digests are cut apart one by one.
fn unit(kind: Option<LogKind>, rest: &str) -> &str {
    match kind {
        Some(_) => rest.rsplit_once('_').map_or(rest, |(minute, _)| minute),
        None => rest,
    }
}

/// Joins neighbours that cost no more than `grain` together.
fn coarsen(units: &mut Units, grain: u64) {
    let mut joined: Vec<(Box<str>, u64)> = Vec::new();
    for (key, cost) in std::mem::take(units) {
        match joined.last_mut() {
            Some((_, sum)) if *sum + cost <= grain => *sum += cost,
            Some(_) | None => joined.push((key, cost)),
        }
    }
    units.extend(joined);
}

/// The units of all folders that were listed so far.
struct Gathered {
    folders: Vec<(Folder, Units)>,
    count: usize,
    grain: u64,
    most: usize,
}

impl Gathered {
    fn new(shards: u32) -> Self {
        let most = MOST.max(shards as usize * MOST_PER_SHARD);
        Self {
            folders: Vec::new(),
            count: 0,
            grain: 0,
            most,
        }
    }

    fn add(&mut self, folder: Folder, mut units: Units) {
        if self.grain > 0 {
            coarsen(&mut units, self.grain);
        }
        self.count += units.len();
        self.folders.push((folder, units));
        self.hold();
    }

    /// Counts an object in a folder that was added.
    fn count_in(&mut self, folder: usize, rest: &str, cost: u64) {
        let Some((folder, units)) = self.folders.get_mut(folder) else {
            return;
        };
        let unit = unit(folder.kind, rest);
        // Once neighbours were joined, an object belongs to the ones around it.
        let joined = units
            .range_mut::<str, _>((Bound::Unbounded, Bound::Included(unit)))
            .next_back();
        match joined {
            Some((key, sum)) if **key == *unit || *sum + cost <= self.grain => *sum += cost,
            Some(_) | None => {
                units.insert(unit.into(), cost);
                self.count += 1;
                self.hold();
            }
        }
    }

    /// Joins neighbours as long as there are too many.
    fn hold(&mut self) {
        let least = self.folders.len();
        while self.count > self.most.max(2 * least) {
            self.grain = (self.grain * 2).max(FIRST_GRAIN);
            for (_, units) in &mut self.folders {
                coarsen(units, self.grain);
            }
            self.count = self.folders.iter().map(|(_, units)| units.len()).sum();
        }
    }
}

/// Gives the units to shards, in the order of accounts' regions and days: so a digest is in the
/// shard of the logs that it names, but for those at its edges.
fn assign(gathered: &[(Folder, Units)], shards: u32) -> (Vec<Portioned>, Vec<u64>) {
    let mut folders: Vec<_> = gathered.iter().collect();
    folders.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut units = Vec::new();
    for (number, (folder, its)) in folders.iter().enumerate() {
        // Listing an empty folder is something to do too.
        let first = its.is_empty().then_some(("", REQUEST));
        let its = its.iter().map(|(key, cost)| (&**key, *cost));
        for (key, cost) in first.into_iter().chain(its) {
            units.push((&folder.place, day(key), number, key, cost));
        }
    }
    units.sort_unstable();
    let total: u128 = units.iter().map(|unit| u128::from(unit.4)).sum();
    let mut portioned: Vec<_> = folders
        .iter()
        .map(|(folder, _)| Portioned {
            root: folder.root,
            path: folder.path(),
            cuts: Vec::new(),
        })
        .collect();
    let mut costs = vec![0; shards as usize];
    let mut before = 0_u128;
    for (_, _, number, key, cost) in units {
        let middle = before + u128::from(cost) / 2;
        let shard = middle * u128::from(shards) / total.max(1);
        let shard = u32::try_from(shard).unwrap_or(0).min(shards - 1);
        before += u128::from(cost);
        if let Some(sum) = costs.get_mut(shard as usize) {
            *sum += cost;
        }
        let Some(folder) = portioned.get_mut(number) else {
            continue;
        };
        match folder.cuts.last() {
            Some(last) if last.shard == shard => {}
            Some(_) => folder.cuts.push(Cut {
                shard,
                from: key.to_owned(),
            }),
            None => folder.cuts.push(Cut {
                shard,
                from: String::new(),
            }),
        }
    }
    (portioned, costs)
}

/// The folders of a key's day, or as much as it has of them.
fn day(key: &str) -> &str {
    key.get(..10).unwrap_or(key)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(region: &str, kind: Option<LogKind>) -> Folder {
        Folder {
            place: AccountRegion::new(None, "111122223333", region).unwrap(),
            root: RootId(0),
            kind,
        }
    }

    fn units(days: std::ops::Range<u32>, cost: u64) -> Units {
        days.map(|day| (format!("2024/03/{day:02}/x").into(), cost))
            .collect()
    }

    #[test]
    fn shards_are_even_and_every_folder_is_whole() {
        let log = Some(LogKind::CloudTrail);
        let gathered = [
            (folder("us-east-1", log), units(1..29, 100)),
            (folder("us-east-1", None), units(1..29, 10)),
            (folder("eu-west-1", None), Units::new()),
        ];
        for shards in [1, 2, 3, 7, 100] {
            let (folders, costs) = assign(&gathered, shards);
            assert_eq!(folders.len(), 3);
            for folder in &folders {
                assert_eq!(folder.cuts[0].from, "", "{folder:?}");
                let rising =
                    |pair: &[Cut]| pair[0].from < pair[1].from && pair[0].shard < pair[1].shard;
                assert!(folder.cuts.windows(2).all(rising), "{folder:?}");
            }
            let (most, all) = (costs.iter().max().unwrap(), costs.iter().sum::<u64>());
            assert!(
                *most <= all / u64::from(shards) + REQUEST + 110,
                "{costs:?}"
            );
        }
    }

    #[test]
    fn many_units_are_joined_and_none_is_lost() {
        let mut gathered = Gathered {
            most: 100,
            ..Gathered::new(1)
        };
        for _ in 0..40 {
            gathered.add(folder("us-east-1", None), units(1..29, REQUEST));
        }
        assert!(gathered.count <= 100, "{}", gathered.count);
        let sum: u64 = gathered
            .folders
            .iter()
            .flat_map(|(_, its)| its.values())
            .sum();
        assert_eq!(sum, 40 * 28 * REQUEST);
    }
}
