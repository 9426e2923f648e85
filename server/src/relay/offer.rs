//! What devices offer after the relay came back from a backup: envelopes and notices it accepted
//! once, as the accept tag proves. Every device may bring them, also for a space it is not in, and one
//! that is cut off before it is wiped: the tag says that they belong there.

use std::collections::BTreeSet;

use sopu_core::envelope::{self, decode};
use sopu_core::id::SpaceId;
use sopu_core::wire::{Notice, NoticeKind, Offer, SignedNotice, Verdict};

use super::{Relay, Topic, lock};
use crate::access::erasures::{AWAITED, MOVED};
use crate::feed::accept::{self, Arrival, Sound};
use crate::feed::append;
use crate::feed::known::Known;
use crate::ledger::Erasure;
use crate::store::{DeviceRow, RelayStore, Result};

/// An offer that is what this relay once accepted.
enum Genuine {
    Envelope(Box<Sound>),
    Notice(Notice, SignedNotice),
}

impl Relay {
    /// Takes offers back, all in one commit; one answer each.
    pub(super) fn take_offers(
        &self,
        bearer: &DeviceRow,
        offers: &[Offer],
        arrival: Arrival,
    ) -> Result<Vec<Verdict>> {
        if offers.is_empty() {
            return Ok(Vec::new());
        }
        if bearer.cloned_ms.is_some() && bearer.revoked_ms.is_none() {
            // It is to enrol again first; nobody has told it what is missing.
            let refused = Verdict::Refused("not_now".into());
            return Ok(vec![refused; offers.len()]);
        }
        let bearer = bearer.id;
        let envelopes = offers.iter().filter_map(|offer| match offer {
            Offer::Envelope { envelope, .. } => Some(envelope),
            Offer::Notice { .. } => None,
        });
        self.know_own_again(envelopes, arrival.now_ms)?;
        let examined: Vec<std::result::Result<Genuine, &'static str>> =
            self.commits.read(|store| {
                let mut known = Known::default();
                let all = offers
                    .iter()
                    .map(|offer| self.examine(store, &mut known, offer));
                all.collect()
            })?;
        for genuine in examined.iter().flatten() {
            if let Genuine::Notice(notice, _) = genuine {
                self.erase_again(notice)?;
            }
        }
        let grew: BTreeSet<SpaceId> = examined
            .iter()
            .flatten()
            .filter_map(|genuine| match genuine {
                Genuine::Envelope(_) => None,
                Genuine::Notice(notice, _) => Some(notice.space),
            })
            .collect();
        // Notices get their place at once, so the merge lock keeps the order of places.
        let _merger = lock(&self.merger);
        let keys = self.keys.clone();
        let answers = self.commits.write(move |store| {
            let mut known = Known::default();
            let take = |one: std::result::Result<Genuine, &'static str>| match one {
                Ok(Genuine::Envelope(sound)) => {
                    // Only the one that made it is sure to have it, see `Entry::Own`.
                    let own = sound.header().device == bearer;
                    let instance = arrival.instance.filter(|_| own);
                    sound.take_back(
                        store,
                        &mut known,
                        Arrival {
                            instance,
                            ..arrival
                        },
                        bearer,
                    )
                }
                Ok(Genuine::Notice(notice, _)) if is_awaited(store, &notice)? => {
                    Ok(Verdict::Refused(AWAITED.into()))
                }
                Ok(Genuine::Notice(notice, signed)) => {
                    append::take_back(store, &keys, &notice, &signed)
                }
                Err(code) => Ok(Verdict::Refused(code.into())),
            };
            examined.into_iter().map(take).collect()
        })?;
        for space in &grew {
            self.grew(*space);
        }
        self.listeners.tell(grew.into_iter().map(Topic::Space));
        Ok(answers)
    }

    fn examine(
        &self,
        store: &mut dyn RelayStore,
        known: &mut Known,
        offer: &Offer,
    ) -> Result<std::result::Result<Genuine, &'static str>> {
        match offer {
            Offer::Envelope { envelope, accept } => {
                let sound = match accept::examine(store, known, &envelope::encode(envelope))? {
                    Ok(sound) => sound,
                    Err(refusal) => return Ok(Err(refusal.code)),
                };
                let header = sound.header();
                let signer = Some(header.device);
                if self.keys.accept_tag(header.space, &sound.id(), signer) != *accept {
                    return Ok(Err("not_accepted_before"));
                }
                Ok(Ok(Genuine::Envelope(Box::new(sound))))
            }
            Offer::Notice { notice, accept } => {
                let Some(body) = decode::<Notice>(&notice.body) else {
                    return Ok(Err("bad_cbor"));
                };
                let tag = self.keys.accept_tag(body.space, &notice.id(), None);
                if tag != *accept || !self.keys.verify_notice(notice) {
                    return Ok(Err("not_accepted_before"));
                }
                Ok(Ok(Genuine::Notice(body, notice.clone())))
            }
        }
    }

    /// A notice of an erasure that this relay does not know of: its ledger was lost too. The document
    /// is erased again before anything else is taken; but one that was moved only once what it became is
    /// back, and so long the notice is not taken.
    fn erase_again(&self, notice: &Notice) -> Result<()> {
        let NoticeKind::Erased(reason) = &notice.what else {
            return Ok(());
        };
        let known = self.commits.read(|store| store.document(notice.doc))?;
        if known.is_some_and(|row| row.erased_ms.is_some() || row.space != notice.space) {
            return Ok(());
        }
        if reason == MOVED {
            let doc = notice.doc;
            return self.commits.write(move |store| store.await_move(doc, None));
        }
        self.erase_as(&Erasure {
            doc: notice.doc,
            space: notice.space,
            // Of one that never came back nobody knows the kind; nobody will ask for it either.
            kind: known.map_or(0, |row| row.kind),
            at_ms: notice.at_ms,
            reason: reason.clone(),
            moved_to: None,
        })
        .map_err(|error| match error {
            super::EraseError::Store(error) => error,
            super::EraseError::Record(error) => {
                crate::store::StoreError::Backend(std::sync::Arc::new(error))
            }
            super::EraseError::Unknown
            | super::EraseError::LegalHold
            | super::EraseError::Moved(_) => {
                crate::store::StoreError::Corrupt("an erased document")
            }
        })
    }
}

/// Whether it says that a document was erased which stays until what it became is back.
fn is_awaited(store: &mut dyn RelayStore, notice: &Notice) -> Result<bool> {
    let moved = matches!(&notice.what, NoticeKind::Erased(reason) if reason == MOVED);
    let here = store.document(notice.doc)?;
    Ok(moved && here.is_none_or(|row| row.erased_ms.is_none() && row.space == notice.space))
}
