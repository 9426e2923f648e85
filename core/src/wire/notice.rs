//! What the relay itself says in a feed.

use minicbor::{Decode, Encode};
use sha2::{Digest, Sha256};

use crate::id::{DocId, EnvelopeId, SpaceId};

/// A notice with the relay's signature over `sopu-notice-1` ‖ body.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SignedNotice {
    /// CBOR of a [`Notice`].
    #[cbor(n(0), with = "minicbor::bytes")]
    pub body: Vec<u8>,
    /// Ed25519 by the relay key.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub signature: [u8; 64],
}

impl SignedNotice {
    /// What the relay key signs.
    pub fn signed_bytes(body: &[u8]) -> Vec<u8> {
        let mut bytes = b"sopu-notice-1".to_vec();
        bytes.extend_from_slice(body);
        bytes
    }

    /// Its id in the feed: SHA-256 of the signed bytes.
    pub fn id(&self) -> EnvelopeId {
        EnvelopeId(Sha256::digest(Self::signed_bytes(&self.body)).into())
    }
}

/// What the relay says in a feed: server-issued values are never document fields.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Notice {
    /// The space it belongs to, so that a notice cannot be moved.
    #[n(0)]
    pub space: SpaceId,
    /// About which document.
    #[n(1)]
    pub doc: DocId,
    /// Relay clock.
    #[n(2)]
    pub at_ms: i64,
    /// What.
    #[n(3)]
    pub what: NoticeKind,
}

/// The things a relay says.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum NoticeKind {
    /// The contract's number, `SO-YYYY-NNNNN`, unique in the organisation.
    #[n(0)]
    ContractNumber(#[n(0)] String),
    /// The retention class code.
    #[n(1)]
    Retention(#[n(0)] String),
    /// Legal hold set or lifted: what counts, see [`crate::store::hold`].
    #[n(2)]
    LegalHold(#[n(0)] bool),
    /// The document was erased, for this reason code.
    #[n(3)]
    Erased(#[n(0)] String),
}
