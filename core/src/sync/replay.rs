//! Rebuild and replay: the one procedure for a refused envelope, a fork, and a restored or cloned
//! store. Automerge would queue everything later on a refused branch for ever, without an error;
//! so the document is rebuilt from what the record holds, and every edit that did not get there is
//! made again, as a three-way save under a new actor, in a new envelope that names what it
//! replaces.

mod again;
mod anew;
mod asking;
mod covered;
mod plan;
mod sides;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use automerge::Automerge;

use again::Again;
use covered::Covered;
use plan::SetAside;
use sides::{Aside, Sides, holds, rebuilt};

pub(super) use plan::Plan;
pub(super) use sides::Placed;

use crate::device::{Device, Result, SyncReport, keys};
use crate::genesis::genesis;
use crate::guard::{Limits, trial};
use crate::id::{DocId, EnvelopeId, Hash};
use crate::read::version;
use crate::store::document::{self, Loaded, NewChange, Origin};
use crate::store::draft::{self, Quarantined};
use crate::store::outbox::{self, State};
use crate::store::{StoreError, meta, space};
use crate::sync::incoming::{REPLAYED, SIGNER_UNKNOWN};
use crate::sync::outgoing::NAMES;
use crate::wire::DROPPED;

/// The mark of a document whose bytes in this store are damaged.
pub(super) const DAMAGED: &str = "damaged_here";

impl Device {
    /// Replays documents with a refused envelope. `true` if there were any.
    pub(crate) fn replay_refused(&mut self, report: &mut SyncReport) -> Result<bool> {
        let refused: Vec<(DocId, bool)> = outbox::unsettled(self.store.conn(), None)?
            .into_iter()
            .filter_map(|envelope| {
                let reason = refusal(&envelope.state)?;
                // A replay refused again, unless only for what else had been taken; what people have
                // looked at and dropped; and what finds no room, as a replay would not either.
                let replay = envelope.proof.header()?.replaces;
                let again = is_hopeless(reason) || !of_order(reason) && !replay.is_empty();
                let again = envelope.own && again;
                Some((envelope.doc, again))
            })
            .collect();
        if refused.is_empty() {
            return Ok(false);
        }
        // Under the old epoch, while its actors still count on from what is there.
        self.seal_all()?;
        let mut docs: BTreeMap<DocId, bool> = BTreeMap::new();
        for (doc, again) in refused {
            *docs.entry(doc).or_default() |= again;
        }
        let asked = self.ask_about(&docs)?;
        docs.retain(|doc, _| !asked.contains(doc));
        let mut moved = !asked.is_empty();
        let mut fresh = BTreeSet::new();
        for (doc, again) in docs {
            let Some(loaded) = self.undamaged(doc)? else {
                continue;
            };
            moved = true;
            if fresh.insert(loaded.space) {
                self.new_epoch(loaded.space)?;
            }
            if again {
                self.set_aside(&loaded, report)?;
            } else {
                self.replay(&loaded, report)?;
            }
        }
        Ok(moved)
    }

    /// The document, unless it is not here, or its bytes are damaged: then it is marked so, once, and delays
    /// no other. What of it was not delivered waits for a salvage of the store.
    pub(super) fn undamaged(&mut self, doc: DocId) -> Result<Option<Arc<Loaded>>> {
        match self.store.document(doc) {
            Ok(loaded) => Ok(Some(loaded)),
            Err(StoreError::Damaged { .. }) => {
                self.mark_damaged(doc)?;
                Ok(None)
            }
            // A salvage could not read it, and no feed has brought it.
            Err(StoreError::NotFound(_)) => Ok(None),
            Err(other) => Err(other.into()),
        }
    }

    /// Notes that a document is damaged here, once.
    pub(super) fn mark_damaged(&mut self, doc: DocId) -> Result<()> {
        let conn = self.store.conn();
        if self.damaged_here()?.contains(&doc) {
            return Ok(());
        }
        let Some(row) = document::row(conn, doc)? else {
            return Ok(());
        };
        let mark = Quarantined {
            space: row.space,
            doc,
            envelope: None,
            reason: DAMAGED.to_owned(),
            at_ms: self.env.now_ms(),
        };
        Ok(self.store.write(|tx| draft::quarantine(tx, &mark))?)
    }

    /// Documents marked as damaged here.
    pub(super) fn damaged_here(&self) -> Result<BTreeSet<DocId>> {
        let marks = draft::quarantined(self.store.conn())?.into_iter();
        let here = marks.filter(|mark| mark.envelope.is_none() && mark.reason == DAMAGED);
        Ok(here.map(|mark| mark.doc).collect())
    }

    /// A restored or cloned store has caught up: what its other self did is here now. Everything
    /// that is still only here is made again under new epochs.
    pub(crate) fn finish_recovery(&mut self, report: &mut SyncReport) -> Result<()> {
        self.take_in_salvaged(report)?;
        for space in space::spaces(self.store.conn())? {
            self.new_epoch(space.id)?;
        }
        let mut docs: BTreeSet<DocId> = outbox::unsealed_documents(self.store.conn())?
            .into_iter()
            .collect();
        let mut asked = Vec::new();
        for envelope in outbox::unsettled(self.store.conn(), None)? {
            match envelope.state {
                State::Sealed | State::Final(_) => {
                    docs.insert(envelope.doc);
                }
                // What became of it was perhaps told to this store's other self.
                State::Acknowledged | State::Held(_) => asked.push(envelope.id),
                State::Fed(_) | State::Erased | State::Replaced | State::Lost => {}
            }
        }
        for doc in docs {
            if let Some(loaded) = self.undamaged(doc)? {
                self.replay(&loaded, report)?;
            }
        }
        self.store.write(|tx| {
            for id in &asked {
                outbox::ask_again(tx, *id)?;
            }
            meta::remove(tx, keys::RECOVERING)
        })?;
        self.scrub_later()
    }

    /// A document without what the relay has lost of it, and without one's own undelivered work.
    pub(super) fn without_lost(&self, loaded: &Loaded, placed: &Placed) -> Result<Automerge> {
        let covered = self.covered(loaded.doc)?;
        let sides = self.sides(loaded, &covered, placed, Aside::Lost)?;
        rebuilt(&loaded.am, loaded.kind, &sides.base)
    }

    /// Makes one's own edits again on the rebuilt document. Where they cannot be, they are set aside:
    /// one bad document delays no other.
    pub(super) fn replay(&mut self, loaded: &Loaded, report: &mut SyncReport) -> Result<()> {
        let covered = self.covered(loaded.doc)?;
        let sides = self.sides(loaded, &covered, &Placed::default(), Aside::Refused)?;
        let am = rebuilt(&loaded.am, loaded.kind, &sides.base)?;
        let plan = self.plan(loaded, sides, am, Vec::new(), &covered)?;
        match self.carry_out(plan, report) {
            Err(error) if error.of_document().is_some() => {
                let reason = error.of_document().unwrap_or_default();
                self.go_on_without(loaded, reason, true, report)
            }
            done => done,
        }
    }

    fn carry_out(&mut self, plan: Plan, report: &mut SyncReport) -> Result<()> {
        let key = self.key.clone();
        self.store.write_or(|tx| plan.write(tx, &key))?;
        plan.tell(report);
        if plan.empty {
            self.store.forget_loaded();
        } else {
            self.store.keep(Arc::new(plan.loaded()));
        }
        Ok(())
    }

    /// For a document whose own unsettled changes stand in the way of what the feed brings (a
    /// clone counted on under the same actor): the document as the feed has it, and one's own
    /// edits made again on it. `None` if nothing of one's own is in the way. `arrived` are the
    /// replays among what the feed brings, with what they replace.
    pub(super) fn give_way(
        &mut self,
        loaded: &Loaded,
        changes: &[Vec<u8>],
        new: Vec<NewChange>,
        placed: &Placed,
        arrived: &[(EnvelopeId, Vec<EnvelopeId>)],
    ) -> Result<Option<Plan>> {
        // While recovering there is no epoch to seal under: what is unsealed was written before.
        if !self.recovering()? {
            self.seal_all()?;
        }
        let mut covered = self.covered(loaded.doc)?;
        for (id, replaces) in arrived {
            let theirs = |change: &&NewChange| change.origin == Origin::Enveloped(*id);
            let changes = new.iter().filter(theirs).map(|change| change.hash);
            let changes: Arc<[Hash]> = changes.collect();
            covered.extend(replaces.iter().map(|old| (*old, Arc::clone(&changes))));
        }
        for aside in [Aside::Refused, Aside::Lost, Aside::Unsettled] {
            let sides = self.sides(loaded, &covered, placed, aside)?;
            if sides.mine.is_empty() {
                continue;
            }
            let base = rebuilt(&loaded.am, loaded.kind, &sides.base)?;
            if let Ok(am) = trial(&base, loaded.kind, changes, &Limits::PACK) {
                self.new_epoch(loaded.space)?;
                return self.plan(loaded, sides, am, new, &covered).map(Some);
            }
        }
        Ok(None)
    }

    /// `am` holds what the record has; `arrived` are those of its changes not stored here yet.
    fn plan(
        &mut self,
        loaded: &Loaded,
        sides: Sides,
        am: Automerge,
        arrived: Vec<NewChange>,
        covered: &Covered,
    ) -> Result<Plan> {
        let (again, aside) = match self.make_again(loaded, &sides, &am, covered) {
            // What was written in an item that came and went with somebody else's dropped change
            // has no place in the record, and is still readable.
            Ok(again) if again.homeless => {
                let aside = SetAside::of(loaded, &sides, "item_gone", true);
                (again, Some(aside))
            }
            Ok(again) => (again, None),
            Err(error) => {
                let Some(reason) = error.of_document() else {
                    return Err(error);
                };
                let aside = SetAside::of(loaded, &sides, reason, true);
                (Again::nothing(am.clone()), Some(aside))
            }
        };
        self.plan_of(loaded, sides, (am, arrived), again, aside, covered)
    }

    /// What is to be written: `record` and what of it is not stored here yet, and what was made again.
    fn plan_of(
        &mut self,
        loaded: &Loaded,
        sides: Sides,
        (record, arrived): (Automerge, Vec<NewChange>),
        again: Again,
        aside: Option<SetAside>,
        covered: &Covered,
    ) -> Result<Plan> {
        let (doc, space, kind) = (loaded.doc, loaded.space, loaded.kind);
        let Sides {
            mine, envelopes, ..
        } = sides;
        let Again {
            am,
            made,
            new,
            names,
            ..
        } = again;
        let (own, others): (Vec<_>, Vec<_>) = envelopes.into_iter().partition(|e| e.own);
        let mut replaces: BTreeSet<EnvelopeId> = own.iter().map(|e| e.id).collect();
        for earlier in own
            .iter()
            .filter_map(|e| e.proof.header())
            .flat_map(|h| h.replaces)
        {
            if let Some(stored) = outbox::get(self.store.conn(), earlier)?
                && !stored.state.settled()
            {
                replaces.insert(earlier);
            }
        }
        // The record knows these as replaced already, and takes nothing that replaces them again.
        let (mut done, mut replaces) = replaces
            .into_iter()
            .partition::<Vec<_>, _>(|id| covered.contains_key(id));
        let mut named: BTreeMap<Hash, Vec<EnvelopeId>> = BTreeMap::new();
        for (by, name) in names {
            match by {
                Some(by) if named.get(&by).map_or(0, Vec::len) < NAMES / 2 => {
                    named.entry(by).or_default().push(name);
                }
                Some(_) | None if replaces.len() < NAMES => replaces.push(name),
                Some(_) | None => {}
            }
        }
        // Others' that are only in the way are still offered, and come again with the feed.
        let refused = others.iter().filter(|e| matches!(e.state, State::Final(_)));
        done.extend(refused.map(|e| e.id));
        let replays = !new.is_empty();
        let mut all = arrived;
        all.extend(new);
        Ok(Plan {
            sealing: self.sealing(space, doc, kind.number(), replaces)?,
            names: named,
            done,
            at_ms: self.env.now_ms(),
            by: self.identity()?.member,
            gone: mine
                .into_iter()
                .filter(|hash| !holds(&record, hash))
                .collect(),
            empty: version(&am) == version(&genesis(kind).document()),
            replays,
            am,
            new: all,
            made,
            aside,
        })
    }

    /// Refused twice: it stays here as a readable draft, the relay has it for the office to review,
    /// and the document goes on without it.
    fn set_aside(&mut self, loaded: &Loaded, report: &mut SyncReport) -> Result<()> {
        let covered = self.covered(loaded.doc)?;
        let sides = self.sides(loaded, &covered, &Placed::default(), Aside::Refused)?;
        let reason = sides.envelopes.iter().find_map(|e| refusal(&e.state));
        let reason = reason.unwrap_or_default().to_owned();
        self.go_on_without(loaded, &reason, false, report)
    }

    /// Written here, and nothing a relay would take.
    pub(super) fn set_aside_unsealable(&mut self, doc: DocId, reason: &str) -> Result<()> {
        let Some(loaded) = self.undamaged(doc)? else {
            return Ok(());
        };
        self.new_epoch(loaded.space)?;
        self.go_on_without(&loaded, reason, true, &mut SyncReport::default())
    }

    /// The document becomes what the record has of it; one's own work stays here as a draft.
    fn go_on_without(
        &mut self,
        loaded: &Loaded,
        reason: &str,
        failed: bool,
        report: &mut SyncReport,
    ) -> Result<()> {
        let covered = self.covered(loaded.doc)?;
        let sides = self.sides(loaded, &covered, &Placed::default(), Aside::Refused)?;
        let am = rebuilt(&loaded.am, loaded.kind, &sides.base)?;
        let again = Again::nothing(am.clone());
        let aside = Some(SetAside::of(loaded, &sides, reason, failed));
        let plan = self.plan_of(loaded, sides, (am, Vec::new()), again, aside, &covered)?;
        self.carry_out(plan, report)
    }
}

/// Why the relay refused it for ever, unless its edits are on their way in another one.
pub(super) fn refusal(state: &State) -> Option<&str> {
    if let State::Final(reason) = state
        && reason != REPLAYED
    {
        return Some(reason);
    }
    None
}

/// Refusals that edits made again would meet, too.
fn is_hopeless(reason: &str) -> bool {
    matches!(reason, DROPPED | "document_full" | "document_actors")
}

/// Refusals that tell what else the relay has taken, or whom it has forgotten, and nothing of what the edits say.
fn of_order(reason: &str) -> bool {
    matches!(
        reason,
        "replay_of_fed" | "replaced" | "fork" | "duplicate" | "depends_on_final" | SIGNER_UNKNOWN
    )
}
