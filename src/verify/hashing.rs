//! SHA-256 over what an object holds: inflated as it is read, in bounded memory.
//!
//! An object is one whole gzip member, or plain bytes. Readers such as zcat and Athena go on to
//! further members, so anything after the first one is a fault, and so is a cut-off trailer.

mod input;

use std::fmt;
use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;
use sha2::{Digest as _, Sha256};

use input::Input;

/// How much is read and inflated at a time: more gains nothing, less costs.
const CHUNK: usize = 128 * 1024;
/// The two bytes that every gzip member begins with.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A SHA-256 hash: 32 bytes, whatever text it came in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Hash([u8; 32]);

impl Sha256Hash {
    /// Reads 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// A hash that was taken elsewhere.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The hash of `content`.
    pub fn of(content: &[u8]) -> Self {
        Self(Sha256::digest(content).into())
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Sha256Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 64];
        hex::encode_to_slice(self.0, &mut digits).map_err(|_| fmt::Error)?;
        f.write_str(std::str::from_utf8(&digits).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Sha256Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How an object's bytes are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// One gzip member.
    Gzip,
    /// As they are, such as a tool leaves them that undid `Content-Encoding: gzip`.
    Plain,
}

/// What reading an object to its end gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    /// SHA-256 of the content, inflated where it was gzip'd.
    pub hash: Sha256Hash,
    /// How it is stored.
    pub encoding: Encoding,
    /// Bytes as stored.
    pub stored: u64,
    /// Bytes of content.
    pub length: u64,
}

/// Why an object has no content that could be hashed.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The bytes could not be read. This says nothing about what the object holds.
    #[error("could not be read: {0}")]
    Read(#[source] io::Error),
    /// The bytes are not one whole gzip member.
    #[error("{0}")]
    Malformed(GzipFault),
    /// There is more content than the limit allows.
    #[error("holds more than {0} bytes")]
    TooLarge(u64),
}

/// What is wrong with a gzip stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GzipFault {
    /// It ends before its trailer does.
    #[error("the gzip stream is cut off")]
    Cut,
    /// It does not inflate, or its checksum or length is wrong.
    #[error("the gzip stream is corrupt")]
    Corrupt,
    /// Bytes follow the end of its first member.
    #[error("bytes follow the end of the gzip stream")]
    TrailingBytes,
}

/// Reads objects and hashes their content; keeps its buffers from one object to the next.
pub struct ContentReader {
    decoder: GzDecoder<Input>,
    chunk: Vec<u8>,
}

impl fmt::Debug for ContentReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContentReader").finish_non_exhaustive()
    }
}

impl Default for ContentReader {
    fn default() -> Self {
        Self {
            decoder: GzDecoder::new(Input::default()),
            chunk: vec![0; CHUNK],
        }
    }
}

impl ContentReader {
    /// Hashes all of `source`; its content is not kept, so memory does not grow with it.
    ///
    /// # Errors
    /// [`ContentError::Read`] where `source` failed, [`ContentError::Malformed`] where its bytes
    /// are not one whole gzip member, [`ContentError::TooLarge`] where it holds more than `limit`
    /// bytes: no more is read then.
    pub fn hash(
        &mut self,
        source: Box<dyn Read + Send>,
        limit: u64,
    ) -> Result<Content, ContentError> {
        self.read(source, limit, |_| ())
    }

    /// Hashes all of `source`, and gives its content, of at most `limit` bytes.
    ///
    /// # Errors
    /// As [`Self::hash`].
    pub fn collect(
        &mut self,
        source: Box<dyn Read + Send>,
        limit: usize,
    ) -> Result<(Content, Vec<u8>), ContentError> {
        let mut content = Vec::new();
        let read = self.read(source, limit as u64, |chunk| {
            content.extend_from_slice(chunk);
        })?;
        Ok((read, content))
    }

    /// Hashes all of `source`, and shows its content to `look` on the way.
    ///
    /// # Errors
    /// As [`Self::hash`].
    pub fn hash_and_look(
        &mut self,
        source: Box<dyn Read + Send>,
        limit: u64,
        look: impl FnMut(&[u8]),
    ) -> Result<Content, ContentError> {
        self.read(source, limit, look)
    }

    /// Hashes all of `source` as it is stored: nothing is inflated. Gives how many bytes it has.
    ///
    /// # Errors
    /// Where `source` failed.
    pub fn hash_stored(&mut self, source: Box<dyn Read + Send>) -> io::Result<(Sha256Hash, u64)> {
        let input = self.decoder.get_mut();
        input.restart(source, u64::MAX);
        let mut hasher = Sha256::new();
        loop {
            let chunk = input.fill_buf()?;
            if chunk.is_empty() {
                break;
            }
            hasher.update(chunk);
            let taken = chunk.len();
            input.consume(taken);
        }
        input.source = None;
        Ok((Sha256Hash(hasher.finalize().into()), input.total))
    }

    fn read(
        &mut self,
        source: Box<dyn Read + Send>,
        limit: u64,
        take: impl FnMut(&[u8]),
    ) -> Result<Content, ContentError> {
        let read = self.read_all(source, limit, take);
        // Also where it broke off: whoever keeps what is read knows by this that no more is.
        self.decoder.get_mut().source = None;
        read
    }

    fn read_all(
        &mut self,
        source: Box<dyn Read + Send>,
        limit: u64,
        mut take: impl FnMut(&[u8]),
    ) -> Result<Content, ContentError> {
        let mut input = std::mem::take(self.decoder.get_mut());
        input.restart(source, limit);
        let is_gzip = input.peek().map(|head| head.starts_with(&GZIP_MAGIC));
        let encoding = if is_gzip.map_err(|error| input.unread(error))? {
            Encoding::Gzip
        } else {
            Encoding::Plain
        };
        let mut hasher = Sha256::new();
        let mut length = 0_u64;
        let mut take = |chunk: &[u8]| {
            length = length.saturating_add(chunk.len() as u64);
            if length > limit {
                return Err(ContentError::TooLarge(limit));
            }
            hasher.update(chunk);
            take(chunk);
            Ok(())
        };
        match encoding {
            Encoding::Plain => {
                loop {
                    let taken = match input.fill_buf() {
                        Ok([]) => break,
                        Ok(chunk) => {
                            take(chunk)?;
                            chunk.len()
                        }
                        Err(error) => return Err(input.unread(error)),
                    };
                    input.consume(taken);
                }
                *self.decoder.get_mut() = input;
            }
            Encoding::Gzip => {
                self.decoder.reset(input);
                loop {
                    let inflated = match self.decoder.read(&mut self.chunk) {
                        Ok(0) => break,
                        Ok(inflated) => inflated,
                        Err(error) => return Err(self.decoder.get_mut().explain(&error)),
                    };
                    take(&self.chunk[..inflated])?;
                }
                let input = self.decoder.get_mut();
                let is_at_end = input.fill_buf().map(<[u8]>::is_empty);
                if !is_at_end.map_err(|error| input.unread(error))? {
                    return Err(ContentError::Malformed(GzipFault::TrailingBytes));
                }
            }
        }
        Ok(Content {
            hash: Sha256Hash(hasher.finalize().into()),
            encoding,
            stored: self.decoder.get_ref().total,
            length,
        })
    }
}

#[cfg(test)]
mod tests;
