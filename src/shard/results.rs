//! The results of all shards, gathered from the folder that they were written to.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use tempfile::{NamedTempFile, TempDir};

use super::file::{ResultError, ResultFile};
use super::paper::Plan;
use super::writing::{Written, readable, unnamed};
use crate::engine::{Stop, in_parallel};
use crate::source::{S3Store, SourceError};

/// A shard that has no result that could be used.
#[derive(Debug)]
pub struct Gap {
    /// Its number.
    pub shard: u32,
    /// Why it has none.
    pub why: ResultError,
}

/// What there is of a plan's results.
#[derive(Debug)]
pub enum Gathered {
    /// All of them, in the order of their shards.
    All(Vec<ResultFile>),
    /// Some are not there, or are of no use.
    Gaps(Vec<Gap>),
}

/// The name of a shard's result.
pub fn result_name(shard: u32) -> String {
    format!("shard-{shard:05}.result")
}

/// How the names of plans begin.
const PLAN: &str = "plan-";

/// The name of a plan beside its results. It tells the plan, so that two never share it.
fn plan_name(identity: &str) -> String {
    let short = identity.get(..16).unwrap_or(identity);
    format!("{PLAN}{short}.json")
}

/// Opens the results of all shards of a plan, and looks at every byte of them.
fn gather(folder: &Path, (plan, identity): (&Plan, &str), threads: usize, stop: &Stop) -> Gathered {
    let shards: Vec<u32> = (0..plan.shards).collect();
    let opened = in_parallel(threads, &shards, |shard| {
        if stop.is_stopped() {
            return Err(ResultError::Missing);
        }
        let path = folder.join(result_name(*shard));
        ResultFile::open(&path, plan, identity, *shard)
    });
    let mut results = Vec::new();
    let mut gaps = Vec::new();
    for (shard, opened) in shards.into_iter().zip(opened) {
        match opened {
            Ok(result) => results.push(result),
            Err(why) => gaps.push(Gap { shard, why }),
        }
    }
    if gaps.is_empty() {
        Gathered::All(results)
    } else {
        Gathered::Gaps(gaps)
    }
}

/// Where results are.
#[derive(Debug)]
pub enum ResultPlace {
    /// A folder, which every machine has.
    Folder(PathBuf),
    /// A place in a bucket, and a folder of this machine for what is on its way.
    Bucket(Box<S3Store>, TempDir),
}

impl ResultPlace {
    /// A folder.
    pub fn folder(path: &Path) -> Self {
        Self::Folder(path.to_owned())
    }

    /// A place in a bucket.
    ///
    /// # Errors
    /// Where this machine has no folder for what is on its way.
    pub fn bucket(store: S3Store) -> Result<Self> {
        let aside = TempDir::new().context("cannot make a temporary folder")?;
        Ok(Self::Bucket(Box::new(store), aside))
    }

    /// A folder of this machine that files may be made in before they are put in their place.
    pub fn workshop(&self) -> &Path {
        match self {
            Self::Folder(path) => path,
            Self::Bucket(_, aside) => aside.path(),
        }
    }

    /// Whether this machine has a file of a shard's result, whatever it holds.
    pub fn holds(&self, shard: u32) -> bool {
        self.workshop().join(result_name(shard)).exists()
    }

    /// The file of this machine that holds what is there under `name`; nothing where it is not
    /// there.
    fn fetch(&self, name: &str) -> Result<Option<PathBuf>> {
        match self {
            Self::Folder(folder) => {
                let path = folder.join(name);
                Ok(path.try_exists()?.then_some(path))
            }
            Self::Bucket(store, aside) => {
                let path = aside.path().join(name);
                let cannot_keep = || format!("cannot write {}", path.display());
                let mut file = BufWriter::new(File::create(&path).with_context(cannot_keep)?);
                match store.get(name, &mut file) {
                    Ok(copied) => copied.with_context(|| format!("cannot fetch {name}"))?,
                    Err(SourceError::NotFound) => {
                        fs::remove_file(&path).with_context(cannot_keep)?;
                        return Ok(None);
                    }
                    Err(error) => {
                        return Err(error).with_context(|| format!("cannot fetch {name}"));
                    }
                };
                file.flush().with_context(cannot_keep)?;
                Ok(Some(path))
            }
        }
    }

    /// Puts a result in its place, in one step.
    ///
    /// # Errors
    /// Where that cannot be done.
    pub fn put(&self, written: Written, name: &str) -> Result<()> {
        match self {
            Self::Folder(folder) => Ok(written.persist(&folder.join(name))?),
            Self::Bucket(store, _) => Ok(store.put(name, written.path())?),
        }
    }

    /// Whether a shard has a result that is whole and of this plan. One of another plan is not
    /// ours to replace.
    ///
    /// # Errors
    /// Where it has one of another plan, or one that cannot be read.
    pub fn is_done(&self, (plan, identity): (&Plan, &str), shard: u32) -> Result<bool> {
        let name = result_name(shard);
        let Some(path) = self.fetch(&name)? else {
            return Ok(false);
        };
        match ResultFile::open(&path, plan, identity, shard) {
            Ok(_) => Ok(true),
            Err(error) if error.is_replaced() => Ok(false),
            Err(error) => bail!(
                "shard {shard}: {error}, and is left as it is: give each plan a place of its own, or move {name} aside, as `ct-verify merge` tells"
            ),
        }
    }

    /// Whoever joins the results finds the plan beside them.
    ///
    /// # Errors
    /// Where it cannot be written there.
    pub fn keep_plan(&self, bytes: &[u8], identity: &str) -> Result<()> {
        let name = plan_name(identity);
        let is_there = match self {
            Self::Folder(folder) => {
                fs::create_dir_all(folder)?;
                folder.join(&name).try_exists()?
            }
            Self::Bucket(store, _) => store.names(&name)?.contains(&name),
        };
        if is_there {
            return Ok(());
        }
        let aside = NamedTempFile::new_in(self.workshop());
        let mut aside = aside.map_err(|error| unnamed(&error))?;
        aside.write_all(bytes)?;
        readable(&aside)?;
        aside.as_file().sync_all()?;
        // Others write the same.
        match self {
            Self::Folder(folder) => {
                aside.persist(folder.join(&name))?;
            }
            Self::Bucket(store, _) => store.put(&name, aside.path())?,
        }
        Ok(())
    }

    /// The plan that lies beside the results: its file, what it holds, and its identity.
    ///
    /// # Errors
    /// Where there is none, or more than one.
    pub fn plan(&self) -> Result<(String, Plan, String)> {
        let names = match self {
            Self::Folder(folder) => {
                let names = fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name()));
                let names: io::Result<Vec<_>> = names.collect();
                let names = names?.into_iter();
                names.filter_map(|name| name.into_string().ok()).collect()
            }
            Self::Bucket(store, _) => store.names(PLAN)?,
        };
        let is_plan = |name: &String| {
            let rest = name.strip_prefix(PLAN);
            rest.is_some_and(|rest| rest.strip_suffix(".json").is_some())
        };
        let mut plans: Vec<String> = names.into_iter().filter(is_plan).collect();
        let Some(name) = plans.pop() else {
            bail!("it holds no results, and no plan: name the plan with --plan");
        };
        if !plans.is_empty() {
            plans.push(name);
            bail!(
                "it holds the results of {} plans: name one with --plan ({})",
                plans.len(),
                plans.join(", ")
            );
        }
        let path = self.fetch(&name)?.context("the plan is gone")?;
        let (plan, identity) =
            Plan::read(&fs::read(path)?).with_context(|| format!("cannot use {name}"))?;
        if name != plan_name(&identity) {
            bail!("{name} was changed since it was written: name the plan with --plan");
        }
        Ok((name, plan, identity))
    }

    /// Fetches the results of all shards, where they are not on this machine; then opens them, and
    /// looks at every byte of them.
    ///
    /// # Errors
    /// Where one cannot be fetched, though it is there.
    pub fn gather(&self, plan: (&Plan, &str), threads: usize, stop: &Stop) -> Result<Gathered> {
        if let Self::Bucket(..) = self {
            let shards: Vec<u32> = (0..plan.0.shards).collect();
            let fetched = in_parallel(threads, &shards, |shard| {
                if stop.is_stopped() {
                    return Ok(None);
                }
                self.fetch(&result_name(*shard))
            });
            for fetched in fetched {
                fetched?;
            }
        }
        Ok(gather(self.workshop(), plan, threads, stop))
    }
}
