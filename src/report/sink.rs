//! Where observers write to, from many threads.

use std::io::{self, BufWriter, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a line may wait before a reader at the other end sees it, while others follow.
const DELAY: Duration = Duration::from_millis(500);

/// A writer shared by those who observe a run. Its first failure is kept for whoever ends it,
/// and nothing is written after it.
#[derive(Clone)]
pub struct Sink(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    failed: AtomicBool,
    on_failure: Hook,
}

type Hook = Box<dyn Fn() + Send + Sync>;

struct State {
    out: BufWriter<Box<dyn Write + Send>>,
    flushed: Instant,
    error: Option<io::Error>,
}

impl Sink {
    /// A sink that ends in `out`.
    pub fn new(out: Box<dyn Write + Send>) -> Self {
        Self::with_hook(out, Box::new(|| {}))
    }

    /// The same, and `on_failure` is called once it fails: a run whose only reader has gone need
    /// not go on.
    pub fn with_hook(out: Box<dyn Write + Send>, on_failure: Hook) -> Self {
        let state = State {
            out: BufWriter::new(out),
            flushed: Instant::now(),
            error: None,
        };
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            failed: AtomicBool::new(false),
            on_failure,
        }))
    }

    /// Writes what `write` writes, all of it in one piece.
    pub fn write(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if self.has_failed() {
            return;
        }
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut result = write(&mut state.out);
        if result.is_ok() && state.flushed.elapsed() >= DELAY {
            state.flushed = Instant::now();
            result = state.out.flush();
        }
        if let Err(error) = result {
            state.error.get_or_insert(error);
            drop(state);
            if !self.0.failed.swap(true, Ordering::Relaxed) {
                (self.0.on_failure)();
            }
        }
    }

    /// Whether something could not be written.
    pub fn has_failed(&self) -> bool {
        self.0.failed.load(Ordering::Relaxed)
    }

    /// Writes out what is held back.
    ///
    /// # Errors
    /// Where that, or anything before it, could not be written.
    pub fn finish(&self) -> io::Result<()> {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.error.take() {
            Some(error) => Err(error),
            None => state.out.flush(),
        }
    }
}

impl std::fmt::Debug for Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sink")
            .field("failed", &self.has_failed())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_failure_is_told_at_the_end() {
        let sink = Sink::new(Box::new(Full));
        sink.write(|out| out.write_all(&vec![b'x'; 100_000]));
        assert!(sink.has_failed());
        sink.write(|_| panic!("nothing is written after a failure"));
        assert_eq!(
            sink.finish().unwrap_err().kind(),
            io::ErrorKind::StorageFull
        );
        let sink = Sink::new(Box::new(Full));
        sink.write(|out| out.write_all(b"held back"));
        assert!(sink.finish().is_err());
    }
}
