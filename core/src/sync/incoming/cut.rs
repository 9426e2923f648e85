//! A generation has ended: the relay came back from a backup, or lost something another way. What it
//! no longer has stays in the documents here, and is marked to be offered.

use std::collections::BTreeSet;

use crate::device::{Device, Result, SyncReport, keys};
use crate::envelope::feed_hash;
use crate::id::SpaceId;
use crate::store::{document, meta, outbox, space};
use crate::sync::undelivered::NotTaken;
use crate::wire::SpacePage;

impl Device {
    /// Marks what the relay has lost, if this page says that it has, or cannot say it. The cursor stays:
    /// the same page finds the same again. `false` if the feed is another below the cut too, so that
    /// nothing of it is shared; or if another page had told of a lower cut and never been applied: by the
    /// time the relay had all of it again, and knew this cursor, the store had forgotten the places.
    pub(super) fn apply_cut(&mut self, page: &SpacePage) -> Result<bool> {
        let (id, cut) = (page.to.space, cut_of(page));
        let before = meta::number(self.store.conn(), &keys::cut_at(id))?.map(i64::unsigned_abs);
        let forgotten =
            page.from.is_some() && before.is_some_and(|before| cut.is_none_or(|seq| seq > before));
        let seq = match cut {
            _ if forgotten => 0,
            Some(seq) => seq,
            // It begins a first sync of what is here already: while this device had no cursor (it had
            // left, say, and was let in again) it heard of no cut. The first sync shows what of all this
            // the relay has.
            None if page.from.is_none() && outbox::was_taken(self.store.conn(), id)? => 0,
            None => return Ok(true),
        };
        let shared = !forgotten && self.shares(page)?;
        let seq = if shared { seq } else { 0 };
        let recovering = self.recovering()?;
        // Else a first sync goes on where it was.
        let lost = page.from.as_ref().is_none_or(|from| seq < from.seq);
        self.store.write(|tx| {
            outbox::cut(tx, id, seq)?;
            // A copy of a store asks by itself, when it has seen what its other self did.
            if !recovering {
                outbox::ask_all_again(tx, id)?;
            }
            if lost {
                let at = i64::try_from(seq).unwrap_or(i64::MAX);
                meta::set_number(tx, &keys::cut_at(id), at)?;
            }
            if lost && document::doubt_unproven(tx, id)? {
                meta::set_number(tx, keys::UNPROVEN, 1)?;
            }
            meta::set_number(tx, keys::CUT, 1)
        })?;
        self.cut_at = Some(self.requests);
        // What the relay did not take before, it is offered as it is now.
        self.put_off.clear();
        self.not_taken = NotTaken::default();
        self.offer_later.clear();
        Ok(shared)
    }

    /// Of a space that is being left nothing more is taken in, but what the relay has lost of it is owed, and
    /// from the cut on it tells of the next. `false` if the page says of none.
    pub(super) fn hear_cut(&mut self, page: &SpacePage) -> Result<bool> {
        if page.from.is_none() || page.cut.is_none() {
            return Ok(false);
        }
        self.apply_cut(page)?;
        let id = page.to.space;
        let hash = self.hash_at(id, page.to.seq)?;
        self.store.write(|tx| {
            meta::remove(tx, &keys::cut_at(id))?;
            space::set_cursor(tx, &page.to, &hash)
        })?;
        Ok(true)
    }

    /// Whether the feed below a page's cut is what this device has: the relay may have lost more than
    /// it knew of, and have put other entries there. One that does not have all of it cannot tell.
    fn shares(&self, page: &SpacePage) -> Result<bool> {
        let Some((from, cut)) = page.from.as_ref().zip(page.cut.as_ref()) else {
            return Ok(true);
        };
        // Where it does not cut short what is here, the cursor's own tag has told.
        if from.first.is_some() || cut.seq >= from.seq {
            return Ok(true);
        }
        Ok(self.hash_at(page.to.space, cut.seq)? == cut.hash)
    }

    /// The running hash of a space's feed at a place, made again of the ids that are here.
    pub(super) fn hash_at(&self, space: SpaceId, seq: u64) -> Result<[u8; 32]> {
        let all = outbox::feed_ids(self.store.conn(), space, 0, usize::MAX >> 1)?;
        let until = all.iter().take_while(|(at, _)| *at <= seq);
        Ok(until.fold([0; 32], |hash, (_, id)| feed_hash(&hash, id)))
    }

    /// Starts a space from nothing: a first sync will show what of all this the relay has.
    pub(super) fn begin_anew(&mut self, id: SpaceId) -> Result<()> {
        self.cut_at = Some(self.requests);
        Ok(self.store.write(|tx| {
            outbox::cut(tx, id, 0)?;
            space::clear_cursor(tx, id)?;
            meta::remove(tx, &keys::cut_at(id))?;
            meta::set_number(tx, keys::CUT, 1)?;
            meta::set_number(tx, keys::SEND_VECTOR, 1)
        })?)
    }

    /// Changes whose signature never came and which the relay does not have either are nobody's: the
    /// documents become what the feed has, with one's own edits made again on it.
    pub(super) fn drop_unproven(&mut self, report: &mut SyncReport) -> Result<bool> {
        if meta::get(self.store.conn(), keys::UNPROVEN)?.is_none() {
            return Ok(false);
        }
        let docs = document::with_unproven(self.store.conn())?;
        // A copy's old changes can be sealed under no name it has; they are made again when it has recovered.
        if !docs.is_empty() && !self.recovering()? {
            self.seal_all()?;
        }
        let mut fresh = BTreeSet::new();
        for doc in &docs {
            let Some(loaded) = self.undamaged(*doc)? else {
                continue;
            };
            if fresh.insert(loaded.space) {
                self.new_epoch(loaded.space)?;
            }
            self.replay(&loaded, report)?;
        }
        self.store.write(|tx| meta::remove(tx, keys::UNPROVEN))?;
        Ok(!docs.is_empty())
    }
}

/// The last seq that is still shared.
fn cut_of(page: &SpacePage) -> Option<u64> {
    if let Some(cut) = &page.cut {
        return Some(cut.seq);
    }
    // Not said, yet the feed is another, or begins anew.
    let from = page.from.as_ref()?;
    let anew = from.first.is_none() && from.seq > 0 && !page.packs.is_empty();
    (anew || from.generation != page.to.generation).then_some(0)
}
