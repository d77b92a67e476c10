//! Which shard gets which units.

use super::units::{Folder, REQUEST, Units};
use super::{Cut, Portioned};

/// Gives the units to shards, in the order of accounts' regions and days: so a digest is in the
/// shard of the logs that it names, but for those at its edges.
pub(super) fn assign(gathered: &[(Folder, Units)], shards: u32) -> (Vec<Portioned>, Vec<u64>) {
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

#[cfg(test)]
mod tests {
    use super::super::units::tests::{folder, units};
    use super::*;
    use crate::verify::location::LogKind;

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
}
