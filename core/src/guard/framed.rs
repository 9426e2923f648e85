//! Loading what this store saved itself. `Automerge::load` catches accidents but not malice, and
//! an incremental load drops damaged parts without a word; so only framed blobs are ever loaded,
//! and what comes out must have the heads it was stored with.

use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::Automerge;

use crate::frame::unframe;
use crate::id::Version;

/// A stored document is not what was stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Damage {
    /// The frame does not open to what was framed.
    #[error("the frame is damaged")]
    Frame,
    /// Automerge does not load it.
    #[error("the document does not load")]
    Load,
    /// It loads, at other heads than it was stored with.
    #[error("the document has other heads")]
    Heads,
}

/// Loads a framed `save()`, and sees that it has the heads it was stored with.
///
/// # Errors
/// If it is damaged or, for whatever reason, does not load to these heads.
pub fn load_framed(framed: &[u8], heads: &Version) -> Result<Automerge, Damage> {
    let bytes = unframe(framed).ok_or(Damage::Frame)?;
    let doc = catch_unwind(AssertUnwindSafe(|| Automerge::load(bytes)))
        .map_err(|_| Damage::Load)?
        .map_err(|_| Damage::Load)?;
    if Version::from(doc.get_heads()) == *heads {
        Ok(doc)
    } else {
        Err(Damage::Heads)
    }
}
