//! `cargo fuzz run enrolment`; see `fuzz/run`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sopu_fuzz::enrolment::run(data));
