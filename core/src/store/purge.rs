//! Erasure: every trace of a document's content goes, in whatever state it was. Headers, ids and
//! signatures stay, so that the feed's order and hash can still be checked.

use rusqlite::{Connection, params};

use super::error::Result;
use super::{Store, Tx, document, meta, put_by, search};
use crate::id::{DocId, SpaceId};

/// Whether the document was erased.
///
/// # Errors
/// SQLite's own.
pub fn is_erased(conn: &Connection, doc: DocId) -> Result<bool> {
    Ok(conn
        .prepare_cached("SELECT 1 FROM erased WHERE doc = ?1")?
        .exists([doc])?)
}

/// Why and when a document was erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erased {
    /// Which.
    pub doc: DocId,
    /// Where it lived.
    pub space: SpaceId,
    /// Reason code.
    pub reason: String,
    /// When, milliseconds since 1970 UTC.
    pub at_ms: i64,
}

/// Everything that was erased here, newest first: what the user is told.
///
/// # Errors
/// SQLite's own.
pub fn erased(conn: &Connection) -> Result<Vec<Erased>> {
    let mut statement = conn
        .prepare_cached("SELECT doc, space, reason, at_ms FROM erased ORDER BY at_ms DESC, doc")?;
    let rows = statement.query_map([], |row| {
        Ok(Erased {
            doc: row.get(0)?,
            space: row.get(1)?,
            reason: row.get(2)?,
            at_ms: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Removes a document's changes, snapshot, view, search row, runs, drafts, replay table, and
/// entries and changes put by, and remembers that it was erased. [`Store::scrub`] afterwards removes what the
/// file still holds of it; that it is due survives a crash between the two.
///
/// # Errors
/// SQLite's own.
pub fn purge(tx: &Tx<'_>, mark: &Erased) -> Result<()> {
    let doc = mark.doc;
    if let Some(row) = document::row(tx, doc)? {
        search::remove(tx, row.n)?;
        tx.execute("DELETE FROM document WHERE n = ?1", [row.n])?;
    }
    for table in ["deferred", "replay", "draft", "quarantine"] {
        tx.execute(&format!("DELETE FROM {table} WHERE doc = ?1"), [doc])?;
    }
    put_by::forget(tx, doc)?;
    tx.execute(
        "UPDATE envelope SET state = 'erased', reason = NULL, run = NULL WHERE doc = ?1",
        [doc],
    )?;
    tx.execute(
        "INSERT OR IGNORE INTO erased (doc, space, reason, at_ms) VALUES (?1, ?2, ?3, ?4)",
        params![doc, mark.space, mark.reason, mark.at_ms],
    )?;
    scrub_due(tx)
}

const SCRUB_DUE: &str = "scrub_due";

/// Notes that content was deleted which [`Store::scrub`] has yet to remove from the file.
pub(super) fn scrub_due(tx: &Tx<'_>) -> Result<()> {
    meta::set_number(tx, SCRUB_DUE, 1)
}

impl Store {
    /// Writes the file anew so that nothing deleted is left in it or in its log. Takes as long as
    /// copying the file; call it after [`purge`], before confirming an erasure, and after leaving
    /// a space.
    ///
    /// # Errors
    /// SQLite's own, also when another process reads just now: call again.
    pub fn scrub(&mut self) -> Result<()> {
        self.forget_loaded();
        self.checkpoint()?;
        self.conn().execute_batch("VACUUM")?;
        self.checkpoint()?;
        self.write(|tx| meta::remove(tx, SCRUB_DUE))
    }

    /// Whether something was deleted since the last [`Store::scrub`]: ask at start, a crash may
    /// have come between.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn scrub_due(&self) -> Result<bool> {
        Ok(meta::get(self.conn(), SCRUB_DUE)?.is_some())
    }

    /// Moves the log into the file and empties it.
    ///
    /// # Errors
    /// SQLite's own, also when another process reads just now.
    pub fn checkpoint(&self) -> Result<()> {
        let busy: bool = self
            .conn()
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if busy {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
            return Err(rusqlite::Error::SqliteFailure(code, None).into());
        }
        Ok(())
    }
}
