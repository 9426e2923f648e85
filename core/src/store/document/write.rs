//! What one save or one arrival does to a document's rows.

use automerge::{Automerge, Change, ReadDoc};
use rusqlite::params;

use super::{has_change, row};
use crate::documents::Kind;
use crate::frame::frame;
use crate::genesis::genesis;
use crate::id::{DocId, EnvelopeId, Hash, MemberId, SpaceId, Version};
use crate::read::Reading;
use crate::store::error::{Result, StoreError};
use crate::store::{Tx, purge, search, view};

/// A snapshot is folded when this many changes came after the last one,
pub const FOLD_CHANGES: i64 = 64;
/// or this many bytes of them.
pub const FOLD_BYTES: i64 = 32 * 1024;

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
    /// Was in another store of this device, and is in the feed or not its own.
    Kept,
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

/// Stores a document with its new changes: changes, heads, view, search row, and a fresh snapshot
/// when the tail has grown. Doing it again changes nothing.
///
/// # Errors
/// [`StoreError::Erased`] for an erased document, [`StoreError::Moved`] for another space or kind
/// than before, [`StoreError::Incomplete`] if the document holds a change that was not given;
/// SQLite's own. The caller's transaction then rolls back.
pub fn write_document(tx: &Tx<'_>, write: &DocWrite<'_>) -> Result<()> {
    write_document_read(tx, write, None)
}

/// As [`write_document`] of a document that was read already.
///
/// # Errors
/// As [`write_document`].
pub fn write_document_read(
    tx: &Tx<'_>,
    write: &DocWrite<'_>,
    reading: Option<&Reading>,
) -> Result<()> {
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
                 VALUES (?1, ?2, ?3, ?4, ?5, 0)",
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
    let added = insert_changes(tx, n, write)?;
    // Loading compares heads: a document stored without one of its changes would never open again.
    let known = genesis(write.kind).hash;
    for head in heads.heads() {
        if *head != known && !has_change(tx, n, *head)? {
            return Err(StoreError::Incomplete(write.doc));
        }
    }
    let (tail_changes, tail_bytes): (i64, i64) = tx
        .prepare_cached(
            "UPDATE document SET heads = ?2,
                 changed_by = CASE WHEN ?3 >= updated_ms THEN coalesce(?4, changed_by) ELSE changed_by END,
                 updated_ms = max(updated_ms, ?3),
                 tail_changes = tail_changes + ?5, tail_bytes = tail_bytes + ?6
             WHERE n = ?1 RETURNING tail_changes, tail_bytes",
        )?
        .query_row(
            params![n, heads, added.newest_ms, write.by, added.count, added.bytes],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
    if tail_changes >= FOLD_CHANGES || tail_bytes >= FOLD_BYTES {
        fold(tx, n, write.am, &heads)?;
    }
    view::write(tx, n, write, reading)
}

/// What [`insert_changes`] found to be new.
#[derive(Default)]
struct Added {
    count: usize,
    bytes: usize,
    /// The latest time an author gave, 0 if nothing is new.
    newest_ms: i64,
}

/// Inserts the changes that are not here yet. An own change that turns out to be in an envelope
/// already (a restored copy meets its own past) is no longer unsealed; packed, once its signature is here.
fn insert_changes(tx: &Tx<'_>, n: i64, write: &DocWrite<'_>) -> Result<Added> {
    let mut added = Added::default();
    let entry = |change: &NewChange| match change.origin {
        Origin::Packed(entry) => Some(entry),
        Origin::Saved | Origin::Enveloped(_) | Origin::Kept => None,
    };
    if let Some(first) = write.new.iter().filter_map(entry).min() {
        // A pack is all of the document from there on: what an earlier first sync numbered may now
        // stand elsewhere.
        tx.prepare_cached("UPDATE change SET entry = NULL WHERE doc = ?1 AND entry >= ?2")?
            .execute(params![n, first])?;
    }
    for change in write.new {
        let (unsealed, envelope, entry) = match change.origin {
            Origin::Saved => (true, None, None),
            Origin::Enveloped(id) => (false, Some(id), None),
            Origin::Packed(entry) => (false, None, Some(entry)),
            Origin::Kept => (false, None, None),
        };
        let made_ms = made_ms(write, change.hash);
        let inserted = tx
            .prepare_cached(
                "INSERT OR IGNORE INTO change
                     (doc, hash, actor, seq, envelope, unsealed, entry, bytes, made_ms, recorded_ms)
                 VALUES (?1, ?2, ?3, ?4, (SELECT n FROM envelope WHERE id = ?5), ?6, ?7, ?8, ?9, ?10)",
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
                made_ms,
                write.at_ms
            ])?;
        if inserted == 1 {
            added.count += 1;
            added.bytes += change.bytes.len();
            // A clock that runs ahead must not keep a document on top of every list.
            added.newest_ms = added.newest_ms.max(made_ms.min(write.at_ms));
        } else if !unsealed {
            tx.prepare_cached(
                "UPDATE change SET unsealed = unsealed AND ?4 IS NOT NULL, entry = coalesce(?4, entry),
                     envelope = coalesce((SELECT n FROM envelope WHERE id = ?3), envelope)
                 WHERE doc = ?1 AND hash = ?2",
            )?
            .execute(params![n, change.hash, envelope, entry])?;
        }
    }
    Ok(added)
}

/// When a change was made by its author's clock; now, if it does not say.
fn made_ms(write: &DocWrite<'_>, hash: Hash) -> i64 {
    let meta = write.am.get_change_meta_by_hash(&hash.into());
    meta.map(|meta| meta.timestamp)
        .filter(|ms| *ms > 0)
        .unwrap_or(write.at_ms)
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

/// Takes a document away of which nothing is left: no feed has it, and nobody here wrote in it.
///
/// # Errors
/// SQLite's own.
pub fn remove_document(tx: &Tx<'_>, doc: DocId) -> Result<()> {
    if let Some(row) = row(tx, doc)? {
        search::remove(tx, row.n)?;
        tx.execute("DELETE FROM document WHERE n = ?1", [row.n])?;
    }
    Ok(())
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
