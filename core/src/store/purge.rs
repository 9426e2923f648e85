//! Erasure: every trace of a document's content goes, in whatever state it was. Headers, ids and
//! signatures stay, so that the feed's order and hash can still be checked.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};

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

/// What a [`purge`] found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Purged {
    /// It was known that the document is erased, and nothing of it was here.
    Nothing,
    /// That it is erased is new, and nothing of it was here.
    News,
    /// Something of it was here: [`Store::scrub`] is due.
    Content,
}

/// Removes a document's changes, snapshot, view, search row, runs, drafts, replay table, and
/// entries and changes put by, and remembers that it was erased. [`Store::scrub`] afterwards removes what the
/// file still holds of it; that it is due survives a crash between the two.
///
/// # Errors
/// SQLite's own.
pub fn purge(tx: &Tx<'_>, mark: &Erased) -> Result<Purged> {
    let doc = mark.doc;
    let row = document::row(tx, doc)?;
    let mut there = row.is_some();
    if let Some(row) = row {
        search::remove(tx, row.n)?;
        tx.execute("DELETE FROM document WHERE n = ?1", [row.n])?;
    }
    for table in ["deferred", "replay", "draft", "quarantine"] {
        there |= tx.execute(&format!("DELETE FROM {table} WHERE doc = ?1"), [doc])? > 0;
    }
    there |= put_by::forget(tx, doc)?;
    let runs = "UPDATE envelope SET run = NULL WHERE doc = ?1 AND run IS NOT NULL";
    there |= tx.execute(runs, [doc])? > 0;
    tx.execute(
        "UPDATE envelope SET state = 'erased', reason = NULL WHERE doc = ?1",
        [doc],
    )?;
    let new = tx.execute(
        "INSERT OR IGNORE INTO erased (doc, space, reason, at_ms) VALUES (?1, ?2, ?3, ?4)",
        params![doc, mark.space, mark.reason, mark.at_ms],
    )? > 0;
    if there {
        scrub_due(tx)?;
        return Ok(Purged::Content);
    }
    Ok(if new { Purged::News } else { Purged::Nothing })
}

/// The space anything of a document is kept for here; `None` if nothing is.
///
/// # Errors
/// SQLite's own.
pub fn home(conn: &Connection, doc: DocId) -> Result<Option<SpaceId>> {
    for table in ["document", "envelope", "deferred", "draft", "quarantine"] {
        let id = if table == "document" { "id" } else { "doc" };
        let sql = format!("SELECT space FROM {table} WHERE {id} = ?1 LIMIT 1");
        let found = conn.query_row(&sql, [doc], |row| row.get(0)).optional()?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(put_by::all(conn)?.get(&doc).map(|put| put.space))
}

const SCRUB_DUE: &str = "scrub_due";

/// Notes that content was deleted which [`Store::scrub`] has yet to remove from the file.
pub(crate) fn scrub_due(tx: &Tx<'_>) -> Result<()> {
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

    /// As [`Store::scrub`], but for another process that reads just now it does not wait: who saves meanwhile
    /// would wait, too.
    ///
    /// # Errors
    /// As [`Store::scrub`].
    pub(crate) fn scrub_without_waiting(&mut self) -> Result<()> {
        self.conn().busy_timeout(Duration::ZERO)?;
        let done = self.scrub();
        self.conn()
            .busy_timeout(Duration::from_millis(super::BUSY_MS))?;
        done
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
