//! Objects from a local folder: a copy of buckets, or of parts of them.
//!
//! Everything is opened below the folder's own handle, so no name and no link leads out of it.

use std::ffi::OsStr;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, File, OpenOptions};

use super::api::{Body, Facts, Level, ListedObject, Metadata, Problem, Root, Source, SourceError};
use crate::verify::location::{
    AWS_LOGS, MAX_KEY_LEN, ObjectLocation, RootId, is_account, is_organization, is_region,
};
use crate::verify::time::{Bounds, parse_day};

/// The output of `aws s3api head-object` is never larger.
const MAX_SIDECAR_LEN: u64 = 64 * 1024;

/// A folder below `AWSLogs` that was named as the source: only what lies in it is verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrowing {
    /// Only this account.
    pub account: Option<String>,
    /// Only this region.
    pub region: Option<String>,
}

impl Narrowing {
    /// What the folders below an `AWSLogs` folder name; nothing where they are no account's, so
    /// that whatever lies below has to be searched for.
    pub(super) fn below_aws_logs<'a>(mut folders: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut narrowing = Self::default();
        let mut next = folders.next();
        if next.is_some_and(is_organization) {
            next = folders.next();
        }
        if let Some(name) = next {
            if !is_account(name) {
                return None;
            }
            narrowing.account = Some(name.to_owned());
        }
        // The folder of a kind of log alone is no smaller part: its digests lie beside it.
        let _kind = folders.next();
        narrowing.region = folders
            .next()
            .filter(|name| is_region(name))
            .map(str::to_owned);
        Some(narrowing)
    }
}

/// A local folder.
#[derive(Debug)]
pub struct FolderSource {
    dir: Dir,
    path: PathBuf,
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
        let (path, narrowing) = above_aws_logs(&path).unwrap_or((path, Narrowing::default()));
        let dir = Dir::open_ambient_dir(&path, ambient_authority())?;
        let source = Self {
            dir,
            path,
            roots: OnceLock::new(),
        };
        Ok((source, narrowing))
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
            roots: OnceLock::from(vec![(path, whole)]),
        };
        Ok((source, below))
    }

    /// The folder that is looked at.
    pub fn path(&self) -> &Path {
        &self.path
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
}

impl Source for FolderSource {
    fn roots(&self) -> Result<(Vec<Root>, Vec<Problem>), SourceError> {
        let mut search = Search::default().run(&self.dir);
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
        let dir = self
            .root(root)?
            .open_dir(path)
            .map_err(|error| explain(&error))?;
        let mut names = Vec::new();
        for entry in dir.entries().map_err(|error| explain(&error))? {
            let entry = entry.map_err(|error| explain(&error))?;
            if entry.file_type().map_err(|error| explain(&error))?.is_dir()
                && let Some(name) = entry.file_name().to_str()
            {
                names.push(name.to_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    fn level(&self, root: RootId, path: &str) -> Result<Level, SourceError> {
        let path = if path.is_empty() { "." } else { path };
        let dir = self.root(root)?.open_dir(path);
        let dir = dir.map_err(|error| explain_folder(&error))?;
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
                Ok(_) => level.objects.push((readable(&name), false)),
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

    fn list(
        &self,
        root: RootId,
        path: &str,
        bounds: &Bounds,
        visit: &mut dyn FnMut(ListedObject<'_>),
    ) -> Vec<Problem> {
        let listing = Listing {
            bounds,
            visit,
            problems: Vec::new(),
            waiting: Vec::new(),
        };
        let dir = self
            .root(root)
            .and_then(|dir| dir.open_dir(path).map_err(|error| explain(&error)));
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

    fn digest(&self, root: RootId, path: &str) -> Result<(Body, Metadata), SourceError> {
        let file = self.open_object(root, path)?;
        let metadata = match self.open_object(root, &format!("{path}.metadata.json")) {
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
        let holds = |root: &RootId| self.root(*root).is_ok_and(|dir| dir.exists(path));
        order
            .into_iter()
            .find(holds)
            .map(|root| (root, path.to_owned()))
    }
}

fn body(file: File) -> Body {
    Body {
        reader: Box::new(file),
        facts: Facts::default(),
    }
}

/// Opens a file for reading. Nothing but a regular file is waited for or read.
fn open_file(dir: &Dir, path: &str) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use cap_std::fs::OpenOptionsExt as _;
        // Opening a pipe would wait for its writer.
        options.custom_flags(libc_nonblock());
    }
    let file = dir.open_with(path, &options)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    Ok(file)
}

#[cfg(unix)]
fn libc_nonblock() -> i32 {
    i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0)
}

/// Whether a key can be looked up below a folder as it stands.
fn is_safe(path: &str) -> bool {
    path.len() <= MAX_KEY_LEN * 2
        && !path.contains('\0')
        && path
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != "..")
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename
    )
}

fn explain(error: &io::Error) -> SourceError {
    if is_absent(error) {
        SourceError::NotFound
    } else if error.kind() == io::ErrorKind::PermissionDenied {
        SourceError::Denied(error.to_string().into())
    } else {
        SourceError::Failed(error.to_string().into())
    }
}

fn read_small(file: File, limit: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.take(limit + 1).read_to_end(&mut content)?;
    if content.len() as u64 > limit {
        return Err(io::Error::other(format!("it is larger than {limit} bytes")));
    }
    Ok(content)
}

/// What `aws s3api head-object` wrote beside the object.
fn read_sidecar(file: File) -> Result<Metadata, SourceError> {
    #[derive(serde::Deserialize)]
    struct HeadObject {
        #[serde(rename = "Metadata", default)]
        metadata: std::collections::BTreeMap<String, String>,
    }
    let failed = |why: String| SourceError::Failed(format!("its metadata file: {why}").into());
    let content = read_small(file, MAX_SIDECAR_LEN).map_err(|error| failed(error.to_string()))?;
    let head: HeadObject =
        serde_json::from_slice(&content).map_err(|error| failed(error.to_string()))?;
    let pairs = head.metadata.iter();
    Ok(Metadata::from_pairs(
        pairs.map(|(name, value)| (name.as_str(), value.as_str())),
    ))
}

/// The extended attributes that copying tools keep user metadata in.
#[cfg(unix)]
fn read_attributes(file: &File) -> Result<Metadata, SourceError> {
    use std::os::fd::AsFd as _;
    let mut pairs = Vec::new();
    for name in [
        "signature",
        "signature-algorithm",
        "backfill-generation-timestamp",
    ] {
        let mut value = [0; 4096];
        let attribute = format!("user.{name}");
        match rustix::fs::fgetxattr(file.as_fd(), attribute.as_str(), &mut value) {
            Ok(length) => {
                let text = String::from_utf8_lossy(&value[..length]).into_owned();
                pairs.push((name, text));
            }
            Err(
                rustix::io::Errno::NODATA | rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS,
            ) => {}
            Err(error) => {
                let why = format!("its attribute {attribute}: {error}");
                return Err(SourceError::Failed(why.into()));
            }
        }
    }
    Ok(Metadata::from_pairs(
        pairs.iter().map(|(name, value)| (*name, value.as_str())),
    ))
}

#[cfg(not(unix))]
fn read_attributes(_: &File) -> Result<Metadata, SourceError> {
    Ok(Metadata::default())
}

/// The search for `AWSLogs` folders. Links are not followed.
///
/// Folders are opened one at a time, by their path: however deep they lie, few files are open.
#[derive(Default)]
struct Search {
    found: Vec<(PathBuf, Dir)>,
    problems: Vec<Problem>,
    waiting: Vec<PathBuf>,
}

impl Search {
    fn run(mut self, base: &Dir) -> Self {
        self.waiting.push(PathBuf::from("."));
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

/// Why a folder could not be looked at; a path too long for the system is not an absent one.
fn explain_folder(error: &io::Error) -> SourceError {
    if is_absent(error) && error.kind() != io::ErrorKind::NotFound {
        return SourceError::Failed(error.to_string().into());
    }
    explain(error)
}

/// The listing of one folder, at any depth. Links are named, and not followed.
struct Listing<'a> {
    bounds: &'a Bounds,
    visit: &'a mut dyn FnMut(ListedObject<'_>),
    problems: Vec<Problem>,
    /// Folders still to be listed: their paths, and what reports call them.
    waiting: Vec<(PathBuf, String)>,
}

impl Listing<'_> {
    fn run(mut self, base: &Dir) -> Vec<Problem> {
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

    /// Whether a folder is not that of a day outside of the bounds.
    fn may_hold_objects(&self, rest: &str) -> bool {
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

/// The folder that holds the last `AWSLogs` of `path`, and what of it was named.
fn above_aws_logs(path: &Path) -> Option<(PathBuf, Narrowing)> {
    let logs = path
        .ancestors()
        .find(|above| above.file_name() == Some(OsStr::new(AWS_LOGS)))?;
    let below = path.strip_prefix(logs).ok()?;
    let narrowing = Narrowing::below_aws_logs(below.iter().filter_map(OsStr::to_str))?;
    Some((logs.parent()?.to_owned(), narrowing))
}
