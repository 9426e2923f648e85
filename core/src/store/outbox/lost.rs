//! What a relay that came back from a backup no longer has: marked at the cut, offered until the
//! relay has it again. Each lost envelope gets its run back from its changes, so that it can be
//! offered whatever becomes of the document meanwhile.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::envelope::insert;
use super::{State, changes_of, get, opened_or_remade, set_received};
use crate::encoding::encode_changes;
use crate::envelope::{Envelope, digest};
use crate::frame::frame;
use crate::guard::Limits;
use crate::id::{DocId, EnvelopeId, Hash, SpaceId};
use crate::store::error::Result;
use crate::store::{Tx, deferred};
use crate::wire::{Entry, Offer};

/// A new generation begins after this seq: the relay no longer has what came after it, envelopes
/// and notices. They are [`State::Lost`] until it has them again, and their places are free.
///
/// # Errors
/// SQLite's own.
pub fn cut(tx: &Tx<'_>, space: SpaceId, seq: u64) -> Result<()> {
    keep_deferred(tx, space, seq)?;
    let mut statement = tx.prepare_cached(
        "SELECT id FROM envelope WHERE space = ?1 AND seq > ?2 AND state = 'fed' ORDER BY seq",
    )?;
    let fed: Vec<EnvelopeId> = statement
        .query_map(params![space, seq], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut lose = tx.prepare_cached(
        "UPDATE envelope SET state = 'lost', reason = NULL, run = ?2 WHERE id = ?1",
    )?;
    for id in fed {
        let run = run_of(tx, id)?;
        lose.execute(params![id, run.as_deref().map(frame)])?;
    }
    for table in ["envelope", "notice"] {
        tx.execute(
            &format!("UPDATE {table} SET seq = NULL WHERE space = ?1 AND seq > ?2"),
            params![space, seq],
        )?;
    }
    // One that was declined is offered to the relay as it is now.
    tx.execute(
        "UPDATE envelope SET reason = NULL WHERE space = ?1 AND state = 'lost'",
        [space],
    )?;
    tx.execute(
        "UPDATE document SET last_seq = ?2 WHERE space = ?1 AND last_seq > ?2",
        params![space, seq],
    )?;
    Ok(())
}

/// Whether the relay has had anything of a space that is here: in its feed, acknowledged, or kept, or
/// come from it in a first sync whose signatures were still to come.
///
/// # Errors
/// SQLite's own.
pub fn was_taken(conn: &Connection, space: SpaceId) -> Result<bool> {
    let mut statement = conn.prepare_cached(
        "SELECT 1 FROM envelope WHERE space = ?1 AND seq IS NOT NULL
         UNION ALL SELECT 1 FROM envelope WHERE run IS NOT NULL
             AND state IN ('acknowledged', 'held') AND space = ?1
         UNION ALL SELECT 1 FROM notice WHERE space = ?1 AND seq IS NOT NULL
         UNION ALL SELECT 1 FROM change c JOIN document d ON d.n = c.doc
             WHERE d.space = ?1 AND c.envelope IS NULL AND c.entry IS NOT NULL LIMIT 1",
    )?;
    Ok(statement.exists([space])?)
}

/// Entries put by above the cut have not met their document: they go on as envelopes to be offered.
fn keep_deferred(tx: &Tx<'_>, space: SpaceId, seq: u64) -> Result<()> {
    for entry in deferred::take_above(tx, space, seq)? {
        let Entry::Envelope {
            envelope, accept, ..
        } = entry
        else {
            continue;
        };
        let Some(proof) = envelope.proof(&Limits::DEVICE) else {
            continue;
        };
        if get(tx, proof.id())?.is_none() {
            insert(tx, &proof, false, &State::Lost, Some(&envelope.run))?;
            set_received(tx, proof.id(), None, Some(&accept))?;
        }
    }
    Ok(())
}

/// An envelope's run, made again of its changes; `None` if they are not all here.
fn run_of(conn: &Connection, id: EnvelopeId) -> Result<Option<Vec<u8>>> {
    let Some(stored) = get(conn, id)? else {
        return Ok(None);
    };
    // A damaged change is the document's trouble, and no reason not to go on.
    let Ok(changes) = changes_of(conn, id) else {
        return Ok(None);
    };
    let hashes: Vec<Hash> = changes.iter().map(|change| change.hash).collect();
    if digest(&hashes) != stored.proof.digest {
        return Ok(None);
    }
    let changes: Vec<Vec<u8>> = changes.into_iter().map(|change| change.bytes).collect();
    Ok(encode_changes(&changes).ok())
}

/// Of which spaces something is to be offered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Spaces {
    /// All.
    All,
    /// Those this store has left.
    Left,
}

/// What is to be offered, oldest first, together at most this many bytes (but at least one, however
/// large), without what was put off.
///
/// # Errors
/// SQLite's own.
pub fn to_offer(
    conn: &Connection,
    spaces: Spaces,
    max_bytes: usize,
    max_count: usize,
    put_off: &BTreeSet<EnvelopeId>,
) -> Result<Vec<Offer>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT id, doc, header, signature, run, accept FROM envelope WHERE {OPEN}
             AND (?1 OR space IN (SELECT id FROM space WHERE left_ms IS NOT NULL)) ORDER BY n"
    ))?;
    let mut rows = statement.query([spaces == Spaces::All])?;
    let (mut offers, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        if put_off.contains(&row.get(0)?) {
            continue;
        }
        // One that cannot be read any more delays no other.
        let Some(run) = opened_or_remade(conn, row.get(0)?, row.get_ref(4)?, row.get(1)?)? else {
            continue;
        };
        let envelope = Envelope {
            header: row.get(2)?,
            signature: row.get(3)?,
            run,
        };
        bytes += envelope.header.len() + envelope.run.len() + 112;
        if offers.len() == max_count || (bytes > max_bytes && !offers.is_empty()) {
            break;
        }
        let accept = row.get(5)?;
        offers.push(Offer::Envelope { envelope, accept });
    }
    Ok(offers)
}

const OPEN: &str = "run IS NOT NULL AND state = 'lost' AND reason IS NULL AND accept IS NOT NULL";

/// Whether anything is to be offered, in one space or in any, besides what was put off and what cannot be
/// read any more.
///
/// # Errors
/// SQLite's own.
pub fn has_lost(
    conn: &Connection,
    space: Option<SpaceId>,
    put_off: &BTreeSet<EnvelopeId>,
) -> Result<bool> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT id, doc, run FROM envelope WHERE {OPEN} AND (?1 IS NULL OR space = ?1)"
    ))?;
    let mut rows = statement.query([space])?;
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        if !put_off.contains(&id)
            && opened_or_remade(conn, id, row.get_ref(2)?, row.get(1)?)?.is_some()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The relay does not take it, for this reason, and will not: it stays here and is not offered
/// again before the next cut.
///
/// # Errors
/// SQLite's own.
pub fn decline(tx: &Tx<'_>, id: EnvelopeId, code: &str) -> Result<()> {
    tx.prepare_cached("UPDATE envelope SET reason = ?2 WHERE id = ?1 AND state = 'lost'")?
        .execute(params![id, code])?;
    Ok(())
}

/// The envelopes of a document that were in a feed and are not now, whatever the relay has said of
/// them since.
///
/// # Errors
/// SQLite's own.
pub fn lost_of(conn: &Connection, doc: DocId) -> Result<BTreeSet<EnvelopeId>> {
    let mut statement = conn.prepare_cached(
        "SELECT id FROM envelope WHERE doc = ?1 AND run IS NOT NULL AND accept IS NOT NULL",
    )?;
    let rows = statement.query_map([doc], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
