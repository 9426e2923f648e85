//! Before a device is there, and after it.

use std::path::Path;

use sopu_core::device::removal;
use sopu_core::invitation;

use crate::device::guarded;
use crate::error::SopuError;

/// What a phone scans to join: hand both to `enrol`.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Invitation {
    /// The relay's address.
    pub relay: String,
    /// The invite code.
    pub code: String,
}

/// What an invitation says: the text of the office's QR code or link, `https://relay/enrol#CODE`. `BadValue` of
/// `invitation` for anything else, such as another code that was scanned.
#[uniffi::export]
pub fn read_invitation(text: String) -> Result<Invitation, SopuError> {
    let read: invitation::Invitation = text
        .parse()
        .map_err(|_| SopuError::argument("invitation"))?;
    Ok(Invitation {
        relay: read.relay,
        code: read.code,
    })
}

/// Takes away a store that was shut, with all that stands beside it (damaged copies that a salvage kept, too), and its
/// instance folder unless something else is in it. Unsent work is gone then. Again does nothing. Then forget the keys.
#[uniffi::export]
pub fn remove_installation(store: String, instance_dir: String) -> Result<(), SopuError> {
    guarded(|| removal::remove_installation(Path::new(&store), Path::new(&instance_dir)))
}
