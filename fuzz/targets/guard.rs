//! `cargo fuzz run guard`; see `fuzz/run`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sopu_fuzz::guard::run(data));
