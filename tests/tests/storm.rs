//! A few storms (see `sopu_tests::storm`), each from a seed; `tests/run storm` runs a thousand. One
//! that fails says how to run it again.

#![expect(clippy::expect_used, reason = "a test")]

use sopu_tests::storm::Storm;
use sopu_tests::storm::outcome::{replay, run, weather};

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
            failed.push(format!("{failure}\n  {}", replay(seed, STEPS, "")));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// With an office that erases documents, and makes readers of people and back.
#[test]
fn what_the_office_erases_is_gone_from_everywhere_and_readers_lose_nothing() {
    for seed in 1..7 {
        let mut storm = Storm::new(seed);
        storm.busy_office = true;
        let failure = weather(storm, STEPS).failure;
        let again = replay(seed, STEPS, " --busy-office");
        assert_eq!(failure, None, "{again}");
    }
}

/// The relay's ledger goes back with its database: all that is newer is known to the phones alone. Once what
/// had been written at the office by someone who had not written there before was lost (32, 50, 55, 58, 73), or
/// stayed on the phones apart from the record (65); and a wiped device of which the relay had forgotten that it
/// was cut off asked for more without end (2363).
#[test]
fn a_relay_that_loses_its_ledger_too_gets_everything_back() {
    for seed in [1, 2, 32, 50, 55, 58, 65, 73, 2363] {
        let mut storm = Storm::new(seed);
        storm.loses_relay = true;
        storm.forgets_ledger = true;
        let failure = weather(storm, STEPS).failure;
        let again = replay(seed, STEPS, " --ledger-lost");
        assert_eq!(failure, None, "{again}");
    }
}

/// Storms that once failed: a copy of a store that was off when its other self was revoked (1010),
/// one restored after it was cut off (1224), one whose other self had taken the news (1058, 1085), one
/// whose disk was full while it was wiped (3627), and copies that each sealed and made again what they
/// had in common (1026, 1202).
#[test]
fn storms_that_once_failed_end_well() {
    for seed in [1010, 1026, 1058, 1085, 1196, 1202, 1224, 3627] {
        let mut storm = Storm::new(seed);
        storm.loses_relay = false;
        storm.office_writes = false;
        let failure = weather(storm, STEPS).failure;
        assert_eq!(failure, None, "{}", replay(seed, STEPS, " --plain"));
    }
}

/// Storms with a relay that comes back from backups which once failed: work of a space that was left,
/// taken in parts (840, 2108), asked about for ever (495) or acknowledged by a relay lost before that was
/// heard (798), an envelope of which a restored copy made again only a part (2094), devices that were cut
/// off and wiped with what the relay had lost (212, 455, 6062) or within a first sync never wiped (10544),
/// an edit made again where its item is not (298) or that took away what is not there (270), one made
/// again without the letter beside it, which came back later (784), a text made again twice in an item that
/// was removed (10440), refused work of a space that was left before it was made again (20407, 21505, 25143),
/// what was lost of a space that was left and joined again (23916, 23999), a fork that came with what it
/// builds on (11530), a cut that was noted and gone again before its page was applied (11179), what was written
/// where an edit stood as it was made and as it was made again (40023), a relay that ran without its log and
/// lost a commit (51948), a text made again at the wrong place (50223), what was made again before with
/// more in it, which only others still had (70399, 73715), the feed of a space that was being left while
/// the relay lost it (61609), a status taken back again where another had taken it back as far (104779, 105684,
/// 109576) or where the round before it was missing (104703), what builds on an edit that a copy had made again
/// beside others (103665, 109603), what two copies had sealed, taken from the one where it had been taken
/// from the other (205996), a phone put back to the name it had before it was cut off (313177), an element made again
/// twice where it stood already (314929), a status taken back made again twice without the round before (324092), three
/// power cuts within one trial, which set aside a run that was not to blame (338717), and a device whose disk failed
/// in the moment it was cut off, so that the harness did not know (359348).
#[test]
fn storms_with_relay_backups_that_once_failed_end_well() {
    for seed in [
        212, 270, 298, 455, 495, 784, 798, 840, 2094, 2108, 6062, 10440, 10544, 11179, 11530,
        20407, 21505, 23916, 23999, 25143, 40023, 50223, 50250, 51948, 61609, 70399, 73715, 103665,
        104703, 104779, 105684, 109576, 109603, 205996, 313177, 314929, 324092, 338717, 359348,
    ] {
        let failure = run(seed, STEPS, false).failure;
        assert_eq!(failure, None, "{}", replay(seed, STEPS, ""));
    }
}

/// The first failure among some storms in which disks lie about syncs.
fn found(of_relay: bool) -> Option<String> {
    (1..40).find_map(|seed| {
        let storm = Storm::new(seed);
        storm.let_disks_lie(of_relay);
        weather(storm, 120).failure
    })
}

#[test]
fn a_relay_that_acknowledges_what_is_not_durable_is_found_out() {
    let failure = found(true).expect("a storm that fails");
    assert!(!failure.is_empty());
}

#[test]
fn a_device_whose_saves_return_before_they_are_durable_is_found_out() {
    let failure = found(false).expect("a storm that fails");
    assert!(!failure.is_empty());
}

#[test]
fn a_relay_that_forgets_what_was_erased_is_found_out() {
    let failure = (1..40).find_map(|seed| {
        let mut storm = Storm::new(seed);
        storm.loses_relay = true;
        storm.busy_office = true;
        storm.forgets_ledger = true;
        let failure = weather(storm, STEPS).failure;
        failure.filter(|failure| failure.contains("the relay still has"))
    });
    failure.expect("a storm in which it has something erased again");
}
