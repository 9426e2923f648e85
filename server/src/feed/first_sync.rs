//! First sync: whole documents as of a fixed seq, newest first, so that the first page is already
//! useful; then the signatures. Entries after the fixed seq wait until both are complete.

use sopu_core::encoding::{decode_changes, encode_changes};
use sopu_core::guard::Limits;
use sopu_core::id::{DocId, SpaceId};
use sopu_core::wire::{FeedProof, FirstSync, Pack, ProofSpecial, SpacePage};

use super::page::Room;
use crate::store::{FeedRow, FeedWhat, RelayStore, Result, StoreError};

/// Documents and proofs read from the store at a time.
const STRIDE: usize = 64;

/// Fills the page from where the first sync stands; gives where it stands then, `None` when all is
/// there.
pub fn fill(
    store: &mut dyn RelayStore,
    space: SpaceId,
    first: FirstSync,
    room: &mut Room,
    page: &mut SpacePage,
) -> Result<Option<FirstSync>> {
    let (at, mut above) = match first {
        FirstSync::Documents { at, below } => match documents(store, space, at, below, room, page)?
        {
            Some(below) => return Ok(Some(FirstSync::Documents { at, below })),
            None => (at, 0),
        },
        FirstSync::Proofs { at, above } => (at, above),
    };
    loop {
        let rows = store.feed_after(space, above, STRIDE)?;
        let rows: Vec<FeedRow> = rows.into_iter().take_while(|row| row.seq <= at).collect();
        if rows.is_empty() {
            return Ok(None);
        }
        for row in rows {
            let seq = row.seq;
            let proof = proof(store, row)?;
            if !room.take(proof.header.len() + 120) {
                return Ok(Some(FirstSync::Proofs { at, above }));
            }
            page.proofs.push(proof);
            above = seq;
        }
    }
}

/// Packs below `below`; gives the next `below`, `None` when all are there.
fn documents(
    store: &mut dyn RelayStore,
    space: SpaceId,
    at: u64,
    mut below: u64,
    room: &mut Room,
    page: &mut SpacePage,
) -> Result<Option<u64>> {
    loop {
        let documents = store.documents_below(space, at, below, STRIDE)?;
        if documents.is_empty() {
            return Ok(None);
        }
        for (doc, last_seq) in documents {
            if room.is_full() {
                return Ok(Some(below));
            }
            if let Some(pack) = pack(store, doc, at, last_seq)? {
                if !room.take(pack.changes.len() + pack.counts.len() * 2 + 40) {
                    return Ok(Some(below));
                }
                page.packs.push(pack);
            }
            below = last_seq;
        }
    }
}

/// A whole document up to `at`; `None` if it was erased, or only spoken about.
fn pack(store: &mut dyn RelayStore, doc: DocId, at: u64, last_seq: u64) -> Result<Option<Pack>> {
    let mut changes = Vec::new();
    let mut counts = Vec::new();
    let mut kind = None;
    for row in store.feed_of(doc, at)? {
        let FeedWhat::Envelope(arrival) = row.what else {
            continue;
        };
        let kept = store
            .envelope_at(arrival)?
            .ok_or(StoreError::Corrupt("a fed envelope is gone"))?;
        let Some(run) = kept.run else { return Ok(None) };
        let run =
            decode_changes(&run, &Limits::RELAY).map_err(|_| StoreError::Corrupt("a fed run"))?;
        counts.push(kept.changes);
        changes.extend(run);
        kind = Some(kept.kind);
    }
    let Some(kind) = kind else { return Ok(None) };
    let changes = encode_changes(&changes).map_err(|_| StoreError::Corrupt("a fed run"))?;
    Ok(Some(Pack {
        doc,
        kind,
        last_seq,
        changes,
        counts,
    }))
}

fn proof(store: &mut dyn RelayStore, row: FeedRow) -> Result<FeedProof> {
    let FeedRow {
        seq,
        accept,
        received_ms,
        ..
    } = row;
    let (header, signature, special) = match row.what {
        FeedWhat::Notice { body, signature } => (body, signature, Some(ProofSpecial::Notice)),
        FeedWhat::Envelope(arrival) => {
            let kept = store
                .envelope_at(arrival)?
                .ok_or(StoreError::Corrupt("a fed envelope is gone"))?;
            let special = kept
                .run
                .is_none()
                .then_some(ProofSpecial::Erased(kept.digest));
            (kept.header, kept.signature, special)
        }
    };
    Ok(FeedProof {
        seq,
        header,
        signature,
        accept,
        received_ms,
        special,
    })
}
