//! One page of one space: feed entries, or part of a first sync.

use std::collections::BTreeMap;
use std::sync::Arc;

use ed25519_dalek::{Signature, VerifyingKey};

use super::super::replay::Placed;
use super::REPLAYED;
use super::arrivals::Arrival;
use super::mark::{Mark, quarantine};
use crate::device::{Device, DeviceError, Result, SyncReport, keys};
use crate::documents::Kind;
use crate::envelope::{Envelope, Header, Proof, actor_id, decode, feed_hash};
use crate::guard::{Checked, Limits, Tried};
use crate::id::{DeviceId, DocId, EnvelopeId, Hash, MemberId, SpaceId};
use crate::read::version;
use crate::run::{self, Opened};
use crate::store::document::{self, Loaded, NewChange, Origin};
use crate::store::outbox::{self, State};
use crate::store::purge::{self, Purged};
use crate::store::{StoreError, meta, space};
use crate::wire::{Entry, Notice, RosterRow, SignedNotice, SpacePage};

/// A document with what arrived applied.
pub(super) struct Changed {
    pub doc: DocId,
    pub kind: Kind,
    pub tried: Tried,
    pub new: Vec<NewChange>,
    pub last_seq: u64,
    pub by: Option<MemberId>,
}

/// A page taken apart: everything that is to be written in its one transaction.
#[derive(Default)]
pub(super) struct PageWork {
    pub marks: Vec<Mark>,
    pub changed: Vec<Changed>,
    /// Documents where one's own unsettled changes stand in the way of the feed's.
    pub forked: Vec<Forked>,
    pub arrivals: BTreeMap<DocId, (Kind, Vec<Arrival>)>,
}

impl PageWork {
    /// What this page has of a document: these changes, and what it only names.
    pub(super) fn placed<'a>(&self, brought: impl IntoIterator<Item = &'a NewChange>) -> Placed {
        let mut placed = Placed {
            changes: brought.into_iter().map(|change| change.hash).collect(),
            ..Placed::default()
        };
        for mark in &self.marks {
            if let Mark::Own { id, elsewhere, .. } = mark {
                placed.envelopes.insert(*id);
                placed.changes.extend(elsewhere);
            }
        }
        placed
    }
}

/// What the feed brings of a document that cannot be applied beside one's own changes.
pub(super) struct Forked {
    pub doc: DocId,
    pub changes: Vec<Vec<u8>>,
    pub new: Vec<NewChange>,
    pub last_seq: u64,
}

/// The people of a space while a page is read.
pub(super) type People = BTreeMap<DeviceId, RosterRow>;

/// Where an entry stands and what the relay says of it.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub seq: u64,
    pub received_ms: i64,
    pub accept: [u8; 16],
}

impl Device {
    /// Applies a page if the device still stands where it starts.
    pub(super) fn apply_page(&mut self, page: &SpacePage, report: &mut SyncReport) -> Result<bool> {
        let id = page.to.space;
        let Some(here) = space::space(self.store.conn(), id)? else {
            return Ok(false);
        };
        if here.cursor != page.from {
            return Ok(false);
        }
        if here.left_ms.is_some() {
            return self.hear_cut(page);
        }
        if !self.apply_cut(page)? {
            self.begin_anew(id)?;
            return Ok(true);
        }
        let mut people: People = space::roster(self.store.conn(), id)?
            .into_iter()
            .map(|r| (r.device, r))
            .collect();
        people.extend(
            page.roster
                .iter()
                .flatten()
                .map(|row| (row.device, row.clone())),
        );

        let mut work = PageWork::default();
        let mut hash = here.feed_hash;
        let mut after = page.from.as_ref().map_or(0, |from| from.seq);
        if page.from.as_ref().is_some_and(|from| from.first.is_none())
            && let Some(cut) = page.cut.as_ref().filter(|cut| cut.seq < after)
        {
            // The relay came back from a backup: the feed goes on from the cut.
            after = cut.seq;
            hash = self.hash_at(id, after)?;
        }
        if page.proofs.first().is_some_and(|proof| proof.seq == 1) || page.to.seq == 0 {
            // A first sync that began again may have come as far as its signatures before.
            hash = [0; 32];
        }
        self.read_packs(page, &mut work)?;
        self.read_proofs(page, &people, &mut work, &mut hash)?;
        if !self.read_entries(page, after, &people, &mut work, &mut hash)? {
            // It names an envelope of this device that is not here: a restored copy's other self
            // wrote it. A first sync of the space brings it.
            self.begin_anew(id)?;
            return Ok(true);
        }

        let mut plans = Vec::new();
        for Forked {
            doc,
            changes,
            new,
            last_seq,
        } in std::mem::take(&mut work.forked)
        {
            let loaded = self.store.document(doc)?;
            let placed = work.placed(&new);
            let replays: Vec<_> = work.marks.iter().filter_map(|m| m.replay_of(doc)).collect();
            match self.give_way(&loaded, &changes, new, &placed, &replays)? {
                Some(plan) => {
                    plans.push((doc, last_seq, plan));
                }
                None => work.marks.push(quarantine(doc, None, "fork")),
            }
        }
        let key = self.key.clone();
        let at_ms = self.env.now_ms();
        let mut purged = Purged::Nothing;
        self.store.write_or(|tx| -> Result<()> {
            if let Some(rows) = &page.roster {
                space::set_roster(tx, id, rows)?;
            }
            // Envelopes before the changes that name them; signatures of a first sync after the
            // changes they are over, which may be of this very page.
            let joins = |mark: &&Mark| matches!(mark, Mark::Joined { .. });
            for mark in work.marks.iter().filter(|mark| !joins(mark)) {
                purged = purged.max(mark.write(tx, id, at_ms)?);
            }
            for changed in &work.changed {
                changed.write(tx, id, at_ms)?;
            }
            for (doc, last_seq, plan) in &plans {
                plan.write(tx, &key)?;
                document::set_last_seq(tx, *doc, *last_seq)?;
            }
            for mark in work.marks.iter().filter(joins) {
                mark.write(tx, id, at_ms)?;
            }
            meta::remove(tx, &keys::cut_at(id))?;
            Ok(space::set_cursor(tx, &page.to, &hash)?)
        })?;
        for (_, _, plan) in plans {
            plan.tell(report);
            self.store.keep(Arc::new(plan.loaded()));
        }
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        report.received += count(page.entries.len() + page.packs.len());
        report.quarantined += count(
            work.marks
                .iter()
                .filter(|m| matches!(m, Mark::Quarantine { .. }))
                .count(),
        );
        match purged {
            Purged::Nothing => {}
            Purged::News => self.let_go_of_damaged()?,
            Purged::Content => {
                self.store.forget_loaded();
                self.scrub()?;
            }
        }
        for Changed {
            doc, kind, tried, ..
        } in work.changed
        {
            if !purge::is_erased(self.store.conn(), doc)? {
                let am = tried.document;
                let heads = version(&am);
                if let Some(reading) = tried.reading {
                    let (heads, reading) = (heads.clone(), Arc::new(reading));
                    self.store.keep_reading(doc, heads, reading);
                }
                self.store.keep(Arc::new(Loaded {
                    doc,
                    space: id,
                    kind,
                    am,
                    heads,
                }));
            }
        }
        Ok(true)
    }

    /// `false` if an own entry is not known here.
    fn read_entries(
        &self,
        page: &SpacePage,
        after: u64,
        people: &People,
        work: &mut PageWork,
        hash: &mut [u8; 32],
    ) -> Result<bool> {
        let space = page.to.space;
        let mut reached = after;
        for entry in &page.entries {
            if entry.seq().checked_sub(1) != Some(reached) {
                return Err(DeviceError::BadAnswer);
            }
            reached = entry.seq();
            let id = match entry {
                Entry::Envelope {
                    seq,
                    envelope,
                    received_ms,
                    accept,
                } => {
                    let place = Place {
                        seq: *seq,
                        received_ms: *received_ms,
                        accept: *accept,
                    };
                    self.read_envelope(space, entry, envelope, place, people, work)?
                }
                Entry::Own {
                    seq,
                    id,
                    received_ms,
                    accept,
                } => {
                    let place = Place {
                        seq: *seq,
                        received_ms: *received_ms,
                        accept: *accept,
                    };
                    if !self.read_own(space, entry, *id, place, people, work)? {
                        return Ok(false);
                    }
                    *id
                }
                Entry::Notice {
                    seq,
                    notice,
                    accept,
                } => {
                    self.read_notice(space, *seq, notice, *accept, work)?;
                    notice.id()
                }
                Entry::Erased { seq, proof } => {
                    work.marks.push(Mark::Erased {
                        proof: proof.clone(),
                        seq: *seq,
                    });
                    proof.id()
                }
            };
            *hash = feed_hash(hash, &id);
        }
        if !page.entries.is_empty() && reached != page.to.seq {
            return Err(DeviceError::BadAnswer);
        }
        self.try_all(work)?;
        Ok(true)
    }

    fn read_own(
        &self,
        space: SpaceId,
        entry: &Entry,
        id: EnvelopeId,
        place: Place,
        people: &People,
        work: &mut PageWork,
    ) -> Result<bool> {
        let Some(stored) = outbox::get(self.store.conn(), id)? else {
            return Ok(false);
        };
        let replayed = matches!(&stored.state, State::Final(why) if why == REPLAYED);
        let run = match replayed.then(|| outbox::run(self.store.conn(), id)) {
            // Only the relay has it whole.
            Some(Err(StoreError::Damaged { .. })) => return Ok(false),
            run => run.transpose()?.flatten(),
        };
        if let Some(run) = run {
            // Taken after all, though its edits were replayed: take it back.
            let Proof {
                header, signature, ..
            } = stored.proof;
            let envelope = Envelope {
                header,
                signature,
                run,
            };
            self.read_envelope(space, entry, &envelope, place, people, work)?;
        } else {
            let elsewhere = self.elsewhere(&stored)?;
            if stored.state == State::Replaced && elsewhere.is_none() {
                // A relay that came back from a backup has taken the original after all.
                return Ok(false);
            }
            let Place {
                seq,
                received_ms,
                accept,
            } = place;
            work.marks.push(Mark::Own {
                id,
                seq,
                received_ms,
                accept,
                elsewhere: elsewhere.unwrap_or_default(),
            });
        }
        Ok(true)
    }

    /// The changes of an own envelope that are in another one here; `None` if its document does not have all
    /// of them.
    fn elsewhere(&self, stored: &outbox::Stored) -> Result<Option<Vec<Hash>>> {
        let Some(header) = stored.proof.header() else {
            return Ok(None);
        };
        let device = self.key.verifying_key();
        let base = actor_id(&device, header.space, &header.epoch);
        let mut elsewhere = Vec::new();
        for span in &header.actors {
            let level = span.level;
            let actor = crate::guard::Author { base, level }.to_bytes();
            let counts = span.first_seq..=span.last_seq;
            let found = document::changes_by(self.store.conn(), stored.doc, &actor, counts)?;
            if found.len() as u64 <= span.last_seq.saturating_sub(span.first_seq) {
                return Ok(None);
            }
            let others = found
                .into_iter()
                .filter(|(_, envelope)| *envelope != Some(stored.id));
            elsewhere.extend(others.map(|(hash, _)| hash));
        }
        Ok(Some(elsewhere))
    }

    pub(super) fn read_envelope(
        &self,
        space: SpaceId,
        entry: &Entry,
        envelope: &Envelope,
        place: Place,
        people: &People,
        work: &mut PageWork,
    ) -> Result<EnvelopeId> {
        let opened = match run::open(envelope, &Limits::DEVICE) {
            Ok(opened) => opened,
            Err(refusal) => {
                let (header, id) = described(envelope);
                let doc = header.map_or(DocId(uuid::Uuid::nil()), |header| header.doc);
                work.marks.push(match refusal.code {
                    "kind_unknown" => Mark::Defer {
                        doc,
                        entry: Box::new(entry.clone()),
                    },
                    code => quarantine(doc, id, code),
                });
                return Ok(id.unwrap_or(EnvelopeId([0; 32])));
            }
        };
        let (id, doc) = (opened.id, opened.header.doc);
        if let Err(reason) = judge(&opened, space, people) {
            work.marks.push(quarantine(doc, Some(id), reason));
            return Ok(id);
        }
        let by = people.get(&opened.header.device).map(|row| row.member);
        let Place {
            seq,
            received_ms,
            accept,
        } = place;
        work.marks.push(Mark::Fed {
            proof: opened.proof,
            seq,
            received_ms,
            accept,
        });
        if let Some(row) = document::row(self.store.conn(), doc)?
            && (row.space != space || row.kind != opened.header.kind)
        {
            work.marks
                .push(quarantine(doc, Some(id), "doc_of_other_space"));
            return Ok(id);
        }
        let new = stored_form(&opened.changes, &opened.checked, Origin::Enveloped(id));
        let arrival = Arrival {
            id,
            seq,
            by,
            changes: opened.changes,
            new,
        };
        work.arrivals
            .entry(doc)
            .or_insert((opened.kind, Vec::new()))
            .1
            .push(arrival);
        Ok(id)
    }

    pub(super) fn read_notice(
        &self,
        space: SpaceId,
        seq: u64,
        signed: &SignedNotice,
        accept: [u8; 16],
        work: &mut PageWork,
    ) -> Result<()> {
        let signature = Signature::from_bytes(&signed.signature);
        let bytes = SignedNotice::signed_bytes(&signed.body);
        let genuine = self.relay_key()?.verify_strict(&bytes, &signature).is_ok();
        let notice: Option<Notice> = decode(&signed.body);
        work.marks.push(match notice {
            Some(notice) if genuine && notice.space == space => Mark::Notice {
                seq,
                signed: signed.clone(),
                accept,
            },
            other => {
                let doc = other.map_or(DocId(uuid::Uuid::nil()), |notice| notice.doc);
                quarantine(doc, Some(signed.id()), "notice_not_genuine")
            }
        });
        Ok(())
    }
}

/// The header and id of an envelope that could not be opened, as far as they can be told.
fn described(envelope: &Envelope) -> (Option<Header>, Option<EnvelopeId>) {
    let id = envelope.proof(&Limits::DEVICE).map(|proof| proof.id());
    (decode(&envelope.header), id)
}

/// Whether an opened envelope is its signer's and belongs here.
fn judge(opened: &Opened, space: SpaceId, people: &People) -> Result<(), &'static str> {
    let header = &opened.header;
    if header.space != space {
        return Err("doc_of_other_space");
    }
    let signer = people.get(&header.device).ok_or("signer_unknown")?;
    let key = VerifyingKey::from_bytes(&signer.key).map_err(|_| "signer_unknown")?;
    if !opened.proof.verify(&key) {
        return Err("signature_wrong");
    }
    if opened.base_actor != actor_id(&key, space, &header.epoch) {
        return Err("actor_foreign");
    }
    Ok(())
}

/// Guarded changes as the store takes them.
pub(super) fn stored_form<'a>(
    changes: &'a [Vec<u8>],
    checked: impl IntoIterator<Item = &'a Checked>,
    origin: Origin,
) -> Vec<NewChange> {
    let one = |(bytes, checked): (&Vec<u8>, &Checked)| NewChange {
        hash: checked.hash,
        bytes: bytes.clone(),
        actor: checked.author.to_bytes(),
        seq: checked.seq,
        origin,
    };
    changes.iter().zip(checked).map(one).collect()
}
