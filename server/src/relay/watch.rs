//! Who looks after the one who merges. Trials are bounded, and everything of Automerge runs under
//! `catch_unwind`; but a thread that never comes back cannot be caught, and nobody's work would get into the
//! record any more. Only the death of the process ends it. The next one finds the mark, tries what stood under
//! it one by one, and sets aside what kept three of them ([`crate::merge::breaker`]).

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::merge::pulse::Pulse;

/// How long the trial of one run may take. The longest document there may be loads in seconds.
pub const LONGEST: Duration = Duration::from_mins(2);

/// How many times it looks before it takes a trial for stuck. It counts its own looks and no clock's time: while
/// the whole machine or the process is stopped, it does not look either.
const LOOKS: u32 = 24;

/// Looks after a [`Pulse`]; stops when dropped.
pub struct Watch {
    /// Nothing is ever sent: it is dropped.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Calls `stuck` once if a trial takes longer than `longest`, from a thread of its own.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(
        pulse: Arc<Pulse>,
        longest: Duration,
        stuck: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new()
            .name("merge watch".into())
            .spawn(move || {
                if looks_after(&pulse, longest / LOOKS, &stopped) {
                    stuck();
                }
            })?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Until told to stop; `true` if a trial is stuck.
fn looks_after(pulse: &Pulse, rest: Duration, stopped: &Receiver<()>) -> bool {
    let (mut last, mut looks) = (None, 0);
    while stopped.recv_timeout(rest) == Err(RecvTimeoutError::Timeout) {
        let trial = pulse.trial();
        looks = if trial.is_some() && trial == last {
            looks + 1
        } else {
            0
        };
        if looks >= LOOKS {
            return true;
        }
        last = trial;
    }
    false
}

/// Starts the program anew in this process's place, with its arguments and surroundings: whoever watches over
/// the process sees none end. Where that does not work the process ends.
pub fn begin_anew() {
    tracing::error!("the trial of a run does not come to an end; the program starts anew");
    #[cfg(unix)]
    if let Ok(program) = std::env::current_exe() {
        use std::os::unix::process::CommandExt;
        let error = std::process::Command::new(program)
            .args(std::env::args_os().skip(1))
            .exec();
        tracing::error!(%error, "the program could not be started anew");
    }
    std::process::abort();
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test")]
mod tests {
    use std::time::Instant;

    use super::*;

    const LONGEST: Duration = Duration::from_millis(240);

    #[test]
    fn a_trial_that_does_not_end_is_told_once() {
        let pulse = Arc::new(Pulse::default());
        let (told, news) = channel();
        let watch = Watch::start(pulse.clone(), LONGEST, move || _ = told.send(())).unwrap();
        let _trying = pulse.begin();
        let begun = Instant::now();
        assert_eq!(news.recv_timeout(Duration::from_secs(60)), Ok(()));
        assert!(begun.elapsed() >= LONGEST);
        drop(watch);
        assert_eq!(
            news.recv_timeout(Duration::ZERO),
            Err(RecvTimeoutError::Disconnected)
        );
    }

    #[test]
    fn many_trials_that_take_longer_together_are_no_news() {
        let (pulse, longest) = (Arc::new(Pulse::default()), LONGEST * 10);
        let (told, news) = channel();
        let watch = Watch::start(pulse.clone(), longest, move || _ = told.send(())).unwrap();
        for _ in 0..120 {
            let _trying = pulse.begin();
            std::thread::sleep(longest / 100);
        }
        drop(watch);
        assert_eq!(news.try_recv().ok(), None);
    }
}
