//! What becomes of one waiting envelope. Nothing is written here.

use sopu_core::chunk::Made;
use sopu_core::envelope::{self, Header};
use sopu_core::guard::{Doubt, Limits, try_changes};
use sopu_core::id::{EnvelopeId, Hash};

use super::{Documents, Overlay, Standing, legal_hold, subjects};
use crate::store::{EnvelopeRow, RelayStore, Result, State, StoreError};

/// A decision and the envelope it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Which.
    pub arrival: i64,
    /// What.
    pub decision: Decision,
}

impl Outcome {
    /// Held until someone releases it.
    pub fn held(row: &EnvelopeRow, reason: &'static str) -> Self {
        Self {
            arrival: row.arrival,
            decision: Decision::Hold {
                reason,
                missing: Vec::new(),
            },
        }
    }
}

/// What becomes of an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Gets the next place in the feed; these are replaced by it.
    Feed {
        /// Ids it replays.
        replaces: Vec<EnvelopeId>,
    },
    /// Kept, for this reason, until these changes are in the feed (none: until someone releases it).
    Hold {
        /// Why.
        reason: &'static str,
        /// What it waits for.
        missing: Vec<Hash>,
    },
    /// Refused for ever.
    Refuse {
        /// Why.
        reason: &'static str,
    },
    /// Its document was erased meanwhile.
    Erase,
}

/// Decides on one envelope, after those already in `overlay`.
pub fn decide(
    store: &mut dyn RelayStore,
    documents: &mut Documents,
    overlay: &mut Overlay,
    row: &EnvelopeRow,
) -> Result<Outcome> {
    let decision = judge(store, documents, overlay, row)?;
    if let Decision::Feed { replaces } = &decision {
        overlay.fed_ids.insert(row.id);
        overlay.retired.extend(replaces);
        for hash in store.changes_of(row.arrival)? {
            overlay.fed.insert((row.doc, hash));
        }
    }
    if matches!(decision, Decision::Refuse { .. }) {
        for hash in store.changes_of(row.arrival)? {
            overlay.refused.insert((row.doc, hash));
        }
    }
    Ok(Outcome {
        arrival: row.arrival,
        decision,
    })
}

fn judge(
    store: &mut dyn RelayStore,
    documents: &mut Documents,
    overlay: &mut Overlay,
    row: &EnvelopeRow,
) -> Result<Decision> {
    let hold = |reason| {
        Ok(Decision::Hold {
            reason,
            missing: Vec::new(),
        })
    };
    let refuse = |reason| Ok(Decision::Refuse { reason });
    if let Some(document) = store.document(row.doc)? {
        if document.erased_ms.is_some() {
            return Ok(Decision::Erase);
        }
        // Possible when it was held before the document was first taken in elsewhere.
        if document.space != row.space || document.kind != row.kind {
            return hold("doc_of_other_space");
        }
    }
    if row.run.is_none() {
        return Ok(Decision::Erase);
    }
    if overlay.retired.contains(&row.id) || store.is_retired(&row.id)? {
        return refuse("replaced");
    }
    for hash in store.changes_of(row.arrival)? {
        let name = EnvelopeId::of_change(row.doc, hash);
        if overlay.retired.contains(&name) || store.is_retired(&name)? {
            return refuse("replaced");
        }
    }
    let header: Header =
        envelope::decode(&row.header).ok_or(StoreError::Corrupt("the header of an envelope"))?;
    let Some(kind) = header.kind() else {
        return hold("kind_unknown");
    };
    for id in &header.replaces {
        // Another replay of it, by a copy of that device, was first: the edits are in the feed.
        if overlay.retired.contains(id) || store.is_retired(id)? {
            return refuse("replay_of_fed");
        }
        let change = id.as_change(row.doc);
        if overlay.fed.contains(&(row.doc, change)) {
            return refuse("replay_of_fed");
        }
        for claim in store.bringers(row.doc, &change)? {
            if matches!(claim.state, State::Fed(_)) {
                return refuse("replay_of_fed");
            }
            if let Some(bringer) = store.envelope_at(claim.arrival)?
                && !same_member(store, &bringer, row)?
            {
                return hold("replaces_foreign");
            }
        }
        let Some(replaced) = store.envelope(id)? else {
            continue;
        };
        if overlay.fed_ids.contains(id) || matches!(replaced.state, State::Fed(_)) {
            return refuse("replay_of_fed");
        }
        if replaced.doc != row.doc || !same_member(store, &replaced, row)? {
            return hold("replaces_foreign");
        }
    }
    let mut missing = Vec::new();
    for dependency in &header.deps {
        if overlay.fed.contains(&(row.doc, *dependency)) {
            continue;
        }
        let bringers = store.bringers(row.doc, dependency)?;
        if bringers
            .iter()
            .any(|claim| matches!(claim.state, State::Fed(_)))
        {
            continue;
        }
        let gone = !bringers.is_empty()
            && bringers
                .iter()
                .all(|claim| matches!(claim.state, State::Final(_)));
        if gone || overlay.refused.contains(&(row.doc, *dependency)) {
            return refuse("depends_on_final");
        }
        missing.push(*dependency);
    }
    if !missing.is_empty() {
        return Ok(Decision::Hold {
            reason: "dependency_missing",
            missing,
        });
    }
    let Ok(Some(changes)) = row.signed_changes() else {
        return hold("run_unreadable");
    };
    let changes: Vec<Vec<u8>> = changes.into_iter().map(Made::into_bytes).collect();
    let before = overlay.documents.get(&row.doc);
    let document = match before {
        Some(standing) => standing.document.clone(),
        None => documents.get(store, row.doc, kind)?,
    };
    match try_changes(&document, kind, &changes, &Limits::RELAY) {
        Ok(tried) => {
            if legal_hold::raises(&document, kind, before, tried.reading.as_ref()) {
                overlay.raised.insert((row.doc, row.device));
            }
            if let Some(reading) = &tried.reading {
                overlay.about.push((row.doc, subjects::of(reading)));
            }
            // A run that brings nothing new leaves the reading of the one before it.
            let reading = tried
                .reading
                .or_else(|| before.and_then(|before| before.reading.clone()));
            let document = tried.document.into();
            let standing = Standing { document, reading };
            overlay.documents.insert(row.doc, standing);
            Ok(Decision::Feed {
                replaces: header.replaces,
            })
        }
        Err(Doubt::Held(reason)) => hold(reason),
        Err(Doubt::Final(reason)) => refuse(reason),
    }
}

fn same_member(store: &mut dyn RelayStore, a: &EnvelopeRow, b: &EnvelopeRow) -> Result<bool> {
    if a.device == b.device {
        return Ok(true);
    }
    let (a, b) = (store.device(a.device)?, store.device(b.device)?);
    Ok(a.zip(b).is_some_and(|(a, b)| a.member == b.member))
}
