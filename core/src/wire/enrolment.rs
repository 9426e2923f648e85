//! How a device becomes known.

use minicbor::{Decode, Encode};

use crate::id::{DeviceId, MemberId, OrgId};

/// What a device sends to enrol.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct EnrolRequest {
    /// [`PROTOCOL`](super::PROTOCOL).
    #[n(0)]
    pub protocol: u16,
    /// The invite code as typed; spaces, hyphens and case do not matter.
    #[n(1)]
    pub code: String,
    /// The device's new Ed25519 public key.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub key: [u8; 32],
    /// Ed25519 by that key over `sopu-enrol-1` ‖ code: the sender holds the private half.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub signature: [u8; 64],
    /// Name for people, "Marian puhelin".
    #[n(4)]
    pub name: String,
    /// The id from the instance file.
    #[cbor(n(5), with = "minicbor::bytes")]
    pub instance: [u8; 16],
    /// Device clock.
    #[n(6)]
    pub now_ms: i64,
}

impl EnrolRequest {
    /// What the device key signs.
    pub fn signed_bytes(code: &str) -> Vec<u8> {
        let mut bytes = b"sopu-enrol-1".to_vec();
        bytes.extend_from_slice(code.as_bytes());
        bytes
    }
}

/// What an enrolled device gets. Its spaces come with the first sync.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct EnrolResponse {
    /// The device's id.
    #[n(0)]
    pub device: DeviceId,
    /// The bearer token; the relay keeps only its hash.
    #[n(1)]
    pub token: String,
    /// Whose device it is.
    #[n(2)]
    pub member: MemberId,
    /// The person's name.
    #[n(3)]
    pub member_name: String,
    /// The organisation that invited.
    #[n(4)]
    pub org: OrgId,
    /// Its name.
    #[n(5)]
    pub org_name: String,
    /// The relay's Ed25519 key, which signs notices.
    #[cbor(n(6), with = "minicbor::bytes")]
    pub relay_key: [u8; 32],
    /// Relay clock.
    #[n(7)]
    pub now_ms: i64,
}
