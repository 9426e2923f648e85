//! Clock and randomness. Core never asks the operating system by itself: both come in through
//! [`Env`], which is what makes a whole world of devices reproducible from one seed.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// The outside world a device or relay needs: what time it is, and random bytes.
pub trait Env: Send + Sync {
    /// Milliseconds since 1970-01-01T00:00:00Z by this machine's own clock, which may be wrong.
    fn now_ms(&self) -> i64;

    /// Fills the buffer with random bytes fit for keys and ids.
    fn fill(&self, bytes: &mut [u8]);
}

/// The real clock and the operating system's random source.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEnv;

impl Env for SystemEnv {
    fn now_ms(&self) -> i64 {
        Timestamp::now().as_millisecond()
    }

    fn fill(&self, bytes: &mut [u8]) {
        // Without randomness no key or id is safe to make; there is nothing sensible to continue with.
        #[expect(
            clippy::expect_used,
            reason = "an operating system without randomness cannot run Sopu"
        )]
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

/// The calendar date in Finland at an instant: contracts, code lists and quotas go by it.
pub fn today(now_ms: i64) -> Date {
    helsinki_date(now_ms).unwrap_or(Date::constant(1970, 1, 1))
}

/// The calendar day in Finland at an instant, or `None` if that is outside the years a calendar has.
///
/// The zone is compiled in, and it alone: every device counts days alike, whatever its platform knows of zones.
pub(crate) fn helsinki_date(at_ms: i64) -> Option<Date> {
    static HELSINKI: TimeZone = jiff::tz::get!("Europe/Helsinki");
    let instant = Timestamp::from_millisecond(at_ms).ok()?;
    Some(HELSINKI.to_datetime(instant).date())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The day that ends, and the day that begins, at this instant.
    fn around(midnight: &str) -> (String, String) {
        let at = midnight
            .parse::<Timestamp>()
            .expect("an instant")
            .as_millisecond();
        (today(at - 1).to_string(), today(at).to_string())
    }

    #[test]
    fn a_day_begins_at_midnight_in_finland() {
        // In winter, and in summer.
        assert_eq!(
            around("2026-01-14T22:00:00Z"),
            ("2026-01-14".into(), "2026-01-15".into())
        );
        assert_eq!(
            around("2026-07-14T21:00:00Z"),
            ("2026-07-14".into(), "2026-07-15".into())
        );
        // On the days that summer time begins and ends, and long after today's tables of zones.
        assert_eq!(
            around("2027-03-28T21:00:00Z"),
            ("2027-03-28".into(), "2027-03-29".into())
        );
        assert_eq!(
            around("2027-10-31T22:00:00Z"),
            ("2027-10-31".into(), "2027-11-01".into())
        );
        assert_eq!(
            around("2126-07-14T21:00:00Z"),
            ("2126-07-14".into(), "2126-07-15".into())
        );
        // Finland had no summer time in 1975, and counted by Helsinki's own noon before May 1921.
        assert_eq!(
            around("1975-07-14T22:00:00Z"),
            ("1975-07-14".into(), "1975-07-15".into())
        );
        assert_eq!(
            around("1900-01-14T22:20:11Z"),
            ("1900-01-14".into(), "1900-01-15".into())
        );
    }

    #[test]
    fn an_instant_outside_the_calendar_is_no_day() {
        assert_eq!(helsinki_date(i64::MAX), None);
        assert_eq!(today(i64::MIN), Date::constant(1970, 1, 1));
    }
}
