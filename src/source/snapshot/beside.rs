//! What lies in the folder of a snapshot beside what belongs to it.
//!
//! Who may write to a bucket may lay a true snapshot into it, and change the archive beside: a copy of that
//! bucket would be taken for the snapshot, and nobody look at the archive. So a snapshot that has an archive
//! beside it is not verified, and what is no snapshot keeps nobody from verifying the archive.

use std::path::{Path, PathBuf};

use cap_std::fs::Dir;

use super::error::{SnapshotError, at};
use super::head::Head;
use super::layout::{WORK, is_own};
use crate::verify::query::is_of_an_export;

/// The folder that a bucket's digests and logs lie in.
const LOGS: &str = "AWSLogs";

/// An object that lies in the folder of a snapshot, and not in the snapshot: one of those that a run over
/// such a snapshot would verify, or of any kind where there is no head to tell.
pub(super) fn object_beside(
    dir: &Dir,
    head: Option<&Head>,
) -> Result<Option<String>, SnapshotError> {
    let are_logs = head.is_none_or(|head| head.contents.is_logs());
    let are_exports = head.is_none_or(|head| !head.contents.is_logs());
    let mut waiting = vec![(PathBuf::from("."), false)];
    while let Some((folder, is_in_logs)) = waiting.pop() {
        let named = folder.to_string_lossy().into_owned();
        let entries = match dir.read_dir(&folder) {
            Ok(entries) => entries,
            // Such as a disk's own folders: nobody copied anything there.
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => continue,
            Err(error) => return Err(at(&named)(error)),
        };
        for entry in entries {
            let entry = entry.map_err(at(&named))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // What a run keeps while it copies holds no objects under their keys.
            if folder == Path::new(".") && name != WORK && is_own(&name) {
                continue;
            }
            let path = folder.join(entry.file_name());
            let kind = entry.file_type().map_err(at(&named))?;
            if kind.is_dir() {
                waiting.push((path, is_in_logs || name == LOGS));
                continue;
            }
            // Those that begin so are what a Mac writes beside files.
            let is_log = is_in_logs && !name.starts_with("._") || name == LOGS;
            let is_export = is_of_an_export(&name) && !name.starts_with("._");
            if are_logs && is_log || are_exports && is_export {
                let path = path.strip_prefix(".").unwrap_or(&path);
                return Ok(Some(path.to_string_lossy().into_owned()));
            }
        }
    }
    Ok(None)
}
