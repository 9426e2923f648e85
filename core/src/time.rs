//! Clock and randomness. Core never asks the operating system by itself: both come in through
//! [`Env`], which is what makes a whole world of devices reproducible from one seed.

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
        jiff::Timestamp::now().as_millisecond()
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
pub fn today(now_ms: i64) -> jiff::civil::Date {
    let instant = jiff::Timestamp::from_millisecond(now_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    // The zone is compiled in; UTC only if that data were broken.
    let zone = jiff::tz::TimeZone::get("Europe/Helsinki").unwrap_or(jiff::tz::TimeZone::UTC);
    instant.to_zoned(zone).date()
}
