//! Why a snapshot cannot be taken, or not be used.

use std::io;

use super::head::VERSION;
use super::layout::{HEAD, MANIFEST, OBJECTS};

/// Why a snapshot cannot be taken, or not be used.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// A file of it could not be read or written. What went wrong is part of the words, and no source of
    /// theirs: it would be said twice.
    #[error("{0}: {1}")]
    File(String, io::Error),
    /// The folder holds something else.
    #[error(
        "the folder is not empty, and holds no snapshot; name one that is empty or not there yet"
    )]
    NotASnapshot,
    /// The folder holds a snapshot of something else.
    #[error("the folder holds another snapshot: {0}")]
    Another(String),
    /// Another process writes to it.
    #[error("another process is taking a snapshot into this folder")]
    InUse,
    /// Its head cannot be used.
    #[error("{HEAD} is damaged: {0}")]
    Damaged(String),
    /// The run that copied into it has not ended.
    #[error(
        "the snapshot is not finished: run the same `ct-verify snapshot` again, and it goes on where it ended"
    )]
    Unfinished,
    /// It has files of a snapshot, and no head.
    #[error(
        "{HEAD}, which says what it is, is not there; to verify what lies in it as a plain copy of a bucket, name its folder {OBJECTS}, and keys with --public-keys"
    )]
    Headless,
    /// An archive lies in its folder, which nobody would look at.
    #[error(
        "{0:?} lies beside the snapshot and is no part of it: name the folder of what is to be verified alone (AWSLogs, or the snapshot in a folder of its own)"
    )]
    Beside(String),
    /// A folder in its folder cannot be looked into, and may hold an archive.
    #[error(
        "{0:?} lies beside the snapshot and cannot be looked into ({1}): put the snapshot into a folder of its own"
    )]
    Unseen(String, io::Error),
    /// What it says of itself does not fit together.
    #[error("{0} is not what {MANIFEST} and {HEAD} say: nothing is added to it")]
    Altered(String),
    /// It is of a later form.
    #[error("the snapshot has version {0}, and this program knows {VERSION}: use a newer one")]
    TooNew(u32),
}

/// Adds the name of a file to what went wrong with it.
pub(super) fn at(file: &str) -> impl FnOnce(io::Error) -> SnapshotError {
    let file = file.to_owned();
    move |error| SnapshotError::File(file, error)
}
