//! What a shard saw of an object, as its result holds it: a line of JSON, and beside it what a
//! digest holds.

use std::io;

use flate2::bufread::{GzDecoder, ZlibDecoder};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::packing::{Packer, unpacked};
use crate::engine::Outcome;
use crate::source::{Metadata, ReadFailure, SourceError};
use crate::verify::digest::MAX_DIGEST_LEN;
use crate::verify::evidence::{Deed, Hint, RecordedEvent};
use crate::verify::hashing::{Content, ContentError, Encoding, GzipFault, Sha256Hash};

/// An object. Names are short: there may be a thousand million of them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    /// Its path from the folder on.
    #[serde(rename = "k")]
    pub(super) rest: String,
    #[serde(rename = "a", default, skip_serializing_if = "is_false")]
    pub(super) archived: bool,
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub(super) seen: Option<Seen>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_false(value: &bool) -> bool {
    !value
}

/// What reading an object came to.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Seen {
    /// A log, intact as a file.
    #[serde(rename = "l")]
    Log(SeenLog),
    /// A digest.
    #[serde(rename = "d")]
    Digest(SeenDigest),
    /// It could not be read, or is malformed.
    #[serde(rename = "f")]
    Failed(Why),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeenLog {
    /// Of a log that was read from a result it is told behind the lines.
    #[serde(skip)]
    pub(super) hash: Option<Sha256Hash>,
    #[serde(rename = "s")]
    stored: u64,
    #[serde(rename = "n")]
    length: u64,
    #[serde(rename = "p", default, skip_serializing_if = "is_false")]
    plain: bool,
    /// Events may be in it that are evidence about another bucket.
    #[serde(rename = "x", default, skip_serializing_if = "is_false")]
    elsewhere: bool,
    /// Events may be in it that are evidence.
    #[serde(rename = "y", default, skip_serializing_if = "is_false")]
    here: bool,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    events: Option<Vec<Event>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeenDigest {
    #[serde(rename = "s")]
    stored: u64,
    #[serde(rename = "n")]
    pub(super) length: u64,
    #[serde(rename = "p", default, skip_serializing_if = "is_false")]
    plain: bool,
    #[serde(rename = "m")]
    metadata: Vec<(String, String)>,
    /// Whether its content lies there as it is stored, and not as this program packs it.
    #[serde(rename = "g", default, skip_serializing_if = "is_false")]
    as_stored: bool,
    /// Where its content lies behind the block's lines, and how long it is there.
    #[serde(rename = "b")]
    pub(super) blob: (u64, u64),
}

/// Why an object has no content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Why {
    Absent,
    Denied(String),
    Archived(String),
    Failed(String),
    /// The bytes broke off.
    Read(String),
    Cut,
    Corrupt,
    TrailingBytes,
    TooLarge(u64),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Event {
    at: Timestamp,
    id: Box<str>,
    deed: String,
    who: Box<str>,
    address: Box<str>,
    account: Box<str>,
    region: Box<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trail: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    validation: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bucket: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<Box<str>>,
}

impl From<&SourceError> for Why {
    fn from(error: &SourceError) -> Self {
        match error {
            SourceError::NotFound => Self::Absent,
            SourceError::Denied(told) => Self::Denied(told.to_string()),
            SourceError::Archived(told) => Self::Archived(told.to_string()),
            SourceError::Unavailable(told) | SourceError::Failed(told) => {
                Self::Failed(told.to_string())
            }
        }
    }
}

impl From<&ReadFailure> for Why {
    fn from(failure: &ReadFailure) -> Self {
        match failure {
            ReadFailure::Source(error) => error.into(),
            ReadFailure::Content(ContentError::Read(error)) => Self::Read(error.to_string()),
            ReadFailure::Content(ContentError::TooLarge(limit)) => Self::TooLarge(*limit),
            ReadFailure::Content(ContentError::Malformed(fault)) => match fault {
                GzipFault::Cut => Self::Cut,
                GzipFault::Corrupt => Self::Corrupt,
                GzipFault::TrailingBytes => Self::TrailingBytes,
            },
        }
    }
}

impl Why {
    pub(super) fn failure(&self) -> ReadFailure {
        let malformed = |fault| ReadFailure::Content(ContentError::Malformed(fault));
        match self {
            Self::Read(told) => {
                ReadFailure::Content(ContentError::Read(io::Error::other(told.clone())))
            }
            Self::Cut => malformed(GzipFault::Cut),
            Self::Corrupt => malformed(GzipFault::Corrupt),
            Self::TrailingBytes => malformed(GzipFault::TrailingBytes),
            Self::TooLarge(limit) => ReadFailure::Content(ContentError::TooLarge(*limit)),
            Self::Absent | Self::Denied(_) | Self::Archived(_) | Self::Failed(_) => {
                ReadFailure::Source(self.error())
            }
        }
    }

    /// The same, of a folder that could not be listed.
    pub(super) fn error(&self) -> SourceError {
        match self {
            Self::Absent => SourceError::NotFound,
            Self::Denied(told) => SourceError::Denied(told.as_str().into()),
            Self::Archived(told) => SourceError::Archived(told.as_str().into()),
            Self::Failed(told) | Self::Read(told) => SourceError::Failed(told.as_str().into()),
            Self::Cut | Self::Corrupt | Self::TrailingBytes | Self::TooLarge(_) => {
                SourceError::Failed("its result tells no reason".into())
            }
        }
    }
}

impl From<&RecordedEvent> for Event {
    fn from(event: &RecordedEvent) -> Self {
        Self {
            at: event.at,
            id: event.id.clone(),
            deed: event.deed.name().to_owned(),
            who: event.who.clone(),
            address: event.address.clone(),
            account: event.account.clone(),
            region: event.region.clone(),
            trail: event.trail.clone(),
            validation: event.validation,
            bucket: event.bucket.clone(),
            key: event.key.clone(),
        }
    }
}

impl Event {
    fn event(&self) -> Option<RecordedEvent> {
        Some(RecordedEvent {
            at: self.at,
            id: self.id.clone(),
            deed: Deed::from_name(&self.deed)?,
            who: self.who.clone(),
            address: self.address.clone(),
            account: self.account.clone(),
            region: self.region.clone(),
            trail: self.trail.clone(),
            validation: self.validation,
            bucket: self.bucket.clone(),
            key: self.key.clone(),
        })
    }
}

/// What a result says of a log.
pub(super) struct KnownLog {
    pub(super) content: Content,
    pub(super) hint: Hint,
    pub(super) events: Option<Vec<RecordedEvent>>,
}

impl SeenLog {
    /// Nothing where it is not what this program writes.
    pub(super) fn known(&self) -> Option<KnownLog> {
        let events = self.events.as_ref().map(|events| {
            let events = events.iter().map(Event::event);
            events.collect::<Option<Vec<_>>>()
        });
        let events = match events {
            Some(events) => Some(events?),
            None => None,
        };
        Some(KnownLog {
            content: Content {
                hash: self.hash?,
                encoding: encoding(self.plain),
                stored: self.stored,
                length: self.length,
            },
            hint: match (self.here, self.elsewhere) {
                (true, _) => Hint::Here,
                (false, true) => Hint::Elsewhere,
                (false, false) => Hint::Nothing,
            },
            events,
        })
    }
}

impl SeenDigest {
    /// The digest whose packed content is `blob`; its hash is taken anew. Nothing where it is not
    /// what this program writes.
    pub(super) fn known(&self, blob: &[u8]) -> Option<(Content, Vec<u8>, Metadata)> {
        let length = usize::try_from(self.length).ok()?;
        if length > MAX_DIGEST_LEN {
            return None;
        }
        let json = if self.as_stored {
            let mut stored = GzDecoder::new(blob);
            let json = unpacked(&mut stored, length);
            // As in the archive, nothing may follow.
            json.ok().filter(|_| stored.into_inner().is_empty())?
        } else {
            unpacked(ZlibDecoder::new(blob), length).ok()?
        };
        let content = Content {
            hash: Sha256Hash::of(&json),
            encoding: encoding(self.plain),
            stored: self.stored,
            length: self.length,
        };
        let pairs = self.metadata.iter();
        let pairs = pairs.map(|(name, value)| (name.as_str(), value.as_str()));
        Some((content, json, Metadata::from_pairs(pairs)))
    }
}

fn encoding(plain: bool) -> Encoding {
    if plain {
        Encoding::Plain
    } else {
        Encoding::Gzip
    }
}

/// An outcome, ready to be written.
#[derive(Debug)]
pub struct Packed {
    pub(super) seen: Option<Seen>,
    pub(super) blob: Vec<u8>,
}

impl Packed {
    pub(super) fn of(outcome: Outcome, packer: &Packer) -> Self {
        let failed = |failure: &ReadFailure| Some(Seen::Failed(failure.into()));
        let (seen, blob) = match outcome {
            Outcome::Unread => (None, Vec::new()),
            Outcome::Log {
                content: Ok(content),
                hint,
                events,
            } => {
                let events = events.map(|events| events.iter().map(Event::from).collect());
                let log = SeenLog {
                    hash: Some(content.hash),
                    stored: content.stored,
                    length: content.length,
                    plain: content.encoding == Encoding::Plain,
                    elsewhere: hint == Hint::Elsewhere,
                    here: hint == Hint::Here,
                    events,
                };
                (Some(Seen::Log(log)), Vec::new())
            }
            Outcome::Log {
                content: Err(failure),
                ..
            }
            | Outcome::Digest {
                read: Err(failure), ..
            } => (failed(&failure), Vec::new()),
            Outcome::Digest {
                read: Ok((content, json, metadata)),
                stored,
            } => {
                let stored = stored.filter(|_| content.encoding == Encoding::Gzip);
                let pairs = metadata.pairs();
                let digest = SeenDigest {
                    stored: content.stored,
                    length: content.length,
                    plain: content.encoding == Encoding::Plain,
                    metadata: pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
                    as_stored: stored.is_some(),
                    blob: (0, 0),
                };
                let blob = stored.unwrap_or_else(|| packer.pack(&json));
                (Some(Seen::Digest(digest)), blob)
            }
        };
        Self { seen, blob }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::verify::hashing::ContentReader;

    /// What a result tells of a digest that is stored as `stored`, and in how many bytes.
    fn told(stored: &[u8], at_hand: bool) -> (Content, Vec<u8>, usize) {
        let body = Box::new(io::Cursor::new(stored.to_vec()));
        let read = ContentReader::default().collect(body, MAX_DIGEST_LEN);
        let (content, json) = read.unwrap();
        let outcome = Outcome::Digest {
            read: Ok((content, json, Metadata::default())),
            stored: at_hand.then(|| stored.to_vec()),
        };
        let packed = Packed::of(outcome, &Packer::default());
        let Some(Seen::Digest(seen)) = packed.seen else {
            panic!("{packed:?}");
        };
        let (content, json, _) = seen.known(&packed.blob).unwrap();
        let longer = [&packed.blob[..], &packed.blob[..]].concat();
        assert_eq!(seen.known(&longer).is_none(), seen.as_stored);
        for end in 0..packed.blob.len() {
            assert!(seen.known(&packed.blob[..end]).is_none(), "{end}");
        }
        (content, json, packed.blob.len())
    }

    #[test]
    fn a_digest_is_kept_as_it_is_stored_or_packed() {
        let json = br#"{"digestPublicKeyFingerprint":"0123456789abcdef"}"#.repeat(9);
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&json).unwrap();
        let gzip = gzip.finish().unwrap();
        for (stored, at_hand, encoding) in [
            (&gzip, true, Encoding::Gzip),
            (&gzip, false, Encoding::Gzip),
            (&json, true, Encoding::Plain),
            (&json, false, Encoding::Plain),
        ] {
            let (content, known, bytes) = told(stored, at_hand);
            assert_eq!(known, json);
            assert_eq!(content.encoding, encoding);
            assert_eq!(content.hash, Sha256Hash::of(&json));
            assert_eq!(content.length, json.len() as u64);
            assert_eq!(content.stored, stored.len() as u64);
            assert!(bytes < json.len());
            assert_eq!(bytes == gzip.len(), at_hand && encoding == Encoding::Gzip);
        }
    }
}
