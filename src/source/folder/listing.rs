//! The listing of one folder.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use cap_std::fs::Dir;

use super::super::api::{KeyRange, Level, ListedObject, Problem, SourceError};
use super::file::{explain_folder, hides_a_folder, is_apple_double, not_followed};
use crate::verify::location::AWS_LOGS;
use crate::verify::query::is_of_an_export;
use crate::verify::time::{Bounds, parse_day};

/// The listing of one folder, at any depth. Links are named, and not followed: one that may lead
/// to a folder is a problem, since nobody knows what lies there.
pub(in super::super) struct Listing<'a> {
    bounds: &'a Bounds,
    /// The part that is listed, where that is not all.
    part: Option<KeyRange<'a>>,
    visit: &'a mut dyn FnMut(ListedObject<'_>),
    problems: Vec<Problem>,
    /// Whether what macOS writes beside other files is an object like any other.
    takes_all: bool,
    /// Folders still to be listed: their paths, and what reports call them.
    waiting: Vec<(PathBuf, String)>,
}

impl<'a> Listing<'a> {
    /// The listing of a folder, whose objects are shown to `visit`.
    pub(in super::super) fn new(
        bounds: &'a Bounds,
        visit: &'a mut dyn FnMut(ListedObject<'_>),
    ) -> Self {
        Self {
            bounds,
            part: None,
            visit,
            problems: Vec::new(),
            takes_all: false,
            waiting: Vec::new(),
        }
    }

    /// The listing of what was a bucket, whose objects may have any name.
    pub(in super::super) fn taking_all(self) -> Self {
        Self {
            takes_all: true,
            ..self
        }
    }

    /// The listing of a part of it.
    pub(in super::super) fn of_part(self, part: KeyRange<'a>) -> Self {
        Self {
            part: Some(part),
            ..self
        }
    }

    pub(in super::super) fn run(mut self, base: &Dir) -> Vec<Problem> {
        self.waiting.push((PathBuf::from("."), String::new()));
        while let Some((path, rest)) = self.waiting.pop() {
            match base.open_dir(&path) {
                Ok(dir) => self.look_into(&dir, &path, rest),
                Err(error) => self.problem(&rest, &error),
            }
        }
        self.problems
    }

    fn look_into(&mut self, dir: &Dir, path: &Path, mut rest: String) {
        let entries = match dir.entries() {
            Ok(entries) => entries,
            Err(error) => return self.problem(&rest, &error),
        };
        if !rest.is_empty() {
            rest.push('/');
        }
        let folder = rest.len();
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    self.problem(&rest, &error);
                    continue;
                }
            };
            let name = entry.file_name();
            rest.push_str(&readable(&name));
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => {
                    if self.may_hold_objects(&rest) {
                        self.waiting.push((path.join(&name), rest.clone()));
                    }
                }
                Ok(_) if self.part.is_some_and(|part| !part.contains(&rest)) => {}
                Ok(kind) if hides_a_folder(dir, kind, &name) => {
                    if self.may_hold_objects(&rest) {
                        self.problems.push(Problem {
                            path: rest.clone(),
                            error: not_followed(),
                        });
                    }
                }
                Ok(_) if !self.takes_all && is_apple_double(dir, &name) => {}
                Ok(_) => (self.visit)(ListedObject {
                    rest: &rest,
                    archived: false,
                    size: &|| entry.metadata().ok().map(|metadata| metadata.len()),
                }),
                Err(error) => self.problem(&rest, &error),
            }
            rest.truncate(folder);
        }
    }

    /// Whether a folder is not that of a day outside of the bounds, nor outside of the part.
    fn may_hold_objects(&self, rest: &str) -> bool {
        let below = |part: KeyRange<'_>| part.may_contain_below(&format!("{rest}/"));
        if !self.part.is_none_or(below) {
            return false;
        }
        let mut parts = rest.split('/');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(year), Some(month), Some(day), None) => {
                parse_day(year, month, day).is_none_or(|day| self.bounds.reads_day(day))
            }
            _ => true,
        }
    }

    fn problem(&mut self, rest: &str, error: &io::Error) {
        // What vanished while it was looked at is not there.
        if error.kind() != io::ErrorKind::NotFound {
            self.problems.push(Problem {
                path: rest.to_owned(),
                error: explain_folder(error),
            });
        }
    }
}

/// What lies right in the folder at `path` below `dir`; with `takes_all` also what macOS writes beside
/// other files.
pub(in super::super) fn level(
    dir: &Dir,
    path: &str,
    takes_all: bool,
) -> Result<Level, SourceError> {
    let dir = dir.open_dir(path);
    let dir = dir.map_err(|error| explain_folder(&error))?;
    let in_archive = path.split('/').any(|part| part == AWS_LOGS);
    let mut level = Level::default();
    for entry in dir.entries().map_err(|error| explain_folder(&error))? {
        let entry = entry.map_err(|error| explain_folder(&error))?;
        let name = entry.file_name();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => {
                if let Some(name) = name.to_str() {
                    level.folders.push(name.to_owned());
                } else {
                    let why = SourceError::Failed("its name is no text".into());
                    level.problems.push((readable(&name), why));
                }
            }
            Ok(kind) if (in_archive || name == AWS_LOGS) && hides_a_folder(&dir, kind, &name) => {
                level.problems.push((readable(&name), not_followed()));
            }
            Ok(_) if !takes_all && is_apple_double(&dir, &name) => {}
            Ok(_) => {
                let name = Some(readable(&name)).filter(|name| is_of_an_export(name));
                level.objects.extend(name.map(|name| (name, false)));
            }
            // What vanished while it was looked at is not there.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => level
                .problems
                .push((readable(&name), explain_folder(&error))),
        }
    }
    level.folders.sort();
    level.objects.sort();
    Ok(level)
}

/// A name as text; bytes that are no text are written as `\xHH`, so that no two names are alike.
fn readable(name: &OsStr) -> String {
    let bytes = name.as_encoded_bytes();
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str("\\x");
            text.push_str(&hex::encode([*byte]));
        }
    }
    text
}
