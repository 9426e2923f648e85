//! How far one exchange with the relay may go.

use crate::wire::limits;

/// What one call of [`sync_shared`](super::exchange::sync_shared) may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errand {
    /// Requests at most.
    pub requests: u32,
    /// Wait for news at most this long, milliseconds, if there is nothing to send.
    pub wait_ms: u32,
    /// No request is begun after this time, milliseconds, and none is waited for longer; `None` is as
    /// long as it takes.
    pub budget_ms: Option<u32>,
}

impl Errand {
    /// Until nothing is left to say, in so many requests at most.
    pub fn sync(requests: u32) -> Self {
        Self {
            requests,
            wait_ms: 0,
            budget_ms: None,
        }
    }

    /// One request that waits for news.
    pub fn watch(wait_ms: u32) -> Self {
        Self {
            requests: 1,
            wait_ms: wait_ms.min(limits::WAIT_MS),
            budget_ms: None,
        }
    }

    /// What fits into the time a platform gives a task in the background. It begins small, so that on
    /// a slow line something is safe before the time is over, and is right wherever it is cut.
    pub fn within(budget_ms: u32, requests: u32) -> Self {
        Self {
            requests,
            wait_ms: 0,
            budget_ms: Some(budget_ms),
        }
    }
}

/// How long a request may take, milliseconds, besides the time it waits for news.
pub(crate) const REQUEST_MS: u32 = 60_000;

/// How much one request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Portion {
    /// Bytes of envelopes and offers sent; one envelope always is.
    pub push: usize,
    /// Bytes of entries asked for; 0 is the relay's choice.
    pub pull: u32,
}

impl Portion {
    pub(crate) const WHOLE: Self = Self {
        push: limits::PUSH,
        pull: 0,
    };

    /// A minute's line of a phone at the edge of coverage (2G) carries this in a few seconds.
    const FIRST: usize = 32 * 1024;

    /// No smaller, however slow the line.
    const LEAST: usize = Self::FIRST / 4;
}

/// How many bytes a line carries in one request, as far as is known: until one has timed out, all there are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Carries(usize);

impl Default for Carries {
    fn default() -> Self {
        Self(limits::PUSH)
    }
}

/// Time and portions of an exchange that goes on.
pub(crate) struct Course {
    budget_ms: Option<u32>,
    began_ms: i64,
    bytes: usize,
}

impl Course {
    pub(crate) fn new(errand: Errand, now_ms: i64, Carries(carries): Carries) -> Self {
        Self {
            budget_ms: errand.budget_ms,
            began_ms: now_ms,
            bytes: match errand.budget_ms {
                Some(_) => carries.min(Portion::FIRST),
                None => carries,
            },
        }
    }

    pub(crate) fn portion(&self) -> Portion {
        if self.bytes >= limits::PUSH {
            return Portion::WHOLE;
        }
        Portion {
            push: self.bytes,
            pull: u32::try_from(self.bytes).unwrap_or(0),
        }
    }

    /// What is left of the time, milliseconds; `None` without a budget. A clock put back meanwhile
    /// gives no more than the whole.
    pub(crate) fn left_ms(&self, now_ms: i64) -> Option<u32> {
        let gone_ms = u32::try_from((now_ms - self.began_ms).max(0)).unwrap_or(u32::MAX);
        Some(self.budget_ms?.saturating_sub(gone_ms))
    }

    /// A request took so long: a quick one makes the next larger, a slow one smaller. One that may have waited
    /// for news does not tell that the line is slow.
    pub(crate) fn took(&mut self, ms: i64, waited: bool) {
        let share_ms = i64::from(self.budget_ms.unwrap_or(REQUEST_MS) / 8);
        if ms < share_ms {
            self.bytes = (self.bytes * 4).min(limits::PUSH);
        } else if !waited && ms > 2 * share_ms {
            self.bytes = (self.bytes / 2).max(Portion::LEAST);
        }
    }

    /// A request had its whole time and did not come through.
    pub(crate) fn timed_out(&mut self) {
        self.bytes = (self.bytes / 2).clamp(Portion::LEAST, Portion::FIRST);
    }

    /// What the next exchange is to begin with. One with little time tells nothing of what more of it carries.
    pub(crate) fn carries(&self) -> Option<Carries> {
        self.budget_ms.is_none().then_some(Carries(self.bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quick_line_carries_more_each_time_and_a_slow_one_less() {
        let mut course = Course::new(Errand::within(8_000, 100), 0, Carries::default());
        let first = course.portion().push;
        course.took(200, false);
        assert_eq!(course.portion().push, 4 * first);
        course.took(3_000, false);
        assert_eq!(course.portion().push, 2 * first);
        for _ in 0..20 {
            course.took(10, false);
        }
        assert_eq!(course.portion(), Portion::WHOLE);
        for _ in 0..20 {
            course.took(7_000, false);
        }
        assert!(course.portion().push > 0 && course.portion().pull > 0);
    }

    #[test]
    fn time_runs_out_and_never_grows() {
        let course = Course::new(Errand::within(8_000, 100), 1_000, Carries::default());
        assert_eq!(course.left_ms(4_000), Some(5_000));
        assert_eq!(course.left_ms(60_000), Some(0));
        assert_eq!(course.left_ms(-60_000), Some(8_000));
        assert_eq!(
            Course::new(Errand::sync(9), 0, Carries::default()).left_ms(i64::MAX),
            None,
            "without a budget"
        );
    }

    #[test]
    fn all_goes_at_once_until_a_request_has_timed_out() {
        let mut course = Course::new(Errand::sync(9), 0, Carries::default());
        course.took(7_000, false);
        assert_eq!(course.portion(), Portion::WHOLE);
        course.timed_out();
        let carries = course.carries().expect("it had all the time");
        let mut next = Course::new(Errand::sync(9), 0, carries);
        assert_eq!(next.portion().push, Portion::FIRST);
        for _ in 0..9 {
            next.timed_out();
        }
        assert_eq!(next.portion().push, Portion::LEAST);
        for _ in 0..4 {
            next.took(2_000, false);
        }
        assert_eq!(next.portion(), Portion::WHOLE);
        next.took(59_000, true);
        assert_eq!(next.portion(), Portion::WHOLE, "it waited");
        let short = Course::new(Errand::within(8_000, 100), 0, Carries::default());
        assert!(short.carries().is_none());
    }
}
