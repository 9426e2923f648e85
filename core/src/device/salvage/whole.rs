//! A document that can be read whole, brought over with its envelopes.
//!
//! The feed's come too: by them what the relay has lost since is known as such and offered, as by any device
//! that begins a first sync of what it has already.

use std::collections::{BTreeMap, BTreeSet};

use ed25519_dalek::VerifyingKey;
use rusqlite::Connection;

use crate::chunk::Chunk;
use crate::device::keys;
use crate::encoding::decode_changes;
use crate::genesis::genesis;
use crate::guard::Limits;
use crate::id::{DocId, EnvelopeId, Hash};
use crate::store::document::{self, DocWrite, NewChange, Origin, write_document};
use crate::store::outbox::{self, State, Stored};
use crate::store::{Result, StoreError, Tx, meta, space};

/// Brings a document over that can be read whole; says how many of its changes are unsent.
pub(super) fn bring_whole(
    old: &Connection,
    tx: &Tx<'_>,
    key: &VerifyingKey,
    doc: DocId,
    at_ms: i64,
) -> Result<u32> {
    let loaded = document::load(old, doc)?;
    let row = document::row(old, doc)?.ok_or(StoreError::NotFound(doc))?;
    let mut envelopes: BTreeMap<Hash, EnvelopeId> = BTreeMap::new();
    let mut unsent: BTreeSet<Hash> = BTreeSet::new();
    let mut again: BTreeSet<Hash> = BTreeSet::new();
    let mut space = loaded.space;
    let mut kept: Vec<(Stored, Option<Vec<u8>>)> = Vec::new();
    for envelope in outbox::unsettled(old, Some(doc))? {
        let Some((run, hashes)) = sound_run(old, key, doc, &envelope)? else {
            if envelope.own {
                let changes = outbox::changes_of(old, envelope.id)?;
                again.extend(changes.iter().map(|change| change.hash));
            }
            continue;
        };
        if envelope.own {
            space = envelope.space;
            unsent.extend(&hashes);
        }
        envelopes.extend(hashes.into_iter().map(|hash| (hash, envelope.id)));
        kept.push((envelope, Some(run)));
    }
    for envelope in outbox::fed_of(old, doc)? {
        // One that is not what was signed the feed brings again, and it shows whose its changes are.
        let sound = is_its_own(&envelope, doc) && is_signed(old, key, &envelope);
        if !matches!(envelope.state, State::Fed(_)) || !sound {
            continue;
        }
        let changes = outbox::changes_of(old, envelope.id)?;
        let of_it = changes.iter().map(|change| (change.hash, envelope.id));
        // What came with the feed is the feed's, whatever else it is in.
        envelopes.extend(of_it);
        kept.push((envelope, None));
    }
    again.extend(outbox::unsealed(old, doc)?.iter().map(|c| c.hash));
    let first = genesis(loaded.kind).hash;
    let new: Vec<NewChange> = loaded
        .am
        .get_changes(&[])
        .iter()
        .filter(|change| Hash::from(change.hash()) != first)
        .map(|change| {
            let hash = Hash::from(change.hash());
            let origin = match envelopes.get(&hash) {
                Some(id) => Origin::Enveloped(*id),
                None if again.contains(&hash) => Origin::Saved,
                None => Origin::Kept,
            };
            NewChange::new(change, origin)
        })
        .collect();
    let is_unsent = |new: &&NewChange| match new.origin {
        Origin::Saved => true,
        Origin::Enveloped(_) | Origin::Packed(_) | Origin::Kept => unsent.contains(&new.hash),
    };
    let count = new.iter().filter(is_unsent).count();
    tx.execute_batch("SAVEPOINT whole")?;
    let write = DocWrite {
        doc,
        space,
        kind: loaded.kind,
        am: &loaded.am,
        new: &new,
        at_ms,
        by: row.changed_by,
    };
    let written = kept
        .iter()
        .try_for_each(|(envelope, run)| keep(tx, envelope, run.as_deref()))
        .and_then(|()| write_document(tx, &write));
    if written.is_err() {
        tx.execute_batch("ROLLBACK TO whole")?;
    }
    tx.execute_batch("RELEASE whole")?;
    written?;
    if new.iter().any(|new| new.origin == Origin::Kept) {
        // Whose it is the feed will show. What it does not have is nobody's.
        meta::set_number(tx, keys::UNPROVEN, 1)?;
    }
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Stores an envelope as the damaged store had it.
pub(super) fn keep(tx: &Tx<'_>, envelope: &Stored, run: Option<&[u8]>) -> Result<()> {
    outbox::insert_kept(tx, envelope, run)?;
    if envelope.accept.is_some() && run.is_some() {
        // It is offered only where a generation is known to have ended.
        meta::set_number(tx, keys::CUT, 1)?;
    }
    Ok(())
}

/// The run of an unsettled envelope and the changes in it, if it is what its author signed.
pub(super) fn sound_run(
    old: &Connection,
    key: &VerifyingKey,
    doc: DocId,
    envelope: &Stored,
) -> Result<Option<(Vec<u8>, Vec<Hash>)>> {
    if !is_its_own(envelope, doc) {
        return Ok(None);
    }
    let run = outbox::run(old, envelope.id)?.unwrap_or_default();
    let changes = decode_changes(&run, &Limits::DEVICE).unwrap_or_default();
    if changes.is_empty() || !is_signed(old, key, envelope) {
        return Ok(None);
    }
    let hashes = changes
        .iter()
        .filter_map(|change| Chunk::parse(change).ok());
    Ok(Some((run, hashes.map(|(_, hash)| hash).collect())))
}

/// Whether its author signed it: this device's key is known, another's only if the damaged store still tells it.
fn is_signed(old: &Connection, key: &VerifyingKey, envelope: &Stored) -> bool {
    let signer = match envelope.own {
        true => Some(*key),
        false => space::roster_device(old, envelope.space, envelope.device)
            .ok()
            .flatten()
            .and_then(|row| VerifyingKey::from_bytes(&row.key).ok()),
    };
    signer.is_none_or(|signer| envelope.proof.verify(&signer))
}

/// Whether the row is of the envelope its proof is of.
fn is_its_own(envelope: &Stored, doc: DocId) -> bool {
    let header = envelope.proof.header();
    envelope.proof.id() == envelope.id
        && envelope.doc == doc
        && header.is_some_and(|header| header.doc == doc && header.space == envelope.space)
}
