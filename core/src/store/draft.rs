//! What rebuild and replay leaves behind: the table that lets a form opened before the rebuild
//! save on, drafts of what was refused twice, and what failed here and why.

use data_encoding::HEXLOWER;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use super::Tx;
use super::error::{Result, StoreError};
use crate::documents::Kind;
use crate::frame::{HEAD as FRAME_HEAD, frame, unframe};
use crate::id::{DocId, EnvelopeId, Hash, SpaceId, Version};

/// A refused edit as people can still read it.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Its number here.
    pub number: i64,
    /// The document it was an edit of.
    pub doc: DocId,
    /// Where that lives.
    pub space: SpaceId,
    /// The document's kind number.
    pub kind: u8,
    /// Why it was refused, a code.
    pub reason: String,
    /// When it was put here, milliseconds since 1970 UTC.
    pub made_ms: i64,
    /// The document as the edit had it, in JSON form.
    pub value: Value,
}

/// Keeps a draft; gives its number.
///
/// # Errors
/// SQLite's own.
pub fn keep(
    tx: &Tx<'_>,
    (doc, space, kind): (DocId, SpaceId, Kind),
    reason: &str,
    made_ms: i64,
    value: &Value,
) -> Result<i64> {
    tx.prepare_cached(
        "INSERT INTO draft (doc, space, kind, reason, made_ms, value)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![doc, space, kind, reason, made_ms, sealed(value)])?;
    Ok(tx.last_insert_rowid())
}

/// The value with a hash over it: nothing else tells whether a draft is what was written.
fn sealed(value: &Value) -> String {
    let text = value.to_string();
    let seal = HEXLOWER.encode(&frame(text.as_bytes())[..FRAME_HEAD]);
    format!("{seal}{text}")
}

fn unsealed(text: &str) -> Option<Value> {
    // Ones from before there was a hash begin with the value.
    if text.starts_with('{') {
        return serde_json::from_str(text).ok();
    }
    let (seal, text) = text.split_at_checked(2 * FRAME_HEAD)?;
    let mut framed = HEXLOWER.decode(seal.as_bytes()).ok()?;
    framed.extend_from_slice(text.as_bytes());
    serde_json::from_slice(unframe(&framed)?).ok()
}

/// All drafts, oldest first.
///
/// # Errors
/// [`StoreError::Row`]; SQLite's own.
pub fn drafts(conn: &Connection) -> Result<Vec<Draft>> {
    let mut statement = conn.prepare_cached(
        "SELECT n, doc, space, kind, reason, made_ms, value FROM draft ORDER BY n",
    )?;
    let mut rows = statement.query([])?;
    let mut drafts = Vec::new();
    while let Some(row) = rows.next()? {
        let text = row.get_ref(6)?.as_str().map_err(rusqlite::Error::from)?;
        drafts.push(Draft {
            number: row.get(0)?,
            doc: row.get(1)?,
            space: row.get(2)?,
            kind: row.get(3)?,
            reason: row.get(4)?,
            made_ms: row.get(5)?,
            value: unsealed(text).ok_or(StoreError::Row("draft"))?,
        });
    }
    Ok(drafts)
}

/// A person is done with a draft.
///
/// # Errors
/// SQLite's own.
pub fn discard(tx: &Tx<'_>, number: i64) -> Result<()> {
    tx.prepare_cached("DELETE FROM draft WHERE n = ?1")?
        .execute([number])?;
    Ok(())
}

/// An edit made again in a rebuilt document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replay {
    /// The change that is no more.
    pub old: Hash,
    /// What stands in its place.
    pub new: Hash,
    /// Whether the document says at the new one what it said at the old one.
    pub exact: bool,
}

/// Notes an edit that was made again.
///
/// # Errors
/// SQLite's own.
pub fn replayed(tx: &Tx<'_>, doc: DocId, replay: &Replay) -> Result<()> {
    let Replay { old, new, exact } = replay;
    // A replay replayed once more: what pointed at the first points at the second.
    tx.prepare_cached(
        "UPDATE replay SET new_hash = ?3, exact = min(exact, ?4) WHERE doc = ?1 AND new_hash = ?2",
    )?
    .execute(params![doc, old, new, exact])?;
    tx.prepare_cached(
        "INSERT OR REPLACE INTO replay (doc, old_hash, new_hash, exact) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![doc, old, new, exact])?;
    Ok(())
}

/// A version from before a rebuild, in terms of the rebuilt document. One at which that says something
/// else stays as it was: nobody knows it any more. A form opened there would be taken for having written
/// or removed what others did. So does a change that came back after it was made again, when both are
/// there until the relay has chosen: a form may have been opened since, and shown both.
///
/// # Errors
/// SQLite's own.
pub fn translate(conn: &Connection, doc: DocId, version: &Version) -> Result<Version> {
    let mut statement = conn.prepare_cached(
        "SELECT new_hash FROM replay WHERE doc = ?1 AND old_hash = ?2 AND exact = 1
         AND NOT EXISTS (SELECT 1 FROM change JOIN document ON document.n = change.doc
                         WHERE document.id = ?1 AND change.hash = ?2)",
    )?;
    let mut heads = Vec::with_capacity(version.heads().len());
    for head in version.heads() {
        let new = statement
            .query_row(params![doc, head], |row| row.get(0))
            .optional()?;
        heads.push(new.unwrap_or(*head));
    }
    Ok(Version::new(heads))
}

/// Something that failed here and was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// The space.
    pub space: SpaceId,
    /// The document.
    pub doc: DocId,
    /// The envelope, if it was one.
    pub envelope: Option<EnvelopeId>,
    /// Why, a code.
    pub reason: String,
    /// When, milliseconds since 1970 UTC.
    pub at_ms: i64,
}

/// Notes that something failed here.
///
/// # Errors
/// SQLite's own.
pub fn quarantine(tx: &Tx<'_>, failed: &Quarantined) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO quarantine (space, doc, envelope, reason, at_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        failed.space,
        failed.doc,
        failed.envelope,
        failed.reason,
        failed.at_ms
    ])?;
    Ok(())
}

/// Everything that failed here, oldest first.
///
/// # Errors
/// SQLite's own.
pub fn quarantined(conn: &Connection) -> Result<Vec<Quarantined>> {
    let mut statement = conn
        .prepare_cached("SELECT space, doc, envelope, reason, at_ms FROM quarantine ORDER BY n")?;
    let rows = statement.query_map([], |row| {
        Ok(Quarantined {
            space: row.get(0)?,
            doc: row.get(1)?,
            envelope: row.get(2)?,
            reason: row.get(3)?,
            at_ms: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A document is whole again.
///
/// # Errors
/// SQLite's own.
pub fn release(tx: &Tx<'_>, doc: DocId) -> Result<()> {
    tx.prepare_cached("DELETE FROM quarantine WHERE doc = ?1")?
        .execute([doc])?;
    Ok(())
}

/// What failed of a document for this reason has come right.
///
/// # Errors
/// SQLite's own.
pub fn release_from(tx: &Tx<'_>, doc: DocId, reason: &str) -> Result<()> {
    tx.prepare_cached("DELETE FROM quarantine WHERE doc = ?1 AND reason = ?2")?
        .execute(params![doc, reason])?;
    Ok(())
}

/// The whole table of a document: (old change, replaying change).
///
/// # Errors
/// SQLite's own.
pub fn replays(conn: &Connection, doc: DocId) -> Result<Vec<(Hash, Hash)>> {
    let mut statement =
        conn.prepare_cached("SELECT old_hash, new_hash FROM replay WHERE doc = ?1 ORDER BY 1, 2")?;
    let rows = statement.query_map([doc], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
