//! Blocks of results that are held in memory: those that were asked for last, within a bound.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use super::frame::Block;
use super::record::Line;

/// A line takes about so many times the memory that it takes as text.
const BLOAT: u64 = 2;

/// What is held.
#[derive(Debug)]
pub(super) struct Cache {
    state: Mutex<State>,
    most: u64,
}

/// The shard of a block, and where it begins in its result.
type Which = (u32, u64);

#[derive(Debug, Default)]
struct State {
    held: HashMap<Which, (u64, u64, Arc<Vec<Line>>)>,
    /// By when they were asked for last.
    order: BTreeMap<u64, Which>,
    clock: u64,
    bytes: u64,
}

impl Cache {
    pub(super) fn new(most: usize) -> Self {
        Self {
            state: Mutex::default(),
            most: most as u64,
        }
    }

    /// The lines of a block, which are read where they are not held.
    pub(super) fn get(
        &self,
        shard: u32,
        block: &Block,
        read: impl FnOnce() -> io::Result<Vec<Line>>,
    ) -> io::Result<Arc<Vec<Line>>> {
        let which = (shard, block.at);
        if let Some(lines) = self.lock().touch(which) {
            return Ok(lines);
        }
        let lines = Arc::new(read()?);
        self.lock()
            .add(which, block.lines * BLOAT, &lines, self.most);
        Ok(lines)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn touch(&mut self, which: Which) -> Option<Arc<Vec<Line>>> {
        let (asked, _, lines) = self.held.get_mut(&which)?;
        self.clock += 1;
        self.order.remove(asked);
        *asked = self.clock;
        self.order.insert(self.clock, which);
        Some(Arc::clone(lines))
    }

    fn add(&mut self, which: Which, bytes: u64, lines: &Arc<Vec<Line>>, most: u64) {
        if self.held.contains_key(&which) {
            return;
        }
        self.clock += 1;
        self.order.insert(self.clock, which);
        self.held
            .insert(which, (self.clock, bytes, Arc::clone(lines)));
        self.bytes += bytes;
        while self.bytes > most {
            let Some((_, oldest)) = self.order.pop_first() else {
                return;
            };
            if let Some((_, bytes, _)) = self.held.remove(&oldest) {
                self.bytes -= bytes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(at: u64) -> Block {
        Block {
            first: String::new(),
            at,
            packed: 1,
            lines: 100,
            hashes: 0,
            blobs: 0,
        }
    }

    #[test]
    fn what_was_asked_for_last_is_held() {
        let cache = Cache::new(450);
        let read = |at: u64| {
            let mut was_read = false;
            let lines = cache.get(0, &block(at), || {
                was_read = true;
                Ok(Vec::new())
            });
            assert!(lines.is_ok());
            was_read
        };
        assert!(read(1) && read(2));
        assert!(!read(1) && !read(2) && !read(1));
        assert!(read(3), "a third goes in, and the second out");
        assert!(!read(1) && !read(3) && read(2));
    }
}
