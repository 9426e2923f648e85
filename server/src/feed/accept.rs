//! Taking envelopes in: each is judged alone, by its bytes, its signature and the rights of its
//! signer, and written down before it is acknowledged. A bad one refuses itself, never the batch.

use sopu_core::envelope::{self, Envelope, actor_id};
use sopu_core::guard::{Checked, Limits, Refusal};
use sopu_core::id::{DeviceId, EnvelopeId, Hash};
use sopu_core::run::{self, Opened};
use sopu_core::wire::{Verdict, limits};

use super::known::Known;
use super::rights::{self, Judgement};
use crate::store::{
    ChangeRow, Claim, DeviceRow, DocumentRow, EnvelopeRow, RelayStore, Result, State,
};

/// No envelope whose run is within the limits is larger; a larger one is not looked at.
const LARGEST: usize = 2 * limits::RUN + limits::HEADER + 4_096;

/// What is held for want of a right, not for what it does.
const OF_RIGHTS: [&str; 5] = ["right_missing", "late", "removed", "revoked", "review"];

/// An envelope that is sound in itself: readable, guarded, signed by the device it names, its
/// actors that device's own.
#[derive(Clone, Debug)]
pub struct Sound {
    envelope: Envelope,
    opened: Opened,
    changes: Vec<ChangeRow>,
    signer: DeviceRow,
}

/// Who brings it and when.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// The instance that brings it.
    pub instance: Option<[u8; 16]>,
    /// Relay clock.
    pub now_ms: i64,
    /// Relay clock minus the bearer's clock, for envelopes that do not say themselves.
    pub offset_ms: i64,
}

/// Reads one pushed envelope and judges what can be judged without writing anything.
pub fn examine(
    store: &mut dyn RelayStore,
    known: &mut Known,
    bytes: &[u8],
) -> Result<std::result::Result<Sound, Refusal>> {
    let refuse = |code| Ok(Err(Refusal::new(code)));
    if bytes.len() > LARGEST {
        return refuse("run_too_large");
    }
    let Some(envelope) = envelope::decode::<Envelope>(bytes) else {
        return refuse("bad_cbor");
    };
    let opened = match run::open(&envelope, &Limits::RELAY) {
        Ok(opened) => opened,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let Some(signer) = known.signer(store, opened.header.device)? else {
        return refuse("signer_unknown");
    };
    let Some(key) = &signer.key else {
        return refuse("signature_wrong");
    };
    if !opened.proof.verify(key) {
        return refuse("signature_wrong");
    }
    if opened.base_actor != actor_id(key, opened.header.space, &opened.header.epoch) {
        return refuse("actor_foreign");
    }
    let changes = opened.checked.iter().map(change_row).collect();
    let signer = signer.row.clone();
    Ok(Ok(Sound {
        envelope,
        opened,
        changes,
        signer,
    }))
}

impl Sound {
    /// Writes it down, or finds it already there. The verdict holds once the caller's transaction
    /// is on disk. `bearer` may go by another name than when it signed, and hears if it is refused.
    pub fn take(
        &self,
        store: &mut dyn RelayStore,
        known: &mut Known,
        arrival: Arrival,
        bearer: DeviceId,
    ) -> Result<Verdict> {
        let header = &self.opened.header;
        let document = store.document(header.doc)?;
        if document.is_some_and(|row| row.erased_ms.is_some()) {
            return Ok(Verdict::Erased);
        }
        if let Some(row) = store.envelope(&self.opened.id)? {
            self.will_tell(store, &row.state, row.arrival, bearer)?;
            return Ok(row.state.into());
        }
        let claims = self.claims(store)?;
        if let Some(refused) = self.misplaced(store, known, document, &claims, arrival)? {
            return Ok(refused);
        }
        let (state, late) = self.first_state(store, known, &claims, arrival)?;
        self.remember(store, document, &state)?;
        let at = self.write(store, arrival, &state, late)?;
        self.will_tell(store, &state, at, bearer)?;
        Ok(state.into())
    }

    /// Who brought it under another name than it is signed with is to hear the last word, too.
    fn will_tell(
        &self,
        store: &mut dyn RelayStore,
        state: &State,
        at: i64,
        bearer: DeviceId,
    ) -> Result<()> {
        let open = matches!(state, State::Waiting | State::Held(_));
        if open && bearer != self.opened.header.device {
            store.add_offerer(at, bearer)?;
        }
        Ok(())
    }

    /// Why it is not even written down, if so.
    fn misplaced(
        &self,
        store: &mut dyn RelayStore,
        known: &mut Known,
        document: Option<DocumentRow>,
        claims: &[(Hash, Claim)],
        arrival: Arrival,
    ) -> Result<Option<Verdict>> {
        let header = &self.opened.header;
        let refused = |code: &str| Ok(Some(Verdict::Refused(code.into())));
        match document {
            Some(row) if row.space == header.space && row.kind == header.kind => {}
            Some(row) if row.space == header.space => return refused("kind_differs"),
            Some(_) | None => {
                if !known.has_space(store, header.space, arrival.now_ms)? {
                    return refused("space_unknown");
                }
                if document.is_some() {
                    return refused("doc_of_other_space");
                }
            }
        }
        // A device that heard "fork" now, of another run that claims the same and is not judged
        // yet, would replay its edits beside an original that enters the feed a moment later.
        if claims
            .iter()
            .any(|(_, claim)| claim.state == State::Waiting)
        {
            return refused("try_later");
        }
        Ok(None)
    }

    /// A document belongs where it was first taken in.
    fn remember(
        &self,
        store: &mut dyn RelayStore,
        document: Option<DocumentRow>,
        state: &State,
    ) -> Result<()> {
        let header = &self.opened.header;
        if *state == State::Waiting && document.is_none() {
            let row = DocumentRow {
                space: header.space,
                kind: header.kind,
                last_seq: 0,
                erased_ms: None,
            };
            store.put_document(header.doc, &row)?;
        }
        Ok(())
    }

    /// Writes down an envelope that carries this relay's accept tag: it was accepted once, so
    /// rights are not judged again. `bearer` holds it too, and hears if it is refused.
    pub fn take_back(
        &self,
        store: &mut dyn RelayStore,
        known: &mut Known,
        arrival: Arrival,
        bearer: DeviceId,
    ) -> Result<Verdict> {
        let header = &self.opened.header;
        let document = store.document(header.doc)?;
        if document.is_some_and(|row| row.erased_ms.is_some()) {
            return Ok(Verdict::Erased);
        }
        let (state, at) = match store.envelope(&self.opened.id)? {
            Some(row) => {
                let mut state = row.state;
                // A restored relay may have held what it had accepted by the time of the loss. What
                // else it holds for, it still does.
                if matches!(&state, State::Held(why) if OF_RIGHTS.contains(&why.as_str())) {
                    state = State::Waiting;
                    store.set_state(row.arrival, &state)?;
                }
                (state, row.arrival)
            }
            None => {
                let claims = self.claims(store)?;
                if let Some(refused) = self.misplaced(store, known, document, &claims, arrival)? {
                    return Ok(refused);
                }
                let state = match self.claimed(store, &claims)? {
                    Some(reason) => State::Final(reason.into()),
                    None => State::Waiting,
                };
                self.remember(store, document, &state)?;
                let at = self.write(store, arrival, &state, false)?;
                (state, at)
            }
        };
        self.will_tell(store, &state, at, bearer)?;
        Ok(state.into())
    }

    /// The signed header.
    pub fn header(&self) -> &envelope::Header {
        &self.opened.header
    }

    /// Its id.
    pub fn id(&self) -> EnvelopeId {
        self.opened.id
    }

    /// What other envelopes claim the same actors and sequence numbers, with the change of this
    /// one that each meets.
    fn claims(&self, store: &mut dyn RelayStore) -> Result<Vec<(Hash, Claim)>> {
        let mut met = Vec::new();
        let mut rest = &self.changes[..];
        // The changes of an actor follow each other without a gap, mostly all in a row.
        while let Some(first) = rest.first() {
            let row = rest
                .iter()
                .zip(first.seq..)
                .take_while(|(change, seq)| change.actor == first.actor && change.seq == *seq)
                .count();
            let (own, others) = rest.split_at(row.max(1));
            rest = others;
            let last = own.last().map_or(first.seq, |change| change.seq);
            let claims = store.claims(self.opened.header.doc, &first.actor, first.seq..=last)?;
            met.extend(claims.into_iter().filter_map(|(seq, claim)| {
                let place = usize::try_from(seq.checked_sub(first.seq)?).ok()?;
                Some((own.get(place)?.hash, claim))
            }));
        }
        Ok(met)
    }

    /// Why it can never enter: a replay has taken its place, or another run claims the same.
    fn claimed(
        &self,
        store: &mut dyn RelayStore,
        claims: &[(Hash, Claim)],
    ) -> Result<Option<&'static str>> {
        if store.is_retired(&self.opened.id)? {
            return Ok(Some("replaced"));
        }
        let standing = claims
            .iter()
            .find(|(_, claim)| !matches!(claim.state, State::Final(_)));
        if let Some((hash, claim)) = standing {
            let same = claim.hash == *hash;
            return Ok(Some(if same { "duplicate" } else { "fork" }));
        }
        Ok(None)
    }

    fn first_state(
        &self,
        store: &mut dyn RelayStore,
        known: &mut Known,
        claims: &[(Hash, Claim)],
        arrival: Arrival,
    ) -> Result<(State, bool)> {
        let header = &self.opened.header;
        let held = |reason: &str| Ok((State::Held(reason.into()), false));
        if let Some(reason) = self.claimed(store, claims)? {
            return Ok((State::Final(reason.into()), false));
        }
        if self.signer.cloned_ms.is_some() {
            return held("review");
        }
        if self.signer.revoked_ms.is_some() {
            return held("revoked");
        }
        let grants = known.grants(store, self.signer.member, header.space)?;
        let saved_ms = self.opened.done_ms(arrival.offset_ms);
        let disabled_ms = self.signer.member_disabled_ms;
        Ok(
            match rights::judge(grants, disabled_ms, saved_ms, arrival.now_ms) {
                Judgement::Allowed => (State::Waiting, false),
                Judgement::Late => (State::Waiting, true),
                Judgement::Held(reason) => (State::Held(reason.into()), false),
            },
        )
    }

    fn write(
        &self,
        store: &mut dyn RelayStore,
        arrival: Arrival,
        state: &State,
        late: bool,
    ) -> Result<i64> {
        let header = &self.opened.header;
        let row = EnvelopeRow {
            arrival: 0,
            id: self.opened.id,
            space: header.space,
            doc: header.doc,
            kind: header.kind,
            device: header.device,
            instance: arrival.instance,
            header: self.envelope.header.clone(),
            signature: self.envelope.signature,
            digest: self.opened.proof.digest,
            run: Some(self.envelope.run.clone()),
            changes: header.changes,
            received_ms: arrival.now_ms,
            late,
            state: state.clone(),
            deaths: 0,
            tried_by: None,
        };
        store.insert_envelope(&row, &self.changes)
    }
}

fn change_row(checked: &Checked) -> ChangeRow {
    let mut actor = [0; 32];
    actor[..16].copy_from_slice(&checked.author.base);
    actor[31] = checked.author.level;
    ChangeRow {
        hash: checked.hash,
        actor,
        seq: checked.seq,
    }
}
