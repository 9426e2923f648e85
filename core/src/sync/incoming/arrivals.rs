//! What the entries of a page bring for one document, tried on it before it is written.

use automerge::Automerge;

use super::super::replay::{DAMAGED, Placed};
use super::mark::quarantine;
use super::page::{Changed, Forked, PageWork};
use crate::device::{Device, DeviceError, Result};
use crate::documents::Kind;
use crate::genesis::genesis;
use crate::guard::{Bounds, Doubt, Limits, trial, try_changes};
use crate::id::{DocId, EnvelopeId, MemberId};
use crate::store::document::NewChange;
use crate::store::{StoreError, outbox, purge};

/// Changes for one document, not tried yet.
pub(super) struct Arrival {
    pub id: EnvelopeId,
    pub seq: u64,
    pub by: Option<MemberId>,
    pub changes: Vec<Vec<u8>>,
    pub new: Vec<NewChange>,
}

impl Device {
    /// What arrived meets the documents, each in turn.
    pub(super) fn try_all(&self, work: &mut PageWork) -> Result<()> {
        for (doc, (kind, arrivals)) in std::mem::take(&mut work.arrivals) {
            self.try_arrivals(doc, kind, arrivals, work)?;
        }
        Ok(())
    }

    /// All that arrived for a document is tried at once, which is many times faster than one by
    /// one; if that fails, one by one, so that one bad envelope costs no other.
    fn try_arrivals(
        &self,
        doc: DocId,
        kind: Kind,
        arrivals: Vec<Arrival>,
        work: &mut PageWork,
    ) -> Result<()> {
        if purge::is_erased(self.store.conn(), doc)? {
            return Ok(());
        }
        let before = match self.present(doc, kind) {
            Ok(before) => before,
            Err(DeviceError::Store(StoreError::Damaged { .. })) => {
                let damaged = |a: &Arrival| quarantine(doc, Some(a.id), DAMAGED);
                work.marks.extend(arrivals.iter().map(damaged));
                return Ok(());
            }
            Err(other) => return Err(other),
        };
        let all: Vec<Vec<u8>> = arrivals
            .iter()
            .flat_map(|a| a.changes.iter().cloned())
            .collect();
        let together = try_changes(&before, kind, &all, &Limits::PACK);
        if let Err(doubt) = &together
            && self.stands_in_the_way(doc, kind, &all, *doubt, &work.placed(brought(&arrivals)))?
        {
            let last_seq = arrivals.last().map_or(0, |arrival| arrival.seq);
            let new = arrivals
                .into_iter()
                .flat_map(|arrival| arrival.new)
                .collect();
            work.forked.push(Forked {
                doc,
                changes: all,
                new,
                last_seq,
            });
            return Ok(());
        }
        let one_by_one = together.is_err();
        let mut tried = together.ok();
        let mut new = Vec::new();
        let (mut last_seq, mut by) = (0, None);
        for arrival in arrivals {
            if one_by_one {
                let here = tried.as_ref().map_or(&before, |tried| &tried.document);
                match try_changes(here, kind, &arrival.changes, &Limits::DEVICE) {
                    Ok(one) => tried = Some(one),
                    Err(doubt) => {
                        work.marks
                            .push(quarantine(doc, Some(arrival.id), doubt.code()));
                        continue;
                    }
                }
            }
            new.extend(arrival.new);
            last_seq = arrival.seq;
            by = arrival.by;
        }
        if let Some(tried) = tried
            && last_seq > 0
        {
            work.changed.push(Changed {
                doc,
                kind,
                tried,
                new,
                last_seq,
                by,
            });
        }
        Ok(())
    }

    /// Whether it is for what the feed does not have that this cannot be applied: one's own work, or
    /// what the relay has lost and may not take again as it was.
    pub(super) fn stands_in_the_way(
        &self,
        doc: DocId,
        kind: Kind,
        changes: &[Vec<u8>],
        doubt: Doubt,
        placed: &Placed,
    ) -> Result<bool> {
        // A copy of this store counts on under the same actor; or it has made again, under another,
        // what is still on its way from here: entries and items keep their keys then.
        let own = ["fork", "log_key_taken", "item_key_taken"];
        // The relay counts what the feed has, and not what is unsent here.
        let in_the_way = own.contains(&doubt.code()) || Bounds::CODES.contains(&doubt.code());
        if in_the_way && self.has_own(doc)? {
            return Ok(true);
        }
        if outbox::lost_of(self.store.conn(), doc)?.is_empty() {
            return Ok(false);
        }
        let record = self.without_lost(&*self.store.document(doc)?, placed)?;
        Ok(trial(&record, kind, changes, &Limits::PACK).is_ok())
    }

    /// Whether there is own work in a document that the feed does not have.
    pub(super) fn has_own(&self, doc: DocId) -> Result<bool> {
        let conn = self.store.conn();
        Ok(!outbox::unsealed(conn, doc)?.is_empty()
            || !outbox::unsettled(conn, Some(doc))?.is_empty())
    }

    /// The document as it stands here, or its genesis.
    pub(super) fn present(&self, doc: DocId, kind: Kind) -> Result<Automerge> {
        match self.store.document(doc) {
            Ok(loaded) => Ok(loaded.am.clone()),
            Err(StoreError::NotFound(_)) => Ok(genesis(kind).document()),
            Err(other) => Err(other.into()),
        }
    }
}

fn brought(arrivals: &[Arrival]) -> impl Iterator<Item = &NewChange> {
    arrivals.iter().flat_map(|arrival| &arrival.new)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::tests::world::World;
    use crate::time::SystemEnv;

    /// The relay let it in, so what makes it too much is what only this device has.
    #[test]
    fn what_finds_no_room_beside_own_work_has_it_in_the_way() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("store.db");
        let env = Arc::new(SystemEnv);
        let mut device = Device::open(&store, folder.path(), [7; 32], env).expect("opens");
        let doc = World::new(1).note(&mut device.store, "unsent");
        let stands = |device: &Device, code| {
            let (kind, placed) = (Kind::VisitNote, Placed::default());
            let stands = device.stands_in_the_way(doc, kind, &[], Doubt::Final(code), &placed);
            stands.expect("reads")
        };
        for code in Bounds::CODES {
            assert!(stands(&device, code), "{code}");
        }
        assert!(
            !stands(&device, "counter_order"),
            "it would not pass without"
        );
        let delivered = device.store.write(|tx| {
            tx.execute("UPDATE change SET unsealed = 0", [])?;
            Ok(())
        });
        delivered.expect("writes");
        for code in Bounds::CODES {
            assert!(!stands(&device, code), "{code}: nothing is unsent");
        }
    }
}
