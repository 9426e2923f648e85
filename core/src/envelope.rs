//! Envelopes: a run plus its header, signed once by the device. An envelope proves its author
//! whoever carries it.
//!
//! What is signed is the header and the SHA-256 of all change hashes in order; the id is the
//! SHA-256 of the signed bytes. On the wire the digest is left out: the receiver rebuilds the
//! changes, hashes them and so finds the digest by itself ([`Envelope::open`]). Where the payload
//! is gone (erased) or not here yet, the digest travels instead ([`Proof`]).

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

use crate::documents::Kind;
use crate::id::{DeviceId, DocId, EnvelopeId, Hash, SpaceId};
use crate::wire::body;

/// Random bytes that give a device a new actor: taken at enrolment and again at every rebuild.
pub type Epoch = [u8; 8];

/// What an envelope says about its run.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Header {
    /// Where it belongs.
    #[n(0)]
    pub space: SpaceId,
    /// The document all its changes are of.
    #[n(1)]
    pub doc: DocId,
    /// [`Kind::number`] of the document.
    #[n(2)]
    pub kind: u8,
    /// Who signed.
    #[n(3)]
    pub device: DeviceId,
    /// With the device key and the space it gives the actor, see [`actor_id`].
    #[cbor(n(4), with = "minicbor::bytes")]
    pub epoch: Epoch,
    /// For each of the device's actors in the run, by level: its first and last seq.
    #[n(5)]
    pub actors: Vec<ActorSpan>,
    /// Changes outside the run that it depends on, sorted; never genesis.
    #[n(6)]
    pub deps: Vec<Hash>,
    /// Envelopes this one replays, and the names of the changes it makes again
    /// ([`EnvelopeId::of_change`]).
    #[n(7)]
    pub replaces: Vec<EnvelopeId>,
    /// How many changes the run holds.
    #[n(8)]
    pub changes: u32,
    /// Device clock when sealed, milliseconds since 1970 UTC. Evidence, never a judge of order.
    #[n(9)]
    pub sealed_at_ms: i64,
    /// Relay clock minus device clock as the device last measured it.
    #[n(10)]
    pub offset_ms: Option<i64>,
    /// Device clock when the last of the changes was saved, if that was a minute or more before sealing:
    /// work of hours without a network belongs to those hours. Evidence too.
    #[n(11)]
    pub saved_at_ms: Option<i64>,
}

impl Header {
    /// When the work in it was done, on the relay's clock: by the offset the device measured, or else the
    /// given one.
    pub fn done_ms(&self, offset_ms: i64) -> i64 {
        let saved_ms = self.saved_at_ms.unwrap_or(self.sealed_at_ms);
        // Nobody saves after sealing.
        let saved_ms = saved_ms.min(self.sealed_at_ms);
        saved_ms.saturating_add(self.offset_ms.unwrap_or(offset_ms))
    }

    /// The kind, if this version of Sopu knows it.
    pub fn kind(&self) -> Option<Kind> {
        Kind::from_number(self.kind)
    }

    /// The bytes that stand for the header everywhere: signed, sent, stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(self)
    }
}

/// The changes of one actor in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ActorSpan {
    /// 0 is the device's base actor; above, the actor Automerge derived for a concurrent save.
    #[n(0)]
    pub level: u8,
    /// First sequence number of this actor in the run.
    #[n(1)]
    pub first_seq: u64,
    /// Last sequence number; every one between is in the run.
    #[n(2)]
    pub last_seq: u64,
}

/// An envelope as it travels and rests: the exact header bytes, the signature, the encoded run.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Envelope {
    /// [`Header::to_bytes`] as the signer wrote them.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub header: Vec<u8>,
    /// Ed25519 over [`signed_bytes`].
    #[cbor(n(1), with = "minicbor::bytes")]
    pub signature: [u8; 64],
    /// The run in its compact form (`encoding.rs`).
    #[cbor(n(2), with = "minicbor::bytes")]
    pub run: Vec<u8>,
}

/// A signed header without its payload: proves that these hashes, in this order, are the signer's.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Proof {
    /// [`Header::to_bytes`] as the signer wrote them.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub header: Vec<u8>,
    /// Ed25519 over [`signed_bytes`].
    #[cbor(n(1), with = "minicbor::bytes")]
    pub signature: [u8; 64],
    /// SHA-256 of all change hashes in order.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub digest: [u8; 32],
}

impl Proof {
    /// The envelope's id.
    pub fn id(&self) -> EnvelopeId {
        EnvelopeId(Sha256::digest(signed_bytes(&self.header, &self.digest)).into())
    }

    /// The parsed header; `None` if it is not one.
    pub fn header(&self) -> Option<Header> {
        decode(&self.header)
    }

    /// Whether this key made the signature.
    pub fn verify(&self, key: &VerifyingKey) -> bool {
        key.verify_strict(
            &signed_bytes(&self.header, &self.digest),
            &Signature::from_bytes(&self.signature),
        )
        .is_ok()
    }
}

/// Signs a header over the hashes of its run, in order.
pub fn sign(header: &Header, hashes: &[Hash], key: &SigningKey) -> Proof {
    let bytes = header.to_bytes();
    let digest = digest(hashes);
    let signature = key.sign(&signed_bytes(&bytes, &digest)).to_bytes();
    Proof {
        header: bytes,
        signature,
        digest,
    }
}

/// SHA-256 of the change hashes, one after another.
pub fn digest(hashes: &[Hash]) -> [u8; 32] {
    let mut sha = Sha256::new();
    for hash in hashes {
        sha.update(hash.0);
    }
    sha.finalize().into()
}

/// What the device signs: a domain word, the header with its length, the digest.
pub fn signed_bytes(header: &[u8], digest: &[u8; 32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(header.len() + 64);
    bytes.extend_from_slice(b"sopu-envelope-1");
    bytes.extend_from_slice(
        &u32::try_from(header.len())
            .unwrap_or(u32::MAX)
            .to_be_bytes(),
    );
    bytes.extend_from_slice(header);
    bytes.extend_from_slice(digest);
    bytes
}

/// The 16-byte actor a device writes under in a space, during one epoch.
pub fn actor_id(device_key: &VerifyingKey, space: SpaceId, epoch: &Epoch) -> [u8; 16] {
    let mut sha = Sha256::new();
    sha.update(b"sopu-actor-1");
    sha.update(device_key.as_bytes());
    sha.update(space.as_bytes());
    sha.update(epoch);
    let hash: [u8; 32] = sha.finalize().into();
    let mut actor = [0u8; 16];
    actor.copy_from_slice(&hash[..16]);
    actor
}

/// Running hash of a feed: h(n) = SHA-256(h(n-1) ‖ id(n)); h(0) is 32 zero bytes.
pub fn feed_hash(previous: &[u8; 32], id: &EnvelopeId) -> [u8; 32] {
    let mut sha = Sha256::new();
    sha.update(previous);
    sha.update(id.0);
    sha.finalize().into()
}

/// Any wire type to its CBOR bytes.
pub fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    // Writing to a Vec cannot fail and the derived encoders have no error of their own.
    minicbor::to_vec(value).unwrap_or_default()
}

/// Any wire type from exactly these CBOR bytes: nothing may follow, and encoding it again must
/// give the same bytes, so that one meaning has one form.
pub fn decode<T: Encode<()> + for<'b> Decode<'b, ()>>(bytes: &[u8]) -> Option<T> {
    let value: T = body::parse(bytes).ok()?;
    (encode(&value) == bytes).then_some(value)
}
