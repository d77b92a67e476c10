//! The search for `AWSLogs` folders.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use cap_std::fs::Dir;

use super::super::api::Problem;
use super::file::{explain_folder, hides_a_folder, not_followed};
use crate::verify::location::{AWS_LOGS, is_account, is_organization};

/// The search for `AWSLogs` folders. Links are not followed, and told where one bears that name.
///
/// Folders are opened one at a time, by their path: however deep they lie, few files are open.
#[derive(Default)]
pub(super) struct Search {
    pub(super) found: Vec<(PathBuf, Dir)>,
    pub(super) problems: Vec<Problem>,
    waiting: Vec<PathBuf>,
}

impl Search {
    /// All below a folder.
    pub(super) fn run(mut self, base: &Dir) -> Self {
        self.waiting.push(PathBuf::from("."));
        self.search(base)
    }

    /// The `AWSLogs` folder of `base` alone, of which `part` was named, and what lies below that.
    pub(super) fn within(base: &Dir, part: &Path) -> Self {
        let mut search = Self::default();
        match base.try_clone() {
            Ok(dir) => search.found.push((PathBuf::from("."), dir)),
            Err(error) => search.problem(Path::new("."), &error),
        }
        // What lies in an account's folder is listed, not searched.
        if part == Path::new(AWS_LOGS) {
            search.waiting.push(Path::new(".").join(part));
        }
        search.search(base)
    }

    fn search(mut self, base: &Dir) -> Self {
        while let Some(path) = self.waiting.pop() {
            match base.open_dir(&path) {
                Ok(dir) => self.look_into(&dir, &path),
                Err(error) => self.problem(&path, &error),
            }
        }
        self
    }

    fn look_into(&mut self, dir: &Dir, path: &Path) {
        let entries = match dir.entries() {
            Ok(entries) => entries,
            Err(error) => return self.problem(path, &error),
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.problem(path, &error);
                    continue;
                }
            };
            let name = entry.file_name();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.take_in(dir, path, &name),
                Ok(kind) if name == AWS_LOGS && hides_a_folder(dir, kind, &name) => {
                    self.problems.push(Problem {
                        path: path.join(&name).to_string_lossy().into_owned(),
                        error: not_followed(),
                    });
                }
                Ok(_) => {}
                Err(error) => self.problem(&path.join(&name), &error),
            }
        }
    }

    fn take_in(&mut self, parent: &Dir, parent_path: &Path, name: &OsStr) {
        if name == AWS_LOGS {
            match parent.try_clone() {
                Ok(parent) => self.found.push((parent_path.to_owned(), parent)),
                Err(error) => self.problem(parent_path, &error),
            }
        }
        // What lies in an account's folder is listed, not searched.
        let is_inside = name
            .to_str()
            .is_some_and(|name| is_account(name) || is_organization(name))
            && parent_path.file_name() == Some(OsStr::new(AWS_LOGS));
        if !is_inside {
            self.waiting.push(parent_path.join(name));
        }
    }

    fn problem(&mut self, path: &Path, error: &io::Error) {
        // What vanished while it was looked for is not there.
        if error.kind() != io::ErrorKind::NotFound {
            self.problems.push(Problem {
                path: path.to_string_lossy().into_owned(),
                error: explain_folder(error),
            });
        }
    }
}
