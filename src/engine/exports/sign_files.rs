//! Reading and verifying sign files.

use std::io::Read as _;
use std::sync::{Mutex, PoisonError};

use super::discovery::Export;
use super::run::Run;
use crate::engine::digests::{
    GONE, NOT_AGAIN, NOT_ALIKE, NOT_RESTORED, READ_TWICE, READINGS, ask_again, why_not_missing,
};
use crate::source::{Body, SourceError};
use crate::verify::digest::Unproven;
use crate::verify::finding::{Code, Finding, Subject};
use crate::verify::location::join_key;
use crate::verify::query::{
    Claims, FileVerdict, MAX_SIGN_FILE_LEN, NotASignFile, SIGN_FILE, UnverifiedSignFile,
    VerifiedSignFile,
};

/// A sign file up to this size is held beside others while it is read; it names some 2,000 files.
/// Larger ones are read one at a time.
const COMMON_LEN: u64 = 256 * 1024;
/// Held while a sign file beyond [`COMMON_LEN`] is read.
static LARGE_SIGN_FILE: Mutex<()> = Mutex::new(());

/// What came of a sign file.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) verdict: FileVerdict,
    pub(super) finding: Option<Finding>,
    pub(super) claims: Option<Claims>,
    /// Only where it is proven.
    pub(super) proven: Option<VerifiedSignFile>,
    /// Bytes read.
    pub(super) read: u64,
}

impl Checked {
    fn not_proven(verdict: FileVerdict, finding: Finding) -> Self {
        Self {
            verdict,
            finding: Some(finding),
            claims: None,
            proven: None,
            read: 0,
        }
    }
}

/// Why a sign file could not be had.
enum Failure {
    Source(SourceError),
    TooLarge,
}

/// Reads the sign file of `export`, and verifies it. What accuses somebody is read again. Nothing
/// where the run was stopped before.
pub(super) fn check(run: &Run<'_>, export: &Export) -> Option<Checked> {
    let folder = run.naming.folder(&export.path);
    let subject = run.naming.object(&folder, SIGN_FILE);
    // One that was not listed is asked for all the same: a listing that failed half-way does not
    // tell that it is missing.
    let content = if export.sign_file == Some(true) {
        Err(Failure::Source(SourceError::Archived(NOT_RESTORED.into())))
    } else {
        let path = join_key(&export.path, SIGN_FILE);
        surely(run, export, &|| run.source.log(run.root, &path))
    };
    let content = match content {
        Ok(content) => content,
        Err(_) if run.stop.is_stopped() => return None,
        Err(Failure::TooLarge) => {
            let told = format!("it holds more than {MAX_SIGN_FILE_LEN} bytes");
            return Some(malformed(subject, told));
        }
        Err(Failure::Source(SourceError::NotFound)) => return Some(missing(export, subject)),
        Err(Failure::Source(
            error @ (SourceError::Denied(_)
            | SourceError::Archived(_)
            | SourceError::Unavailable(_)
            | SourceError::Failed(_)),
        )) => return Some(unreadable(subject, error.to_string())),
    };
    let mut checked = judge(run, &content, subject.clone())?;
    if checked.verdict == FileVerdict::Invalid
        && let Some(why) = why_unsure(run, export, &content, &subject)
    {
        checked = unreadable(subject, why);
    }
    checked.read = content.len() as u64;
    Some(checked)
}

/// Reads a sign file. What a listing shows and is not there is asked for again: one answer does not
/// make it missing.
fn surely(run: &Run<'_>, export: &Export, open: Opening<'_>) -> Result<Vec<u8>, Failure> {
    let is_overlooked = |content: &Result<Vec<u8>, Failure>| {
        let is_absent = matches!(content, Err(Failure::Source(SourceError::NotFound)));
        is_absent && export.sign_file.is_some()
    };
    let asked = (run.source, run.stop);
    let content = ask_again(asked, read(run, open), is_overlooked, || read(run, open));
    if is_overlooked(&content) {
        let path = join_key(&export.path, SIGN_FILE);
        let why = why_not_missing(asked, run.root, &path);
        let told = why.map(|why| Failure::Source(SourceError::Failed(why)));
        return told.map_or(content, Err);
    }
    content
}

/// Why another reading takes back what `first` says; nothing where it does not.
fn why_unsure(run: &Run<'_>, export: &Export, first: &[u8], subject: &Subject) -> Option<String> {
    let path = join_key(&export.path, SIGN_FILE);
    for _ in 1..READINGS {
        if run.stop.is_stopped() {
            return None;
        }
        let why = match read(run, &|| run.source.log_again(run.root, &path)) {
            Ok(again) if again == first => continue,
            Ok(again) => {
                let again = judge(run, &again, subject.clone());
                let is_proven = again.is_some_and(|again| again.verdict == FileVerdict::Valid);
                if is_proven { READ_TWICE } else { NOT_ALIKE }.to_owned()
            }
            Err(Failure::TooLarge) => NOT_ALIKE.to_owned(),
            Err(Failure::Source(SourceError::NotFound)) => GONE.to_owned(),
            Err(Failure::Source(
                error @ (SourceError::Denied(_)
                | SourceError::Archived(_)
                | SourceError::Unavailable(_)
                | SourceError::Failed(_)),
            )) => {
                format!("{NOT_AGAIN}: {error}")
            }
        };
        run.source.doubt(run.root, &path, &why);
        return Some(why);
    }
    None
}

fn judge(run: &Run<'_>, content: &[u8], subject: Subject) -> Option<Checked> {
    Some(match UnverifiedSignFile::parse(content) {
        Ok(file) => prove(run, file, subject)?,
        Err(error @ NotASignFile::UnknownKind(..)) => unreadable(subject, error.to_string()),
        Err(
            error @ (NotASignFile::Json(_)
            | NotASignFile::Field(_)
            | NotASignFile::NameLeadsElsewhere(_)
            | NotASignFile::NameTwice(_)),
        ) => malformed(subject, error.to_string()),
    })
}

/// Asks for a sign file.
type Opening<'a> = &'a dyn Fn() -> Result<Body, SourceError>;

fn read(run: &Run<'_>, open: Opening<'_>) -> Result<Vec<u8>, Failure> {
    read_up_to(run, open, COMMON_LEN).or_else(|failure| match failure {
        Failure::TooLarge => {
            let _alone = LARGE_SIGN_FILE
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            read_up_to(run, open, MAX_SIGN_FILE_LEN as u64)
        }
        Failure::Source(_) => Err(failure),
    })
}

fn read_up_to(run: &Run<'_>, open: Opening<'_>, limit: u64) -> Result<Vec<u8>, Failure> {
    let body = open().map_err(Failure::Source)?;
    let mut content = Vec::new();
    let mut reader = run.stop.guard(body.reader).take(limit + 1);
    let read = reader.read_to_end(&mut content);
    read.map_err(|error| Failure::Source(SourceError::Failed(error.to_string().into())))?;
    if content.len() as u64 > limit {
        return Err(Failure::TooLarge);
    }
    Ok(content)
}

fn prove(run: &Run<'_>, file: UnverifiedSignFile, subject: Subject) -> Option<Checked> {
    let claims = Claims::of(&file);
    let keys = run
        .keys
        .for_query(file.region(), file.completed(), &file.fingerprint());
    let keys = match keys {
        Ok(keys) => keys,
        Err(_) if run.stop.is_stopped() => return None,
        Err(why) => {
            let told = format!("the keys to verify it with could not be had: {why}");
            return Some(Checked {
                claims: Some(claims),
                ..unreadable(subject, told)
            });
        }
    };
    let checked = match file.verify(&keys) {
        Ok(proven) if proven.files().is_empty() => {
            let told =
                "the sign file names no result file: a signature over nothing proves nothing";
            let finding = Finding::new(Code::NoResults, subject).detail(told);
            Checked {
                proven: Some(proven),
                ..Checked::not_proven(FileVerdict::Unverified, finding)
            }
        }
        Ok(proven) => Checked {
            verdict: FileVerdict::Valid,
            finding: None,
            claims: None,
            proven: Some(proven),
            read: 0,
        },
        Err((file, why)) => unproven(&file, why, subject),
    };
    Some(Checked {
        claims: Some(claims),
        ..checked
    })
}

fn unproven(file: &UnverifiedSignFile, why: Unproven, subject: Subject) -> Checked {
    if let Some(version) = file.unknown_version() {
        let told = format!(
            "it claims to be of version {version:?}, which this ct-verify does not know, and its signature is not one over what version 1.0 signs: it cannot be checked"
        );
        return unreadable(subject, told);
    }
    let finding = match why {
        Unproven::KeyUnknown => Finding::new(Code::ResultKeyUnknown, subject).detail(format!(
            "no key at hand has the fingerprint {}, and the signature is not one of any other",
            file.fingerprint()
        )),
        Unproven::SignatureWrong => Finding::new(Code::SignFileModified, subject).detail(format!(
            "its signature does not fit the {} hashes that it names",
            file.claimed_files()
        )),
    };
    Checked::not_proven(FileVerdict::Invalid, finding)
}

fn missing(export: &Export, subject: Subject) -> Checked {
    let told = format!(
        "{} result files lie here, and no {SIGN_FILE} beside them",
        export.results.len()
    );
    let finding = Finding::new(Code::SignFileMissing, subject).detail(told);
    Checked::not_proven(FileVerdict::Missing, finding)
}

fn malformed(subject: Subject, told: String) -> Checked {
    let finding = Finding::new(Code::SignFileMalformed, subject).detail(told);
    Checked::not_proven(FileVerdict::Invalid, finding)
}

fn unreadable(subject: Subject, told: String) -> Checked {
    let finding = Finding::new(Code::ResultUnreadable, subject).detail(told);
    Checked::not_proven(FileVerdict::Unverified, finding)
}
