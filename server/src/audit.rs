//! A space's history in a file that anybody can check without the relay: every envelope with the
//! signature of the device that wrote it, the keys, the feed's running hash, and the access log.
//!
//! A line is 64 hexadecimal digits, a space, and a JSON object. The digits are the line's running hash:
//! SHA-256 over the 32 bytes of the line before it (zeros for the first) and the bytes of the object. So
//! a byte that was flipped is found in its line, a line that was taken out, put in or moved in the first
//! one that does not follow. Whoever makes all lines anew has neither the devices' keys, which sign
//! the entries, nor the relay's, which signs the last line.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sopu_core::id::{DeviceId, DocId, MemberId, SpaceId};

use crate::access::log::{Entry, Salt};

mod export;
mod verify;

pub use export::{Exported, export};
pub use verify::{Finding, Verified, verify};

/// The form of these files. Rows of the access log had no salt in form 1, and have one since.
const FORM: u32 = 2;

/// Why a history could not be written out. The words are for the person who asked for it.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// A file could not be read.
    #[error("{0}: {1}")]
    Unreadable(PathBuf, std::io::Error),
    /// What was written to did not take it.
    #[error(transparent)]
    Output(#[from] std::io::Error),
    /// SQLite failed.
    #[error("the database failed: {0}")]
    Database(#[from] rusqlite::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// The ledger cannot be read.
    #[error(transparent)]
    Ledger(#[from] crate::ledger::LedgerError),
    /// The ledger has no keys: the relay was never started.
    #[error("the ledger holds no keys yet; start the relay once")]
    NoKeys,
    /// An entry's envelope is not there.
    #[error("entry {0} of the feed has no envelope; `sopu check` says more")]
    Gap(u64),
}

/// What a line says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Line {
    /// The first: which space's history it is, and whose.
    Audit {
        form: u32,
        space: SpaceId,
        name: String,
        /// Relay clock when it was made, milliseconds since 1970 UTC.
        made_ms: i64,
        /// The relay's public key.
        relay: Hex<32>,
    },
    /// A device that wrote here, and whose it is.
    Device {
        id: DeviceId,
        name: String,
        member: MemberId,
        member_name: String,
        key: Hex<32>,
    },
    /// One place of the feed with what a device has signed.
    Envelope {
        seq: u64,
        hash: Hex<32>,
        received_ms: i64,
        header: Bytes,
        signature: Hex<64>,
        digest: Hex<32>,
        /// `None` if the document was erased.
        run: Option<Bytes>,
    },
    /// One place of the feed with what the relay has signed.
    Notice {
        seq: u64,
        hash: Hex<32>,
        received_ms: i64,
        body: Bytes,
        signature: Hex<64>,
    },
    /// The hash the rows of the access log that follow go on from.
    AccessLog { before: Hex<32> },
    /// A row of the access log about this space.
    Access {
        number: i64,
        at_ms: i64,
        member: Option<MemberId>,
        action: String,
        space: Option<SpaceId>,
        doc: Option<DocId>,
        reason: Option<String>,
        /// `None` of a row from before there were salts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        salt: Option<Hex<16>>,
        hash: Hex<32>,
    },
    /// A row about another: nothing but the hash of what it says and of its salt, so that the chain goes on
    /// and nobody finds out what it says by trying.
    Elsewhere { number: i64, content: Hex<32> },
    /// The last: how much there is, and the relay's signature under the line before.
    End {
        entries: u64,
        rows: u64,
        signature: Hex<64>,
    },
}

/// Bytes as hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hex<const N: usize>([u8; N]);

/// Any number of them, as Base64.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Bytes(Vec<u8>);

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom(format!("not {N} bytes")))
    }
}

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&data_encoding::BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let bytes = data_encoding::BASE64.decode(text.as_bytes());
        bytes.map(Self).map_err(serde::de::Error::custom)
    }
}

impl Line {
    /// A row of the access log.
    fn access(number: i64, entry: Entry, salt: Option<Salt>, hash: [u8; 32]) -> Self {
        Line::Access {
            number,
            at_ms: entry.at_ms,
            member: entry.member,
            action: entry.action,
            space: entry.space,
            doc: entry.doc,
            reason: entry.reason,
            salt: salt.map(Hex),
            hash: Hex(hash),
        }
    }
}

/// The running hash of the lines.
fn line_hash(before: &[u8; 32], object: &[u8]) -> [u8; 32] {
    let mut sha = Sha256::new();
    sha.update(before);
    sha.update(object);
    sha.finalize().into()
}

/// What the relay signs in the last line: a domain word, the running hash of the line before, the counts.
fn signed_bytes(before: &[u8; 32], entries: u64, rows: u64) -> Vec<u8> {
    let mut bytes = b"sopu-audit-1".to_vec();
    bytes.extend_from_slice(before);
    bytes.extend_from_slice(&entries.to_be_bytes());
    bytes.extend_from_slice(&rows.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests;
