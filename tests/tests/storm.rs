//! Many small storms (see `sopu_tests::storm`), each from a seed. One that fails says its seed;
//! `SOPU_SEED=17 cargo test -p sopu-tests --test storm` runs it alone, and tells what happened.

#![expect(clippy::expect_used, reason = "a test")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use sopu_tests::storm::Storm;

const SEEDS: u64 = 40;
const STEPS: usize = 110;

fn weather(seed: u64, tell: bool) -> Result<(), String> {
    let mut storm = Storm::new(seed);
    let ran = catch_unwind(AssertUnwindSafe(|| {
        for _ in 0..STEPS {
            storm.step();
        }
        storm.calm();
        storm.judge();
    }));
    if tell {
        storm.log.iter().for_each(|line| eprintln!("{line}"));
    }
    ran.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
            .unwrap_or_default()
    })
}

#[test]
fn after_any_storm_all_have_the_same_record_and_every_edit_is_in_it_once() {
    let alone = std::env::var("SOPU_SEED").ok();
    if let Some(seed) = alone.and_then(|seed| seed.parse().ok()) {
        weather(seed, true).expect("the storm of this seed");
        return;
    }
    let first = std::env::var("SOPU_FIRST_SEED")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(1);
    let failed: Vec<(u64, String)> = (first..first + SEEDS)
        .filter_map(|seed| Some((seed, weather(seed, false).err()?)))
        .collect();
    assert!(failed.is_empty(), "SOPU_SEED=… fails: {failed:#?}");
}
