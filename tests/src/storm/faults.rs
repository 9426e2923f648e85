//! What went wrong, counted by kind.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Counts by kind.
pub type Counts = BTreeMap<&'static str, u64>;

/// The tally of a storm.
#[derive(Default)]
pub struct Tally(Mutex<Counts>);

impl Tally {
    /// One more.
    pub fn count(&self, what: &'static str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(what).or_default() += 1;
    }

    /// All so far.
    pub fn counts(&self) -> Counts {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
