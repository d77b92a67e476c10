//! Worker threads.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Builder;

/// Much less is used; a thread that only waits takes no more memory than it uses.
const STACK: usize = 1024 * 1024;

/// Does `work` on `count` threads at once, of which this is one, and waits for all of them.
pub(super) fn in_threads(count: usize, work: impl Fn() + Sync) {
    std::thread::scope(|scope| {
        for _ in 1..count {
            let thread = Builder::new()
                .name("verify".into())
                .stack_size(STACK)
                .spawn_scoped(scope, &work);
            if thread.is_err() {
                // The system allows no more: those that there are do it.
                break;
            }
        }
        work();
    });
}

/// What `work` makes of each of `items`, in their order.
pub(crate) fn in_parallel<T: Sync, R: Send>(
    threads: usize,
    items: &[T],
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    if items.is_empty() {
        return Vec::new();
    }
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(items.len()));
    in_threads(threads.min(items.len()), || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else {
                return;
            };
            let result = work(item);
            if let Ok(mut results) = results.lock() {
                results.push((at, result));
            }
        }
    });
    let mut results = results
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}
