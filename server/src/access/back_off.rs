//! Waiting after wrong passwords: free for a few slips, then twice as long each time.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Wrong tries that cost nothing: people mistype.
const FREE_TRIES: u32 = 4;
/// The longest wait. Short enough that a stranger cannot lock somebody out for a day.
const LONGEST_MS: i64 = 5 * 60 * 1_000;
/// After so long without a try all is forgotten.
const FORGOTTEN_MS: i64 = 60 * 60 * 1_000;
/// Entries kept at most; the oldest go first.
const KEPT: usize = 10_000;

/// Who has tried wrongly how often, kept in memory: a restart forgives, which harms nobody at the
/// speed of argon2.
#[derive(Debug, Default)]
pub struct BackOff {
    tries: Mutex<BTreeMap<String, Tries>>,
}

#[derive(Clone, Copy, Debug)]
struct Tries {
    wrong: u32,
    free_at_ms: i64,
}

impl BackOff {
    /// Begins a try: counts it as wrong before it is judged, so that many at once are many.
    ///
    /// # Errors
    /// How many milliseconds the name must still wait.
    pub fn begin(&self, name: &str, now_ms: i64) -> Result<(), i64> {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = tries.get(kept(name)).map_or(0, |t| t.free_at_ms - now_ms);
        if wait > 0 {
            return Err(wait);
        }
        count(&mut tries, kept(name), now_ms);
        Ok(())
    }

    /// Forgets the slips after a right password.
    pub fn right(&self, name: &str) {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        tries.remove(kept(name));
    }
}

/// As much of a name as is kept.
fn kept(name: &str) -> &str {
    let end = name
        .char_indices()
        .nth(100)
        .map_or(name.len(), |(at, _)| at);
    &name[..end]
}

fn count(tries: &mut BTreeMap<String, Tries>, name: &str, now_ms: i64) {
    if tries.len() >= KEPT {
        let oldest = tries
            .iter()
            .min_by_key(|(_, t)| t.free_at_ms)
            .map(|(k, _)| k.clone());
        oldest.map(|k| tries.remove(&k));
    }
    let entry = tries.entry(name.to_owned()).or_insert(Tries {
        wrong: 0,
        free_at_ms: now_ms,
    });
    if now_ms - entry.free_at_ms > FORGOTTEN_MS {
        entry.wrong = 0;
    }
    entry.wrong = entry.wrong.saturating_add(1);
    let over = entry.wrong.saturating_sub(FREE_TRIES).min(16);
    let wait = if over == 0 {
        0
    } else {
        (1_000 << over).min(LONGEST_MS)
    };
    entry.free_at_ms = now_ms + wait;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_slips_are_free_then_waits_double_up_to_five_minutes() {
        let back_off = BackOff::default();
        for _ in 0..5 {
            assert_eq!(back_off.begin("aino", 0), Ok(()));
        }
        assert_eq!(back_off.begin("aino", 0), Err(2_000));
        assert_eq!(
            back_off.begin("onni", 0),
            Ok(()),
            "another name does not wait"
        );
        assert_eq!(back_off.begin("aino", 2_000), Ok(()));
        assert_eq!(back_off.begin("aino", 2_000), Err(4_000));
        let mut now = 6_000;
        for _ in 0..40 {
            assert_eq!(back_off.begin("aino", now), Ok(()));
            now += back_off.begin("aino", now).map_or_else(|wait| wait, |()| 0);
        }
        assert_eq!(back_off.begin("aino", now), Ok(()));
        assert_eq!(back_off.begin("aino", now), Err(300_000));
    }

    #[test]
    fn tries_made_at_once_are_as_many_as_one_after_another() {
        let back_off = BackOff::default();
        let begun = (0..100).filter(|_| back_off.begin("aino", 0).is_ok());
        assert_eq!(begun.count(), 5);
        let long = "a".repeat(300);
        let begun = (0..100).filter(|_| back_off.begin(&long, 0).is_ok());
        assert_eq!(
            begun.count(),
            5,
            "also under a name longer than what is kept"
        );
        assert!(back_off.begin("aino", FORGOTTEN_MS * 2).is_ok());
        assert!(
            back_off.begin("aino", FORGOTTEN_MS * 2).is_ok(),
            "forgotten"
        );
    }

    #[test]
    fn a_right_password_forgives() {
        let back_off = BackOff::default();
        while back_off.begin("aino", 0).is_ok() {}
        back_off.right("aino");
        assert_eq!(back_off.begin("aino", 0), Ok(()));
    }
}
