//! Reads on devices, told with a sync, as rows of the access log.
//!
//! What a device says of its own reads is its word: it can keep silent. It cannot speak for another
//! person, of documents its member never could see, of the future or long ago, or without end.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use sopu_core::id::DeviceId;
use sopu_core::wire::{DocRead, limits};

use super::Relay;
use crate::access::log::Entry;
use crate::feed::accept::Arrival;
use crate::store::{DeviceRow, RelayStore, Result};

/// What a row says was done.
pub(super) const READ_ON_DEVICE: &str = "read_device";

/// Within so many milliseconds a member reads a document once.
const HOUR_MS: i64 = 3_600_000;

/// Rows one device may add in a day; more waits on it until tomorrow. A carer makes fifty.
const DAILY: usize = 8_192;

const DAY_MS: i64 = 24 * HOUR_MS;

/// Further back no read is believed: longer than any device goes on without contact.
const REACH_MS: i64 = 400 * DAY_MS;

/// How many rows each device has added today.
#[derive(Default)]
pub(super) struct Allowance(Mutex<Spent>);

#[derive(Default)]
struct Spent {
    day: i64,
    rows: BTreeMap<DeviceId, usize>,
}

impl Allowance {
    /// How many of so many it may add now; they count as added.
    fn take(&self, device: DeviceId, now_ms: i64, wanted: usize) -> usize {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let day = now_ms.div_euclid(DAY_MS);
        if spent.day != day {
            *spent = Spent {
                day,
                rows: BTreeMap::new(),
            };
        }
        let rows = spent.rows.entry(device).or_default();
        let may = wanted.min(DAILY.saturating_sub(*rows));
        *rows += may;
        may
    }
}

impl Relay {
    /// Takes what a device tells of reads; how many of them, from the first on. The request holds no more
    /// than [`limits::READS`].
    pub(super) fn take_reads(
        &self,
        device: &DeviceRow,
        reads: &[DocRead],
        arrival: Arrival,
    ) -> Result<u32> {
        debug_assert!(reads.len() <= limits::READS);
        let may = self.allowance.take(device.id, arrival.now_ms, reads.len());
        let (device, reads) = (device.clone(), reads[..may].to_vec());
        self.commits.write(move |store| {
            for read in &reads {
                log(store, &device, *read, arrival.now_ms)?;
            }
            Ok(())
        })?;
        Ok(u32::try_from(may).unwrap_or(u32::MAX))
    }
}

/// One row, unless it is there already, or the document is none of theirs.
fn log(store: &mut dyn RelayStore, device: &DeviceRow, read: DocRead, now_ms: i64) -> Result<()> {
    // A relay that came back from a backup may not have the document yet: it is told now or never. Which
    // space it belongs to is known once it is back.
    let space = store.document(read.doc)?.map(|document| document.space);
    if let Some(space) = space
        && store.grants(device.member, space)?.is_empty()
    {
        return Ok(());
    }
    let at_ms = read.at_ms.clamp(now_ms.saturating_sub(REACH_MS), now_ms);
    let told = jiff::Timestamp::from_millisecond(now_ms).unwrap_or_default();
    let entry = Entry {
        at_ms,
        member: Some(device.member),
        action: READ_ON_DEVICE.to_owned(),
        space,
        doc: Some(read.doc),
        reason: Some(format!("device {}, told {told:.0}", device.id)),
    };
    let hour = at_ms.div_euclid(HOUR_MS) * HOUR_MS;
    store.log_once(&entry, hour..hour.saturating_add(HOUR_MS))
}
