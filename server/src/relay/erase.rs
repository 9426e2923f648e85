//! Erasing a document: the ledger first, so that no backup can bring it back; then every run of it
//! in whatever state; then the merged record; and every device that may hold it is ordered to
//! purge. Headers, ids and the running hash survive.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use sopu_core::documents::Kind;
use sopu_core::documents::visit_note::moved::{self, origin};
use sopu_core::envelope;
use sopu_core::id::{DeviceId, DocId, SpaceId};
use sopu_core::store::{hold, view};
use sopu_core::wire::{Notice, NoticeKind, OrderKind, Status, Verdict};

use super::{Relay, lock};
use crate::feed::append;
use crate::keys::RelayKeys;
use crate::ledger::{Erasure, Line};
use crate::merge::{Merger, subjects};
use crate::store::{
    DocumentRow, EnvelopeRow, ErasureWish, FeedWhat, RelayStore, Result, State, StoreError,
};

/// After how long an erasure that failed, or waits for another document, is tried again, milliseconds.
const AGAIN_MS: i64 = 60_000;

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
        self.erase_wished(&ErasureWish {
            doc,
            reason: reason.to_owned(),
            moved_to: None,
            awaited: false,
        })
    }

    /// As [`Relay::erase`], if the document it was moved to, where there is one, holds all of it.
    fn erase_wished(&self, wish: &ErasureWish) -> std::result::Result<(), EraseError> {
        let doc = wish.doc;
        // Held from the look at the record on: nobody puts it on hold in between.
        let mut merger = lock(&self.merger);
        let row = self
            .commits
            .read(|store| known(store, doc))?
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
                self.compare(&mut merger, doc, &row, new)?;
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
        self.erase_under(&mut merger, &erasure)
    }

    /// Carries out what was asked for on the command line or in the office. What fails is tried again,
    /// after a while, and so is what waits for a document that is not there: nothing else waits for it.
    ///
    /// # Errors
    /// The database's.
    pub fn carry_out_wishes(&self) -> Result<()> {
        self.say_wished()?;
        let now_ms = self.env.now_ms();
        lock(&self.resting).retain(|_, until_ms| *until_ms > now_ms);
        for wish in self.commits.read(|store| store.erasure_wishes())? {
            if lock(&self.resting).contains_key(&wish) {
                continue;
            }
            let erased = catch_unwind(AssertUnwindSafe(|| self.erase_wished(&wish)));
            let problem = match erased {
                Ok(Ok(())) => None,
                Ok(Err(EraseError::Unknown | EraseError::LegalHold | EraseError::Moved(_)))
                    if wish.awaited =>
                {
                    self.rest(wish, now_ms);
                    continue;
                }
                Ok(Err(EraseError::Unknown)) => Some("unknown"),
                Ok(Err(EraseError::LegalHold)) => Some("legal_hold"),
                Ok(Err(EraseError::Moved(code))) => Some(code),
                Ok(Err(error @ (EraseError::Store(_) | EraseError::Record(_)))) => {
                    tracing::error!(%error, "an erasure failed and is tried again");
                    self.rest(wish, now_ms);
                    continue;
                }
                Err(_) => {
                    tracing::error!("an erasure panicked");
                    Some("failed")
                }
            };
            let doc = wish.doc;
            self.commits
                .write(move |store| store.end_erasure_wish(doc, problem))?;
        }
        Ok(())
    }

    /// A wish is looked at again after a while.
    fn rest(&self, wish: ErasureWish, now_ms: i64) {
        lock(&self.resting).insert(wish, now_ms.saturating_add(AGAIN_MS));
    }

    /// What a moved document became, of which only a notice says that it was erased: the first that holds all
    /// of it.
    fn found_again(
        &self,
        merger: &mut Merger,
        doc: DocId,
        row: &DocumentRow,
    ) -> std::result::Result<DocId, EraseError> {
        let mut found = BTreeSet::new();
        {
            let record = lock(&self.record);
            let conn = record.store().conn();
            let mut made_of = vec![doc];
            made_of.extend(view::get(conn, doc)?.and_then(|view| origin(&view.reading.value)));
            for from in made_of {
                found.extend(
                    view::moved_from(conn, from)?
                        .into_iter()
                        .map(|view| view.doc),
                );
            }
        }
        found.remove(&doc);
        for new in found {
            match self.compare(merger, doc, row, new) {
                Ok(()) => return Ok(new),
                Err(EraseError::Moved(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(EraseError::Moved("moved_short"))
    }

    /// Whether a document may go because it was moved: all of it is settled, and in the new one, as the
    /// feeds have both now.
    fn compare(
        &self,
        merger: &mut Merger,
        doc: DocId,
        row: &DocumentRow,
        new: DocId,
    ) -> std::result::Result<(), EraseError> {
        let there = self.commits.read(|store| store.document(new))?;
        let there = there.filter(|there| there.erased_ms.is_none() && there.kind == row.kind);
        let (Some(there), Some(kind)) = (there, Kind::from_number(row.kind)) else {
            return Err(EraseError::Moved("moved_short"));
        };
        while merger
            .step_in(&self.commits, &self.keys, &*self.env, there.space)?
            .decided
            > 0
        {}
        // What was acknowledged and waits, for others' work or for a person, is not in either.
        let kept = self.commits.read(|store| store.envelopes_of(doc))?;
        let waits = |kept: &EnvelopeRow| matches!(kept.state, State::Waiting | State::Held(_));
        if kept.iter().any(waits) {
            return Err(EraseError::Moved("moved_waits"));
        }
        let mut reading = |doc| {
            let am = self
                .commits
                .read(|store| merger.documents().get(store, doc, kind))?;
            Ok::<_, StoreError>(sopu_core::read::read(&am, kind))
        };
        let (old, new) = (reading(doc)?, reading(new)?);
        if !moved::obstacles(&old).is_empty() {
            return Err(EraseError::Moved("moved_unsettled"));
        }
        let lacking = moved::lacking(doc, &old.value, &new.value);
        let whole = lacking.is_some_and(|paths| paths.is_empty());
        whole.then_some(()).ok_or(EraseError::Moved("moved_short"))
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
        self.erase_under(&mut lock(&self.merger), erasure)
    }

    fn erase_under(
        &self,
        merger: &mut Merger,
        erasure: &Erasure,
    ) -> std::result::Result<(), EraseError> {
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
                super::restore::set_known(store, known)
            })?;
        }
        merger.forget();
        self.commits.alone(|store| store.scrub())?;
        let mut record = lock(&self.record);
        self.commits
            .read(|store| record.follow(store, erasure.space, &mut BTreeMap::new()))??;
        record.erase(erasure)?;
        drop(record);
        self.tell_all();
        Ok(())
    }
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
    Ok(())
}

/// Has the ledger learn of all that was erased, for one that an older copy has taken the place of.
pub fn retell(store: &mut dyn RelayStore) -> Result<()> {
    for (doc, row) in store.erased_documents()? {
        let Some(at_ms) = row.erased_ms else { continue };
        let notices = store.feed_of(doc, u64::MAX)?.into_iter().rev();
        let reason = notices.filter_map(|row| match row.what {
            FeedWhat::Envelope(_) => None,
            FeedWhat::Notice { body, .. } => match envelope::decode::<Notice>(&body)?.what {
                NoticeKind::Erased(reason) => Some(reason),
                NoticeKind::ContractNumber(_)
                | NoticeKind::Retention(_)
                | NoticeKind::LegalHold(_) => None,
            },
        });
        let line = Line::Erased(Erasure {
            doc,
            space: row.space,
            kind: row.kind,
            at_ms,
            reason: { reason }.next().unwrap_or_default(),
            moved_to: store.became(doc)?,
        });
        let body = serde_json::to_string(&line).map_err(|_| StoreError::Corrupt("ledger news"))?;
        store.add_ledger_news(&body)?;
    }
    Ok(())
}
