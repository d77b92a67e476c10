//! An object that is being written.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use cap_std::fs::File;
use sha2::{Digest as _, Sha256};

use super::error::{SnapshotError, at};
use super::index::{Copied, Line, Sidecar};
use super::layout::{SIDECAR, encoded, file_of};
use super::store::Store;
use crate::source::Facts;

/// The file of an object that was copied.
pub(super) fn file_name(object: &Copied) -> String {
    let plain = || file_of(&object.root, &object.path);
    object.file.clone().unwrap_or_else(plain)
}

/// An object that is being written.
pub(super) struct Writing {
    store: Arc<Store>,
    file: Option<File>,
    name: String,
    hasher: Sha256,
    object: Copied,
}

impl Writing {
    /// Begins to write an object.
    pub(super) fn begin(
        store: &Arc<Store>,
        root: &str,
        path: &str,
        facts: &Facts,
    ) -> Result<Self, SnapshotError> {
        let (name, file) = store.aside()?;
        Ok(Self {
            store: Arc::clone(store),
            file: Some(file),
            name,
            hasher: Sha256::new(),
            object: Copied::new(root, path, facts),
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        file.write_all(bytes).map_err(at(&self.name))?;
        self.hasher.update(bytes);
        self.object.size += bytes.len() as u64;
        self.store
            .copied
            .fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// The object is whole: it gets its name, and its line in the index.
    pub(super) fn finish(mut self) -> Result<(), SnapshotError> {
        let Some(opened) = self.file.take() else {
            return Ok(());
        };
        let store = Arc::clone(&self.store);
        let mut object = self.object.clone();
        object.sha256 = hex::encode(std::mem::take(&mut self.hasher).finalize());
        let file = store.claim_file(&object.root, &object.path);
        object.file = (file == encoded(&object.root, &object.path)).then(|| file.clone());
        if !object.metadata.is_empty() {
            let name = format!("{file}{SIDECAR}");
            let mut sidecar = serde_json::to_vec_pretty(&object.head_object())
                .map_err(|error| at(&name)(error.into()))?;
            sidecar.push(b'\n');
            store.put(&name, &sidecar)?;
            object.sidecar = Some(Sidecar {
                size: sidecar.len() as u64,
                sha256: hex::encode(Sha256::digest(&sidecar)),
            });
        }
        store.settle(opened, &self.name, &file)?;
        store.hold(&object, &file);
        store.note(&Line::Object(object))
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // What is left of it is never taken for whole, and goes with the folder it lies in.
            let _ = self.store.dir.remove_file(&self.name);
        }
    }
}
