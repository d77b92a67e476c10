//! A local folder as the engine sees it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File};

use super::super::api::{
    Body, KeyRange, Level, ListedObject, Metadata, Problem, Root, Source, SourceError,
    root_that_holds,
};
use super::file::{
    body, explain, is_absent, is_apple_double, is_safe, open_file, open_folder, read_attributes,
    read_sidecar, read_small,
};
use super::listing::{Listing, level};
use super::narrowing::{Narrowing, above_aws_logs, above_logs};
use super::search::Search;
use crate::verify::location::{ObjectLocation, RootId, shows_its_day};
use crate::verify::time::Bounds;

/// A local folder.
#[derive(Debug)]
pub struct FolderSource {
    dir: Dir,
    path: PathBuf,
    /// What of it was named, from `AWSLogs` on, where that is not all: nothing beside it is looked at.
    part: Option<PathBuf>,
    roots: OnceLock<Vec<(PathBuf, Dir)>>,
}

impl FolderSource {
    /// The folder at `path`. Where it is itself `AWSLogs`, or an account's or region's folder
    /// below it, the folder that holds `AWSLogs` is opened, and what was named is told.
    ///
    /// # Errors
    /// Where it is no folder, or cannot be opened.
    pub fn open(path: &Path) -> io::Result<(Self, Narrowing)> {
        let path = path.canonicalize()?;
        let Some((above, narrowing)) = above_logs(&path) else {
            return Ok((Self::open_exactly(&path, None)?, Narrowing::default()));
        };
        let part = path.strip_prefix(&above).ok();
        Ok((Self::open_exactly(&above, part)?, narrowing))
    }

    /// The folder at `path`, and of it only `part`, where that is told: as [`Self::path`] and [`Self::part`]
    /// tell of one that was opened.
    ///
    /// # Errors
    /// As of [`Self::open`].
    pub fn open_exactly(path: &Path, part: Option<&Path>) -> io::Result<Self> {
        Ok(Self {
            dir: Dir::open_ambient_dir(path, ambient_authority())?,
            path: path.to_owned(),
            part: part.map(Path::to_owned),
            roots: OnceLock::new(),
        })
    }

    /// Whether the folder at `path` is `AWSLogs` itself, or an account's or region's folder below it, or would be
    /// if it were there.
    ///
    /// # Errors
    /// Where it cannot be told what lies there.
    pub fn is_part_of_an_archive(path: &Path) -> io::Result<bool> {
        let path = std::path::absolute(path)?;
        for above in path.ancestors() {
            match above.canonicalize() {
                Ok(real) => {
                    let rest = path.strip_prefix(above).unwrap_or(Path::new(""));
                    return Ok(above_logs(&real.join(rest)).is_some());
                }
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// The folder at `path` as one root, wherever `AWSLogs` lies. What of its own path leads from
    /// an `AWSLogs` folder on is told; it is empty where nothing does.
    ///
    /// # Errors
    /// Where it is no folder, or cannot be opened.
    pub fn open_whole(path: &Path) -> io::Result<(Self, String)> {
        let path = path.canonicalize()?;
        let dir = Dir::open_ambient_dir(&path, ambient_authority())?;
        let above = above_aws_logs(&path);
        let below = above.and_then(|(above, _)| path.strip_prefix(above).ok()?.to_str());
        let below = below.unwrap_or_default().to_owned();
        let whole = dir.try_clone()?;
        let source = Self {
            dir,
            path: path.clone(),
            part: None,
            roots: OnceLock::from(vec![(path, whole)]),
        };
        Ok((source, below))
    }

    /// The folder that is looked at.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What of it was named, from `AWSLogs` on, where that is not all of it.
    pub fn part(&self) -> Option<&Path> {
        self.part.as_deref()
    }

    /// The files right below the folder `name` whose names end with `ending`, with their content,
    /// of at most `limit` bytes each. None where there is no such folder.
    ///
    /// # Errors
    /// Where one cannot be read, or is larger.
    pub fn small_files(
        &self,
        name: &str,
        ending: &str,
        limit: u64,
    ) -> io::Result<Vec<(String, Vec<u8>)>> {
        let dir = match self.dir.open_dir(name) {
            Ok(dir) => dir,
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut files = Vec::new();
        for entry in dir.entries()? {
            let file_name = entry?.file_name();
            let Some(file_name) = file_name.to_str().filter(|name| name.ends_with(ending)) else {
                continue;
            };
            let content = read_small(open_file(&dir, file_name)?, limit)?;
            files.push((format!("{name}/{file_name}"), content));
        }
        files.sort();
        Ok(files)
    }

    fn root(&self, root: RootId) -> Result<&Dir, SourceError> {
        let roots = self.roots.get().map(Vec::as_slice).unwrap_or_default();
        let (_, dir) = roots.get(root.0 as usize).ok_or(SourceError::NotFound)?;
        Ok(dir)
    }

    fn open_object(&self, root: RootId, path: &str) -> Result<File, SourceError> {
        if !is_safe(path) {
            return Err(SourceError::Failed(
                "its key cannot be the name of a file".into(),
            ));
        }
        open_file(self.root(root)?, path).map_err(|error| explain(&error))
    }

    fn run(&self, root: RootId, path: &str, listing: Listing<'_>) -> Vec<Problem> {
        let dir = self.root(root).and_then(|dir| open_folder(dir, path));
        match dir {
            Ok(dir) => {
                let mut problems = listing.run(&dir);
                for problem in &mut problems {
                    problem.path = format!("{path}/{}", problem.path);
                }
                problems
            }
            Err(SourceError::NotFound) => Vec::new(),
            Err(error) => vec![Problem {
                path: path.to_owned(),
                error,
            }],
        }
    }
}

impl Source for FolderSource {
    fn roots(&self) -> Result<(Vec<Root>, Vec<Problem>), SourceError> {
        let mut search = match &self.part {
            None => Search::default().run(&self.dir),
            Some(part) => Search::within(&self.dir, part),
        };
        search.found.sort_by(|(a, _), (b, _)| a.cmp(b));
        let described = search
            .found
            .iter()
            .enumerate()
            .map(|(number, (path, _))| Root {
                id: RootId(u32::try_from(number).unwrap_or(u32::MAX)),
                name: path.to_string_lossy().into_owned(),
            });
        let described = described.collect();
        // A source is searched once; a second search would find what the first one did.
        let _ = self.roots.set(search.found);
        Ok((described, search.problems))
    }

    fn stated(&self, _: RootId) -> Option<(Arc<str>, Arc<str>)> {
        None
    }

    fn folders(&self, root: RootId, path: &str) -> Result<Vec<String>, SourceError> {
        let dir = open_folder(self.root(root)?, path)?;
        let mut names = Vec::new();
        for entry in dir.entries().map_err(|error| explain(&error))? {
            let entry = entry.map_err(|error| explain(&error))?;
            let kind = entry.file_type().map_err(|error| explain(&error))?;
            // A link in the place of a folder is told when that is opened.
            if (kind.is_dir() || kind.is_symlink())
                && let Some(name) = entry.file_name().to_str()
            {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// A folder without a file holds nothing that a bucket could.
    fn shows_day(&self, root: RootId, path: &str) -> Result<bool, SourceError> {
        let dir = open_folder(self.root(root)?, path)?;
        for entry in dir.entries().map_err(|error| explain(&error))? {
            let entry = entry.map_err(|error| explain(&error))?;
            let kind = entry.file_type().map_err(|error| explain(&error))?;
            let name = entry.file_name();
            let is_named_so = name.to_str().is_some_and(shows_its_day);
            if kind.is_file() && is_named_so && !is_apple_double(&dir, &name) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn level(&self, root: RootId, path: &str) -> Result<Level, SourceError> {
        let path = if path.is_empty() { "." } else { path };
        level(self.root(root)?, path, false)
    }

    fn list(
        &self,
        root: RootId,
        path: &str,
        bounds: &Bounds,
        visit: &mut dyn FnMut(ListedObject<'_>),
    ) -> Vec<Problem> {
        self.run(root, path, Listing::new(bounds, visit))
    }

    fn list_part(
        &self,
        root: RootId,
        path: &str,
        bounds: &Bounds,
        part: &KeyRange<'_>,
        visit: &mut dyn FnMut(ListedObject<'_>),
    ) -> Vec<Problem> {
        self.run(root, path, Listing::new(bounds, visit).of_part(*part))
    }

    fn digest(&self, root: RootId, path: &str) -> Result<(Body, Metadata), SourceError> {
        let file = self.open_object(root, path)?;
        let metadata = match self.open_object(root, &[path, ".metadata.json"].concat()) {
            Ok(sidecar) => read_sidecar(sidecar)?,
            Err(SourceError::NotFound) => read_attributes(&file)?,
            Err(error) => return Err(error),
        };
        let mut body = body(file);
        let pairs = metadata.pairs();
        body.facts.metadata = pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        Ok((body, metadata))
    }

    fn log(&self, root: RootId, path: &str) -> Result<Body, SourceError> {
        self.open_object(root, path).map(body)
    }

    fn elsewhere(&self, from: RootId, location: &ObjectLocation) -> Option<(RootId, String)> {
        let (_, path) = location.split()?;
        if !is_safe(path) {
            return None;
        }
        let roots = self.roots.get()?;
        let others = (0..u32::try_from(roots.len()).ok()?).map(RootId);
        // Another root first; but two buckets may have been copied into one.
        let mut order: Vec<_> = others.filter(|root| *root != from).collect();
        order.push(from);
        let look = |root| {
            let found = self.root(root)?.metadata(path);
            found.map(drop).map_err(|error| explain(&error))
        };
        let root = root_that_holds(order, look)?;
        Some((root, path.to_owned()))
    }
}
