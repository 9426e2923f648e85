//! Whether a trial under way comes to an end.

use std::sync::atomic::{AtomicU64, Ordering};

/// What the one who merges shows of itself while it tries runs: a number for the trial under way, or that
/// there is none.
#[derive(Default)]
pub struct Pulse {
    trials: AtomicU64,
    trying: AtomicU64,
}

/// A trial under way; it is over when this is dropped, however it ended.
#[must_use]
pub struct Trying<'a>(&'a Pulse);

impl Pulse {
    /// A trial begins.
    pub fn begin(&self) -> Trying<'_> {
        let number = self.trials.fetch_add(1, Ordering::Relaxed) + 1;
        self.trying.store(number, Ordering::Release);
        Trying(self)
    }

    /// The number of the trial under way, each trial its own.
    pub fn trial(&self) -> Option<u64> {
        Some(self.trying.load(Ordering::Acquire)).filter(|number| *number > 0)
    }
}

impl Drop for Trying<'_> {
    fn drop(&mut self) {
        self.0.trying.store(0, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    #[test]
    fn each_trial_has_a_number_until_it_is_over() {
        let pulse = Pulse::default();
        assert_eq!(pulse.trial(), None);
        let first = pulse.begin();
        let number = pulse.trial();
        assert!(number.is_some());
        drop(first);
        assert_eq!(pulse.trial(), None);
        let _second = pulse.begin();
        assert!(pulse.trial() > number);
    }

    #[test]
    fn one_that_panics_is_over() {
        let pulse = Pulse::default();
        let tried = catch_unwind(AssertUnwindSafe(|| {
            let _trying = pulse.begin();
            std::panic::resume_unwind(Box::new("rehearsed"));
        }));
        assert!(tried.is_err());
        assert_eq!(pulse.trial(), None);
    }
}
