//! Whether the file is whole, document by document, and making views anew.

use ed25519_dalek::VerifyingKey;
use rusqlite::{Connection, ErrorCode, Row};

use super::error::{Fault, Result, StoreError};
use super::{Store, document, outbox, space, view};
use crate::envelope::{Proof, feed_hash};
use crate::frame::unframe;
use crate::id::{DeviceId, DocId, EnvelopeId, SpaceId};
use crate::wire::SignedNotice;

/// Documents a rebuild writes in one transaction.
const BATCH: usize = 128;

/// Entries of a feed hashed at once.
const FEED_BATCH: usize = 4_096;

/// Something that is not whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// SQLite's own finding.
    File(String),
    /// One document; the others are readable.
    Document(DocId, Fault),
    /// What lists show of a document; it is made from the document until views are rebuilt.
    View(DocId),
    /// The n-th envelope is not what its id and header say, or stands in no known state.
    Envelope(i64),
    /// A notice is not what its id says.
    Notice(EnvelopeId),
    /// The feed's entries here do not give the running hash at the cursor. Not told of a space of
    /// which something was set aside.
    Feed(SpaceId),
}

/// Checks the file, then every snapshot and change of every document, one document in memory at
/// a time, its view, every envelope against its id, and each space's feed against its running hash.
/// A damaged snapshot alone loses nothing: the changes give the document.
///
/// # Errors
/// SQLite's own, other than that the file is damaged.
pub fn check(conn: &Connection) -> Result<Vec<Damage>> {
    examine(&|| conn)
}

fn examine<'c>(conn: &dyn Fn() -> &'c Connection) -> Result<Vec<Damage>> {
    let mut damages = Vec::new();
    let parts = [integrity, documents, envelopes, notices, feeds];
    for part in parts {
        match part(conn, &mut damages) {
            Ok(()) => {}
            Err(error) if !error.is_damage() && is_elsewhere(&error) => return Err(error),
            // So far it could be read; the other parts perhaps further.
            Err(error) => damages.push(Damage::File(error.to_string())),
        }
    }
    Ok(damages)
}

/// Whether an error says nothing of what is stored: someone else has the file, or the disk is full.
fn is_elsewhere(error: &StoreError) -> bool {
    let StoreError::Sqlite(sqlite) = error else {
        return false;
    };
    let busy = matches!(
        sqlite.sqlite_error_code(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::OutOfMemory)
    );
    busy || error.is_no_room()
}

fn integrity<'c>(conn: &dyn Fn() -> &'c Connection, damages: &mut Vec<Damage>) -> Result<()> {
    let mut statement = conn().prepare("PRAGMA integrity_check(100)")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let line: String = row.get(0)?;
        if line != "ok" {
            damages.push(Damage::File(line));
        }
    }
    Ok(())
}

fn documents<'c>(conn: &dyn Fn() -> &'c Connection, damages: &mut Vec<Damage>) -> Result<()> {
    each_document(conn, &mut |doc| {
        let found = document::examine(conn(), doc);
        match found.map_err(|error| error.in_document(doc)) {
            Ok(faults) => {
                let whole = faults.iter().all(|fault| *fault == Fault::Snapshot);
                damages.extend(faults.into_iter().map(|f| Damage::Document(doc, f)));
                let seen = match whole {
                    true => view::examine(conn(), doc).map_err(|error| error.in_document(doc)),
                    false => Ok(true),
                };
                match seen {
                    Ok(true) => {}
                    Ok(false) | Err(StoreError::Damaged { .. }) => damages.push(Damage::View(doc)),
                    Err(other) => return Err(other),
                }
            }
            // Nothing is wrong with a document of a later version's kind.
            Err(StoreError::UnknownKind(_)) => {}
            Err(StoreError::Damaged { doc, fault }) => damages.push(Damage::Document(doc, fault)),
            Err(StoreError::NotFound(doc)) => {
                damages.push(Damage::File(format!(
                    "document {doc} stands in one index only"
                )));
            }
            Err(other) => return Err(other),
        }
        Ok(())
    })
}

fn envelopes<'c>(conn: &dyn Fn() -> &'c Connection, damages: &mut Vec<Damage>) -> Result<()> {
    let mut statement = conn().prepare(
        "SELECT n, id, space, doc, device, header, signature, digest, run, state, own,
             (SELECT key FROM roster WHERE device = envelope.device LIMIT 1) FROM envelope",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if !envelope(row).unwrap_or(false) {
            damages.push(Damage::Envelope(row.get(0)?));
        }
    }
    Ok(())
}

fn envelope(row: &Row<'_>) -> Result<bool> {
    let (id, space, doc): (EnvelopeId, SpaceId, DocId) = (row.get(1)?, row.get(2)?, row.get(3)?);
    let device: DeviceId = row.get(4)?;
    let proof = Proof {
        header: row.get(5)?,
        signature: row.get(6)?,
        digest: row.get(7)?,
    };
    let run: Option<Vec<u8>> = row.get(8)?;
    let state = row.get_ref(9)?.as_str().map_err(rusqlite::Error::from)?;
    let (own, key): (bool, Option<Vec<u8>>) = (row.get(10)?, row.get(11)?);
    // Whose device nobody here knows any more was checked when it came.
    let key = key.map(|key| VerifyingKey::try_from(&key[..]));
    let header = proof.header();
    Ok(proof.id() == id
        && (own || state != "sealed")
        && key.is_none_or(|key| key.is_ok_and(|key| proof.verify(&key)))
        && header.is_some_and(|h| h.space == space && h.doc == doc && h.device == device)
        && run.is_none_or(|run| unframe(&run).is_some())
        && outbox::is_state(state))
}

fn notices<'c>(conn: &dyn Fn() -> &'c Connection, damages: &mut Vec<Damage>) -> Result<()> {
    let mut statement = conn().prepare("SELECT id, body, signature FROM notice")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let id: EnvelopeId = row.get(0)?;
        let signed = SignedNotice {
            body: row.get(1)?,
            signature: row.get(2)?,
        };
        if signed.id() != id {
            damages.push(Damage::Notice(id));
        }
    }
    Ok(())
}

fn feeds<'c>(conn: &dyn Fn() -> &'c Connection, damages: &mut Vec<Damage>) -> Result<()> {
    for space in space::spaces(conn())? {
        let Some(cursor) = space.cursor.filter(|cursor| cursor.first.is_none()) else {
            continue;
        };
        // What was set aside or put by counts in the hash and is not among the envelopes here.
        if set_aside(conn(), space.id)? {
            continue;
        }
        let (mut seq, mut hash) = (0, [0; 32]);
        loop {
            let ids = outbox::feed_ids(conn(), space.id, seq, FEED_BATCH)?;
            let Some((last, _)) = ids.last().filter(|(last, _)| *last > seq) else {
                break;
            };
            seq = *last;
            hash = ids.iter().fold(hash, |hash, (_, id)| feed_hash(&hash, id));
        }
        if seq != cursor.seq || hash != space.feed_hash {
            damages.push(Damage::Feed(space.id));
        }
    }
    Ok(())
}

fn set_aside(conn: &Connection, space: SpaceId) -> Result<bool> {
    Ok(conn.query_row(
        "SELECT EXISTS (SELECT 1 FROM quarantine WHERE space = ?1)
             OR EXISTS (SELECT 1 FROM deferred WHERE space = ?1)",
        [space],
        |row| row.get(0),
    )?)
}

fn each_document<'c>(
    conn: &dyn Fn() -> &'c Connection,
    each: &mut dyn FnMut(DocId) -> Result<()>,
) -> Result<()> {
    let mut after = None;
    loop {
        let ids = document::ids(conn(), None, after, BATCH)?;
        for id in &ids {
            each(*id)?;
        }
        match ids.last() {
            // A damaged index may lead round in circles.
            Some(last) if after.is_some_and(|after| *last <= after) => {
                return Err(StoreError::Row("document id, in order"));
            }
            Some(last) => after = Some(*last),
            None => return Ok(()),
        }
    }
}

impl Store {
    /// As [`check`]; a page of an encrypted store that cannot be read hides no other.
    ///
    /// # Errors
    /// As [`check`].
    pub fn check(&self) -> Result<Vec<Damage>> {
        examine(&|| self.conn())
    }

    /// Writes every view and search row anew from the changes, some documents a transaction, so
    /// that it can be broken off and begun again. Damaged documents keep their old view and are
    /// named.
    ///
    /// # Errors
    /// SQLite's own.
    pub fn rebuild_views(&mut self) -> Result<Vec<Damage>> {
        let mut damages = Vec::new();
        let mut after = None;
        loop {
            let ids = document::ids(self.conn(), None, after, BATCH)?;
            let Some(last) = ids.last() else { break };
            if after.is_some_and(|after| *last <= after) {
                return Err(StoreError::Row("document id, in order"));
            }
            after = Some(*last);
            self.write(|tx| {
                for doc in &ids {
                    match view::rebuild_one(tx, *doc) {
                        Ok(()) | Err(StoreError::UnknownKind(_)) => {}
                        Err(StoreError::Damaged { doc, fault }) => {
                            damages.push(Damage::Document(doc, fault));
                        }
                        Err(other) => return Err(other),
                    }
                }
                Ok(())
            })?;
        }
        self.write(view::finish_rebuild)?;
        Ok(damages)
    }
}
