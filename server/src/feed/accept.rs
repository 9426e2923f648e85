//! Taking envelopes in: each is judged alone, by its bytes, its signature and the rights of its
//! signer, and written down before it is acknowledged. A bad one refuses itself, never the batch.

use ed25519_dalek::VerifyingKey;
use sopu_core::envelope::{self, Envelope, actor_id};
use sopu_core::guard::{Limits, Refusal};
use sopu_core::run::{self, Opened};
use sopu_core::wire::Verdict;

use super::rights::{self, Judgement};
use crate::store::{ChangeRow, DeviceRow, DocumentRow, EnvelopeRow, RelayStore, Result, State};

/// An envelope that is sound in itself: readable, guarded, signed by the device it names, its
/// actors that device's own.
#[derive(Clone, Debug)]
pub struct Sound {
    envelope: Envelope,
    opened: Opened,
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
    bytes: &[u8],
) -> Result<std::result::Result<Sound, Refusal>> {
    let refuse = |code| Ok(Err(Refusal::new(code)));
    let Some(envelope) = envelope::decode::<Envelope>(bytes) else {
        return refuse("bad_cbor");
    };
    let opened = match run::open(&envelope, &Limits::RELAY) {
        Ok(opened) => opened,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let Some(signer) = store.device(opened.header.device)? else {
        return refuse("signer_unknown");
    };
    let Ok(key) = VerifyingKey::from_bytes(&signer.key) else {
        return refuse("signature_wrong");
    };
    if !opened.proof.verify(&key) {
        return refuse("signature_wrong");
    }
    if opened.base_actor != actor_id(&key, opened.header.space, &opened.header.epoch) {
        return refuse("actor_foreign");
    }
    Ok(Ok(Sound {
        envelope,
        opened,
        signer,
    }))
}

impl Sound {
    /// Writes it down, or finds it already there. The verdict holds once the caller's transaction
    /// is on disk.
    pub fn take(&self, store: &mut dyn RelayStore, arrival: Arrival) -> Result<Verdict> {
        let header = &self.opened.header;
        let document = store.document(header.doc)?;
        if document.is_some_and(|row| row.erased_ms.is_some()) {
            return Ok(Verdict::Erased);
        }
        if let Some(row) = store.envelope(&self.opened.id)? {
            return Ok(row.state.into());
        }
        if store.space(header.space, arrival.now_ms)?.is_none() {
            return Ok(Verdict::Refused("space_unknown".into()));
        }
        match document {
            Some(row) if row.space != header.space => {
                return Ok(Verdict::Refused("doc_of_other_space".into()));
            }
            Some(row) if row.kind != header.kind => {
                return Ok(Verdict::Refused("kind_differs".into()));
            }
            Some(_) | None => {}
        }
        if self.meets_one_waiting(store)? {
            return Ok(Verdict::Refused("try_later".into()));
        }
        let (state, late) = self.first_state(store, arrival)?;
        if state == State::Waiting && document.is_none() {
            let row = DocumentRow {
                space: header.space,
                kind: header.kind,
                last_seq: 0,
                erased_ms: None,
            };
            store.put_document(header.doc, &row)?;
        }
        self.write(store, arrival, &state, late)?;
        Ok(state.into())
    }

    /// Writes down an envelope that carries this relay's accept tag: it was accepted once, so
    /// rights are not judged again.
    pub fn take_back(&self, store: &mut dyn RelayStore, arrival: Arrival) -> Result<bool> {
        let header = &self.opened.header;
        let document = store.document(header.doc)?;
        if document.is_some_and(|row| {
            row.erased_ms.is_some() || row.space != header.space || row.kind != header.kind
        }) {
            return Ok(false);
        }
        match store.envelope(&self.opened.id)? {
            // A restored relay may have held what it had accepted by the time of the loss.
            Some(row) if matches!(row.state, State::Held(_)) => {
                store.set_state(row.arrival, &State::Waiting)?;
            }
            Some(_) => {}
            None => self.write(store, arrival, &State::Waiting, false)?,
        }
        Ok(true)
    }

    /// The signed header.
    pub fn header(&self) -> &envelope::Header {
        &self.opened.header
    }

    /// Its id.
    pub fn id(&self) -> sopu_core::id::EnvelopeId {
        self.opened.id
    }

    /// Whether another run that claims the same is not judged yet. A device that heard "fork" now
    /// would replay its edits beside an original that enters the feed a moment later.
    fn meets_one_waiting(&self, store: &mut dyn RelayStore) -> Result<bool> {
        let doc = self.opened.header.doc;
        for change in self.change_rows() {
            let claims = store.claims(doc, &change.actor, change.seq)?;
            if claims.iter().any(|claim| claim.state == State::Waiting) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn first_state(&self, store: &mut dyn RelayStore, arrival: Arrival) -> Result<(State, bool)> {
        let header = &self.opened.header;
        let held = |reason: &str| Ok((State::Held(reason.into()), false));
        if store.is_retired(&self.opened.id)? {
            return Ok((State::Final("replaced".into()), false));
        }
        for change in self.change_rows() {
            for claim in store.claims(header.doc, &change.actor, change.seq)? {
                if matches!(claim.state, State::Final(_)) {
                    continue;
                }
                let reason = if claim.hash == change.hash {
                    "duplicate"
                } else {
                    "fork"
                };
                return Ok((State::Final(reason.into()), false));
            }
        }
        if self.signer.cloned_ms.is_some() {
            return held("review");
        }
        if self.signer.revoked_ms.is_some() {
            return held("revoked");
        }
        let grants = store.grants(self.signer.member, header.space)?;
        let saved_ms = header
            .sealed_at_ms
            .saturating_add(header.offset_ms.unwrap_or(arrival.offset_ms));
        let disabled_ms = self.signer.member_disabled_ms;
        Ok(
            match rights::judge(&grants, disabled_ms, saved_ms, arrival.now_ms) {
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
    ) -> Result<()> {
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
        store.insert_envelope(&row, &self.change_rows())?;
        Ok(())
    }

    fn change_rows(&self) -> Vec<ChangeRow> {
        let row = |checked: &sopu_core::guard::Checked| {
            let mut actor = [0; 32];
            actor[..16].copy_from_slice(&checked.author.base);
            actor[31] = checked.author.level;
            ChangeRow {
                hash: checked.hash,
                actor,
                seq: checked.seq,
            }
        };
        self.opened.checked.iter().map(row).collect()
    }
}
