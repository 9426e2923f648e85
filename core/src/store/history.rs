//! A document's timeline: who changed it, when, and how far each change has come.

use rusqlite::Connection;

use super::error::Result;
use crate::id::{DeviceId, DocId, EnvelopeId, Hash};

/// One change of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The change.
    pub hash: Hash,
    /// The actor that made it.
    pub actor: Vec<u8>,
    /// The actor's count.
    pub seq: u64,
    /// Made, milliseconds since 1970 UTC by its author's clock, which may be wrong.
    pub made_ms: i64,
    /// Stored here, by this machine's clock.
    pub recorded_ms: i64,
    /// Its envelope; `None` while unsealed, or before a first sync brought the signature.
    pub envelope: Option<Sealed>,
}

/// What a change's envelope says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The envelope.
    pub id: EnvelopeId,
    /// Who signed. The space's roster says whose device it is.
    pub device: DeviceId,
    /// Sealed, by the device's clock.
    pub sealed_ms: i64,
    /// Received, by the relay's clock.
    pub received_ms: Option<i64>,
    /// Its place in the feed.
    pub seq: Option<u64>,
    /// Seen by the office.
    pub seen_ms: Option<i64>,
}

/// All changes of a document in the order they came here, which is causal.
///
/// # Errors
/// SQLite's own.
pub fn history(conn: &Connection, doc: DocId) -> Result<Vec<Step>> {
    let mut statement = conn.prepare_cached(
        "SELECT c.hash, c.actor, c.seq, c.made_ms, c.recorded_ms,
             e.id, e.device, e.sealed_ms, e.received_ms, e.seq, e.seen_ms
         FROM document d JOIN change c ON c.doc = d.n LEFT JOIN envelope e ON e.n = c.envelope
         WHERE d.id = ?1 ORDER BY c.n",
    )?;
    let rows = statement.query_map([doc], |row| {
        let envelope = match row.get::<_, Option<EnvelopeId>>(5)? {
            None => None,
            Some(id) => Some(Sealed {
                id,
                device: row.get(6)?,
                sealed_ms: row.get(7)?,
                received_ms: row.get(8)?,
                seq: row.get(9)?,
                seen_ms: row.get(10)?,
            }),
        };
        Ok(Step {
            hash: row.get(0)?,
            actor: row.get(1)?,
            seq: row.get(2)?,
            made_ms: row.get(3)?,
            recorded_ms: row.get(4)?,
            envelope,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
