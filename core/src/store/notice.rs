//! What the relay itself said in a feed, kept whole with its signature.

use rusqlite::{Connection, Row, params};

use super::Tx;
use super::error::{Result, StoreError};
use crate::envelope::decode;
use crate::id::{DocId, SpaceId};
use crate::wire::{Notice, SignedNotice};

/// A notice as it rests here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its place in the feed; `None` when the relay lost it.
    pub seq: Option<u64>,
    /// What it says.
    pub notice: Notice,
    /// The signed bytes.
    pub signed: SignedNotice,
    /// The relay's accept tag.
    pub accept: [u8; 16],
}

/// Stores a notice at its place; one known already moves there.
///
/// # Errors
/// [`StoreError::Row`] if the body cannot be read; SQLite's own.
pub fn insert(tx: &Tx<'_>, seq: u64, signed: &SignedNotice, accept: &[u8; 16]) -> Result<()> {
    let notice: Notice = decode(&signed.body).ok_or(StoreError::Row("notice"))?;
    tx.prepare_cached(
        "INSERT INTO notice (id, space, seq, doc, body, signature, accept)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, accept = excluded.accept",
    )?
    .execute(params![
        signed.id(),
        notice.space,
        seq,
        notice.doc,
        signed.body,
        signed.signature,
        accept
    ])?;
    Ok(())
}

const COLUMNS: &str = "seq, body, signature, accept";

fn from_row(row: &Row<'_>) -> Result<Stored> {
    let signed = SignedNotice {
        body: row.get(1)?,
        signature: row.get(2)?,
    };
    Ok(Stored {
        seq: row.get(0)?,
        notice: decode(&signed.body).ok_or(StoreError::Row("notice"))?,
        signed,
        accept: row.get(3)?,
    })
}

fn all(conn: &Connection, condition: &str, params: impl rusqlite::Params) -> Result<Vec<Stored>> {
    let mut statement =
        conn.prepare_cached(&format!("SELECT {COLUMNS} FROM notice WHERE {condition}"))?;
    let mut rows = statement.query(params)?;
    let mut notices = Vec::new();
    while let Some(row) = rows.next()? {
        notices.push(from_row(row)?);
    }
    Ok(notices)
}

/// What the relay said of a document, oldest first; what it lost comes last.
///
/// # Errors
/// [`StoreError::Row`]; SQLite's own.
pub fn of(conn: &Connection, doc: DocId) -> Result<Vec<Stored>> {
    all(conn, "doc = ?1 ORDER BY seq IS NULL, seq, id", [doc])
}

/// What the relay said in a space, oldest first; what it lost comes last.
///
/// # Errors
/// [`StoreError::Row`]; SQLite's own.
pub fn of_space(conn: &Connection, space: SpaceId) -> Result<Vec<Stored>> {
    all(conn, "space = ?1 ORDER BY seq IS NULL, seq, id", [space])
}

/// The notices that the relay lost, of one space or of all, as they were given: to be offered.
///
/// # Errors
/// [`StoreError::Row`]; SQLite's own.
pub fn lost(conn: &Connection, space: Option<SpaceId>) -> Result<Vec<Stored>> {
    let mut lost = all(
        conn,
        "seq IS NULL AND (?1 IS NULL OR space = ?1) ORDER BY id",
        [space],
    )?;
    lost.sort_by_key(|stored| stored.notice.at_ms);
    Ok(lost)
}
