//! Who wrote a change, on what, and when: joined from the change, its envelope and the roster.

use std::collections::BTreeMap;

use rusqlite::Connection;

use crate::id::{DeviceId, Hash, MemberId};
use crate::store::document::Loaded;
use crate::store::{Result, history, space};

/// What is known of a change's making.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The device that signed it; `None` while it is in no envelope.
    pub device: Option<DeviceId>,
    /// The person, by the space's roster.
    pub member: Option<MemberId>,
    /// The person's name.
    pub member_name: Option<String>,
    /// Vouched for by the server: written in the office, not on a device.
    pub office: bool,
    /// Saved, by the device's clock, milliseconds since 1970 UTC.
    pub device_ms: i64,
    /// Received, by the relay's clock.
    pub relay_ms: Option<i64>,
    /// Place in the feed.
    pub seq: Option<u64>,
}

/// The provenance of these changes of a document.
///
/// # Errors
/// The store's.
pub fn provenance(
    conn: &Connection,
    loaded: &Loaded,
    of: &[Hash],
) -> Result<BTreeMap<Hash, Provenance>> {
    let mut known = BTreeMap::new();
    if of.is_empty() {
        return Ok(known);
    }
    let people: BTreeMap<_, _> = space::roster(conn, loaded.space)?
        .into_iter()
        .map(|row| (row.device, row))
        .collect();
    for step in history::history(conn, loaded.doc)? {
        if !of.contains(&step.hash) {
            continue;
        }
        let meta = loaded.am.get_change_meta_by_hash(&step.hash.into());
        let envelope = step.envelope;
        let person = envelope.as_ref().and_then(|e| people.get(&e.device));
        known.insert(
            step.hash,
            Provenance {
                device: envelope.as_ref().map(|e| e.device),
                member: person.map(|p| p.member),
                member_name: person.map(|p| p.name.clone()),
                office: person.is_some_and(|p| p.office),
                device_ms: meta.map_or(step.recorded_ms, |m| m.timestamp),
                relay_ms: envelope.as_ref().and_then(|e| e.received_ms),
                seq: envelope.and_then(|e| e.seq),
            },
        );
    }
    Ok(known)
}
