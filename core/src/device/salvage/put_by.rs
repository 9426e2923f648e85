//! Unsent changes of documents that could not be read whole: put by in the new store, until the relay has
//! brought what they build on.

use std::collections::BTreeMap;

use automerge::Automerge;
use ed25519_dalek::VerifyingKey;
use rusqlite::Connection;

use super::whole::{keep, sound_run};
use crate::chunk::Chunk;
use crate::device::{Device, Result, SyncReport, begin_recovery};
use crate::encoding::decode_changes;
use crate::frame::unframe;
use crate::genesis::genesis;
use crate::guard::{Limits, trial};
use crate::id::{DocId, Hash, SpaceId};
use crate::store::document::{self, DocWrite, NewChange, write_document};
use crate::store::draft::{self, Quarantined};
use crate::store::outbox::State;
use crate::store::put_by::{self, PutBy};
use crate::store::{StoreError, Tx, outbox, purge};

/// The mark of a document that still lacks what its changes put by build on.
const INCOMPLETE: &str = "salvage_incomplete";

/// Puts the readable unsent changes of a damaged document by; says how many. What the relay had and has lost,
/// whoever wrote it, is kept as it is, to be offered.
pub(super) fn put_unsent_by(
    old: &Connection,
    tx: &Tx<'_>,
    key: &VerifyingKey,
    doc: DocId,
) -> crate::store::Result<u32> {
    let mut changes: BTreeMap<Hash, (SpaceId, u8, Vec<u8>)> = BTreeMap::new();
    let mut order: Vec<Hash> = Vec::new();
    let mut add = |space, kind, bytes: Vec<u8>| {
        if let Ok((_, hash)) = Chunk::parse(&bytes)
            && changes.insert(hash, (space, kind, bytes)).is_none()
        {
            order.push(hash);
        }
    };
    for envelope in outbox::unsettled(old, Some(doc)).unwrap_or_default() {
        if envelope.state == State::Lost
            && let Ok(Some((run, _))) = sound_run(old, key, doc, &envelope)
        {
            keep(tx, &envelope, Some(&run))?;
            continue;
        }
        let Some(header) = envelope.proof.header().filter(|_| envelope.own) else {
            continue;
        };
        let run = outbox::run(old, envelope.id).ok().flatten();
        let run = run.unwrap_or_default();
        for bytes in decode_changes(&run, &Limits::DEVICE).unwrap_or_default() {
            add(header.space, header.kind, bytes);
        }
    }
    if let Ok(Some(row)) = document::row(old, doc) {
        for bytes in unsealed_one_by_one(old, doc) {
            add(row.space, row.kind, bytes);
        }
    }
    for hash in &order {
        let (space, kind, bytes) = &changes[hash];
        put_by::add(tx, doc, *space, *kind, bytes)?;
    }
    Ok(u32::try_from(order.len()).unwrap_or(u32::MAX))
}

/// As [`outbox::unsealed`], leaving out what is damaged.
fn unsealed_one_by_one(old: &Connection, doc: DocId) -> Vec<Vec<u8>> {
    let Ok(mut statement) = old.prepare(
        "SELECT c.hash, c.bytes FROM change c JOIN document d ON d.n = c.doc
         WHERE d.id = ?1 AND c.unsealed = 1 ORDER BY c.n",
    ) else {
        return Vec::new();
    };
    let read = |row: &rusqlite::Row<'_>| -> rusqlite::Result<Option<Vec<u8>>> {
        let hash: Hash = row.get(0)?;
        let bytes = unframe(row.get_ref(1)?.as_blob()?).map(<[u8]>::to_vec);
        let named = |bytes: &Vec<u8>| Chunk::parse(bytes).is_ok_and(|(_, found)| found == hash);
        Ok(bytes.filter(named))
    };
    let Ok(rows) = statement.query_map([doc], read) else {
        return Vec::new();
    };
    rows.map_while(std::result::Result::ok).flatten().collect()
}

/// What a document becomes by its changes put by.
enum Taken {
    /// They add nothing: all are in it, or it was erased.
    Nothing,
    /// This, by these changes.
    Document(Box<Automerge>, Vec<Hash>),
}

impl Device {
    /// Takes in what was put by, now that the relay has brought what it builds on. What still lacks
    /// something stays put by, and is named, once.
    pub(crate) fn take_in_salvaged(&mut self, report: &mut SyncReport) -> Result<()> {
        for (doc, put) in put_by::all(self.store.conn())? {
            let taken = self.tried(doc, &put)?;
            let (space, kind, at_ms) = (put.space, put.kind, self.env.now_ms());
            let by = Some(self.identity()?.member);
            let named = || -> Result<bool> {
                let marks = draft::quarantined(self.store.conn())?;
                let is_it = |m: &Quarantined| m.doc == doc && m.reason == INCOMPLETE;
                Ok(marks.iter().any(is_it))
            };
            if taken.is_none() && named()? {
                continue;
            }
            report.quarantined += u32::from(taken.is_none());
            self.store.write(|tx| {
                match &taken {
                    Some(Taken::Document(am, hashes)) => {
                        let new = NewChange::saved(am, hashes);
                        let new = &new;
                        let write = DocWrite {
                            doc,
                            space,
                            kind,
                            am,
                            new,
                            at_ms,
                            by,
                        };
                        write_document(tx, &write)?;
                    }
                    Some(Taken::Nothing) => {}
                    None => {
                        let (envelope, reason) = (None, INCOMPLETE.to_owned());
                        let mark = Quarantined {
                            space,
                            doc,
                            envelope,
                            reason,
                            at_ms,
                        };
                        return draft::quarantine(tx, &mark);
                    }
                }
                draft::release_from(tx, doc, INCOMPLETE)?;
                put_by::forget(tx, doc)?;
                Ok(())
            })?;
        }
        self.store.forget_loaded();
        Ok(())
    }

    /// Takes in what had to stay put by when the store recovered, if what it builds on has come since. It
    /// was written under an epoch of the damaged store, so it is made again as after any recovery. `true` if
    /// there was any.
    pub(crate) fn take_in_late(&mut self, report: &mut SyncReport) -> Result<bool> {
        for (doc, put) in put_by::all(self.store.conn())? {
            if self.tried(doc, &put)?.is_some() {
                self.store.write(begin_recovery)?;
                self.finish_recovery(report)?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `None` if something is missing.
    fn tried(&self, doc: DocId, put: &PutBy) -> Result<Option<Taken>> {
        if purge::is_erased(self.store.conn(), doc)? {
            return Ok(Some(Taken::Nothing));
        }
        let here = match self.store.document(doc) {
            Ok(loaded) if loaded.space != put.space || loaded.kind != put.kind => return Ok(None),
            Ok(loaded) => loaded.am.clone(),
            Err(StoreError::NotFound(_)) => genesis(put.kind).document(),
            Err(StoreError::Damaged { .. }) => return Ok(None),
            Err(other) => return Err(other.into()),
        };
        let is_here = |hash: &Hash| here.get_change_meta_by_hash(&(*hash).into()).is_some();
        let mut changes = Vec::new();
        let mut hashes = Vec::new();
        for bytes in &put.changes {
            let Ok((chunk, hash)) = Chunk::parse(bytes) else {
                return Ok(None);
            };
            if is_here(&hash) {
                continue;
            }
            if !chunk
                .deps
                .iter()
                .all(|dep| is_here(dep) || hashes.contains(dep))
            {
                return Ok(None);
            }
            changes.push(bytes.clone());
            hashes.push(hash);
        }
        if changes.is_empty() {
            return Ok(Some(Taken::Nothing));
        }
        let tried = trial(&here, put.kind, &changes, &Limits::PACK);
        Ok(tried.ok().map(|am| Taken::Document(Box::new(am), hashes)))
    }
}
