//! Public keys from files.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::report::{KeyOrigin, KeySource};
use crate::source::FolderSource;
use crate::verify::keys::{KeySet, PublicKey, parse_keys};

/// A file of keys is never larger: a region has a new key every few weeks.
const MAX_KEY_FILE_LEN: u64 = 16 * 1024 * 1024;
/// Where a folder keeps the keys that came with the evidence.
pub const KEYS_FOLDER: &str = "public-keys";

/// Keys from the files that the user names; nothing where none is named.
pub(super) fn from_files(files: &[PathBuf]) -> Result<Option<(KeySet, Vec<KeySource>)>> {
    let mut keys = Vec::new();
    let mut sources = Vec::new();
    for file in files {
        let content = read_bounded(file)
            .with_context(|| format!("cannot read the public keys in {}", file.display()))?;
        let name = file.display().to_string();
        take_keys(&mut keys, &mut sources, KeyOrigin::File, name, &content)?;
    }
    Ok(KeySet::new(keys).map(|keys| (keys, sources)))
}

/// Keys that lie in the folder itself.
pub(super) fn from_folder(source: &FolderSource) -> Result<(KeySet, Vec<KeySource>)> {
    let mut keys = Vec::new();
    let mut sources = Vec::new();
    let found = source
        .small_files(KEYS_FOLDER, ".json", MAX_KEY_FILE_LEN)
        .with_context(|| format!("cannot read the folder's own {KEYS_FOLDER}"))?;
    for (name, content) in found {
        take_keys(&mut keys, &mut sources, KeyOrigin::Evidence, name, &content)?;
    }
    let keys = KeySet::new(keys).context(
        "no public keys: the folder holds none, so name a file with --public-keys (the output of `aws cloudtrail list-public-keys`)",
    )?;
    Ok((keys, sources))
}

/// Keys from one file's content.
pub(super) fn take_keys(
    keys: &mut Vec<PublicKey>,
    sources: &mut Vec<KeySource>,
    origin: KeyOrigin,
    name: String,
    content: &[u8],
) -> Result<()> {
    let parsed =
        parse_keys(content).with_context(|| format!("cannot use the public keys in {name}"))?;
    sources.push(KeySource {
        origin,
        name,
        fingerprints: parsed
            .iter()
            .map(|key| key.fingerprint().to_string())
            .collect(),
    });
    keys.extend(parsed);
    Ok(())
}

fn read_bounded(path: &Path) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?
        .take(MAX_KEY_FILE_LEN + 1)
        .read_to_end(&mut content)?;
    if content.len() as u64 > MAX_KEY_FILE_LEN {
        bail!("it is larger than {MAX_KEY_FILE_LEN} bytes");
    }
    Ok(content)
}
