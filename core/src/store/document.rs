//! Documents in and out: changes are kept for ever, a snapshot of all but the newest makes loading
//! quick, and nothing reaches Automerge that is not what was written.

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::{Automerge, Change, ReadDoc};
use rusqlite::{Connection, OptionalExtension, params};

use super::error::{Fault, Result, StoreError};
use super::{Tx, purge, view};
use crate::documents::Kind;
use crate::frame::{frame, unframe};
use crate::genesis::genesis;
use crate::id::{DocId, EnvelopeId, Hash, MemberId, SpaceId, Version};

/// A snapshot is folded when this many changes came after the last one,
pub const FOLD_CHANGES: i64 = 64;
/// or this many bytes of them.
pub const FOLD_BYTES: i64 = 32 * 1024;

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

/// One change to store.
#[derive(Clone, Debug)]
pub struct NewChange {
    /// Its hash.
    pub hash: Hash,
    /// The uncompressed change chunk.
    pub bytes: Vec<u8>,
    /// Who made it, as Automerge has it.
    pub actor: Vec<u8>,
    /// The actor's count.
    pub seq: u64,
    /// How it came here.
    pub origin: Origin,
}

impl NewChange {
    /// From an Automerge change.
    pub fn new(change: &Change, origin: Origin) -> Self {
        Self {
            hash: change.hash().into(),
            bytes: change.raw_bytes().to_vec(),
            actor: change.actor_id().to_bytes().to_vec(),
            seq: change.seq(),
            origin,
        }
    }

    /// The changes a save made, by their hashes.
    pub fn saved(am: &Automerge, hashes: &[Hash]) -> Vec<Self> {
        let change = |hash: &Hash| am.get_change_by_hash(&(*hash).into());
        let own = |change: Change| Self::new(&change, Origin::Saved);
        hashes.iter().filter_map(change).map(own).collect()
    }
}

/// How a change came into this store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Saved here; to be sealed and sent.
    Saved,
    /// Arrived in this envelope, which is stored already.
    Enveloped(EnvelopeId),
    /// Arrived in a first sync, with this entry of its document (0 is the first); its envelope
    /// follows.
    Packed(u32),
}

/// A document after some changes, to be stored with them.
pub struct DocWrite<'a> {
    /// Which.
    pub doc: DocId,
    /// Where it lives.
    pub space: SpaceId,
    /// Of which kind.
    pub kind: Kind,
    /// The document with all of `new` in it.
    pub am: &'a Automerge,
    /// The changes it did not have before, in causal order. Ones stored already are skipped.
    pub new: &'a [NewChange],
    /// When, by this machine's clock, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Who changed it last, if known.
    pub by: Option<MemberId>,
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
    /// Last changed here.
    pub updated_ms: i64,
    /// Who changed it last, if known.
    pub changed_by: Option<MemberId>,
    pub(super) n: i64,
}

/// The heads of a document; `None` if it is not here.
///
/// # Errors
/// SQLite's own.
pub fn heads(conn: &Connection, doc: DocId) -> Result<Option<Version>> {
    let mut statement = conn.prepare_cached("SELECT heads FROM document WHERE id = ?1")?;
    Ok(statement.query_row([doc], |row| row.get(0)).optional()?)
}

/// What is stored of a document beside its content; `None` if it is not here.
///
/// # Errors
/// SQLite's own.
pub fn row(conn: &Connection, doc: DocId) -> Result<Option<DocRow>> {
    let mut statement = conn.prepare_cached(
        "SELECT id, space, kind, heads, last_seq, created_ms, updated_ms, changed_by, n
         FROM document WHERE id = ?1",
    )?;
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
    Ok(row.optional()?)
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
        Automerge::load(bytes).map_err(|_| Fault::Snapshot)
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

/// Stores a document with its new changes: changes, heads, view, search row, and a fresh snapshot
/// when the tail has grown. Doing it again changes nothing.
///
/// # Errors
/// [`StoreError::Erased`] for an erased document, [`StoreError::Moved`] for another space or kind
/// than before, [`StoreError::Incomplete`] if the document holds a change that was not given;
/// SQLite's own. The caller's transaction then rolls back.
pub fn write_document(tx: &Tx<'_>, write: &DocWrite<'_>) -> Result<()> {
    if purge::is_erased(tx, write.doc)? {
        return Err(StoreError::Erased(write.doc));
    }
    let heads = Version::from(write.am.get_heads());
    let n = match row(tx, write.doc)? {
        Some(row) if row.space != write.space || row.kind != write.kind.number() => {
            return Err(StoreError::Moved(write.doc));
        }
        Some(row) => row.n,
        None => {
            tx.prepare_cached(
                "INSERT INTO document (id, space, kind, heads, created_ms, updated_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
            )?
            .execute(params![
                write.doc,
                write.space,
                write.kind,
                heads,
                write.at_ms
            ])?;
            tx.last_insert_rowid()
        }
    };
    let (count, bytes) = insert_changes(tx, n, write)?;
    // Loading compares heads: a document stored without one of its changes would never open again.
    let known = genesis(write.kind).hash;
    for head in heads.heads() {
        if *head != known && !has_change(tx, n, *head)? {
            return Err(StoreError::Incomplete(write.doc));
        }
    }
    let (tail_changes, tail_bytes): (i64, i64) = tx
        .prepare_cached(
            "UPDATE document SET heads = ?2, updated_ms = ?3, changed_by = coalesce(?4, changed_by),
                 tail_changes = tail_changes + ?5, tail_bytes = tail_bytes + ?6
             WHERE n = ?1 RETURNING tail_changes, tail_bytes",
        )?
        .query_row(params![n, heads, write.at_ms, write.by, count, bytes], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    if tail_changes >= FOLD_CHANGES || tail_bytes >= FOLD_BYTES {
        fold(tx, n, write.am, &heads)?;
    }
    view::write(tx, n, write)
}

/// Inserts the changes that are not here yet. An own change that turns out to be in an envelope
/// already (a restored copy meets its own past) is no longer unsealed.
fn insert_changes(tx: &Tx<'_>, n: i64, write: &DocWrite<'_>) -> Result<(usize, usize)> {
    let (mut count, mut bytes) = (0, 0);
    for change in write.new {
        let (unsealed, envelope, entry) = match change.origin {
            Origin::Saved => (true, None, None),
            Origin::Enveloped(id) => (false, Some(id), None),
            Origin::Packed(entry) => (false, None, Some(entry)),
        };
        let inserted = tx
            .prepare_cached(
                "INSERT OR IGNORE INTO change
                     (doc, hash, actor, seq, envelope, unsealed, entry, bytes, recorded_ms)
                 VALUES (?1, ?2, ?3, ?4, (SELECT n FROM envelope WHERE id = ?5), ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                n,
                change.hash,
                change.actor,
                change.seq,
                envelope,
                unsealed,
                entry,
                frame(&change.bytes),
                write.at_ms
            ])?;
        if inserted == 1 {
            count += 1;
            bytes += change.bytes.len();
        } else if !unsealed {
            tx.prepare_cached(
                "UPDATE change SET unsealed = 0, entry = coalesce(entry, ?4),
                     envelope = coalesce((SELECT n FROM envelope WHERE id = ?3), envelope)
                 WHERE doc = ?1 AND hash = ?2",
            )?
            .execute(params![n, change.hash, envelope, entry])?;
        }
    }
    Ok((count, bytes))
}

fn has_change(conn: &Connection, n: i64, hash: Hash) -> Result<bool> {
    let mut statement = conn.prepare_cached("SELECT 1 FROM change WHERE doc = ?1 AND hash = ?2")?;
    Ok(statement.exists(params![n, hash])?)
}

/// Replaces the snapshot by the document as it stands. The changes stay.
fn fold(tx: &Tx<'_>, n: i64, am: &Automerge, heads: &Version) -> Result<()> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO snapshot (doc, heads, upto, bytes)
         SELECT ?1, ?2, coalesce(max(n), 0), ?3 FROM change WHERE doc = ?1",
    )?
    .execute(params![n, heads, frame(&am.save())])?;
    tx.prepare_cached("UPDATE document SET tail_changes = 0, tail_bytes = 0 WHERE n = ?1")?
        .execute([n])?;
    Ok(())
}

/// Stores a document that was rebuilt from the feed, in which some changes are no more (they were
/// refused, or replayed under a new epoch).
///
/// # Errors
/// As [`write_document`].
pub fn rewrite_document(tx: &Tx<'_>, write: &DocWrite<'_>, gone: &[Hash]) -> Result<()> {
    if let Some(row) = row(tx, write.doc)? {
        let mut delete = tx.prepare_cached("DELETE FROM change WHERE doc = ?1 AND hash = ?2")?;
        for hash in gone {
            delete.execute(params![row.n, hash])?;
        }
        // The old snapshot holds what is gone; the new one is made below.
        tx.prepare_cached("DELETE FROM snapshot WHERE doc = ?1")?
            .execute([row.n])?;
    }
    write_document(tx, write)?;
    let row = row(tx, write.doc)?.ok_or(StoreError::NotFound(write.doc))?;
    fold(tx, row.n, write.am, &row.heads)
}

/// Notes that the feed has come to this seq for the document.
///
/// # Errors
/// SQLite's own.
pub fn set_last_seq(tx: &Tx<'_>, doc: DocId, seq: u64) -> Result<()> {
    tx.prepare_cached("UPDATE document SET last_seq = max(last_seq, ?2) WHERE id = ?1")?
        .execute(params![doc, seq])?;
    Ok(())
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

/// The change of a document that an actor made under this count, if it is here.
///
/// # Errors
/// SQLite's own.
pub fn change_of(conn: &Connection, doc: DocId, actor: &[u8], seq: u64) -> Result<Option<Hash>> {
    let mut statement = conn.prepare_cached(
        "SELECT c.hash FROM change c JOIN document d ON d.n = c.doc
         WHERE d.id = ?1 AND c.actor = ?2 AND c.seq = ?3",
    )?;
    Ok(statement
        .query_row(params![doc, actor, seq], |row| row.get(0))
        .optional()?)
}
