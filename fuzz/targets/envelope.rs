//! `cargo fuzz run envelope`; see `fuzz/run`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sopu_fuzz::envelope::run(data));
