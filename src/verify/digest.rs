//! Digests: what is read is an [`UnverifiedDigest`]; a signature makes it a [`VerifiedDigest`],
//! and only that tells which logs to expect.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use super::hashing::{Content, Encoding, Sha256Hash};
use super::keys::{Fingerprint, KeySet};
use super::location::{DigestKey, ObjectLocation};
use super::signature::{Signature, signed_text};
use super::time::{TimeRange, parse_digest_time};

/// A digest may hold this many bytes of JSON: 400,000 logs an hour.
pub const MAX_DIGEST_LEN: usize = 256 * 1024 * 1024;
/// The most that a log may hold: far more than any that CloudTrail delivers has, which are of some
/// tens of megabytes as they are stored.
pub const MAX_LOG_LEN: u64 = 4 * 1024 * 1024 * 1024;
/// The only hash that digests use.
const HASH_ALGORITHM: &str = "SHA-256";
/// The only signature that digests carry.
pub const SIGNATURE_ALGORITHM: &str = "SHA256withRSA";

/// A log file as a digest names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    location: ObjectLocation,
    hash: Sha256Hash,
}

impl LogEntry {
    /// Where CloudTrail put the log.
    pub fn location(&self) -> &ObjectLocation {
        &self.location
    }

    /// SHA-256 of its content, inflated.
    pub fn hash(&self) -> &Sha256Hash {
        &self.hash
    }
}

/// What a digest says of its predecessor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predecessor {
    location: ObjectLocation,
    hash: Sha256Hash,
    /// As written, since the signed text holds it so.
    signature: Box<str>,
}

impl Predecessor {
    /// Where CloudTrail put it.
    pub fn location(&self) -> &ObjectLocation {
        &self.location
    }

    /// SHA-256 of its content, inflated.
    pub fn hash(&self) -> &Sha256Hash {
        &self.hash
    }

    /// Whether `signature` is the one that is named for it.
    pub fn is_signed_with(&self, signature: &Signature) -> bool {
        signature.is_written(&self.signature)
    }

    /// Its signature; nothing where the text is none.
    pub fn signature(&self) -> Option<Signature> {
        Signature::from_hex(&self.signature)
    }
}

/// Why bytes are not a digest.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotADigest {
    /// Not the JSON that a digest is.
    #[error("it is not a digest's JSON: {0}")]
    Json(String),
    /// A field holds what no digest can.
    #[error("its field {0} holds what no digest can")]
    Field(&'static str),
    /// Its predecessor is named by some of the five fields only.
    #[error("some of the previousDigest fields are null, and some are not")]
    HalfAPredecessor,
    /// Its window ends before it starts.
    #[error("its window ends before it starts")]
    Reversed,
}

/// Why a digest is not proven by a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unproven {
    /// No key at hand has the fingerprint.
    KeyUnknown,
    /// The signature does not fit.
    SignatureWrong,
}

/// A digest that was read, and that nothing vouches for yet.
#[derive(Clone, Debug)]
pub struct UnverifiedDigest {
    location: ObjectLocation,
    window: TimeRange,
    end_time: Box<str>,
    account: Box<str>,
    fingerprint: Fingerprint,
    predecessor: Option<Predecessor>,
    logs: Vec<LogEntry>,
    content: Content,
}

impl UnverifiedDigest {
    /// Reads a digest's JSON.
    ///
    /// # Errors
    /// Where it is no digest: not JSON, a field absent, of the wrong type or twice.
    pub fn parse(json: &[u8], content: Content) -> Result<Self, NotADigest> {
        // What serde passes over it does not look at: JSON is UTF-8 there too.
        let text =
            std::str::from_utf8(json).map_err(|error| NotADigest::Json(error.to_string()))?;
        let raw: RawDigest<'_> =
            serde_json::from_str(text).map_err(|error| NotADigest::Json(error.to_string()))?;
        let end =
            parse_digest_time(&raw.digest_end_time).ok_or(NotADigest::Field("digestEndTime"))?;
        let start = parse_digest_time(&raw.digest_start_time)
            .ok_or(NotADigest::Field("digestStartTime"))?;
        if raw.digest_signature_algorithm != SIGNATURE_ALGORITHM {
            return Err(NotADigest::Field("digestSignatureAlgorithm"));
        }
        let fingerprint = Fingerprint::from_hex(&raw.digest_public_key_fingerprint)
            .ok_or(NotADigest::Field("digestPublicKeyFingerprint"))?;
        let location = ObjectLocation::new(&*raw.digest_s3_bucket, &*raw.digest_s3_object);
        let logs = raw
            .log_files
            .iter()
            .map(|log| log.entry(location.bucket()))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            window: TimeRange::new(start, end).ok_or(NotADigest::Reversed)?,
            predecessor: raw.predecessor(location.bucket())?,
            end_time: raw.digest_end_time.into(),
            account: raw.aws_account_id.into(),
            location,
            fingerprint,
            logs,
            content,
        })
    }

    /// Where its content says that CloudTrail put it.
    pub fn location(&self) -> &ObjectLocation {
        &self.location
    }

    /// SHA-256 of its content.
    pub fn hash(&self) -> &Sha256Hash {
        &self.content.hash
    }

    /// The predecessor that it claims. While the digest is unverified, its signature is a mere
    /// candidate: it may still prove the predecessor, and proves nothing where it does not fit.
    pub fn claimed_predecessor(&self) -> Option<&Predecessor> {
        self.predecessor.as_ref()
    }

    /// The window that it claims.
    pub(super) fn claimed_window(&self) -> TimeRange {
        self.window
    }

    /// Whether account and time are those of the key that it claims for itself.
    pub fn agrees_with(&self, key: &DigestKey) -> bool {
        self.window.end() == key.end() && *self.account == *key.chain().place().account()
    }

    /// Proves the digest by `signature`, under the key that it names.
    ///
    /// # Errors
    /// Gives the digest back, with why it is not proven.
    pub fn verify(
        self,
        signature: &Signature,
        keys: &KeySet,
    ) -> Result<VerifiedDigest, (Box<Self>, Unproven)> {
        let Some(key) = keys.get(&self.fingerprint) else {
            return Err((Box::new(self), Unproven::KeyUnknown));
        };
        let text = signed_text(
            &self.end_time,
            self.location.bucket(),
            self.location.key(),
            &self.content.hash,
            self.predecessor
                .as_ref()
                .map(|previous| &*previous.signature),
        );
        if !signature.is_valid(key, &text) {
            return Err((Box::new(self), Unproven::SignatureWrong));
        }
        Ok(VerifiedDigest {
            signature: signature.clone(),
            digest: self,
        })
    }

    /// The fingerprint of the key that it claims to be signed with.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Whether it is stored as plain JSON.
    pub fn is_stored_plain(&self) -> bool {
        self.content.encoding == Encoding::Plain
    }
}

/// A digest that a key of CloudTrail's signed: it can only be had from
/// [`UnverifiedDigest::verify`].
#[derive(Clone, Debug)]
pub struct VerifiedDigest {
    digest: UnverifiedDigest,
    signature: Signature,
}

impl VerifiedDigest {
    /// Where CloudTrail put it.
    pub fn location(&self) -> &ObjectLocation {
        &self.digest.location
    }

    /// The stretch of delivery that it tells of.
    pub fn window(&self) -> TimeRange {
        self.digest.window
    }

    /// The time that it vouches for: its window, except in a starting digest, which is dated back
    /// to before logging began and vouches for no time before its own end.
    pub fn covers(&self) -> TimeRange {
        match self.digest.predecessor {
            Some(_) => self.digest.window,
            None => at_end(self.digest.window.end()),
        }
    }

    /// The digest before it in its chain; nothing in a starting digest.
    pub fn predecessor(&self) -> Option<&Predecessor> {
        self.digest.predecessor.as_ref()
    }

    /// The logs that it names.
    pub fn logs(&self) -> &[LogEntry] {
        &self.digest.logs
    }

    /// SHA-256 of its content.
    pub fn hash(&self) -> &Sha256Hash {
        &self.digest.content.hash
    }

    /// The signature that proves it.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// The fingerprint of the key that signed it.
    pub fn fingerprint(&self) -> Fingerprint {
        self.digest.fingerprint
    }

    /// Whether it is stored as plain JSON.
    pub fn is_stored_plain(&self) -> bool {
        self.digest.is_stored_plain()
    }
}

/// The empty stretch at an instant.
fn at_end(end: Timestamp) -> TimeRange {
    // An instant never lies after itself.
    TimeRange::new(end, end).unwrap_or_else(|| unreachable!())
}

/// The fields of a digest, all of which must be there; unknown ones are passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawDigest<'a> {
    #[serde(borrow)]
    aws_account_id: Cow<'a, str>,
    #[serde(borrow)]
    digest_start_time: Cow<'a, str>,
    #[serde(borrow)]
    digest_end_time: Cow<'a, str>,
    #[serde(borrow, rename = "digestS3Bucket")]
    digest_s3_bucket: Cow<'a, str>,
    #[serde(borrow, rename = "digestS3Object")]
    digest_s3_object: Cow<'a, str>,
    #[serde(borrow)]
    digest_public_key_fingerprint: Cow<'a, str>,
    #[serde(borrow)]
    digest_signature_algorithm: Cow<'a, str>,
    #[serde(rename = "newestEventTime", deserialize_with = "text_or_null")]
    _newest_event_time: Option<Cow<'a, str>>,
    #[serde(rename = "oldestEventTime", deserialize_with = "text_or_null")]
    _oldest_event_time: Option<Cow<'a, str>>,
    #[serde(rename = "previousDigestS3Bucket", deserialize_with = "text_or_null")]
    previous_digest_s3_bucket: Option<Cow<'a, str>>,
    #[serde(rename = "previousDigestS3Object", deserialize_with = "text_or_null")]
    previous_digest_s3_object: Option<Cow<'a, str>>,
    #[serde(deserialize_with = "text_or_null")]
    previous_digest_hash_value: Option<Cow<'a, str>>,
    #[serde(deserialize_with = "text_or_null")]
    previous_digest_hash_algorithm: Option<Cow<'a, str>>,
    #[serde(deserialize_with = "text_or_null")]
    previous_digest_signature: Option<Cow<'a, str>>,
    #[serde(borrow)]
    log_files: Vec<RawLog<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawLog<'a> {
    #[serde(borrow, rename = "s3Bucket")]
    s3_bucket: Cow<'a, str>,
    #[serde(borrow, rename = "s3Object")]
    s3_object: Cow<'a, str>,
    #[serde(borrow)]
    hash_value: Cow<'a, str>,
    #[serde(borrow)]
    hash_algorithm: Cow<'a, str>,
    #[serde(rename = "newestEventTime", deserialize_with = "text_or_null")]
    _newest_event_time: Option<Cow<'a, str>>,
    #[serde(rename = "oldestEventTime", deserialize_with = "text_or_null")]
    _oldest_event_time: Option<Cow<'a, str>>,
}

/// Text or null; with this, serde takes a field that is absent for an error.
fn text_or_null<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Cow<'de, str>>, D::Error> {
    #[derive(Deserialize)]
    struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);
    Ok(Option::<Borrowed<'de>>::deserialize(deserializer)?.map(|text| text.0))
}

impl RawDigest<'_> {
    fn predecessor(&self, own_bucket: &Arc<str>) -> Result<Option<Predecessor>, NotADigest> {
        match (
            &self.previous_digest_s3_bucket,
            &self.previous_digest_s3_object,
            &self.previous_digest_hash_value,
            &self.previous_digest_hash_algorithm,
            &self.previous_digest_signature,
        ) {
            (None, None, None, None, None) => Ok(None),
            (Some(bucket), Some(object), Some(hash), Some(algorithm), Some(signature)) => {
                if algorithm != HASH_ALGORITHM {
                    return Err(NotADigest::Field("previousDigestHashAlgorithm"));
                }
                Ok(Some(Predecessor {
                    location: location(bucket, object, own_bucket),
                    hash: Sha256Hash::from_hex(hash)
                        .ok_or(NotADigest::Field("previousDigestHashValue"))?,
                    signature: (**signature).into(),
                }))
            }
            _ => Err(NotADigest::HalfAPredecessor),
        }
    }
}

impl RawLog<'_> {
    fn entry(&self, digest_bucket: &Arc<str>) -> Result<LogEntry, NotADigest> {
        if self.hash_algorithm != HASH_ALGORITHM {
            return Err(NotADigest::Field("logFiles.hashAlgorithm"));
        }
        Ok(LogEntry {
            location: location(&self.s3_bucket, &self.s3_object, digest_bucket),
            hash: Sha256Hash::from_hex(&self.hash_value)
                .ok_or(NotADigest::Field("logFiles.hashValue"))?,
        })
    }
}

/// A location that shares the digest's own bucket name, as nearly all do.
fn location(bucket: &str, key: &str, own_bucket: &Arc<str>) -> ObjectLocation {
    if *bucket == **own_bucket {
        return ObjectLocation::new(Arc::clone(own_bucket), key);
    }
    ObjectLocation::new(bucket, key)
}

#[cfg(test)]
mod tests;
