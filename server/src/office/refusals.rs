//! Which refusals were noted lately: whoever goes on asking for what is not theirs fills no log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use sopu_core::id::{MemberId, SpaceId};

const HOUR_MS: i64 = 3_600_000;

/// Refusals of one person that are noted in an hour, each for another space. Nobody's keep another's from
/// being noted.
const MOST: usize = 500;

/// What is noted of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// The first of this person and space in this hour.
    First,
    /// One too many of this person: from now on nothing more is noted of them in this hour.
    TooMany,
    /// Nothing.
    None,
}

/// The refusals of this hour, for spaces that there are.
#[derive(Default)]
pub struct Refusals(Mutex<(i64, BTreeMap<MemberId, BTreeSet<SpaceId>>)>);

impl Refusals {
    /// What is to be noted of this one.
    pub fn news(&self, who: MemberId, space: SpaceId, now_ms: i64) -> News {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let hour = now_ms.div_euclid(HOUR_MS);
        if held.0 != hour {
            *held = (hour, BTreeMap::new());
        }
        let theirs = held.1.entry(who).or_default();
        if theirs.len() > MOST || !theirs.insert(space) {
            return News::None;
        }
        match theirs.len() > MOST {
            true => News::TooMany,
            false => News::First,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_refusal_is_news_once_an_hour_and_five_hundred_of_one_person_are_enough() {
        let refusals = Refusals::default();
        let who = |n| MemberId(Uuid::from_u128(n));
        let space = |n| SpaceId(Uuid::from_u128(n));
        for (now_ms, news) in [(0, News::First), (1, News::None), (HOUR_MS, News::First)] {
            assert_eq!(refusals.news(who(0), space(0), now_ms), news);
        }
        let all = (1..20_000).map(|n| refusals.news(who(0), space(n), HOUR_MS));
        let all: Vec<News> = all.collect();
        let count = |of| all.iter().filter(|news| **news == of).count();
        assert_eq!((count(News::First), count(News::TooMany)), (MOST - 1, 1));
        assert_eq!(refusals.news(who(1), space(0), HOUR_MS), News::First);
    }
}
