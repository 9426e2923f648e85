//! Documents in and out: changes are kept for ever, a snapshot of all but the newest makes loading
//! quick, and nothing reaches Automerge that is not what was written. This file reads, `write`
//! writes.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{Automerge, Change};
use rusqlite::{Connection, OptionalExtension, params};

use super::Tx;
use super::error::{Fault, Result, StoreError};
use crate::documents::Kind;
use crate::frame::unframe;
use crate::genesis::genesis;
use crate::id::{DocId, EnvelopeId, Hash, MemberId, SpaceId, Version};

mod write;

pub use write::{
    DocWrite, FOLD_BYTES, FOLD_CHANGES, NewChange, Origin, remove_document, rewrite_document,
    set_last_seq, write_document, write_document_read,
};

/// A document as it stands.
pub struct Loaded {
    /// Which.
    pub doc: DocId,
    /// Where it lives.
    pub space: SpaceId,
    /// Of which kind.
    pub kind: Kind,
    /// The document itself.
    pub am: Automerge,
    /// Its heads.
    pub heads: Version,
}

/// What is stored of a document beside its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocRow {
    /// Which.
    pub doc: DocId,
    /// Where it lives.
    pub space: SpaceId,
    /// Its kind's wire number; a later version may have made it.
    pub kind: u8,
    /// Its heads.
    pub heads: Version,
    /// The newest feed entry applied to it; 0 if none.
    pub last_seq: u64,
    /// First stored here, milliseconds since 1970 UTC.
    pub created_ms: i64,
    /// Last changed, by the author's clock, but never later than it came here.
    pub updated_ms: i64,
    /// Who changed it last, if known.
    pub changed_by: Option<MemberId>,
    pub(super) n: i64,
}

/// The heads of a document; `None` if it is not here.
///
/// # Errors
/// As [`row`].
pub fn heads(conn: &Connection, doc: DocId) -> Result<Option<Version>> {
    let mut statement = conn.prepare_cached(&format!("SELECT d.id, d.heads {BY_ID}"))?;
    let found = statement
        .query_row([doc], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    found.map(|(id, heads)| own(doc, id, heads)).transpose()
}

/// By id, with every column from the row itself: a damaged index could lead to another document's
/// row, and SQLite would give the id asked for out of the index.
const BY_ID: &str = "FROM document i CROSS JOIN document d ON d.n = i.n WHERE i.id = ?1";

fn own<T>(asked: DocId, found: DocId, value: T) -> Result<T> {
    let fault = Fault::Index;
    (asked == found)
        .then_some(value)
        .ok_or(StoreError::Damaged { doc: asked, fault })
}

/// What is stored of a document beside its content; `None` if it is not here.
///
/// # Errors
/// [`StoreError::Damaged`] if the index leads to another; SQLite's own.
pub fn row(conn: &Connection, doc: DocId) -> Result<Option<DocRow>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT d.id, d.space, d.kind, d.heads, d.last_seq, d.created_ms, d.updated_ms,
             d.changed_by, d.n {BY_ID}"
    ))?;
    let row = statement.query_row([doc], |row| {
        Ok(DocRow {
            doc: row.get(0)?,
            space: row.get(1)?,
            kind: row.get(2)?,
            heads: row.get(3)?,
            last_seq: row.get(4)?,
            created_ms: row.get(5)?,
            updated_ms: row.get(6)?,
            changed_by: row.get(7)?,
            n: row.get(8)?,
        })
    });
    row.optional()?
        .map(|row| own(doc, row.doc, row))
        .transpose()
}

/// All documents of a space, or of all spaces, in id order, after this one: for walking through
/// everything in bounded memory.
///
/// # Errors
/// SQLite's own.
pub fn ids(
    conn: &Connection,
    space: Option<SpaceId>,
    after: Option<DocId>,
    limit: usize,
) -> Result<Vec<DocId>> {
    let mut statement = conn.prepare_cached(
        "SELECT id FROM document WHERE (?1 IS NULL OR space = ?1) AND id > ?2 ORDER BY id LIMIT ?3",
    )?;
    let after = after.map_or_else(Vec::new, |doc| doc.as_bytes().to_vec());
    let rows = statement.query_map(params![space, after, limit], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Loads a document: snapshot and the changes after it, or, should the snapshot be damaged, all
/// changes.
///
/// # Errors
/// [`StoreError::NotFound`], [`StoreError::UnknownKind`], [`StoreError::Damaged`] naming the
/// document (no other is affected), SQLite's own.
pub fn load(conn: &Connection, doc: DocId) -> Result<Loaded> {
    let row = row(conn, doc)?.ok_or(StoreError::NotFound(doc))?;
    let kind = Kind::from_number(row.kind).ok_or(StoreError::UnknownKind(doc))?;
    let loaded = |am| Loaded {
        doc,
        space: row.space,
        kind,
        am,
        heads: row.heads.clone(),
    };
    let quick = match snapshot(conn, row.n)? {
        Some((upto, Some(bytes))) => from_snapshot(conn, &row, upto, &bytes)?,
        Some((_, None)) | None => Err(Fault::Snapshot),
    };
    if let Ok(am) = quick {
        return Ok(loaded(am));
    }
    let damaged = |fault| StoreError::Damaged { doc, fault };
    let tail = changes_after(conn, row.n, 0)?.map_err(damaged)?;
    let am = build(genesis(kind).document(), tail, &row.heads).map_err(damaged)?;
    Ok(loaded(am))
}

/// Whether the snapshot and each change of a document are whole, and give the stored heads.
pub(super) fn examine(conn: &Connection, doc: DocId) -> Result<Vec<Fault>> {
    let row = row(conn, doc)?.ok_or(StoreError::NotFound(doc))?;
    let kind = Kind::from_number(row.kind).ok_or(StoreError::UnknownKind(doc))?;
    let mut faults = Vec::new();
    if let Some((upto, bytes)) = snapshot(conn, row.n)? {
        let whole = match bytes {
            Some(bytes) => from_snapshot(conn, &row, upto, &bytes)?.is_ok(),
            None => false,
        };
        if !whole {
            faults.push(Fault::Snapshot);
        }
    }
    let whole = changes_after(conn, row.n, 0)?
        .and_then(|all| build(genesis(kind).document(), all, &row.heads));
    faults.extend(whole.err());
    Ok(faults)
}

/// The snapshot's last change and its bytes; no bytes if the frame is broken.
fn snapshot(conn: &Connection, n: i64) -> Result<Option<(i64, Option<Vec<u8>>)>> {
    let mut statement = conn.prepare_cached("SELECT upto, bytes FROM snapshot WHERE doc = ?1")?;
    let found = statement
        .query_row([n], |row| {
            let framed = row.get_ref(1)?.as_blob()?;
            Ok((row.get(0)?, unframe(framed).map(<[u8]>::to_vec)))
        })
        .optional()?;
    Ok(found)
}

fn from_snapshot(
    conn: &Connection,
    row: &DocRow,
    upto: i64,
    bytes: &[u8],
) -> Result<Result<Automerge, Fault>> {
    let tail = match changes_after(conn, row.n, upto)? {
        Ok(tail) => tail,
        Err(fault) => return Ok(Err(fault)),
    };
    let base = catch_unwind(AssertUnwindSafe(|| {
        let am = Automerge::load(bytes).map_err(|_| Fault::Snapshot)?;
        // Read as one of another kind it would show other content.
        let genesis = Kind::from_number(row.kind).map(|kind| genesis(kind).hash);
        genesis
            .is_some_and(|hash| am.get_change_meta_by_hash(&hash.into()).is_some())
            .then_some(am)
            .ok_or(Fault::Snapshot)
    }))
    .unwrap_or(Err(Fault::Snapshot));
    Ok(base.and_then(|am| build(am, tail, &row.heads)))
}

/// The changes of a document after this one in local order, each shown to be what was written.
fn changes_after(conn: &Connection, n: i64, after: i64) -> Result<Result<Vec<Change>, Fault>> {
    let mut statement =
        conn.prepare_cached("SELECT hash, bytes FROM change WHERE doc = ?1 AND n > ?2 ORDER BY n")?;
    let mut rows = statement.query(params![n, after])?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        let hash: Hash = row.get(0)?;
        let framed = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        match unframe(framed).and_then(|bytes| parse(bytes, hash)) {
            Some(change) => changes.push(change),
            None => return Ok(Err(Fault::Change)),
        }
    }
    Ok(Ok(changes))
}

fn parse(bytes: &[u8], hash: Hash) -> Option<Change> {
    // Automerge does not compare the checksum, so the hash is compared here.
    let change = catch_unwind(|| Change::from_bytes(bytes.to_vec()).ok())
        .ok()
        .flatten()?;
    (Hash::from(change.hash()) == hash).then_some(change)
}

fn build(mut am: Automerge, tail: Vec<Change>, heads: &Version) -> Result<Automerge, Fault> {
    let applied = catch_unwind(AssertUnwindSafe(|| {
        am.apply_changes(tail).map_err(|_| Fault::Content)?;
        Ok(am)
    }));
    let am = applied.unwrap_or(Err(Fault::Content))?;
    (Version::from(am.get_heads()) == *heads)
        .then_some(am)
        .ok_or(Fault::Heads)
}

/// Whether the document holds this change. Genesis counts as always present.
///
/// # Errors
/// SQLite's own.
pub fn contains(conn: &Connection, doc: DocId, hash: Hash) -> Result<bool> {
    let Some(row) = row(conn, doc)? else {
        return Ok(false);
    };
    if Kind::from_number(row.kind).is_some_and(|kind| genesis(kind).hash == hash) {
        return Ok(true);
    }
    has_change(conn, row.n, hash)
}

/// The changes of a document that an actor made under these counts, as far as they are here, each with the
/// envelope it is in.
///
/// # Errors
/// SQLite's own.
pub fn changes_by(
    conn: &Connection,
    doc: DocId,
    actor: &[u8],
    counts: RangeInclusive<u64>,
) -> Result<Vec<(Hash, Option<EnvelopeId>)>> {
    let mut statement = conn.prepare_cached(
        "SELECT c.hash, e.id FROM change c JOIN document d ON d.n = c.doc
             LEFT JOIN envelope e ON e.n = c.envelope
         WHERE d.id = ?1 AND c.actor = ?2 AND c.seq BETWEEN ?3 AND ?4 ORDER BY c.seq",
    )?;
    let rows = statement.query_map(params![doc, actor, counts.start(), counts.end()], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Forgets with which entry of their document changes came whose signature is not here: the feed
/// they came from is no more. One's own are to be sealed then; `true` if there were others.
///
/// # Errors
/// SQLite's own.
pub fn doubt_unproven(tx: &Tx<'_>, space: SpaceId) -> Result<bool> {
    let mut doubted = 0;
    for unsealed in [true, false] {
        let mut statement = tx.prepare_cached(
            "UPDATE change SET entry = NULL WHERE envelope IS NULL AND unsealed = ?2
                 AND doc IN (SELECT n FROM document WHERE space = ?1)",
        )?;
        doubted = statement.execute(params![space, unsealed])?;
    }
    Ok(doubted > 0)
}

/// The documents that hold changes which are neither signed nor of a feed nor one's own.
///
/// # Errors
/// SQLite's own.
pub fn with_unproven(conn: &Connection) -> Result<Vec<DocId>> {
    let mut statement = conn.prepare_cached(
        "SELECT DISTINCT d.id FROM change c JOIN document d ON d.n = c.doc
         WHERE c.envelope IS NULL AND c.unsealed = 0 AND c.entry IS NULL ORDER BY d.n",
    )?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Those changes of one document.
///
/// # Errors
/// SQLite's own.
pub fn unproven(conn: &Connection, doc: DocId) -> Result<BTreeSet<Hash>> {
    let mut statement = conn.prepare_cached(
        "SELECT c.hash FROM change c JOIN document d ON d.n = c.doc
         WHERE d.id = ?1 AND c.envelope IS NULL AND c.unsealed = 0 AND c.entry IS NULL",
    )?;
    let rows = statement.query_map([doc], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn has_change(conn: &Connection, n: i64, hash: Hash) -> Result<bool> {
    let mut statement = conn.prepare_cached("SELECT 1 FROM change WHERE doc = ?1 AND hash = ?2")?;
    Ok(statement.exists(params![n, hash])?)
}
