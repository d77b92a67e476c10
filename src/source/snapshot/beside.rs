//! What lies in the folder of a snapshot beside what belongs to it.
//!
//! Who may write to a bucket may lay a true snapshot into it, and change the archive beside: a copy of that
//! bucket would be taken for the snapshot, and nobody look at the archive. So a snapshot that has an archive
//! beside it is not verified, and what is no snapshot keeps nobody from verifying the archive.

use std::io;
use std::path::{Path, PathBuf};

use cap_std::fs::Dir;

use super::error::{SnapshotError, at};
use super::head::Head;
use super::layout::{WORK, is_own};
use crate::verify::query::is_of_an_export;

/// The folder that a bucket's digests and logs lie in.
const LOGS: &str = "AWSLogs";

/// Folders that systems keep on a disk for themselves, where nobody else may look: nobody copied anything there.
const OF_A_SYSTEM: [&str; 7] = [
    "$RECYCLE.BIN",
    ".DocumentRevisions-V100",
    ".Spotlight-V100",
    ".Trashes",
    ".fseventsd",
    "System Volume Information",
    "lost+found",
];

/// What lies in the folder of a snapshot, and not in the snapshot.
pub(super) enum Beside {
    /// An object that a run over such a snapshot would verify, or one of any kind where there is no head
    /// to tell.
    Object(String),
    /// A folder that cannot be looked into: nobody knows what lies there.
    Unseen(String, io::Error),
}

/// What lies beside a snapshot, if anything does.
pub(super) fn beside(dir: &Dir, head: Option<&Head>) -> Result<Option<Beside>, SnapshotError> {
    let are_logs = head.is_none_or(|head| head.contents.is_logs());
    let are_exports = head.is_none_or(|head| !head.contents.is_logs());
    let mut waiting = vec![(PathBuf::from("."), false)];
    while let Some((folder, is_in_logs)) = waiting.pop() {
        let entries = match dir.read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if is_of_a_system(&folder, &error) => continue,
            Err(error) => return Ok(Some(Beside::Unseen(shown(&folder), error))),
        };
        for entry in entries {
            let cannot_read = |error| at(&shown(&folder))(error);
            let entry = entry.map_err(cannot_read)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // What a run keeps while it copies holds no objects under their keys.
            if folder == Path::new(".") && name != WORK && is_own(&name) {
                continue;
            }
            let path = folder.join(entry.file_name());
            let kind = entry.file_type().map_err(cannot_read)?;
            if kind.is_dir() {
                waiting.push((path, is_in_logs || name == LOGS));
                continue;
            }
            let is_log = name == LOGS || is_in_logs && (kind.is_symlink() || is_a_log(&name));
            let is_export = is_of_an_export(&name) && !is_of_a_mac(&name);
            if are_logs && is_log || are_exports && is_export {
                return Ok(Some(Beside::Object(shown(&path))));
            }
        }
    }
    Ok(None)
}

fn is_of_a_system(folder: &Path, error: &io::Error) -> bool {
    let name = folder.strip_prefix(".").unwrap_or(folder);
    error.kind() == io::ErrorKind::PermissionDenied
        && OF_A_SYSTEM.iter().any(|its| name == Path::new(its))
}

/// Whether a run takes a file of an archive for a digest or a log.
fn is_a_log(name: &str) -> bool {
    name.ends_with(".json.gz") && !is_of_a_mac(name)
}

/// What a Mac writes beside files begins so.
fn is_of_a_mac(name: &str) -> bool {
    name.starts_with("._")
}

fn shown(path: &Path) -> String {
    let path = path.strip_prefix(".").unwrap_or(path);
    path.to_string_lossy().into_owned()
}
