//! Tries of codes, passwords and tokens, by address: each takes a place before it is judged, so that many
//! at once are many, and gives it back if it was right.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Wrong tries of one address at once, after a pause. An office behind one address mistypes less.
const AT_ONCE: u32 = 60;

/// In the long run one may be wrong again after so long.
const AGAIN: Duration = Duration::from_secs(2);

/// Addresses remembered at most; the one with most places left goes first.
const KEPT: usize = 20_000;

/// The places of each address that was wrong lately.
#[derive(Debug, Default)]
pub struct Guesses(Mutex<BTreeMap<IpAddr, Places>>);

/// When all its places are free again: each that is taken puts that off.
#[derive(Clone, Copy, Debug)]
struct Places {
    free_at: Instant,
}

impl Places {
    /// How long until one is free; `None` if one is.
    fn wait(self, now: Instant) -> Option<Duration> {
        let taken = self.free_at.saturating_duration_since(now);
        let wait = (taken + AGAIN).saturating_sub(AGAIN * AT_ONCE);
        (!wait.is_zero()).then_some(wait)
    }
}

impl Guesses {
    /// How long an address that was wrong too often must wait before it tries anything again.
    pub fn wait(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        self.held().get(&address)?.wait(now)
    }

    /// Begins a try, which counts as wrong until it is [given back](Guesses::give_back).
    ///
    /// # Errors
    /// How long the address must still wait.
    pub fn begin(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        match self.wait(address, now) {
            Some(wait) => Err(wait),
            None => {
                self.was_wrong(address, now);
                Ok(())
            }
        }
    }

    /// A try was wrong that had not begun here.
    pub fn was_wrong(&self, address: IpAddr, now: Instant) {
        let mut held = self.held();
        if held.len() >= KEPT && !held.contains_key(&address) {
            held.retain(|_, places| places.free_at > now);
            if held.len() >= KEPT {
                let least = held.iter().min_by_key(|(_, places)| places.free_at);
                let least = least.map(|(address, _)| *address);
                least.map(|address| held.remove(&address));
            }
        }
        let places = held.entry(address).or_insert(Places { free_at: now });
        places.free_at = places.free_at.max(now) + AGAIN;
    }

    /// A try that had begun was right.
    pub fn give_back(&self, address: IpAddr) {
        if let Some(places) = self.held().get_mut(&address) {
            places.free_at = places.free_at.checked_sub(AGAIN).unwrap_or(places.free_at);
        }
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<IpAddr, Places>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAD: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const GOOD: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    #[test]
    fn tries_made_at_once_are_as_many_as_one_after_another() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        let begun = (0..1_000).filter(|_| guesses.begin(BAD, now).is_ok());
        assert_eq!(begun.count(), 60);
        assert_eq!(guesses.wait(BAD, now), Some(AGAIN));
        assert_eq!(guesses.wait(GOOD, now), None);
        let later = now + AGAIN;
        assert_eq!(guesses.begin(BAD, later), Ok(()));
        assert_eq!(guesses.begin(BAD, later), Err(AGAIN));
        let much_later = now + AGAIN * 1_000;
        let begun = (0..1_000).filter(|_| guesses.begin(BAD, much_later).is_ok());
        assert_eq!(begun.count(), 60);
    }

    #[test]
    fn what_was_right_costs_nothing() {
        let (guesses, now) = (Guesses::default(), Instant::now());
        for _ in 0..1_000 {
            assert_eq!(guesses.begin(GOOD, now), Ok(()));
            guesses.give_back(GOOD);
        }
    }
}
