//! What devices offer after the relay came back from a backup: envelopes and notices it accepted
//! once, as the accept tag proves.

use sopu_core::envelope;
use sopu_core::wire::{Notice, Offer};

use super::{Relay, Topic, lock};
use crate::feed::accept::{self, Arrival};
use crate::feed::append;
use crate::store::StoreError;

impl Relay {
    /// Takes offers back; one answer each: whether the relay has it now.
    pub(super) fn take_offers(
        &self,
        offers: &[Offer],
        arrival: Arrival,
    ) -> Result<Vec<bool>, StoreError> {
        offers
            .iter()
            .map(|offer| self.take_offer(offer, arrival))
            .collect()
    }

    fn take_offer(&self, offer: &Offer, arrival: Arrival) -> Result<bool, StoreError> {
        match offer {
            Offer::Envelope { envelope, accept } => {
                let bytes = envelope::encode(envelope);
                let Ok(sound) = self.commits.read(|store| accept::examine(store, &bytes))? else {
                    return Ok(false);
                };
                let header = sound.header();
                let tag = self
                    .keys
                    .accept_tag(header.space, &sound.id(), Some(header.device));
                if tag != *accept {
                    return Ok(false);
                }
                // It may come from any device, not only the one that made it.
                let arrival = Arrival {
                    instance: None,
                    ..arrival
                };
                self.commits
                    .write(move |store| sound.take_back(store, arrival))
            }
            Offer::Notice { notice, accept } => {
                let Some(body) = envelope::decode::<Notice>(&notice.body) else {
                    return Ok(false);
                };
                let tag = self.keys.accept_tag(body.space, &notice.id(), None);
                if tag != *accept || !self.keys.verify_notice(notice) {
                    return Ok(false);
                }
                // Notices get their place at once, so the merge lock keeps the order of places.
                let _merger = lock(&self.merger);
                let (keys, notice, space) = (self.keys.clone(), notice.clone(), body.space);
                let taken = self
                    .commits
                    .write(move |store| append::take_back(store, &keys, &body, &notice))?;
                self.grew(space);
                self.listeners.tell([Topic::Space(space)]);
                Ok(taken)
            }
        }
    }
}
