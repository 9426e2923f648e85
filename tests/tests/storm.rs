//! A few storms (see `sopu_tests::storm`), each from a seed; `tests/run storm` runs a thousand. One
//! that fails says how to run it again.

#![expect(clippy::expect_used, reason = "a test")]

use sopu_tests::storm::outcome::{replay, run};

const SEEDS: u64 = 12;
const STEPS: u64 = 200;

fn number(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().expect("a number"))
}

#[test]
fn in_every_storm_nothing_acknowledged_is_lost_and_all_end_with_the_record_the_model_says() {
    let first = number("SOPU_FIRST_SEED").unwrap_or(1);
    let mut failed = Vec::new();
    for seed in first..first + SEEDS {
        if let Some(failure) = run(seed, STEPS, false).failure {
            failed.push(format!("{failure}\n  {}", replay(seed, STEPS)));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
