//! A generation has ended: the relay came back from a backup, or lost something another way. What it
//! no longer has stays in the documents here, and is marked to be offered.

use std::collections::BTreeSet;

use crate::device::{Device, Result, SyncReport, keys};
use crate::id::SpaceId;
use crate::store::{document, meta, outbox, space};
use crate::wire::SpacePage;

impl Device {
    /// Marks what the relay has lost, if this page says that it has. The cursor stays: the same page
    /// finds the same again. `true` if it did.
    pub(super) fn apply_cut(&mut self, page: &SpacePage) -> Result<bool> {
        let Some(seq) = cut_of(page) else {
            return Ok(false);
        };
        let id = page.to.space;
        let recovering = self.recovering()?;
        // Else a first sync goes on where it was.
        let lost = page.from.as_ref().is_none_or(|from| seq < from.seq);
        self.store.write(|tx| {
            outbox::cut(tx, id, seq)?;
            // A copy of a store asks by itself, when it has seen what its other self did.
            if !recovering {
                outbox::ask_all_again(tx, id)?;
            }
            if lost && document::doubt_unproven(tx, id)? {
                meta::set_number(tx, keys::UNPROVEN, 1)?;
            }
            meta::set_number(tx, keys::CUT, 1)
        })?;
        self.cut_at = Some(self.requests);
        Ok(true)
    }

    /// Starts a space from nothing: a first sync will show what of all this the relay has.
    pub(super) fn begin_anew(&mut self, id: SpaceId) -> Result<()> {
        self.cut_at = Some(self.requests);
        Ok(self.store.write(|tx| {
            outbox::cut(tx, id, 0)?;
            space::clear_cursor(tx, id)?;
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
        if !docs.is_empty() {
            self.seal_all()?;
        }
        let mut fresh = BTreeSet::new();
        for doc in &docs {
            let loaded = self.store.document(*doc)?;
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
