//! The thread that merges.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::watch::{LONGEST, Watch, begin_anew};
use super::{Relay, lock};

/// How often people, memberships and leases are looked at when nothing is pushed.
const IDLE: Duration = Duration::from_millis(500);

/// A running merge worker; stops when dropped.
pub struct Worker {
    stop: Arc<AtomicBool>,
    relay: Arc<Relay>,
    thread: Option<JoinHandle<()>>,
    ending: Arc<AtomicBool>,
    _watch: Watch,
}

impl Worker {
    /// Starts merging in a thread of its own. If the trial of a run does not come to an end, the program starts
    /// anew ([`begin_anew`]), or ends if it is [`ending`](Self::ending).
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(relay: Arc<Relay>) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let ending = Arc::new(AtomicBool::new(false));
        let told = ending.clone();
        let watch = Watch::start(lock(&relay.merger).pulse(), LONGEST, move || {
            if told.load(Ordering::Acquire) {
                std::process::abort();
            }
            begin_anew();
        })?;
        let (seen, worked) = (stop.clone(), relay.clone());
        let thread = std::thread::Builder::new()
            .name("merge".into())
            .spawn(move || work(&worked, &seen))?;
        Ok(Self {
            stop,
            relay,
            thread: Some(thread),
            ending,
            _watch: watch,
        })
    }

    /// To be set when the program is told to end, which may be long before the worker is stopped: it goes on
    /// merging for requests under way.
    pub fn ending(&self) -> Arc<AtomicBool> {
        self.ending.clone()
    }

    /// Finishes the step under way and stops.
    pub fn stop(&mut self) {
        self.ending.store(true, Ordering::Release);
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            self.relay.bell.ring();
            if thread.join().is_err() {
                tracing::error!("the merge worker died");
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
    }
}

fn work(relay: &Relay, stop: &AtomicBool) {
    while !stop.load(Ordering::Acquire) {
        let heard = relay.bell.number();
        let step = catch_unwind(AssertUnwindSafe(|| relay.merge_step()));
        match step {
            Ok(Ok(step)) if step.decided > 0 => continue,
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::error!(%error, "merging failed; it is tried again"),
            Err(_) => {
                // As after the death of the process: what was being tried is blamed, and isolated
                // at the third time.
                tracing::error!("merging panicked");
                if let Err(error) = relay.recover() {
                    tracing::error!(%error, "merging cannot recover; it is tried again");
                }
            }
        }
        relay.bell.wait(heard, IDLE);
    }
}
