//! The frame around every stored blob. `Automerge::load` catches accidents but not malice, and an
//! incremental load drops damaged parts without a word; so what this store did not frame itself, it
//! never loads.

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::Automerge;
use sha2::{Digest, Sha256};

use crate::id::Version;

const VERSION: u8 = 1;
const HEAD: usize = 1 + 4 + 32;

/// A stored blob is not what was stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Damage {
    /// A frame of a version this program does not know.
    #[error("unknown frame version")]
    Version,
    /// Shorter or longer than it says.
    #[error("wrong length")]
    Length,
    /// The bytes do not hash to what was stored.
    #[error("wrong hash")]
    Hash,
    /// Automerge does not load it.
    #[error("does not load")]
    Load,
    /// It loads, at other heads than it was stored with.
    #[error("other heads")]
    Heads,
}

/// Version, length, SHA-256, bytes.
pub fn frame(bytes: &[u8]) -> Vec<u8> {
    let mut framed = Vec::with_capacity(HEAD + bytes.len());
    framed.push(VERSION);
    framed.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    framed.extend_from_slice(&Sha256::digest(bytes));
    framed.extend_from_slice(bytes);
    framed
}

/// The bytes of a frame.
///
/// # Errors
/// If they are not exactly those that were framed.
pub fn unframe(framed: &[u8]) -> Result<&[u8], Damage> {
    let (head, bytes) = framed.split_at_checked(HEAD).ok_or(Damage::Length)?;
    if head[0] != VERSION {
        return Err(Damage::Version);
    }
    let len = u32::try_from(bytes.len()).map_err(|_| Damage::Length)?;
    if head[1..5] != len.to_be_bytes() {
        return Err(Damage::Length);
    }
    if head[5..] != *Sha256::digest(bytes) {
        return Err(Damage::Hash);
    }
    Ok(bytes)
}

/// Loads a framed `save()`, and sees that it has the heads it was stored with.
///
/// # Errors
/// If it is damaged or, for whatever reason, does not load to these heads.
pub fn load_framed(framed: &[u8], heads: &Version) -> Result<Automerge, Damage> {
    let bytes = unframe(framed)?;
    let doc = catch_unwind(AssertUnwindSafe(|| Automerge::load(bytes)))
        .map_err(|_| Damage::Load)?
        .map_err(|_| Damage::Load)?;
    if Version::from(doc.get_heads()) == *heads {
        Ok(doc)
    } else {
        Err(Damage::Heads)
    }
}
