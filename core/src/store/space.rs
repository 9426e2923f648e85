//! Spaces this store takes part in: standing, cursors, people and the keys of their devices.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::{Result, StoreError};
use super::{Tx, purge, put_by, search};
use crate::envelope::{decode, encode};
use crate::id::{DeviceId, SpaceId};
use crate::wire::{Cursor, FirstSync, RosterRow, Standing};

/// A space as this store knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Space {
    /// Which.
    pub id: SpaceId,
    /// Name, role and term.
    pub standing: Standing,
    /// Told to leave then (milliseconds since 1970 UTC): deliver what is unsent, then
    /// [`drop_space`].
    pub left_ms: Option<i64>,
    /// How far this store has come; `None` before the first page.
    pub cursor: Option<Cursor>,
    /// Running hash of the feed at the cursor.
    pub feed_hash: [u8; 32],
}

const COLUMNS: &str =
    "id, name, role, until_ms, left_ms, generation, seq, tag, roster, first, feed_hash";

/// All spaces, sorted by id.
///
/// # Errors
/// [`StoreError::Row`]; SQLite's own.
pub fn spaces(conn: &Connection) -> Result<Vec<Space>> {
    let mut statement = conn.prepare_cached(&format!("SELECT {COLUMNS} FROM space ORDER BY id"))?;
    let mut rows = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(from_row(row)?);
    }
    Ok(all)
}

/// One space; `None` if this store takes no part in it.
///
/// # Errors
/// [`StoreError::Row`]; SQLite's own.
pub fn space(conn: &Connection, id: SpaceId) -> Result<Option<Space>> {
    let mut statement =
        conn.prepare_cached(&format!("SELECT {COLUMNS} FROM space WHERE id = ?1"))?;
    statement
        .query_row([id], |row| Ok(from_row(row)))
        .optional()?
        .transpose()
}

fn from_row(row: &Row<'_>) -> Result<Space> {
    let id = row.get(0)?;
    let cursor = match row.get::<_, Option<[u8; 16]>>(5)? {
        None => None,
        Some(generation) => {
            let first: Option<Vec<u8>> = row.get(9)?;
            Some(Cursor {
                space: id,
                generation,
                seq: row.get(6)?,
                tag: row.get::<_, Option<[u8; 8]>>(7)?.unwrap_or_default(),
                roster: row.get(8)?,
                first: first
                    .map(|bytes| decode::<FirstSync>(&bytes).ok_or(StoreError::Row("cursor")))
                    .transpose()?,
            })
        }
    };
    Ok(Space {
        id,
        standing: Standing {
            name: row.get(1)?,
            role: row.get(2)?,
            until_ms: row.get(3)?,
        },
        left_ms: row.get(4)?,
        cursor,
        feed_hash: row.get(10)?,
    })
}

/// All cursors, sorted by space, as [`crate::wire::token`] wants them, also of spaces being left: by it the
/// relay tells what it has lost of them since.
///
/// # Errors
/// [`StoreError::Row`]; SQLite's own.
pub fn cursors(conn: &Connection) -> Result<Vec<Cursor>> {
    let all = spaces(conn)?.into_iter();
    Ok(all.filter_map(|space| space.cursor).collect())
}

/// Takes part in a space, or learns its new name, role or term. One that was being left begins anew.
///
/// # Errors
/// [`StoreError::Row`]; SQLite's own.
pub fn join_space(tx: &Tx<'_>, id: SpaceId, standing: &Standing) -> Result<()> {
    if space(tx, id)?.is_some_and(|here| here.left_ms.is_some()) {
        clear_cursor(tx, id)?;
    }
    tx.prepare_cached(
        "INSERT INTO space (id, name, role, until_ms) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (id) DO UPDATE SET
             name = excluded.name, role = excluded.role, until_ms = excluded.until_ms, left_ms = NULL",
    )?
    .execute(params![id, standing.name, standing.role, standing.until_ms])?;
    Ok(())
}

/// Notes that this store is to leave the space. What it holds stays until delivered, and with it the
/// cursor.
///
/// # Errors
/// SQLite's own.
pub fn leave_space(tx: &Tx<'_>, id: SpaceId, at_ms: i64) -> Result<()> {
    tx.prepare_cached("UPDATE space SET left_ms = coalesce(left_ms, ?2) WHERE id = ?1")?
        .execute(params![id, at_ms])?;
    Ok(())
}

/// Removes a space and everything in it: documents, changes, also those put by, views, search rows,
/// envelopes, notices, people. [`super::Store::scrub`] afterwards removes what the file still holds of it.
///
/// # Errors
/// SQLite's own.
pub fn drop_space(tx: &Tx<'_>, id: SpaceId) -> Result<()> {
    let mut statement = tx.prepare_cached("SELECT n FROM document WHERE space = ?1")?;
    let documents: Vec<i64> = statement
        .query_map([id], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for n in documents {
        search::remove(tx, n)?;
    }
    tx.execute(
        "DELETE FROM replay WHERE doc IN (SELECT id FROM document WHERE space = ?1)",
        [id],
    )?;
    // Documents first: their changes point at envelopes.
    for table in [
        "document",
        "envelope",
        "notice",
        "deferred",
        "draft",
        "quarantine",
        "erased",
        "roster",
    ] {
        tx.execute(&format!("DELETE FROM {table} WHERE space = ?1"), [id])?;
    }
    tx.execute("DELETE FROM space WHERE id = ?1", [id])?;
    put_by::forget_space(tx, id)?;
    purge::scrub_due(tx)
}

/// Every space something of is here, also ones this store takes no part in.
///
/// # Errors
/// SQLite's own.
pub fn held(conn: &Connection) -> Result<Vec<SpaceId>> {
    let mut statement = conn.prepare_cached(
        "SELECT id FROM space UNION SELECT space FROM document UNION SELECT space FROM envelope
         UNION SELECT space FROM draft",
    )?;
    let rows = statement.query_map([], |row| row.get(0))?;
    let mut held = rows.collect::<rusqlite::Result<BTreeSet<SpaceId>>>()?;
    held.extend(put_by::spaces(conn)?);
    Ok(held.into_iter().collect())
}

/// Moves a cursor, in the transaction that applied the page it stands after.
///
/// # Errors
/// [`StoreError::Row`] if this store takes no part in the space; SQLite's own.
pub fn set_cursor(tx: &Tx<'_>, cursor: &Cursor, feed_hash: &[u8; 32]) -> Result<()> {
    let changed = tx
        .prepare_cached(
            "UPDATE space SET generation = ?2, seq = ?3, tag = ?4, roster = ?5, first = ?6,
                 feed_hash = ?7
             WHERE id = ?1",
        )?
        .execute(params![
            cursor.space,
            cursor.generation,
            cursor.seq,
            cursor.tag,
            cursor.roster,
            cursor.first.as_ref().map(encode),
            feed_hash
        ])?;
    if changed == 0 {
        Err(StoreError::Row("space"))
    } else {
        Ok(())
    }
}

/// Forgets how far this store has come in a space: the next request starts a first sync there.
/// Documents stay; what comes again is recognised.
///
/// # Errors
/// SQLite's own.
pub fn clear_cursor(tx: &Tx<'_>, id: SpaceId) -> Result<()> {
    tx.prepare_cached(
        "UPDATE space SET generation = NULL, seq = 0, tag = NULL, roster = 0, first = NULL,
             feed_hash = zeroblob(32)
         WHERE id = ?1",
    )?
    .execute([id])?;
    Ok(())
}

/// Takes in a space's people. Rows no longer named stay, so that old signatures can be checked.
///
/// # Errors
/// SQLite's own.
pub fn set_roster(tx: &Tx<'_>, id: SpaceId, rows: &[RosterRow]) -> Result<()> {
    let mut statement = tx.prepare_cached(
        "INSERT OR REPLACE INTO roster (space, device, key, member, name, role, office)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for row in rows {
        statement.execute(params![
            id, row.device, row.key, row.member, row.name, row.role, row.office
        ])?;
    }
    Ok(())
}

const ROSTER: &str = "SELECT device, key, member, name, role, office FROM roster WHERE space = ?1";

fn roster_row(row: &Row<'_>) -> rusqlite::Result<RosterRow> {
    Ok(RosterRow {
        device: row.get(0)?,
        key: row.get(1)?,
        member: row.get(2)?,
        name: row.get(3)?,
        role: row.get(4)?,
        office: row.get(5)?,
    })
}

/// A space's people and their devices, by device id.
///
/// # Errors
/// SQLite's own.
pub fn roster(conn: &Connection, id: SpaceId) -> Result<Vec<RosterRow>> {
    let mut statement = conn.prepare_cached(&format!("{ROSTER} ORDER BY device"))?;
    let rows = statement.query_map([id], roster_row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// One device of a space.
///
/// # Errors
/// SQLite's own.
pub fn roster_device(
    conn: &Connection,
    id: SpaceId,
    device: DeviceId,
) -> Result<Option<RosterRow>> {
    let mut statement = conn.prepare_cached(&format!("{ROSTER} AND device = ?2"))?;
    Ok(statement
        .query_row(params![id, device], roster_row)
        .optional()?)
}
