//! An envelope at rest: where it stands, its proof, and the one place where it moves.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::envelope::Proof;
use crate::frame::frame;
use crate::id::{DeviceId, DocId, EnvelopeId, SpaceId};
use crate::store::Tx;
use crate::store::error::{Result, StoreError};

/// Where an envelope stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Sealed here, not acknowledged.
    Sealed,
    /// Durable on the relay.
    Acknowledged,
    /// The relay keeps it and waits, for this reason.
    Held(String),
    /// In the feed at this seq.
    Fed(u64),
    /// Refused for ever, for this reason; to be rebuilt and replayed.
    Final(String),
    /// Its document was erased.
    Erased,
    /// Its replay is stored.
    Replaced,
    /// Was in a feed, but the relay came back from a backup that did not have it; to be offered.
    Lost,
}

impl State {
    fn columns(&self) -> (&'static str, Option<&str>, Option<u64>) {
        match self {
            State::Sealed => ("sealed", None, None),
            State::Acknowledged => ("acknowledged", None, None),
            State::Held(reason) => ("held", Some(reason), None),
            State::Fed(seq) => ("fed", None, Some(*seq)),
            State::Final(reason) => ("final", Some(reason), None),
            State::Erased => ("erased", None, None),
            State::Replaced => ("replaced", None, None),
            State::Lost => ("lost", None, None),
        }
    }

    fn from_columns(code: &str, reason: Option<String>, seq: Option<u64>) -> Option<Self> {
        let reason = reason.unwrap_or_default();
        Some(match code {
            "sealed" => State::Sealed,
            "acknowledged" => State::Acknowledged,
            "held" => State::Held(reason),
            "fed" => State::Fed(seq?),
            "final" => State::Final(reason),
            "erased" => State::Erased,
            "replaced" => State::Replaced,
            "lost" => State::Lost,
            _ => return None,
        })
    }

    /// Whether nothing is left to do for it.
    pub fn settled(&self) -> bool {
        match self {
            State::Fed(_) | State::Erased | State::Replaced => true,
            State::Sealed
            | State::Acknowledged
            | State::Held(_)
            | State::Final(_)
            | State::Lost => false,
        }
    }
}

/// An envelope as it rests here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its id.
    pub id: EnvelopeId,
    /// Its space.
    pub space: SpaceId,
    /// Its document.
    pub doc: DocId,
    /// Who signed.
    pub device: DeviceId,
    /// Whether this store sealed it.
    pub own: bool,
    /// Where it stands.
    pub state: State,
    /// Its place in the feed, also when erased.
    pub seq: Option<u64>,
    /// Header, signature, digest.
    pub proof: Proof,
    /// When the relay got it, relay clock.
    pub received_ms: Option<i64>,
    /// The relay's accept tag.
    pub accept: Option<[u8; 16]>,
    /// When the office opened the document with this in it.
    pub seen_ms: Option<i64>,
}

pub(super) const COLUMNS: &str =
    "id, space, doc, device, own, state, reason, seq, header, signature, digest,
    received_ms, accept, seen_ms";

pub(super) fn stored(row: &Row<'_>) -> rusqlite::Result<Option<Stored>> {
    let code = row.get_ref(5)?.as_str()?;
    let Some(state) = State::from_columns(code, row.get(6)?, row.get(7)?) else {
        return Ok(None);
    };
    Ok(Some(Stored {
        id: row.get(0)?,
        space: row.get(1)?,
        doc: row.get(2)?,
        device: row.get(3)?,
        own: row.get(4)?,
        state,
        seq: row.get(7)?,
        proof: Proof {
            header: row.get(8)?,
            signature: row.get(9)?,
            digest: row.get(10)?,
        },
        received_ms: row.get(11)?,
        accept: row.get(12)?,
        seen_ms: row.get(13)?,
    }))
}

pub(super) fn insert(
    tx: &Tx<'_>,
    proof: &Proof,
    own: bool,
    state: &State,
    run: Option<&[u8]>,
) -> Result<i64> {
    let header = proof.header().ok_or(StoreError::Row("header"))?;
    let (code, reason, seq) = state.columns();
    tx.prepare_cached(
        "INSERT INTO envelope (id, space, doc, device, own, state, reason, seq, header, signature,
             digest, sealed_ms, run)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?
    .execute(params![
        proof.id(),
        header.space,
        header.doc,
        header.device,
        own,
        code,
        reason,
        seq,
        proof.header,
        proof.signature,
        proof.digest,
        header.sealed_at_ms,
        run.map(frame)
    ])?;
    Ok(tx.last_insert_rowid())
}

/// Whether a state column holds one of the states.
pub fn is_state(code: &str) -> bool {
    State::from_columns(code, None, Some(0)).is_some()
}

/// Stores an envelope as another store of this device had it, with its run while it is not settled.
///
/// # Errors
/// [`StoreError::Row`] if the header cannot be read; SQLite's own.
pub fn insert_kept(tx: &Tx<'_>, kept: &Stored, run: Option<&[u8]>) -> Result<()> {
    insert(tx, &kept.proof, kept.own, &kept.state, run)?;
    set_received(tx, kept.id, kept.received_ms, kept.accept.as_ref())?;
    match kept.seen_ms {
        Some(at_ms) => set_seen(tx, kept.id, at_ms),
        None => Ok(()),
    }
}

/// Moves an envelope to a state. Settled, its run goes: the changes hold the same. News that comes
/// late or twice never moves a settled envelope back; only a place in the feed is stronger than its
/// having been replaced, for a relay that came back from a backup may take the original after all.
///
/// # Errors
/// SQLite's own.
pub fn set_state(tx: &Tx<'_>, id: EnvelopeId, state: &State) -> Result<()> {
    let (code, reason, seq) = state.columns();
    let keep_run = !state.settled();
    tx.prepare_cached(
        "UPDATE envelope SET state = ?2, reason = ?3, seq = coalesce(?4, seq),
             run = CASE WHEN ?5 THEN run END
         WHERE id = ?1 AND (?2 = 'erased' OR state NOT IN ('fed', 'erased', 'replaced')
             OR (?2 = 'fed' AND state IN ('fed', 'replaced')))
           AND NOT (?2 = 'acknowledged' AND state IN ('held', 'final'))",
    )?
    .execute(params![id, code, reason, seq, keep_run])?;
    Ok(())
}

/// Settles own envelopes of which nothing is left: each of their changes came with another envelope
/// of the feed, one that a copy of this store had sealed.
///
/// # Errors
/// SQLite's own.
pub fn settle_empty(tx: &Tx<'_>) -> Result<()> {
    tx.prepare_cached(
        "UPDATE envelope SET state = 'replaced', reason = NULL, run = NULL
         WHERE run IS NOT NULL AND state IN ('sealed', 'acknowledged', 'held', 'final')
           AND NOT (state = 'final' AND reason = 'replayed')
           AND NOT (state IN ('acknowledged', 'held') AND accept IS NOT NULL)
           AND NOT EXISTS (SELECT 1 FROM change WHERE envelope = envelope.n)",
    )?
    .execute([])?;
    Ok(())
}

/// Sends an envelope once more whose fate may have been told to a copy of this store: the relay
/// answers the same id with its present state.
///
/// # Errors
/// SQLite's own.
pub fn ask_again(tx: &Tx<'_>, id: EnvelopeId) -> Result<()> {
    tx.prepare_cached(&format!("{ASK} AND id = ?1"))?
        .execute([id])?;
    Ok(())
}

/// The same for all of a space: the relay that acknowledged them has lost its memory.
///
/// # Errors
/// SQLite's own.
pub fn ask_all_again(tx: &Tx<'_>, space: SpaceId) -> Result<()> {
    tx.prepare_cached(&format!("{ASK} AND space = ?1"))?
        .execute([space])?;
    Ok(())
}

/// What was accepted once is offered, the rest is pushed.
const ASK: &str = "UPDATE envelope
    SET state = CASE WHEN accept IS NULL THEN 'sealed' ELSE 'lost' END, reason = NULL
    WHERE run IS NOT NULL AND state IN ('acknowledged', 'held')";

/// Notes when the relay got an envelope, and the tag by which it accepted it.
///
/// # Errors
/// SQLite's own.
pub fn set_received(
    tx: &Tx<'_>,
    id: EnvelopeId,
    received_ms: Option<i64>,
    accept: Option<&[u8; 16]>,
) -> Result<()> {
    tx.prepare_cached(
        "UPDATE envelope SET received_ms = coalesce(?2, received_ms), accept = coalesce(?3, accept)
         WHERE id = ?1",
    )?
    .execute(params![id, received_ms, accept])?;
    Ok(())
}

/// Notes that the office opened the document with this envelope in it.
///
/// # Errors
/// SQLite's own.
pub fn set_seen(tx: &Tx<'_>, id: EnvelopeId, at_ms: i64) -> Result<()> {
    tx.prepare_cached("UPDATE envelope SET seen_ms = coalesce(seen_ms, ?2) WHERE id = ?1")?
        .execute(params![id, at_ms])?;
    Ok(())
}

/// An envelope by id.
///
/// # Errors
/// [`StoreError::Row`] if the row found is another's; SQLite's own.
pub fn get(conn: &Connection, id: EnvelopeId) -> Result<Option<Stored>> {
    let mut statement =
        conn.prepare_cached(&format!("SELECT {COLUMNS} FROM envelope WHERE id = ?1"))?;
    let found = statement.query_row([id], stored).optional()?.flatten();
    match found {
        Some(found) if found.proof.id() != id => Err(StoreError::Row("envelope")),
        found => Ok(found),
    }
}
