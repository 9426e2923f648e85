//! Word that lists may have changed.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Counts what changed, and wakes who waits for it.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    state: Mutex<State>,
    woken: Condvar,
}

#[derive(Debug, Default)]
struct State {
    number: u64,
    /// How often everybody was told to look up.
    calls: u64,
    /// How many of these somebody who waited has heard.
    heard: u64,
    closed: bool,
}

impl Changes {
    pub(crate) fn number(&self) -> u64 {
        self.lock().number
    }

    /// Something changed.
    pub(crate) fn tell(&self) {
        self.lock().number += 1;
        self.woken.notify_all();
    }

    /// Nothing changed, but whoever waits shall return; if nobody does, the next that would. Whoever has
    /// looked up why it should wait, and does not wait yet, would else sleep through it.
    pub(crate) fn wake(&self) {
        self.lock().calls += 1;
        self.woken.notify_all();
    }

    /// Nothing will change any more; nobody waits from now on.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.woken.notify_all();
    }

    /// Waits until the number is above `after`, or somebody calls, or the time is over; gives the number.
    pub(crate) fn wait(&self, after: u64, wait: Duration) -> u64 {
        let state = self.lock();
        let heard = state.heard;
        let waited = self.woken.wait_timeout_while(state, wait, |state| {
            state.number <= after && state.calls == heard && !state.closed
        });
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.heard = state.calls;
        state.number
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn who_waits_is_woken_by_a_change_or_a_call_and_not_before() {
        let changes = Changes::default();
        assert_eq!(changes.wait(0, Duration::ZERO), 0);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| changes.wait(0, LONG));
            changes.tell();
            assert_eq!(waiting.join().ok(), Some(1));
        });
        assert_eq!(changes.wait(0, LONG), 1, "what was missed is told at once");
        thread::scope(|scope| {
            let waiting = scope.spawn(|| changes.wait(1, LONG));
            // Before it waits or after: it returns.
            changes.wake();
            assert_eq!(waiting.join().ok(), Some(1));
        });
    }

    #[test]
    fn a_call_that_comes_just_before_somebody_waits_is_heard_once() {
        let changes = Changes::default();
        changes.wake();
        changes.wake();
        assert_eq!(changes.wait(0, LONG), 0, "else it would sleep through it");
        thread::scope(|scope| {
            let waiting = scope.spawn(|| changes.wait(0, LONG));
            changes.tell();
            assert_eq!(waiting.join().ok(), Some(1), "the call was heard before");
        });
        assert_eq!(changes.lock().heard, 2);
    }
}
