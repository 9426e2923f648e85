//! Entries of a space: what everyone in it gets in the same order.

use minicbor::{Decode, Encode};

use super::cursor::Cursor;
use super::notice::SignedNotice;
use crate::envelope::{Envelope, Proof};
use crate::id::{DeviceId, DocId, EnvelopeId, MemberId};

/// Entries of one space. Applies only if the device still stands at `from`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SpacePage {
    /// Where the page starts; `None` for a space the device has nothing of.
    #[n(0)]
    pub from: Option<Cursor>,
    /// Where the device stands after it.
    #[n(1)]
    pub to: Cursor,
    /// The space's people and their devices' keys, when they changed since `from`.
    #[n(2)]
    pub roster: Option<Vec<RosterRow>>,
    /// Feed entries, gap-free from `from.seq + 1`.
    #[n(3)]
    pub entries: Vec<Entry>,
    /// First sync: whole documents.
    #[n(4)]
    pub packs: Vec<Pack>,
    /// First sync: signatures of entries, by seq.
    #[n(5)]
    pub proofs: Vec<FeedProof>,
    /// Names the generation this one follows and where that was cut, when the generation is new to
    /// the device.
    #[n(6)]
    pub cut: Option<Cut>,
}

/// Where a generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Cut {
    /// The generation that ended.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub generation: [u8; 16],
    /// Its last seq that the new one shares.
    #[n(1)]
    pub seq: u64,
    /// The running hash of the relay's feed there. A device that has another there shares nothing:
    /// the relay had lost more than it knew of, and put other entries in its place.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub hash: [u8; 32],
}

/// One device of one person in a space. Rows of people who left stay, so that old signatures can
/// be checked.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct RosterRow {
    /// The device.
    #[n(0)]
    pub device: DeviceId,
    /// Its Ed25519 public key.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub key: [u8; 32],
    /// Whose it is.
    #[n(2)]
    pub member: MemberId,
    /// The person's name.
    #[n(3)]
    pub name: String,
    /// `owner`, `office`, `field`, `reader`; empty when the person has left.
    #[n(4)]
    pub role: String,
    /// An identity the server keeps for an office member: vouched by the server, never a device
    /// signature.
    #[n(5)]
    pub office: bool,
}

/// One entry of a feed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Entry {
    /// Someone else's envelope.
    #[n(0)]
    Envelope {
        /// Its place.
        #[n(0)]
        seq: u64,
        /// The whole of it.
        #[n(1)]
        envelope: Envelope,
        /// Relay clock when it arrived.
        #[n(2)]
        received_ms: i64,
        /// Proof that this relay accepted it, keyed by the relay's secret.
        #[cbor(n(3), with = "minicbor::bytes")]
        accept: [u8; 16],
    },
    /// The device's own envelope, which it has.
    #[n(1)]
    Own {
        /// Its place.
        #[n(0)]
        seq: u64,
        /// Which.
        #[n(1)]
        id: EnvelopeId,
        /// Relay clock when it arrived.
        #[n(2)]
        received_ms: i64,
        /// Proof that this relay accepted it.
        #[cbor(n(3), with = "minicbor::bytes")]
        accept: [u8; 16],
    },
    /// Something the relay itself says.
    #[n(2)]
    Notice {
        /// Its place.
        #[n(0)]
        seq: u64,
        /// Signed by the relay key.
        #[n(1)]
        notice: SignedNotice,
        /// Proof that this relay accepted it.
        #[cbor(n(2), with = "minicbor::bytes")]
        accept: [u8; 16],
    },
    /// The payload was erased; header and place survive.
    #[n(3)]
    Erased {
        /// Its place.
        #[n(0)]
        seq: u64,
        /// The signed header.
        #[n(1)]
        proof: Proof,
    },
}

impl Entry {
    /// Its place in the feed.
    pub fn seq(&self) -> u64 {
        match self {
            Entry::Envelope { seq, .. }
            | Entry::Own { seq, .. }
            | Entry::Notice { seq, .. }
            | Entry::Erased { seq, .. } => *seq,
        }
    }
}

/// A document in a first sync, as of the fixed seq: the whole of it, or if that is too large for
/// one page the next part.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Pack {
    /// The document.
    #[n(0)]
    pub doc: DocId,
    /// [`crate::documents::Kind::number`].
    #[n(1)]
    pub kind: u8,
    /// Seq of the last entry in it.
    #[n(2)]
    pub last_seq: u64,
    /// Its changes in feed order, in the compact form of `encoding.rs`.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub changes: Vec<u8>,
    /// How many changes each entry brought, in feed order: joins the changes to the proofs.
    #[n(4)]
    pub counts: Vec<u32>,
    /// How many entries of the document came in parts before this one.
    #[n(5)]
    #[cbor(default)]
    pub before: u32,
}

/// The signature of one entry in a first sync. The digest is left out: the device has the changes.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct FeedProof {
    /// The entry's place.
    #[n(0)]
    pub seq: u64,
    /// The header bytes, or the notice body.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub header: Vec<u8>,
    /// The signature over it.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub signature: [u8; 64],
    /// Proof that this relay accepted it.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub accept: [u8; 16],
    /// Relay clock when it arrived.
    #[n(4)]
    pub received_ms: i64,
    /// Set for a notice (the signature is the relay's) and for an erased entry (then the digest is
    /// here).
    #[n(5)]
    pub special: Option<ProofSpecial>,
}

/// Entries of a first sync that are not plain envelopes.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum ProofSpecial {
    /// A notice; `header` is its body.
    #[n(0)]
    Notice,
    /// An erased envelope with its digest.
    #[n(1)]
    Erased(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]),
}
