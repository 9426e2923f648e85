//! `cargo fuzz run encoding`; see `fuzz/run`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sopu_fuzz::encoding::run(data));
