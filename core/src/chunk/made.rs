//! A change made from its parts, with its hash, which need not be found again.

use super::{Chunk, hash};
use crate::guard::Refusal;
use crate::id::Hash;

/// The bytes of a change chunk, and the hash found while they were made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    bytes: Vec<u8>,
    hash: Hash,
}

impl Made {
    /// From a whole chunk, but for its checksum.
    pub(super) fn of(mut bytes: Vec<u8>) -> Self {
        let hash = hash(&bytes);
        bytes[4..8].copy_from_slice(&hash.0[..4]);
        Self { bytes, hash }
    }

    /// The chunk.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The chunk.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// SHA-256 over chunk type, body length and body.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// Takes it apart, with the same outcome as [`Chunk::parse`], without hashing it again.
    ///
    /// # Errors
    /// As [`Chunk::parse`].
    pub fn chunk(&self) -> Result<Chunk<'_>, Refusal> {
        let (_, body) = Chunk::take_apart(&self.bytes)?;
        Chunk::parse_body(body)
    }
}
