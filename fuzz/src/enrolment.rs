//! Enrolment, the one request anybody may send, and its answer.

use ed25519_dalek::{Signature, Signer, VerifyingKey};
use sopu_core::envelope::{decode, encode};
use sopu_core::id::{DeviceId, MemberId, OrgId};
use sopu_core::testing::honest::key;
use sopu_core::wire::{EnrolRequest, EnrolResponse, PROTOCOL, body};
use uuid::Uuid;

/// The relay's limit for a stranger's body.
const MOST: usize = 16 * 1024;

/// First byte: bit 0 says whether the rest is compressed.
pub fn run(data: &[u8]) {
    let [flags, data @ ..] = data else {
        return;
    };
    if let Ok(request) = body::read::<EnrolRequest>(data, flags & 1 == 1, MOST) {
        assert_eq!(body::parse(&encode(&request)).as_ref(), Ok(&request));
        if let Ok(key) = VerifyingKey::from_bytes(&request.key) {
            let signature = Signature::from_bytes(&request.signature);
            let bytes = EnrolRequest::signed_bytes(&request.code);
            let _ = key.verify_strict(&bytes, &signature);
        }
    }
    if let Some(response) = decode::<EnrolResponse>(data) {
        assert_eq!(encode(&response), data);
    }
}

/// A request, plain and compressed, and an answer.
pub fn seeds() -> Vec<Vec<u8>> {
    let key = key(1);
    let code = "ABCD-EFGH-JKLM".to_owned();
    let request = EnrolRequest {
        protocol: PROTOCOL,
        key: key.verifying_key().to_bytes(),
        signature: key.sign(&EnrolRequest::signed_bytes(&code)).to_bytes(),
        code,
        name: "Marian puhelin".into(),
        instance: [1; 16],
        now_ms: 1_767_225_600_000,
    };
    let response = EnrolResponse {
        device: DeviceId(Uuid::from_u128(1)),
        token: "secret".into(),
        member: MemberId(Uuid::from_u128(2)),
        member_name: "Maria".into(),
        org: OrgId(Uuid::from_u128(3)),
        org_name: "Hoiva Oy".into(),
        relay_key: [4; 32],
        now_ms: 5,
    };
    let plain = encode(&request);
    let packed = zstd::stream::encode_all(&plain[..], 3).expect("packs");
    let packed_whole = zstd::bulk::compress(&plain, 3).expect("packs");
    vec![
        [&[0], &plain[..]].concat(),
        [&[1], &packed[..]].concat(),
        [&[1], &packed_whole[..]].concat(),
        [&[0], &encode(&response)[..]].concat(),
    ]
}
