//! One storm from beginning to end.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::Storm;
use super::faults::Counts;

/// What came of a storm.
pub struct Outcome {
    /// Steps taken.
    pub steps: u64,
    /// What went wrong in it, by kind.
    pub faults: Counts,
    /// What did not hold, if anything.
    pub failure: Option<String>,
    /// What happened, if it was to be told.
    pub log: Vec<String>,
}

/// A storm of so many steps, the calm after it, and the judgement.
pub fn run(seed: u64, steps: u64, tells: bool) -> Outcome {
    let mut storm = Storm::new(seed);
    storm.tells = tells;
    weather(storm, steps)
}

/// The same in a world that was perhaps tampered with.
pub fn weather(mut storm: Storm, steps: u64) -> Outcome {
    let ran = catch_unwind(AssertUnwindSafe(|| {
        for _ in 0..steps {
            storm.step();
        }
        storm.calm();
        storm.judge();
    }));
    let failure = ran.err().map(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
            .unwrap_or_default()
    });
    Outcome {
        steps: storm.steps,
        faults: storm.faults(),
        log: std::mem::take(&mut storm.log),
        failure,
    }
}

/// The one command that runs a storm again and tells what happened in it; with what else was asked for, such as
/// `--plain`.
pub fn replay(seed: u64, steps: u64, asked: &str) -> String {
    let until = seed + 1;
    format!(
        "cargo run --release -p sopu-tests --bin campaign -- --seeds {seed}..{until} --steps {steps}{asked} --tell"
    )
}
