//! The content of a log as a stream that is hashed as it is read: whoever parses it learns at its
//! end whether it is what was proven.

use std::io::{self, BufReader, Cursor, Read};

use flate2::bufread::GzDecoder;
use sha2::{Digest as _, Sha256};

use super::super::hashing::Sha256Hash;

type Whole = io::Chain<Cursor<Vec<u8>>, Box<dyn Read + Send>>;

/// An object's content, inflated where it is gzip'd.
pub struct HashedContent {
    content: Box<dyn Read + Send>,
    hasher: Sha256,
}

impl std::fmt::Debug for HashedContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HashedContent").finish_non_exhaustive()
    }
}

impl HashedContent {
    /// The content of what is stored as `stored`.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn of(mut stored: Box<dyn Read + Send>) -> io::Result<Self> {
        let mut head = Vec::new();
        stored.by_ref().take(2).read_to_end(&mut head)?;
        let is_gzip = head == [0x1f, 0x8b];
        let whole: Whole = Cursor::new(head).chain(stored);
        let content: Box<dyn Read + Send> = if is_gzip {
            Box::new(GzDecoder::new(BufReader::with_capacity(64 * 1024, whole)))
        } else {
            Box::new(whole)
        };
        Ok(Self {
            content,
            hasher: Sha256::new(),
        })
    }

    /// Reads what is left, and tells the hash of all.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn finish(mut self) -> io::Result<Sha256Hash> {
        io::copy(&mut self, &mut io::sink())?;
        Ok(Sha256Hash::from_bytes(self.hasher.finalize().into()))
    }
}

impl Read for HashedContent {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(into)?;
        self.hasher.update(&into[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, read::GzEncoder};

    use super::*;

    #[test]
    fn what_is_read_is_what_is_hashed() {
        // Longer than what is read ahead.
        let long: Vec<u8> = (0..200_000_u32).map(|at| (at % 251) as u8).collect();
        for content in [&b""[..], b"x", b"\x1fx", b"{\"Records\":[]}", &long] {
            let mut gzip = Vec::new();
            let mut encoder = GzEncoder::new(content, Compression::fast());
            encoder.read_to_end(&mut gzip).unwrap();
            for stored in [gzip, content.to_vec()] {
                let of = || HashedContent::of(Box::new(Cursor::new(stored.clone()))).unwrap();
                let mut read = Vec::new();
                let mut stream = of();
                stream.read_to_end(&mut read).unwrap();
                assert_eq!(read, content);
                assert_eq!(stream.finish().unwrap(), Sha256Hash::of(content));
                let mut begun = of();
                let _ = begun.read(&mut [0; 5]).unwrap();
                assert_eq!(begun.finish().unwrap(), Sha256Hash::of(content));
            }
        }
    }
}
