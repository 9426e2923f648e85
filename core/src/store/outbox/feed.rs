//! What came in a feed: everyone's envelopes with their places, whether they came one by one or
//! packed in a first sync.

use rusqlite::{Connection, params};

use super::envelope::{COLUMNS, State, Stored, get, insert, set_received, set_state, stored};
use super::{Unsealed, opened};
use crate::envelope::Proof;
use crate::id::{DocId, EnvelopeId, Hash, SpaceId};
use crate::store::Tx;
use crate::store::error::Result;

/// Stores an envelope that came in a feed (or whose proof did). Its changes follow as
/// [`super::Origin::Enveloped`]. One known already, one's own included, only moves to its place.
///
/// # Errors
/// [`StoreError::Row`] if the header cannot be read; SQLite's own.
pub fn insert_fed(
    tx: &Tx<'_>,
    proof: &Proof,
    seq: u64,
    received_ms: Option<i64>,
    accept: Option<&[u8; 16]>,
) -> Result<()> {
    let id = proof.id();
    if get(tx, id)?.is_none() {
        insert(tx, proof, false, &State::Fed(seq), None)?;
    }
    set_state(tx, id, &State::Fed(seq))?;
    set_received(tx, id, received_ms, accept)
}

/// Stores an envelope of which only the proof is left: its document was erased.
///
/// # Errors
/// [`StoreError::Row`] if the header cannot be read; SQLite's own.
pub fn insert_erased(tx: &Tx<'_>, proof: &Proof, seq: u64) -> Result<()> {
    let id = proof.id();
    if get(tx, id)?.is_none() {
        insert(tx, proof, false, &State::Erased, None)?;
    }
    tx.prepare_cached("UPDATE envelope SET seq = ?2 WHERE id = ?1")?
        .execute(params![id, seq])?;
    set_state(tx, id, &State::Erased)
}

/// The ids of a space's feed entries, envelopes and notices, after this seq, in order with their
/// seqs: what the running hash is over.
///
/// # Errors
/// SQLite's own.
pub fn feed_ids(
    conn: &Connection,
    space: SpaceId,
    after: u64,
    limit: usize,
) -> Result<Vec<(u64, EnvelopeId)>> {
    let mut statement = conn.prepare_cached(
        "SELECT seq, id FROM envelope WHERE space = ?1 AND seq > ?2
         UNION ALL SELECT seq, id FROM notice WHERE space = ?1 AND seq > ?2
         ORDER BY seq LIMIT ?3",
    )?;
    let rows = statement.query_map(params![space, after, limit], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A document's envelopes in the feed, in order.
///
/// # Errors
/// SQLite's own.
pub fn fed_of(conn: &Connection, doc: DocId) -> Result<Vec<Stored>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM envelope WHERE doc = ?1 AND seq IS NOT NULL ORDER BY seq"
    ))?;
    let rows = statement.query_map([doc], stored)?;
    Ok(rows
        .filter_map(rusqlite::Result::transpose)
        .collect::<rusqlite::Result<_>>()?)
}

/// The changes of an envelope in its own order, from which its run can be made again.
///
/// # Errors
/// [`StoreError::Damaged`]; SQLite's own.
pub fn changes_of(conn: &Connection, id: EnvelopeId) -> Result<Vec<Unsealed>> {
    let mut statement = conn.prepare_cached(
        "SELECT c.hash, c.bytes, e.doc FROM change c JOIN envelope e ON e.n = c.envelope
         WHERE e.id = ?1 ORDER BY c.n",
    )?;
    let mut rows = statement.query([id])?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        changes.push(Unsealed {
            hash: row.get(0)?,
            bytes: opened(row.get_ref(1)?, row.get(2)?)?,
        });
    }
    Ok(changes)
}

/// Hash and actor of the changes a first sync brought with the n-th entry of a document, in order:
/// what that entry's signature is over.
///
/// # Errors
/// SQLite's own.
pub fn packed(conn: &Connection, doc: DocId, entry: u32) -> Result<Vec<(Hash, Vec<u8>)>> {
    let mut statement = conn.prepare_cached(
        "SELECT c.hash, c.actor FROM change c JOIN document d ON d.n = c.doc
         WHERE d.id = ?1 AND c.entry = ?2 ORDER BY c.n",
    )?;
    let rows = statement.query_map(params![doc, entry], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Joins those changes to their envelope, once its signature is here.
///
/// # Errors
/// SQLite's own.
pub fn join_packed(tx: &Tx<'_>, doc: DocId, entry: u32, id: EnvelopeId) -> Result<()> {
    tx.prepare_cached(
        "UPDATE change SET unsealed = 0, envelope = (SELECT n FROM envelope WHERE id = ?3)
         WHERE doc = (SELECT n FROM document WHERE id = ?1) AND entry = ?2",
    )?
    .execute(params![doc, entry, id])?;
    Ok(())
}

/// Says of changes that they are in this envelope, whatever else they were in.
///
/// # Errors
/// SQLite's own.
pub fn join(tx: &Tx<'_>, id: EnvelopeId, hashes: &[Hash]) -> Result<()> {
    let mut join = tx.prepare_cached(
        "UPDATE change SET unsealed = 0, envelope = e.n
         FROM envelope e JOIN document d ON d.id = e.doc
         WHERE e.id = ?1 AND change.doc = d.n AND change.hash = ?2",
    )?;
    for hash in hashes {
        join.execute(params![id, hash])?;
    }
    Ok(())
}
