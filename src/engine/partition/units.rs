//! What lies in each folder, in pieces that may be given to one shard or another: as few as suffice
//! for even shards.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::verify::location::{AccountRegion, DIGEST_FOLDER, LogFolder, RootId};

/// What a request costs, in bytes that are read in the same time.
pub(super) const REQUEST: u64 = 32 * 1024;
/// While a folder is listed, so many places to cut it are kept.
pub(super) const MOST_OF_A_FOLDER: usize = 64 * 1024;
/// In all, at least so many places to cut are kept; with many shards so many for each.
const MOST: usize = 200_000;
const MOST_PER_SHARD: usize = 32;
/// The first coarseness, once there are more than that.
const FIRST_GRAIN: u64 = 256 * 1024;

/// A folder that is cut, in the order of the plan: digests stand before the logs that they name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Folder {
    pub(super) place: AccountRegion,
    pub(super) root: RootId,
    /// Where it is one of logs, rather than of digests.
    pub(super) logs: Option<LogFolder>,
}

impl Folder {
    pub(super) fn path(&self) -> String {
        let name = self.logs.as_ref().map_or(DIGEST_FOLDER, LogFolder::path);
        self.place.folder(name)
    }
}

/// What lies from one key to the next, and what it costs.
pub(super) type Units = BTreeMap<Box<str>, u64>;

/// Logs of one minute stay together; digests are cut apart one by one.
pub(super) fn unit<'a>(folder: &Folder, rest: &'a str) -> &'a str {
    match folder.logs {
        Some(_) => rest.rsplit_once('_').map_or(rest, |(minute, _)| minute),
        None => rest,
    }
}

/// Joins neighbours that cost no more than `grain` together.
pub(super) fn coarsen(units: &mut Units, grain: u64) {
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
pub(super) struct Gathered {
    pub(super) folders: Vec<(Folder, Units)>,
    count: usize,
    grain: u64,
    most: usize,
}

impl Gathered {
    pub(super) fn new(shards: u32) -> Self {
        let most = MOST.max(shards as usize * MOST_PER_SHARD);
        Self {
            folders: Vec::new(),
            count: 0,
            grain: 0,
            most,
        }
    }

    pub(super) fn add(&mut self, folder: Folder, mut units: Units) {
        if self.grain > 0 {
            coarsen(&mut units, self.grain);
        }
        self.count += units.len();
        self.folders.push((folder, units));
        self.hold();
    }

    /// Counts an object in a folder that was added.
    pub(super) fn count_in(&mut self, folder: usize, rest: &str, cost: u64) {
        let Some((folder, units)) = self.folders.get_mut(folder) else {
            return;
        };
        let unit = unit(folder, rest);
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::verify::location::LogKind;

    pub(in super::super) fn folder(region: &str, logs: Option<LogKind>) -> Folder {
        Folder {
            place: AccountRegion::new(None, "111122223333", region).unwrap(),
            root: RootId(0),
            logs: logs.map(LogFolder::from),
        }
    }

    pub(in super::super) fn units(days: std::ops::Range<u32>, cost: u64) -> Units {
        days.map(|day| (format!("2024/03/{day:02}/x").into(), cost))
            .collect()
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
