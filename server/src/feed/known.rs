//! What stays the same while one request is judged: looked up once, not once an envelope.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use ed25519_dalek::VerifyingKey;
use sopu_core::id::{DeviceId, MemberId, SpaceId};

use crate::access::standing::Grant;
use crate::store::{DeviceRow, RelayStore, Result};

/// Lives no longer than the transaction it was filled in.
#[derive(Default)]
pub struct Known {
    signers: BTreeMap<DeviceId, Option<Signer>>,
    spaces: BTreeMap<SpaceId, bool>,
    grants: BTreeMap<(MemberId, SpaceId), Vec<Grant>>,
}

/// A device that signs.
#[derive(Clone, Debug)]
pub struct Signer {
    /// As it is kept.
    pub row: DeviceRow,
    /// Its key; `None` if it is none.
    pub key: Option<VerifyingKey>,
}

impl Known {
    /// A device, with its key made ready.
    pub fn signer(&mut self, store: &mut dyn RelayStore, id: DeviceId) -> Result<Option<&Signer>> {
        Ok(match self.signers.entry(id) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(free) => free.insert(store.device(id)?.map(|row| Signer {
                key: VerifyingKey::from_bytes(&row.key).ok(),
                row,
            })),
        }
        .as_ref())
    }

    /// Whether there is such a space.
    pub fn has_space(
        &mut self,
        store: &mut dyn RelayStore,
        space: SpaceId,
        now_ms: i64,
    ) -> Result<bool> {
        Ok(match self.spaces.entry(space) {
            Entry::Occupied(found) => *found.get(),
            Entry::Vacant(free) => *free.insert(store.space(space, now_ms)?.is_some()),
        })
    }

    /// What a member may do in a space.
    pub fn grants(
        &mut self,
        store: &mut dyn RelayStore,
        member: MemberId,
        space: SpaceId,
    ) -> Result<&[Grant]> {
        Ok(match self.grants.entry((member, space)) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(free) => free.insert(store.grants(member, space)?),
        })
    }
}
