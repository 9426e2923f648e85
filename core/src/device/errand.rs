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
}

/// Time and portions of an exchange that goes on.
pub(crate) struct Course {
    budget_ms: Option<u32>,
    began_ms: i64,
    bytes: usize,
}

impl Course {
    pub(crate) fn new(errand: Errand, now_ms: i64) -> Self {
        Self {
            budget_ms: errand.budget_ms,
            began_ms: now_ms,
            bytes: Portion::FIRST,
        }
    }

    pub(crate) fn portion(&self) -> Portion {
        if self.budget_ms.is_none() || self.bytes >= limits::PUSH {
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

    /// A request took so long: a quick one makes the next larger, a slow one smaller.
    pub(crate) fn took(&mut self, ms: i64) {
        let Some(budget_ms) = self.budget_ms else {
            return;
        };
        let share_ms = i64::from(budget_ms / 8);
        if ms < share_ms {
            self.bytes = (self.bytes * 4).min(limits::PUSH);
        } else if ms > 2 * share_ms {
            self.bytes = (self.bytes / 2).max(Portion::FIRST / 4);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quick_line_carries_more_each_time_and_a_slow_one_less() {
        let mut course = Course::new(Errand::within(8_000, 100), 0);
        let first = course.portion().push;
        course.took(200);
        assert_eq!(course.portion().push, 4 * first);
        course.took(3_000);
        assert_eq!(course.portion().push, 2 * first);
        for _ in 0..20 {
            course.took(10);
        }
        assert_eq!(course.portion(), Portion::WHOLE);
        for _ in 0..20 {
            course.took(7_000);
        }
        assert!(course.portion().push > 0 && course.portion().pull > 0);
    }

    #[test]
    fn time_runs_out_and_never_grows() {
        let course = Course::new(Errand::within(8_000, 100), 1_000);
        assert_eq!(course.left_ms(4_000), Some(5_000));
        assert_eq!(course.left_ms(60_000), Some(0));
        assert_eq!(course.left_ms(-60_000), Some(8_000));
        assert_eq!(
            Course::new(Errand::sync(9), 0).left_ms(i64::MAX),
            None,
            "without a budget"
        );
    }
}
