//! What only this relay can make: tags on cursors and on accepted entries, signatures under
//! notices, and the keys of the identities it keeps for office members.

use ed25519_dalek::{Signer, SigningKey, Verifier};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use sopu_core::id::{DeviceId, EnvelopeId, MemberId, SpaceId};
use sopu_core::wire::{Notice, SignedNotice};

/// The relay's signing key and its secret. Both live in the ledger, never in the database.
#[derive(Clone)]
pub struct RelayKeys {
    signing: SigningKey,
    secret: [u8; 32],
}

/// What the relay can tell from a cursor's tag.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TagSays {
    /// Made by this relay over this very feed.
    Same,
    /// Made by this relay, over a feed that was another, or longer, at this seq.
    Beside,
    /// Not made by this relay.
    Forged,
}

impl RelayKeys {
    /// From the 32-byte seed of the signing key and the 32-byte secret.
    pub fn new(seed: &[u8; 32], secret: [u8; 32]) -> Self {
        Self {
            signing: SigningKey::from_bytes(seed),
            secret,
        }
    }

    /// The public half, which devices get when they enrol.
    pub fn public(&self) -> [u8; 32] {
        self.signing.verifying_key().to_bytes()
    }

    /// A cursor's tag: four bytes over space, generation and seq, four more over these and the
    /// running hash. The halves tell a forged cursor from a true one that stands beside the feed
    /// or beyond it, where there is no running hash to compare with.
    pub fn cursor_tag(
        &self,
        space: SpaceId,
        generation: &[u8; 16],
        seq: u64,
        hash: &[u8; 32],
    ) -> [u8; 8] {
        let mut tag = [0; 8];
        let standing = self.standing(space, generation, seq, hash);
        tag[..4].copy_from_slice(&self.place(space, generation, seq, &standing));
        tag[4..].copy_from_slice(&standing);
        tag
    }

    /// What a cursor's tag says, given the running hash here at its seq (`None` beyond the end).
    pub fn judge_tag(
        &self,
        tag: &[u8; 8],
        space: SpaceId,
        generation: &[u8; 16],
        seq: u64,
        hash: Option<&[u8; 32]>,
    ) -> TagSays {
        // The first half vouches for the second too: whoever changes that says of a feed what this
        // relay never said, and must not be taken for one that knows of a loss.
        let (place, standing) = tag.split_at(4);
        if place != self.place(space, generation, seq, standing) {
            return TagSays::Forged;
        }
        match hash {
            Some(hash) if standing == self.standing(space, generation, seq, hash) => TagSays::Same,
            Some(_) | None => TagSays::Beside,
        }
    }

    fn place(&self, space: SpaceId, generation: &[u8; 16], seq: u64, standing: &[u8]) -> [u8; 4] {
        first(&self.mac(&[
            b"sopu-cursor-place-2",
            space.as_bytes(),
            generation,
            &seq.to_be_bytes(),
            standing,
        ]))
    }

    fn standing(
        &self,
        space: SpaceId,
        generation: &[u8; 16],
        seq: u64,
        hash: &[u8; 32],
    ) -> [u8; 4] {
        first(&self.mac(&[
            b"sopu-cursor-hash-1",
            space.as_bytes(),
            generation,
            &seq.to_be_bytes(),
            hash,
        ]))
    }

    /// The id of a space's first generation: no row is needed before there is something to tell.
    pub fn first_generation(&self, space: SpaceId) -> [u8; 16] {
        first(&self.mac(&[b"sopu-generation-1", space.as_bytes()]))
    }

    /// Proof that this relay accepted an entry: over space, id and signer. A notice's signer is
    /// the relay, written as 16 zeros.
    pub fn accept_tag(
        &self,
        space: SpaceId,
        id: &EnvelopeId,
        signer: Option<DeviceId>,
    ) -> [u8; 16] {
        let signer = signer.map_or([0; 16], |device| *device.as_bytes());
        first(&self.mac(&[b"sopu-accept-1", space.as_bytes(), &id.0, &signer]))
    }

    /// The bearer token of a device that asked to be enrolled under this signature, base64url: the same
    /// however often it is told. The signature is kept nowhere, so that neither the ledger's secret nor a
    /// backup is enough to make the token again.
    pub fn device_token(&self, signature: &[u8; 64], device: DeviceId) -> String {
        let token = self.mac(&[b"sopu-device-token-1", signature, device.as_bytes()]);
        data_encoding::BASE64URL_NOPAD.encode(&token)
    }

    /// The signing key of an identity the server keeps. It is made from the ledger's secret each
    /// time, so no database and no backup of one ever holds it.
    pub fn office_key(&self, device: DeviceId) -> SigningKey {
        SigningKey::from_bytes(&self.mac(&[b"sopu-office-device-1", device.as_bytes()]))
    }

    /// The id of the identity the server keeps for a member: always the same, so that a relay which has come
    /// back from a backup older than that identity knows its own work again. A version 7 UUID of the moment
    /// in which the member's was made.
    pub fn office_device(&self, member: MemberId) -> DeviceId {
        let mut millis = [0; 8];
        millis[2..].copy_from_slice(&member.as_bytes()[..6]);
        let rest = first(&self.mac(&[b"sopu-office-id-1", member.as_bytes()]));
        let id = uuid::Builder::from_unix_timestamp_millis(u64::from_be_bytes(millis), &rest);
        DeviceId(id.into_uuid())
    }

    /// What secrets of the office are made from, such as those of second factors.
    pub fn office_secret(&self) -> [u8; 32] {
        self.mac(&[b"sopu-office-1"])
    }

    /// What this server calls itself in merge leases: the same after a restart, so that it need not
    /// wait for its own lease to run out.
    pub fn server_id(&self) -> [u8; 16] {
        first(&self.mac(&[b"sopu-server-1"]))
    }

    /// Signs a notice.
    pub fn sign_notice(&self, notice: &Notice) -> SignedNotice {
        let body = sopu_core::envelope::encode(notice);
        let signature = self
            .signing
            .sign(&SignedNotice::signed_bytes(&body))
            .to_bytes();
        SignedNotice { body, signature }
    }

    /// Whether this relay signed the notice.
    pub fn verify_notice(&self, notice: &SignedNotice) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(&notice.signature);
        let key = self.signing.verifying_key();
        key.verify(&SignedNotice::signed_bytes(&notice.body), &signature)
            .is_ok()
    }

    /// Signs the end of an exported history ([`crate::audit`]), whose bytes begin with its own domain word.
    pub fn sign_audit(&self, bytes: &[u8]) -> [u8; 64] {
        self.signing.sign(bytes).to_bytes()
    }

    fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.secret).expect("any length");
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

/// The first bytes of a tag.
fn first<const N: usize>(tag: &[u8; 32]) -> [u8; N] {
    let mut short = [0; N];
    short.copy_from_slice(&tag[..N]);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_tells_same_beside_and_forged_apart() {
        let keys = RelayKeys::new(&[1; 32], [2; 32]);
        let space = SpaceId(uuid::Uuid::from_bytes([3; 16]));
        let (generation, hash) = ([4; 16], [5; 32]);
        let tag = keys.cursor_tag(space, &generation, 7, &hash);
        assert_eq!(
            keys.judge_tag(&tag, space, &generation, 7, Some(&hash)),
            TagSays::Same
        );
        assert_eq!(
            keys.judge_tag(&tag, space, &generation, 7, Some(&[6; 32])),
            TagSays::Beside
        );
        assert_eq!(
            keys.judge_tag(&tag, space, &generation, 7, None),
            TagSays::Beside
        );
        assert_eq!(
            keys.judge_tag(&tag, space, &generation, 8, None),
            TagSays::Forged
        );
        let other = RelayKeys::new(&[1; 32], [9; 32]);
        assert_eq!(
            other.judge_tag(&tag, space, &generation, 7, Some(&hash)),
            TagSays::Forged
        );
    }

    /// A device that changed a bit of its cursor's tag made the feeds of all spaces begin new lives.
    #[test]
    fn a_cursor_tag_with_any_bit_changed_is_forged_and_tells_of_no_loss() {
        let keys = RelayKeys::new(&[1; 32], [2; 32]);
        let space = SpaceId(uuid::Uuid::from_bytes([3; 16]));
        let (generation, hash) = ([4; 16], [5; 32]);
        let tag = keys.cursor_tag(space, &generation, 7, &hash);
        for bit in 0..64 {
            let mut changed = tag;
            changed[bit / 8] ^= 1 << (bit % 8);
            for here in [Some(&hash), Some(&[6; 32]), None] {
                let says = keys.judge_tag(&changed, space, &generation, 7, here);
                assert_eq!(says, TagSays::Forged, "bit {bit}");
            }
        }
    }
}
