//! How far a device has come.

use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

use crate::id::SpaceId;

/// How far a device has come, in as few bytes as the relay's memory allows.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Cursors {
    /// [`token`] of the sorted cursor vector.
    #[n(0)]
    Token(#[cbor(n(0), with = "minicbor::bytes")] [u8; 16]),
    /// The vector itself, sorted by space; empty on the first sync.
    #[n(1)]
    Vector(#[n(0)] Vec<Cursor>),
}

/// How far a device has come in one space.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Cursor {
    /// The space.
    #[n(0)]
    pub space: SpaceId,
    /// Random id of the feed's present life; changes when a relay comes back from a backup.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub generation: [u8; 16],
    /// The last entry applied; 0 before the first.
    #[n(2)]
    pub seq: u64,
    /// The relay's keyed tag over space, generation, seq and running hash.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub tag: [u8; 8],
    /// The last roster applied ([`SpacePage::roster`](super::SpacePage::roster)).
    #[n(4)]
    pub roster: u64,
    /// Where a first sync stands; `None` when it is complete.
    #[n(5)]
    pub first: Option<FirstSync>,
}

/// A first sync ships whole documents as of a fixed seq, newest first, then the signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum FirstSync {
    /// Documents whose last entry is at or above `below` are here.
    #[n(0)]
    Documents {
        /// The fixed seq.
        #[n(0)]
        at: u64,
        /// Documents whose last entry lies below this are still to come.
        #[n(1)]
        below: u64,
        /// Of the next of them, a large one, entries up to this seq are here.
        #[n(2)]
        within: Option<u64>,
    },
    /// All documents are here; signatures of entries above `above` are still to come.
    #[n(1)]
    Proofs {
        /// The fixed seq.
        #[n(0)]
        at: u64,
        /// The last entry whose signature is here.
        #[n(1)]
        above: u64,
    },
}

/// The 16-byte token of a cursor vector: what a device in 80 spaces sends instead of 80 cursors.
/// The vector must be sorted by space.
pub fn token(vector: &[Cursor]) -> [u8; 16] {
    let mut sha = Sha256::new();
    sha.update(b"sopu-cursors-1");
    for cursor in vector {
        sha.update(crate::envelope::encode(cursor));
    }
    let hash: [u8; 32] = sha.finalize().into();
    let mut token = [0u8; 16];
    token.copy_from_slice(&hash[..16]);
    token
}
