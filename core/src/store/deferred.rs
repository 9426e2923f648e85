//! Feed entries that cannot be applied yet: of a document a first sync has not brought, or of a
//! kind only a later version knows. Stored, so that the cursor can move on; applied when possible.

use rusqlite::{Connection, params};

use super::Tx;
use super::error::{Fault, Result, StoreError};
use crate::envelope::{decode, encode};
use crate::frame::{frame, unframe};
use crate::id::{DocId, SpaceId};
use crate::wire::Entry;

/// Puts an entry by.
///
/// # Errors
/// SQLite's own.
pub fn defer(tx: &Tx<'_>, space: SpaceId, doc: DocId, entry: &Entry) -> Result<()> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO deferred (space, seq, doc, entry) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![space, entry.seq(), doc, frame(&encode(entry))])?;
    Ok(())
}

/// A document's entries that were put by, in feed order.
///
/// # Errors
/// [`StoreError::Damaged`]; SQLite's own.
pub fn of(conn: &Connection, doc: DocId) -> Result<Vec<Entry>> {
    let mut statement =
        conn.prepare_cached("SELECT entry FROM deferred WHERE doc = ?1 ORDER BY seq")?;
    let mut rows = statement.query([doc])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let framed = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        let damaged = StoreError::Damaged {
            doc,
            fault: Fault::Content,
        };
        entries.push(unframe(framed).and_then(decode).ok_or(damaged)?);
    }
    Ok(entries)
}

/// Takes out a space's entries above this seq, in feed order. One that is damaged is left out.
///
/// # Errors
/// SQLite's own.
pub fn take_above(tx: &Tx<'_>, space: SpaceId, seq: u64) -> Result<Vec<Entry>> {
    let mut statement =
        tx.prepare_cached("SELECT entry FROM deferred WHERE space = ?1 AND seq > ?2 ORDER BY seq")?;
    let framed: Vec<Vec<u8>> = statement
        .query_map(params![space, seq], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    tx.prepare_cached("DELETE FROM deferred WHERE space = ?1 AND seq > ?2")?
        .execute(params![space, seq])?;
    let entries = framed.iter().filter_map(|bytes| unframe(bytes));
    Ok(entries.filter_map(decode).collect())
}

/// The documents that have entries put by.
///
/// # Errors
/// SQLite's own.
pub fn documents(conn: &Connection) -> Result<Vec<DocId>> {
    let mut statement = conn.prepare_cached("SELECT DISTINCT doc FROM deferred ORDER BY doc")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A document's entries were applied.
///
/// # Errors
/// SQLite's own.
pub fn clear(tx: &Tx<'_>, doc: DocId) -> Result<()> {
    tx.prepare_cached("DELETE FROM deferred WHERE doc = ?1")?
        .execute([doc])?;
    Ok(())
}
