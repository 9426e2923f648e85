//! A kept envelope as it travels.

use sopu_core::chunk::Made;
use sopu_core::encoding::rebuild_changes;
use sopu_core::envelope::{Envelope, Proof, digest};
use sopu_core::guard::Limits;
use sopu_core::id::Hash;

use crate::store::{EnvelopeRow, Result, StoreError};

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

    /// The changes that were signed; `None` once its run was erased. A run in which a disk changed a bit may
    /// still be one, of other changes: nothing is built on it.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`].
    pub fn signed_changes(&self) -> Result<Option<Vec<Made>>> {
        let damaged = || StoreError::Corrupt("the run of an envelope");
        let Some(run) = &self.run else {
            return Ok(None);
        };
        let changes = rebuild_changes(run, &Limits::RELAY).map_err(|_| damaged())?;
        let hashes: Vec<Hash> = changes.iter().map(Made::hash).collect();
        if digest(&hashes) != self.digest {
            return Err(damaged());
        }
        Ok(Some(changes))
    }

    /// Roughly its bytes on the wire, before compression.
    pub fn size_bytes(&self) -> usize {
        self.header.len() + self.run.as_ref().map_or(32, Vec::len) + 120
    }
}
