//! What each decoder of outside bytes must survive, one file a target. A target takes any bytes and
//! panics only if a promise is broken. The fuzzer drives them (`fuzz/run`); ordinary tests replay
//! the corpus and try tens of thousands of mutants.

pub mod counting;
pub mod encoding;
pub mod enrolment;
pub mod envelope;
pub mod file;
pub mod guard;
pub mod reader;
pub mod wire;

/// A target's name and what it does with bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: &[Target] = &[
    ("guard", guard::run),
    ("wire", wire::run),
    ("encoding", encoding::run),
    ("envelope", envelope::run),
    ("enrolment", enrolment::run),
    ("file", file::run),
];
