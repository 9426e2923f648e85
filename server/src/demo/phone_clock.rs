//! A device's own clock, which may be wrong, and which can be set to the hour of the story.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use sopu_core::time::{Env, SystemEnv};

/// What one device believes the time to be. Randomness is the operating system's.
#[derive(Debug)]
pub struct PhoneClock {
    /// How far ahead of the truth it is, milliseconds; negative when it lags.
    pub ahead_ms: i64,
    /// The hour of the story, milliseconds since 1970 UTC; 0 while it follows the real clock.
    story_ms: AtomicI64,
}

impl PhoneClock {
    /// A clock this far ahead of the truth.
    pub fn new(ahead_ms: i64) -> Self {
        Self {
            ahead_ms,
            story_ms: AtomicI64::new(0),
        }
    }

    /// From here on it is this moment, plus the time that passes by itself a little with each look.
    pub fn set(&self, true_ms: i64) {
        self.story_ms.store(true_ms, Ordering::Relaxed);
    }

    /// It follows the real clock again, as wrong as before.
    pub fn follow(&self) {
        self.story_ms.store(0, Ordering::Relaxed);
    }
}

impl Env for PhoneClock {
    fn now_ms(&self) -> i64 {
        let story = self.story_ms.load(Ordering::Relaxed);
        let truth = if story == 0 {
            SystemEnv.now_ms()
        } else {
            // A form saved twice in the same millisecond would look odd in a timeline.
            self.story_ms.fetch_add(700, Ordering::Relaxed)
        };
        truth + self.ahead_ms
    }

    fn fill(&self, bytes: &mut [u8]) {
        SystemEnv.fill(bytes);
    }
}

/// A wall-clock moment in Finland, milliseconds since 1970 UTC.
pub fn moment(day: Date, hour: i8, minute: i8) -> i64 {
    let zone = TimeZone::get("Europe/Helsinki").unwrap_or(TimeZone::UTC);
    day.at(hour, minute, 0, 0)
        .to_zoned(zone)
        .map_or(0, |zoned| zoned.timestamp().as_millisecond())
}

/// The day in Finland some days from `day`.
pub fn days_from(day: Date, days: i64) -> Date {
    day.checked_add(jiff::Span::new().days(days)).unwrap_or(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_wrong_by_the_same_amount_in_the_story_and_outside() {
        let clock = PhoneClock::new(11 * 60_000);
        clock.set(1_000_000);
        assert_eq!(clock.now_ms(), 1_000_000 + 660_000);
        assert!(clock.now_ms() > 1_660_000, "time passes in a story");
        clock.follow();
        let error = clock.now_ms() - SystemEnv.now_ms() - 660_000;
        assert!(error.abs() < 1_000, "{error}");
    }

    #[test]
    fn moments_are_finnish_wall_clock() {
        let summer = moment(jiff::civil::date(2026, 7, 1), 8, 30);
        assert_eq!(
            summer,
            "2026-07-01T05:30:00Z"
                .parse::<jiff::Timestamp>()
                .expect("valid")
                .as_millisecond()
        );
    }
}
