//! Erasing a document: the ledger first, so that no backup can bring it back; then every run of it
//! in whatever state; then the merged record; and every device that may hold it is ordered to
//! purge. Headers, ids and the running hash survive.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use sopu_core::envelope;
use sopu_core::id::{DeviceId, DocId, SpaceId};
use sopu_core::store::hold;
use sopu_core::wire::{Notice, NoticeKind, OrderKind, Status, Verdict};

use super::moved::moved_on;
use super::{Relay, lock, restore};
use crate::access::erasures::RECORD_DAMAGED;
use crate::feed::append;
use crate::keys::RelayKeys;
use crate::ledger::{Erasure, Line};
use crate::merge::{Merger, subjects};
use crate::store::{DocumentRow, ErasureWish, FeedWhat, RelayStore, Result, State, StoreError};

/// After how long an erasure that failed, or waits for another document, is tried again, milliseconds.
pub(super) const AGAIN_MS: i64 = 60_000;

/// Set while the database's log may hold something that was erased.
pub const SCRUB_DUE: &str = "scrub.due";

/// Why an erasure did not happen, or not wholly.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// The relay has no such document.
    #[error("there is no such document")]
    Unknown,
    /// It is on legal hold: somebody says that it will be needed.
    #[error("the document is on legal hold")]
    LegalHold,
    /// It was moved, and is needed still: what it became does not hold all of it. A code says more.
    #[error("the document it was moved to does not hold all of it: {0}")]
    Moved(&'static str),
    /// The database failed; erasing again carries on.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The merged record failed; erasing again carries on.
    #[error("the merged record failed: {0}")]
    Record(#[from] sopu_core::store::StoreError),
}

impl Relay {
    /// Erases a document for this reason code. When this returns, no file of the relay holds its
    /// content any more; devices purge when they next sync.
    ///
    /// # Errors
    /// See [`EraseError`]. May be repeated.
    pub fn erase(&self, doc: DocId, reason: &str) -> std::result::Result<(), EraseError> {
        let erasure = self.blank_wished(&ErasureWish {
            doc,
            reason: reason.to_owned(),
            moved_to: None,
            awaited: false,
        })?;
        self.finish(&[erasure])
    }

    /// Blanks a document, if it may go; [`Relay::finish`] is to follow.
    fn blank_wished(&self, wish: &ErasureWish) -> std::result::Result<Erasure, EraseError> {
        let doc = wish.doc;
        // Held from the look at the record on: nobody puts it on hold in between.
        let mut merger = lock(&self.merger);
        let here = self.commits.read(|store| known(store, doc))?;
        let row = here
            .or_else(|| self.as_once_erased(wish))
            .ok_or(EraseError::Unknown)?;
        let mut moved_to = wish.moved_to;
        if row.erased_ms.is_none() {
            // A hold that was received and still waits counts.
            let env = &*self.env;
            while merger
                .step_in(&self.commits, &self.keys, env, row.space)?
                .decided
                > 0
            {}
            self.say_wished_under()?;
            if self.is_on_hold(doc, row.space)? {
                return Err(EraseError::LegalHold);
            }
            if wish.awaited && moved_to.is_none() {
                moved_to = Some(self.found_again(&mut merger, doc, &row)?);
            } else if let Some(new) = moved_to {
                let now = self.commits.read(|store| moved_on(store, doc, new))?;
                // It was compared when it went the first time, and then the other was not wanted either.
                if !(wish.awaited && now.is_erased) {
                    match here {
                        Some(_) => self.compare(&mut merger, (doc, now.of), &row, now.new)?,
                        None => self.is_back(&mut merger, now.new)?,
                    }
                }
                moved_to = Some(now.new);
            }
            if let Some(new) = moved_to {
                self.commits.write(move |store| store.note_move(new, doc))?;
            }
        }
        let erasure = Erasure {
            doc,
            space: row.space,
            kind: row.kind,
            at_ms: self.env.now_ms(),
            reason: wish.reason.clone(),
            moved_to,
        };
        self.blank(&mut merger, &erasure)?;
        Ok(erasure)
    }

    /// Carries out what was asked for on the command line or in the office: blanks all of it first, and then
    /// writes the files anew once for all. What fails is tried again, after a while, and so is what waits for
    /// a document that is not there: nothing else waits for it.
    ///
    /// # Errors
    /// The database's.
    pub fn carry_out_wishes(&self) -> Result<()> {
        self.say_wished()?;
        let now_ms = self.env.now_ms();
        lock(&self.resting).retain(|_, until_ms| *until_ms > now_ms);
        let mut blanked = Vec::new();
        for wish in self.commits.read(|store| store.erasure_wishes())? {
            if lock(&self.resting).contains_key(&wish) {
                continue;
            }
            let done = catch_unwind(AssertUnwindSafe(|| self.blank_wished(&wish)));
            match outcome(done) {
                Ok(erasure) => blanked.push((wish, erasure)),
                Err(why) => self.end_badly(wish, why, now_ms)?,
            }
        }
        if blanked.is_empty() {
            return Ok(());
        }
        let (wishes, erasures): (Vec<_>, Vec<_>) = blanked.into_iter().unzip();
        let done = at_once_or_singly(&erasures, |erasures| self.finish(erasures));
        for (wish, done) in wishes.into_iter().zip(done) {
            match done {
                Ok(()) => self
                    .commits
                    .write(move |store| store.end_erasure_wish(wish.doc, None))?,
                Err(why) => self.end_badly(wish, why, now_ms)?,
            }
        }
        Ok(())
    }

    /// A wish that was not carried out: it is looked at again after a while, or its problem is told.
    fn end_badly(&self, wish: ErasureWish, why: NotErased, now_ms: i64) -> Result<()> {
        let problem = match why {
            NotErased::Not(_) if wish.awaited => None,
            NotErased::Not(code) => Some(code),
            NotErased::RecordDamaged => {
                self.commits.write(restore::make_record_anew)?;
                Some(RECORD_DAMAGED)
            }
            NotErased::Failed => None,
        };
        match problem {
            Some(code) => {
                let doc = wish.doc;
                self.commits
                    .write(move |store| store.end_erasure_wish(doc, Some(code)))
            }
            None => {
                lock(&self.resting).insert(wish, now_ms.saturating_add(AGAIN_MS));
                Ok(())
            }
        }
    }

    /// Whether a document must be kept, see [`hold`]. Where the record cannot say, nothing is erased, but for
    /// what is damaged: no wish to keep it can be read from that ever again, and what the relay said counts.
    fn is_on_hold(&self, doc: DocId, space: SpaceId) -> std::result::Result<bool, EraseError> {
        use sopu_core::store::StoreError as Read;
        let mut record = lock(&self.record);
        self.commits
            .read(|store| record.follow(store, space, &mut BTreeMap::new()))??;
        let said = hold::said(record.store().conn(), doc)?;
        match record.store().document(doc) {
            Ok(loaded) => {
                let value = sopu_core::read::read(&loaded.am, loaded.kind).value;
                Ok(hold::holds(said, &value))
            }
            Err(Read::NotFound(_)) if said.is_none() => self
                .commits
                .read(|store| is_of_held_client(store, doc, space))
                .map_err(EraseError::from),
            Err(Read::NotFound(_) | Read::Damaged { .. } | Read::Erased(_)) => {
                Ok(hold::holds(said, &serde_json::Value::Null))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The same, told in full. Once it is in the ledger, doing it again carries on.
    pub(super) fn erase_as(&self, erasure: &Erasure) -> std::result::Result<(), EraseError> {
        self.blank(&mut lock(&self.merger), erasure)?;
        self.finish(std::slice::from_ref(erasure))
    }

    /// The ledger and the database know that it is erased, and have no content of it any more: of the files
    /// only [`Relay::finish`] says that.
    fn blank(&self, merger: &mut Merger, erasure: &Erasure) -> std::result::Result<(), EraseError> {
        let doc = erasure.doc;
        let row = self.commits.read(|store| store.document(doc))?;
        if row.is_none_or(|row| row.erased_ms.is_none()) {
            let mut ledger = lock(&self.ledger);
            ledger
                .append(&[Line::Erased(erasure.clone())])
                .map_err(StoreError::from)?;
            let (known, keys, erasure) = (ledger.len(), self.keys.clone(), erasure.clone());
            self.commits.write(move |store| {
                carry_out(store, &keys, &erasure)?;
                restore::set_known(store, known)
            })?;
        }
        merger.forget();
        Ok(())
    }

    /// Rids the files of what was blanked, however much it is, once.
    fn finish(&self, erasures: &[Erasure]) -> std::result::Result<(), EraseError> {
        // Who waits here for another that fails does not try it again.
        self.scrub(&mut lock(&self.scrubbing))?;
        let mut record = lock(&self.record);
        let spaces: BTreeSet<SpaceId> = erasures.iter().map(|erasure| erasure.space).collect();
        for space in spaces {
            self.commits
                .read(|store| record.follow(store, space, &mut BTreeMap::new()))??;
        }
        record.erase(erasures)?;
        drop(record);
        self.tell_all();
        Ok(())
    }
}

/// Why a wish was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NotErased {
    /// It must not be, or there is nothing: a code.
    Not(&'static str),
    /// The merged record is damaged; it is made anew at the next start.
    RecordDamaged,
    /// It may be another time.
    Failed,
}

/// What came of an erasure.
fn outcome<T>(
    done: std::thread::Result<std::result::Result<T, EraseError>>,
) -> std::result::Result<T, NotErased> {
    let error = match done {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(error)) => error,
        Err(_) => {
            tracing::error!("an erasure panicked");
            return Err(NotErased::Not("failed"));
        }
    };
    Err(match &error {
        EraseError::Unknown => NotErased::Not("unknown"),
        EraseError::LegalHold => NotErased::Not("legal_hold"),
        EraseError::Moved(code) => NotErased::Not(code),
        // The record can be made anew whatever it is.
        EraseError::Record(damage) if !damage.is_passing() => {
            tracing::error!(%error, "an erasure met damage");
            NotErased::RecordDamaged
        }
        EraseError::Store(_) | EraseError::Record(_) => {
            tracing::error!(%error, "an erasure failed and is tried again");
            NotErased::Failed
        }
    })
}

/// What comes of each when it is done for all at once, and for each alone where that met what may be of another
/// only.
fn at_once_or_singly(
    erasures: &[Erasure],
    finish: impl Fn(&[Erasure]) -> std::result::Result<(), EraseError>,
) -> Vec<std::result::Result<(), NotErased>> {
    let finish =
        |erasures: &[Erasure]| outcome(catch_unwind(AssertUnwindSafe(|| finish(erasures))));
    let all = finish(erasures);
    let each = erasures.iter().map(|erasure| match all {
        Err(NotErased::RecordDamaged | NotErased::Not(_)) => finish(std::slice::from_ref(erasure)),
        Ok(()) | Err(NotErased::Failed) => all,
    });
    each.collect()
}

/// What is known of a document. One of which nothing has ever waited, but was held, has no row: it belongs
/// where the first work on it said.
fn known(store: &mut dyn RelayStore, doc: DocId) -> Result<Option<DocumentRow>> {
    if let Some(row) = store.document(doc)? {
        return Ok(Some(row));
    }
    let kept = store.envelopes_of(doc)?.into_iter().next();
    Ok(kept.map(|kept| DocumentRow {
        space: kept.space,
        kind: kept.kind,
        last_seq: 0,
        erased_ms: None,
    }))
}

/// Whether what is kept of a document that is not in the record is about a client whose documents must all
/// be kept.
fn is_of_held_client(store: &mut dyn RelayStore, doc: DocId, space: SpaceId) -> Result<bool> {
    let clients = store.held_clients(space)?;
    if clients.is_empty() {
        return Ok(false);
    }
    let kept = store.envelopes_of(doc)?.into_iter();
    // What killed the process when it was tried is not tried here.
    let kept = kept.filter(|row| row.state != State::Held("isolated".into()));
    let runs: Vec<_> = kept.filter_map(|row| Some((row.kind, row.run?))).collect();
    Ok(!subjects::of_runs(&runs).is_disjoint(&clients))
}

/// The database's part. Doing it again changes nothing.
pub fn carry_out(store: &mut dyn RelayStore, keys: &RelayKeys, erasure: &Erasure) -> Result<()> {
    let Erasure {
        doc,
        space,
        kind,
        at_ms,
        reason,
        moved_to: _,
    } = erasure;
    let known = store.document(*doc)?;
    if known.is_some_and(|row| row.erased_ms.is_some()) {
        return Ok(());
    }
    let row = known.unwrap_or(DocumentRow {
        space: *space,
        kind: *kind,
        last_seq: 0,
        erased_ms: None,
    });
    store.put_document(
        *doc,
        &DocumentRow {
            erased_ms: Some(*at_ms),
            ..row
        },
    )?;
    let mut holders: BTreeSet<DeviceId> = BTreeSet::new();
    for kept in store.envelopes_of(*doc)? {
        holders.insert(kept.device);
    }
    for entry in store.roster(*space, *at_ms)? {
        // Someone who has left may still hold what was not yet dropped.
        if !entry.office {
            holders.insert(entry.device);
        }
    }
    let status = envelope::encode(&Status::Verdict(Verdict::Erased));
    for (device, id) in store.erase_runs(*doc)? {
        store.add_status(device, &id, &status)?;
    }
    let order = envelope::encode(&OrderKind::Purge(*doc));
    for device in holders {
        if store.device(device)?.is_some_and(|device| !device.office) {
            store.add_order(device, &order)?;
            store.note_purge(*doc, device, *at_ms)?;
        }
    }
    let what = NoticeKind::Erased(reason.clone());
    append::notice(store, keys, *space, *doc, *kind, *at_ms, what)?;
    let due = store.next_number(SCRUB_DUE)?;
    store.set_meta(SCRUB_DUE, Some(&due.to_be_bytes()))
}

/// Has the ledger learn of all that was erased, for one that an older copy has taken the place of.
pub fn retell(store: &mut dyn RelayStore) -> Result<()> {
    for (doc, row) in store.erased_documents()? {
        let Some(at_ms) = row.erased_ms else { continue };
        let line = Line::Erased(Erasure {
            doc,
            space: row.space,
            kind: row.kind,
            at_ms,
            reason: reason(store, doc)?.unwrap_or_default(),
            moved_to: store.became(doc)?,
        });
        let body = serde_json::to_string(&line).map_err(|_| StoreError::Corrupt("ledger news"))?;
        store.add_ledger_news(&body)?;
    }
    Ok(())
}

/// Why a document was erased, as the feed says: a code.
pub(super) fn reason(store: &mut dyn RelayStore, doc: DocId) -> Result<Option<String>> {
    let notices = store.feed_of(doc, u64::MAX)?.into_iter().rev();
    let mut reasons = notices.filter_map(|row| match row.what {
        FeedWhat::Envelope(_) => None,
        FeedWhat::Notice { body, .. } => match envelope::decode::<Notice>(&body)?.what {
            NoticeKind::Erased(reason) => Some(reason),
            NoticeKind::ContractNumber(_) | NoticeKind::Retention(_) | NoticeKind::LegalHold(_) => {
                None
            }
        },
    });
    Ok(reasons.next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_at_one_document_keeps_no_other_from_being_erased() {
        let [first, bad, last] = [1, 2, 3].map(|n| Erasure {
            doc: DocId(uuid::Uuid::from_u128(n)),
            space: SpaceId(uuid::Uuid::nil()),
            kind: 0,
            at_ms: 0,
            reason: "request".to_owned(),
            moved_to: None,
        });
        let damaged = bad.doc;
        let done = at_once_or_singly(&[first, bad, last], |erasures| {
            assert!(erasures.iter().all(|erasure| erasure.doc != damaged));
            Ok(())
        });
        assert_eq!(done, [Ok(()), Err(NotErased::Not("failed")), Ok(())]);
    }
}
