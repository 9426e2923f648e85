//! `kill -9` of real relay and device processes at random moments under load: nothing that was
//! told saved or acknowledged is missing afterwards, everyone converges, every file is whole.
//! `SOPU_CRASH_SECONDS` makes it longer, `SOPU_CRASH_SEED` another one.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sopu_tests::outside::run::{Programs, Run, Settings};

fn number(name: &str, otherwise: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.and_then(|n| n.parse().ok()).unwrap_or(otherwise)
}

fn programs() -> Programs<'static> {
    Programs {
        relay: Path::new(env!("CARGO_BIN_EXE_outside_relay")),
        phone: Path::new(env!("CARGO_BIN_EXE_outside_phone")),
    }
}

/// Each run starts more processes than a small machine has cores: one after the other.
static ONE: Mutex<()> = Mutex::new(());

fn judged(settings: Settings) {
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().expect("a folder");
    let outcome = Run::new(programs(), dir.path(), settings.clone()).all();
    let good = outcome.faults.is_empty() && outcome.damage.is_empty();
    if !good {
        let kept = dir.keep();
        panic!("{settings:?}\nkept in {}\n{outcome:#?}", kept.display());
    }
    let told = |name: &str| outcome.counts.get(name).copied().unwrap_or(0);
    eprintln!("{:?}", outcome.counts);
    for name in [
        "relay kills",
        "phone kills",
        "acknowledged",
        "settled",
        "reads",
        "office reads",
        "endings",
    ] {
        assert!(told(name) > 0, "{name}: {:?}", outcome.counts);
    }
    let odd: Vec<&String> = outcome
        .counts
        .keys()
        .filter(|name| name.starts_with("failed "))
        .filter(|name| {
            !["offline", "busy", "bad_answer", "no_answer", "status_503"]
                .contains(&name.trim_start_matches("failed "))
        })
        .collect();
    assert!(odd.is_empty(), "{odd:?}");
}

#[test]
fn processes_killed_at_any_moment_lose_nothing_they_told_of() {
    judged(Settings {
        seed: number("SOPU_CRASH_SEED", 1),
        lasts: Duration::from_secs(number("SOPU_CRASH_SECONDS", 30)),
        phones: 4,
        readers: 1,
        relay_kill_ms: 900,
        phone_kill_ms: 700,
        bad_network: false,
    });
}

#[test]
fn a_history_of_clients_on_a_bad_network_holds_no_contradiction() {
    judged(Settings {
        seed: number("SOPU_CRASH_SEED", 2),
        lasts: Duration::from_secs(number("SOPU_HISTORY_SECONDS", 30)),
        phones: 4,
        readers: 3,
        relay_kill_ms: 6_000,
        phone_kill_ms: 3_000,
        bad_network: true,
    });
}
