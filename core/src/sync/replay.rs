//! Rebuild and replay: the one procedure for a refused envelope, a fork, and a restored or cloned
//! store. Automerge would queue everything later on a refused branch for ever, without an error;
//! so the document is rebuilt from what the record holds, and every edit that did not get there is
//! made again, as a three-way save under a new actor, in a new envelope that names what it
//! replaces.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use automerge::{Automerge, Change, ReadDoc};
use ed25519_dalek::SigningKey;

use super::incoming::REPLAYED;
use super::outgoing::seal_unsealed;
use crate::chunk::Chunk;
use crate::device::documents::new_changes;
use crate::device::{Device, DeviceError, Result, SyncReport, keys};
use crate::documents::Kind;
use crate::edit::{Edit, Place, diff, rank, resolve};
use crate::encoding::decode_changes;
use crate::genesis::genesis;
use crate::guard::{Limits, trial};
use crate::id::{DocId, EnvelopeId, Hash, MemberId, Version, mint_uuid};
use crate::read::{Reading, at_path, read, read_at, version};
use crate::rebase;
use crate::run::Sealing;
use crate::save::{self, SaveContext};
use crate::store::document::{
    self, DocWrite, Loaded, NewChange, Origin, remove_document, rewrite_document,
};
use crate::store::draft::Quarantined;
use crate::store::outbox::{self, State, Stored};
use crate::store::{Tx, draft, history, meta, space};

/// Nothing waits that long for its place in the feed while the relay is well, milliseconds.
const ASK_AFTER_MS: u64 = 60 * 60 * 1_000;

/// What a replay names at most as replaced: half of what a header has room for.
const NAMES: usize = 240;

/// What of a document is in the record, and what is not.
struct Sides {
    /// Changes the record holds, or the relay keeps for a decision.
    base: Vec<Hash>,
    /// One's own changes to be made again, in causal order.
    mine: Vec<Hash>,
    /// The envelopes those were in.
    envelopes: Vec<Stored>,
    /// Of `mine`, those that are not one's own: they go, and are not made again.
    foreign: BTreeSet<Hash>,
}

/// What counts as not in the record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Aside {
    /// One's own work that is not delivered, and what was refused.
    Refused,
    /// Also what the relay has lost and may or may not take again.
    Lost,
    /// One's own work whose place in the feed is not known, also what the relay once acknowledged:
    /// a copy of this store may have been told that it was refused, and have made it again.
    Unsettled,
}

/// Envelopes and names of changes ([`EnvelopeId::of_change`]) that a replay in the record has
/// replaced, each with the last change of that replay.
type Covered = BTreeMap<EnvelopeId, Option<Hash>>;

/// A document as the record has it with one's own edits made again, ready to be written.
pub(super) struct Plan {
    sealing: Sealing,
    at_ms: i64,
    by: MemberId,
    am: Automerge,
    /// Changes not stored here yet: what arrived, then the replays.
    new: Vec<NewChange>,
    /// Changes that are no more.
    gone: Vec<Hash>,
    /// (old change, what stands in its place).
    made: Vec<(Hash, Hash)>,
    /// Whether anything had to be made again.
    replays: bool,
    /// Envelopes that another replay in the record has replaced, and refused ones of others.
    done: Vec<EnvelopeId>,
    /// Nothing is left of the document.
    empty: bool,
    /// One's own work, where the document goes on without it.
    aside: Option<SetAside>,
}

/// One's own work on a document that is not made again: it stays here as a draft people can read.
struct SetAside {
    reason: String,
    value: serde_json::Value,
    /// It could not be made again here; the relay has not seen it, let alone refused it.
    failed: bool,
}

impl Plan {
    /// Writes the document, the table from old changes to new, and the envelope that replaces.
    pub(super) fn write(&self, tx: &Tx<'_>, key: &SigningKey) -> Result<()> {
        let Sealing {
            doc, space, kind, ..
        } = self.sealing;
        let (am, new, at_ms, by) = (&self.am, &self.new[..], self.at_ms, Some(self.by));
        if let Some(aside) = &self.aside {
            draft::keep(tx, (doc, space, kind), &aside.reason, at_ms, &aside.value)?;
            if aside.failed {
                let failed = Quarantined {
                    space,
                    doc,
                    envelope: None,
                    reason: aside.reason.clone(),
                    at_ms,
                };
                draft::quarantine(tx, &failed)?;
            }
        }
        if self.empty {
            remove_document(tx, doc)?;
            for id in self.done.iter().chain(&self.sealing.replaces) {
                outbox::set_state(tx, *id, &State::Replaced)?;
            }
            return Ok(());
        }
        rewrite_document(
            tx,
            &DocWrite {
                doc,
                space,
                kind,
                am,
                new,
                at_ms,
                by,
            },
            &self.gone,
        )?;
        for (old, new) in &self.made {
            draft::replayed(tx, doc, *old, *new)?;
        }
        seal_unsealed(tx, self.sealing.clone(), key)?;
        let rest = if self.replays {
            State::Final(REPLAYED.into())
        } else {
            State::Replaced
        };
        for id in &self.sealing.replaces {
            outbox::set_state(tx, *id, &rest)?;
        }
        for id in &self.done {
            outbox::set_state(tx, *id, &State::Replaced)?;
        }
        Ok(())
    }

    /// Adds what it did to the report.
    pub(super) fn tell(&self, report: &mut SyncReport) {
        report.replayed += u32::try_from(self.made.len()).unwrap_or(u32::MAX);
        report.quarantined += u32::from(self.aside.as_ref().is_some_and(|aside| aside.failed));
    }

    /// The document to keep loaded.
    pub(super) fn loaded(self) -> Loaded {
        let Sealing {
            doc, space, kind, ..
        } = self.sealing;
        let heads = version(&self.am);
        Loaded {
            doc,
            space,
            kind,
            am: self.am,
            heads,
        }
    }
}

impl Device {
    /// Replays documents with a refused envelope. `true` if there were any.
    pub(crate) fn replay_refused(&mut self, report: &mut SyncReport) -> Result<bool> {
        let refused: Vec<(DocId, bool)> = outbox::unsettled(self.store.conn(), None)?
            .into_iter()
            .filter_map(|envelope| {
                let reason = refusal(&envelope.state)?;
                // A replay refused again, unless only for what else had been taken.
                let replay = envelope.proof.header()?.replaces;
                let again = envelope.own && !of_order(reason) && !replay.is_empty();
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
        let mut fresh = BTreeSet::new();
        for (doc, again) in docs {
            let loaded = self.store.document(doc)?;
            if fresh.insert(loaded.space) {
                self.new_epoch(loaded.space)?;
            }
            if again {
                self.set_aside(&loaded, report)?;
            } else {
                self.replay(&loaded, report)?;
            }
        }
        Ok(true)
    }

    /// What is acknowledged here may have been refused since, and a copy of this store was told. It
    /// is asked about, once, before anything is made again that would build on it. Gives the
    /// documents that wait for an answer.
    fn ask_about(&mut self, docs: &BTreeMap<DocId, bool>) -> Result<BTreeSet<DocId>> {
        let mut asked = BTreeMap::new();
        for envelope in outbox::unsettled(self.store.conn(), None)? {
            let open = matches!(envelope.state, State::Acknowledged | State::Held(_));
            if open && docs.contains_key(&envelope.doc) && !self.asked.contains_key(&envelope.id) {
                asked.insert(envelope.id, envelope.doc);
            }
        }
        self.ask(asked.keys().copied())?;
        Ok(asked.into_values().collect())
    }

    /// Sends these once more, to hear what became of them, and remembers when.
    fn ask(&mut self, ids: impl Iterator<Item = EnvelopeId> + Clone) -> Result<()> {
        self.store.write(|tx| {
            let mut ids = ids.clone();
            ids.try_for_each(|id| outbox::ask_again(tx, id))
        })?;
        let now_ms = self.env.now_ms();
        self.asked.extend(ids.map(|id| (id, now_ms)));
        Ok(())
    }

    /// What was acknowledged long ago and of which nothing came since: a copy of this store, under
    /// the same name, may have taken the news of it. It is asked about again, once an hour.
    pub(super) fn ask_about_old(&mut self) -> Result<bool> {
        let now_ms = self.env.now_ms();
        let old = |at_ms: &i64| now_ms.abs_diff(*at_ms) > ASK_AFTER_MS;
        let asked: BTreeSet<EnvelopeId> = outbox::unsettled(self.store.conn(), None)?
            .into_iter()
            .filter(|e| e.own && e.state == State::Acknowledged)
            .filter(|e| self.asked.get(&e.id).is_none_or(old))
            .filter(|e| e.proof.header().is_some_and(|h| old(&h.sealed_at_ms)))
            .map(|e| e.id)
            .collect();
        if asked.is_empty() {
            return Ok(false);
        }
        self.ask(asked.iter().copied())?;
        Ok(true)
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
            let loaded = self.store.document(doc)?;
            self.replay(&loaded, report)?;
        }
        Ok(self.store.write(|tx| {
            for id in &asked {
                outbox::ask_again(tx, *id)?;
            }
            meta::remove(tx, keys::RECOVERING)
        })?)
    }

    /// A document without what the relay has lost of it, and without one's own undelivered work.
    pub(super) fn without_lost(&self, loaded: &Loaded) -> Result<Automerge> {
        let covered = self.covered(loaded.doc)?;
        let sides = self.sides(loaded, &covered, Aside::Lost)?;
        rebuilt(&loaded.am, loaded.kind, &sides.base)
    }

    fn sides(&self, loaded: &Loaded, covered: &Covered, aside: Aside) -> Result<Sides> {
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
                let fed = envelope.is_some_and(|id| !envelopes.contains_key(&id))
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

    /// The envelopes of a document that a replay in the record has replaced, each with the last
    /// change of that replay. A copy of this store may have made it.
    fn covered(&self, doc: DocId) -> Result<Covered> {
        let conn = self.store.conn();
        let mut covered = BTreeMap::new();
        for fed in outbox::fed_of(conn, doc)? {
            let replaces = fed.proof.header().map(|header| header.replaces);
            let replaces = replaces.filter(|replaces| !replaces.is_empty());
            if let Some(replaces) = replaces {
                let last = outbox::changes_of(conn, fed.id)?.last().map(|c| c.hash);
                covered.extend(replaces.into_iter().map(|id| (id, last)));
            }
        }
        Ok(covered)
    }

    /// The envelope each change of a document is in, or was in before it was replayed.
    fn homes(&self, doc: DocId) -> Result<BTreeMap<Hash, EnvelopeId>> {
        let conn = self.store.conn();
        let steps = history::history(conn, doc)?.into_iter();
        let mut homes: BTreeMap<Hash, EnvelopeId> = steps
            .filter_map(|step| Some((step.hash, step.envelope?.id)))
            .collect();
        for envelope in outbox::unsettled(conn, Some(doc))? {
            let run = outbox::run(conn, envelope.id)?.unwrap_or_default();
            let changes = decode_changes(&run, &Limits::DEVICE).unwrap_or_default();
            let hashes = changes
                .iter()
                .filter_map(|change| Chunk::parse(change).ok());
            homes.extend(hashes.map(|(_, hash)| (hash, envelope.id)));
        }
        Ok(homes)
    }

    /// Makes one's own edits again on the rebuilt document. Where they cannot be, they are set aside:
    /// one bad document delays no other.
    pub(super) fn replay(&mut self, loaded: &Loaded, report: &mut SyncReport) -> Result<()> {
        let covered = self.covered(loaded.doc)?;
        let sides = self.sides(loaded, &covered, Aside::Refused)?;
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
        arrived: &[(EnvelopeId, Vec<EnvelopeId>)],
    ) -> Result<Option<Plan>> {
        // While recovering there is no epoch to seal under: what is unsealed was written before.
        if !self.recovering()? {
            self.seal_all()?;
        }
        let mut covered = self.covered(loaded.doc)?;
        for (id, replaces) in arrived {
            let theirs = |change: &&NewChange| change.origin == Origin::Enveloped(*id);
            let last = new.iter().rfind(theirs).map(|change| change.hash);
            covered.extend(replaces.iter().map(|old| (*old, last)));
        }
        for aside in [Aside::Refused, Aside::Lost, Aside::Unsettled] {
            let sides = self.sides(loaded, &covered, aside)?;
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
            Ok(again) => (again, None),
            Err(error) => {
                let Some(reason) = error.of_document() else {
                    return Err(error);
                };
                let aside = SetAside::of(loaded, reason, true);
                (Again::nothing(am.clone()), Some(aside))
            }
        };
        self.plan_of(loaded, sides, (am, arrived), again, aside, covered)
    }

    /// One's own edits, made again on a copy of the document as the record has it.
    fn make_again(
        &mut self,
        loaded: &Loaded,
        sides: &Sides,
        record: &Automerge,
        covered: &Covered,
    ) -> Result<Again> {
        let (doc, space, kind) = (loaded.doc, loaded.space, loaded.kind);
        let mut original: BTreeMap<Hash, Vec<Hash>> = BTreeMap::new();
        for (old, new) in draft::replays(self.store.conn(), doc)? {
            original.entry(new).or_default().push(old);
        }
        let homes = self.homes(doc)?;
        let mut am = record.clone();
        let in_record = |hash: &Hash| holds(record, hash);

        let env = Arc::clone(&self.env);
        let mut ctx = self.save_context(space, &*env)?;
        let start = version(&am);
        let mut places: BTreeMap<Hash, Version> = BTreeMap::new();
        let mut made: Vec<(Hash, Hash)> = Vec::new();
        let mut hashes: Vec<Hash> = Vec::new();
        let mut names: Vec<EnvelopeId> = Vec::new();
        for hash in &sides.mine {
            if sides.foreign.contains(hash) {
                // What one's own edits built on is not there any more.
                places.insert(*hash, start.clone());
                continue;
            }
            // The record has it, or the original of this replay, or another replay of it.
            let forms: Vec<Hash> = original.get(hash).into_iter().flatten().copied().collect();
            let forms = || std::iter::once(hash).chain(&forms);
            let other = || {
                let of = |form: &Hash| {
                    let named = covered.get(&EnvelopeId::of_change(doc, *form));
                    named.or_else(|| covered.get(homes.get(form)?))
                };
                let replay = forms().find_map(of)?;
                Some(replay.filter(in_record))
            };
            let taken = forms().copied().find(|form| in_record(form)).map(Some);
            if let Some(taken) = taken.or_else(other) {
                let at = taken.map_or_else(|| start.clone(), |taken| Version::new([taken]));
                places.insert(*hash, at);
                made.extend(
                    taken
                        .filter(|taken| taken != hash)
                        .map(|taken| (*hash, taken)),
                );
                continue;
            }
            let change = loaded
                .am
                .get_change_by_hash(&(*hash).into())
                .ok_or(DeviceError::Stale)?;
            let deps = Version::new(change.deps().iter().map(|dep| Hash::from(*dep)));
            let at = moved(&deps, &places, &start);
            let mut edits = edits_of(&loaded.am, kind, &deps, &change, &ctx)?;
            if at != deps {
                edits = rebase::onto_version(&am, kind, &at, edits);
            }
            ctx.at_ms = change.timestamp();
            let saved = save::write(&mut am, kind, &at, edits, Vec::new(), &ctx)?;
            if let [head] = saved.version.heads() {
                made.push((*hash, *head));
            }
            places.insert(*hash, saved.version);
            hashes.extend(saved.changes);
            names.extend(forms().map(|form| EnvelopeId::of_change(doc, *form)));
        }
        let new = new_changes(&am, kind, &hashes, Origin::Saved)?;
        Ok(Again {
            am,
            made,
            new,
            names,
        })
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
            mut names,
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
        // So that no copy of this store brings the same again, in whatever envelope. A header has
        // room for so many; the envelopes say the rest.
        names.truncate(NAMES.saturating_sub(replaces.len()));
        replaces.extend(names);
        // Others' that are only in the way are still offered, and come again with the feed.
        let refused = others.iter().filter(|e| matches!(e.state, State::Final(_)));
        done.extend(refused.map(|e| e.id));
        let replays = !new.is_empty();
        let mut all = arrived;
        all.extend(new);
        Ok(Plan {
            sealing: self.sealing(space, doc, kind.number(), replaces)?,
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
        let sides = self.sides(loaded, &covered, Aside::Refused)?;
        let reason = sides.envelopes.iter().find_map(|e| refusal(&e.state));
        let reason = reason.unwrap_or_default().to_owned();
        self.go_on_without(loaded, &reason, false, report)
    }

    /// Written here, and nothing a relay would take.
    pub(super) fn set_aside_unsealable(&mut self, doc: DocId, reason: &str) -> Result<()> {
        let loaded = self.store.document(doc)?;
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
        let sides = self.sides(loaded, &covered, Aside::Refused)?;
        let am = rebuilt(&loaded.am, loaded.kind, &sides.base)?;
        let again = Again::nothing(am.clone());
        let aside = Some(SetAside::of(loaded, reason, failed));
        let plan = self.plan_of(loaded, sides, (am, Vec::new()), again, aside, &covered)?;
        self.carry_out(plan, report)
    }
}

impl SetAside {
    fn of(loaded: &Loaded, reason: &str, failed: bool) -> Self {
        Self {
            reason: reason.to_owned(),
            value: read(&loaded.am, loaded.kind).value,
            failed,
        }
    }
}

/// The edits of a document made again.
struct Again {
    am: Automerge,
    /// (old change, what stands in its place).
    made: Vec<(Hash, Hash)>,
    new: Vec<NewChange>,
    /// Names of what was made again ([`EnvelopeId::of_change`]).
    names: Vec<EnvelopeId>,
}

impl Again {
    fn nothing(am: Automerge) -> Self {
        Self {
            am,
            made: Vec::new(),
            new: Vec::new(),
            names: Vec::new(),
        }
    }
}

fn holds(am: &Automerge, hash: &Hash) -> bool {
    am.get_change_meta_by_hash(&(*hash).into()).is_some()
}

/// Why the relay refused it for ever, unless its edits are on their way in another one.
fn refusal(state: &State) -> Option<&str> {
    if let State::Final(reason) = state
        && reason != REPLAYED
    {
        return Some(reason);
    }
    None
}

/// Refusals that tell what else the relay has taken, and nothing of what the edits say.
fn of_order(reason: &str) -> bool {
    matches!(
        reason,
        "replay_of_fed" | "replaced" | "fork" | "duplicate" | "depends_on_final"
    )
}

/// A document of these changes only.
fn rebuilt(from: &Automerge, kind: Kind, base: &[Hash]) -> Result<Automerge> {
    let changes: Vec<Change> = base
        .iter()
        .filter_map(|hash| from.get_change_by_hash(&(*hash).into()))
        .collect();
    let mut am = genesis(kind).document();
    am.apply_changes(changes)
        .map_err(|_| DeviceError::Internal("rebuild_failed"))?;
    Ok(am)
}

/// A version of the old document in terms of the rebuilt one.
fn moved(deps: &Version, places: &BTreeMap<Hash, Version>, start: &Version) -> Version {
    let heads = deps.heads().iter().flat_map(|dep| match places.get(dep) {
        Some(place) => place.heads().to_vec(),
        None => vec![*dep],
    });
    let at = Version::new(heads);
    if at.heads().is_empty() {
        start.clone()
    } else {
        at
    }
}

/// What one change of the old document did, as edits.
fn edits_of(
    old: &Automerge,
    kind: Kind,
    deps: &Version,
    change: &Change,
    ctx: &SaveContext<'_>,
) -> Result<Vec<Edit>> {
    let before = read_at(old, kind, deps);
    let after = read_at(old, kind, &Version::new([change.hash().into()]));
    let found = diff(kind, &before, &after.value, &mut || mint_uuid(ctx.env));
    let mut edits = found.map_err(crate::save::SaveError::from)?.edits;
    edits.extend(reopened(kind, &before, &after));
    edits.extend(chosen(kind, &before, &after));
    Ok(edits)
}

/// Statuses taken back to a new round, which a plain difference of values leaves out.
fn reopened(kind: Kind, before: &Reading, after: &Reading) -> Vec<Edit> {
    let raised = after.status.iter().filter_map(|(path, mark)| {
        let was = before.status.get(path)?;
        let (place, field) = resolve(kind, path).filter(|_| mark.round > was.round)?;
        let crate::documents::Rule::Mst(codes) = field.rule else {
            return None;
        };
        let rank = rank(codes, &mark.code)?;
        Some(Edit::Raise {
            place,
            field,
            round: mark.round,
            rank,
        })
    });
    raised.collect()
}

/// Conflicts settled in favour of the value that was shown already.
fn chosen(kind: Kind, before: &Reading, after: &Reading) -> Vec<Edit> {
    let settled = before.conflicts.iter().filter_map(|conflict| {
        let path = &conflict.path;
        if after.conflicts.iter().any(|c| c.path == *path) {
            return None;
        }
        let value = at_path(&after.value, path)?;
        let (place, field) = resolve(kind, path)?;
        let same = at_path(&before.value, path) == Some(value) && place_holds(&place, after);
        same.then(|| Edit::Put {
            place,
            field,
            value: value.clone(),
        })
    });
    settled.collect()
}

fn place_holds(place: &Place, reading: &Reading) -> bool {
    match place {
        Place::Root => true,
        Place::Item { key, .. } => !reading.removed.iter().any(|item| item.key == *key),
    }
}
