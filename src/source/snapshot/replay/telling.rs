//! What a snapshot tells as a source.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::super::api::root_that_holds;
use super::super::super::folder::{Listing, body, explain, is_absent, open_file, read_sidecar};
use super::super::check::Altered;
use super::super::head::RecordedRoot;
use super::super::layout::SIDECAR;
use super::super::levels::below;
use super::SnapshotSource;
use crate::source::{
    Body, Level, ListedObject, Metadata, Problem, Root, S3Place, Source, SourceError,
};
use crate::verify::location::{ObjectLocation, RootId, shows_its_day};
use crate::verify::time::Bounds;

impl SnapshotSource {
    /// The folders right below `path` that the index tells of.
    fn folders_told(&self, root: RootId, path: &str) -> Result<BTreeSet<String>, SourceError> {
        let Some(seen) = self.folders.get(&(root, path.to_owned())) else {
            return Ok(BTreeSet::new());
        };
        let mut failed = self.bearing(&seen.failed).into_iter();
        match failed.find(|error| *error != SourceError::NotFound) {
            Some(error) => Err(error),
            None => Ok(seen.names.iter().cloned().collect()),
        }
    }
}

impl Source for SnapshotSource {
    fn roots(&self) -> Result<(Vec<Root>, Vec<Problem>), SourceError> {
        let roots = self.head.roots.iter().zip((0..).map(RootId));
        let own = roots.filter(|(root, _)| root.own).map(|(root, id)| Root {
            id,
            name: root.told_as().to_owned(),
        });
        Ok((own.collect(), self.bearing(&self.problems)))
    }

    fn looks_for_roots(&self) -> Box<str> {
        // What the bucket did not show cannot be here.
        let bucket = S3Place::parse(&self.head.source).ok();
        bucket.map_or_else(|| "below the source".into(), |it| it.looks_for_roots())
    }

    fn stated(&self, root: RootId) -> Option<(Arc<str>, Arc<str>)> {
        let Some(root) = self.head.roots.get(root.0 as usize) else {
            return self.stated_beyond(root);
        };
        Some((
            root.bucket.as_deref()?.into(),
            root.prefix.as_deref()?.into(),
        ))
    }

    fn folders(&self, root: RootId, path: &str) -> Result<Vec<String>, SourceError> {
        let mut names = self.folders_told(root, path)?;
        // What lies there is verified, whatever the index says.
        let Some(dir) = self.lying(root, path)? else {
            return Ok(names.into_iter().collect());
        };
        for entry in dir.entries().map_err(|error| explain(&error))? {
            let entry = entry.map_err(|error| explain(&error))?;
            if entry.file_type().map_err(|error| explain(&error))?.is_dir()
                && let Some(name) = entry.file_name().to_str()
            {
                names.insert(name.to_owned());
            }
        }
        Ok(names.into_iter().collect())
    }

    fn shows_day(&self, root: RootId, path: &str) -> Result<bool, SourceError> {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let shows = |(rest, _): (&str, bool)| shows_its_day(rest);
        if self.folders_told(root, above)?.contains(name) || self.odd_below(root, path).any(shows) {
            return Ok(true);
        }
        let Some(dir) = self.lying(root, path)? else {
            return Ok(false);
        };
        for entry in dir.entries().map_err(|error| explain(&error))? {
            let entry = entry.map_err(|error| explain(&error))?;
            if entry.file_name().to_str().is_some_and(shows_its_day) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn level(&self, root: RootId, path: &str) -> Result<Level, SourceError> {
        self.level_of(root, path)
    }

    fn list(
        &self,
        root: RootId,
        path: &str,
        bounds: &Bounds,
        visit: &mut dyn FnMut(ListedObject<'_>),
    ) -> Vec<Problem> {
        let mut problems = self.problems_of(root, path);
        for (rest, archived) in self.odd_below(root, path) {
            visit(ListedObject {
                rest,
                archived,
                size: &|| None,
            });
        }
        match self.lying(root, path) {
            Ok(Some(dir)) => {
                let mut visit = |object: ListedObject<'_>| {
                    if !self.is_passed_over(root, &below(path, object.rest)) {
                        visit(object);
                    }
                };
                // An object of a bucket may have any name.
                let listing = Listing::new(bounds, &mut visit).taking_all();
                for mut problem in listing.run(&dir) {
                    problem.path = format!("{path}/{}", problem.path);
                    problems.push(problem);
                }
            }
            Ok(None) => {}
            Err(error) => problems.push(Problem {
                path: path.to_owned(),
                error,
            }),
        }
        problems
    }

    fn digest(&self, root: RootId, path: &str) -> Result<(Body, Metadata), SourceError> {
        let (file, name) = self.open_object(root, path)?;
        let metadata = match open_file(&self.dir, &format!("{name}{SIDECAR}")) {
            Ok(sidecar) => read_sidecar(sidecar)?,
            Err(error) if is_absent(&error) => Metadata::default(),
            Err(error) => return Err(explain(&error)),
        };
        let mut body = body(file);
        let pairs = metadata.pairs();
        body.facts.metadata = pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        Ok((body, metadata))
    }

    fn log(&self, root: RootId, path: &str) -> Result<Body, SourceError> {
        self.open_object(root, path).map(|(file, _)| body(file))
    }

    fn keeps_versions(&self) -> bool {
        self.head.keeps_versions
    }

    fn remembered(&self, root: RootId, path: &str) -> Option<Box<str>> {
        let told = self.versions.get(&(root, path.to_owned())).cloned();
        Some(told.unwrap_or_else(|| {
            "a snapshot does not tell whether an earlier version of it was left".into()
        }))
    }

    fn elsewhere(&self, from: RootId, location: &ObjectLocation) -> Option<(RootId, String)> {
        let (prefix, path) = location.split()?;
        let roots = || self.head.roots.iter().zip((0..).map(RootId));
        if self.stated(from).is_some() {
            let is_there = |root: &RecordedRoot| {
                root.bucket.as_deref() == Some(location.bucket())
                    && root.prefix.as_deref() == Some(prefix)
            };
            let there = roots().find(|(root, _)| is_there(root)).map(|(_, id)| id);
            let root = match there {
                Some(root) => root,
                None if self.head.contents.is_logs() => {
                    self.root_beyond(location.bucket(), prefix)?
                }
                None => return None,
            };
            return Some((root, path.to_owned()));
        }
        // As in any folder: another root first, but two buckets may have been copied into one.
        let others = roots().map(|(_, id)| id).filter(|id| *id != from);
        let look = |root| self.open_object(root, path).map(drop);
        let root = root_that_holds(others.chain([from]), look)?;
        Some((root, path.to_owned()))
    }

    fn altered(&self) -> &[Altered] {
        &self.altered
    }
}
