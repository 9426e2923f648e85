//! Not wanting to wait any longer.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sopu_core::transport::{Post, Reply, Transport, TransportError};

/// Stops what it was given to: a sync or a watch then ends at once with `Stopped`. What was exchanged
/// before stays, and a request on its way ends by itself, its answer unread. Stopped once, it stays so.
#[derive(Debug, Default, uniffi::Object)]
pub struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

#[uniffi::export]
impl Stop {
    /// One that has not been used.
    #[uniffi::constructor]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Stops. Again does nothing.
    pub fn stop(&self) {
        *self.lock() = true;
        self.changed.notify_all();
    }

    /// Whether it was used.
    pub fn is_stopped(&self) -> bool {
        *self.lock()
    }
}

impl Stop {
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transport whose waiting can be stopped, and ends when the request says, whatever the one below makes of that:
/// clients of platforms count time from the last byte that came.
pub(crate) struct Stoppable {
    pub inner: Arc<dyn Transport>,
    pub stop: Arc<Stop>,
}

impl Transport for Stoppable {
    fn post(&self, post: Post) -> Result<Reply, TransportError> {
        if self.stop.is_stopped() {
            return Err(TransportError::Stopped);
        }
        let begun = Instant::now();
        let timeout = Duration::from_millis(post.timeout_ms.into());
        let came = Arc::new(Mutex::new(None));
        let (inner, stop, slot) = (self.inner.clone(), self.stop.clone(), came.clone());
        // Neither a platform's client nor ours can be called back in the middle: it is left behind.
        let posted = thread::Builder::new()
            .name("sopu-post".to_owned())
            .spawn(move || {
                // An app's client may do anything; whoever waits must hear of it.
                let reply = catch_unwind(AssertUnwindSafe(|| inner.post(post)))
                    .unwrap_or(Err(TransportError::Unreachable));
                let _stopped = stop.lock();
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(reply);
                stop.changed.notify_all();
            });
        if posted.is_err() {
            return Err(TransportError::Unreachable);
        }
        let mut stopped = self.stop.lock();
        loop {
            let reply = came.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(reply) = reply {
                return reply;
            }
            if *stopped {
                return Err(TransportError::Stopped);
            }
            let Some(left) = timeout.checked_sub(begun.elapsed()) else {
                return Err(TransportError::TimedOut);
            };
            let woken = self.stop.changed.wait_timeout(stopped, left);
            stopped = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    fn post(timeout_ms: u32) -> Post {
        Post {
            path: "/v1/sync",
            token: None,
            body: Vec::new(),
            encoding: None,
            timeout_ms,
        }
    }

    const LONG_MS: u32 = 600_000;

    /// Says that it was asked, and answers when the other end of its channel is gone.
    struct Slow {
        asked: Sender<()>,
        until: Mutex<Receiver<()>>,
    }

    impl Transport for Slow {
        fn post(&self, _: Post) -> Result<Reply, TransportError> {
            let _ = self.asked.send(());
            let until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = until.recv();
            Err(TransportError::TooLarge)
        }
    }

    struct Panics;

    impl Transport for Panics {
        fn post(&self, _: Post) -> Result<Reply, TransportError> {
            panic!("a defect of the app")
        }
    }

    fn slow() -> (Stoppable, Receiver<()>, Sender<()>) {
        let (asked, was_asked) = channel();
        let (free, until) = channel();
        let inner = Arc::new(Slow {
            asked,
            until: Mutex::new(until),
        });
        let stop = Stop::new();
        (Stoppable { inner, stop }, was_asked, free)
    }

    #[test]
    fn a_stop_ends_the_waiting_for_a_request_that_never_ends() {
        let (slow, was_asked, _free) = slow();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| slow.post(post(LONG_MS)));
            assert_eq!(was_asked.recv(), Ok(()));
            slow.stop.stop();
            assert_eq!(waiting.join().ok(), Some(Err(TransportError::Stopped)));
        });
        assert_eq!(slow.post(post(LONG_MS)), Err(TransportError::Stopped));
        assert!(was_asked.try_recv().is_err(), "stopped for good");
    }

    #[test]
    fn what_comes_in_time_is_given_and_a_panicking_client_is_no_network() {
        let (slow, _, free) = slow();
        drop(free);
        assert_eq!(slow.post(post(LONG_MS)), Err(TransportError::TooLarge));
        let panics = Stoppable {
            inner: Arc::new(Panics),
            stop: Stop::new(),
        };
        assert_eq!(panics.post(post(LONG_MS)), Err(TransportError::Unreachable));
    }

    #[test]
    fn a_request_that_never_ends_is_waited_for_as_long_as_it_says() {
        let (slow, _was_asked, _free) = slow();
        assert_eq!(slow.post(post(20)), Err(TransportError::TimedOut));
        assert!(!slow.stop.is_stopped(), "the next may go better");
    }
}
