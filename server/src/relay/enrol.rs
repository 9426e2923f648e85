//! Enrolment: an invite and a new public key become a device with a token.

use ed25519_dalek::{Signature, VerifyingKey};
use sopu_core::id::DeviceId;
use sopu_core::wire::{EnrolRequest, EnrolResponse, PROTOCOL};

use super::Relay;
use crate::api::Problem;
use crate::credentials::{invite_hash, mint_token, token_hash};
use crate::store::{NewDevice, RelayStore, Result};

impl Relay {
    /// Enrols a device. The same request sent again because the answer was lost is `invite_used`:
    /// the token was told only once, so it takes a new invite, with the same key.
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
        let token = mint_token(&*self.env);
        let new = Enrolment {
            code: invite_hash(&request.code),
            device,
            key: request.key,
            token: token_hash(&token),
            name: request
                .name
                .chars()
                .filter(|c| !c.is_control())
                .take(80)
                .collect(),
            instance: request.instance,
            now_ms,
        };
        let invite = self.commits.write(move |store| new.carry_out(store))??;
        self.settle_ledger()?;
        self.tell_spaces_of(invite.member)?;
        Ok(EnrolResponse {
            device,
            token,
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
    code: [u8; 32],
    device: DeviceId,
    key: [u8; 32],
    token: [u8; 32],
    name: String,
    instance: [u8; 16],
    now_ms: i64,
}

impl Enrolment {
    fn carry_out(
        self,
        store: &mut dyn RelayStore,
    ) -> Result<std::result::Result<crate::store::InviteRow, Problem>> {
        let Some(invite) = store.invite(&self.code)? else {
            return Ok(Err(Problem::InviteUnknown));
        };
        if invite.used_ms.is_some() {
            return Ok(Err(Problem::InviteUsed));
        }
        if invite.expires_ms <= self.now_ms {
            return Ok(Err(Problem::InviteExpired));
        }
        // The same person may enrol the same installation again: a new id, a new token.
        if store.is_key_of_another(&self.key, invite.member)? {
            return Ok(Err(Problem::KeyTaken));
        }
        store.insert_device(&NewDevice {
            id: self.device,
            member: invite.member,
            key: self.key,
            token_hash: Some(self.token),
            name: self.name,
            instance: Some(self.instance),
            office: false,
            enrolled_ms: self.now_ms,
        })?;
        store.use_invite(&self.code, self.device, self.now_ms)?;
        Ok(Ok(invite))
    }
}
