//! Which refusals were noted lately: whoever goes on asking for what is not theirs fills no log.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use sopu_core::id::{MemberId, SpaceId};

const HOUR_MS: i64 = 3_600_000;

/// Refusals remembered; beyond, nothing more is noted until the hour is over.
const MOST: usize = 10_000;

/// The refusals of this hour.
#[derive(Default)]
pub struct Refusals(Mutex<(i64, BTreeSet<(MemberId, SpaceId)>)>);

impl Refusals {
    /// Whether this one is the first of its kind in this hour.
    pub fn is_news(&self, who: MemberId, space: SpaceId, now_ms: i64) -> bool {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hour = now_ms.div_euclid(HOUR_MS);
        if held.0 != hour {
            *held = (hour, BTreeSet::new());
        }
        held.1.len() < MOST && held.1.insert((who, space))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_refusal_is_news_once_an_hour_and_ten_thousand_are_enough() {
        let refusals = Refusals::default();
        let (who, space) = (MemberId(Uuid::nil()), |n| SpaceId(Uuid::from_u128(n)));
        for (now_ms, news) in [(0, true), (1, false), (HOUR_MS, true)] {
            assert_eq!(refusals.is_news(who, space(0), now_ms), news);
        }
        let noted = (1..20_000).filter(|n| refusals.is_news(who, space(*n), HOUR_MS));
        assert_eq!(noted.count(), MOST - 1);
    }
}
