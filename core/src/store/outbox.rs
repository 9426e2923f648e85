//! Envelopes, one's own and others'. One's own walk through states; the run stays until the
//! envelope is settled, header and signature stay for ever, so that any store can prove and
//! re-offer what it holds.
//!
//! ```text
//! change saved ──seal──▶ sealed ──▶ acknowledged ──▶ fed          settled: seq known
//!                          │             ├──▶ held ──▶ fed | final
//!                          │             └──▶ final ──▶ replaced  settled: its replay is stored
//!                          └── any state ──▶ erased               settled: nothing left to send
//! fed ──the relay lost it──▶ lost ──offered──▶ fed
//! ```

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Tx;
use super::error::{Result, StoreError};
use crate::envelope::{Envelope, Proof};
use crate::frame::{frame, unframe};
use crate::id::{DeviceId, DocId, EnvelopeId, Hash, SpaceId};

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

const COLUMNS: &str = "id, space, doc, device, own, state, reason, seq, header, signature, digest,
    received_ms, accept, seen_ms";

fn stored(row: &Row<'_>) -> rusqlite::Result<Option<Stored>> {
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

/// A change saved here that is in no envelope yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsealed {
    /// Its hash.
    pub hash: Hash,
    /// The change chunk.
    pub bytes: Vec<u8>,
}

/// Documents with changes in no envelope yet, oldest change first.
///
/// # Errors
/// SQLite's own.
pub fn unsealed_documents(conn: &Connection) -> Result<Vec<DocId>> {
    let mut statement = conn.prepare_cached(
        "SELECT d.id FROM change c JOIN document d ON d.n = c.doc
         WHERE c.unsealed = 1 GROUP BY c.doc ORDER BY min(c.n)",
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
         WHERE d.id = ?1 AND c.unsealed = 1 ORDER BY c.n",
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
    let fault = super::Fault::Change;
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

fn insert(tx: &Tx<'_>, proof: &Proof, own: bool, state: &State, run: Option<&[u8]>) -> Result<i64> {
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

/// Moves an envelope to a state. Settled, its run goes: the changes hold the same. News that comes
/// late or twice never moves a settled envelope back.
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
             OR (?2 = 'fed' AND state = 'fed'))
           AND NOT (?2 = 'acknowledged' AND state IN ('held', 'final'))",
    )?
    .execute(params![id, code, reason, seq, keep_run])?;
    Ok(())
}

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
/// SQLite's own.
pub fn get(conn: &Connection, id: EnvelopeId) -> Result<Option<Stored>> {
    let mut statement =
        conn.prepare_cached(&format!("SELECT {COLUMNS} FROM envelope WHERE id = ?1"))?;
    Ok(statement.query_row([id], stored).optional()?.flatten())
}

/// Envelopes to send, oldest first, together at most this many bytes (but at least one, however
/// large).
///
/// # Errors
/// [`StoreError::Damaged`]; SQLite's own.
pub fn to_send(
    conn: &Connection,
    max_bytes: usize,
    max_count: usize,
) -> Result<Vec<(EnvelopeId, Envelope)>> {
    let mut statement = conn.prepare_cached(
        "SELECT id, doc, header, signature, run FROM envelope
         WHERE run IS NOT NULL AND state = 'sealed' ORDER BY n LIMIT ?1",
    )?;
    let mut rows = statement.query([max_count])?;
    let mut envelopes = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let envelope = Envelope {
            header: row.get(2)?,
            signature: row.get(3)?,
            run: opened(row.get_ref(4)?, row.get(1)?)?,
        };
        bytes += envelope.header.len() + envelope.run.len() + 96;
        if bytes > max_bytes && !envelopes.is_empty() {
            break;
        }
        envelopes.push((row.get(0)?, envelope));
    }
    Ok(envelopes)
}

/// The run of an own envelope that is not settled yet.
///
/// # Errors
/// [`StoreError::Damaged`]; SQLite's own.
pub fn run(conn: &Connection, id: EnvelopeId) -> Result<Option<Vec<u8>>> {
    let mut statement =
        conn.prepare_cached("SELECT doc, run FROM envelope WHERE id = ?1 AND run IS NOT NULL")?;
    let mut rows = statement.query([id])?;
    match rows.next()? {
        Some(row) => Ok(Some(opened(row.get_ref(1)?, row.get(0)?)?)),
        None => Ok(None),
    }
}

/// Own envelopes that are not settled, of one document or all, oldest first.
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

/// A space's envelopes in the feed after this seq, in order: what is offered to a relay that came
/// back from a backup.
///
/// # Errors
/// SQLite's own.
pub fn fed_after(conn: &Connection, space: SpaceId, seq: u64, limit: usize) -> Result<Vec<Stored>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM envelope WHERE space = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3"
    ))?;
    let rows = statement.query_map(params![space, seq, limit], stored)?;
    Ok(rows
        .filter_map(rusqlite::Result::transpose)
        .collect::<rusqlite::Result<_>>()?)
}

/// A new generation begins after this seq: the relay no longer has what came after it, envelopes
/// and notices. They are [`State::Lost`] until it has them again, and their places are free.
///
/// # Errors
/// SQLite's own.
pub fn cut(tx: &Tx<'_>, space: SpaceId, seq: u64) -> Result<()> {
    tx.execute(
        "UPDATE envelope SET state = CASE state WHEN 'fed' THEN 'lost' ELSE state END, seq = NULL
         WHERE space = ?1 AND seq > ?2",
        params![space, seq],
    )?;
    tx.execute(
        "UPDATE notice SET seq = NULL WHERE space = ?1 AND seq > ?2",
        params![space, seq],
    )?;
    tx.execute(
        "DELETE FROM deferred WHERE space = ?1 AND seq > ?2",
        params![space, seq],
    )?;
    tx.execute(
        "UPDATE document SET last_seq = ?2 WHERE space = ?1 AND last_seq > ?2",
        params![space, seq],
    )?;
    Ok(())
}

/// What the relay lost of a space, oldest first: to be offered, whoever wrote it.
///
/// # Errors
/// SQLite's own.
pub fn lost(conn: &Connection, space: SpaceId, limit: usize) -> Result<Vec<Stored>> {
    let mut statement = conn.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM envelope WHERE space = ?1 AND state = 'lost' ORDER BY n LIMIT ?2"
    ))?;
    let rows = statement.query_map(params![space, limit], stored)?;
    Ok(rows
        .filter_map(rusqlite::Result::transpose)
        .collect::<rusqlite::Result<_>>()?)
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

/// The hashes of the changes a first sync brought with the n-th entry of a document, in order:
/// what that entry's signature is over.
///
/// # Errors
/// SQLite's own.
pub fn packed(conn: &Connection, doc: DocId, entry: u32) -> Result<Vec<Hash>> {
    let mut statement = conn.prepare_cached(
        "SELECT c.hash FROM change c JOIN document d ON d.n = c.doc
         WHERE d.id = ?1 AND c.entry = ?2 ORDER BY c.n",
    )?;
    let rows = statement.query_map(params![doc, entry], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Joins those changes to their envelope, once its signature is here.
///
/// # Errors
/// SQLite's own.
pub fn join_packed(tx: &Tx<'_>, doc: DocId, entry: u32, id: EnvelopeId) -> Result<()> {
    tx.prepare_cached(
        "UPDATE change SET envelope = (SELECT n FROM envelope WHERE id = ?3)
         WHERE doc = (SELECT n FROM document WHERE id = ?1) AND entry = ?2",
    )?
    .execute(params![doc, entry, id])?;
    Ok(())
}

/// How far one's own work in a document, or in all, has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Changes on this phone only, in no envelope yet.
    pub unsealed: u32,
    /// Envelopes on this phone only, ones the relay lost included.
    pub sealed: u32,
    /// Envelopes on the server: acknowledged, not in the record yet.
    pub acknowledged: u32,
    /// Envelopes on the server that wait for something or someone.
    pub held: u32,
    /// Envelopes refused, to be replayed.
    pub refused: u32,
    /// Envelopes in the record.
    pub fed: u32,
    /// Of these, seen by the office.
    pub seen: u32,
}

/// The four states people see: the least that is true of all one's own work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// On this phone.
    Here,
    /// On the server.
    Server,
    /// In the record.
    Record,
    /// Seen by the office.
    Seen,
}

impl Progress {
    /// The stage; `None` if nothing here is one's own.
    pub fn stage(&self) -> Option<Stage> {
        if self.unsealed + self.sealed + self.refused > 0 {
            Some(Stage::Here)
        } else if self.acknowledged + self.held > 0 {
            Some(Stage::Server)
        } else if self.fed > self.seen {
            Some(Stage::Record)
        } else {
            (self.fed > 0).then_some(Stage::Seen)
        }
    }
}

/// How far one's own work in a document has come.
///
/// # Errors
/// SQLite's own.
pub fn progress(conn: &Connection, doc: DocId) -> Result<Progress> {
    let mut statement = conn.prepare_cached(
        "SELECT (SELECT count(*) FROM change c JOIN document d ON d.n = c.doc
                 WHERE d.id = ?1 AND c.unsealed = 1),
             count(*) FILTER (WHERE state IN ('sealed', 'lost')),
             count(*) FILTER (WHERE state = 'acknowledged'), count(*) FILTER (WHERE state = 'held'),
             count(*) FILTER (WHERE state = 'final'), count(*) FILTER (WHERE state = 'fed'),
             count(*) FILTER (WHERE state = 'fed' AND seen_ms IS NOT NULL)
         FROM envelope WHERE doc = ?1 AND own = 1",
    )?;
    Ok(statement.query_row([doc], progress_row)?)
}

/// How much of one's own work is not settled, in all documents. `fed` and `seen` are not counted.
///
/// # Errors
/// SQLite's own.
pub fn backlog(conn: &Connection) -> Result<Progress> {
    let mut statement = conn.prepare_cached(
        "SELECT (SELECT count(*) FROM change WHERE unsealed = 1),
             count(*) FILTER (WHERE state = 'sealed'),
             count(*) FILTER (WHERE state = 'acknowledged'), count(*) FILTER (WHERE state = 'held'),
             count(*) FILTER (WHERE state = 'final'), 0, 0
         FROM envelope WHERE run IS NOT NULL",
    )?;
    Ok(statement.query_row([], progress_row)?)
}

fn progress_row(row: &Row<'_>) -> rusqlite::Result<Progress> {
    Ok(Progress {
        unsealed: row.get(0)?,
        sealed: row.get(1)?,
        acknowledged: row.get(2)?,
        held: row.get(3)?,
        refused: row.get(4)?,
        fed: row.get(5)?,
        seen: row.get(6)?,
    })
}
