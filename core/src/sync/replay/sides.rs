//! What of a document is in the record, and what is not.

use std::collections::{BTreeMap, BTreeSet};

use automerge::{Automerge, Change, ReadDoc};

use super::covered::Covered;
use crate::chunk::Chunk;
use crate::device::{Device, DeviceError, Result};
use crate::documents::Kind;
use crate::encoding::decode_changes;
use crate::genesis::genesis;
use crate::guard::Limits;
use crate::id::{DocId, EnvelopeId, Hash};
use crate::store::document::{self, Loaded};
use crate::store::outbox::{self, State, Stored};
use crate::store::{StoreError, history};

/// What of a document is in the record, and what is not.
pub(super) struct Sides {
    /// Changes the record holds, or the relay keeps for a decision.
    pub base: Vec<Hash>,
    /// One's own changes to be made again, in causal order.
    pub mine: Vec<Hash>,
    /// The envelopes those were in.
    pub envelopes: Vec<Stored>,
    /// Of `mine`, those that are not one's own: they go, and are not made again.
    pub foreign: BTreeSet<Hash>,
}

/// What counts as not in the record.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Aside {
    /// One's own work that is not delivered, and what was refused.
    Refused,
    /// Also what the relay has lost and may or may not take again.
    Lost,
    /// One's own work whose place in the feed is not known, also what the relay once acknowledged:
    /// a copy of this store may have been told that it was refused, and have made it again.
    Unsettled,
}

/// What a page that is being read has of a document, and this store does not know yet to be in the
/// record.
#[derive(Default)]
pub(in crate::sync) struct Placed {
    /// One's own envelopes the page only names, for their changes are here.
    pub envelopes: BTreeSet<EnvelopeId>,
    /// Changes it brings.
    pub changes: BTreeSet<Hash>,
}

impl Device {
    pub(super) fn sides(
        &self,
        loaded: &Loaded,
        covered: &Covered,
        placed: &Placed,
        aside: Aside,
    ) -> Result<Sides> {
        let conn = self.store.conn();
        let unproven = document::unproven(conn, loaded.doc)?;
        let lost = match aside {
            Aside::Refused | Aside::Unsettled => BTreeSet::new(),
            Aside::Lost => outbox::lost_of(conn, loaded.doc)?,
        };
        let steps = history::history(conn, loaded.doc)?;
        let unsealed: BTreeSet<Hash> = outbox::unsealed(conn, loaded.doc)?
            .into_iter()
            .map(|change| change.hash)
            .collect();
        let mut envelopes: BTreeMap<EnvelopeId, Stored> = BTreeMap::new();
        for envelope in outbox::unsettled(conn, Some(loaded.doc))? {
            envelopes.insert(envelope.id, envelope);
        }
        let mut gone: BTreeSet<Hash> = BTreeSet::new();
        let mut gone_envelopes: BTreeSet<EnvelopeId> = BTreeSet::new();
        // An envelope goes as a whole, and takes along what builds on it.
        loop {
            let before = gone.len();
            for step in &steps {
                let envelope = step.envelope.as_ref().map(|e| e.id);
                let refused = envelope.and_then(|id| envelopes.get(&id)).is_some_and(|e| {
                    matches!(e.state, State::Sealed | State::Final(_))
                        || aside == Aside::Unsettled
                        || covered.contains_key(&e.id)
                        || lost.contains(&e.id)
                }) || unproven.contains(&step.hash)
                    || covered.contains_key(&EnvelopeId::of_change(loaded.doc, step.hash));
                let hash = step.hash.into();
                let meta = loaded.am.get_change_meta_by_hash(&hash);
                let orphan = meta.is_some_and(|meta| {
                    meta.deps.iter().any(|dep| gone.contains(&Hash::from(*dep)))
                });
                let taken_along = envelope.is_some_and(|id| gone_envelopes.contains(&id));
                let fed = placed.changes.contains(&step.hash)
                    || envelope.is_some_and(|id| placed.envelopes.contains(&id))
                    || envelope.is_some_and(|id| !envelopes.contains_key(&id))
                    || (envelope.is_none()
                        && !unsealed.contains(&step.hash)
                        && !unproven.contains(&step.hash));
                if !fed && (refused || orphan || taken_along || unsealed.contains(&step.hash)) {
                    gone.insert(step.hash);
                    gone_envelopes.extend(envelope);
                }
            }
            if gone.len() == before {
                break;
            }
        }
        let (mine, base) = steps
            .iter()
            .map(|s| s.hash)
            .partition(|hash| gone.contains(hash));
        let others = |id: &EnvelopeId| envelopes.get(id).is_some_and(|e| !e.own);
        let foreign = steps
            .iter()
            .filter(|step| match &step.envelope {
                Some(envelope) => others(&envelope.id),
                None => unproven.contains(&step.hash),
            })
            .map(|step| step.hash)
            .collect();
        let envelopes = gone_envelopes
            .into_iter()
            .filter_map(|id| envelopes.remove(&id))
            .collect();
        Ok(Sides {
            base,
            mine,
            envelopes,
            foreign,
        })
    }

    /// The envelope each change of a document is in, or was in before it was replayed.
    pub(super) fn homes(&self, doc: DocId) -> Result<BTreeMap<Hash, EnvelopeId>> {
        let conn = self.store.conn();
        let steps = history::history(conn, doc)?.into_iter();
        let mut homes: BTreeMap<Hash, EnvelopeId> = steps
            .filter_map(|step| Some((step.hash, step.envelope?.id)))
            .collect();
        for envelope in outbox::unsettled(conn, Some(doc))? {
            let run = match outbox::run(conn, envelope.id) {
                Err(StoreError::Damaged { .. }) => continue,
                run => run?.unwrap_or_default(),
            };
            let changes = decode_changes(&run, &Limits::DEVICE).unwrap_or_default();
            let hashes = changes
                .iter()
                .filter_map(|change| Chunk::parse(change).ok());
            homes.extend(hashes.map(|(_, hash)| (hash, envelope.id)));
        }
        Ok(homes)
    }
}

pub(super) fn holds(am: &Automerge, hash: &Hash) -> bool {
    am.get_change_meta_by_hash(&(*hash).into()).is_some()
}

/// A document of these changes only.
pub(super) fn rebuilt(from: &Automerge, kind: Kind, base: &[Hash]) -> Result<Automerge> {
    let changes: Vec<Change> = base
        .iter()
        .filter_map(|hash| from.get_change_by_hash(&(*hash).into()))
        .collect();
    let mut am = genesis(kind).document();
    am.apply_changes(changes)
        .map_err(|_| DeviceError::Internal("rebuild_failed"))?;
    Ok(am)
}
