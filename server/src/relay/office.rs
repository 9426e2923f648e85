//! Writes from the office pages: a change like any other, made by a device identity the server
//! keeps for that member, sealed at once and passed through the same accepting and merging as
//! every device's.

use std::collections::BTreeSet;

use automerge::{Automerge, Change};
use ed25519_dalek::SigningKey;
use sopu_core::documents::Kind;
use sopu_core::envelope::{self, Envelope, Epoch, Header, actor_id};
use sopu_core::guard::{Limits, Refusal};
use sopu_core::id::{DeviceId, DocId, MemberId, SpaceId};
use sopu_core::run::{self, Sealing};
use sopu_core::save::{SaveContext, SaveError};
use sopu_core::wire::Verdict;

use super::{Relay, Topic, lock};
use crate::feed::accept::{self, Arrival};
use crate::feed::known::Known;
use crate::feed::rights::{self, Judgement};
use crate::merge::Merger;
use crate::store::{NewDevice, RelayStore, StoreError};

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum OfficeWriteError {
    /// The member may not write in this space.
    #[error("the member may not write here")]
    NotAllowed,
    /// The document is of another space or kind, or was erased.
    #[error("the document cannot be written here")]
    NotHere,
    /// The save itself did not work out.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// The static guard refused the save.
    #[error("the save was refused: {0}")]
    Refused(#[from] Refusal),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The identity the server keeps for a member.
struct Identity {
    device: DeviceId,
    epoch: Epoch,
    key: SigningKey,
}

impl Relay {
    /// Lets `work` save into a document as the feed has it, in the member's name. What it saved is
    /// in the feed when this returns `Fed`; `None` if it saved nothing.
    ///
    /// `work` gets the document (genesis alone if it is new) and the context to save with.
    ///
    /// # Errors
    /// See [`OfficeWriteError`]; nothing was written then.
    pub fn office_write(
        &self,
        member: MemberId,
        space: SpaceId,
        doc: DocId,
        kind: Kind,
        work: impl FnOnce(&mut Automerge, &SaveContext<'_>) -> Result<(), SaveError>,
    ) -> Result<Option<Verdict>, OfficeWriteError> {
        let mut merger = lock(&self.merger);
        let now_ms = self.env.now_ms();
        self.check(member, space, doc, kind, now_ms)?;
        while merger
            .step_in(&self.commits, &self.keys, &*self.env, space)?
            .decided
            > 0
        {}
        let before = self
            .commits
            .read(|store| merger.documents().get(store, doc, kind))?;
        let identity = self.identity(member, now_ms)?;
        let actor = actor_id(&identity.key.verifying_key(), space, &identity.epoch);
        let mut after = (*before).clone();
        work(
            &mut after,
            &SaveContext {
                actor,
                by: member,
                at_ms: now_ms,
                env: &*self.env,
            },
        )?;
        let made = after.get_changes(&before.get_heads());
        if made.is_empty() {
            return Ok(None);
        }
        let changes: Vec<Vec<u8>> = made
            .iter()
            .map(Change::raw_bytes)
            .map(<[u8]>::to_vec)
            .collect();
        let mut verdict = None;
        for changes in run::split(changes, kind)? {
            let sealing = Sealing {
                space,
                doc,
                kind,
                device: identity.device,
                epoch: identity.epoch,
                replaces: Vec::new(),
                sealed_at_ms: now_ms,
                offset_ms: Some(0),
            };
            let sealed = run::seal(sealing, &changes, &identity.key)?;
            let reached = self.pass(
                &mut merger,
                &envelope::encode(&sealed.envelope),
                space,
                now_ms,
            )?;
            let fed = matches!(reached, Verdict::Fed(_));
            verdict = Some(reached);
            if !fed {
                // What it would write next must not claim the same sequence numbers.
                self.take_new_epoch(member, &identity)?;
                break;
            }
        }
        drop(merger);
        self.grew(space);
        self.listeners.tell([Topic::Space(space)]);
        self.follow()?;
        Ok(verdict)
    }

    fn check(
        &self,
        member: MemberId,
        space: SpaceId,
        doc: DocId,
        kind: Kind,
        now_ms: i64,
    ) -> Result<(), OfficeWriteError> {
        let (grants, document) = self
            .commits
            .read(|store| Ok((store.grants(member, space)?, store.document(doc)?)))?;
        if rights::judge(&grants, None, now_ms, now_ms) != Judgement::Allowed {
            return Err(OfficeWriteError::NotAllowed);
        }
        match document {
            Some(row)
                if row.space != space || row.kind != kind.number() || row.erased_ms.is_some() =>
            {
                Err(OfficeWriteError::NotHere)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Accepts and merges one envelope of the server's own.
    fn pass(
        &self,
        merger: &mut Merger,
        bytes: &[u8],
        space: SpaceId,
        now_ms: i64,
    ) -> Result<Verdict, OfficeWriteError> {
        let sound = self
            .commits
            .read(|store| accept::examine(store, &mut Known::default(), bytes))??;
        let (id, bearer) = (sound.id(), sound.header().device);
        let arrival = Arrival {
            instance: None,
            now_ms,
            offset_ms: 0,
        };
        let verdict = self
            .commits
            .write(move |store| sound.take(store, &mut Known::default(), arrival, bearer))?;
        if verdict != Verdict::Waiting {
            return Ok(verdict);
        }
        while merger
            .step_in(&self.commits, &self.keys, &*self.env, space)?
            .decided
            > 0
        {}
        Ok(self.state_of(id)?.map_or(Verdict::Waiting, Verdict::from))
    }

    fn identity(&self, member: MemberId, now_ms: i64) -> Result<Identity, StoreError> {
        if let Some((device, epoch)) = self.commits.read(|store| store.office_identity(member))? {
            return Ok(Identity {
                device,
                epoch,
                key: self.keys.office_key(device),
            });
        }
        let device = self.keys.office_device(member);
        let (key, epoch) = self.keep_identity(member, device, now_ms)?;
        Ok(Identity { device, epoch, key })
    }

    fn keep_identity(
        &self,
        member: MemberId,
        device: DeviceId,
        now_ms: i64,
    ) -> Result<(SigningKey, Epoch), StoreError> {
        let key = self.keys.office_key(device);
        let mut epoch = [0; 8];
        self.env.fill(&mut epoch);
        let new = NewDevice {
            id: device,
            member,
            key: key.verifying_key().to_bytes(),
            token_hash: None,
            name: String::new(),
            instance: None,
            office: true,
            enrolled_ms: now_ms,
        };
        self.commits.write(move |store| {
            // The ledger may have told of the device, where the database has gone back without it.
            if store.device(device)?.is_none() {
                store.insert_device(&new)?;
            }
            store.put_office_identity(member, device, &epoch)
        })?;
        self.settle_ledger()?;
        Ok((key, epoch))
    }

    /// Keeps again the identities this relay has signed with and does not know: it has come back from a backup
    /// that is older, with a ledger that is, too. Nobody else could make again what was written at the office.
    pub(super) fn know_own_again<'a>(
        &self,
        envelopes: impl Iterator<Item = &'a Envelope>,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let mut strangers = BTreeSet::new();
        for envelope in envelopes {
            let Some(header) = envelope::decode::<Header>(&envelope.header) else {
                continue;
            };
            let device = header.device;
            let unknown = |store: &mut dyn RelayStore| Ok(store.device(device)?.is_none());
            if strangers.contains(&device) || !self.commits.read(unknown)? {
                continue;
            }
            let key = self.keys.office_key(device).verifying_key();
            let proof = envelope.proof(&Limits::RELAY);
            if proof.is_some_and(|proof| proof.verify(&key)) {
                strangers.insert(device);
            }
        }
        if strangers.is_empty() {
            return Ok(());
        }
        for member in self.commits.read(|store| store.members())? {
            let device = self.keys.office_device(member);
            if strangers.contains(&device) {
                self.keep_identity(member, device, now_ms)?;
            }
        }
        Ok(())
    }

    fn take_new_epoch(&self, member: MemberId, identity: &Identity) -> Result<(), StoreError> {
        let device = identity.device;
        let mut epoch = [0; 8];
        self.env.fill(&mut epoch);
        self.commits
            .write(move |store| store.put_office_identity(member, device, &epoch))
    }
}
