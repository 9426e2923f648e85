//! One flipped bit anywhere in a file: it is detected (on opening, on reading, or by `check`) or
//! nothing that was written is other than before, but for columns that are named here one by one; the rest
//! stays readable; a wrong value is never shown as right; nothing panics; and the relay makes the device whole
//! again. `SOPU_DAMAGE_FLIPS` sets how many bits are flipped, `SOPU_DAMAGE_SEED` which.

mod device;
mod relay;
mod scene;
mod tables;
mod unsent;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sopu_core::time::{Env, SystemEnv};
use sopu_tests::storm::dice::Dice;

fn number(name: &str, otherwise: u64) -> u64 {
    let given = std::env::var(name).ok();
    given.and_then(|n| n.parse().ok()).unwrap_or(otherwise)
}

fn env() -> Arc<dyn Env> {
    Arc::new(SystemEnv)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("reads").flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copies");
        }
    }
}

/// How a flip came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    Opening,
    Reading,
    Checking,
    /// Nobody noticed, and it is a column of which that is known.
    Bookkeeping,
    Harmless,
}

/// One bit.
#[derive(Clone, Debug)]
struct Flip {
    file: String,
    at: usize,
    bit: u8,
}

impl Flip {
    /// In a folder's file.
    fn make(&self, folder: &Path) {
        let file = folder.join(&self.file);
        let mut bytes = std::fs::read(&file).expect("reads");
        bytes[self.at] ^= 1 << self.bit;
        std::fs::write(file, bytes).expect("writes");
    }
}

impl std::fmt::Display for Flip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} byte {} bit {}", self.file, self.at, self.bit)
    }
}

/// Where to flip: each file's share, spread over its pages, the rest by chance; mostly where something stands.
fn flips(dice: &Dice, files: &[PathBuf], flips: usize) -> Vec<Flip> {
    let mut chosen = Vec::new();
    for file in files {
        let share = flips / files.len();
        let bytes = std::fs::read(file).expect("reads");
        let size = bytes.len();
        let pages = size.div_ceil(4_096);
        let step = (pages / share.max(1)).max(1);
        let name = file.file_name().expect("a name").to_string_lossy();
        for n in 0..share {
            let page = n * step;
            let chance = || match page < pages {
                true => page * 4_096 + dice.below((size - page * 4_096).min(4_096)),
                false => dice.below(size),
            };
            let mut tries = std::iter::repeat_with(chance).take(8);
            let at = tries.find(|at| bytes[*at] != 0).unwrap_or_else(chance);
            chosen.push(Flip {
                file: name.clone().into_owned(),
                at,
                bit: u8::try_from(dice.below(8)).expect("small"),
            });
        }
    }
    chosen
}
