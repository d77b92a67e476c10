//! What snapshots of logs and of query results have in common.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use jiff::Timestamp;

use super::{logs, query};
use crate::cli::SnapshotArgs;
use crate::engine::{Stop, in_parallel};
use crate::plan::{Named, Place, keep_apart, report_files};
use crate::report::amounts::{bytes, counted};
use crate::report::escape::visible;
use crate::report::{Format, RunInfo};
use crate::source::snapshot::{
    Brakes, Contents, Finished, Head, RecordedRun, Recording, RunFilters, Store,
};
use crate::source::{FolderSource, KeyRing};
use crate::verify::conclusion::{ExitStatus, Verdict};
use crate::verify::time::Bounds;

/// Takes a snapshot.
///
/// # Errors
/// Where it could not be set up or written.
pub(in super::super) fn snapshot(args: &SnapshotArgs, stop: &Stop) -> Result<ExitStatus> {
    if args.query_results {
        query::snapshot(args, stop)
    } else {
        logs::snapshot(args, stop)
    }
}

/// A snapshot of a folder into itself would copy itself, and one in an archive would be part of that.
pub(super) fn apart(place: &Place, dir: &Path) -> Result<()> {
    let cannot_look = || format!("cannot look at {}", dir.display());
    if FolderSource::is_part_of_an_archive(dir).with_context(cannot_look)? {
        bail!(
            "{} lies in an AWSLogs folder, where whatever lies is part of an archive and no snapshot: name a folder elsewhere",
            dir.display()
        );
    }
    let folder = match place {
        Place::Folder(folder) => folder,
        Place::Snapshot(_) => bail!(
            "the source is a snapshot already: copy its folder as it is, and the manifest vouches for the copy too"
        ),
        Place::S3(_) => return Ok(()),
    };
    let mut above = std::path::absolute(dir)?;
    while !above.exists() {
        if !above.pop() {
            return Ok(());
        }
    }
    let above = above.canonicalize()?;
    if above.starts_with(folder.path()) {
        bail!(
            "{} lies in the source: name a folder outside of it",
            dir.display()
        );
    }
    Ok(())
}

/// A report may lie beside what belongs to the snapshot, and not in its place.
pub(super) fn beside(dir: &Path, reports: &[(Format, PathBuf)]) -> Result<()> {
    let reports: Vec<Named<'_>> = report_files(reports).collect();
    keep_apart(&reports, &[], &[dir])
}

/// What is to be kept, and of which range.
pub(super) struct Kept {
    /// What it is a copy of.
    pub(super) source: String,
    pub(super) contents: Contents,
    pub(super) filters: RunFilters,
    pub(super) keeps_versions: bool,
    /// When the run began, by the clock that its range counts from.
    pub(super) now: Timestamp,
    pub(super) bounds: Bounds,
}

/// Opens the folder that the snapshot goes to.
pub(super) fn open(
    args: &SnapshotArgs,
    kept: Kept,
    info: &RunInfo,
    stop: &Stop,
) -> Result<Arc<Store>> {
    let head = Head::new(
        format!("ct-verify {}", info.version),
        kept.source,
        kept.contents,
        kept.filters,
        kept.keeps_versions,
        RecordedRun {
            started: kept.now,
            finished: None,
            arguments: info.arguments.clone(),
            host: info.host.clone(),
            user: info.user.clone(),
            start: kept.bounds.start(),
            end: kept.bounds.end(),
            looked_from: None,
            verdict: None,
        },
    );
    let (halt, is_halted) = (stop.clone(), stop.clone());
    let brakes = Brakes {
        halt: Box::new(move || halt.stop()),
        is_halted: Box::new(move || is_halted.is_stopped()),
    };
    let store = Store::open(&args.dir, &head, brakes);
    let store =
        store.with_context(|| format!("cannot write a snapshot to {}", args.dir.display()))?;
    Ok(Arc::new(store))
}

/// Copies what the run did not read: what nothing names is evidence too.
pub(super) fn copy_the_rest(recording: &Recording<'_>, threads: usize, stop: &Stop) {
    let left = recording.left_unread();
    in_parallel(threads, &left, |object| {
        if !stop.is_stopped() {
            recording.copy(object);
        }
    });
}

/// Says why nothing more could be written, if that came to pass.
pub(super) fn written(args: &SnapshotArgs, store: &Store) -> Result<()> {
    let Some(failure) = store.take_failure() else {
        return Ok(());
    };
    Err(failure).with_context(|| {
        format!(
            "cannot write the snapshot {}; once there is room, the same command goes on where it ended",
            args.dir.display()
        )
    })
}

/// Ends the snapshot.
pub(super) fn finish(
    args: &SnapshotArgs,
    recording: &Recording<'_>,
    keys: &dyn KeyRing,
    verdict: Verdict,
    now: Timestamp,
) -> Result<Finished> {
    let ended = recording.finish(&keys.holdings(), verdict.name(), now);
    ended.with_context(|| format!("cannot finish the snapshot {}", args.dir.display()))
}

/// Says what is there now, where a person reads it.
pub(super) fn tell(args: &SnapshotArgs, finished: Option<&Finished>) -> Result<()> {
    let output = &args.logs.output.show;
    if output.quiet {
        return Ok(());
    }
    let dir = visible(&args.dir.to_string_lossy()).into_owned();
    let command = if args.query_results {
        "query-results"
    } else {
        "logs"
    };
    let option = if args.logs.digests_only {
        " --digests-only"
    } else {
        ""
    };
    let told = match finished {
        None => format!(
            "The snapshot in {dir} is not finished: run the same command again, and it goes on where it ended.\n"
        ),
        Some(finished) => {
            let unread = match finished.unread {
                0 => String::new(),
                unread => format!(
                    ", and the reasons why {} could not be read",
                    counted(unread, "object", "objects")
                ),
            };
            format!(
                "Snapshot\n  {} ({}) in {dir}{unread}\n  MANIFEST.sha256 names {} and has SHA-256\n  {}\n  Write that down, or sign snapshot.json, which holds it. Verify with:\n  ct-verify {command} {dir}{option}\n",
                counted(finished.objects, "object", "objects"),
                bytes(finished.bytes),
                counted(finished.files, "file", "files"),
                finished.manifest,
            )
        }
    };
    let to_stdout = output.format == Format::Text && finished.is_some();
    if to_stdout {
        write!(io::stdout(), "\n{told}")
    } else {
        write!(io::stderr(), "{told}")
    }
    .context("cannot tell what the snapshot came to")
}
