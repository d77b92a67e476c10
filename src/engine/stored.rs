//! The bytes that a digest is stored as, kept while it is read: who wants them packed has them, and
//! need not pack its content anew.

use std::io::{self, Read};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::source::Body;

/// What is kept, unless it is more than this.
const MOST: usize = 256 * 1024;

/// Keeps what is read of the bodies that are handed through it, of the last one at a time.
#[derive(Debug, Default)]
pub(super) struct Stored(Arc<Mutex<Vec<u8>>>);

impl Stored {
    /// The same body. From here on its bytes are kept, and no other's.
    pub(super) fn of(&self, body: Body) -> Body {
        lock(&self.0).clear();
        let reader = Box::new(Kept {
            inner: body.reader,
            kept: Arc::clone(&self.0),
        });
        Body { reader, ..body }
    }

    /// What was kept, where that is all of the `length` bytes that were read.
    pub(super) fn all(self, length: u64) -> Option<Vec<u8>> {
        let kept = mem::take(&mut *lock(&self.0));
        (kept.len() as u64 == length).then_some(kept)
    }
}

struct Kept {
    inner: Box<dyn Read + Send>,
    kept: Arc<Mutex<Vec<u8>>>,
}

impl Read for Kept {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        let mut kept = lock(&self.kept);
        let room = MOST.saturating_sub(kept.len());
        kept.extend_from_slice(&into[..read.min(room)]);
        Ok(read)
    }
}

fn lock(kept: &Mutex<Vec<u8>>) -> MutexGuard<'_, Vec<u8>> {
    // Each change is a single one.
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Facts;

    fn read(stored: &Stored, content: &[u8]) -> u64 {
        let reader = Box::new(io::Cursor::new(content.to_vec()));
        let facts = Facts::default();
        let mut body = stored.of(Body { reader, facts });
        let mut all = Vec::new();
        body.reader.read_to_end(&mut all).unwrap();
        assert_eq!(all, content);
        all.len() as u64
    }

    #[test]
    fn what_was_read_last_is_kept_and_nothing_else() {
        let stored = Stored::default();
        read(&stored, b"broken off, and then");
        let length = read(&stored, b"whole");
        assert_eq!(stored.all(length).unwrap(), b"whole");
    }

    #[test]
    fn what_is_not_all_of_it_is_nothing() {
        for length in [MOST, MOST + 1, 3 * MOST] {
            let stored = Stored::default();
            let read = read(&stored, &vec![7; length]);
            assert_eq!(stored.all(read).is_some(), length <= MOST, "{length}");
        }
        let stored = Stored::default();
        let length = read(&stored, b"some");
        assert_eq!(stored.all(length + 1), None);
    }
}
