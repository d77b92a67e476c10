#![no_main]

use std::panic;
use std::sync::Once;

/// The crate that decodes Parquet may panic, on a thread of its own, which the program takes for an error. libFuzzer would
/// take it for the end; what panics in the target itself still is.
static QUIET: Once = Once::new();

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    QUIET.call_once(|| {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if std::thread::current().name() != Some("inventory") {
                hook(info);
            }
        }));
    });
    ct_verify_fuzz::targets::inventory(data);
});
