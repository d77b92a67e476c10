//! What a source shows of itself.

use std::collections::{BTreeMap, BTreeSet};

use ct_verify::source::{KeyRange, SourceError};
use ct_verify::verify::time::Bounds;

use super::keepers::{DIGESTS, Keeper, LOGS, ODD_NAMES, archive, keepers, path};
use crate::forge::Archive;

/// What lies below a folder: how long each object is, by what follows the folder.
fn below(archive: &Archive, folder: &str) -> BTreeMap<String, u64> {
    let objects = archive.store.objects.iter();
    let below = objects.filter_map(|((_, key), object)| {
        let rest = path(key).strip_prefix(folder)?.strip_prefix('/')?;
        Some((rest.to_owned(), object.body.len() as u64))
    });
    below.collect()
}

/// What a listing shows, each with its size where that is told; and nothing of it twice.
#[track_caller]
fn listed(
    keeper: &Keeper,
    folder: &str,
    part: Option<KeyRange<'_>>,
) -> BTreeMap<String, Option<u64>> {
    let mut shown = BTreeMap::new();
    let visit = &mut |object: ct_verify::source::ListedObject<'_>| {
        assert!(!object.archived, "{}: {}", keeper.name, object.rest);
        let twice = shown.insert(object.rest.to_owned(), (object.size)());
        assert!(twice.is_none(), "{}: {} twice", keeper.name, object.rest);
    };
    let (source, all) = (&keeper.source, Bounds::default());
    let problems = match part {
        None => source.list(keeper.root, folder, &all, visit),
        Some(part) => source.list_part(keeper.root, folder, &all, &part, visit),
    };
    assert!(problems.is_empty(), "{}: {problems:?}", keeper.name);
    // What stands beside digests in a folder is no object; the engine passes over such names.
    shown.retain(|name, _| !name.ends_with(".metadata.json"));
    shown
}

#[test]
fn every_object_is_shown_once_under_its_own_name() {
    let archive = archive();
    for keeper in keepers(&archive) {
        for folder in [DIGESTS, LOGS] {
            let (known, shown) = (below(&archive, folder), listed(&keeper, folder, None));
            let names: BTreeSet<_> = known.keys().collect();
            assert_eq!(
                shown.keys().collect::<BTreeSet<_>>(),
                names,
                "{}",
                keeper.name
            );
            for (name, size) in shown {
                assert!(
                    size.is_none_or(|size| size == known[&name]),
                    "{}: {name} has {size:?}",
                    keeper.name
                );
            }
        }
    }
}

#[test]
fn no_odd_name_is_lost_or_changed() {
    for keeper in keepers(&archive()) {
        let shown = listed(&keeper, LOGS, None);
        for name in ODD_NAMES {
            let name = format!("2024/03/10/{name}");
            assert!(shown.contains_key(&name), "{}: {name}", keeper.name);
        }
    }
}

/// Bounds may leave out what lies outside of them, and nothing else.
#[test]
fn what_the_bounds_ask_for_is_shown() {
    let archive = archive();
    let at = |time: &str| Some(time.parse().expect("a time"));
    let bounds = Bounds::new(at("2024-03-10T02:00:00Z"), at("2024-03-10T04:00:00Z"));
    let bounds = bounds.expect("a range");
    for keeper in keepers(&archive) {
        let mut shown = BTreeSet::new();
        let visit = &mut |object: ct_verify::source::ListedObject<'_>| {
            assert!(
                shown.insert(object.rest.to_owned()),
                "{} twice",
                object.rest
            );
        };
        let problems = keeper.source.list(keeper.root, LOGS, &bounds, visit);
        assert!(problems.is_empty(), "{}: {problems:?}", keeper.name);
        let inside = |name: &&String| {
            ["T0220Z", "T0240Z", "T0320Z", "T0340Z"]
                .iter()
                .any(|it| name.contains(it))
        };
        let known = below(&archive, LOGS);
        let wanted: Vec<_> = known.keys().filter(inside).collect();
        assert_eq!(wanted.len(), 4);
        for name in wanted {
            assert!(shown.contains(name), "{}: {name}", keeper.name);
        }
    }
}

/// A folder cut anywhere is the folder: each of its objects is in one part.
#[test]
fn parts_come_to_the_whole() {
    let archive = archive();
    let names: Vec<_> = below(&archive, LOGS).into_keys().collect();
    let cuts = [
        "2024/03/10/1".to_owned(),
        names[names.len() / 2].clone(),
        "2024/03/10/w".to_owned(),
    ];
    for keeper in keepers(&archive) {
        let mut all = BTreeMap::new();
        let mut from = "";
        for until in cuts.iter().map(|cut| Some(cut.as_str())).chain([None]) {
            let part = KeyRange { from, until };
            for (name, size) in listed(&keeper, LOGS, Some(part)) {
                assert!(part.contains(&name), "{}: {name}", keeper.name);
                assert!(all.insert(name, size).is_none(), "{}", keeper.name);
            }
            from = until.unwrap_or_default();
        }
        assert_eq!(all, listed(&keeper, LOGS, None), "{}", keeper.name);
    }
}

#[test]
fn folders_are_named_and_what_is_not_there_has_none() {
    for keeper in keepers(&archive()) {
        let folders = |path: &str| -> Result<BTreeSet<String>, SourceError> {
            let folders = keeper.source.folders(keeper.root, path)?;
            let count = folders.len();
            let folders: BTreeSet<_> = folders.into_iter().collect();
            assert_eq!(folders.len(), count, "{}: some twice", keeper.name);
            Ok(folders)
        };
        let named = |names: &[&str]| Ok(names.iter().map(|&name| name.to_owned()).collect());
        assert_eq!(
            folders("AWSLogs"),
            named(&["111122223333"]),
            "{}",
            keeper.name
        );
        let regions = named(&["eu-west-1", "us-east-1"]);
        let above = "AWSLogs/111122223333/CloudTrail";
        assert_eq!(folders(above), regions, "{}", keeper.name);
        // A bucket has no folders: it cannot tell one that is gone from one that holds nothing.
        for path in ["AWSLogs/444455556666", &format!("{LOGS}/2025")] {
            let gone = folders(path);
            assert!(
                gone == named(&[]) || gone == Err(SourceError::NotFound),
                "{}: {gone:?}",
                keeper.name
            );
            assert!(listed(&keeper, path, None).is_empty(), "{}", keeper.name);
        }
    }
}
