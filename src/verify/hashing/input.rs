//! What is read, buffered.

use std::io::{self, BufRead, Read};

use super::{CHUNK, ContentError, GZIP_MAGIC, GzipFault};

/// A gzip stream's header and trailer are never larger. Between them it takes a few bytes in each 16 KiB
/// beside its content, where that cannot be compressed.
const STREAM: u64 = 64 * 1024;

/// A buffered source that remembers its own failures, so that they are never taken for a fault
/// of what it holds.
#[derive(Default)]
pub(super) struct Input {
    pub(super) source: Option<Box<dyn Read + Send>>,
    pub(super) buffer: Vec<u8>,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) total: u64,
    /// So much content may be held, and so much may be stored for it.
    pub(super) limit: u64,
    pub(super) failure: Option<io::Error>,
}

impl Input {
    pub(super) fn restart(&mut self, source: Box<dyn Read + Send>, limit: u64) {
        self.limit = limit;
        self.buffer.resize(CHUNK, 0);
        self.source = Some(source);
        (self.start, self.end, self.total) = (0, 0, 0);
        self.failure = None;
    }

    /// The first two bytes, or as many as there are.
    pub(super) fn peek(&mut self) -> io::Result<&[u8]> {
        while self.end < GZIP_MAGIC.len() && self.read_more()? > 0 {}
        Ok(&self.buffer[..self.end])
    }

    pub(super) fn read_more(&mut self) -> io::Result<usize> {
        let Some(source) = &mut self.source else {
            return Ok(0);
        };
        loop {
            match source.read(&mut self.buffer[self.end..]) {
                Ok(read) => {
                    self.end += read;
                    self.total += read as u64;
                    if self.is_too_long() {
                        return Err(io::Error::other("it is too long"));
                    }
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether more is stored than any content within the limit takes, such as a stream of blocks
    /// that hold nothing.
    fn is_too_long(&self) -> bool {
        let beside = (self.limit / 64).saturating_add(STREAM);
        self.total > self.limit.saturating_add(beside)
    }

    /// Why reading failed, where no stream is at fault.
    pub(super) fn unread(&self, error: io::Error) -> ContentError {
        if self.is_too_long() {
            ContentError::TooLarge(self.limit)
        } else {
            ContentError::Read(error)
        }
    }

    /// Tells a failure to read apart from a fault of the stream.
    pub(super) fn explain(&mut self, error: &io::Error) -> ContentError {
        if self.is_too_long() {
            return ContentError::TooLarge(self.limit);
        }
        if let Some(failure) = self.failure.take() {
            return ContentError::Read(failure);
        }
        let cut = error.kind() == io::ErrorKind::UnexpectedEof;
        ContentError::Malformed(if cut {
            GzipFault::Cut
        } else {
            GzipFault::Corrupt
        })
    }
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let taken = available.len().min(into.len());
        into[..taken].copy_from_slice(&available[..taken]);
        self.consume(taken);
        Ok(taken)
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if let Err(error) = self.read_more() {
                let kind = error.kind();
                let told = io::Error::new(kind, error.to_string());
                self.failure = Some(error);
                return Err(told);
            }
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn consume(&mut self, taken: usize) {
        self.start = (self.start + taken).min(self.end);
    }
}
