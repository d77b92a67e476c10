//! The archive that comes with the program, and a source that holds it in memory.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::source::{
    Body, Facts, Level, ListedObject, Metadata, Problem, Root, Source, SourceError,
};
use crate::verify::keys::{KeySet, parse_keys};
use crate::verify::location::{AWS_LOGS, ObjectLocation, RootId};
use crate::verify::time::Bounds;

/// Two regions and four hours, signed with keys made for this; nothing is wrong with it.
const CLEAN: &str = include_str!("clean.json");

#[derive(Deserialize)]
struct Embedded {
    keys: serde_json::Value,
    objects: BTreeMap<String, EmbeddedObject>,
}

#[derive(Deserialize)]
struct EmbeddedObject {
    body: String,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
}

/// An object in memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Object {
    pub(super) body: Vec<u8>,
    pub(super) metadata: BTreeMap<String, String>,
    /// Whether reading it is denied.
    pub(super) denied: bool,
}

/// An archive in memory: objects by their paths from `AWSLogs` on.
#[derive(Clone, Debug, Default)]
pub struct MemorySource {
    pub(super) objects: BTreeMap<String, Object>,
}

/// The archive that nobody touched, and its keys.
pub(super) fn clean() -> Result<(MemorySource, KeySet)> {
    let embedded: Embedded = serde_json::from_str(CLEAN)?;
    let keys = parse_keys(embedded.keys.to_string().as_bytes())?;
    let mut source = MemorySource::default();
    for (path, object) in embedded.objects {
        let object = Object {
            body: STANDARD.decode(object.body)?,
            metadata: object.metadata,
            denied: false,
        };
        source.objects.insert(path, object);
    }
    Ok((source, KeySet::new(keys).context("it has no keys")?))
}

impl MemorySource {
    fn open(&self, path: &str) -> Result<(Body, Metadata), SourceError> {
        let object = self.objects.get(path).ok_or(SourceError::NotFound)?;
        if object.denied {
            return Err(SourceError::Denied("the selftest denies it".into()));
        }
        let pairs = object.metadata.iter();
        let metadata = Metadata::from_pairs(pairs.map(|(name, value)| (&**name, &**value)));
        let body = Body {
            reader: Box::new(Cursor::new(object.body.clone())),
            facts: Facts::default(),
        };
        Ok((body, metadata))
    }

    fn below<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (&'a str, &'a Object)> {
        let rest = move |(key, object): (&'a String, &'a Object)| {
            let rest = if path.is_empty() {
                key.as_str()
            } else {
                key.strip_prefix(path)?.strip_prefix('/')?
            };
            Some((rest, object))
        };
        self.objects.iter().filter_map(rest)
    }
}

impl Source for MemorySource {
    fn roots(&self) -> Result<(Vec<Root>, Vec<Problem>), SourceError> {
        let root = Root {
            id: RootId(0),
            name: ".".to_owned(),
        };
        let is_there = self.below(AWS_LOGS).next().is_some();
        Ok((is_there.then_some(root).into_iter().collect(), Vec::new()))
    }

    fn stated(&self, _: RootId) -> Option<(Arc<str>, Arc<str>)> {
        None
    }

    fn folders(&self, root: RootId, path: &str) -> Result<Vec<String>, SourceError> {
        self.level(root, path).map(|level| level.folders)
    }

    fn level(&self, _: RootId, path: &str) -> Result<Level, SourceError> {
        let mut level = Level::default();
        for (rest, _) in self.below(path) {
            match rest.split_once('/') {
                Some((folder, _)) => level.folders.push(folder.to_owned()),
                None => level.objects.push((rest.to_owned(), false)),
            }
        }
        level.folders.dedup();
        Ok(level)
    }

    fn list(
        &self,
        _: RootId,
        path: &str,
        _: &Bounds,
        visit: &mut dyn FnMut(ListedObject<'_>),
    ) -> Vec<Problem> {
        for (rest, object) in self.below(path) {
            visit(ListedObject {
                rest,
                archived: false,
                size: &|| Some(object.body.len() as u64),
            });
        }
        Vec::new()
    }

    fn digest(&self, _: RootId, path: &str) -> Result<(Body, Metadata), SourceError> {
        self.open(path)
    }

    fn log(&self, _: RootId, path: &str) -> Result<Body, SourceError> {
        self.open(path).map(|(body, _)| body)
    }

    fn elsewhere(&self, from: RootId, location: &ObjectLocation) -> Option<(RootId, String)> {
        let (_, path) = location.split()?;
        Some((from, path.to_owned()))
    }
}
