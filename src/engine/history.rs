//! What became of objects that are missing or changed, where the source keeps earlier versions.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::run::Shared;
use super::threads::in_parallel;
use crate::source::{ObjectVersion, ReadFailure, SourceError};
use crate::verify::chain::PROVEN_BY;
use crate::verify::digest::{MAX_LOG_LEN, UnverifiedDigest};
use crate::verify::explanation::{INTACT_VERSION, NO_INTACT_VERSION};
use crate::verify::finding::{Code, Finding, Subject};
use crate::verify::hashing::{ContentError, Sha256Hash};
use crate::verify::location::{DigestKey, ObjectLocation, RootId};
use crate::verify::signature::Signature;
use crate::verify::text::numbered;

/// How many objects are looked up; where thousands are gone, they went the same way.
const MOST_OBJECTS: usize = 500;
/// How many versions of one object are read in search of the intact one.
const MOST_VERSIONS: usize = 10;

/// Adds to each finding about an object that is missing or changed what its versions tell.
pub(super) fn tell_histories(shared: &Shared<'_>, findings: &mut [Finding]) {
    if !shared.source.keeps_versions() {
        return;
    }
    let mut wanted: Vec<(usize, Object)> = Vec::new();
    for (number, finding) in findings.iter().enumerate() {
        if let Some(object) = object_of(shared, finding) {
            wanted.push((number, object));
        }
    }
    // Which are looked up must not hang on which was found first.
    wanted.sort_by(|(_, a), (_, b)| (a.root, &a.path).cmp(&(b.root, &b.path)));
    wanted.truncate(MOST_OBJECTS);
    let told = in_parallel(shared.job.limits.threads, &wanted, |(_, object)| {
        history(shared, object)
    });
    if shared.stop.is_stopped() {
        return;
    }
    for ((number, object), told) in wanted.iter().zip(told) {
        shared.source.remember(object.root, &object.path, &told);
        if let Some(finding) = findings.get_mut(*number) {
            finding.detail = Some(finding.message_and(&told).into());
        }
    }
}

/// An object that is missing or changed.
struct Object {
    root: RootId,
    path: String,
    /// What it should hold; without it, a digest must be proven by its own signature.
    hash: Option<Sha256Hash>,
}

fn object_of(shared: &Shared<'_>, finding: &Finding) -> Option<Object> {
    match finding.code {
        Code::DigestMissing
        | Code::DigestModified
        | Code::DigestMalformed
        | Code::LogMissing
        | Code::LogModified
        | Code::LogMalformed => {}
        Code::DigestMoved
        | Code::DigestKeyUnknown
        | Code::DigestLinkBroken
        | Code::DigestOutOfChain
        | Code::DigestUnsigned
        | Code::DigestUnreadable
        | Code::LogUnreferenced
        | Code::LogUncovered
        | Code::LogUnreadable
        | Code::SnapshotAltered
        | Code::CoverageEndsEarly
        | Code::NoDigests
        | Code::CoverageGap
        | Code::CoverageStartsLate
        | Code::RegionSilent
        | Code::KindUndigested
        | Code::LogPending
        | Code::StoredUncompressed
        | Code::SignatureFromSuccessor
        | Code::SignFileMissing
        | Code::SignFileModified
        | Code::SignFileMalformed
        | Code::ResultKeyUnknown
        | Code::ResultMissing
        | Code::ResultModified
        | Code::ResultUnreferenced
        | Code::ResultUnreadable
        | Code::NoResults => return None,
    }
    // Nothing of it is lost.
    let detail = finding.detail.as_deref();
    if detail.is_some_and(|detail| detail.contains(PROVEN_BY)) {
        return None;
    }
    let (root, path) = match &finding.subject {
        Subject::Run => return None,
        Subject::Object(location) => shared.source.elsewhere(RootId(0), location)?,
        Subject::Listed { root, path, .. } => (*root, path.to_string()),
    };
    let hash = finding.expected.as_deref().and_then(Sha256Hash::from_hex);
    let is_digest = DigestKey::parse(&path).is_some();
    (hash.is_some() || is_digest).then_some(Object { root, path, hash })
}

/// What the versions of an object tell, in half a sentence.
fn history(shared: &Shared<'_>, object: &Object) -> String {
    if let Some(told) = shared.source.remembered(object.root, &object.path) {
        return told.into();
    }
    let versions = match shared.source.versions(object.root, &object.path) {
        Ok(versions) => versions,
        Err(error) => {
            return format!("whether an earlier version of it is left is not known: {error}");
        }
    };
    let mut unread = 0;
    for (number, version) in versions.iter().enumerate() {
        // The latest is what was judged.
        if version.is_delete_marker || version.is_latest {
            continue;
        }
        if number > MOST_VERSIONS {
            unread += 1;
            continue;
        }
        match is_intact(shared, object, &version.id) {
            Ok(true) => return intact(shared, object, &versions, number),
            Ok(false) => {}
            Err(_) => unread += 1,
        }
    }
    if unread > 0 {
        let told = numbered(
            unread,
            "earlier version of it is left",
            "earlier versions of it are left",
        );
        return format!("{told}, and could not be read");
    }
    format!("{NO_INTACT_VERSION}: it is gone from this bucket")
}

fn is_intact(shared: &Shared<'_>, object: &Object, id: &str) -> Result<bool, SourceError> {
    let Some(hash) = object.hash else {
        let fetched = shared.reading().version(object.root, &object.path, id);
        let (content, json, metadata) = match &fetched.read {
            Ok(read) => read,
            Err(ReadFailure::Source(error)) => return Err(error.clone()),
            Err(ReadFailure::Content(error)) => return not_intact(error),
        };
        let signature = metadata.signature.as_deref().and_then(Signature::from_hex);
        let key = DigestKey::parse(&object.path);
        let keys = key.and_then(|key| {
            let region = key.chain().place().region();
            shared.job.keys.of_region(region).ok()
        });
        let digest = UnverifiedDigest::parse(json, *content).ok();
        return Ok(digest
            .zip(signature.zip(keys))
            .is_some_and(|(digest, (signature, keys))| digest.verify(&signature, &keys).is_ok()));
    };
    let (body, _) = shared.source.version(object.root, &object.path, id)?;
    let body = shared.stop.guard(body.reader);
    match shared.readers.with(|reader| reader.hash(body, MAX_LOG_LEN)) {
        Ok(content) => Ok(content.hash == hash),
        Err(error) => not_intact(&error),
    }
}

/// A version that could not be read may well be intact.
fn not_intact(error: &ContentError) -> Result<bool, SourceError> {
    match error {
        ContentError::Malformed(_) | ContentError::TooLarge(_) => Ok(false),
        ContentError::Read(error) => Err(SourceError::Failed(error.to_string().into())),
    }
}

/// An intact version is there: which, how it was hidden, and how it comes back.
fn intact(
    shared: &Shared<'_>,
    object: &Object,
    versions: &[ObjectVersion],
    number: usize,
) -> String {
    let Some(version) = versions.get(number) else {
        return String::new();
    };
    let at = |at: Option<Timestamp>| at.map_or_else(String::new, |at| format!(" at {at}"));
    let mut told = format!("{INTACT_VERSION}, {}", version.id);
    let (bucket, prefix) = shared.source.stated(object.root).unwrap_or_default();
    let key = if prefix.is_empty() {
        object.path.clone()
    } else {
        format!("{prefix}/{}", object.path)
    };
    let location = ObjectLocation::new(bucket, key);
    let newer = number.checked_sub(1).and_then(|newer| versions.get(newer));
    let latest = versions.first().filter(|latest| latest.is_delete_marker);
    if let Some(newer) = newer {
        let how = if newer.is_delete_marker {
            "hidden by a delete marker"
        } else {
            "overwritten"
        };
        // Writing to a text never fails.
        let _ = write!(told, ", {how}{}", at(newer.at));
    }
    let command = match latest {
        // With the marker gone the version below it shows again.
        Some(marker) if number == 1 => format!(
            "aws s3api delete-object --bucket {} --key {} --version-id {}",
            quoted(location.bucket()),
            quoted(location.key()),
            quoted(&marker.id)
        ),
        Some(_) | None => format!(
            "aws s3api copy-object --bucket {} --key {} --copy-source {}",
            quoted(location.bucket()),
            quoted(location.key()),
            quoted(&format!(
                "{}/{}?versionId={}",
                location.bucket(),
                escaped(location.key()),
                version.id
            ))
        ),
    };
    let options = shared.source.cli_options();
    let options = options.iter().map(|it| quoted(it));
    let command: Vec<String> = std::iter::once(command).chain(options).collect();
    format!("{told}; this brings it back: {}", command.join(" "))
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/=:@%+,".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// As a URL takes it for a path.
fn escaped(key: &str) -> String {
    let mut out = String::with_capacity(key.len());
    for byte in key.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a text never fails.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_survive_a_shell() {
        assert_eq!(quoted("AWSLogs/1_a-b.json.gz"), "AWSLogs/1_a-b.json.gz");
        assert_eq!(quoted("it's $(here)"), r"'it'\''s $(here)'");
        assert_eq!(quoted(""), "''");
        assert_eq!(escaped("a b/ü"), "a%20b/%C3%BC");
    }
}
