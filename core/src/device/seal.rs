//! What this device shows no more though it still holds it: spaces whose right has ended, and after a
//! time without contact everything (the *lease*). Contact with the relay settles both.
//!
//! A seal stops reading: lists, search, documents, findings. It never stops writing: a form that was
//! open saves on, and what is unsent goes out at the next contact, where the relay judges it.
//!
//! Time is the relay's as well as it is known here, and never goes back while there is no contact: a
//! clock set back opens nothing that was sealed.

use std::cell::Cell;

use rusqlite::{Transaction, TransactionBehavior};

use super::{Device, DeviceError, Result, keys};
use crate::id::SpaceId;
use crate::store::list::Query;
use crate::store::space::{self, Space};
use crate::store::{Tx, meta};
use crate::wire::{SyncResponse, limits};

/// How far the time that has been seen may run ahead of what is written of it, milliseconds.
const KEPT_EVERY_MS: i64 = 10 * 60 * 1_000;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// The latest time this device has seen, relay clock.
#[derive(Debug, Default)]
pub(crate) struct Latest {
    seen_ms: Cell<i64>,
    kept_ms: Cell<i64>,
    /// The newest request whose answer set it.
    answered: u64,
}

impl Latest {
    pub(crate) fn new(kept_ms: i64) -> Self {
        Self {
            seen_ms: Cell::new(kept_ms),
            kept_ms: Cell::new(kept_ms),
            answered: 0,
        }
    }

    /// Whether the answer to this request is the first to it or a later one: an answer counts once,
    /// however often it comes.
    pub(crate) fn answers(&self, number: u64) -> bool {
        number > self.answered
    }

    /// There was contact: the relay's word counts again, also where it says that it is earlier.
    pub(crate) fn hear(&mut self, now_ms: i64, number: u64) {
        self.seen_ms.set(now_ms);
        self.kept_ms.set(now_ms);
        self.answered = self.answered.max(number);
    }
}

impl Device {
    /// What time it is at the relay, milliseconds since 1970 UTC, as well as this device knows: by its
    /// own clock and the offset last measured, and not before anything it has seen since.
    pub fn relay_now_ms(&self) -> i64 {
        let offset = meta::number(self.store.conn(), keys::OFFSET).ok().flatten();
        let here = self.env.now_ms().saturating_add(offset.unwrap_or(0));
        let now = here.max(self.latest.seen_ms.get());
        self.latest.seen_ms.set(now);
        if now.saturating_sub(self.latest.kept_ms.get()) >= KEPT_EVERY_MS {
            // On a disk that takes no writes it is known until the device is closed.
            let _ = self.keep_latest(now);
            self.latest.kept_ms.set(now);
        }
        now
    }

    fn keep_latest(&self, now_ms: i64) -> Result<(), crate::store::StoreError> {
        let conn = self.store.conn();
        let tx = Transaction::new_unchecked(conn, TransactionBehavior::Immediate)?;
        meta::set_number(&tx, keys::LATEST, now_ms)?;
        Ok(tx.commit()?)
    }

    /// The seals of a device that was in contact before there were any begin now.
    pub(crate) fn begin_lease(&mut self) -> Result<()> {
        let enrolled = meta::get(self.store.conn(), keys::DEVICE)?.is_some();
        if enrolled && meta::number(self.store.conn(), keys::CONTACT)?.is_none() {
            let now_ms = self.relay_now_ms();
            self.store
                .write(|tx| meta::set_number(tx, keys::CONTACT, now_ms))?;
        }
        Ok(())
    }

    /// Whether this device may show anything.
    ///
    /// # Errors
    /// [`DeviceError::LeaseEnded`]; the store's.
    pub fn check_lease(&self) -> Result<()> {
        let conn = self.store.conn();
        let Some(contact_ms) = meta::number(conn, keys::CONTACT)? else {
            return Ok(());
        };
        let days = meta::number(conn, keys::LEASE)?.unwrap_or(limits::LEASE_DAYS.into());
        let lasts_ms = days.saturating_mul(DAY_MS);
        let without = self.relay_now_ms().saturating_sub(contact_ms);
        if without > lasts_ms {
            return Err(DeviceError::LeaseEnded { days });
        }
        Ok(())
    }

    /// Whether this device may show what is in a space.
    ///
    /// # Errors
    /// [`DeviceError::SpaceEnded`], [`DeviceError::LeaseEnded`]; the store's.
    pub(crate) fn check_seals(&self, space: SpaceId) -> Result<()> {
        self.check_lease()?;
        let until_ms = space::space(self.store.conn(), space)?.and_then(|s| s.standing.until_ms);
        match until_ms {
            Some(ended_ms) if self.has_passed(ended_ms) => {
                Err(DeviceError::SpaceEnded { ended_ms })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn has_passed(&self, ms: i64) -> bool {
        let now_ms = self.relay_now_ms();
        let passed = ms <= now_ms;
        if passed && self.latest.kept_ms.get() < ms {
            // What was sealed once stays so, also when the device is closed within these minutes.
            let _ = self.keep_latest(now_ms);
            self.latest.kept_ms.set(now_ms);
        }
        passed
    }

    /// The spaces this device holds but shows no more, because the right to them has ended: their
    /// names, for telling people, and when that was (`standing.until_ms`). What is unsent in them is
    /// kept, and goes out at the next contact; then the space goes.
    ///
    /// # Errors
    /// The store's.
    pub fn sealed_spaces(&self) -> Result<Vec<Space>> {
        let all = space::spaces(self.store.conn())?.into_iter();
        let ended = |space: &Space| {
            space
                .standing
                .until_ms
                .is_some_and(|ms| self.has_passed(ms))
        };
        Ok(all.filter(ended).collect())
    }

    /// A query that finds nothing sealed.
    ///
    /// # Errors
    /// [`DeviceError::LeaseEnded`]; the store's.
    pub(crate) fn unsealed_only(&self, query: &Query) -> Result<Option<Query>> {
        self.check_lease()?;
        let sealed: Vec<SpaceId> = self.sealed_spaces()?.iter().map(|space| space.id).collect();
        if sealed.is_empty() {
            return Ok(None);
        }
        let mut asked = match &query.spaces {
            Some(asked) => asked.clone(),
            None => space::held(self.store.conn())?,
        };
        asked.retain(|space| !sealed.contains(space));
        Ok(Some(Query {
            spaces: Some(asked),
            ..query.clone()
        }))
    }
}

/// Notes what a response says of time.
pub(crate) fn heard(tx: &Tx<'_>, response: &SyncResponse) -> crate::store::Result<()> {
    let lease = response.lease_days.unwrap_or(limits::LEASE_DAYS);
    meta::set_number(tx, keys::LEASE, i64::from(lease))?;
    contact(tx, response.now_ms)
}

/// Notes contact at this moment, relay clock.
pub(crate) fn contact(tx: &Tx<'_>, now_ms: i64) -> crate::store::Result<()> {
    meta::set_number(tx, keys::CONTACT, now_ms)?;
    meta::set_number(tx, keys::LATEST, now_ms)
}

#[cfg(test)]
mod tests;
