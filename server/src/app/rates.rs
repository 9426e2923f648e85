//! How often somebody may ask: devices by their token, strangers by their address.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Requests a device may make a second, in the long run. A first sync of years asks a few times a
/// second; more than this is a fault.
const DEVICE_PER_SECOND: NonZeroU32 = NonZeroU32::new(20).unwrap();
/// And at once, after a pause.
const DEVICE_AT_ONCE: NonZeroU32 = NonZeroU32::new(400).unwrap();

/// Wrong invite codes, passwords and tokens from one address a minute, in the long run. An office
/// behind one address mistypes less.
const WRONG_PER_MINUTE: NonZeroU32 = NonZeroU32::new(30).unwrap();
/// And at once, after a pause.
const WRONG_AT_ONCE: NonZeroU32 = NonZeroU32::new(60).unwrap();

/// After so many requests what is forgotten is cleared away.
const CLEAR_EVERY: u32 = 10_000;

/// Addresses that wait at most; the one that waits least goes first.
const WAITING: usize = 20_000;

/// The limits of one server.
pub struct Rates {
    devices: DefaultKeyedRateLimiter<[u8; 32]>,
    wrong: DefaultKeyedRateLimiter<IpAddr>,
    waits: Mutex<BTreeMap<IpAddr, Instant>>,
    asked: Mutex<u32>,
    clock: DefaultClock,
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            devices: RateLimiter::keyed(
                Quota::per_second(DEVICE_PER_SECOND).allow_burst(DEVICE_AT_ONCE),
            ),
            wrong: RateLimiter::keyed(
                Quota::per_minute(WRONG_PER_MINUTE).allow_burst(WRONG_AT_ONCE),
            ),
            waits: Mutex::default(),
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

    /// How long an address that was wrong too often must wait before it tries anything again.
    pub fn stranger(&self, address: IpAddr) -> Option<Duration> {
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        let until = *waits.get(&address)?;
        let left = until.checked_duration_since(Instant::now());
        if left.is_none() {
            waits.remove(&address);
        }
        left
    }

    /// An address was wrong: an unknown invite, password or token.
    pub fn was_wrong(&self, address: IpAddr) {
        self.clear();
        let Err(no) = self.wrong.check_key(&address) else {
            return;
        };
        let wait = no.wait_time_from(self.clock.now());
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner);
        if waits.len() >= WAITING {
            let least = waits.iter().min_by_key(|(_, until)| **until);
            if let Some(address) = least.map(|(address, _)| *address) {
                waits.remove(&address);
            }
        }
        waits.insert(address, Instant::now() + wait);
    }

    fn clear(&self) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        *asked += 1;
        if *asked >= CLEAR_EVERY {
            *asked = 0;
            self.devices.retain_recent();
            self.devices.shrink_to_fit();
            self.wrong.retain_recent();
            self.wrong.shrink_to_fit();
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

    #[test]
    fn an_address_that_is_wrong_too_often_waits_and_others_do_not() {
        let rates = Rates::default();
        let [bad, good] = [IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2])];
        for _ in 0..60 {
            assert_eq!(rates.stranger(bad), None);
            rates.was_wrong(bad);
        }
        rates.was_wrong(bad);
        let wait = rates.stranger(bad);
        assert!(
            wait.is_some_and(|wait| wait <= Duration::from_secs(3)),
            "{wait:?}"
        );
        assert_eq!(rates.stranger(good), None);
    }
}
