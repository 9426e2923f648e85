//! The relay comes back from a backup: drills by seed, and the stories they told.

#![expect(clippy::expect_used, reason = "a test")]

mod disk_lost;
mod first_sync;
mod left;
mod moved;
mod salvaged;
mod unnoticed;

use std::panic::{AssertUnwindSafe, catch_unwind};

use sopu_tests::drill::Drill;

/// Steps of one drill.
const STEPS: usize = 120;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// The command that tells the story of one seed.
fn replay(seed: u64) -> String {
    format!("RESTORE_SEED={seed} cargo test -p sopu-tests --test restore drills_of_many")
}

/// `RESTORE_SEEDS=2000` runs more of them, `RESTORE_FIRST` from another on; `RESTORE_SEED` one alone.
#[test]
fn drills_of_many_seeds_end_complete_and_equal() {
    if let Ok(seed) = std::env::var("RESTORE_SEED") {
        let seed = seed.parse().expect("a number");
        let mut drill = Drill::new(seed);
        let told = catch_unwind(AssertUnwindSafe(|| run(&mut drill)));
        for line in &drill.log {
            eprintln!("{line}");
        }
        assert!(told.is_ok(), "{}", replay(seed));
        return;
    }
    let seeds = number("RESTORE_SEEDS", 60);
    let first = number("RESTORE_FIRST", 0);
    let mut failed = Vec::new();
    let mut restores = 0;
    for seed in first..first + seeds {
        let mut drill = Drill::new(seed);
        if catch_unwind(AssertUnwindSafe(|| run(&mut drill))).is_err() {
            eprintln!("seed {seed} failed:\n  {}", replay(seed));
            failed.push(replay(seed));
            if failed.len() == 10 {
                break;
            }
        }
        restores += drill.restores;
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(restores as u64 > seeds * 2, "only {restores} restores");
}

fn run(drill: &mut Drill) {
    for _ in 0..STEPS {
        drill.step();
    }
    drill.calm();
    drill.judge();
}

/// A first sync that was under way at a restore (its running hash went on from the old one, its
/// packs were numbered by the old feed); a space left with work that a restored relay had lost; a
/// letter typed behind another's, whose change went because nobody had signed it.
#[test]
fn drills_that_once_failed_stay_mended() {
    for seed in [2, 110, 534, 658, 874] {
        let told = catch_unwind(|| run(&mut Drill::new(seed)));
        assert!(told.is_ok(), "{}", replay(seed));
    }
}
