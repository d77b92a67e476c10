//! Which exports there are: folders with a sign file, or with result files that lack one.

use std::collections::BTreeMap;

use crate::engine::stop::Stop;
use crate::engine::threads::in_parallel;
use crate::source::{Level, ListedObject, Problem, Source, SourceError};
use crate::verify::location::{
    AWS_LOGS, DIGEST_FOLDER, LogKind, RootId, is_account, is_organization, join_key,
};
use crate::verify::query::{LAKE_FOLDER, SIGN_FILE, is_of_an_export, is_result_name};
use crate::verify::time::Bounds;

/// What so many folders hold is kept at a time.
const AT_ONCE: usize = 64;

/// One export, as listed.
#[derive(Clone, Debug, Default)]
pub(super) struct Export {
    /// Its folder below the root, without a closing slash.
    pub(super) path: String,
    /// Whether there is a sign file, and if so, whether it would have to be restored.
    pub(super) sign_file: Option<bool>,
    /// The names that can be those of result files, each with whether it would have to be restored.
    pub(super) results: BTreeMap<String, bool>,
}

/// What was found below a source.
#[derive(Debug, Default)]
pub(super) struct Found {
    folders: BTreeMap<String, Export>,
    pub(super) problems: Vec<Problem>,
}

impl Found {
    fn take(&mut self, folder: &str, name: &str, archived: bool) {
        if !is_of_an_export(name) {
            return;
        }
        if !self.folders.contains_key(folder) {
            let export = Export {
                path: folder.to_owned(),
                ..Export::default()
            };
            self.folders.insert(folder.to_owned(), export);
        }
        let Some(export) = self.folders.get_mut(folder) else {
            return;
        };
        if name == SIGN_FILE {
            export.sign_file = Some(archived);
        } else {
            export.results.insert(name.to_owned(), archived);
        }
    }

    /// Takes in what lies right in a folder; gives the folders below that are to be looked into.
    fn take_level(&mut self, path: &str, looked: Level) -> impl Iterator<Item = String> {
        for (name, archived) in looked.objects {
            self.take(path, &name, archived);
        }
        for (name, error) in looked.problems {
            let path = join_key(path, &name);
            self.problems.push(Problem { path, error });
        }
        let below = looked.folders.into_iter();
        below
            .filter(|name| !holds_logs(path, name))
            .map(|name| join_key(path, &name))
    }

    /// The exports, in order. Where there is no sign file, only names that are a result file's own
    /// make one: a table of another program is none. But in a folder of CloudTrail Lake whatever lies
    /// below an export is taken for a part of it, as query engines take it. `before` leads to the root.
    pub(super) fn exports(&mut self, before: &str) -> Vec<Export> {
        let mut folders = std::mem::take(&mut self.folders);
        let unsigned = folders.values().filter(|it| it.sign_file.is_none());
        let unsigned: Vec<_> = unsigned.map(|it| it.path.clone()).collect();
        for path in unsigned {
            let Some(export) = folders.get_mut(&path) else {
                continue;
            };
            let tables = export
                .results
                .extract_if(.., |name, _| !is_result_name(name));
            let tables: Vec<_> = tables.collect();
            let above = export_above(&folders, before, &path);
            if let Some(export) = above.and_then(|above| folders.get_mut(&above)) {
                let inside = path.get(export.path.len()..).unwrap_or_default();
                let inside = inside.trim_start_matches('/').to_owned();
                let tables = tables.into_iter();
                let tables = tables.map(|(name, archived)| (join_key(&inside, &name), archived));
                export.results.extend(tables);
            }
        }
        let mut exports: Vec<_> = folders.into_values().collect();
        exports.retain(|export| export.sign_file.is_some() || !export.results.is_empty());
        exports
    }
}

/// The nearest export with a sign file above a folder, where both lie in a folder of CloudTrail Lake.
fn export_above(folders: &BTreeMap<String, Export>, before: &str, path: &str) -> Option<String> {
    let mut above = path;
    while !above.is_empty() {
        above = above.rsplit_once('/').map_or("", |(above, _)| above);
        if !in_lake(&join_key(before, above)) {
            return None;
        }
        if folders.get(above).is_some_and(|it| it.sign_file.is_some()) {
            return Some(above.to_owned());
        }
    }
    None
}

/// Looks for exports below `start`, level by level; what lies in a folder of `CloudTrail Lake` is
/// listed whole.
///
/// # Errors
/// Where `start` itself cannot be looked into.
pub(super) fn discover(
    source: &dyn Source,
    root: RootId,
    start: &str,
    threads: usize,
    stop: &Stop,
) -> Result<Found, SourceError> {
    let mut found = Found::default();
    let mut level = vec![start.to_owned()];
    let mut left = Level::MOST_FOLDERS;
    // A listing of a local folder costs no request.
    let is_bucket = source.requests().is_some();
    while !level.is_empty() && !stop.is_stopped() {
        let (lakes, mut folders): (Vec<_>, Vec<_>) =
            level.into_iter().partition(|path| in_lake(path));
        list(source, root, &lakes, threads, &mut found);
        if is_bucket && folders.len() > left {
            let path = folders.swap_remove(left);
            let error = Level::too_many();
            source.left_out(root, &path, &error);
            found.problems.push(Problem { path, error });
            folders.truncate(left);
        }
        left = left.saturating_sub(folders.len());
        level = Vec::new();
        for folders in folders.chunks(AT_ONCE) {
            let looked = in_parallel(threads, folders, |path| source.level(root, path));
            for (path, looked) in folders.iter().zip(looked) {
                match looked {
                    Ok(looked) => level.extend(found.take_level(path, looked)),
                    Err(error) if path == start && ends_the_run(&error) => return Err(error),
                    // What vanished since it was listed is not there.
                    Err(SourceError::NotFound) => {}
                    Err(error) => found.problems.push(Problem {
                        path: path.clone(),
                        error,
                    }),
                }
            }
            if is_bucket {
                // One more than is looked into shows that some are left out.
                let mut others = 0;
                level.retain(|path| {
                    others += usize::from(!in_lake(path));
                    others <= left + 1 || in_lake(path)
                });
            }
        }
    }
    Ok(found)
}

/// Whether a start that could not be looked into is a fault of setup. One that is there, and may not be
/// looked into, or cannot be just now, is told like all that could not be read.
fn ends_the_run(error: &SourceError) -> bool {
    match error {
        SourceError::Denied(_) | SourceError::Unavailable(_) => false,
        SourceError::NotFound | SourceError::Archived(_) | SourceError::Failed(_) => true,
    }
}

/// Lists whole folders.
fn list(source: &dyn Source, root: RootId, folders: &[String], threads: usize, found: &mut Found) {
    let listed = in_parallel(threads, folders, |path| {
        let mut part = Found::default();
        let mut visit = |object: ListedObject<'_>| {
            let (below, name) = object.rest.rsplit_once('/').unwrap_or(("", object.rest));
            part.take(&join_key(path, below), name, object.archived);
        };
        part.problems = source.list(root, path, &Bounds::default(), &mut visit);
        part
    });
    for part in listed {
        found.folders.extend(part.folders);
        found.problems.extend(part.problems);
    }
}

/// Whether a path is that of a folder of CloudTrail Lake, or of one in it.
fn in_lake(path: &str) -> bool {
    path.split('/').any(|part| part == LAKE_FOLDER)
}

/// Whether the folder `name` in `path` is one of an account's logs or digests: no export is there.
fn holds_logs(path: &str, name: &str) -> bool {
    let mut above = path.rsplit('/');
    let is_account = above.next().is_some_and(is_account);
    let in_logs = match above.next() {
        Some(AWS_LOGS) => true,
        Some(organization) => is_organization(organization) && above.next() == Some(AWS_LOGS),
        None => false,
    };
    let of_logs = name == DIGEST_FOLDER || LogKind::from_folder(name).is_some();
    is_account && in_logs && of_logs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_logs_are_left_out() {
        let account = "p/AWSLogs/111122223333";
        assert!(holds_logs(account, "CloudTrail"));
        assert!(holds_logs(
            "AWSLogs/o-abcde12345/111122223333",
            DIGEST_FOLDER
        ));
        assert!(!holds_logs(account, LAKE_FOLDER));
        assert!(!holds_logs("p/111122223333", "CloudTrail"));
        assert!(!holds_logs("", "CloudTrail"));
        assert!(in_lake("AWSLogs/111122223333/CloudTrail-Lake/Query"));
        assert!(!in_lake("AWSLogs/111122223333"));
    }

    #[test]
    fn only_what_can_be_an_export_is_one() {
        let mut found = Found::default();
        for (folder, name) in [
            ("a", SIGN_FILE),
            ("a", "planted.csv"),
            ("b", "table.csv.gz"),
            ("c", "result_1.csv.gz"),
            ("c", "other.csv"),
            ("d", "notes.txt"),
        ] {
            found.take(folder, name, false);
        }
        let exports = found.exports("");
        let told: Vec<_> = exports
            .iter()
            .map(|export| (export.path.as_str(), export.results.len()))
            .collect();
        assert_eq!(told, [("a", 1), ("c", 1)]);
    }

    #[test]
    fn what_lies_below_an_export_is_a_part_of_it() {
        let lake = "AWSLogs/111122223333/CloudTrail-Lake/Query/2024/03/10/id";
        for (before, root) in [("", lake), (lake, "")] {
            let mut found = Found::default();
            for (folder, name) in [
                ("", SIGN_FILE),
                ("sub", "planted.csv"),
                ("sub/deeper", "planted.csv.gz"),
                ("sub/deeper", "result_1.csv.gz"),
                ("sub/deeper", "notes.txt"),
            ] {
                found.take(&join_key(root, folder), name, false);
            }
            let exports = found.exports(before);
            let told: Vec<_> = exports
                .iter()
                .map(|export| {
                    (
                        export.path.clone(),
                        export.results.keys().map(String::as_str),
                    )
                })
                .map(|(path, results)| (path, results.collect::<Vec<_>>().join(" ")))
                .collect();
            let planted = "sub/deeper/planted.csv.gz sub/planted.csv";
            assert_eq!(
                told,
                [
                    (root.to_owned(), planted.to_owned()),
                    (join_key(root, "sub/deeper"), "result_1.csv.gz".to_owned()),
                ]
            );
        }
        // Elsewhere, tables of other programs may lie below it.
        let mut found = Found::default();
        found.take("exports", SIGN_FILE, false);
        found.take("exports/of/others", "table.csv", false);
        let exports = found.exports("");
        assert_eq!(exports.len(), 1);
        assert!(exports[0].results.is_empty());
    }
}
