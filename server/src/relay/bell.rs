//! What wakes the merge worker.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

use super::lock;

/// Rings are counted, so one between looking and waiting is not missed.
#[derive(Default)]
pub struct Bell {
    rings: Mutex<u64>,
    rung: Condvar,
}

impl Bell {
    /// How often it has rung.
    pub fn number(&self) -> u64 {
        *lock(&self.rings)
    }

    /// Rings.
    pub fn ring(&self) {
        *lock(&self.rings) += 1;
        self.rung.notify_all();
    }

    /// Waits until it has rung more than `heard` times, at most so long.
    pub fn wait(&self, heard: u64, longest: Duration) {
        let rings = lock(&self.rings);
        // Woken or not, the caller looks again.
        drop(
            self.rung
                .wait_timeout_while(rings, longest, |rings| *rings == heard),
        );
    }
}
