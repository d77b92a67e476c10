//! Reading what a snapshot says of itself.

use std::io::{BufRead as _, BufReader, Read as _};

use cap_std::fs::Dir;

use super::super::folder::{is_absent, open_file, read_small};
use super::error::{SnapshotError, at};
use super::head::{Head, VERSION};
use super::index::Line;
use super::layout::HEAD;

/// A head is never larger: it names runs, roots and regions, not objects.
const MAX_HEAD_LEN: u64 = 64 * 1024 * 1024;
/// A line is never longer: a key has at most 1,024 bytes and metadata 2,048, but a folder may
/// have a hundred thousand folders.
const MAX_LINE_LEN: u64 = 256 * 1024 * 1024;

/// The head of the snapshot in a folder, if there is one.
pub(super) fn read_head(dir: &Dir) -> Result<Option<Head>, SnapshotError> {
    #[derive(serde::Deserialize)]
    struct Versioned {
        snapshot_version: u32,
    }
    let file = match open_file(dir, HEAD) {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return Ok(None),
        Err(error) => return Err(at(HEAD)(error)),
    };
    let text = read_small(file, MAX_HEAD_LEN).map_err(at(HEAD))?;
    let damaged = |error: serde_json::Error| SnapshotError::Damaged(error.to_string());
    let Versioned { snapshot_version } = serde_json::from_slice(&text).map_err(damaged)?;
    if snapshot_version > VERSION {
        return Err(SnapshotError::TooNew(snapshot_version));
    }
    serde_json::from_slice(&text).map_err(damaged).map(Some)
}

/// Shows every whole line of an index, and tells whether there are lines that are none: one that
/// was cut off by a crash tells nothing.
pub(super) fn each_line(
    dir: &Dir,
    name: &str,
    visit: &mut dyn FnMut(Line),
) -> Result<bool, SnapshotError> {
    let file = match open_file(dir, name) {
        Ok(file) => file,
        Err(error) if is_absent(&error) => return Ok(false),
        Err(error) => return Err(at(name)(error)),
    };
    let mut reader = BufReader::with_capacity(128 * 1024, file);
    let mut line = Vec::new();
    let mut damaged = false;
    loop {
        line.clear();
        let read = reader
            .by_ref()
            .take(MAX_LINE_LEN)
            .read_until(b'\n', &mut line)
            .map_err(at(name))?;
        if read == 0 {
            return Ok(damaged);
        }
        match serde_json::from_slice(&line) {
            Ok(line) => visit(line),
            // What it would have told is made up for by reading the object anew, or the check
            // against the manifest tells it.
            Err(_) => damaged = true,
        }
    }
}
