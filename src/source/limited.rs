//! Writing no more than may be held.

use std::io::{self, Write};

/// What takes no more than so many bytes of an object.
#[derive(Debug)]
pub struct Limited<W> {
    into: W,
    left: u64,
    told: &'static str,
}

impl<W> Limited<W> {
    /// Takes up to `limit` bytes; whoever writes more is `told` why that fails.
    pub fn new(into: W, limit: u64, told: &'static str) -> Self {
        Self {
            into,
            left: limit,
            told,
        }
    }

    /// What was written to.
    pub fn into_inner(self) -> W {
        self.into
    }
}

impl<W: Write> Write for Limited<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.left.checked_sub(bytes.len() as u64);
        self.left = left.ok_or_else(|| io::Error::other(self.told))?;
        self.into.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.into.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_held_than_may_be() {
        let mut limited = Limited::new(Vec::new(), 5, "too long");
        limited.write_all(b"12345").unwrap();
        assert!(limited.write_all(b"6").is_err());
        assert_eq!(limited.into_inner(), b"12345");
    }
}
