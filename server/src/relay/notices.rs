//! Notices that somebody asked for at the office or on the command line.

use std::collections::BTreeSet;

use sopu_core::envelope;
use sopu_core::wire::NoticeKind;

use super::{Relay, Topic, lock};
use crate::feed::append;
use crate::keys::RelayKeys;
use crate::merge::legal_hold;
use crate::store::{NoticeWish, RelayStore, Result};

impl Relay {
    /// Says in the feeds what was asked for. Each wish goes as it is said.
    ///
    /// # Errors
    /// The store's; asking again carries on.
    pub fn say_wished(&self) -> Result<()> {
        if self.commits.read(|store| store.notice_wishes())?.is_empty() {
            return Ok(());
        }
        let merger = lock(&self.merger);
        self.say_wished_under()?;
        drop(merger);
        self.follow()
    }

    /// As [`Relay::say_wished`], for who has the merger's lock, and without the merged record.
    pub(super) fn say_wished_under(&self) -> Result<()> {
        let wishes = self.commits.read(|store| store.notice_wishes())?;
        let mut spaces = BTreeSet::new();
        for wish in wishes {
            let (keys, now_ms) = (self.keys.clone(), self.env.now_ms());
            let said = self
                .commits
                .write(move |store| say(store, &keys, &wish, now_ms))?;
            spaces.extend(said);
        }
        for space in &spaces {
            self.grew(*space);
        }
        self.listeners.tell(spaces.into_iter().map(Topic::Space));
        Ok(())
    }
}

/// Gives the space it was said in; `None` if the document is gone.
fn say(
    store: &mut dyn RelayStore,
    keys: &RelayKeys,
    wish: &NoticeWish,
    now_ms: i64,
) -> Result<Option<sopu_core::id::SpaceId>> {
    store.end_notice_wish(wish.number)?;
    let row = store.document(wish.doc)?;
    let Some(row) = row.filter(|row| row.erased_ms.is_none()) else {
        return Ok(None);
    };
    let (space, doc, kind) = (row.space, wish.doc, row.kind);
    match envelope::decode(&wish.what) {
        Some(NoticeKind::LegalHold(held)) => {
            legal_hold::say(store, keys, (space, doc, kind), held, now_ms)?;
        }
        Some(what) => {
            append::notice(store, keys, space, doc, kind, now_ms, what)?;
        }
        None => return Ok(None),
    }
    Ok(Some(space))
}
