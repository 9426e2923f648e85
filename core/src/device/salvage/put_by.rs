//! Unsent changes of documents that could not be read whole: put by as small facts of the new store,
//! until the relay has brought what they build on.

use std::collections::BTreeMap;

use rusqlite::Connection;

use crate::chunk::Chunk;
use crate::device::{Device, Result, SyncReport};
use crate::documents::Kind;
use crate::encoding::decode_changes;
use crate::frame::{frame, unframe};
use crate::genesis::genesis;
use crate::guard::{Limits, trial};
use crate::id::{DocId, Hash, SpaceId};
use crate::store::document::{self, DocWrite, NewChange, write_document};
use crate::store::draft::{self, Quarantined};
use crate::store::{Tx, meta, outbox, purge};

const PUT_BY: &str = "salvaged/";

/// Puts the readable unsent changes of a damaged document by; says how many.
pub(super) fn put_by(old: &Connection, tx: &Tx<'_>, doc: DocId) -> crate::store::Result<u32> {
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
        let Some(header) = envelope.proof.header() else {
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
    for (n, hash) in order.iter().enumerate() {
        let (space, kind, bytes) = &changes[hash];
        let mut packed = space.as_bytes().to_vec();
        packed.push(*kind);
        packed.extend_from_slice(bytes);
        meta::set(tx, &format!("{PUT_BY}{doc}/{n:06}"), &frame(&packed))?;
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

impl Device {
    /// Takes in what was put by, now that the relay has brought what it builds on. What still lacks
    /// something stays put by, and is named.
    pub(crate) fn take_in_salvaged(&mut self, report: &mut SyncReport) -> Result<()> {
        let mut docs: BTreeMap<DocId, (SpaceId, Kind, Vec<Vec<u8>>)> = BTreeMap::new();
        let mut names: BTreeMap<DocId, Vec<String>> = BTreeMap::new();
        for (name, packed) in meta::all_under(self.store.conn(), PUT_BY)? {
            let doc = name.strip_prefix(PUT_BY).and_then(|rest| {
                let (id, _) = rest.split_once('/')?;
                id.parse::<uuid::Uuid>().ok().map(DocId)
            });
            let opened = unframe(&packed).and_then(|packed| {
                let (space, rest) = packed.split_at_checked(16)?;
                let (kind, bytes) = rest.split_first()?;
                let (space, kind) = (SpaceId::from_slice(space)?, Kind::from_number(*kind)?);
                Some((space, kind, bytes.to_vec()))
            });
            if let (Some(doc), Some((space, kind, bytes))) = (doc, opened) {
                let entry = docs.entry(doc).or_insert((space, kind, Vec::new()));
                entry.2.push(bytes);
                names.entry(doc).or_default().push(name);
            }
        }
        for (doc, (space, kind, changes)) in docs {
            let names = names.remove(&doc).unwrap_or_default();
            let taken = self.take_in(doc, space, kind, &changes)?;
            let at_ms = self.env.now_ms();
            self.store.write(|tx| {
                if taken {
                    names.iter().try_for_each(|name| meta::remove(tx, name))
                } else {
                    let reason = "salvage_incomplete".to_owned();
                    let envelope = None;
                    draft::quarantine(
                        tx,
                        &Quarantined {
                            space,
                            doc,
                            envelope,
                            reason,
                            at_ms,
                        },
                    )
                }
            })?;
            report.quarantined += u32::from(!taken);
        }
        Ok(())
    }

    fn take_in(
        &mut self,
        doc: DocId,
        space: SpaceId,
        kind: Kind,
        changes: &[Vec<u8>],
    ) -> Result<bool> {
        if purge::is_erased(self.store.conn(), doc)? {
            return Ok(true);
        }
        let here = match self.store.document(doc) {
            Ok(loaded) if loaded.space != space || loaded.kind != kind => return Ok(false),
            Ok(loaded) => loaded.am.clone(),
            Err(crate::store::StoreError::NotFound(_)) => genesis(kind).document(),
            Err(other) => return Err(other.into()),
        };
        let missing = |bytes: &&Vec<u8>| {
            let hash = Chunk::parse(bytes).map(|(_, hash)| hash.into());
            hash.is_ok_and(|hash| here.get_change_meta_by_hash(&hash).is_none())
        };
        let changes: Vec<Vec<u8>> = changes.iter().filter(missing).cloned().collect();
        if changes.is_empty() {
            return Ok(true);
        }
        let Ok(am) = trial(&here, kind, &changes, &Limits::PACK) else {
            return Ok(false);
        };
        let hashes = changes.iter().filter_map(|bytes| Chunk::parse(bytes).ok());
        let hashes: Vec<Hash> = hashes.map(|(_, hash)| hash).collect();
        let new = NewChange::saved(&am, &hashes);
        let (at_ms, by) = (self.env.now_ms(), Some(self.identity()?.member));
        let write = DocWrite {
            doc,
            space,
            kind,
            am: &am,
            new: &new,
            at_ms,
            by,
        };
        self.store.write(|tx| write_document(tx, &write))?;
        self.store.forget_loaded();
        Ok(true)
    }
}
