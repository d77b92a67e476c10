//! Reading one digest: bounded, parsed, and checked against its own metadata.

use std::sync::Arc;

use jiff::Timestamp;

use super::held::Weight;
use super::reading::Fetched;
use super::run::Shared;
use super::stop::Stop;

use crate::source::{Metadata, ReadFailure, Source, SourceError};
use crate::verify::chain::{Doubt, ListedDigest, Sighting};
use crate::verify::digest::{SIGNATURE_ALGORITHM, UnverifiedDigest, VerifiedDigest};
use crate::verify::hashing::{Content, ContentError};
use crate::verify::keys::KeySet;
use crate::verify::location::{ObjectLocation, RootId};
use crate::verify::signature::Signature;
use crate::verify::time::parse_name_time;

/// Why an archived object is not read.
pub(in crate::engine) const NOT_RESTORED: &str = "its storage class is GLACIER or DEEP_ARCHIVE, and it is not restored; restore it first (aws s3api restore-object)";

/// How many readings that agree accuse. The network, the memory or a copy that is still under way may
/// have changed what came with one.
pub(in crate::engine) const READINGS: usize = 3;
/// Why what was read is no proof of tampering.
pub(in crate::engine) const READ_TWICE: &str = "what was read was not what CloudTrail delivered, and read once more it was: it was changed in between, or on its way; run again";
/// The same, where each reading gave something else.
pub(in crate::engine) const NOT_ALIKE: &str = "what was read was not what CloudTrail delivered, and read once more it was something else again: it is being changed, or it is changed on its way; run again";
/// The same, where another reading failed.
pub(in crate::engine) const NOT_AGAIN: &str = "what was read was not what CloudTrail delivered, and it could not be read once more to be sure";

/// The same, where it is not there any more.
pub(in crate::engine) const GONE: &str = "what was read was not what CloudTrail delivered, and it was not there any more when it was to be read once more to be sure; run again";

/// Asks again for what is absent though something shows it: one answer does not make it missing.
pub(in crate::engine) fn ask_again<T>(
    (source, stop): (&dyn Source, &Stop),
    first: T,
    is_overlooked: impl Fn(&T) -> bool,
    ask: impl Fn() -> T,
) -> T {
    let mut answer = first;
    for _ in 1..READINGS {
        if !is_overlooked(&answer) || stop.is_stopped() {
            break;
        }
        // What it takes is given back before there is another one.
        drop(answer);
        source.wait_a_moment();
        answer = ask();
    }
    answer
}

/// Why what was absent each time is not missing; nothing where it is.
pub(in crate::engine) fn why_not_missing(
    (source, stop): (&dyn Source, &Stop),
    root: RootId,
    path: &str,
) -> Option<Box<str>> {
    if stop.is_stopped() {
        return None;
    }
    let why = source.why_not_missing(root, path)?;
    source.doubt(root, path, &why);
    Some(why)
}

/// What was seen, and how many bytes were read and hashed for it.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) sighting: Sighting,
    pub(super) read: u64,
    pub(super) hashed: u64,
    /// Counts it as held, while it is.
    pub(super) weight: Option<Weight>,
}

impl Seen {
    fn nothing_of(sighting: Sighting) -> Self {
        Self {
            sighting,
            read: 0,
            hashed: 0,
            weight: None,
        }
    }

    /// A digest that would have to be restored before it can be read.
    pub(super) fn archived() -> Self {
        let error = SourceError::Archived(NOT_RESTORED.into());
        Self::nothing_of(Sighting::Unreadable(error.to_string().into()))
    }
}

/// Reads the digest at `at`, whose root stands for `stated`, where that is known. What accuses
/// somebody is read again, whoever read it first.
pub(super) fn read_digest(
    shared: &Shared<'_>,
    at: &ListedDigest,
    stated: Option<&(Arc<str>, Arc<str>)>,
) -> Seen {
    let keys = match shared.job.keys.of_region(at.key.chain().place().region()) {
        Ok(keys) => keys,
        Err(why) => return Seen::nothing_of(without_keys(&why)),
    };
    let path = at.key.path();
    // The room that it takes is held until it has been looked at, and no longer.
    let see = |fetched: Fetched<'_>| see(shared, (at, &path), stated, &keys, &fetched);
    let fetch = || shared.reading().digest(at.root, &path);
    let kept = shared.reading().digest_before(at.root, &path);
    let first = kept.unwrap_or_else(fetch);
    // A listing showed it, or the digest after it names it.
    let is_absent = |fetched: &Fetched<'_>| {
        matches!(
            fetched.read,
            Err(ReadFailure::Source(SourceError::NotFound))
        )
    };
    let asked = (shared.source, shared.stop);
    let fetched = ask_again(asked, first, is_absent, fetch);
    if is_absent(&fetched)
        && let Some(why) = why_not_missing(asked, at.root, &path)
    {
        return Seen::nothing_of(Sighting::Unreadable(why));
    }
    // No fault on its way makes it so large.
    let is_huge = matches!(
        fetched.read,
        Err(ReadFailure::Content(ContentError::TooLarge(_)))
    );
    let seen = see(fetched);
    if accuses(&seen.sighting) && !is_huge && !shared.stop.is_stopped() {
        for _ in 1..READINGS {
            let again = see(shared.reading().digest_again(at.root, &path));
            if shared.stop.is_stopped() {
                // It may have failed because the run ends: that casts no doubt on what is kept.
                break;
            }
            if let Some(why) = why_unsure(&seen.sighting, &again.sighting) {
                shared.source.doubt(at.root, &path, &why);
                return Seen::nothing_of(Sighting::Unreadable(why));
            }
        }
    }
    seen
}

/// Why another reading takes back what the first one said of a digest; nothing where it does not.
fn why_unsure(first: &Sighting, again: &Sighting) -> Option<Box<str>> {
    let is_same = match (first, again) {
        (_, Sighting::Proven(_)) => return Some(READ_TWICE.into()),
        (_, Sighting::Unreadable(why)) => return Some(format!("{NOT_AGAIN}: {why}").into()),
        // Nothing is left to tell whether what came before was the object at all.
        (_, Sighting::Absent) => return Some(GONE.into()),
        (Sighting::Malformed(first), Sighting::Malformed(again)) => first == again,
        (Sighting::Moved(first), Sighting::Moved(again)) => first == again,
        (Sighting::Unproven(first, doubt), Sighting::Unproven(again, other)) => {
            first.hash() == again.hash() && doubt == other
        }
        (
            Sighting::Malformed(_)
            | Sighting::Moved(_)
            | Sighting::Unproven(..)
            | Sighting::Proven(_)
            | Sighting::Absent
            | Sighting::Unreadable(_),
            Sighting::Malformed(_) | Sighting::Moved(_) | Sighting::Unproven(..),
        ) => false,
    };
    (!is_same).then(|| NOT_ALIKE.into())
}

/// Whether what was seen says that the digest is not what CloudTrail delivered.
fn accuses(sighting: &Sighting) -> bool {
    match sighting {
        Sighting::Malformed(_) | Sighting::Moved(_) => true,
        Sighting::Unproven(_, doubt) => match doubt {
            Doubt::Modified(_) => true,
            // No other reading would bring the key, or the metadata.
            Doubt::KeyUnknown(_) | Doubt::Unsigned => false,
        },
        Sighting::Proven(_) | Sighting::Absent | Sighting::Unreadable(_) => false,
    }
}

/// What was seen where `fetched` was read.
fn see(
    shared: &Shared<'_>,
    (at, path): (&ListedDigest, &str),
    stated: Option<&(Arc<str>, Arc<str>)>,
    keys: &Arc<KeySet>,
    fetched: &Fetched<'_>,
) -> Seen {
    let (content, json, metadata) = match &fetched.read {
        Ok(fetched) => fetched,
        Err(ReadFailure::Source(SourceError::NotFound)) => {
            return Seen::nothing_of(Sighting::Absent);
        }
        Err(ReadFailure::Source(error)) => {
            return Seen::nothing_of(Sighting::Unreadable(error.to_string().into()));
        }
        Err(ReadFailure::Content(ContentError::Read(error))) => {
            return Seen::nothing_of(Sighting::Unreadable(error.to_string().into()));
        }
        Err(ReadFailure::Content(
            error @ (ContentError::Malformed(_) | ContentError::TooLarge(_)),
        )) => {
            return Seen::nothing_of(Sighting::Malformed(error.to_string().into()));
        }
    };
    let sighting = match examine(at, path, *content, json, stated) {
        Err(sighting) => sighting,
        Ok(digest) => match keys_for(shared, at, &digest, metadata, keys) {
            Err(why) => without_keys(&why),
            Ok(keys) => match verify(digest, metadata, &keys) {
                Ok(digest) => Sighting::Proven(Box::new(digest)),
                Err((digest, doubt)) => Sighting::Unproven(digest, doubt),
            },
        },
    };
    Seen {
        sighting,
        read: content.stored,
        hashed: content.length,
        weight: None,
    }
}

fn without_keys(why: &str) -> Sighting {
    Sighting::Unreadable(format!("the keys to verify it with could not be had: {why}").into())
}

/// A backfill digest is signed long after its hour, with a key of then; and a chain may be followed to
/// a time long before the range that keys were asked for.
fn keys_for(
    shared: &Shared<'_>,
    at: &ListedDigest,
    digest: &UnverifiedDigest,
    metadata: &Metadata,
    keys: &Arc<KeySet>,
) -> Result<Arc<KeySet>, Box<str>> {
    let fingerprint = digest.fingerprint();
    if keys.get(&fingerprint).is_some() {
        return Ok(Arc::clone(keys));
    }
    let made = metadata.backfill_generation_timestamp.as_deref();
    let made = made.and_then(generation_time);
    let signed = made.unwrap_or_else(|| at.key.end());
    let region = at.key.chain().place().region();
    shared.job.keys.for_digest(region, signed, &fingerprint)
}

/// When a backfill digest was made, as its metadata says: documented nowhere, so every form that
/// tells an instant is taken.
fn generation_time(text: &str) -> Option<Timestamp> {
    let numeric = |digits: &str| {
        let number: i64 = digits.parse().ok()?;
        // Numbers of thirteen digits count milliseconds.
        let seconds = if number > 100_000_000_000 {
            number / 1000
        } else {
            number
        };
        Timestamp::from_second(seconds).ok()
    };
    let text = text.trim();
    text.parse()
        .ok()
        .or_else(|| parse_name_time(text))
        .or_else(|| numeric(text))
}

/// The digest that the bytes at `at` are, if they are one that belongs there.
fn examine(
    at: &ListedDigest,
    path: &str,
    content: Content,
    json: &[u8],
    stated: Option<&(Arc<str>, Arc<str>)>,
) -> Result<UnverifiedDigest, Sighting> {
    let digest = UnverifiedDigest::parse(json, content)
        .map_err(|error| Sighting::Malformed(error.to_string().into()))?;
    if !lies_at(digest.location(), path, stated) {
        return Err(Sighting::Moved(digest.location().clone()));
    }
    if !digest.agrees_with(&at.key) {
        let why = "its account or its time is not that of its own key";
        return Err(Sighting::Malformed(why.into()));
    }
    Ok(digest)
}

/// Whether a digest that claims `claimed` lies there, as far as its source can show it.
fn lies_at(claimed: &ObjectLocation, path: &str, stated: Option<&(Arc<str>, Arc<str>)>) -> bool {
    match (claimed.prefix_before(path), stated) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(prefix), Some((bucket, stated))) => claimed.bucket() == bucket && *prefix == **stated,
    }
}

fn verify(
    digest: UnverifiedDigest,
    metadata: &Metadata,
    keys: &KeySet,
) -> Result<VerifiedDigest, (Box<UnverifiedDigest>, Doubt)> {
    let fingerprint = digest.fingerprint();
    if keys.get(&fingerprint).is_none() {
        return Err((Box::new(digest), Doubt::KeyUnknown(fingerprint)));
    }
    let Some(text) = &metadata.signature else {
        return Err((Box::new(digest), Doubt::Unsigned));
    };
    let algorithm = metadata.signature_algorithm.as_deref();
    if algorithm.is_some_and(|algorithm| algorithm != SIGNATURE_ALGORITHM) {
        let doubt = Doubt::Modified("its metadata names another signature algorithm");
        return Err((Box::new(digest), doubt));
    }
    let Some(signature) = Signature::from_hex(text) else {
        let doubt = Doubt::Modified("what its metadata holds is not a signature");
        return Err((Box::new(digest), doubt));
    };
    digest.verify(&signature, keys).map_err(|(digest, _)| {
        let doubt = Doubt::Modified("the signature in its metadata does not fit its content");
        (digest, doubt)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_readings_that_agree_accuse() {
        let malformed = |why: &str| Sighting::Malformed(why.into());
        let moved = |key: &str| Sighting::Moved(ObjectLocation::new("bucket", key));
        for (first, again, is_sure) in [
            (malformed("cut"), malformed("cut"), true),
            (malformed("cut"), malformed("corrupt"), false),
            (malformed("cut"), moved("a"), false),
            (moved("a"), moved("a"), true),
            (moved("a"), moved("b"), false),
            (moved("a"), malformed("cut"), false),
            (moved("a"), Sighting::Absent, false),
            (moved("a"), Sighting::Unreadable("denied".into()), false),
        ] {
            let why = why_unsure(&first, &again);
            assert_eq!(why.is_none(), is_sure, "{first:?} {again:?} {why:?}");
        }
    }

    #[test]
    fn only_what_is_not_cloudtrails_accuses() {
        assert!(accuses(&Sighting::Malformed("cut".into())));
        assert!(!accuses(&Sighting::Absent));
        assert!(!accuses(&Sighting::Unreadable("denied".into())));
    }
}
