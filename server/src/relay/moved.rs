//! Whether a document that was moved may go: what it became must hold all of it.

use std::collections::BTreeSet;

use sopu_core::documents::Kind;
use sopu_core::documents::visit_note::moved::{self, origin};
use sopu_core::id::DocId;
use sopu_core::store::view;

use super::{EraseError, Relay, lock};
use crate::merge::Merger;
use crate::store::{DocumentRow, EnvelopeRow, RelayStore, Result, State, StoreError};

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

/// What a moved document is now, and what that was made of: the new one may have been moved in its turn, and be
/// gone.
pub(super) fn moved_on(
    store: &mut dyn RelayStore,
    doc: DocId,
    new: DocId,
) -> Result<(DocId, DocId)> {
    let (mut of, mut new) = (doc, new);
    for _ in 0..MOVES {
        let known = store.document(new)?;
        if known.is_some_and(|row| row.erased_ms.is_none()) {
            break;
        }
        let Some(next) = store.became(new)? else {
            break;
        };
        (of, new) = (new, next);
    }
    Ok((of, new))
}
