//! Moments as people type them: `2026-11-22` or `2026-11-22T07:00`, in Finland's time.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

const ZONE: &str = "Europe/Helsinki";

/// A typed moment, milliseconds since 1970 UTC; a date alone is the beginning of that day. `None` if
/// it is neither.
pub fn moment(text: &str) -> Option<i64> {
    let text = text.trim();
    let civil: DateTime = match text.parse() {
        Ok(time) => time,
        Err(_) => text.parse::<Date>().ok()?.at(0, 0, 0, 0),
    };
    let zoned = civil.in_tz(ZONE).ok()?;
    Some(zoned.timestamp().as_millisecond())
}

/// A moment as it is typed, to the minute: what a form's `datetime-local` field holds.
pub fn typed(ms: i64) -> String {
    let zone = TimeZone::get(ZONE).unwrap_or(TimeZone::UTC);
    match jiff::Timestamp::from_millisecond(ms) {
        Ok(timestamp) => timestamp
            .to_zoned(zone)
            .strftime("%Y-%m-%dT%H:%M")
            .to_string(),
        Err(_) => String::new(),
    }
}

/// When the day of a typed date ends. `None` if it is no date.
pub fn end_of_day(text: &str) -> Option<i64> {
    let day: Date = text.trim().parse().ok()?;
    let next = day.tomorrow().ok()?.at(0, 0, 0, 0).in_tz(ZONE).ok()?;
    Some(next.timestamp().as_millisecond())
}

/// The date of a moment, as it is typed.
pub fn day(ms: i64) -> String {
    typed(ms).chars().take_while(|c| *c != 'T').collect()
}

/// The same day so many years before, as it is typed; the date itself if there is none.
pub fn years_before(date: &str, years: i16) -> String {
    let before = |date: Date| date.checked_sub(jiff::Span::new().years(years)).ok();
    let found = date.parse().ok().and_then(before);
    found.map_or_else(|| date.to_owned(), |date| date.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_time_is_finland_s_time() {
        assert_eq!(moment("2026-11-22T02:00"), Some(1_795_305_600_000));
        assert_eq!(moment("2026-06-01"), moment("2026-06-01T00:00"));
        assert_eq!(moment("huomenna"), None);
        assert_eq!(moment(""), None);
    }

    #[test]
    fn a_day_ends_when_the_next_one_begins() {
        assert_eq!(end_of_day("2026-10-25"), moment("2026-10-26"));
        assert_eq!(end_of_day("2026-02-30"), None);
        assert_eq!(day(moment("2026-11-22T23:59").unwrap_or(0)), "2026-11-22");
        assert_eq!(years_before("2028-02-29", 2), "2026-02-28");
        assert_eq!(years_before("x", 2), "x");
    }

    #[test]
    fn a_moment_is_typed_as_it_is_read() {
        for text in ["2026-11-22T02:00", "2026-06-01T23:59"] {
            assert_eq!(moment(text).map(typed).as_deref(), Some(text));
        }
    }
}
