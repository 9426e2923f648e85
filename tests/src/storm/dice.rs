//! Chance from a seed, and clocks that follow one common time: the same seed gives the same day.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use sopu_core::time::Env;

/// 2026-11-22 12:00 UTC.
const START_MS: i64 = 1_795_348_800_000;

/// A small generator (splitmix64): the sequence belongs to the seed on every machine.
#[derive(Debug)]
pub struct Dice(AtomicU64);

impl Dice {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The next number.
    pub fn next(&self) -> u64 {
        let add = 0x9E37_79B9_7F4A_7C15;
        let state = self.0.fetch_add(add, Ordering::SeqCst).wrapping_add(add);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`, which is not 0.
    pub fn below(&self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or(0)
    }

    /// `true` once in so many times.
    pub fn once_in(&self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// Time as it truly is.
#[derive(Debug)]
pub struct Time(AtomicI64);

impl Time {
    /// From the start of the day.
    pub fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(START_MS)))
    }

    /// What it is.
    pub fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }

    /// So much later.
    pub fn pass(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

/// One machine's clock, off by some milliseconds, and its own randomness.
#[derive(Debug)]
pub struct Machine {
    time: Arc<Time>,
    off_ms: AtomicI64,
    dice: Dice,
}

impl Machine {
    /// Another machine.
    pub fn new(time: &Arc<Time>, dice: &Dice) -> Arc<Self> {
        Arc::new(Self {
            time: Arc::clone(time),
            off_ms: AtomicI64::new(0),
            dice: Dice::new(dice.next()),
        })
    }

    /// Sets its clock wrong by this much.
    pub fn set_off(&self, ms: i64) {
        self.off_ms.store(ms, Ordering::SeqCst);
    }
}

impl Env for Machine {
    fn now_ms(&self) -> i64 {
        self.time.0.load(Ordering::SeqCst) + self.off_ms.load(Ordering::SeqCst)
    }

    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.dice.next().to_be_bytes()[..chunk.len()]);
        }
    }
}
