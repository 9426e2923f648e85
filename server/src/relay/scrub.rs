//! Emptying the database's log of what was erased.

use std::sync::TryLockError;
use std::time::Duration;

use super::Relay;
use super::erase::{AGAIN_MS, SCRUB_DUE};
use crate::store::{Result, StoreError};

/// For how long whoever reads the database is waited for while its log is emptied. Nobody can write meanwhile.
const SCRUB_WAIT: Duration = Duration::from_secs(2);

/// When the database's log may be emptied again, having failed.
#[derive(Debug, Default)]
pub(super) struct Scrubbing {
    /// Relay clock, milliseconds.
    after_ms: i64,
    /// How often it failed in a row.
    pub(super) failed: u64,
}

impl Relay {
    /// Empties the database's log, if it still has something that was erased.
    pub(super) fn scrub_if_due(&self) -> Result<()> {
        let mut scrubbing = match self.scrubbing.try_lock() {
            Ok(scrubbing) => scrubbing,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(()),
        };
        if self.env.now_ms() < scrubbing.after_ms
            || self.commits.read(|store| store.meta(SCRUB_DUE))?.is_none()
        {
            return Ok(());
        }
        // It has told.
        let _ = self.scrub(&mut scrubbing);
        Ok(())
    }

    /// Empties the database's log: one at a time, and not again soon where somebody reads just now, since it
    /// keeps all who write waiting.
    pub(super) fn scrub(&self, scrubbing: &mut Scrubbing) -> Result<()> {
        let now_ms = self.env.now_ms();
        if now_ms < scrubbing.after_ms {
            return Err(StoreError::Corrupt("a reader held the log"));
        }
        let done = self.empty_log();
        match &done {
            Ok(()) => scrubbing.failed = 0,
            Err(error) => {
                scrubbing.after_ms = now_ms.saturating_add(AGAIN_MS);
                scrubbing.failed += 1;
                let times = scrubbing.failed;
                tracing::warn!(%error, times, "what was erased cannot be scrubbed now; it is tried again");
            }
        }
        done
    }

    fn empty_log(&self) -> Result<()> {
        let due = self.commits.read(|store| store.meta(SCRUB_DUE))?;
        self.commits.alone(|store| store.scrub(SCRUB_WAIT))?;
        // More may have been erased meanwhile.
        self.commits
            .note(move |store| match store.meta(SCRUB_DUE)? {
                Some(now) if Some(&now) == due.as_ref() => store.set_meta(SCRUB_DUE, None),
                Some(_) | None => Ok(()),
            })
    }
}
