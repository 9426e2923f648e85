//! Whether a document that was moved may go: what it became must hold all of it.

use std::collections::BTreeSet;

use sopu_core::documents::Kind;
use sopu_core::documents::visit_note::moved::{self, origin};
use sopu_core::id::{DocId, SpaceId};
use sopu_core::store::view;

use super::erase::reason;
use super::{EraseError, Relay, lock};
use crate::access::erasures::MOVED;
use crate::ledger::Line;
use crate::merge::Merger;
use crate::store::{DocumentRow, EnvelopeRow, ErasureWish, RelayStore, Result, State, StoreError};

/// How often a document is moved on at most.
const MOVES: usize = 16;

impl Relay {
    /// What a moved document became, of which only a notice says that it was erased: the first that holds all
    /// of it.
    pub(super) fn found_again(
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
            match self.compare(merger, (doc, doc), row, new) {
                Ok(()) => return Ok(new),
                Err(EraseError::Moved(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(EraseError::Moved("moved_short"))
    }

    /// A document that was moved and is not here, as the ledger has it: it was made after the backup that this
    /// relay came back from, and whoever had it may have purged it.
    pub(super) fn as_once_erased(&self, wish: &ErasureWish) -> Option<DocumentRow> {
        if !wish.awaited || wish.moved_to.is_none() {
            return None;
        }
        let ledger = lock(&self.ledger);
        let mut lines = ledger.after(0).iter().rev().filter_map(Line::erasure);
        let erasure = lines.find(|erasure| erasure.doc == wish.doc)?;
        Some(DocumentRow {
            space: erasure.space,
            kind: erasure.kind,
            last_seq: 0,
            erased_ms: None,
        })
    }

    /// Whether a document that nothing is left of may be erased again because it was moved: what it became is in
    /// the feed.
    pub(super) fn is_back(
        &self,
        merger: &mut Merger,
        new: DocId,
    ) -> std::result::Result<(), EraseError> {
        let read = || self.commits.read(|store| store.document(new));
        if let Some(there) = read()? {
            self.merge_space(merger, there.space)?;
        }
        let is_back = read()?.is_some_and(|row| row.erased_ms.is_none() && row.last_seq > 0);
        is_back
            .then_some(())
            .ok_or(EraseError::Moved("moved_short"))
    }

    /// Decides all that waits in a space.
    fn merge_space(&self, merger: &mut Merger, space: SpaceId) -> Result<()> {
        while merger
            .step_in(&self.commits, &self.keys, &*self.env, space)?
            .decided
            > 0
        {}
        Ok(())
    }

    /// Whether a document may go because it was moved: all of it is settled, and in the new one, as the
    /// feeds have both now; `of` is what the new one was made of, if not of the document itself.
    pub(super) fn compare(
        &self,
        merger: &mut Merger,
        (doc, of): (DocId, DocId),
        row: &DocumentRow,
        new: DocId,
    ) -> std::result::Result<(), EraseError> {
        let there = self.commits.read(|store| store.document(new))?;
        let there = there.filter(|there| there.erased_ms.is_none() && there.kind == row.kind);
        let (Some(there), Some(kind)) = (there, Kind::from_number(row.kind)) else {
            return Err(EraseError::Moved("moved_short"));
        };
        self.merge_space(merger, there.space)?;
        // What was acknowledged and waits, for others' work or for a person, is not in either.
        let kept = self.commits.read(|store| store.envelopes_of(doc))?;
        let waits = |kept: &EnvelopeRow| matches!(kept.state, State::Waiting | State::Held(_));
        if kept.iter().any(waits) {
            return Err(EraseError::Moved("moved_waits"));
        }
        let mut reading = |doc| {
            let read = |store: &mut dyn RelayStore| merger.documents().get(store, doc, kind);
            match self.commits.read(read) {
                Ok(am) => Ok(sopu_core::read::read(&am, kind)),
                // Nobody knows what it said, however often it is tried.
                Err(StoreError::Corrupt(_)) => Err(EraseError::Moved("moved_damaged")),
                Err(error) => Err(error.into()),
            }
        };
        let (old, new) = (reading(doc)?, reading(new)?);
        if !moved::obstacles(&old).is_empty() {
            return Err(EraseError::Moved("moved_unsettled"));
        }
        let lacking = moved::lacking(of, &old.value, &new.value);
        let whole = lacking.is_some_and(|paths| paths.is_empty());
        whole.then_some(()).ok_or(EraseError::Moved("moved_short"))
    }
}

/// What a moved document is now.
pub(super) struct Now {
    /// What that was made of: the new one may have been moved in its turn, and be gone.
    pub of: DocId,
    /// Which it is, as far as anybody knows.
    pub new: DocId,
    /// That one was erased, and not because it became another.
    pub is_erased: bool,
}

/// What a moved document is now.
pub(super) fn moved_on(store: &mut dyn RelayStore, doc: DocId, new: DocId) -> Result<Now> {
    let mut now = Now {
        of: doc,
        new,
        is_erased: false,
    };
    for _ in 0..MOVES {
        let known = store.document(now.new)?;
        if known.is_some_and(|row| row.erased_ms.is_none()) {
            break;
        }
        let Some(next) = store.became(now.new)? else {
            now.is_erased = known.is_some() && reason(store, now.new)?.is_some_and(|r| r != MOVED);
            break;
        };
        (now.of, now.new) = (now.new, next);
    }
    Ok(now)
}
