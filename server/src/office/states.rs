//! How far the saves of a document have come: on the server, in the record, seen by the office.

use rusqlite::Connection;
use sopu_core::id::DocId;

use super::Failure;

/// Counts of saves by the place they have reached. What still lies on a device is not known here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct States {
    /// Safe on the server, not merged yet.
    pub server: usize,
    /// Kept for review.
    pub held: usize,
    /// In the merged record.
    pub record: usize,
    /// Of those, seen by somebody at the office.
    pub seen: usize,
}

/// The states of a document's saves, as the relay keeps them.
pub fn of(relay: &Connection, doc: DocId) -> Result<States, Failure> {
    let id = doc.as_bytes().as_slice();
    let mut query = relay.prepare_cached(
        "SELECT e.state, e.changes, e.seq IS NOT NULL AND e.seq <= coalesce(s.seq, 0)
         FROM envelope e LEFT JOIN seen s ON s.doc = e.doc WHERE e.doc = ?1",
    )?;
    let mut rows = query.query([id])?;
    let mut states = States::default();
    while let Some(row) = rows.next()? {
        let state: String = row.get(0)?;
        let saves = usize::try_from(row.get::<_, i64>(1)?).unwrap_or(0);
        match state.as_str() {
            "waiting" => states.server += saves,
            "held" => states.held += saves,
            "fed" => {
                states.record += saves;
                if row.get(2)? {
                    states.seen += saves;
                }
            }
            // Refused for ever or erased: neither is anywhere on its way.
            _ => {}
        }
    }
    Ok(states)
}
