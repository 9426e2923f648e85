//! What an input costs that is refused: bytes allocated at peak, by an allocator that counts, and
//! processor time of the thread, the best of five. A refusal takes less than a mebibyte and a
//! millisecond; of an input too large for that, no longer than a few hashes of it.
//!
//! The bound on time is what the release build keeps: `cargo test --release -p sopu-fuzz --test memory`.
//! Unoptimised code has ten times as much, still far below what expanding would take.
#![expect(clippy::print_stdout, reason = "prints what was measured")]

mod bodies;
mod changes;
mod files;
mod runs;

use std::time::Duration;

use sha2::{Digest, Sha256};
use sopu_core::documents::{Kind, Rule};
use sopu_core::guard::Refusal;
use sopu_fuzz::counting::{Counting, measured};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const KIND: Kind = Kind::VisitNote;

/// What a refusal may take.
const MIB: isize = 1 << 20;

/// How much slower unoptimised code may be.
const SLOWER: u32 = if cfg!(debug_assertions) { 10 } else { 1 };

/// More than a change or a run of any device may have.
const LARGE: usize = 1 << 20;

/// How many hashes of it: where the processor helps with hashing, walking takes nearly two.
const HASHES: u32 = 4;

/// The processor time a refusal may take.
const LONGEST: Duration = Duration::from_millis(1);

/// What must be refused, why, and at what cost.
#[track_caller]
fn refused<T: PartialEq + std::fmt::Debug>(
    name: &str,
    bytes: usize,
    why: T,
    most: isize,
    work: impl Fn() -> T,
) {
    refused_within(name, bytes, why, most, longest(bytes), work);
}

/// As [`refused`], in this much processor time.
#[track_caller]
fn refused_within<T: PartialEq + std::fmt::Debug>(
    name: &str,
    bytes: usize,
    why: T,
    most: isize,
    longest: Duration,
    work: impl Fn() -> T,
) {
    let (says, peak, best) = measured(work);
    println!(
        "{name:60} {bytes:>9} B in {peak:>9} B at peak {:>8} us",
        best.as_micros()
    );
    assert_eq!(says, why, "{name}");
    assert!(peak <= most, "{name}: {peak} bytes at peak");
    assert!(best <= longest, "{name}: {best:?} of {longest:?}");
}

/// The processor time a refusal of so many bytes may take.
fn longest(bytes: usize) -> Duration {
    let by_size = if bytes > LARGE {
        hashing(bytes) * HASHES
    } else {
        Duration::ZERO
    };
    LONGEST.max(by_size) * SLOWER
}

/// The processor time of hashing so many bytes: what the mere size of an input costs.
fn hashing(bytes: usize) -> Duration {
    let input = vec![0x5a; bytes];
    measured(|| Sha256::digest(&input)).2
}

fn code<T>(said: Result<T, Refusal>) -> &'static str {
    said.map_or_else(|refusal| refusal.code, |_| "passed")
}

fn key_of(wanted: impl Fn(&Rule) -> bool) -> &'static str {
    KIND.spec()
        .fields()
        .find(|field| wanted(&field.rule))
        .expect("has one")
        .key()
}

#[test]
fn the_counting_allocator_counts() {
    let ((), peak, _) = measured(|| drop(vec![1u8; 3_000_000]));
    assert!((3_000_000..3_001_000).contains(&peak), "{peak}");
}
