//! First sync: whole documents as of a fixed seq, newest first, so that the first page is already
//! useful; then the signatures. Entries after the fixed seq wait until both are complete.

use sopu_core::chunk::Made;
use sopu_core::encoding::encode_changes;
use sopu_core::id::{DocId, SpaceId};
use sopu_core::wire::{FeedProof, FirstSync, Pack, ProofSpecial, SpacePage};

use super::page::Room;
use crate::store::{FeedRow, FeedWhat, RelayStore, Result, StoreError};

/// Documents and proofs read from the store at a time.
const STRIDE: usize = 64;

/// The bytes of changes one pack may hold. A larger document comes in parts: as one it would not fit
/// into any answer, and its space would never be complete on a new device.
const PART: usize = 4 * 1024 * 1024;

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
        FirstSync::Documents { at, below, within } => {
            let mut progress = Progress { below, within };
            if !documents(store, space, at, &mut progress, room, page)? {
                let Progress { below, within } = progress;
                return Ok(Some(FirstSync::Documents { at, below, within }));
            }
            (at, 0)
        }
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

/// How far the documents of a first sync have come.
struct Progress {
    /// Those whose last entry is at or above it are all there.
    below: u64,
    /// Of the next, entries up to this seq.
    within: Option<u64>,
}

/// Adds packs; `true` when all are there.
fn documents(
    store: &mut dyn RelayStore,
    space: SpaceId,
    at: u64,
    progress: &mut Progress,
    room: &mut Room,
    page: &mut SpacePage,
) -> Result<bool> {
    loop {
        let documents = store.documents_below(space, at, progress.below, STRIDE)?;
        if documents.is_empty() {
            return Ok(true);
        }
        for (doc, last_seq) in documents {
            if room.is_full() {
                return Ok(false);
            }
            if let Some(pack) = pack(store, doc, at, last_seq, progress.within)? {
                if !room.take(pack.changes.len() + pack.counts.len() * 2 + 40) {
                    return Ok(false);
                }
                let reached = pack.last_seq;
                page.packs.push(pack);
                if reached < last_seq {
                    progress.within = Some(reached);
                    return Ok(false);
                }
            }
            *progress = Progress {
                below: last_seq,
                within: None,
            };
        }
    }
}

/// A document's entries up to `at`, or after those up to `within` as many as make a part; `None` if
/// it was erased, or only spoken about.
fn pack(
    store: &mut dyn RelayStore,
    doc: DocId,
    at: u64,
    mut last_seq: u64,
    within: Option<u64>,
) -> Result<Option<Pack>> {
    let mut changes: Vec<Vec<u8>> = Vec::new();
    let mut counts = Vec::new();
    let mut kind = None;
    let (mut before, mut reached, mut size) = (0, 0, 0);
    for row in store.feed_of(doc, at)? {
        let FeedWhat::Envelope(arrival) = row.what else {
            continue;
        };
        if within.is_some_and(|within| row.seq <= within) {
            before += 1;
            continue;
        }
        let kept = store
            .envelope_at(arrival)?
            .ok_or(StoreError::Corrupt("a fed envelope is gone"))?;
        let Some(run) = kept.signed_changes()? else {
            return Ok(None);
        };
        let run: Vec<Vec<u8>> = run.into_iter().map(Made::into_bytes).collect();
        size += run.iter().map(Vec::len).sum::<usize>();
        if size > PART && !counts.is_empty() {
            last_seq = reached;
            break;
        }
        counts.push(kept.changes);
        changes.extend(run);
        kind = Some(kept.kind);
        reached = row.seq;
    }
    let Some(kind) = kind else { return Ok(None) };
    let changes = encode_changes(&changes).map_err(|_| StoreError::Corrupt("a fed run"))?;
    Ok(Some(Pack {
        doc,
        kind,
        last_seq,
        changes,
        counts,
        before,
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
