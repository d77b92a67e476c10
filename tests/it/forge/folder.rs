//! A store written as a folder, as the usual tools would copy it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use super::{
    json::Json,
    store::{At, Sink, Store, StoredObject},
};

/// How a copy keeps the objects' user metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metadata {
    /// `FILE.metadata.json`, the output of `aws s3api head-object`.
    Sidecar,
    /// Extended attributes `user.NAME`, as rclone writes them.
    Xattr,
    /// Lost, as `aws s3 sync` does.
    None,
}

/// Writes each bucket below its own folder; as a sink, without holding what it wrote.
pub struct FolderWriter {
    root: PathBuf,
    metadata: Metadata,
    subfolders: BTreeMap<String, String>,
    last_folder: PathBuf,
}

impl FolderWriter {
    pub fn new(root: &Path, metadata: Metadata) -> Self {
        Self {
            root: root.into(),
            metadata,
            subfolders: BTreeMap::new(),
            last_folder: PathBuf::new(),
        }
    }

    /// Puts a bucket into this folder instead of one of the bucket's name; empty for the root itself.
    pub fn bucket_in(mut self, bucket: &str, folder: &str) -> Self {
        self.subfolders.insert(bucket.into(), folder.into());
        self
    }

    pub fn write(&mut self, store: &Store) {
        for (at, object) in &store.objects {
            self.write_object(at, object);
        }
    }

    /// Where an object is written.
    pub fn path(&self, (bucket, key): &At) -> PathBuf {
        self.root
            .join(self.subfolders.get(bucket).unwrap_or(bucket))
            .join(key)
    }

    fn write_object(&mut self, at: &At, object: &StoredObject) {
        let path = self.path(at);
        if at.1.ends_with('/') {
            return fs::create_dir_all(&path).expect("a folder for a folder marker");
        }
        let folder = path.parent().expect("a file lies in a folder");
        if folder != self.last_folder {
            fs::create_dir_all(folder).expect("folders for a key");
            self.last_folder = folder.into();
        }
        fs::write(&path, &object.body).expect("a file for an object");
        if object.metadata.is_empty() {
            return;
        }
        match self.metadata {
            Metadata::Sidecar => fs::write(sidecar(&path), head_object(object)).expect("a sidecar"),
            Metadata::Xattr => write_attributes(&path, object),
            Metadata::None => {}
        }
    }
}

impl Sink for FolderWriter {
    fn put(&mut self, at: At, object: StoredObject) {
        self.write_object(&at, &object);
    }
}

/// `FILE.metadata.json`.
pub fn sidecar(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".metadata.json");
    name.into()
}

fn write_attributes(path: &Path, object: &StoredObject) {
    for (name, value) in &object.metadata {
        xattr::set(path, format!("user.{name}"), value.as_bytes())
            .expect("a file system with extended attributes");
    }
}

/// What `aws s3api head-object` prints.
pub fn head_object(object: &StoredObject) -> String {
    let metadata = object
        .metadata
        .iter()
        .map(|(name, value)| (name.clone(), Json::text(value)))
        .collect();
    let head = Json::object([
        ("AcceptRanges", Json::text("bytes")),
        ("LastModified", Json::text("2024-03-12T09:00:00+00:00")),
        ("ContentLength", Json::Number(object.body.len().to_string())),
        ("ContentType", Json::text("application/json")),
        ("ContentEncoding", Json::text("gzip")),
        ("ServerSideEncryption", Json::text("AES256")),
        ("Metadata", Json::Object(metadata)),
    ]);
    let value: serde_json::Value =
        serde_json::from_str(&head.write(false)).expect("JSON of the forge");
    format!("{value:#}\n")
}
