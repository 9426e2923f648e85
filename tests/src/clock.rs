//! The machine's clock, set wrong by a known amount, and the machine's randomness.

use std::sync::atomic::{AtomicI64, Ordering};

use sopu_core::time::{Env, SystemEnv};

/// A clock that is off by so many milliseconds.
#[derive(Debug, Default)]
pub struct Clock(AtomicI64);

impl Clock {
    /// Off by `ms` from now on.
    pub fn set_off(&self, ms: i64) {
        self.0.store(ms, Ordering::Relaxed);
    }
}

impl Env for Clock {
    fn now_ms(&self) -> i64 {
        SystemEnv.now_ms() + self.0.load(Ordering::Relaxed)
    }

    fn fill(&self, bytes: &mut [u8]) {
        SystemEnv.fill(bytes);
    }
}
