//! What is told through a recording, and kept on the way.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::super::index::{Line, Versions, Why};
use super::super::levels::below;
use super::super::wanted::is_wanted;
use super::{Fate, Recording, locked};
use crate::source::{
    Body, Level, ListedObject, Metadata, ObjectVersion, Problem, Root, Source, SourceError,
};
use crate::verify::location::{ObjectLocation, RootId};
use crate::verify::time::Bounds;

impl Source for Recording<'_> {
    fn roots(&self) -> Result<(Vec<Root>, Vec<Problem>), SourceError> {
        let (roots, problems) = self.inner.roots()?;
        for root in &roots {
            let recorded = self.describe(root.id, Some(&root.name));
            locked(&self.roots).insert(root.id, recorded);
        }
        for problem in &problems {
            self.unlisted(None, "", &problem.path, &problem.error);
        }
        Ok((roots, problems))
    }

    fn looks_for_roots(&self) -> Box<str> {
        self.inner.looks_for_roots()
    }

    fn stated(&self, root: RootId) -> Option<(Arc<str>, Arc<str>)> {
        self.inner.stated(root)
    }

    fn folders(&self, root: RootId, path: &str) -> Result<Vec<String>, SourceError> {
        let told = self.inner.folders(root, path);
        let (names, why) = match &told {
            Ok(names) => {
                let mut names = names.clone();
                names.sort_unstable();
                (names, None)
            }
            Err(error) => (Vec::new(), Some(Why::from(error))),
        };
        self.note_folders(root, path, names, why);
        told
    }

    fn shows_day(&self, root: RootId, path: &str) -> Result<bool, SourceError> {
        let told = self.inner.shows_day(root, path);
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let (names, why) = match &told {
            Ok(is_there) => (is_there.then(|| name.to_owned()), None),
            Err(error) => (None, Some(Why::from(error))),
        };
        self.note_folders(root, above, names.into_iter().collect(), why);
        told
    }

    fn level(&self, root: RootId, path: &str) -> Result<Level, SourceError> {
        let mut told = self.inner.level(root, path);
        self.note_level(root, path, &mut told);
        told
    }

    fn list(
        &self,
        root: RootId,
        path: &str,
        _asked: &Bounds,
        visit: &mut dyn FnMut(ListedObject<'_>),
    ) -> Vec<Problem> {
        let name = self.name(root);
        locked(&self.folders).insert((root, path.to_owned()));
        let mut archived = Vec::new();
        let mut show = |mut object: ListedObject<'_>| {
            if !self.contents.keeps(object.rest) {
                return visit(object);
            }
            let key = below(path, object.rest);
            self.note_sign_file(root, &key);
            let hash = self.store.hash(&name, &key);
            locked(&self.listed).entry(hash).or_insert_with(|| {
                if is_wanted(&self.bounds, &key) {
                    Fate::Left
                } else {
                    Fate::Unwanted
                }
            });
            // What was copied while it could be read needs no restoring.
            let held = self.store.holds(&name, &key);
            object.archived &= !held;
            if held && is_wanted(&self.bounds, &key) {
                self.held.fetch_add(1, Ordering::Relaxed);
            }
            if object.archived {
                archived.push(key);
            }
            let size = || if held { Some(0) } else { (object.size)() };
            visit(ListedObject {
                size: &size,
                ..object
            });
        };
        let problems = self.inner.list(root, path, &self.bounds, &mut show);
        for key in archived {
            self.archived(&name, &key);
        }
        for problem in &problems {
            self.unlisted(Some(&name), path, &problem.path, &problem.error);
        }
        problems
    }

    fn digest(&self, root: RootId, path: &str) -> Result<(Body, Metadata), SourceError> {
        self.open(root, path, || self.inner.digest(root, path))
    }

    fn log(&self, root: RootId, path: &str) -> Result<Body, SourceError> {
        let fetch = || Ok((self.inner.log(root, path)?, Metadata::default()));
        let (body, _) = self.open(root, path, fetch)?;
        Ok(body)
    }

    /// What a run before this one copied is what counts, whatever lies there now.
    fn digest_again(&self, root: RootId, path: &str) -> Result<(Body, Metadata), SourceError> {
        if self.store.held_before(&self.name(root), path) {
            return self.digest(root, path);
        }
        self.inner.digest_again(root, path)
    }

    fn log_again(&self, root: RootId, path: &str) -> Result<Body, SourceError> {
        if self.store.held_before(&self.name(root), path) {
            return self.log(root, path);
        }
        self.inner.log_again(root, path)
    }

    fn wait_a_moment(&self) {
        self.inner.wait_a_moment();
    }

    fn why_not_missing(&self, root: RootId, path: &str) -> Option<Box<str>> {
        self.inner.why_not_missing(root, path)
    }

    fn left_out(&self, root: RootId, path: &str, why: &SourceError) {
        let name = self.name(root);
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        self.unlisted(Some(&name), folder, path, why);
    }

    /// A copy of one reading that another one takes back is none.
    fn doubt(&self, root: RootId, path: &str, why: &str) {
        let name = self.name(root);
        if self.store.is_halted() || self.store.held_before(&name, path) {
            // What an earlier run copied is evidence, whatever its source says now.
            return;
        }
        self.store.forget(&name, path);
        let listed = self.take(&name, path);
        self.unread(&name, path, listed, Why::Failed(why.to_owned()));
    }

    fn requests(&self) -> Option<u64> {
        self.inner.requests()
    }

    fn keeps_versions(&self) -> bool {
        self.inner.keeps_versions()
    }

    fn versions(&self, root: RootId, path: &str) -> Result<Vec<ObjectVersion>, SourceError> {
        self.inner.versions(root, path)
    }

    fn remembered(&self, root: RootId, path: &str) -> Option<Box<str>> {
        self.inner.remembered(root, path)
    }

    fn remember(&self, root: RootId, path: &str, told: &str) {
        self.note(&Line::Versions(Versions {
            root: self.name(root),
            path: path.to_owned(),
            told: told.to_owned(),
        }));
    }

    fn cli_options(&self) -> Vec<String> {
        self.inner.cli_options()
    }

    fn version(&self, root: RootId, path: &str, id: &str) -> Result<(Body, Metadata), SourceError> {
        self.inner.version(root, path, id)
    }

    /// A folder that does not know its buckets looks into all roots, and what is in none is missing.
    fn elsewhere(&self, from: RootId, location: &ObjectLocation) -> Option<(RootId, String)> {
        let there = self.inner.elsewhere(from, location);
        if there.is_none()
            && self.inner.stated(from).is_none()
            && let Some((_, path)) = location.split()
        {
            let names: Vec<_> = locked(&self.roots)
                .values()
                .map(|root| root.name.clone())
                .collect();
            for name in names {
                self.unread(&name, path, false, Why::Absent);
            }
        }
        there
    }
}
