//! What is to be delivered before a wipe, or before a space that was left goes; and what can never be: it is
//! left out, so that one flipped bit does not keep what the relay has ordered away from being done.
//!
//! Left out is what is damaged here, and what several answers in a row did not take while they took nothing
//! else. Work that only waits for the relay to know its kind, as a later version of it will, is left out of a wipe, for
//! the device may be in anybody's hands; in a space that was left it goes on waiting.

use std::collections::BTreeMap;

use super::incoming::SIGNER_UNKNOWN;
use super::outgoing::Outgoing;
use super::replay::refusal;
use crate::device::{Device, Result};
use crate::id::{EnvelopeId, SpaceId};
use crate::store::outbox::{self, State};
use crate::store::{StoreError, document, put_by};
use crate::wire::Verdict;

/// So many answers in a row that took nothing are enough.
const ANSWERS: u32 = 3;

/// What the relay puts off, not for a moment but as long as it is as it is.
#[derive(Default)]
pub(crate) struct NotTaken {
    /// The envelopes, and whether a later version of the relay may take them.
    envelopes: BTreeMap<EnvelopeId, bool>,
    /// How many answers in a row took nothing of all that was sent.
    answers: u32,
    /// The request that the last of them answered.
    last: u64,
}

impl NotTaken {
    /// Hears the verdicts on what a request pushed. What was only `asked` about had been taken before.
    pub(super) fn hear(
        &mut self,
        outgoing: &Outgoing,
        answers: &[Verdict],
        asked: &BTreeMap<EnvelopeId, i64>,
    ) {
        if outgoing.number <= self.last || outgoing.sent.is_empty() {
            return;
        }
        self.last = outgoing.number;
        for (id, verdict) in outgoing.sent.iter().zip(answers) {
            match verdict {
                Verdict::Refused(code) if code == SIGNER_UNKNOWN => {
                    self.envelopes.insert(*id, false);
                }
                Verdict::Refused(code) if code == "kind_unknown" => {
                    self.envelopes.insert(*id, true);
                }
                Verdict::Waiting
                | Verdict::Fed(_)
                | Verdict::Held(_)
                | Verdict::Final(_)
                | Verdict::Erased
                | Verdict::Refused(_) => {
                    self.envelopes.remove(id);
                }
            }
        }
        let mut sent = outgoing.sent.iter().filter(|id| !asked.contains_key(id));
        if !sent.all(|id| self.envelopes.contains_key(id)) {
            self.answers = 0;
        } else if outgoing
            .sent
            .iter()
            .any(|id| self.envelopes.contains_key(id))
        {
            self.answers += 1;
        }
    }

    /// Whether it is hopeless to send this; with `now`, also if a later relay may take it.
    fn hopeless(&self, id: EnvelopeId, now: bool) -> bool {
        let later = self.envelopes.get(&id);
        self.answers >= ANSWERS && later.is_some_and(|later| now || !later)
    }
}

/// One's own work that the relay does not have.
#[derive(Default)]
pub(super) struct Undelivered {
    /// There is some that may still be delivered.
    pub open: bool,
    /// Envelopes, and documents with changes in none, that cannot be.
    pub left_out: u32,
}

impl Undelivered {
    fn count(&mut self, hopeless: bool) {
        self.open |= !hopeless;
        self.left_out += u32::from(hopeless);
    }
}

impl Device {
    /// What is not delivered of a space that is being left, or, before a wipe, of all.
    pub(super) fn undelivered(&self, space: Option<SpaceId>) -> Result<Undelivered> {
        let conn = self.store.conn();
        let is_in = |id| space.is_none_or(|space| space == id);
        let damaged = self.damaged_here()?;
        let mut found = Undelivered::default();
        for doc in outbox::unsealed_documents(conn)? {
            if document::row(conn, doc)?.is_some_and(|row| is_in(row.space)) {
                found.count(damaged.contains(&doc));
            }
        }
        for envelope in outbox::unsettled(conn, None)? {
            if !is_in(envelope.space) {
                continue;
            }
            if envelope.state == State::Sealed {
                let hopeless = self.not_taken.hopeless(envelope.id, space.is_none());
                found.count(hopeless || is_damaged(outbox::run(conn, envelope.id))?);
            } else if envelope.own && refusal(&envelope.state).is_some() {
                // What was refused is made again, unless its document is damaged or not here.
                let gone = document::row(conn, envelope.doc)?.is_none();
                found.count(gone || damaged.contains(&envelope.doc));
            }
        }
        // What these build on comes with the feed, and there is none any more.
        let waiting = put_by::all(conn)?;
        let waiting = waiting.values().filter(|put| is_in(put.space)).count();
        found.left_out += u32::try_from(waiting).unwrap_or(u32::MAX);
        Ok(found)
    }
}

fn is_damaged<T>(read: crate::store::Result<T>) -> Result<bool> {
    match read {
        Ok(_) => Ok(false),
        Err(StoreError::Damaged { .. }) => Ok(true),
        Err(other) => Err(other.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::DeviceId;
    use crate::wire::{Cursors, PROTOCOL, SyncRequest};

    const ID: [EnvelopeId; 2] = [EnvelopeId([1; 32]), EnvelopeId([2; 32])];

    fn sent(number: u64, sent: &[EnvelopeId]) -> Outgoing {
        Outgoing {
            request: SyncRequest {
                protocol: PROTOCOL,
                instance: [0; 16],
                cursors: Cursors::Vector(Vec::new()),
                wait_ms: 0,
                push: Vec::new(),
                now_ms: 0,
                status_seen: 0,
                max_bytes: 0,
                done: Vec::new(),
                offers: Vec::new(),
                about: None,
                reads: None,
            },
            sent: sent.to_vec(),
            device: DeviceId(uuid::Uuid::nil()),
            number,
        }
    }

    fn refused(code: &str) -> Verdict {
        Verdict::Refused(code.to_owned())
    }

    #[test]
    fn only_what_three_answers_that_took_nothing_else_did_not_take_is_hopeless() {
        let (mut heard, none) = (NotTaken::default(), BTreeMap::new());
        let kind = [refused("kind_unknown")];
        for (number, hopeless) in [(1, false), (2, false), (2, false), (3, true)] {
            heard.hear(&sent(number, &ID[..1]), &kind, &none);
            assert_eq!(heard.hopeless(ID[0], true), hopeless, "answer {number}");
        }
        assert!(!heard.hopeless(ID[0], false), "a later relay may know it");
        assert!(!heard.hopeless(ID[1], true), "never heard of");
        // The relay is at work: it may be another one, that knows it.
        heard.hear(
            &sent(4, &ID),
            &[refused("kind_unknown"), Verdict::Waiting],
            &none,
        );
        assert!(!heard.hopeless(ID[0], true));
        for number in 5..8 {
            heard.hear(&sent(number, &ID[..1]), &[refused("signer_unknown")], &none);
        }
        assert!(heard.hopeless(ID[0], false));
        // One that was only asked about had been taken before.
        let asked = BTreeMap::from([(ID[1], 1)]);
        heard.hear(
            &sent(8, &ID),
            &[refused("signer_unknown"), Verdict::Waiting],
            &asked,
        );
        assert!(heard.hopeless(ID[0], false));
        heard.hear(&sent(9, &ID[..1]), &[Verdict::Waiting], &asked);
        assert!(!heard.hopeless(ID[0], true));
    }

    #[test]
    fn a_relay_that_is_busy_gives_nothing_up() {
        let mut heard = NotTaken::default();
        for number in 1..9 {
            heard.hear(
                &sent(number, &ID[..1]),
                &[refused("busy")],
                &BTreeMap::new(),
            );
        }
        assert!(!heard.hopeless(ID[0], true));
    }
}
