//! Envelopes: header, run, static guard, signature, and the proof without the payload.

use ed25519_dalek::VerifyingKey;
use sopu_core::documents::Kind;
use sopu_core::envelope::{Envelope, Header, Proof, actor_id, decode, encode};
use sopu_core::guard::Limits;
use sopu_core::id::{DeviceId, DocId};
use sopu_core::run::{Sealing, open, seal};
use sopu_core::testing::honest::{EPOCH, SPACE, key, world};
use sopu_core::wire::{Notice, SignedNotice, body};
use uuid::Uuid;

/// The bytes of an envelope, of a proof, of a notice.
pub fn run(data: &[u8]) {
    if let Some(envelope) = decode::<Envelope>(data) {
        assert_eq!(encode(&envelope), data);
        judge(&envelope);
    } else if let Ok(envelope) = body::parse::<Envelope>(data) {
        judge(&envelope);
    }
    if let Some(proof) = decode::<Proof>(data) {
        assert_eq!(encode(&proof), data);
        proof.verify(&signer());
        if let Some(header) = proof.header() {
            assert_eq!(header.to_bytes(), proof.header);
        }
    }
    if let Some(signed) = decode::<SignedNotice>(data) {
        signed.id();
        decode::<Notice>(&signed.body);
    }
}

fn signer() -> VerifyingKey {
    key(1).verifying_key()
}

fn judge(envelope: &Envelope) {
    if let Some(header) = decode::<Header>(&envelope.header) {
        assert_eq!(header.to_bytes(), envelope.header);
    }
    let Ok(opened) = open(envelope, &Limits::RELAY) else {
        return;
    };
    assert_eq!(open(envelope, &Limits::DEVICE).as_ref(), Ok(&opened));
    assert_eq!(opened.changes.len(), opened.checked.len());
    let own = opened.base_actor == actor_id(&signer(), opened.header.space, &opened.header.epoch);
    if opened.proof.verify(&signer()) && own {
        // Only its signer could have made it: what it says is what it was sealed from.
        assert_eq!(opened.header.space, SPACE);
    }
}

/// Envelopes, proofs and a notice as they travel.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (kind, number) in Kind::ALL.into_iter().zip(1..) {
        let own = world(kind, 2, 20, number)[0].own_changes();
        for run in own.chunks(5) {
            let sealing = Sealing {
                space: SPACE,
                doc: DocId(Uuid::from_u128(number.into())),
                kind,
                device: DeviceId(Uuid::from_u128(1)),
                epoch: EPOCH,
                replaces: vec![],
                sealed_at_ms: 1_767_225_600_000,
                offset_ms: (number % 2 == 0).then_some(-12),
            };
            let Ok(sealed) = seal(sealing, run, &key(1)) else {
                continue;
            };
            seeds.push(encode(&sealed.envelope));
            seeds.push(encode(&sealed.proof));
        }
    }
    seeds
}
