//! Envelopes, one's own and others'. One's own walk through states; the run stays until the
//! envelope is settled, header and signature stay for ever, so that any store can prove and
//! re-offer what it holds.
//!
//! ```text
//! change saved ──seal──▶ sealed ──▶ acknowledged ──▶ fed          settled: seq known
//!                          │             ├──▶ held ──▶ fed | final
//!                          │             └──▶ final ──▶ replaced  settled: its replay is stored
//!                          └── any state ──▶ erased               settled: nothing left to send
//! fed ──the relay lost it──▶ lost ──offered──▶ acknowledged ──▶ fed | held | final
//! ```
//!
//! What a relay that came back from a backup has lost is offered to it by everyone, so in that last
//! line an envelope may be someone else's. It is told from one that was never accepted by the accept
//! tag it has.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::Tx;
use super::error::{Fault, Result, StoreError};
use crate::encoding::encode_changes;
use crate::envelope::{Envelope, Proof, digest};
use crate::frame::unframe;
use crate::id::{DocId, EnvelopeId, Hash};

mod envelope;
mod feed;
mod lost;
mod progress;

use envelope::{COLUMNS, insert, stored};
pub use envelope::{
    State, Stored, ask_again, ask_all_again, get, insert_kept, is_state, set_received, set_seen,
    set_state, settle_empty,
};
pub use feed::{
    changes_of, fed_of, feed_ids, insert_erased, insert_fed, join, join_packed, packed,
};
pub use lost::{Spaces, cut, decline, has_lost, lost_of, to_offer, was_taken};
pub use progress::{Progress, Stage, backlog, progress};

/// A change saved here that is in no envelope yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsealed {
    /// Its hash.
    pub hash: Hash,
    /// The change chunk.
    pub bytes: Vec<u8>,
}

/// Documents with changes in no envelope yet, oldest change first. One that a first sync brought too is
/// in an envelope whose signature is still to come.
///
/// # Errors
/// SQLite's own.
pub fn unsealed_documents(conn: &Connection) -> Result<Vec<DocId>> {
    let mut statement = conn.prepare_cached(
        "SELECT d.id FROM change c JOIN document d ON d.n = c.doc
         WHERE c.unsealed = 1 AND c.entry IS NULL GROUP BY c.doc ORDER BY min(c.n)",
    )?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// A document's changes in no envelope yet, in local order.
///
/// # Errors
/// [`StoreError::Damaged`]; SQLite's own.
pub fn unsealed(conn: &Connection, doc: DocId) -> Result<Vec<Unsealed>> {
    let mut statement = conn.prepare_cached(
        "SELECT c.hash, c.bytes FROM change c JOIN document d ON d.n = c.doc
         WHERE d.id = ?1 AND c.unsealed = 1 AND c.entry IS NULL ORDER BY c.n",
    )?;
    let mut rows = statement.query([doc])?;
    let mut changes = Vec::new();
    while let Some(row) = rows.next()? {
        changes.push(Unsealed {
            hash: row.get(0)?,
            bytes: opened(row.get_ref(1)?, doc)?,
        });
    }
    Ok(changes)
}

fn opened(framed: rusqlite::types::ValueRef<'_>, doc: DocId) -> Result<Vec<u8>> {
    let framed = framed.as_blob().map_err(rusqlite::Error::from)?;
    let fault = Fault::Change;
    unframe(framed)
        .map(<[u8]>::to_vec)
        .ok_or(StoreError::Damaged { doc, fault })
}

/// Stores an own envelope that was just sealed and marks its changes with it: one transaction, so
/// no change can be in two.
///
/// # Errors
/// [`StoreError::Row`] if the header cannot be read; [`StoreError::Incomplete`] if one of the
/// changes is not here unsealed; SQLite's own.
pub fn insert_sealed(tx: &Tx<'_>, proof: &Proof, run: &[u8], hashes: &[Hash]) -> Result<()> {
    let n = insert(tx, proof, true, &State::Sealed, Some(run))?;
    let doc = proof.header().ok_or(StoreError::Row("header"))?.doc;
    let mut mark = tx.prepare_cached(
        "UPDATE change SET envelope = ?1, unsealed = 0
         WHERE doc = (SELECT n FROM document WHERE id = ?2) AND hash = ?3 AND unsealed = 1",
    )?;
    for hash in hashes {
        if mark.execute(params![n, doc, hash])? != 1 {
            return Err(StoreError::Incomplete(doc));
        }
    }
    Ok(())
}

/// Whether anything sealed is not acknowledged.
///
/// # Errors
/// SQLite's own.
pub fn has_unsent(conn: &Connection) -> Result<bool> {
    let mut statement = conn.prepare_cached(
        "SELECT 1 FROM envelope WHERE run IS NOT NULL AND state = 'sealed' LIMIT 1",
    )?;
    Ok(statement.exists([])?)
}

/// Envelopes to send, oldest first, together at most this many bytes (but at least one, however
/// large). Those put off, which the relay did not take the last time, come after all others, so
/// that they never stand in the way. One whose bytes are damaged here is made again from its changes;
/// if those are damaged too it is left out, and delays no other.
///
/// # Errors
/// SQLite's own.
pub fn to_send(
    conn: &Connection,
    max_bytes: usize,
    max_count: usize,
    put_off: &BTreeSet<EnvelopeId>,
) -> Result<Vec<(EnvelopeId, Envelope)>> {
    let mut statement = conn.prepare_cached(
        "SELECT id FROM envelope WHERE run IS NOT NULL AND state = 'sealed' ORDER BY n",
    )?;
    let ids: Vec<EnvelopeId> = statement
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let (last, first): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| put_off.contains(id));
    let mut statement =
        conn.prepare_cached("SELECT id, doc, header, signature, run FROM envelope WHERE id = ?1")?;
    let mut envelopes = Vec::new();
    let mut bytes = 0;
    for id in first.into_iter().chain(last).take(max_count) {
        let mut rows = statement.query([id])?;
        let Some(row) = rows.next()? else { continue };
        let Some(run) = opened_or_remade(conn, id, row.get_ref(4)?, row.get(1)?)? else {
            continue;
        };
        let envelope = Envelope {
            header: row.get(2)?,
            signature: row.get(3)?,
            run,
        };
        bytes += envelope.header.len() + envelope.run.len() + 96;
        if bytes > max_bytes && !envelopes.is_empty() {
            break;
        }
        envelopes.push((row.get(0)?, envelope));
    }
    Ok(envelopes)
}

/// Whether these go together into a request of at most so many bytes and envelopes.
///
/// # Errors
/// SQLite's own.
pub fn fits(
    conn: &Connection,
    envelopes: &[Stored],
    max_bytes: usize,
    max_count: usize,
) -> Result<bool> {
    let mut statement = conn.prepare_cached("SELECT length(run) FROM envelope WHERE id = ?1")?;
    let mut bytes = 0;
    for stored in envelopes {
        let run: Option<usize> = statement.query_row([stored.id], |row| row.get(0))?;
        bytes += stored.proof.header.len() + run.unwrap_or(0) + 112;
    }
    Ok(bytes <= max_bytes && envelopes.len() <= max_count)
}

/// The run of an own envelope that is not settled yet.
///
/// # Errors
/// [`StoreError::Damaged`]; SQLite's own.
pub fn run(conn: &Connection, id: EnvelopeId) -> Result<Option<Vec<u8>>> {
    let mut statement =
        conn.prepare_cached("SELECT doc, run FROM envelope WHERE id = ?1 AND run IS NOT NULL")?;
    let mut rows = statement.query([id])?;
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let doc = row.get(0)?;
    let run = opened_or_remade(conn, id, row.get_ref(1)?, doc)?;
    let fault = Fault::Change;
    run.map(Some).ok_or(StoreError::Damaged { doc, fault })
}

/// The run of an envelope; where its bytes are damaged, made again from its changes. `None` if those
/// are damaged too, or are not what was signed.
fn opened_or_remade(
    conn: &Connection,
    id: EnvelopeId,
    framed: rusqlite::types::ValueRef<'_>,
    doc: DocId,
) -> Result<Option<Vec<u8>>> {
    match opened(framed, doc) {
        Err(StoreError::Damaged { .. }) => {}
        whole => return whole.map(Some),
    }
    let changes = match changes_of(conn, id) {
        Err(StoreError::Damaged { .. }) => return Ok(None),
        changes => changes?,
    };
    let hashes: Vec<Hash> = changes.iter().map(|change| change.hash).collect();
    let signed = get(conn, id)?.is_some_and(|stored| stored.proof.digest == digest(&hashes));
    let bytes: Vec<Vec<u8>> = changes.into_iter().map(|change| change.bytes).collect();
    Ok(encode_changes(&bytes).ok().filter(|_| signed))
}

/// Envelopes that are not settled, of one document or all, oldest first: one's own, and others' that
/// the relay has lost.
///
/// # Errors
/// SQLite's own.
pub fn unsettled(conn: &Connection, doc: Option<DocId>) -> Result<Vec<Stored>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM envelope WHERE run IS NOT NULL AND (?1 IS NULL OR doc = ?1) ORDER BY n"
    ))?;
    let rows = statement.query_map([doc], stored)?;
    Ok(rows
        .filter_map(rusqlite::Result::transpose)
        .collect::<rusqlite::Result<_>>()?)
}
