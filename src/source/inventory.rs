//! S3 Inventory: a list of all objects of a bucket, which S3 writes once a day or a week.
//!
//! A manifest names the files of the list and what their columns are. Here the files are CSV,
//! compressed with gzip, as S3 writes them.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use flate2::bufread::MultiGzDecoder;
use jiff::Timestamp;
use serde::Deserialize;

use super::s3::{Connection, S3Store, decode_key};
use crate::verify::location::MAX_KEY_LEN;

/// A manifest is never larger.
const MAX_MANIFEST: u64 = 256 * 1024 * 1024;
/// A line holds one key, in a form that may take three bytes for one, and some numbers.
const MAX_LINE: u64 = 8 * MAX_KEY_LEN as u64;

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
    columns: Columns,
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

/// Which column holds what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Columns {
    bucket: usize,
    key: usize,
    size: Option<usize>,
    class: Option<usize>,
    is_latest: Option<usize>,
    is_marker: Option<usize>,
}

/// An object as an inventory tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InventoryEntry {
    /// Its key.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// Whether it lies in a class that has to be restored from.
    pub archived: bool,
}

impl Columns {
    fn parse(schema: &str) -> Result<Self> {
        let names: Vec<&str> = schema.split(',').map(str::trim).collect();
        let find = |name: &str| names.iter().position(|its| *its == name);
        let need = |name: &str| find(name).with_context(|| format!("it has no column {name}"));
        Ok(Self {
            bucket: need("Bucket")?,
            key: need("Key")?,
            size: find("Size"),
            class: find("StorageClass"),
            is_latest: find("IsLatest"),
            is_marker: find("IsDeleteMarker"),
        })
    }

    /// The object of a line; nothing where it is not there now.
    fn entry(&self, fields: &[String], bucket: &str) -> Result<Option<InventoryEntry>> {
        let field = |at: usize| fields.get(at).map(String::as_str);
        let named = field(self.bucket).zip(field(self.key));
        let (its, key) = named.context("a line has too few columns")?;
        let is = |at: Option<usize>, text: &str| at.and_then(field) == Some(text);
        if its != bucket || is(self.is_latest, "false") || is(self.is_marker, "true") {
            return Ok(None);
        }
        let size = self.size.and_then(field).unwrap_or_default();
        Ok(Some(InventoryEntry {
            key: decode_key(key),
            // A folder marker or a delete marker may have none.
            size: size.parse().unwrap_or(0),
            archived: ["GLACIER", "DEEP_ARCHIVE"]
                .iter()
                .any(|class| is(self.class, class)),
        }))
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
        let mut text = Vec::new();
        store.get(key, &mut text)??;
        Self::new(&text[..], Files::Bucket(Box::new(store)))
    }

    fn new(text: impl Read, files: Files) -> Result<Self> {
        let mut content = Vec::new();
        text.take(MAX_MANIFEST + 1).read_to_end(&mut content)?;
        let manifest: Manifest = serde_json::from_slice(&content)
            .context("it is no manifest of an S3 Inventory (manifest.json)")?;
        if manifest.file_format != "CSV" {
            bail!(
                "it is of format {}, and CSV is read: configure the inventory so, or plan without one",
                manifest.file_format
            );
        }
        let milliseconds: i64 = manifest
            .creation_timestamp
            .parse()
            .context("its creationTimestamp is no number")?;
        Ok(Self {
            columns: Columns::parse(&manifest.file_schema)?,
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
    /// Where a file of it cannot be read.
    pub fn each(&self, visit: &mut dyn FnMut(&InventoryEntry)) -> Result<()> {
        for file in &self.manifest.files {
            let key = &file.key;
            self.each_of(key, visit)
                .with_context(|| format!("its file {key}"))?;
        }
        Ok(())
    }

    fn each_of(&self, key: &str, visit: &mut dyn FnMut(&InventoryEntry)) -> Result<()> {
        let packed: Box<dyn Read> = match &self.files {
            Files::Folder(folder) => Box::new(File::open(self.beside(folder, key)?)?),
            Files::Bucket(store) => {
                let mut aside = tempfile::tempfile()?;
                store.get(key, &mut aside)??;
                io::Seek::rewind(&mut aside)?;
                Box::new(aside)
            }
        };
        let mut lines = BufReader::new(MultiGzDecoder::new(BufReader::new(packed)));
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = lines.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)?;
            if read == 0 {
                return Ok(());
            }
            if line.last() != Some(&b'\n') && read as u64 == MAX_LINE {
                bail!("it has a line that is too long");
            }
            let text = std::str::from_utf8(&line).context("it is no text")?;
            let fields = fields(text.trim_end_matches(['\r', '\n']));
            if let Some(entry) = self.columns.entry(&fields, self.bucket())? {
                visit(&entry);
            }
        }
    }

    /// A file of a copy: S3 writes the manifest and the files into folders of their own.
    fn beside(&self, folder: &Path, key: &str) -> Result<PathBuf> {
        let parts: Vec<&str> = key.split('/').collect();
        if parts
            .iter()
            .any(|part| part.is_empty() || *part == "." || *part == "..")
        {
            bail!("its name leads elsewhere");
        }
        // From its bucket's folder on, or as much of that as was copied.
        for above in folder.ancestors().take(8) {
            for from in 0..parts.len() {
                let path = parts.get(from..).unwrap_or_default().iter();
                let path = path.fold(above.to_owned(), |path, part| path.join(part));
                if path.is_file() {
                    return Ok(path);
                }
            }
        }
        bail!(
            "it is not beside the manifest: copy it from {}",
            self.manifest.destination_bucket
        )
    }
}

/// The fields of a line of CSV.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        let Some(field) = fields.last_mut() else {
            break;
        };
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => field.push(other),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read() {
        assert_eq!(
            fields(r#""a","b,c","d""e",7,"#),
            ["a", "b,c", "d\"e", "7", ""]
        );
        let columns =
            Columns::parse("Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, StorageClass");
        let columns = columns.unwrap();
        let read = |line: &str| columns.entry(&fields(line), "logs").unwrap();
        let entry = read(r#""logs","a+b%2Fc","v","true","false","42","GLACIER""#).unwrap();
        assert_eq!(
            (entry.key.as_str(), entry.size, entry.archived),
            ("a b/c", 42, true)
        );
        assert_eq!(
            read(r#""logs","a","v","false","false","42","STANDARD""#),
            None
        );
        assert_eq!(read(r#""logs","a","v","true","true","",""#), None);
        assert_eq!(
            read(r#""others","a","v","true","false","1","STANDARD""#),
            None
        );
        assert!(columns.entry(&fields("logs"), "logs").is_err());
        assert!(Columns::parse("Bucket, Size").is_err());
    }
}
