//! Where a device stands, judged against this feed as it is.

use sopu_core::id::SpaceId;
use sopu_core::wire::{Cursor, Cut};

use crate::keys::{RelayKeys, TagSays};
use crate::store::{Generation, Head, RelayStore, Result};

/// What a cursor means here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stand {
    /// In this feed.
    Here,
    /// In an earlier life of this feed, or in one beside it. `share` is the last seq both have.
    Earlier {
        /// What the device must be told.
        cut: Cut,
        /// Entries are served after this.
        share: u64,
    },
    /// Made by this relay, yet not over this feed: the relay has lost something, and new lives of its
    /// feeds must begin.
    Lost,
    /// Not made by this relay: that device begins anew.
    Forged,
}

/// The lives of a space's feed, oldest first; the first is there before its row is.
pub fn generations(
    store: &mut dyn RelayStore,
    keys: &RelayKeys,
    space: SpaceId,
) -> Result<Vec<Generation>> {
    let mut all = vec![Generation {
        number: 1,
        id: keys.first_generation(space),
        cut_seq: 0,
    }];
    all.extend(store.generations(space)?);
    Ok(all)
}

/// A cursor at the head of, or anywhere in, the present feed.
pub fn cursor_at(
    keys: &RelayKeys,
    space: SpaceId,
    generation: &Generation,
    at: Head,
    roster: u64,
) -> Cursor {
    Cursor {
        space,
        generation: generation.id,
        seq: at.seq,
        tag: keys.cursor_tag(space, &generation.id, at.seq, &at.hash),
        roster,
        first: None,
    }
}

/// Judges a cursor.
pub fn judge(
    store: &mut dyn RelayStore,
    keys: &RelayKeys,
    cursor: &Cursor,
    generations: &[Generation],
    head: Head,
) -> Result<Stand> {
    // Most devices stand at the end.
    let hash = if cursor.seq == head.seq {
        Some(head.hash)
    } else {
        store.hash_at(cursor.space, cursor.seq)?
    };
    let says = keys.judge_tag(
        &cursor.tag,
        cursor.space,
        &cursor.generation,
        cursor.seq,
        hash.as_ref(),
    );
    if says == TagSays::Forged {
        return Ok(Stand::Forged);
    }
    let place = generations.iter().position(|g| g.id == cursor.generation);
    let later = place
        .map_or(generations.get(1..), |place| generations.get(place + 1..))
        .unwrap_or_default();
    match (place, later.iter().map(|g| g.cut_seq).min()) {
        (place, Some(cut_seq)) => {
            let shared = match place {
                // The running hash is over all that is before: whatever was lost is here again.
                _ if says == TagSays::Same => cursor.seq,
                // The life it stood in ended: shared up to the lowest cut since, if what is below that
                // is what the device has, which the hash there tells it.
                Some(_) if cursor.seq > cut_seq => cut_seq,
                // Below the cut, and yet beside: something was lost before, and nobody noticed.
                Some(_) => 0,
                // A life this feed knows nothing of, begun after the backup that it came back from:
                // where that one had branched off, nobody can say.
                None => 0,
            };
            let hash = store.hash_at(cursor.space, shared)?;
            let (seq, hash) = hash.map_or((0, [0; 32]), |hash| (shared, hash));
            Ok(Stand::Earlier {
                cut: Cut {
                    generation: cursor.generation,
                    seq,
                    hash,
                },
                share: seq,
            })
        }
        (Some(_), None) if says == TagSays::Same => Ok(Stand::Here),
        (Some(_) | None, None) => Ok(Stand::Lost),
    }
}
