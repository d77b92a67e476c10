//! The manifest of an inventory, and the files that it names.

use std::fs::File;
use std::io::{Read, Seek as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;
use md5::{Digest as _, Md5};
use serde::Deserialize;

use super::columns::Columns;
use super::parquet;
use crate::source::limited::Limited;
use crate::source::s3::{Connection, S3Store};
use crate::verify::location::MAX_KEY_LEN;

/// A manifest is never larger.
const MAX_MANIFEST: u64 = 256 * 1024 * 1024;
/// A file is never larger, where the manifest does not tell.
const MAX_FILE: u64 = 64 * 1024 * 1024 * 1024;
/// Why no more is fetched than that.
const TOO_LONG: &str = "it is longer than it may be";

/// The manifest, as S3 writes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    source_bucket: String,
    destination_bucket: String,
    creation_timestamp: String,
    file_format: String,
    file_schema: String,
    files: Vec<Listed>,
}

/// A file that it names.
#[derive(Debug, Deserialize)]
struct Listed {
    key: String,
    size: Option<u64>,
    #[serde(rename = "MD5checksum")]
    md5: Option<String>,
}

/// How its files are written, and where each column of them is, where the manifest decides that.
enum Format {
    Csv(Columns),
    Parquet,
}

/// Where the files are.
enum Files {
    /// Beside the manifest, or in a copy of its bucket.
    Folder(PathBuf),
    /// In the bucket that the manifest is in.
    Bucket(Box<S3Store>),
}

/// An inventory.
pub struct Inventory {
    manifest: Manifest,
    format: Format,
    made: Timestamp,
    files: Files,
}

impl std::fmt::Debug for Inventory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inventory")
            .field("bucket", &self.manifest.source_bucket)
            .finish_non_exhaustive()
    }
}

/// No log comes near it. What an inventory says beyond is not summed up, since anybody may have written
/// it.
pub(super) const LARGEST: u64 = 1 << 32;

/// An object as an inventory tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventoryEntry {
    /// Its key.
    pub key: String,
    /// Its size in bytes; 4 GiB where it is larger.
    pub size: u64,
    /// Whether it lies in a class that has to be restored from.
    pub archived: bool,
}

/// Tells whether whoever reads an inventory is to end.
pub(super) type IsStopped<'a> = &'a dyn Fn() -> bool;

/// # Errors
/// Where the run is to end.
pub(super) fn go_on(is_stopped: IsStopped<'_>) -> Result<()> {
    if is_stopped() {
        bail!("the run was stopped");
    }
    Ok(())
}

impl Listed {
    /// The file from its begin on, where it is what the manifest says: MD5 shows what was cut or mixed up on its way,
    /// and proves nothing against who would have it so.
    fn check(&self, mut file: File, is_stopped: IsStopped<'_>) -> Result<File> {
        let length = file.metadata()?.len();
        if let Some(size) = self.size.filter(|size| *size != length) {
            bail!("it has {length} bytes, and the manifest says {size}");
        }
        file.rewind()?;
        if let Some(stated) = &self.md5 {
            let mut hash = Md5::new();
            let mut buffer = vec![0; 64 * 1024];
            loop {
                let read = file.read(&mut buffer)?;
                if read == 0 {
                    break;
                }
                go_on(is_stopped)?;
                hash.update(buffer.get(..read).unwrap_or_default());
            }
            if !hex::encode(hash.finalize()).eq_ignore_ascii_case(stated) {
                bail!("its MD5 is not the one that the manifest says");
            }
            file.rewind()?;
        }
        Ok(file)
    }
}

impl Inventory {
    /// The inventory whose manifest is at `path`: a file, or an object of the bucket that
    /// `connect` leads to.
    ///
    /// # Errors
    /// Where it cannot be read, or is in a form that is not known.
    pub fn open(path: &Path, connect: impl FnOnce() -> Result<Connection>) -> Result<Self> {
        let url = path.to_str().and_then(|text| text.strip_prefix("s3://"));
        let Some(url) = url else {
            let folder = path.parent().unwrap_or(Path::new("."));
            let file = File::open(path)?;
            return Self::new(file, Files::Folder(folder.to_owned()));
        };
        let (bucket, key) = url.split_once('/').context("it names no object")?;
        let store = S3Store::new(connect()?, bucket, "");
        let mut text = Limited::new(Vec::new(), MAX_MANIFEST, TOO_LONG);
        store.get(key, &mut text)??;
        Self::new(&text.into_inner()[..], Files::Bucket(Box::new(store)))
    }

    fn new(text: impl Read, files: Files) -> Result<Self> {
        let mut content = Vec::new();
        text.take(MAX_MANIFEST + 1).read_to_end(&mut content)?;
        let manifest: Manifest = serde_json::from_slice(&content)
            .context("it is no manifest of an S3 Inventory (manifest.json)")?;
        let format = match manifest.file_format.as_str() {
            "CSV" => Format::Csv(Columns::parse(&manifest.file_schema)?),
            "Parquet" => Format::Parquet,
            other => bail!(
                "it is of format {other}, and CSV and Parquet are read: configure the inventory so, or plan without one"
            ),
        };
        let milliseconds: i64 = manifest
            .creation_timestamp
            .parse()
            .context("its creationTimestamp is no number")?;
        Ok(Self {
            format,
            made: Timestamp::from_millisecond(milliseconds)?,
            manifest,
            files,
        })
    }

    /// The bucket that it lists.
    pub fn bucket(&self) -> &str {
        &self.manifest.source_bucket
    }

    /// When S3 began to write it.
    pub fn made(&self) -> Timestamp {
        self.made
    }

    /// Shows every object that was there then.
    ///
    /// # Errors
    /// Where a file of it cannot be read, or `is_stopped` says so.
    pub fn each(
        &self,
        is_stopped: IsStopped<'_>,
        visit: &mut dyn FnMut(&InventoryEntry),
    ) -> Result<()> {
        for file in &self.manifest.files {
            go_on(is_stopped)?;
            self.each_of(file, is_stopped, visit)
                .with_context(|| format!("its file {}", file.key))?;
        }
        Ok(())
    }

    fn each_of(
        &self,
        listed: &Listed,
        is_stopped: IsStopped<'_>,
        visit: &mut dyn FnMut(&InventoryEntry),
    ) -> Result<()> {
        let file = match &self.files {
            Files::Folder(folder) => File::open(self.beside(folder, &listed.key)?)?,
            Files::Bucket(store) => {
                let limit = listed.size.unwrap_or(MAX_FILE);
                let mut aside = Limited::new(tempfile::tempfile()?, limit, TOO_LONG);
                store.get(&listed.key, &mut aside)??;
                aside.into_inner()
            }
        };
        let file = listed.check(file, is_stopped)?;
        match &self.format {
            Format::Csv(columns) => columns.each(file, self.bucket(), is_stopped, visit),
            Format::Parquet => parquet::each(file, self.bucket(), is_stopped, visit),
        }
    }

    /// A file of a copy. S3 writes manifests and files into folders beside each other: `CONFIG/DATE/manifest.json`
    /// and `CONFIG/data/FILE`. Whoever copied them may have put them into one folder.
    fn beside(&self, folder: &Path, key: &str) -> Result<PathBuf> {
        if key.len() > MAX_KEY_LEN {
            bail!("its name is too long for an object");
        }
        let parts: Vec<&str> = key.split('/').collect();
        if parts
            .iter()
            .any(|part| part.is_empty() || *part == "." || *part == "..")
        {
            bail!("its name leads elsewhere");
        }
        let tails = (0..parts.len()).filter_map(|from| parts.get(from..));
        let below = |folder: &Path, tail: &[&str]| {
            let path = tail
                .iter()
                .fold(folder.to_owned(), |it, part| it.join(part));
            path.is_file().then_some(path)
        };
        // Above it lie others' files as well.
        let mut in_a_folder = tails.clone().filter(|tail| tail.len() > 1);
        let mut beside = || in_a_folder.find_map(|tail| below(folder.parent()?, tail));
        let here = tails.clone().find_map(|tail| below(folder, tail));
        if let Some(path) = here.or_else(&mut beside) {
            return Ok(path);
        }
        bail!(
            "it is not beside the manifest: copy it from {}",
            self.manifest.destination_bucket
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else_and_is_no_longer_than_a_key() {
        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("2024-03-10T00-00Z");
        std::fs::create_dir(&folder).unwrap();
        let manifest =
            br#"{"sourceBucket": "a", "destinationBucket": "b", "creationTimestamp": "0",
            "fileFormat": "CSV", "fileSchema": "Bucket, Key", "files": []}"#;
        let files = Files::Folder(folder.clone());
        let inventory = Inventory::new(&manifest[..], files).unwrap();
        std::fs::create_dir(above.path().join("data")).unwrap();
        for file in ["2024-03-10T00-00Z/x", "data/y", "z"] {
            std::fs::write(above.path().join(file), b"").unwrap();
        }
        let beside = |key: &str| inventory.beside(&folder, key);
        assert_eq!(beside("all/x").unwrap(), folder.join("x"));
        let in_data = beside("prefix/bucket/config/data/y").unwrap();
        assert_eq!(in_data, above.path().join("data/y"));
        for key in ["../x", "/x", "all//x", "./x", "gone", "z", "all/z", "..$/z"] {
            assert!(beside(key).is_err(), "{key}");
        }
        assert!(beside(&format!("{}x", "a/".repeat(MAX_KEY_LEN))).is_err());
    }

    #[test]
    fn it_ends_where_the_run_does() {
        use std::cell::Cell;
        use std::io::Write as _;
        let folder = tempfile::tempdir().unwrap();
        let mut lines = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        for number in 0..20_000 {
            writeln!(lines, "\"a\",\"key-{number}\"").unwrap();
        }
        let lines = lines.finish().unwrap();
        std::fs::write(folder.path().join("x.csv.gz"), &lines).unwrap();
        let sum = hex::encode(Md5::digest(&lines));
        let manifest = format!(
            r#"{{"sourceBucket": "a", "destinationBucket": "b", "creationTimestamp": "0",
            "fileFormat": "CSV", "fileSchema": "Bucket, Key",
            "files": [{{"key": "x.csv.gz", "size": {}, "MD5checksum": "{sum}"}}]}}"#,
            lines.len()
        );
        let files = Files::Folder(folder.path().to_owned());
        let inventory = Inventory::new(manifest.as_bytes(), files).unwrap();
        let shown = |stopped_after: u64| {
            let shown = Cell::new(0);
            let is_stopped = || shown.get() >= stopped_after;
            let told = inventory.each(&is_stopped, &mut |_| shown.set(shown.get() + 1));
            (told.is_ok(), shown.get())
        };
        assert_eq!(shown(u64::MAX), (true, 20_000));
        let (is_whole, seen) = shown(1);
        assert!(!is_whole && (1..10_000).contains(&seen), "{seen}");
        assert_eq!(shown(0), (false, 0));
    }
}
