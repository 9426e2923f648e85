//! Erasing a document: the ledger first, so that no backup can bring it back; then every run of it
//! in whatever state; then the merged record; and every device that may hold it is ordered to
//! purge. Headers, ids and the running hash survive.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

use sopu_core::documents::Kind;
use sopu_core::documents::visit_note::moved;
use sopu_core::envelope;
use sopu_core::id::{DeviceId, DocId, SpaceId};
use sopu_core::store::hold;
use sopu_core::wire::{NoticeKind, OrderKind, Status, Verdict};

use super::{Relay, lock};
use crate::feed::append;
use crate::keys::RelayKeys;
use crate::ledger::{Erasure, Line};
use crate::merge::{Merger, subjects};
use crate::store::{DocumentRow, EnvelopeRow, RelayStore, Result, State, StoreError};

/// After how long an erasure that failed is tried again, milliseconds.
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
        self.erase_moved(doc, reason, None)
    }

    /// As [`Relay::erase`], if the document it was moved to, where there is one, holds all of it.
    fn erase_moved(
        &self,
        doc: DocId,
        reason: &str,
        moved_to: Option<DocId>,
    ) -> std::result::Result<(), EraseError> {
        // Held from the look at the record on: nobody puts it on hold in between.
        let mut merger = lock(&self.merger);
        let row = self
            .commits
            .read(|store| known(store, doc))?
            .ok_or(EraseError::Unknown)?;
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
            if let Some(new) = moved_to {
                self.compare(&mut merger, doc, &row, new)?;
                self.commits.write(move |store| store.note_move(new, doc))?;
            }
        }
        let erasure = Erasure {
            doc,
            space: row.space,
            kind: row.kind,
            at_ms: self.env.now_ms(),
            reason: reason.to_owned(),
        };
        self.erase_under(&mut merger, &erasure)
    }

    /// Carries out what was asked for on the command line or in the office. What fails is tried again,
    /// after a while: nothing else waits for it.
    ///
    /// # Errors
    /// The database's.
    pub fn carry_out_wishes(&self) -> Result<()> {
        self.say_wished()?;
        let now_ms = self.env.now_ms();
        if now_ms < self.wishes_after_ms.load(Ordering::Relaxed) {
            return Ok(());
        }
        for wish in self.commits.read(|store| store.erasure_wishes())? {
            let doc = wish.doc;
            let erase = || self.erase_moved(doc, &wish.reason, wish.moved_to);
            let erased = catch_unwind(AssertUnwindSafe(erase));
            let problem = match erased {
                Ok(Ok(())) => None,
                Ok(Err(EraseError::Unknown)) => Some("unknown"),
                Ok(Err(EraseError::LegalHold)) => Some("legal_hold"),
                Ok(Err(EraseError::Moved(code))) => Some(code),
                Ok(Err(error @ (EraseError::Store(_) | EraseError::Record(_)))) => {
                    tracing::error!(%error, "an erasure failed and is tried again");
                    let later = now_ms.saturating_add(AGAIN_MS);
                    self.wishes_after_ms.store(later, Ordering::Relaxed);
                    return Ok(());
                }
                Err(_) => {
                    tracing::error!("an erasure panicked");
                    Some("failed")
                }
            };
            self.commits
                .write(move |store| store.end_erasure_wish(doc, problem))?;
        }
        Ok(())
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
