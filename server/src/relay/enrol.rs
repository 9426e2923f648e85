//! Enrolment: an invite and a new public key become a device with a token.

use ed25519_dalek::{Signature, VerifyingKey};
use sopu_core::id::DeviceId;
use sopu_core::wire::{EnrolRequest, EnrolResponse, PROTOCOL};

use super::Relay;
use crate::api::Problem;
use crate::credentials::{invite_hash, token_hash};
use crate::keys::RelayKeys;
use crate::store::{DeviceRow, InviteRow, NewDevice, RelayStore, Result};

impl Relay {
    /// Enrols a device. An invite works once, but whoever lost the answer (no signal, a flat battery)
    /// may ask again with the same key while the invite holds and nothing of it was used. The same
    /// installation is answered the same: a request that the network brings twice must not take the
    /// first one's token away. Another installation gets another id and token, and those told before
    /// are good for nothing any more.
    ///
    /// # Errors
    /// `protocol_unknown`, `signature_wrong`, `invite_unknown`, `invite_used`, `invite_expired`,
    /// `key_taken`, `unavailable`. After each nothing has changed.
    pub fn enrol(&self, request: &EnrolRequest) -> std::result::Result<EnrolResponse, Problem> {
        if request.protocol != PROTOCOL {
            return Err(Problem::ProtocolUnknown);
        }
        let key = VerifyingKey::from_bytes(&request.key).map_err(|_| Problem::SignatureWrong)?;
        let signature = Signature::from_bytes(&request.signature);
        key.verify_strict(&EnrolRequest::signed_bytes(&request.code), &signature)
            .map_err(|_| Problem::SignatureWrong)?;
        let (now_ms, device) = (self.env.now_ms(), DeviceId::mint(&*self.env));
        let new = Enrolment {
            keys: self.keys.clone(),
            code: invite_hash(&request.code),
            signature: request.signature,
            device,
            key: request.key,
            name: request
                .name
                .chars()
                .filter(|c| !c.is_control())
                .take(80)
                .collect(),
            instance: request.instance,
            now_ms,
        };
        let (invite, device) = self.commits.write(move |store| new.carry_out(store))??;
        self.settle_ledger()?;
        self.tell_spaces_of(invite.member)?;
        Ok(EnrolResponse {
            device,
            token: self.keys.device_token(&request.signature, device),
            member: invite.member,
            member_name: invite.member_name,
            org: invite.org,
            org_name: invite.org_name,
            relay_key: self.keys.public(),
            now_ms,
        })
    }
}

struct Enrolment {
    keys: RelayKeys,
    code: [u8; 32],
    signature: [u8; 64],
    /// What it is to be called, if it is not enrolled already.
    device: DeviceId,
    key: [u8; 32],
    name: String,
    instance: [u8; 16],
    now_ms: i64,
}

impl Enrolment {
    fn carry_out(
        self,
        store: &mut dyn RelayStore,
    ) -> Result<std::result::Result<(InviteRow, DeviceId), Problem>> {
        let Some(invite) = store.invite(&self.code)? else {
            return Ok(Err(Problem::InviteUnknown));
        };
        let unheard = self.never_heard(store, &invite)?;
        if invite.used_ms.is_some() && unheard.is_none() {
            return Ok(Err(Problem::InviteUsed));
        }
        if invite.expires_ms <= self.now_ms {
            return Ok(Err(Problem::InviteExpired));
        }
        // The same person may enrol the same installation again: a new id, a new token.
        if store.is_key_of_another(&self.key, invite.member)? {
            return Ok(Err(Problem::KeyTaken));
        }
        if let Some(unheard) = unheard {
            if unheard.instance == Some(self.instance) && self.tells_again(store, unheard.id)? {
                return Ok(Ok((invite, unheard.id)));
            }
            // One invite, one device: the token that got lost on its way opens nothing any more.
            store.set_revoked(unheard.id, self.now_ms)?;
        }
        let token = self.token_of(self.device);
        store.insert_device(&NewDevice {
            id: self.device,
            member: invite.member,
            key: self.key,
            token_hash: Some(token),
            name: self.name,
            instance: Some(self.instance),
            office: false,
            enrolled_ms: self.now_ms,
        })?;
        store.use_invite(&self.code, self.device, self.now_ms)?;
        let device = self.device;
        Ok(Ok((invite, device)))
    }

    /// What is kept of the token that this request gives a device.
    fn token_of(&self, device: DeviceId) -> [u8; 32] {
        token_hash(&self.keys.device_token(&self.signature, device))
    }

    /// Whether the token that would be told is the one that opens (an older version drew them by lot).
    fn tells_again(&self, store: &mut dyn RelayStore, device: DeviceId) -> Result<bool> {
        let row = store.device_by_token(&self.token_of(device))?;
        Ok(row.is_some_and(|row| row.id == device))
    }

    /// The device that this very key became by the invite, if what it was answered has never been used.
    fn never_heard(
        &self,
        store: &mut dyn RelayStore,
        invite: &InviteRow,
    ) -> Result<Option<DeviceRow>> {
        let Some(id) = invite.used_by else {
            return Ok(None);
        };
        Ok(store.device(id)?.filter(|device| {
            device.key == self.key && device.last_seen_ms.is_none() && device.revoked_ms.is_none()
        }))
    }
}
