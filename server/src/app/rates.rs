//! How often somebody may ask: devices by their token, strangers by their address.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::guesses::Guesses;

/// Requests a device may make a second, in the long run. A first sync of years asks a few times a
/// second; more than this is a fault.
const DEVICE_PER_SECOND: NonZeroU32 = NonZeroU32::new(20).unwrap();
/// And at once, after a pause.
const DEVICE_AT_ONCE: NonZeroU32 = NonZeroU32::new(400).unwrap();

/// After so many requests what is forgotten is cleared away.
const CLEAR_EVERY: u32 = 10_000;

/// The limits of one server.
pub struct Rates {
    devices: DefaultKeyedRateLimiter<[u8; 32]>,
    /// Tries of strangers.
    pub guesses: Guesses,
    asked: Mutex<u32>,
    clock: DefaultClock,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            devices: RateLimiter::keyed(
                Quota::per_second(DEVICE_PER_SECOND).allow_burst(DEVICE_AT_ONCE),
            ),
            guesses: Guesses::default(),
            asked: Mutex::default(),
            clock: DefaultClock::default(),
        }
    }
}

impl Rates {
    /// How long a device that is known must wait; `None` if it may ask now.
    pub fn device(&self, token_hash: &[u8; 32]) -> Option<Duration> {
        self.clear();
        let no = self.devices.check_key(token_hash).err()?;
        Some(no.wait_time_from(self.clock.now()))
    }

    fn clear(&self) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        *asked += 1;
        if *asked >= CLEAR_EVERY {
            *asked = 0;
            self.devices.retain_recent();
            self.devices.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_may_ask_in_bursts_and_another_is_not_slowed_by_it() {
        let rates = Rates::default();
        let asked = (0..1_000)
            .filter(|_| rates.device(&[1; 32]).is_none())
            .count();
        assert!((400..450).contains(&asked), "{asked}");
        assert!(rates.device(&[1; 32]).is_some());
        assert!(rates.device(&[2; 32]).is_none());
    }
}
