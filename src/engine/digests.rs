//! Reading one digest: bounded, parsed, and checked against its own metadata.

use std::sync::{Mutex, PoisonError};

use crate::source::{Metadata, Source, SourceError};
use crate::verify::chain::{Doubt, ListedDigest, Sighting};
use crate::verify::digest::{
    MAX_DIGEST_LEN, SIGNATURE_ALGORITHM, UnverifiedDigest, VerifiedDigest,
};
use crate::verify::hashing::{Content, ContentError, ContentReader};
use crate::verify::keys::KeySet;
use crate::verify::location::ObjectLocation;
use crate::verify::signature::Signature;

/// A digest up to this size is held beside others; larger ones are read one at a time.
const COMMON_DIGEST_LEN: usize = 8 * 1024 * 1024;
/// Held while a digest beyond [`COMMON_DIGEST_LEN`] is in memory.
static LARGE_DIGEST: Mutex<()> = Mutex::new(());

/// What was seen, and how many bytes were read and hashed for it.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) sighting: Sighting,
    pub(super) read: u64,
    pub(super) hashed: u64,
}

impl Seen {
    fn nothing_of(sighting: Sighting) -> Self {
        Self {
            sighting,
            read: 0,
            hashed: 0,
        }
    }
}

/// Reads the digest at `at`, whose root stands for `stated`, where that is known.
pub(super) fn read_digest(
    source: &dyn Source,
    reader: &mut ContentReader,
    keys: &KeySet,
    at: &ListedDigest,
    stated: Option<&(std::sync::Arc<str>, std::sync::Arc<str>)>,
) -> Seen {
    let path = at.key.path();
    let fetched =
        fetch(source, reader, at, &path, COMMON_DIGEST_LEN).or_else(|error| match error {
            Failure::Content(ContentError::TooLarge(_)) => {
                let _alone = LARGE_DIGEST.lock().unwrap_or_else(PoisonError::into_inner);
                fetch(source, reader, at, &path, MAX_DIGEST_LEN)
            }
            Failure::Content(_) | Failure::Source(_) => Err(error),
        });
    let (content, json, metadata) = match fetched {
        Ok(fetched) => fetched,
        Err(Failure::Source(SourceError::NotFound)) => return Seen::nothing_of(Sighting::Absent),
        Err(Failure::Source(error)) => {
            return Seen::nothing_of(Sighting::Unreadable(error.to_string().into()));
        }
        Err(Failure::Content(ContentError::Read(error))) => {
            return Seen::nothing_of(Sighting::Unreadable(error.to_string().into()));
        }
        Err(Failure::Content(error @ (ContentError::Malformed(_) | ContentError::TooLarge(_)))) => {
            return Seen::nothing_of(Sighting::Malformed(error.to_string().into()));
        }
    };
    Seen {
        sighting: examine(at, &path, content, &json, &metadata, keys, stated),
        read: content.stored,
        hashed: content.length,
    }
}

enum Failure {
    Source(SourceError),
    Content(ContentError),
}

fn fetch(
    source: &dyn Source,
    reader: &mut ContentReader,
    at: &ListedDigest,
    path: &str,
    limit: usize,
) -> Result<(Content, Vec<u8>, Metadata), Failure> {
    let (body, metadata) = source.digest(at.root, path).map_err(Failure::Source)?;
    let (content, json) = reader
        .collect(body.reader, limit)
        .map_err(Failure::Content)?;
    Ok((content, json, metadata))
}

/// What the bytes at `at` are, as far as they and their own metadata tell.
fn examine(
    at: &ListedDigest,
    path: &str,
    content: Content,
    json: &[u8],
    metadata: &Metadata,
    keys: &KeySet,
    stated: Option<&(std::sync::Arc<str>, std::sync::Arc<str>)>,
) -> Sighting {
    let digest = match UnverifiedDigest::parse(json, content) {
        Ok(digest) => digest,
        Err(error) => return Sighting::Malformed(error.to_string().into()),
    };
    if !lies_at(digest.location(), path, stated) {
        return Sighting::Moved(digest.location().clone());
    }
    if !digest.agrees_with(&at.key) {
        return Sighting::Malformed("its account or its time is not that of its own key".into());
    }
    match verify(digest, metadata, keys) {
        Ok(digest) => Sighting::Proven(Box::new(digest)),
        Err((digest, doubt)) => Sighting::Unproven(digest, doubt),
    }
}

/// Whether a digest that claims `claimed` lies there, as far as its source can show it.
fn lies_at(
    claimed: &ObjectLocation,
    path: &str,
    stated: Option<&(std::sync::Arc<str>, std::sync::Arc<str>)>,
) -> bool {
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
