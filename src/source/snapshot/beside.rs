//! What lies in the folder of a snapshot beside what belongs to it.
//!
//! Who may write to a bucket may put a true snapshot into it, and change the archive beside: a copy of that
//! bucket would be taken for the snapshot, and the archive not be looked at. So a folder that holds any
//! object beside a snapshot is a folder like any other.

use std::path::{Path, PathBuf};

use cap_std::fs::Dir;

use super::error::{SnapshotError, at};
use super::layout::{is_of_an_object, is_own};

/// The folder that a bucket's digests and logs lie in.
const LOGS: &str = "AWSLogs";

/// Whether any object, or a folder for objects, lies in the folder but not in the snapshot.
pub(super) fn is_any_beside(dir: &Dir) -> Result<bool, SnapshotError> {
    let mut waiting = vec![PathBuf::from(".")];
    while let Some(folder) = waiting.pop() {
        let name = folder.to_string_lossy().into_owned();
        for entry in dir.read_dir(&folder).map_err(at(&name))? {
            let entry = entry.map_err(at(&name))?;
            let file = entry.file_name();
            let is_top = folder == Path::new(".");
            let text = file.to_str();
            if is_top && text.is_some_and(is_own) {
                continue;
            }
            if text.is_some_and(|text| text == LOGS || is_of_an_object(text)) {
                return Ok(true);
            }
            if entry.file_type().map_err(at(&name))?.is_dir() {
                waiting.push(folder.join(file));
            }
        }
    }
    Ok(false)
}
