//! `cargo fuzz run wire`; see `fuzz/run`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sopu_fuzz::wire::run(data));
