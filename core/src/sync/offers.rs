//! After the relay came back from a backup: this device offers all it holds that the relay has lost,
//! whoever wrote it, until the relay has said something of each.
//!
//! Offers begin when the device has everything the relay has: what someone else brought back before
//! need not be sent again. What is still to be offered is in the store (`outbox`, state *lost*), so
//! a device interrupted anywhere carries on.

use crate::device::{Device, Result};
use crate::guard::Limits;
use crate::id::EnvelopeId;
use crate::store::{notice, outbox, space};
use crate::wire::{Offer, Verdict, limits};

impl Device {
    /// What to offer next, in about so many bytes.
    pub(crate) fn next_offers(&self, bytes: usize) -> Result<Vec<Offer>> {
        if self.cut_at.is_none() || self.must_enrol_again()? || bytes == 0 {
            return Ok(Vec::new());
        }
        let conn = self.store.conn();
        let (most, put_off) = (limits::PUSH_COUNT, &self.put_off);
        if !self.current {
            // Of a space that was left nobody tells this device what is there again.
            return Ok(match self.recovering()? {
                true => Vec::new(),
                false => outbox::to_offer(conn, outbox::Spaces::Left, bytes, most, put_off)?,
            });
        }
        let mut offers = outbox::to_offer(conn, outbox::Spaces::All, bytes, most, put_off)?;
        let mut left = bytes.saturating_sub(offers.iter().map(size_bytes).sum());
        // Notices after the envelopes: the relay takes none about a document it does not know.
        for lost in notice::lost(conn, None)? {
            if self.put_off.contains(&lost.signed.id()) {
                continue;
            }
            let offer = Offer::Notice {
                notice: lost.signed,
                accept: lost.accept,
            };
            let size = size_bytes(&offer);
            if offers.len() == limits::PUSH_COUNT || (size > left && !offers.is_empty()) {
                break;
            }
            left = left.saturating_sub(size);
            offers.push(offer);
        }
        Ok(offers)
    }

    /// Whether there is anything to offer besides what the relay put off.
    pub(crate) fn has_offers(&self) -> Result<bool> {
        if self.cut_at.is_none() {
            return Ok(false);
        }
        let conn = self.store.conn();
        if outbox::has_lost(conn, None, &self.put_off)? {
            return Ok(true);
        }
        let lost = notice::lost(conn, None)?;
        Ok(lost.iter().any(|n| !self.put_off.contains(&n.signed.id())))
    }

    /// The relay's answers to what was offered, by envelope or notice.
    pub(super) fn offered<'a>(
        offers: &'a [Offer],
        answers: &'a [Verdict],
    ) -> impl Iterator<Item = (EnvelopeId, &'a Verdict)> {
        let known = |(offer, verdict)| Some((id_of(offer)?, verdict));
        offers.iter().zip(answers).filter_map(known)
    }

    /// Whether anything of a space that was left is still to be offered, also what the relay could not take
    /// just now.
    pub(super) fn owes(&self, space: crate::id::SpaceId) -> Result<bool> {
        let declined = self
            .put_off
            .difference(&self.offer_later)
            .copied()
            .collect();
        Ok(outbox::has_lost(self.store.conn(), Some(space), &declined)?)
    }

    /// Whether anything at all is still to be offered, also what the relay could not take just now.
    pub(super) fn owes_any(&self) -> Result<bool> {
        Ok(!self.offer_later.is_empty() || self.has_offers()?)
    }

    /// Whether every space is here up to where the last response ended.
    pub(super) fn caught_up(&self) -> Result<bool> {
        let spaces = space::spaces(self.store.conn())?;
        let complete = |space: &space::Space| {
            space.left_ms.is_some() || space.cursor.as_ref().is_some_and(|c| c.first.is_none())
        };
        Ok(spaces.iter().all(complete))
    }
}

fn size_bytes(offer: &Offer) -> usize {
    match offer {
        Offer::Envelope { envelope, .. } => envelope.header.len() + envelope.run.len() + 112,
        Offer::Notice { notice, .. } => notice.body.len() + 100,
    }
}

pub(super) fn id_of(offer: &Offer) -> Option<EnvelopeId> {
    match offer {
        Offer::Envelope { envelope, .. } => Some(envelope.proof(&Limits::DEVICE)?.id()),
        Offer::Notice { notice, .. } => Some(notice.id()),
    }
}
