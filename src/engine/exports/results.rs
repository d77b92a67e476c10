//! Judging the result files that a proven sign file names: hashed as they are stored.

use super::discovery::Export;
use super::run::Run;
use crate::engine::digests::{
    GONE, NOT_AGAIN, NOT_ALIKE, NOT_RESTORED, READ_TWICE, READINGS, ask_again, why_not_missing,
};
use crate::source::{Body, SourceError};
use crate::verify::finding::{Code, Finding, Subject};
use crate::verify::hashing::Sha256Hash;
use crate::verify::location::join_key;
use crate::verify::query::{FileVerdict, ResultEntry};

/// What came of a result file.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) subject: Subject,
    pub(super) verdict: FileVerdict,
    pub(super) finding: Option<Finding>,
    /// Bytes read and hashed.
    pub(super) bytes: u64,
}

/// Reads and judges a result file. Nothing where the run was stopped before.
pub(super) fn judge(run: &Run<'_>, export: &Export, entry: &ResultEntry) -> Option<Judged> {
    let folder = run.naming.folder(&export.path);
    let name = entry.name().as_str();
    let subject = run.naming.object(&folder, name);
    let outcome = surely(run, export, entry);
    if outcome.is_err() && run.stop.is_stopped() {
        return None;
    }
    let found = |verdict, code, actual: &dyn ToString| {
        let finding = Finding::new(code, subject.clone()).compared(entry.hash(), actual);
        (verdict, Some(finding))
    };
    let mut bytes = 0;
    let (verdict, finding) = match outcome {
        Ok((hash, length)) => {
            bytes = length;
            if hash == *entry.hash() {
                (FileVerdict::Valid, None)
            } else {
                found(FileVerdict::Invalid, Code::ResultModified, &hash)
            }
        }
        Err(SourceError::NotFound) => found(FileVerdict::Missing, Code::ResultMissing, &"absent"),
        Err(
            error @ (SourceError::Denied(_)
            | SourceError::Archived(_)
            | SourceError::Unavailable(_)
            | SourceError::Failed(_)),
        ) => {
            let finding = Finding::new(Code::ResultUnreadable, subject.clone());
            (
                FileVerdict::Unverified,
                Some(finding.detail(error.to_string())),
            )
        }
    };
    Some(Judged {
        subject,
        verdict,
        finding,
        bytes,
    })
}

/// Hashes a result file. What accuses somebody is read again, and what a listing shows and is not
/// there is asked for again.
fn surely(
    run: &Run<'_>,
    export: &Export,
    entry: &ResultEntry,
) -> Result<(Sha256Hash, u64), SourceError> {
    let name = entry.name().as_str();
    if export.results.get(name) == Some(&true) {
        return Err(SourceError::Archived(NOT_RESTORED.into()));
    }
    let path = join_key(&export.path, name);
    let fetch = || hash(run, run.source.log(run.root, &path));
    let is_listed = export.results.contains_key(name);
    let is_overlooked = |read: &_| is_listed && *read == Err(SourceError::NotFound);
    let asked = (run.source, run.stop);
    let first = ask_again(asked, fetch(), is_overlooked, fetch);
    if is_overlooked(&first)
        && let Some(why) = why_not_missing(asked, run.root, &path)
    {
        return Err(SourceError::Failed(why));
    }
    let first = first?;
    if first.0 == *entry.hash() {
        return Ok(first);
    }
    for _ in 1..READINGS {
        if run.stop.is_stopped() {
            break;
        }
        let why: Box<str> = match hash(run, run.source.log_again(run.root, &path)) {
            Ok(again) if again == first => continue,
            Ok((again, _)) if again == *entry.hash() => READ_TWICE.into(),
            Ok(_) => NOT_ALIKE.into(),
            Err(SourceError::NotFound) => GONE.into(),
            Err(
                error @ (SourceError::Denied(_)
                | SourceError::Archived(_)
                | SourceError::Unavailable(_)
                | SourceError::Failed(_)),
            ) => format!("{NOT_AGAIN}: {error}").into(),
        };
        run.source.doubt(run.root, &path, &why);
        return Err(SourceError::Failed(why));
    }
    Ok(first)
}

fn hash(run: &Run<'_>, body: Result<Body, SourceError>) -> Result<(Sha256Hash, u64), SourceError> {
    let body = run.stop.guard(body?.reader);
    let hashed = run.readers.with(|reader| reader.hash_stored(body));
    hashed.map_err(|error| {
        SourceError::Failed(format!("could not be read: {error}").into_boxed_str())
    })
}
