//! A body that is kept while it is read.

use std::io::{self, Read};
use std::sync::Arc;

use super::index::{Line, Unread, Why};
use super::store::Store;
use super::writing::Writing;

/// Reads a body, and writes it to the snapshot. What its reader leaves unread is copied when it
/// is dropped: of what is tampered the whole is kept.
pub(super) struct Copying {
    pub(super) body: Box<dyn Read + Send>,
    pub(super) writing: Option<Writing>,
    pub(super) store: Arc<Store>,
    pub(super) root: String,
    pub(super) path: String,
    pub(super) listed: bool,
}

impl Copying {
    fn finish(&mut self) -> io::Result<()> {
        match self.writing.take() {
            Some(writing) => writing.finish().map_err(|error| self.store.fail(error)),
            None => Ok(()),
        }
    }

    /// The source failed: what came of the object is no object.
    fn give_up(&mut self, error: &io::Error) {
        self.writing = None;
        if self.store.is_halted() {
            return;
        }
        let line = Line::Unread(Unread {
            root: self.root.clone(),
            path: self.path.clone(),
            listed: self.listed,
            why: Why::Failed(error.to_string()),
            run: self.store.run(),
        });
        if let Err(error) = self.store.note(&line) {
            self.store.fail(error);
        }
    }
}

impl Read for Copying {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = match self.body.read(into) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => {
                self.give_up(&error);
                return Err(error);
            }
        };
        if read == 0 && !into.is_empty() {
            self.finish()?;
        } else if let Some(writing) = &mut self.writing
            && let Err(error) = writing.write(into.get(..read).unwrap_or_default())
        {
            self.writing = None;
            return Err(self.store.fail(error));
        }
        Ok(read)
    }
}

impl Drop for Copying {
    fn drop(&mut self) {
        let mut rest = vec![0; if self.writing.is_some() { 64 * 1024 } else { 0 }];
        while self.writing.is_some() && !self.store.is_halted() {
            match self.read(&mut rest) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // It has been noted.
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
    }
}
