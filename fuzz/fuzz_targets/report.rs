#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ct_verify_fuzz::stored::report(data));
