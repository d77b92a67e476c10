//! A store of the forge as a source, in memory: thousands of archives are judged in the time that the program takes to
//! start a few times.

use std::{collections::BTreeMap, io::Cursor, sync::Arc};

use ct_verify::{
    source::{Body, Facts, Level, ListedObject, Metadata, Problem, Root, Source, SourceError},
    verify::{
        location::{ObjectLocation, RootId},
        time::Bounds,
    },
};

use crate::forge::{Store, StoredObject, seed::Seed};

/// How the store is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum As {
    /// A folder: what bucket a root stands for, only its digests tell.
    Folder,
    /// A bucket: each root's name is known.
    Bucket,
}

/// Every place of a store that has an `AWSLogs`, each a root.
pub struct MemorySource {
    seen_as: As,
    /// Shuffles what listings show; nothing leaves it in order.
    shuffle: Option<u64>,
    /// Bucket and prefix, and what lies there by its path from `AWSLogs` on.
    roots: Vec<((String, String), BTreeMap<String, StoredObject>)>,
}

impl MemorySource {
    pub fn new(store: &Store, seen_as: As, shuffle: Option<u64>) -> Self {
        let mut roots: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for ((bucket, key), object) in &store.objects {
            if let Some((prefix, path)) = split(key) {
                let place = (bucket.clone(), prefix.to_owned());
                let root = roots.entry(place).or_default();
                root.insert(path.to_owned(), object.clone());
            }
        }
        let roots = roots.into_iter().collect();
        Self {
            seen_as,
            shuffle,
            roots,
        }
    }

    fn objects(&self, root: RootId) -> Result<&BTreeMap<String, StoredObject>, SourceError> {
        let root = usize::try_from(root.0).ok();
        let root = root.and_then(|root| self.roots.get(root));
        Ok(&root.ok_or(SourceError::NotFound)?.1)
    }

    fn open(&self, root: RootId, path: &str) -> Result<(Body, Metadata), SourceError> {
        let object = self.objects(root)?.get(path).ok_or(SourceError::NotFound)?;
        let pairs = object.metadata.iter();
        let metadata = Metadata::from_pairs(pairs.map(|(name, value)| (&**name, &**value)));
        let body = Body {
            reader: Box::new(Cursor::new(object.body.clone())),
            facts: Facts::default(),
        };
        Ok((body, metadata))
    }

    /// What lies below a folder, by what follows it.
    fn below(&self, root: RootId, path: &str) -> Vec<(String, usize)> {
        let Ok(objects) = self.objects(root) else {
            return Vec::new();
        };
        let rest = |(key, object): (&String, &StoredObject)| {
            let rest = key.strip_prefix(path)?.strip_prefix('/')?;
            Some((rest.to_owned(), object.body.len()))
        };
        let mut listed: Vec<_> = objects.iter().filter_map(rest).collect();
        self.mix(&mut listed);
        listed
    }

    fn mix<T>(&self, listed: &mut [T]) {
        let Some(number) = self.shuffle else { return };
        let mut seed = Seed::new(number);
        for last in (1..listed.len()).rev() {
            listed.swap(last, seed.below(last + 1));
        }
    }
}

/// Prefix and path of a key, as the last `AWSLogs` in it cuts it.
fn split(key: &str) -> Option<(&str, &str)> {
    match key.rfind("/AWSLogs/") {
        Some(at) => Some((&key[..at], &key[at + 1..])),
        None => key.starts_with("AWSLogs/").then_some(("", key)),
    }
}

impl Source for MemorySource {
    fn roots(&self) -> Result<(Vec<Root>, Vec<Problem>), SourceError> {
        let root = |(number, ((bucket, prefix), _)): (usize, &((String, String), _))| Root {
            id: RootId(u32::try_from(number).expect("few roots")),
            name: format!("{bucket}/{prefix}"),
        };
        Ok((self.roots.iter().enumerate().map(root).collect(), vec![]))
    }

    fn stated(&self, root: RootId) -> Option<(Arc<str>, Arc<str>)> {
        let ((bucket, prefix), _) = self.roots.get(usize::try_from(root.0).ok()?)?;
        (self.seen_as == As::Bucket).then(|| (bucket.as_str().into(), prefix.as_str().into()))
    }

    fn folders(&self, root: RootId, path: &str) -> Result<Vec<String>, SourceError> {
        self.level(root, path).map(|level| level.folders)
    }

    fn level(&self, root: RootId, path: &str) -> Result<Level, SourceError> {
        let mut level = Level::default();
        for (rest, _) in self.below(root, path) {
            match rest.split_once('/') {
                Some((folder, _)) => level.folders.push(folder.to_owned()),
                None => level.objects.push((rest, false)),
            }
        }
        level.folders.sort();
        level.folders.dedup();
        self.mix(&mut level.folders);
        Ok(level)
    }

    fn list(
        &self,
        root: RootId,
        path: &str,
        _: &Bounds,
        visit: &mut dyn FnMut(ListedObject<'_>),
    ) -> Vec<Problem> {
        for (rest, size) in self.below(root, path) {
            visit(ListedObject {
                rest: &rest,
                archived: false,
                size: &|| Some(size as u64),
            });
        }
        vec![]
    }

    fn digest(&self, root: RootId, path: &str) -> Result<(Body, Metadata), SourceError> {
        self.open(root, path)
    }

    fn log(&self, root: RootId, path: &str) -> Result<Body, SourceError> {
        self.open(root, path).map(|(body, _)| body)
    }

    fn elsewhere(&self, from: RootId, location: &ObjectLocation) -> Option<(RootId, String)> {
        let (prefix, path) = location.split()?;
        let number = |index: usize| RootId(u32::try_from(index).expect("few roots"));
        let is_it =
            |(place, objects): &((String, String), BTreeMap<String, StoredObject>)| match self
                .seen_as
            {
                As::Bucket => place.0 == **location.bucket() && place.1 == prefix,
                As::Folder => objects.contains_key(path),
            };
        let fits = |(index, _): &(usize, _)| number(*index) != from;
        let others = self.roots.iter().enumerate().filter(fits);
        let mut found = others.filter(|(_, root)| is_it(root));
        let root = found.next().map(|(index, _)| number(index));
        let own = self.roots.get(usize::try_from(from.0).ok()?)?;
        let root = root.or_else(|| is_it(own).then_some(from))?;
        Some((root, path.to_owned()))
    }
}
