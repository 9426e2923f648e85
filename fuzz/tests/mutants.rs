//! Tens of thousands of changes with one to three bytes altered and the checksum repaired. Unguarded,
//! about one in fourteen panics Automerge and one in seventy leaves a document that no longer loads.
#![expect(clippy::print_stdout, reason = "prints what became of them")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use sopu_core::documents::Kind;
use sopu_core::testing::by_hand::{body, seal_body};
use sopu_core::testing::honest::Dice;
use sopu_fuzz::counting::{Counting, cpu, peak};
use sopu_fuzz::file;
use sopu_fuzz::guard::{History, Outcome, attempt, quiet_about_automerge};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const MUTANTS: u64 = 40_000;

/// What trying one on a document of some dozen changes may have allocated at once: an honest change
/// takes under a fifth of it.
const MOST_BYTES: isize = 4 << 20;

#[derive(Default, Debug)]
struct Tally {
    refused: u32,
    doubted: u32,
    panics_caught: u32,
    passed: u32,
    peak: isize,
}

impl Tally {
    fn add(&mut self, other: &Tally) {
        self.refused += other.refused;
        self.doubted += other.doubted;
        self.panics_caught += other.panics_caught;
        self.passed += other.passed;
        self.peak = self.peak.max(other.peak);
    }
}

fn histories() -> Vec<History> {
    let mut all = Vec::new();
    for (kind, seed) in Kind::ALL.into_iter().zip(1..) {
        all.push(History::filled(kind, 8));
        all.push(History::new(kind, 24, seed));
        all.push(History::new(kind, 12, seed + 10));
    }
    all
}

/// One to three bytes of the body altered, in a chunk of this type.
fn mutant(kind: u8, chunk: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut body = body(chunk);
    for _ in 0..=dice.roll(3) {
        let at = dice.below(body.len());
        body[at] = match dice.roll(4) {
            0 => u8::try_from(dice.roll(256)).unwrap_or(0),
            1 => body[at] ^ (1 << dice.roll(8)),
            2 => body[at].wrapping_sub(1),
            _ => body[at].wrapping_add(1),
        };
    }
    seal_body(kind, &body)
}

fn one(histories: &[History], seed: u64, tally: &mut Tally) {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    dice.roll(1);
    let history = &histories[dice.below(histories.len())];
    let place = dice.below(history.changes.len());
    let mutant = mutant(1, &history.changes[place], &mut dice);
    let tried = || attempt(&history.before[place], history.kind, &mutant);
    let (outcome, peak) = peak(|| catch_unwind(AssertUnwindSafe(tried)));
    assert!(outcome.is_ok(), "mutant {seed} breaks a promise");
    assert!(peak <= MOST_BYTES, "mutant {seed} takes {peak} bytes");
    tally.peak = tally.peak.max(peak);
    match outcome {
        Ok(Outcome::Refused(_)) => tally.refused += 1,
        Ok(Outcome::Doubted(doubt)) if doubt.code() == "trial_panic" => tally.panics_caught += 1,
        Ok(Outcome::Doubted(_)) => tally.doubted += 1,
        Ok(Outcome::Passed) => tally.passed += 1,
        Err(_) => {}
    }
}

#[test]
fn forty_thousand_mutants_leave_every_document_loading_and_editable() {
    quiet_about_automerge();
    let histories = histories();
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let work = |thread: u64| {
        let (mut tally, start) = (Tally::default(), cpu());
        for seed in (thread..MUTANTS).step_by(usize::try_from(threads).unwrap_or(1)) {
            one(&histories, seed, &mut tally);
        }
        (tally, cpu().saturating_sub(start))
    };
    let work = &work;
    let (tally, took) = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|n| scope.spawn(move || work(n))).collect();
        let (mut sum, mut time) = (Tally::default(), Duration::ZERO);
        for thread in running {
            let (tally, took) = thread.join().expect("a mutant names itself above");
            sum.add(&tally);
            time += took;
        }
        (sum, time)
    });
    println!("{MUTANTS} mutants in {took:?} of processor time: {tally:?}");
    let all = tally.refused + tally.doubted + tally.panics_caught + tally.passed;
    assert_eq!(u64::from(all), MUTANTS);
    assert!(tally.refused > 10_000, "{tally:?}");
    assert!(
        tally.passed > 2_000,
        "mutants of plain values are honest changes: {tally:?}"
    );
    let few = u32::try_from(MUTANTS / 100).unwrap_or(0);
    assert!(
        tally.panics_caught < few,
        "nearly nothing that panics passes the static guard: {tally:?}"
    );
}

#[test]
fn mutants_of_whole_files_are_refused_or_open_to_whole_documents() {
    quiet_about_automerge();
    let mut dice = Dice(23);
    let (mut opened, mut most) = (0, 0);
    for history in histories() {
        for document in [
            &history.before[3],
            &history.before[history.before.len() - 1],
        ] {
            for file in [document.save(), document.save_nocompress()] {
                for number in 0..150 {
                    let mutant = mutant(0, &file, &mut dice);
                    let tried = || file::attempt(&mutant);
                    let (outcome, peak) = peak(|| catch_unwind(AssertUnwindSafe(tried)));
                    assert!(peak <= 2 * MOST_BYTES, "mutant {number} takes {peak} bytes");
                    most = most.max(peak);
                    opened += usize::from(outcome.expect("a whole document"));
                }
            }
        }
    }
    println!("{opened} of 5400 opened, {most} bytes at most");
}
