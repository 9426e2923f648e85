//! A kept envelope as it travels.

use sopu_core::envelope::{Envelope, Proof};

use crate::store::EnvelopeRow;

impl EnvelopeRow {
    /// Whole; `None` once its run was erased.
    pub fn to_envelope(&self) -> Option<Envelope> {
        let run = self.run.clone()?;
        Some(Envelope {
            header: self.header.clone(),
            signature: self.signature,
            run,
        })
    }

    /// Without its run.
    pub fn to_proof(&self) -> Proof {
        Proof {
            header: self.header.clone(),
            signature: self.signature,
            digest: self.digest,
        }
    }

    /// Roughly its bytes on the wire, before compression.
    pub fn size_bytes(&self) -> usize {
        self.header.len() + self.run.as_ref().map_or(32, Vec::len) + 120
    }
}
